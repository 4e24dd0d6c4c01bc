"""Answers that are odd but valid give the right text, in every dialect, and count as successes."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

from ai_client.health import Standing
from tests.gateway.asking import ECHO, HELLO, NEXT, ask, standing
from tests.gateway.failure_table import ANTHROPIC, GOOGLE, MODES, OPENAI, PLAIN, STREAM
from tests.live_site import Site

SHAPES = (
    "azure-first-chunk",
    "usage-only",
    "crlf",
    "cr",
    "multiline",
    "comments",
    "bom",
    "one-byte",
    "gzip-bomb-1",
    "ignore-stream",
    "force-stream",
    "pings-then-ok",
)
"""Rows 26, 32, 34 and 35; ``gzip-bomb-1`` is a compressed answer of a size that is allowed."""

WEATHER: Any = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "parameters": {"type": "object", "properties": {"place": {"type": "string"}}},
        },
    }
]

DIALECT = pytest.mark.parametrize("dialect", list(NEXT))
MODE = pytest.mark.parametrize("mode", MODES)


def chain(site: Site, dialect: str, failure: str) -> None:
    site.connect(
        site.upstream(dialect, name="odd", failure=failure),
        site.upstream(NEXT[dialect], name="second"),
    )


def assert_success(site: Site) -> None:
    row = site.row()
    assert row.outcome == "success"
    assert [(each["connection"], each["class"]) for each in row.attempts] == [("odd", "ok")]
    assert standing("odd") is Standing.READY


@MODE
@DIALECT
@pytest.mark.parametrize("shape", SHAPES)
def test_the_answer_is_read_right(
    shared_site: Site, sdk: openai.OpenAI, shape: str, dialect: str, mode: str
) -> None:
    chain(shared_site, dialect, shape)
    answer = ask(sdk, mode)
    assert (answer.text, answer.connection, answer.attempts) == (ECHO, "odd", "1")
    assert_success(shared_site)


@MODE
@DIALECT
def test_line_separators_inside_the_text_end_no_line(
    shared_site: Site, sdk: openai.OpenAI, dialect: str, mode: str
) -> None:
    chain(shared_site, dialect, "u2028")
    said = f"{ECHO} line\u2028separator paragraph\u2029separator next\u0085line"
    assert ask(sdk, mode).text == said
    assert_success(shared_site)


@pytest.mark.parametrize("shape", [each for each in SHAPES if each != "force-stream"])
@DIALECT
def test_usage_arrives_in_a_stream_whatever_its_shape(
    shared_site: Site, sdk: openai.OpenAI, shape: str, dialect: str
) -> None:
    chain(shared_site, dialect, shape)
    chunks = list(
        sdk.chat.completions.create(
            model="auto", messages=HELLO, stream=True, stream_options={"include_usage": True}
        )
    )
    usage = chunks[-1].usage
    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens) == (2, 3)
    row = shared_site.row()
    assert (row.prompt_tokens, row.completion_tokens) == (2, 3)


@MODE
@DIALECT
def test_an_empty_answer_with_a_finish_reason_is_an_answer(
    shared_site: Site, sdk: openai.OpenAI, dialect: str, mode: str
) -> None:
    chain(shared_site, dialect, "empty-finish")
    assert ask(sdk, mode).text == ""
    assert_success(shared_site)


@MODE
@DIALECT
def test_a_filtered_answer_is_an_answer_that_says_so(
    shared_site: Site, sdk: openai.OpenAI, dialect: str, mode: str
) -> None:
    chain(shared_site, dialect, "filter-finish")
    if mode == STREAM:
        chunks = sdk.chat.completions.create(model="auto", messages=HELLO, stream=True)
        reasons = [choice.finish_reason for chunk in chunks for choice in chunk.choices]
    else:
        answer = sdk.chat.completions.create(model="auto", messages=HELLO)
        reasons = [choice.finish_reason for choice in answer.choices]
    assert reasons[-1] == "content_filter"
    assert shared_site.row().finish_reason == "content_filter"
    assert_success(shared_site)


def test_a_stream_without_its_done_is_whole_where_it_said_why_it_finished(
    shared_site: Site, sdk: openai.OpenAI
) -> None:
    chain(shared_site, OPENAI, "no-end-marker")
    assert ask(sdk, STREAM).text == ECHO
    assert_success(shared_site)


@pytest.mark.parametrize(
    ("dialect", "mode"), [(OPENAI, PLAIN), (OPENAI, STREAM), (ANTHROPIC, STREAM)]
)
def test_tool_arguments_that_are_no_json_are_passed_on_unrepaired(
    shared_site: Site, sdk: openai.OpenAI, dialect: str, mode: str
) -> None:
    chain(shared_site, dialect, "bad-tool-json")
    arguments, reason = _call(sdk, mode)
    assert arguments
    with pytest.raises(json.JSONDecodeError):
        _parsed(arguments)
    assert reason == "tool_calls"
    assert_success(shared_site)


@MODE
def test_a_call_that_gemini_itself_found_malformed_is_an_answer_that_broke_off(
    shared_site: Site, sdk: openai.OpenAI, mode: str
) -> None:
    """Row 25: there is nothing in it, but a finish reason."""
    chain(shared_site, GOOGLE, "bad-tool-json")
    assert _call(sdk, mode) == ("", "length")
    assert_success(shared_site)
    assert shared_site.row().finish_reason == "error"


def test_the_first_event_survives_a_byte_order_mark(shared_site: Site, sdk: openai.OpenAI) -> None:
    chain(shared_site, OPENAI, "bom")
    first = next(iter(sdk.chat.completions.create(model="auto", messages=HELLO, stream=True)))
    assert first.choices[0].delta.role == "assistant"


def _call(sdk: openai.OpenAI, mode: str) -> tuple[str, str | None]:
    """The arguments of the call that is answered, and the finish reason."""
    if mode == PLAIN:
        (choice,) = sdk.chat.completions.create(model="auto", messages=HELLO, tools=WEATHER).choices
        calls: Any = choice.message.tool_calls or []
        return "".join(each.function.arguments for each in calls), choice.finish_reason
    chunks = sdk.chat.completions.create(model="auto", messages=HELLO, tools=WEATHER, stream=True)
    choices = [choice for chunk in chunks for choice in chunk.choices]
    pieces = [call.function for each in choices for call in each.delta.tool_calls or []]
    arguments = "".join(piece.arguments or "" for piece in pieces if piece)
    return arguments, choices[-1].finish_reason


def _parsed(arguments: str) -> object:
    parsed: object = json.loads(arguments)
    return parsed
