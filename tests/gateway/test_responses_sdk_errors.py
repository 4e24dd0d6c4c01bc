"""What the official SDK raises from Responses, and what is refused since no upstream holds it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import openai
import pytest

from tests.gateway.responses_callers import OTHERS, ResponsesCaller
from tests.live_site import Site

SERVER = openai.InternalServerError
RAISED: dict[str, tuple[type[openai.APIStatusError], str]] = {
    "status-400": (openai.BadRequestError, "invalid_request"),
    "context": (openai.BadRequestError, "context_length_exceeded"),
    "status-401": (SERVER, "upstream_auth"),
    "status-404": (openai.NotFoundError, "model_not_found"),
    "rate-limit-7": (openai.RateLimitError, "rate_limited"),
    "quota": (openai.RateLimitError, "quota_exhausted"),
    "overloaded-5": (SERVER, "upstream_overloaded"),
    "status-500": (SERVER, "upstream_error"),
    "html": (SERVER, "bad_upstream_content"),
}
"""Failure of the upstream: exception and code."""


@pytest.fixture(params=OTHERS, ids=lambda way: "-".join(way))
def caller(request: pytest.FixtureRequest, site: Site) -> ResponsesCaller:
    """The SDK, both ways, over one connection in each other dialect."""
    caller = ResponsesCaller(site, *request.param)
    caller.connect()
    return caller


@pytest.mark.parametrize("failure", RAISED)
def test_a_failure_of_the_upstream_is_raised_as_the_class_it_is(site: Site, failure: str) -> None:
    kind, code = RAISED[failure]
    for dialect, mode in OTHERS:
        caller = ResponsesCaller(site, dialect, mode)
        ways: dict[str, Callable[[Any], Any]] = {"plain": caller.create, "stream": caller.stream}
        for way, ask in ways.items():
            caller.connect(failure=failure, name=f"{dialect}-{mode}-{way}".replace("_", "-"))
            with pytest.raises(openai.APIStatusError) as caught:
                ask("Hello there")
            assert (type(caught.value), caught.value.code) == (kind, code)
            assert "127.0.0.1" not in caught.value.message


def test_a_wrong_key_is_an_authentication_error(site: Site) -> None:
    site.connect(site.upstream("openai_chat"))
    with site.sdk(api_key="kn_wrong") as sdk, pytest.raises(openai.AuthenticationError):
        sdk.responses.create(model="auto", input="Hello")


def test_an_error_in_the_middle_of_a_stream_is_raised_and_nothing_follows(
    caller: ResponsesCaller,
) -> None:
    caller.connect(failure="sse-error-later")
    for ask in (caller.stream, caller.assembled):
        with pytest.raises(openai.APIError) as caught:
            ask("Hello there, my dear friend")
        assert not isinstance(caught.value, openai.APIStatusError | openai.APIConnectionError)
        assert caught.value.code
    assert [row.outcome for row in caller.site.rows()] == ["error", "error"]


def test_the_events_of_a_stream_that_breaks_off(site: Site) -> None:
    site.connect(site.upstream("anthropic_messages", failure="sse-error-later"))
    with site.sdk() as sdk:
        answer = sdk.responses.with_raw_response.create(
            model="auto", input="Hello there, my dear friend", stream=True
        )
        told = answer.http_response.read().decode()
    *before, last, nothing = told.split("\n\n")
    assert nothing == ""
    assert last.startswith("event: error\n")
    assert '"type":"error"' in last
    assert f'"sequence_number":{len(before)}' in last
    assert not [each for each in before if "response.completed" in each]


KEPT = {
    "previous_response_id": "resp_123",
    "conversation": "conv_123",
    "prompt": {"id": "pmpt_123"},
    "background": True,
}


@pytest.mark.parametrize("field", KEPT)
def test_what_only_another_upstream_holds_is_refused_with_the_way_out(
    caller: ResponsesCaller, field: str
) -> None:
    given: dict[str, Any] = {field: KEPT[field]}
    for ask in (caller.create, caller.stream):
        with pytest.raises(openai.BadRequestError, match=field) as caught:
            ask("Hello", **given)
        assert (caught.value.code, caught.value.param) == ("unsupported_feature", field)
    if field != "background":
        assert "Send the" in caught.value.message
    assert caller.site.simulator.requests == []


def test_a_chain_answers_from_the_upstream_that_holds_the_answer_before(site: Site) -> None:
    site.connect(
        site.upstream("anthropic_messages", name="other"),
        site.upstream("openai_chat", name="holds"),
    )
    with site.sdk() as sdk:
        first = sdk.responses.create(model="holds", input="One")
        answer = sdk.responses.with_raw_response.create(
            model="auto", input="Two", previous_response_id=first.id
        )
    assert answer.headers["x-koneek-connection"] == "holds"
    assert answer.parse().output_text == "Echo: Two"
    sent: Any = site.simulator.requests[-1].json
    assert (sent["previous_response_id"], sent["input"]) == (first.id, "Two")
    assert [each["class"] for each in site.rows()[-1].attempts] == ["ok"]


def test_a_reference_to_an_item_is_refused_with_the_way_out(caller: ResponsesCaller) -> None:
    with pytest.raises(openai.BadRequestError, match="Send the item itself") as caught:
        caller.create([{"type": "item_reference", "id": "msg_1"}])
    assert (caught.value.code, caught.value.param) == ("unsupported_feature", "input[0]")


MALFORMED: dict[str, dict[str, Any]] = {
    "input": {"input": None},
    "input[0].role": {"input": [{"role": "robot", "content": "Hello"}]},
    "input[0].content[0].type": {"input": [{"role": "user", "content": [{"type": "text"}]}]},
    "input[0].call_id": {"input": [{"type": "function_call_output", "output": "x"}]},
    "tools[0].name": {"tools": [{"type": "function"}]},
    "tool_choice": {"tool_choice": "sometimes"},
    "temperature": {"temperature": 3},
    "text.format.type": {"text": {"format": {"type": "xml"}}},
    "stream": {"stream": "yes"},
}


@pytest.mark.parametrize("field", MALFORMED)
def test_a_malformed_field_is_named(site: Site, field: str) -> None:
    site.connect(site.upstream("anthropic_messages"))
    with site.sdk() as sdk, pytest.raises(openai.BadRequestError) as caught:
        sdk.responses.create(**{"model": "auto", "input": "Hello", **MALFORMED[field]})
    assert (caught.value.code, caught.value.param) == ("invalid_request", field)
    assert site.simulator.requests == []
