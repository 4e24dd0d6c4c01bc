"""Messages of upstreams as they are kept: without what they repeat of the prompt."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_client.ask import Ask
from ai_client.echoes import LONGEST_PROMPT, MARK, without_echo
from ai_client.errors import (
    AiClientError,
    ConnectFailed,
    ContentFiltered,
    ContextTooLong,
    InvalidRequest,
    PayloadTooLarge,
    ServerFailed,
    UnsupportedFeature,
    UpstreamError,
)
from ai_client.messages import (
    File,
    FunctionCall,
    FunctionResponse,
    GenerationRequest,
    Message,
    MessagePart,
    ModelConfig,
    Role,
    user_message,
)


def asked(*parts: Any, **config: Any) -> Ask:
    message = Message(Role.USER, tuple(MessagePart(each) for each in parts))
    return Ask(stream=False, request=GenerationRequest((message,), ModelConfig(**config)))


def kept(message: str, ask: Ask, status: int | None = 500) -> str:
    return without_echo(ServerFailed(message, upstream_status=status), ask, status).message


@pytest.mark.parametrize(
    "ask",
    [
        asked("I have a strange rash", "and more"),
        asked("hm", system_instruction=(MessagePart("I have a strange rash"),)),
        asked(FunctionCall("1", "note", '{"note":"I have a strange rash"}')),
        asked(FunctionResponse("1", "note", {"about": ["I have a strange rash"]})),
        asked(File("text/plain", "aGk=", name="I have a strange rash")),
        Ask(stream=False, body={"model": "m", "messages": [{"content": "I have a strange rash"}]}),
    ],
)
def test_every_text_of_a_prompt_is_taken_out(ask: Ask) -> None:
    assert kept("Bad input: 'I have a strange rash'.", ask) == f"Bad input: '{MARK}'."
    assert kept("Bad input: A  strange\\nra…", ask) == f"Bad input: {MARK}…"
    assert kept("Bad input in this model", ask) == "Bad input in this model"


letters = st.text("abcdefgäжя梅", min_size=12, max_size=60)


@settings(max_examples=100)
@given(letters, st.data(), st.booleans())
def test_no_run_of_a_prompt_is_left(prompt: str, data: st.DataObject, ascii_only: bool) -> None:
    begin = data.draw(st.integers(0, len(prompt) - 12))
    quoted = prompt[begin : data.draw(st.integers(begin + 12, len(prompt)))]
    message = f"1: {json.dumps({'input': quoted}, ensure_ascii=ascii_only)} (2)"
    assert kept(message, asked(prompt)) == f'1: {{"input": "{MARK}"}} (2)'


def test_the_name_of_the_model_stays() -> None:
    ask = Ask(stream=False, body={"model": "some-long-model-name", "messages": []})
    assert kept("No some-long-model-name here.", ask) == "No some-long-model-name here."


def test_encoded_files_are_taken_out() -> None:
    data = base64.b64encode(bytes(range(256)) * 20).decode()
    said = f"Cannot read {data[100:180]} as an image."
    assert kept(said, asked(File("image/png", data))) == f"Cannot read {MARK} as an image."
    ask = Ask(stream=False, body={"messages": [{"url": f"data:image/png;base64,{data}"}]})
    assert kept(said, ask) == f"Cannot read {MARK} as an image."


def test_of_a_very_long_prompt_nothing_that_was_said_is_kept() -> None:
    ask = asked("word " * LONGEST_PROMPT)
    assert kept("word word", ask) == "The upstream failed (upstream_error, HTTP 500)."


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            InvalidRequest("x y z", param="messages[0].content"),
            "The upstream refused the request as invalid "
            "(invalid_request, HTTP 400, messages[0].content).",
        ),
        (
            InvalidRequest("x y z", param="my_secret_rash"),
            "The upstream refused the request as invalid (invalid_request, HTTP 400).",
        ),
        (
            ContextTooLong("x y z"),
            "The prompt is too long for this model (context_length_exceeded, HTTP 400).",
        ),
        (
            ContentFiltered("x y z"),
            "A policy of the upstream refused the prompt (content_filter, HTTP 400).",
        ),
        (
            PayloadTooLarge("x y z"),
            "The request is too large for the upstream (request_too_large, HTTP 400).",
        ),
    ],
)
def test_a_refusal_of_the_request_is_told_in_our_words(error: AiClientError, told: str) -> None:
    without = without_echo(error, asked("my secret rash"), 400)
    assert (type(without), without.message, error.message) == (type(error), told, "x y z")


def test_what_no_upstream_said_stays() -> None:
    ask = Ask(stream=False, request=GenerationRequest((user_message("connection refused"),)))
    failed = ConnectFailed("The connection refused.")
    assert without_echo(failed, ask, None) is failed
    unsaid = UnsupportedFeature("Acme takes no video.")
    assert without_echo(unsaid, ask, None) is unsaid


def test_the_upstreams_own_word_for_it_is_looked_at_too() -> None:
    error = UpstreamError("no", upstream_code="my secret rash", retry_after=3.0)
    told = without_echo(error, asked("my secret rash"), 500)
    assert (told.upstream_code, told.retry_after, told.message) == (MARK, 3.0, "no")
    assert error.upstream_code == "my secret rash"
