"""What follows when a stream fails after its first content: an error, and nothing that hides it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import openai
import orjson
import pytest
from openai.types.chat import ChatCompletionChunk

from ai_client.usage_estimate import prompt_tokens
from tests.gateway.asking import HELLO, NEXT, asked, assert_safe, health_left
from tests.gateway.failure_table import ANTHROPIC, GOOGLE, OPENAI
from tests.live_site import Site

IDLE = 0.3


@dataclass(frozen=True, slots=True)
class Break:
    """A way for a stream to fail after two pieces of content, and the code that tells of it."""

    number: int
    failure: str
    code: str
    exceptions: Mapping[str, str] = field(default_factory=dict)
    dialects: tuple[str, ...] = (OPENAI, ANTHROPIC, GOOGLE)
    limits: Mapping[str, float] = field(default_factory=dict)


BREAKS = (
    Break(28, "sse-error-later", "upstream_overloaded", {OPENAI: "upstream_error"}),
    Break(28, "sse-error-later-429", "rate_limited"),
    Break(29, "truncated", "stream_truncated"),
    Break(29, "close-midstream", "stream_truncated"),
    Break(29, "reset-midstream", "stream_truncated"),
    Break(29, "no-end-marker", "stream_truncated", dialects=(ANTHROPIC, GOOGLE)),
    Break(30, "hang-midstream", "upstream_timeout", limits={"IDLE_TIMEOUT": IDLE}),
    Break(31, "malformed-event-later", "bad_upstream_content"),
    Break(31, "bad-utf8", "bad_upstream_content"),
    Break(33, "huge-body", "bad_upstream_content", dialects=(OPENAI,)),
    Break(38, "hang-midstream", "deadline_exceeded", limits={"DEADLINE": 1.0}, dialects=(GOOGLE,)),
)
CASES = [
    pytest.param(each, dialect, id=f"{each.number}-{each.failure}-{dialect}")
    for each in BREAKS
    for dialect in each.dialects
]

TOKENS_KNOWN_EARLY = (ANTHROPIC, GOOGLE)
"""Dialects that tell the prompt's tokens before the end of a stream."""


def chain(site: Site, broken: Break, dialect: str, settings: Any) -> str:
    settings.AI_CLIENT = {**settings.AI_CLIENT, **broken.limits}
    site.connect(
        site.upstream(dialect, name="first", failure=broken.failure),
        site.upstream(NEXT[dialect], name="second"),
    )
    return broken.exceptions.get(dialect, broken.code)


@pytest.mark.parametrize(("broken", "dialect"), CASES)
def test_the_sdk_raises_and_no_other_connection_is_asked(
    shared_site: Site, sdk: openai.OpenAI, settings: Any, broken: Break, dialect: str
) -> None:
    code = chain(shared_site, broken, dialect, settings)
    chunks: list[ChatCompletionChunk] = []
    with pytest.raises(openai.APIError) as caught:
        chunks.extend(sdk.chat.completions.create(model="auto", messages=HELLO, stream=True))

    text = [choice.delta.content for chunk in chunks for choice in chunk.choices]
    assert any(text), "content had arrived before the stream broke"
    assert caught.value.code == code
    assert_safe(caught.value.message)
    assert "" not in asked(shared_site), "the second connection was asked"
    row = shared_site.row()
    assert (row.outcome, row.error_code, row.status) == ("error", code, 200)
    assert (row.connection, row.stream) == ("first", True)
    (attempt,) = row.attempts
    assert (attempt["connection"], attempt["class"]) == ("first", code)
    estimate = prompt_tokens({"messages": HELLO})
    assert row.prompt_tokens == (2 if dialect in TOKENS_KNOWN_EARLY else estimate)
    assert health_left("first") == ("cooling" if code == "rate_limited" else "counted")


@pytest.mark.parametrize(("broken", "dialect"), CASES)
def test_the_bytes_end_with_an_error_event_and_pretend_no_success(
    shared_site: Site, settings: Any, broken: Break, dialect: str
) -> None:
    code = chain(shared_site, broken, dialect, settings)
    response = httpx.post(
        f"{shared_site.base_url}/v1/chat/completions",
        json={"model": "auto", "messages": HELLO, "stream": True},
        timeout=60,
    )
    assert response.status_code == 200
    assert b"[DONE]" not in response.content
    *contents, last, after = response.content.split(b"\n\n")
    assert after == b""
    data = [orjson.loads(each.removeprefix(b"data: ")) for each in contents]
    assert all("error" not in each for each in data)
    finishes = [each for one in data for each in one["choices"] if each["finish_reason"]]
    assert finishes == [] or broken.failure == "no-end-marker"
    error = orjson.loads(last.removeprefix(b"data: "))["error"]
    assert error["code"] == code
    assert_safe(last.decode())


@pytest.mark.parametrize("dialect", list(NEXT))
def test_an_answer_that_breaks_off_in_a_plain_call_was_not_committed(
    shared_site: Site, sdk: openai.OpenAI, dialect: str
) -> None:
    shared_site.connect(
        shared_site.upstream(dialect, name="first", failure="close-midstream"),
        shared_site.upstream(NEXT[dialect], name="second"),
    )
    answer = sdk.chat.completions.create(model="auto", messages=HELLO)
    assert answer.choices[0].message.content == "Echo: Hello there"
    assert [each["connection"] for each in shared_site.row().attempts] == ["first", "second"]
