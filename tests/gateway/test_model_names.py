"""Which connections a model's name asks, and who may stand in, seen by the official openai SDK."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from ai_client.key_services import create_gateway_key
from tests.live_site import Site

HELLO: Any = [{"role": "user", "content": "Hello there"}]

STANDS_FOR = {
    "auto": ("first", "gpt-a"),
    "second": ("second", "gpt-b"),
    "third": ("third", "claude-c"),
    "second/gpt-new": ("second", "gpt-new"),
    "second/org/model": ("second", "org/model"),
    "gpt-b": ("second", "gpt-b"),
    "shared": ("first", "shared"),
    "second/shared": ("second", "shared"),
    "org/m": ("first", "org/m"),
}
"""By the name in a request: the connection that answers, and with which model."""


class TestModelNames:
    """Which connections a model's name asks, and which may stand in for them."""

    @pytest.fixture(autouse=True)
    def chain(self, site: Site) -> None:
        site.connect(
            site.upstream("openai_chat", name="first", model="gpt-a", models=["shared", "org/m"]),
            site.upstream("openai_chat", name="second", model="gpt-b", models=["shared"]),
            site.upstream("anthropic_messages", name="third", model="claude-c"),
        )

    def test_a_name_asks_the_connection_it_stands_for(self, site: Site) -> None:
        answered: dict[str, tuple[str, str | None]] = {}
        with site.sdk() as sdk:
            for name in STANDS_FOR:
                answer = sdk.chat.completions.with_raw_response.create(model=name, messages=HELLO)
                assert answer.headers["x-koneek-attempts"] == "1"
                answered[name] = (answer.headers["x-koneek-connection"], answer.parse().model)
        assert answered == STANDS_FOR
        logged = {row.requested_model: (row.connection, row.model) for row in site.rows()}
        assert logged == STANDS_FOR

    def test_an_unknown_name_is_not_found_and_those_there_are_are_listed(self, site: Site) -> None:
        with site.sdk() as sdk:
            for name in ("gpt-unknown", "nobody/gpt-a", "first/", "/", "Auto", "größer"):
                with pytest.raises(openai.NotFoundError) as caught:
                    sdk.chat.completions.create(model=name, messages=HELLO)
                assert (caught.value.code, caught.value.param) == ("model_not_found", "model")
                for known in ("auto", "first", "second", "third", "gpt-a", "shared", "claude-c"):
                    assert known in caught.value.message
        assert site.simulator.requests == []

    def test_an_empty_name_is_a_bad_request(self, site: Site) -> None:
        with site.sdk() as sdk, pytest.raises(openai.BadRequestError) as caught:
            sdk.chat.completions.create(model="", messages=HELLO)
        assert caught.value.param == "model"


class TestFallbackForbidden:
    """The rest of the chain stands in, unless the key or the request forbids it."""

    @pytest.fixture(autouse=True)
    def chain(self, site: Site) -> None:
        site.connect(
            site.upstream("openai_chat", name="broken", models=["shared"], failure="status-500"),
            site.upstream("openai_chat", name="works", models=["shared"]),
            site.upstream("anthropic_messages", name="last"),
        )

    @pytest.mark.parametrize("name", ["auto", "broken", "broken/gpt-new", "shared"])
    def test_others_answer_with_their_own_model_when_nobody_forbids_it(
        self, site: Site, name: str
    ) -> None:
        with site.sdk() as sdk:
            answer = sdk.chat.completions.with_raw_response.create(
                model=name, messages=HELLO, extra_headers={"x-koneek-fallback": "true"}
            )
        assert answer.headers["x-koneek-connection"] == "works"
        assert answer.headers["x-koneek-attempts"] == "2"
        assert answer.parse().model == ("shared" if name == "shared" else "gpt-simulated")

    @pytest.mark.parametrize("name", ["auto", "broken", "broken/gpt-new"])
    def test_a_request_may_forbid_it(self, site: Site, name: str) -> None:
        with site.sdk() as sdk, pytest.raises(openai.InternalServerError) as caught:
            sdk.chat.completions.create(
                model=name, messages=HELLO, extra_headers={"x-koneek-fallback": "false"}
            )
        assert caught.value.response.headers["x-koneek-attempts"] == "1"
        assert len(site.simulator.requests) == 1

    def test_a_key_may_forbid_it_and_a_request_cannot_allow_it_again(self, site: Site) -> None:
        _, plain = create_gateway_key("strict", allow_fallback=False)
        with site.sdk(api_key=plain) as sdk:
            for headers in ({}, {"x-koneek-fallback": "true"}):
                with pytest.raises(openai.InternalServerError) as caught:
                    sdk.chat.completions.create(
                        model="broken", messages=HELLO, extra_headers=headers
                    )
                assert caught.value.response.headers["x-koneek-attempts"] == "1"
        assert {row.gateway_key_name for row in site.rows()} == {"strict"}

    def test_connections_that_list_the_model_answer_even_so(self, site: Site) -> None:
        with site.sdk() as sdk:
            answer = sdk.chat.completions.with_raw_response.create(
                model="shared", messages=HELLO, extra_headers={"x-koneek-fallback": "no"}
            )
        assert answer.headers["x-koneek-connection"] == "works"

    def test_a_word_that_says_neither_is_a_bad_request(self, site: Site) -> None:
        with site.sdk() as sdk, pytest.raises(openai.BadRequestError, match="x-koneek-fallback"):
            sdk.chat.completions.create(
                model="auto", messages=HELLO, extra_headers={"x-koneek-fallback": "perhaps"}
            )
        assert site.simulator.requests == []
