"""Anthropic's dialect: what one face writes the other reads, whatever it is."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_client.errors import InvalidRequest, UnsupportedFeature
from ai_client.events import collect
from ai_client.messages import (
    CacheMarker,
    Candidate,
    Channel,
    File,
    FinishReason,
    FunctionCall,
    FunctionDeclaration,
    FunctionResponse,
    GenerationRequest,
    GenerativeAiResult,
    Message,
    MessagePart,
    Reasoning,
    Role,
    TokenUsage,
    ToolChoice,
)
from ai_client.wire import Target
from tests.ai_client.wire.anthropic_gateway import (
    CLAUDE,
    CLIENT,
    CONTEXT,
    GATEWAY,
    USER,
    assistant,
    gathered,
    parsed,
    plain_of,
    read_stream,
    stream_of,
)

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from(
        ["", "a", "user", "assistant", "system", "text", "image", "base64", "url", "tool_use",
         "tool_result", "thinking", "redacted_thinking", "document", "auto", "custom", "koneek-v1.",
         'koneek-v1.{"call":"a","signature":"s"}', 'koneek-v1.{"of_previous":true}']
    ),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            [
                "role", "content", "type", "text", "id", "name", "input", "tool_use_id", "is_error",
                "source", "media_type", "data", "url", "title", "citations", "cache_control", "ttl",
                "thinking", "signature", "input_schema", "enabled", "budget_tokens", "format",
            ]
        ),
        inner,
        max_size=5,
    ),
    max_leaves=25,
)  # fmt: skip


@given(
    st.lists(json_values, max_size=3),
    st.dictionaries(
        st.sampled_from(["tools", "tool_choice", "system", "thinking", "output_config"]),
        json_values,
    ),
)
def test_any_json_is_a_request_or_has_a_field_at_fault(messages: Any, fields: Any) -> None:
    body = {"model": "auto", "max_tokens": 1, "messages": messages, **fields}
    with suppress(InvalidRequest, UnsupportedFeature):
        request = GATEWAY.parse_request(body)
        CLIENT.render_request(replace(request, untranslatable=()), Target("m"))
    with suppress(UnsupportedFeature):
        CLIENT.forward_request(body, Target("m"), stream=True)


texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8).filter(str.strip)
identifiers = st.from_regex(r"[a-z0-9_-]{1,8}", fullmatch=True)
foreign = st.none() | st.dictionaries(
    st.sampled_from(["openai_chat", "google_generate"]),
    st.dictionaries(texts, texts | st.integers(-9, 9) | st.none(), max_size=2),
    min_size=1,
)
signatures = st.none() | texts
citations = st.lists(
    st.builds(
        lambda text: {"type": "char_location", "cited_text": text, "document_index": 0}, texts
    ),
    max_size=2,
).map(tuple)
files = st.builds(
    MessagePart,
    st.builds(
        File,
        st.sampled_from(["image/png", "application/pdf", "audio/wav"]),
        base64_data=st.just("AAAA"),
        name=st.none() | texts,
    ),
    thought_signature=signatures,
    opaque=foreign,
)
thoughts = st.builds(
    MessagePart,
    texts | st.just(""),
    st.just(Channel.THOUGHT),
    thought_signature=signatures,
    opaque=foreign,
) | st.builds(
    lambda text, signature: MessagePart(
        text,
        Channel.THOUGHT,
        signature,
        opaque={"anthropic_messages": {"type": "thinking", "signature": signature}},
    ),
    texts,
    identifiers,
)
redacted = st.builds(
    lambda data: MessagePart(
        "",
        Channel.THOUGHT,
        opaque={"anthropic_messages": {"type": "redacted_thinking", "data": data}},
    ),
    identifiers,
)
said = st.builds(
    MessagePart, texts, thought_signature=signatures, citations=citations, opaque=foreign
)
ends = st.builds(MessagePart, st.just(""), thought_signature=texts, opaque=foreign)
arguments = st.dictionaries(
    texts, st.integers() | texts | st.none() | st.floats(allow_nan=False, allow_infinity=False)
).map(lambda given: json.dumps(given, ensure_ascii=False, separators=(",", ":")))
usages = st.builds(
    lambda fresh, read, written, completion, thinking: TokenUsage(
        fresh + (read or 0) + (written or 0),
        completion,
        fresh + (read or 0) + (written or 0) + completion,
        thinking,
        read,
        written,
    ),
    st.integers(0, 99),
    st.none() | st.integers(0, 9),
    st.none() | st.integers(0, 9),
    st.integers(0, 99),
    st.none() | st.integers(0, 9),
)
REASONS = {
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "max_tokens": FinishReason.LENGTH,
    "pause_turn": FinishReason.LENGTH,
    "tool_use": FinishReason.TOOL_CALLS,
    "refusal": FinishReason.CONTENT_FILTER,
}


@st.composite
def results(draw: st.DrawFn) -> GenerativeAiResult:
    parts = [
        *draw(st.lists(thoughts | redacted | said | ends | files, max_size=5)),
        *(
            MessagePart(
                FunctionCall(f"call-{number}", draw(texts), draw(arguments)),
                thought_signature=draw(signatures),
                opaque=draw(foreign),
            )
            for number in range(draw(st.integers(0, 2)))
        ),
    ]
    word = draw(st.sampled_from(sorted(REASONS)))
    parts = draw(st.permutations(parts))
    return GenerativeAiResult(
        "msg_req_1",
        draw(texts),
        (Candidate(Message(Role.MODEL, tuple(parts)), REASONS[word], word),),
        draw(usages),
    )


@pytest.mark.parametrize("size", [1, 7, None])
@given(result=results())
def test_a_stream_says_all_of_an_answer(size: int | None, result: GenerativeAiResult) -> None:
    assert collect(read_stream(stream_of(result), size)) == result


@given(results())
def test_a_complete_answer_says_all_of_it(result: GenerativeAiResult) -> None:
    assert CLIENT.parse_response(GATEWAY.render_response(result, CONTEXT)) == result


@given(results())
def test_an_answer_comes_back_whole_as_history(result: GenerativeAiResult) -> None:
    parts = result.candidates[0].message.parts
    if not parts:
        return
    for content in (plain_of(result)["content"], gathered(stream_of(result))):
        assert parsed(USER, assistant(*content)).messages[1].parts == parts


caches = st.none() | st.builds(CacheMarker, st.sampled_from([None, "5m", "1h"]))
given_files = st.builds(
    File,
    st.sampled_from(["image/png", "image/gif", "application/pdf"]),
    base64_data=st.just("AAAA"),
) | st.builds(File, st.just("text/plain"), base64_data=st.just("Z3LDvG4="), name=st.none() | texts)
asked = st.builds(MessagePart, texts | given_files, cache=caches)


@st.composite
def results_of(draw: st.DrawFn, call: FunctionCall) -> FunctionResponse:
    failed = draw(st.booleans())
    if draw(st.booleans()):
        text = draw(st.none() | texts)
        return FunctionResponse(call.id, call.name, text, is_error=failed)
    parts = tuple(draw(st.lists(asked, min_size=1, max_size=2)))
    return FunctionResponse(call.id, call.name, parts=parts, is_error=failed)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Message, ...]:
    """Turns of the user and the model as Anthropic takes them, with or without a call between."""
    messages = [Message(Role.USER, tuple(draw(st.lists(asked, min_size=1, max_size=3))))]
    for turn in range(draw(st.integers(0, 2))):
        calls = [
            FunctionCall(f"call-{turn}-{number}", draw(texts), draw(arguments))
            for number in range(draw(st.integers(0, 2)))
        ]
        spoken = draw(
            st.lists(
                redacted | st.builds(MessagePart, texts, cache=caches, citations=citations),
                min_size=1,
                max_size=3,
            )
        )
        messages.append(
            Message(
                Role.MODEL, (*spoken, *(MessagePart(call, cache=draw(caches)) for call in calls))
            )
        )
        answers = [MessagePart(draw(results_of(call)), cache=draw(caches)) for call in calls]
        follow = draw(st.lists(asked, min_size=0 if answers else 1, max_size=2))
        messages.append(Message(Role.USER, (*answers, *follow)))
    return tuple(messages)


schemas = st.just(
    {"type": "object", "properties": {"x": {"type": "string"}}, "additionalProperties": False}
)
declared = st.builds(
    FunctionDeclaration, texts, texts | st.just(""), schemas, st.none() | st.booleans(), caches
)


@given(
    conversations(),
    st.lists(st.builds(MessagePart, texts, cache=caches), max_size=2).map(tuple),
    st.none() | st.lists(declared, min_size=1, max_size=2).map(tuple),
    st.none() | st.lists(texts, min_size=1, max_size=2).map(tuple),
    st.booleans(),
    st.sampled_from([None, Reasoning("low"), Reasoning(budget_tokens=0)]),
)
def test_a_request_rendered_is_read_again(
    messages: Any, system: Any, functions: Any, stop: Any, stream: bool, reasoning: Any
) -> None:
    request = GATEWAY.parse_request({"model": "m", "max_tokens": 77, "messages": [USER]})
    config = replace(
        request.config,
        system_instruction=system,
        function_declarations=functions,
        tool_choice=ToolChoice("required") if functions and reasoning is None else None,
        parallel_tool_calls=False if functions and reasoning is None else None,
        stop_sequences=stop,
        reasoning=reasoning,
        temperature=0.5 if reasoning is None else None,
        end_user="user-17",
        output_schema={"type": "object", "additionalProperties": False},
        output_mime_type="application/json",
    )
    request = GenerationRequest(messages, config, stream)
    rendered = CLIENT.render_request(request, CLAUDE)
    assert rendered.warnings == ()
    body = json.loads(json.dumps(rendered.body))
    again = GATEWAY.parse_request(body)
    assert again == request
    assert json.loads(json.dumps(CLIENT.render_request(again, CLAUDE).body)) == body
