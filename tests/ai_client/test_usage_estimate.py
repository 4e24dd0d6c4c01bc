"""Tokens of answers that nobody has counted: estimates that no upstream's word is less than."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_client.events import Event, Finish, PartDelta, PartKind, PartStart, Usage
from ai_client.messages import (
    File,
    FinishReason,
    FunctionDeclaration,
    GenerationRequest,
    Message,
    MessagePart,
    ModelConfig,
    Role,
    TokenUsage,
    user_message,
)
from ai_client.progress import Progress
from ai_client.usage_estimate import FILE_TOKENS, estimated, prompt_tokens, size_of
from ai_client.wire import Target, client_face

DIALECTS = ("openai_chat", "openai_responses", "anthropic_messages", "google_generate")
DIALECT = pytest.mark.parametrize("dialect", DIALECTS)
COUNTS = st.integers(0, 10**6)
JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def body_in(dialect: str, *messages: Message, **config: Any) -> dict[str, Any]:
    """The body that is sent for a conversation."""
    request = GenerationRequest(messages, ModelConfig(**config))
    return client_face(dialect).render_request(request, Target("a-model")).body


@given(
    said=st.none() | st.builds(TokenUsage, COUNTS, COUNTS, COUNTS),
    sent=st.dictionaries(st.text(), JSON),
    received=COUNTS,
)
def test_nothing_is_less_than_what_is_known(
    said: TokenUsage | None, sent: dict[str, Any], received: int
) -> None:
    found = estimated(said, sent, received)
    known = said or TokenUsage()
    assert found.prompt_tokens >= known.prompt_tokens
    assert found.completion_tokens >= known.completion_tokens
    assert found.total_tokens >= known.total_tokens
    assert found.total_tokens >= found.prompt_tokens + found.completion_tokens
    assert 4 * found.completion_tokens >= received
    assert estimated(said, sent, received + 4).completion_tokens >= found.completion_tokens


@given(said=st.integers(1, 10**6), sent=st.dictionaries(st.text(), JSON))
def test_what_the_upstream_said_of_the_prompt_is_not_guessed(
    said: int, sent: dict[str, Any]
) -> None:
    usage = TokenUsage(said, 1, said + 1, thought_tokens=1, cached_tokens=said)
    assert estimated(usage, sent, 4) == usage


@DIALECT
@given(text=st.text(st.characters(codec="utf-8"), min_size=200, max_size=400))
def test_a_prompt_is_counted_by_its_text_in_every_dialect(dialect: str, text: str) -> None:
    found = prompt_tokens(body_in(dialect, user_message(text)))
    words = size_of(text) / 4
    assert words <= found <= words + 25


@DIALECT
def test_instructions_and_functions_are_part_of_the_prompt(dialect: str) -> None:
    plain = body_in(dialect, user_message("Hi"), max_tokens=10)
    said = "Be brief. " * 100
    schema = {"type": "object", "properties": {"city": {"type": "string", "description": said}}}
    weather = FunctionDeclaration("weather", said, schema)
    asked = body_in(
        dialect,
        user_message("Hi"),
        max_tokens=10,
        system_instruction=(MessagePart(said),),
        function_declarations=(weather,),
    )
    more = prompt_tokens(asked) - prompt_tokens(plain)
    assert 3 * len(said) / 4 <= more <= 3 * len(said) / 4 + 60


@DIALECT
@pytest.mark.parametrize("size", [100, 100_000])
def test_a_file_counts_the_same_whatever_its_size(dialect: str, size: int) -> None:
    picture = File.from_base64(base64.b64encode(b"\xff" * size).decode(), "image/png")
    shown = Message(Role.USER, (MessagePart("What is this?"), MessagePart(picture)))
    found = prompt_tokens(body_in(dialect, shown))
    assert FILE_TOKENS < found < FILE_TOKENS + 60


@pytest.mark.parametrize("text", ["data:" + "x" * 4000, "A" * 4000])
def test_text_that_looks_like_a_file_is_text(text: str) -> None:
    assert prompt_tokens(body_in("openai_chat", user_message(text))) >= 1000
    assert prompt_tokens(body_in("anthropic_messages", user_message(text))) >= 1000


def test_settings_are_not_part_of_the_prompt() -> None:
    settings = {"model": "m" * 100, "metadata": {"a": "b" * 100}, "seed": 7, "user": "u" * 100}
    assert prompt_tokens({**settings, "input": "12345678"}) == 2


def test_of_a_very_long_list_the_rest_is_measured_whole() -> None:
    many = [{"type": "text", "text": "word"}] * 300_000
    found = prompt_tokens({"messages": [{"role": "user", "content": many}]})
    assert 300_000 <= found <= 20 * 300_000


def heard(*events: Event) -> Progress:
    """What is known after these events of an answer that goes on."""
    progress = Progress(committed=True)
    for event in events:
        progress.note(event, 0.0)
    return progress


def test_thoughts_and_calls_and_files_have_been_received() -> None:
    picture = File.from_base64("aW1n", "image/png")
    progress = heard(
        PartStart(0, PartKind.THOUGHT),
        PartDelta(0, "Hmm "),
        PartStart(1, PartKind.FUNCTION_CALL, call_id="call_1", name="find"),
        PartDelta(1, '{"a": 1}'),
        PartDelta(2, "\N{SNOWMAN}" * 4),
        PartStart(3, PartKind.FILE, file=picture),
    )
    assert estimated(None, {}, progress.received).completion_tokens == 1 + 1 + 2 + 3 + FILE_TOKENS


@pytest.mark.parametrize(
    ("later", "is_counted"),
    [
        ([Usage(TokenUsage(1, 1, 2))], False),
        ([Usage(TokenUsage(1, 1, 2)), Finish(FinishReason.STOP)], False),
        ([Finish(FinishReason.STOP), Usage(TokenUsage(1, 1, 2))], True),
        ([Finish(FinishReason.STOP), Usage(TokenUsage(1, 1, 2)), PartDelta(0, "more")], False),
        ([Finish(FinishReason.STOP)], False),
    ],
)
def test_a_count_is_final_that_follows_the_finish(later: list[Event], is_counted: bool) -> None:
    start: list[Event] = [PartStart(0, PartKind.TEXT), PartDelta(0, "Hi")]
    assert heard(*start, *later).is_counted is is_counted
