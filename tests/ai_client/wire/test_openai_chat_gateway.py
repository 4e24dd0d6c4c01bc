"""OpenAI's chat dialect, gateway face: what callers send, and which answers they get."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from ai_client.errors import InvalidRequest, UnsupportedFeature
from ai_client.events import Event, PartKind, PartStart, ResponseStart, collect, replay
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
    ModelConfig,
    Reasoning,
    Role,
    TokenLogprob,
    TokenUsage,
    ToolChoice,
    model_message,
    user_message,
)
from ai_client.sse import Decoder
from ai_client.wire import ClientFace, GatewayFace, RenderContext, Target, openai_chat

CLIENT: ClientFace = openai_chat
GATEWAY: GatewayFace = openai_chat
CONTEXT = RenderContext("req-1", "auto", 1_770_000_000, include_usage=True)
USER = {"role": "user", "content": "Hi"}


def parsed(*messages: Any, **fields: Any) -> GenerationRequest:
    return GATEWAY.parse_request({"model": "auto", "messages": [*messages] or [USER], **fields})


def parts_of(*content: Any) -> tuple[MessagePart, ...]:
    return parsed({"role": "user", "content": [*content]}).messages[0].parts


def test_a_small_request() -> None:
    assert parsed() == GenerationRequest((user_message("Hi"),))


def test_tuning() -> None:
    request = parsed(
        n=2,
        max_tokens=7,
        max_completion_tokens=5,
        temperature=1,
        top_p=0.5,
        stop="end",
        presence_penalty=-1,
        frequency_penalty=0.5,
        seed=-3,
        logprobs=True,
        top_logprobs=2,
        parallel_tool_calls=False,
        reasoning_effort="high",
        user="u-1",
        stream=True,
    )
    assert request.stream
    assert request.config == ModelConfig(
        candidate_count=2,
        max_tokens=5,
        temperature=1,
        top_p=0.5,
        stop_sequences=("end",),
        presence_penalty=-1,
        frequency_penalty=0.5,
        seed=-3,
        logprobs=True,
        top_logprobs=2,
        parallel_tool_calls=False,
        reasoning=Reasoning(effort="high"),
        end_user="u-1",
    )
    older = parsed(max_tokens=7, stop=["a", "b"], safety_identifier="s", user="u").config
    assert (older.max_tokens, older.stop_sequences, older.end_user) == (7, ("a", "b"), "s")


def test_null_is_as_good_as_absent() -> None:
    names = ("n", "stop", "tools", "tool_choice", "response_format", "user", "stream_options")
    assert parsed(**dict.fromkeys(names)) == parsed()


def test_system_and_developer_messages_become_the_system_prompt_in_order() -> None:
    request = parsed(
        {"role": "system", "content": "A"},
        USER,
        {
            "role": "developer",
            "content": [{"type": "text", "text": "B", "cache_control": {"type": "ephemeral"}}],
        },
    )
    assert request.config.system_instruction == (
        MessagePart("A"),
        MessagePart("B", cache=CacheMarker()),
    )
    assert request.messages == (user_message("Hi"),)


def test_users_parts() -> None:
    assert parts_of(
        {"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
        {"type": "image_url", "image_url": {"url": "data:image/webp;base64,AAAA", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "https://example.org/a.png?x=1"}},
        {"type": "image_url", "image_url": {"url": "HTTP://example.org/picture"}},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
        {"type": "file", "file": {"file_data": "data:text/csv;base64,AA\nAA", "filename": "a.csv"}},
        {"type": "file", "file": {"file_data": "AAAA", "filename": "a.txt"}},
        {"type": "file", "file": {"file_data": "https://example.org/a.pdf"}},
    ) == (
        MessagePart("a", cache=CacheMarker("1h")),
        MessagePart(
            File("image/webp", base64_data="AAAA"), opaque={"openai_chat": {"detail": "low"}}
        ),
        MessagePart(File("image/png", url="https://example.org/a.png?x=1")),
        MessagePart(File("image/jpeg", url="HTTP://example.org/picture")),
        MessagePart(File("audio/mpeg", base64_data="AAAA")),
        MessagePart(File("text/csv", base64_data="AAAA", name="a.csv")),
        MessagePart(File("text/plain", base64_data="AAAA", name="a.txt")),
        MessagePart(File("application/pdf", url="https://example.org/a.pdf")),
    )


def test_assistants_messages_and_results_of_functions() -> None:
    request = parsed(
        USER,
        {
            "role": "assistant",
            "content": None,
            "refusal": None,
            "tool_calls": [
                {
                    "id": "a",
                    "type": "function",
                    "function": {"name": "f", "arguments": "{oops"},
                },
                {"id": "b", "type": "function", "function": {"name": "g", "arguments": ""}},
            ],
        },
        {"role": "tool", "tool_call_id": "b", "content": "1"},
        {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "x"}]},
        USER,
        {"role": "assistant", "content": [{"type": "text", "text": "A"}]},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "No"}]},
        {"role": "assistant", "content": "", "refusal": "No"},
        {"role": "assistant", "content": ""},
        {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": None},
    )
    assert request.messages == (
        user_message("Hi"),
        model_message(FunctionCall("a", "f", "{oops"), FunctionCall("b", "g")),
        Message(
            Role.USER,
            (
                MessagePart(FunctionResponse("b", "g", "1")),
                MessagePart(FunctionResponse("a", "f", parts=(MessagePart("x"),))),
            ),
        ),
        user_message("Hi"),
        model_message("A"),
        model_message(MessagePart("No", refusal=True)),
        model_message(MessagePart("No", refusal=True)),
        model_message(FunctionCall(None, "f")),
        Message(Role.USER, (MessagePart(FunctionResponse(None, "f", "")),)),
    )
    assert request.untranslatable == ()


def test_tools() -> None:
    function = {"name": "f", "description": "Does f.", "parameters": {"type": "object"}}
    tool = {"type": "function", "function": {**function, "strict": True}}
    request = parsed(tools=[{**tool, "cache_control": {"type": "ephemeral"}}])
    assert request.config.function_declarations == (
        FunctionDeclaration("f", "Does f.", {"type": "object"}, True, CacheMarker()),
    )


@pytest.mark.parametrize(
    ("fields", "choice"),
    [
        ({"tool_choice": "none"}, ToolChoice("none")),
        ({"tool_choice": "auto"}, ToolChoice("auto")),
        ({"tool_choice": "required"}, ToolChoice("required")),
        (
            {"tool_choice": {"type": "function", "function": {"name": "f"}}},
            ToolChoice("function", "f"),
        ),
        ({"function_call": "auto"}, ToolChoice("auto")),
        ({"function_call": "none"}, ToolChoice("none")),
        ({"function_call": {"name": "f"}}, ToolChoice("function", "f")),
    ],
)
def test_tool_choice(fields: dict[str, Any], choice: ToolChoice) -> None:
    assert parsed(**fields).config.tool_choice == choice


def test_output_formats() -> None:
    assert parsed(response_format={"type": "text"}).config == ModelConfig()
    assert parsed(response_format={"type": "json_object"}).config.output_mime_type == (
        "application/json"
    )
    schema = {"name": "x", "schema": {"type": "object"}, "strict": True}
    config = parsed(response_format={"type": "json_schema", "json_schema": schema}).config
    assert config.output_schema == {"type": "object"}
    assert (config.output_schema_name, config.output_schema_strict) == ("x", True)
    assert parsed(
        response_format={"type": "json_schema", "json_schema": {"name": "x"}}
    ).config.wants_json


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"tools": [{"type": "custom", "custom": {"name": "f"}}]}, "tools[0] (custom)"),
        ({"tools": [{"type": "web_search"}]}, "tools[0] (web_search)"),
        ({"tool_choice": {"type": "allowed_tools", "allowed_tools": {}}}, "tool_choice"),
        ({"tool_choice": {"type": "custom", "custom": {"name": "f"}}}, "tool_choice"),
        ({"functions": [{"name": "f"}]}, "functions"),
        ({"modalities": ["text", "audio"]}, "modalities (audio)"),
        ({"audio": {"voice": "alloy", "format": "wav"}}, "audio"),
        ({"web_search_options": {}}, "web_search_options"),
        ({"prediction": {"type": "content", "content": "x"}}, "prediction"),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]}
                ]
            },
            "messages[0].content[0].file.file_id",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "video_url", "video_url": {}}]}]},
            "messages[0].content[0] (video_url)",
        ),
        ({"messages": [USER, {"role": "assistant", "audio": {"id": "x"}}]}, "messages[1].audio"),
        (
            {
                "messages": [
                    {
                        "role": "assistant",
                        "tool_calls": [
                            {"id": "a", "type": "custom", "custom": {"name": "f", "input": "x"}}
                        ],
                    }
                ]
            },
            "messages[0].tool_calls[0] (custom)",
        ),
    ],
)
def test_features_of_this_dialect_alone_are_named(fields: dict[str, Any], named: str) -> None:
    request = GATEWAY.parse_request({"model": "auto", "messages": [USER], **fields})
    assert any(each.startswith(named) for each in request.untranslatable)
    assert request.dropped == ()


def test_tuning_of_this_dialect_alone_is_dropped() -> None:
    request = parsed(
        {"role": "user", "content": "Hi", "name": "alice"},
        store=True,
        metadata={},
        service_tier="auto",
        logit_bias={},
        verbosity="low",
        prompt_cache_key="x",
        top_k=5,
        unknown=1,
        modalities=["text"],
        stream_options={"include_usage": True},
    )
    assert request.untranslatable == ()
    assert set(request.dropped) == {
        "messages[0].name", "store", "metadata", "service_tier", "logit_bias", "verbosity",
        "prompt_cache_key", "top_k", "unknown",
    }  # fmt: skip


def test_whether_token_counts_are_wanted() -> None:
    assert GATEWAY.wants_usage({"stream_options": {"include_usage": True}})
    for options in (None, {}, {"include_usage": False}):
        assert not GATEWAY.wants_usage({"stream_options": options})


def content(*parts: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [*parts]}]}


def call(**fields: Any) -> dict[str, Any]:
    whole = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}, **fields}
    return {"messages": [{"role": "assistant", "tool_calls": [whole]}]}


def image(url: Any) -> dict[str, Any]:
    return content({"type": "image_url", "image_url": {"url": url}})


IMAGE = "messages[0].content[0].image_url"
CALL = "messages[0].tool_calls[0]"
MALFORMED: list[tuple[dict[str, Any], str]] = [
    ({"model": None}, "model"),
    ({"model": 1}, "model"),
    ({"messages": None}, "messages"),
    ({"messages": []}, "messages"),
    ({"messages": "Hi"}, "messages"),
    ({"messages": ["Hi"]}, "messages[0]"),
    ({"messages": [{}]}, "messages[0].role"),
    ({"messages": [{"role": 1}]}, "messages[0].role"),
    ({"messages": [USER, {"role": "robot", "content": "x"}]}, "messages[1].role"),
    ({"messages": [{"role": "user"}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": 1}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": "x", "name": 1}]}, "messages[0].name"),
    ({"messages": [{"role": "system", "content": None}]}, "messages[0].content"),
    ({"messages": [{"role": "assistant"}]}, "messages[0].content"),
    ({"messages": [{"role": "assistant", "content": 1}]}, "messages[0].content"),
    ({"messages": [{"role": "assistant", "content": "", "refusal": 1}]}, "messages[0].refusal"),
    ({"messages": [{"role": "assistant", "tool_calls": {}}]}, "messages[0].tool_calls"),
    ({"messages": [{"role": "assistant", "function_call": {}}]}, "messages[0].function_call.name"),
    ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
    ({"messages": [{"role": "tool", "tool_call_id": "a"}]}, "messages[0].content"),
    ({"messages": [{"role": "function", "content": "x"}]}, "messages[0].name"),
    (
        {"messages": [{"role": "system", "content": [{"type": "image_url"}]}]},
        "messages[0].content[0].type",
    ),
    (
        {"messages": [{"role": "assistant", "content": [{"type": "image_url"}]}]},
        "messages[0].content[0].type",
    ),
    (
        {"messages": [USER, USER, {"role": "user", "content": [{"type": "x"}]}]},
        "messages[2].content[0].type",
    ),
    (content("x"), "messages[0].content[0]"),
    (content({}), "messages[0].content[0].type"),
    (content({"type": "text"}), "messages[0].content[0].text"),
    (content({"type": "text", "text": 1}), "messages[0].content[0].text"),
    (
        content({"type": "text", "text": "a", "cache_control": {"type": "x"}}),
        "messages[0].content[0].cache_control.type",
    ),
    (
        content({"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "1d"}}),
        "messages[0].content[0].cache_control.ttl",
    ),
    (content({"type": "refusal", "refusal": "x"}), "messages[0].content[0].type"),
    (content({"type": "image_url"}), IMAGE),
    (content({"type": "image_url", "image_url": "https://example.org/a.png"}), IMAGE),
    (content({"type": "image_url", "image_url": {}}), f"{IMAGE}.url"),
    (
        content({"type": "image_url", "image_url": {"url": "https://x.org", "detail": 1}}),
        f"{IMAGE}.detail",
    ),
    *(
        (image(url), f"{IMAGE}.url")
        for url in (
            1, "", "/etc/passwd", "C:\\a.png", "file:///etc/passwd", "file://host/a.png",
            "ftp://x.org/a.png",
            "https://", "http:/a.png", "//example.org/a.png", "https://[::1", "data:image/png,abc",
            "data:image/png;base64", "data:image/png;base64,", "data:image/png;base64,a?b=",
            "data:image/png;base64,AAA",
        )
    ),
    (content({"type": "input_audio"}), "messages[0].content[0].input_audio"),
    (
        content({"type": "input_audio", "input_audio": {"data": "AAAA"}}),
        "messages[0].content[0].input_audio.format",
    ),
    (
        content({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "x"}}),
        "messages[0].content[0].input_audio.format",
    ),
    (
        content({"type": "input_audio", "input_audio": {"data": "?", "format": "wav"}}),
        "messages[0].content[0].input_audio.data",
    ),
    (content({"type": "file", "file": {}}), "messages[0].content[0].file.file_data"),
    (
        content({"type": "file", "file": {"file_data": "file:///etc/passwd"}}),
        "messages[0].content[0].file.file_data",
    ),
    (
        content({"type": "file", "file": {"file_data": "/etc/passwd"}}),
        "messages[0].content[0].file.file_data",
    ),
    (content({"type": "file", "file": {"file_id": 1}}), "messages[0].content[0].file.file_id"),
    (call(id=None), f"{CALL}.id"),
    (call(id=1), f"{CALL}.id"),
    (call(type="x"), f"{CALL}.type"),
    (call(function=None), f"{CALL}.function"),
    (call(function={"arguments": "{}"}), f"{CALL}.function.name"),
    (call(function={"name": "f"}), f"{CALL}.function.arguments"),
    (call(function={"name": "f", "arguments": {}}), f"{CALL}.function.arguments"),
    ({"temperature": "hot"}, "temperature"),
    ({"temperature": True}, "temperature"),
    ({"temperature": 2.1}, "temperature"),
    ({"top_p": -1}, "top_p"),
    ({"presence_penalty": 3}, "presence_penalty"),
    ({"frequency_penalty": -3}, "frequency_penalty"),
    ({"n": 0}, "n"),
    ({"n": 1.5}, "n"),
    ({"n": 129}, "n"),
    ({"max_tokens": 0}, "max_tokens"),
    ({"max_completion_tokens": "5"}, "max_completion_tokens"),
    ({"seed": "x"}, "seed"),
    ({"logprobs": 1}, "logprobs"),
    ({"top_logprobs": 21}, "top_logprobs"),
    ({"stop": 1}, "stop"),
    ({"stop": ["a", 1]}, "stop[1]"),
    ({"stream": "yes"}, "stream"),
    ({"stream_options": True}, "stream_options"),
    ({"stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
    ({"parallel_tool_calls": "no"}, "parallel_tool_calls"),
    ({"reasoning_effort": 1}, "reasoning_effort"),
    ({"user": 1}, "user"),
    ({"modalities": "text"}, "modalities"),
    ({"modalities": [1]}, "modalities[0]"),
    ({"tools": {}}, "tools"),
    ({"tools": [1]}, "tools[0]"),
    ({"tools": [{}]}, "tools[0].type"),
    ({"tools": [{"type": "function"}]}, "tools[0].function"),
    ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
    ({"tools": [{"type": "function", "function": {"name": ""}}]}, "tools[0].function.name"),
    (
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": []}}]},
        "tools[0].function.parameters",
    ),
    (
        {"tools": [{"type": "function", "function": {"name": "f", "strict": 1}}]},
        "tools[0].function.strict",
    ),
    ({"functions": [{}]}, "functions[0].name"),
    ({"function_call": "x"}, "function_call"),
    ({"function_call": {}}, "function_call.name"),
    ({"tool_choice": "x"}, "tool_choice"),
    ({"tool_choice": 1}, "tool_choice"),
    ({"tool_choice": {}}, "tool_choice.type"),
    ({"tool_choice": {"type": "x"}}, "tool_choice.type"),
    ({"tool_choice": {"type": "function"}}, "tool_choice.function"),
    ({"tool_choice": {"type": "function", "function": {}}}, "tool_choice.function.name"),
    ({"tool_choice": {"type": "allowed_tools"}}, "tool_choice.allowed_tools"),
    ({"response_format": "json"}, "response_format"),
    ({"response_format": {}}, "response_format.type"),
    ({"response_format": {"type": "x"}}, "response_format.type"),
    ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
    (
        {"response_format": {"type": "json_schema", "json_schema": {}}},
        "response_format.json_schema.name",
    ),
    (
        {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": 1}}},
        "response_format.json_schema.schema",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "param"), MALFORMED)
def test_what_is_malformed_is_named(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        GATEWAY.parse_request({"model": "auto", "messages": [USER], **fields})
    assert caught.value.param == param
    assert f"'{param}'" in caught.value.message


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from(["", "a", "user", "assistant", "tool", "text", "function", "custom", "auto"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            [
                "role", "content", "type", "text", "tool_calls", "function", "custom", "name", "id",
                "arguments", "input", "tool_call_id", "function_call", "refusal", "extra_content",
                "koneek", "opaque", "openai_chat", "reasoning_details", "format", "image_url",
                "url", "file", "file_data", "cache_control",
            ]
        ),
        inner,
        max_size=5,
    ),
    max_leaves=25,
)  # fmt: skip


@given(
    st.lists(json_values, max_size=3),
    st.dictionaries(st.sampled_from(["tools", "tool_choice", "stop", "functions"]), json_values),
)
def test_any_json_is_a_request_or_has_a_field_at_fault(messages: Any, fields: Any) -> None:
    body = {"model": "auto", "messages": messages, **fields}
    with suppress(InvalidRequest, UnsupportedFeature):
        request = GATEWAY.parse_request(body)
        CLIENT.render_request(replace(request, untranslatable=()), Target("m"))
    CLIENT.forward_request(body, Target("m"), stream=True)


# Answers


SIGNED = (
    MessagePart("Think.", Channel.THOUGHT, "sig-1", opaque={"anthropic_messages": {"n": [1, "é"]}}),
    MessagePart("", Channel.THOUGHT, opaque={"anthropic_messages": {"redacted": "ZW5j"}}),
    MessagePart("Answer.", thought_signature="sig-2", opaque={"google_generate": {"x": True}}),
    MessagePart(FunctionCall("a", "f", '{"x":1}'), thought_signature="sig-3"),
    MessagePart(FunctionCall("b", "g"), opaque={"google_generate": {"y": None}}),
)


def result_of(*parts: MessagePart, reason: FinishReason = FinishReason.STOP) -> GenerativeAiResult:
    return GenerativeAiResult(
        "id",
        "model-x",
        (Candidate(Message(Role.MODEL, parts), reason, "raw"),),
        TokenUsage(1, 2, 3),
    )


def stream_of(result: GenerativeAiResult, context: RenderContext = CONTEXT) -> bytes:
    renderer = GATEWAY.StreamRenderer(context)
    return b"".join(renderer.feed(event) for event in replay(result)) + renderer.finish()


def read_stream(stream: bytes, size: int | None = None) -> list[Event]:
    decoder, parser = Decoder(), CLIENT.StreamParser()
    events: list[Event] = []
    for start in range(0, len(stream), size or len(stream)):
        for sse in decoder.feed(stream[start : start + (size or len(stream))]):
            events += parser.feed(sse)
    assert decoder.trailing() == b""
    return [*events, *parser.close()]


def chunks_of(stream: bytes) -> list[Any]:
    return [json.loads(event.data) for event in Decoder().feed(stream) if event.data != "[DONE]"]


def test_a_complete_answer_is_one_the_sdk_knows() -> None:
    result = GenerativeAiResult(
        "upstreams-own",
        "model-x",
        (
            Candidate(
                model_message("Yes."),
                FinishReason.STOP,
                "end_turn",
                (TokenLogprob("Yes", -0.5, (TokenLogprob("Yes", -0.5),)),),
            ),
            Candidate(model_message(FunctionCall("a", "f")), FinishReason.TOOL_CALLS),
        ),
        TokenUsage(1, 2, 3, thought_tokens=1, cached_tokens=0),
    )
    answered = json.loads(GATEWAY.render_response(result, CONTEXT))
    completion = ChatCompletion.model_validate(answered, strict=True)
    assert (completion.id, completion.model) == ("chatcmpl-req-1", "model-x")
    assert completion.created == 1_770_000_000
    first, second = completion.choices
    assert (first.index, first.message.content, first.finish_reason) == (0, "Yes.", "stop")
    assert first.logprobs is not None
    assert first.logprobs.content is not None
    assert first.logprobs.content[0].bytes == [89, 101, 115]
    assert second.message.content is None
    assert second.message.tool_calls is not None
    assert second.finish_reason == "tool_calls"
    assert completion.usage is not None
    assert completion.usage.completion_tokens_details is not None
    assert completion.usage.completion_tokens_details.reasoning_tokens == 1


def test_each_chunk_is_one_the_sdk_knows() -> None:
    stream = stream_of(result_of(*SIGNED))
    assert stream.endswith(b"data: [DONE]\n\n")
    chunks = [ChatCompletionChunk.model_validate(each, strict=True) for each in chunks_of(stream)]
    assert {each.id for each in chunks} == {"chatcmpl-req-1"}
    assert {each.model for each in chunks} == {"model-x"}
    assert chunks[0].choices[0].delta.role == "assistant"
    assert all(each.choices[0].delta.role is None for each in chunks[1:-1])
    assert [each.choices[0].finish_reason for each in chunks[:-1]][-1] == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == 3


def test_token_counts_are_streamed_only_to_those_who_asked() -> None:
    quiet = RenderContext("req-1", "auto", 1)
    assert all("usage" not in each for each in chunks_of(stream_of(result_of(), quiet)))
    asked = chunks_of(stream_of(result_of()))
    assert [each["usage"] is None for each in asked] == [True, False]


def test_an_answer_without_content_still_has_a_role_and_an_end() -> None:
    (chunk, _) = chunks_of(stream_of(result_of(reason=FinishReason.CONTENT_FILTER)))
    assert chunk["choices"] == [
        {
            "index": 0,
            "delta": {"role": "assistant", "content": ""},
            "logprobs": None,
            "finish_reason": "content_filter",
        }
    ]


def test_the_start_of_an_answer_is_not_yet_content() -> None:
    renderer = GATEWAY.StreamRenderer(CONTEXT)
    started: list[Event] = [ResponseStart("id", "model"), PartStart(0, PartKind.TEXT)]
    assert b"".join(renderer.feed(event) for event in started) == b""


def test_calls_without_ids_get_short_ones_that_are_the_same_in_a_stream() -> None:
    result = result_of(MessagePart(FunctionCall(None, "f")), MessagePart(FunctionCall(None, "g")))
    context = RenderContext("123e4567-e89b-12d3-a456-426614174000", "auto", 1)
    plain = json.loads(GATEWAY.render_response(result, context))
    ids = [each["id"] for each in plain["choices"][0]["message"]["tool_calls"]]
    assert len(set(ids)) == 2
    assert max(map(len, ids)) <= 40
    streamed = [
        each["id"]
        for chunk in chunks_of(stream_of(result, context))
        for each in chunk["choices"][0]["delta"].get("tool_calls", ())
        if "id" in each
    ]
    assert streamed == ids


def test_citations_become_annotations_where_they_are_of_the_web() -> None:
    own = {"type": "url_citation", "url_citation": {"url": "https://a.org", "title": "A"}}
    other = {"type": "web_search_result_location", "url": "https://b.org", "title": "B"}
    text = MessagePart("x", citations=(own, other, {"type": "char_location"}, "odd"))
    built = {"url": "https://b.org", "title": "B", "start_index": 0, "end_index": 0}
    expected = [own, {"type": "url_citation", "url_citation": built}]
    plain = json.loads(GATEWAY.render_response(result_of(text), CONTEXT))
    assert plain["choices"][0]["message"]["annotations"] == expected
    deltas = [each["choices"][0]["delta"] for each in chunks_of(stream_of(result_of(text)))[:-1]]
    assert {"content": "", "annotations": expected} in deltas


def test_what_other_dialects_signed_comes_back_from_a_complete_answer() -> None:
    plain = json.loads(GATEWAY.render_response(result_of(*SIGNED), CONTEXT))
    message = plain["choices"][0]["message"]
    assert message["reasoning_content"] == "Think."
    assert message["tool_calls"][0]["extra_content"]["google"] == {"thought_signature": "sig-3"}
    assert parsed(message).messages[0].parts == SIGNED


def test_what_other_dialects_signed_comes_back_from_a_stream() -> None:
    assert collect(read_stream(stream_of(result_of(*SIGNED)))).candidates[0].message.parts == SIGNED
    # As a caller of the SDK would gather it.
    message: dict[str, Any] = {}
    for chunk in chunks_of(stream_of(result_of(*SIGNED)))[:-1]:
        _accumulate(message, chunk["choices"][0]["delta"])
    assert parsed(message).messages[0].parts == SIGNED


def test_what_other_dialects_signed_does_not_reach_upstreams_of_this_one() -> None:
    plain = json.loads(GATEWAY.render_response(result_of(*SIGNED), CONTEXT))
    message = plain["choices"][0]["message"]
    sent = CLIENT.forward_request({"messages": [USER, message]}, Target("m"), stream=False)
    assert sent.body["messages"][0] is USER
    assert set(sent.body["messages"][1]) == {"role", "content", "refusal", "tool_calls"}
    assert all(
        set(each) == {"id", "type", "function"} for each in sent.body["messages"][1]["tool_calls"]
    )
    theirs = {
        "role": "assistant",
        "content": "x",
        "reasoning_content": "Hm",
        "reasoning_details": [{"type": "reasoning.text", "format": "other"}],
        "extra_content": {"google": {"thought_signature": "s"}},
    }
    kept = CLIENT.forward_request({"messages": [theirs]}, Target("m"), stream=False)
    assert kept.body["messages"] == [theirs]


def test_thoughts_that_a_caller_got_from_a_server_of_this_dialect_are_its_own() -> None:
    details = [{"type": "reasoning.encrypted", "data": "x", "index": 0}]
    message = {
        "role": "assistant",
        "content": "A",
        "reasoning": "Hm",
        "reasoning_details": details,
        "extra_content": {"google": {"thought_signature": "s"}},
    }
    thought, text = parsed(message).messages[0].parts
    assert thought.opaque == {"openai_chat": {"field": "reasoning", "details": details}}
    assert text.thought_signature == "s"
    request = GenerationRequest(parsed(message).messages)
    assert CLIENT.render_request(request, Target("m")).body["messages"] == [message]


def test_carried_data_that_a_caller_spoiled_is_not_believed() -> None:
    detail = {"format": "koneek-v1", "text": 1, "signature": 2, "data": "{"}
    message = {"role": "assistant", "content": "A", "reasoning_details": [detail, "x"]}
    assert parsed(message).messages[0].parts == (
        MessagePart("", Channel.THOUGHT),
        MessagePart("A"),
    )


texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
foreign = st.none() | st.dictionaries(
    st.sampled_from(["anthropic_messages", "google_generate"]),
    st.dictionaries(texts, texts | st.integers(-9, 9) | st.none(), max_size=2),
    min_size=1,
)
signatures = st.none() | texts
thoughts = st.builds(
    MessagePart, texts, st.just(Channel.THOUGHT), thought_signature=signatures, opaque=foreign
) | st.builds(
    lambda opaque: MessagePart("", Channel.THOUGHT, opaque={"anthropic_messages": opaque}), texts
)
answers = st.builds(MessagePart, texts, thought_signature=signatures, opaque=foreign)
refusals = st.builds(MessagePart, texts, refusal=st.just(True))
files = st.just(MessagePart(File("image/png", base64_data="AAAA")))
usages = st.none() | st.builds(
    TokenUsage,
    *[st.integers(0, 99)] * 3,
    thought_tokens=st.none() | st.integers(0, 9),
    cached_tokens=st.none() | st.integers(0, 9),
    cache_write_tokens=st.none() | st.integers(0, 9),
)
tokens = st.builds(TokenLogprob, texts, st.floats(-9, 0))
logprobs = st.lists(
    st.builds(TokenLogprob, texts, st.floats(-9, 0), st.lists(tokens, max_size=2).map(tuple)),
    max_size=2,
).map(tuple)


@st.composite
def candidates(draw: st.DrawFn, in_order: bool) -> Candidate:
    """Answers whose neighbouring texts differ in kind: one text after another is one text."""
    calls = [
        MessagePart(
            FunctionCall(f"call-{number}", draw(texts), draw(texts)),
            thought_signature=draw(signatures),
            opaque=draw(foreign),
        )
        for number in range(draw(st.integers(0, 2)))
    ]
    groups = [
        draw(st.lists(thoughts, max_size=2)),
        draw(st.lists(answers, max_size=1)),
        draw(st.lists(refusals, max_size=1)),
        draw(st.lists(files, max_size=2)),
        calls,
    ]
    if not in_order:
        groups = draw(st.permutations(groups))
    parts = tuple(part for group in groups for part in group)
    # For an answer that broke off OpenAI's SDKs have no word.
    words = [each for each in FinishReason if each is not FinishReason.ERROR]
    reason = draw(st.sampled_from(words))
    if calls and reason is FinishReason.STOP:
        reason = FinishReason.TOOL_CALLS
    texted = any(part.content and isinstance(part.content, str) for part in groups[1])
    return Candidate(
        Message(Role.MODEL, parts),
        reason,
        reason.value,
        draw(logprobs) if in_order and texted else (),
    )


def test_an_answer_that_broke_off_is_told_in_a_word_that_the_sdk_has() -> None:
    result = result_of(reason=FinishReason.ERROR)
    (choice,) = json.loads(GATEWAY.render_response(result, CONTEXT))["choices"]
    assert choice["finish_reason"] == "length"
    choices = [each for chunk in chunks_of(stream_of(result)) for each in chunk["choices"]]
    assert choices[-1]["finish_reason"] == "length"


@st.composite
def results(draw: st.DrawFn, in_order: bool = False) -> GenerativeAiResult:
    several = draw(st.lists(candidates(in_order), min_size=1, max_size=3))
    return GenerativeAiResult("chatcmpl-req-1", draw(texts), tuple(several), draw(usages))


@pytest.mark.parametrize("size", [1, 7, None])
@given(result=results())
def test_a_stream_says_all_of_an_answer(size: int | None, result: GenerativeAiResult) -> None:
    assert replace(collect(read_stream(stream_of(result), size)), additional_data={}) == result


@given(results(in_order=True))
def test_a_complete_answer_says_all_of_it(result: GenerativeAiResult) -> None:
    answered = CLIENT.parse_response(GATEWAY.render_response(result, CONTEXT))
    assert replace(answered, additional_data={}) == result
    assert replace(collect(read_stream(stream_of(result))), additional_data={}) == result


@given(results(in_order=True))
def test_an_answer_comes_back_whole_as_history(result: GenerativeAiResult) -> None:
    plain = json.loads(GATEWAY.render_response(result, CONTEXT))
    for choice, candidate in zip(plain["choices"], result.candidates, strict=True):
        parts = tuple(
            part for part in candidate.message.parts if not isinstance(part.content, File)
        )
        if parts:
            assert parsed(USER, choice["message"]).messages[1].parts == parts


def _accumulate(whole: dict[str, Any], delta: dict[str, Any]) -> None:
    """As SDKs put deltas together: strings grow, lists of indexed objects merge by index."""
    for name, value in delta.items():
        known = whole.get(name)
        if known is None or name in ("index", "type"):
            whole[name] = value
        elif isinstance(value, str):
            whole[name] = known + value
        elif isinstance(value, dict):
            _accumulate(known, value)
        elif isinstance(value, list):
            for entry in value:
                same = [each for each in known if each.get("index") == entry.get("index")]
                if same:
                    _accumulate(same[0], entry)
                else:
                    known.append(entry)
