"""The main job: an OpenAI client gets its answer from the first connection that works."""

from __future__ import annotations

from typing import Any

import httpx
import openai
import pytest

from tests.live_site import Site, refused_address

HELLO: Any = [{"role": "user", "content": "Hello there"}]


def test_the_third_connection_answers_in_another_dialect_after_two_failed(site: Site) -> None:
    with refused_address() as nobody:
        first = site.upstream("openai_chat", name="first") | {"base_url": f"http://{nobody}/v1"}
        site.connect(
            first,
            site.upstream("openai_chat", name="second", failure="status-500"),
            site.upstream("anthropic_messages", name="third"),
        )
        response = site.sdk().chat.completions.with_raw_response.create(
            model="auto", messages=HELLO
        )

    assert response.status_code == 200
    assert response.headers["x-koneek-attempts"] == "3"
    assert response.headers["x-koneek-connection"] == "third"
    assert response.parse().choices[0].message.content == "Echo: Hello there"
    row = site.row()
    assert row.request_id == response.headers["x-request-id"]
    assert (row.outcome, row.connection, row.attempt_count) == ("success", "third", 3)
    assert [(each["connection"], each["class"], each["status"]) for each in row.attempts] == [
        ("first", "upstream_unreachable", None),
        ("second", "upstream_error", 500),
        ("third", "ok", 200),
    ]
    assert all(each["ms"] > 0 for each in row.attempts)
    assert row.gateway_key_name == "tests"
    assert row.dialect == "openai_chat"


def test_a_stream_falls_back_just_the_same(site: Site) -> None:
    site.connect(
        site.upstream("google_generate", name="first", failure="sse-error-first"),
        site.upstream("openai_chat", name="second", failure="malformed-event-first"),
        site.upstream("anthropic_messages", name="third"),
    )
    chunks = list(
        site.sdk().chat.completions.create(
            model="auto", messages=HELLO, stream=True, stream_options={"include_usage": True}
        )
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text.startswith("Echo")
    assert chunks[-1].usage is not None


def test_after_the_first_content_no_other_connection_is_asked_and_the_sdk_sees_an_error(
    site: Site,
) -> None:
    site.connect(
        site.upstream("anthropic_messages", name="breaks", failure="reset-midstream"),
        site.upstream("openai_chat", name="never"),
    )
    stream = site.sdk().chat.completions.create(model="auto", messages=HELLO, stream=True)
    received: list[object] = []
    with pytest.raises(openai.APIError):
        received.extend(stream)
    assert received, "content had arrived before the stream broke"
    row = site.row()
    assert row.outcome == "error"
    assert [each["connection"] for each in row.attempts] == ["breaks"]


def test_models_lists_every_name_that_may_be_asked_for(site: Site) -> None:
    site.connect(site.upstream("openai_chat", name="primary", models=["gpt-other"]))
    names = [model.id for model in site.sdk().models.list()]
    assert names == [
        "auto",
        "primary",
        "gpt-simulated",
        "primary/gpt-simulated",
        "gpt-other",
        "primary/gpt-other",
    ]


def test_an_unknown_model_is_a_404_that_lists_what_exists(site: Site) -> None:
    site.connect(site.upstream("openai_chat", name="primary"))
    with pytest.raises(openai.NotFoundError, match="primary") as caught:
        site.sdk().chat.completions.create(model="gpt-unknown", messages=HELLO)
    assert caught.value.code == "model_not_found"
    assert site.row().outcome == "refused"


def test_no_key_and_a_wrong_key_are_401(site: Site) -> None:
    site.connect(site.upstream("openai_chat"))
    with pytest.raises(openai.AuthenticationError):
        site.sdk(api_key="kn_wrong").chat.completions.create(model="auto", messages=HELLO)
    response = httpx.post(f"{site.base_url}/v1/chat/completions", json={"messages": HELLO})
    assert response.status_code == 401
    assert response.json()["error"]["code"] == "invalid_api_key"
