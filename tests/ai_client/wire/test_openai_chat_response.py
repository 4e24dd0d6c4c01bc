"""OpenAI's chat dialect, client face: what is read from answers, streams and errors."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_client.errors import (
    AiClientError,
    BadContent,
    ContentFiltered,
    ContextTooLong,
    EmptyAnswer,
    GatewayTimedOut,
    InvalidRequest,
    KeyRejected,
    MalformedAnswer,
    Overloaded,
    QuotaExhausted,
    RateLimited,
    ServerFailed,
    StreamTruncated,
    UpstreamModelMissing,
)
from ai_client.events import (
    Event,
    Finish,
    PartEnd,
    PartKind,
    PartStart,
    ResponseStart,
    Usage,
    collect,
    replay,
)
from ai_client.messages import (
    Candidate,
    Channel,
    File,
    FinishReason,
    FunctionCall,
    GenerationRequest,
    GenerativeAiResult,
    Message,
    MessagePart,
    Role,
    TokenLogprob,
    TokenUsage,
)
from ai_client.sse import Decoder, ServerSentEvent
from ai_client.wire import ClientFace, Target, openai_chat

CLIENT: ClientFace = openai_chat
FIXTURES = Path(__file__).parent / "fixtures" / "openai_chat"
USAGE = TokenUsage(19, 12, 31, thought_tokens=4, cached_tokens=8)


def fixture(name: str) -> bytes:
    return (FIXTURES / name).read_bytes()


def events_of(stream: bytes, size: int | None = None) -> list[Event]:
    decoder, parser = Decoder(), CLIENT.StreamParser()
    events: list[Event] = []
    for start in range(0, len(stream), size or len(stream)):
        for sse in decoder.feed(stream[start : start + (size or len(stream))]):
            events += parser.feed(sse)
    events += parser.close()
    assert parser.finished
    return events


def answer(name: str) -> GenerativeAiResult:
    return collect(events_of(fixture(name)))


def parts_of(result: GenerativeAiResult) -> tuple[MessagePart, ...]:
    return result.candidates[0].message.parts


def chunk(delta: Any = None, finish: Any = None, **more: Any) -> ServerSentEvent:
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish, **more}
    return ServerSentEvent(json.dumps({"id": "x", "choices": [choice]}))


def body(message: Any = None, finish: Any = None, **more: Any) -> bytes:
    choice = {"index": 0, "message": message, "finish_reason": finish, **more}
    return json.dumps({"id": "x", "model": "m", "choices": [choice]}).encode()


def test_a_plain_answer() -> None:
    assert CLIENT.parse_response(fixture("text.json")) == GenerativeAiResult(
        "chatcmpl-A1",
        "gpt-5.4-mini-2026-03-17",
        (
            Candidate(
                Message(Role.MODEL, (MessagePart("Mass attracts mass."),)),
                FinishReason.STOP,
                "stop",
            ),
        ),
        USAGE,
        additional_data={
            "object": "chat.completion",
            "created": 1770000000,
            "model": "gpt-5.4-mini-2026-03-17",
            "service_tier": "default",
            "system_fingerprint": None,
        },
    )


@pytest.mark.parametrize("size", [1, 7, None])
def test_a_streamed_answer_is_the_same_as_the_plain_one(size: int | None) -> None:
    streamed = collect(events_of(fixture("text.sse"), size))
    plain = CLIENT.parse_response(fixture("text.json"))
    said = {name: each for name, each in plain.additional_data.items() if name != "object"}
    assert streamed == replace(plain, additional_data=said)


def test_calls_choices_refusals_citations_and_logprobs() -> None:
    first, second, third = CLIENT.parse_response(fixture("calls_and_choices.json")).candidates
    assert [part.content for part in first.message.parts] == [
        FunctionCall("call_a", "weather", '{"city":"Oslo"}'),
        FunctionCall("call_b", "time", "{}"),
    ]
    # OpenAI says "stop" after a call that tool_choice forced.
    assert (first.finish_reason, first.raw_finish_reason) == (FinishReason.TOOL_CALLS, "stop")
    (text,) = second.message.parts
    assert (text.content, second.finish_reason) == ("Yes", FinishReason.LENGTH)
    assert text.citations[0]["url_citation"]["title"] == "A"
    assert second.logprobs == (
        TokenLogprob("Yes", -0.25, (TokenLogprob("Yes", -0.25), TokenLogprob("No", -1.5))),
    )
    assert third.message.parts == (MessagePart("I cannot help with that.", refusal=True),)
    assert third.finish_reason is FinishReason.CONTENT_FILTER


def test_thoughts_of_compatible_servers_are_kept_to_be_echoed() -> None:
    result = CLIENT.parse_response(fixture("reasoning_content.json"))
    thought, text = parts_of(result)
    assert (thought.content, thought.channel) == ("Two plus two.", Channel.THOUGHT)
    assert text == MessagePart("Four.")
    assert result.usage == TokenUsage(5, 9, 14, cached_tokens=2)
    assert CLIENT.render_request(_next_turn(result), Target("m")).body["messages"][0] == {
        "role": "assistant",
        "content": "Four.",
        "reasoning_content": "Two plus two.",
    }


def test_reasoning_details_come_together_and_are_echoed_whole() -> None:
    result = answer("openrouter_reasoning.sse")
    thought, text = parts_of(result)
    assert (thought.content, text) == ("Two plus two.", MessagePart("Four."))
    assert result.usage == TokenUsage(5, 9, 14, thought_tokens=6)
    sent = CLIENT.render_request(_next_turn(result), Target("m")).body["messages"][0]
    assert sent["reasoning"] == "Two plus two."
    assert sent["reasoning_details"] == [
        {
            "format": "anthropic-claude-v1",
            "index": 0,
            "type": "reasoning.text",
            "text": "Two plus two.",
            "signature": "c2lnbmVk",
        }
    ]


def test_googles_compatible_server_sends_whole_calls_with_signatures_and_no_index() -> None:
    result = answer("gemini_calls.sse")
    first, second = parts_of(result)
    assert first.content == FunctionCall("function-call-1", "weather", '{"city":"Oslo"}')
    assert second.content == FunctionCall("function-call-2", "weather", '{"city":"Rome"}')
    assert (first.thought_signature, second.thought_signature) == ("c2lnLWE=", None)
    assert result.candidates[0].finish_reason is FinishReason.TOOL_CALLS
    calls = CLIENT.render_request(_next_turn(result), Target("m")).body["messages"][0]["tool_calls"]
    assert calls[0]["extra_content"] == {"google": {"thought_signature": "c2lnLWE="}}
    assert "extra_content" not in calls[1]


def test_parallel_calls() -> None:
    events = events_of(fixture("parallel_calls.sse"))
    assert [event for event in events if isinstance(event, PartStart | PartEnd)] == [
        PartStart(0, PartKind.FUNCTION_CALL, 0, "call_a", "weather"),
        PartStart(1, PartKind.FUNCTION_CALL, 0, "call_b", "time"),
        PartEnd(0),
        PartEnd(1),
    ]
    assert [part.content for part in parts_of(collect(events))] == [
        FunctionCall("call_a", "weather", '{"city":"Oslo"}'),
        FunctionCall("call_b", "time", "{}"),
    ]


def test_calls_that_all_have_index_zero_are_told_apart_by_id() -> None:
    assert [part.content for part in parts_of(answer("whole_calls_index_zero.sse"))] == [
        FunctionCall("a", "weather", '{"city":"Oslo"}'),
        FunctionCall("b", "weather", '{"city":"Rome"}'),
    ]


def test_fragments_of_calls_may_come_in_turns() -> None:
    assert [part.content for part in parts_of(answer("interleaved_calls.sse"))] == [
        FunctionCall("a", "f", '{"x":1}'),
        FunctionCall("b", "g", '{"y":2}'),
    ]


def test_a_call_without_index_goes_on_where_the_last_one_was() -> None:
    parser = CLIENT.StreamParser()
    events: list[Event] = []
    for entry in (
        {"id": "a", "function": {"name": "f", "arguments": "{"}},
        {"function": {"arguments": "}"}},
        {"function": {"name": "g", "arguments": {"x": 1}}},
    ):
        events += parser.feed(chunk({"tool_calls": [entry]}))
    events += parser.feed(ServerSentEvent("[DONE]"))
    assert [part.content for part in parts_of(collect(events))] == [
        FunctionCall("a", "f", "{}"),
        FunctionCall(None, "g", '{"x":1}'),
    ]


def test_a_call_starts_when_its_name_is_known() -> None:
    parser = CLIENT.StreamParser()
    first = {"index": 0, "id": "a", "function": {"arguments": "{"}}
    assert parser.feed(chunk({"tool_calls": [first]}))[1:] == []
    named = {"index": 0, "function": {"name": "f", "arguments": "}"}}
    events = [*parser.feed(chunk({"tool_calls": [named]})), *parser.feed(chunk(finish="stop"))]
    assert parts_of(collect(events))[0].content == FunctionCall("a", "f", "{}")


def test_the_deprecated_function_call_is_a_call_without_id() -> None:
    call = {"name": "f", "arguments": '{"a":'}
    plain = CLIENT.parse_response(body({"content": None, "function_call": call}, "function_call"))
    assert parts_of(plain) == (MessagePart(FunctionCall(None, "f", '{"a":')),)
    parser = CLIENT.StreamParser()
    events = [
        *parser.feed(chunk({"function_call": {"name": "f", "arguments": ""}})),
        *parser.feed(chunk({"function_call": {"arguments": '{"a":'}})),
        *parser.feed(chunk(finish="function_call")),
    ]
    assert collect(events).candidates == plain.candidates


def test_arguments_that_are_no_json_pass_as_they_are() -> None:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{oops"}}
    plain = CLIENT.parse_response(body({"content": None, "tool_calls": [call]}, "tool_calls"))
    assert parts_of(plain)[0].content == FunctionCall("a", "f", "{oops")


def test_what_only_later_chunks_say_of_the_answer_is_kept() -> None:
    head = {"id": "a", "model": "m", "service_tier": None}
    said = {"choices": [{"delta": {"content": "Hi"}}]}
    ended = {"choices": [{"delta": {}, "finish_reason": "stop"}]}
    late = {"service_tier": "flex", "citations": ["https://a.example"], "obfuscation": "xy"}
    lines = [{**head, **said}, {**head, **ended, **late}]
    stream = b"".join(b"data: " + json.dumps(line).encode() + b"\n\n" for line in lines)
    assert collect(events_of(stream + b"data: [DONE]\n\n")).additional_data == {
        "model": "m",
        "service_tier": "flex",
        "citations": ["https://a.example"],
    }


def test_azures_chunks_without_choices_or_delta_are_nothing() -> None:
    events = events_of(fixture("azure.sse"))
    assert isinstance(events[0], ResponseStart)
    assert (events[0].id, events[0].model) == ("chatcmpl-A1", "gpt-5.4-mini-2026-03-17")
    assert collect(events).to_text() == "Hello"
    assert "prompt_filter_results" in collect(events).additional_data


def test_only_the_chunk_of_token_counts_is_called_one() -> None:
    parser = CLIENT.StreamParser()
    seen = []
    for sse in Decoder().feed(fixture("text.sse")):
        parser.feed(sse)
        seen.append(parser.last_usage_only)
    assert seen == [False, False, False, False, True, False]
    with_content = ServerSentEvent(
        '{"choices":[{"index":0,"delta":{"content":"a"}}],"usage":{"prompt_tokens":1}}'
    )
    parser = CLIENT.StreamParser()
    assert Usage(TokenUsage(1, 0, 1)) in parser.feed(with_content)
    assert not parser.last_usage_only


def test_several_choices_stream_side_by_side() -> None:
    parser = CLIENT.StreamParser()
    events: list[Event] = []
    for index, text in ((1, "b"), (0, "a"), (1, "B"), (0, "A")):
        events += parser.feed(chunk({"content": text}, index=index))
    events += parser.feed(chunk(finish="stop", index=0))
    events += parser.feed(chunk(finish="length", index=1))
    events += parser.close()
    result = collect(events)
    assert [each.message.text() for each in result.candidates] == ["aA", "bB"]
    assert [each.raw_finish_reason for each in result.candidates] == ["stop", "length"]


def test_logprobs_stream() -> None:
    logprobs = {"content": [{"token": "a", "logprob": -1, "bytes": None, "top_logprobs": []}]}
    parser = CLIENT.StreamParser()
    events = [
        *parser.feed(chunk({"content": "a"}, logprobs=logprobs)),
        *parser.feed(chunk({}, logprobs=logprobs)),
        *parser.feed(chunk(finish="stop")),
    ]
    assert collect(events).candidates[0].logprobs == (TokenLogprob("a", -1),) * 2


def test_refusals_and_images_stream() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    parser = CLIENT.StreamParser()
    events = [
        *parser.feed(chunk({"refusal": "No"})),
        *parser.feed(chunk({"refusal": "."})),
        *parser.feed(chunk({"images": [image]})),
        *parser.feed(chunk(finish="stop")),
    ]
    streamed = parts_of(collect(events))
    assert streamed == (
        MessagePart("No.", refusal=True),
        MessagePart(File("image/png", base64_data="AAAA")),
    )
    plain = CLIENT.parse_response(body({"refusal": "No.", "images": [image]}, "stop"))
    assert parts_of(plain) == streamed


def test_content_in_parts() -> None:
    content = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]},
        {"type": "text", "text": "Yes"},
    ]
    plain = CLIENT.parse_response(body({"content": content}, "stop"))
    assert parts_of(plain) == (MessagePart("Hm", Channel.THOUGHT), MessagePart("Yes"))


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("stop", FinishReason.STOP),
        ("length", FinishReason.LENGTH),
        ("content_filter", FinishReason.CONTENT_FILTER),
        ("tool_calls", FinishReason.TOOL_CALLS),
        ("function_call", FinishReason.TOOL_CALLS),
        ("error", FinishReason.ERROR),
        ("eos", FinishReason.STOP),
        (None, None),
        ("", None),
    ],
)
def test_finish_reasons_are_unified_and_kept(word: str | None, reason: FinishReason | None) -> None:
    (candidate,) = CLIENT.parse_response(body({"content": "a"}, word)).candidates
    assert candidate.finish_reason is reason
    assert candidate.raw_finish_reason == (word or None)


def test_a_stream_may_end_without_done_once_it_has_finished() -> None:
    assert answer("no_done.sse").candidates[0].finish_reason is FinishReason.STOP


def test_a_stream_may_end_with_done_without_a_finish_reason() -> None:
    parser = CLIENT.StreamParser()
    events = [*parser.feed(chunk({"content": "a"})), *parser.feed(ServerSentEvent("[DONE]"))]
    assert events[-1] == Finish(FinishReason.STOP)


def test_a_stream_that_is_cut_says_so() -> None:
    with pytest.raises(StreamTruncated):
        events_of(fixture("cut.sse"))
    with pytest.raises(StreamTruncated):
        CLIENT.StreamParser().close()
    parser = CLIENT.StreamParser()
    parser.feed(chunk({"content": "a"}, index=1))
    parser.feed(chunk(finish="stop", index=0))
    with pytest.raises(StreamTruncated):
        parser.close()


def test_what_follows_the_end_is_ignored() -> None:
    parser = CLIENT.StreamParser()
    parser.feed(chunk({"content": "a"}, "stop"))
    parser.feed(ServerSentEvent("[DONE]"))
    assert parser.feed(ServerSentEvent("nonsense")) == ()
    assert parser.close() == ()


def test_content_after_the_finish_reason_is_not_lost() -> None:
    parser = CLIENT.StreamParser()
    events = [
        *parser.feed(chunk({"content": "a"}, "stop")),
        *parser.feed(chunk({"content": "b"}, "stop")),
        *parser.feed(ServerSentEvent("[DONE]")),
    ]
    assert collect(events).to_text() == "ab"
    assert sum(isinstance(event, Finish) for event in events) == 1


@pytest.mark.parametrize(
    "data",
    [
        "{",
        "[]",
        "1",
        "null",
        "{}",
        '{"choices": {}}',
        '{"choices": [1]}',
        '{"choices": [{"index": "0"}]}',
        '{"choices": [{"index": 0, "delta": []}]}',
        '{"choices": [{"index": 0, "delta": {"content": 1}}]}',
        '{"choices": [{"index": 0, "delta": {"tool_calls": [1]}}]}',
        '{"choices": [{"index": 0, "delta": {"tool_calls": [{"function": 1}]}}]}',
        '{"choices": [{"index": 0, "delta": {}, "finish_reason": 1}]}',
        '{"choices": [{"index": 0, "delta": {}, "logprobs": {"content": [1]}}]}',
        '{"choices": [{"index": 0, "delta": {}, "logprobs": {"content": [{"token": 1}]}}]}',
        '{"choices": [{"index": 0, "delta": {}, "logprobs": {"content": {"a": 1}}}]}',
    ],
)
def test_a_malformed_event_is_never_skipped(data: str) -> None:
    with pytest.raises(MalformedAnswer):
        CLIENT.StreamParser().feed(ServerSentEvent(data))


def test_more_of_a_call_that_had_ended_is_malformed() -> None:
    parser = CLIENT.StreamParser()
    call = {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{"}}
    parser.feed(chunk({"tool_calls": [call]}))
    parser.feed(chunk({"content": "text"}))
    with pytest.raises(MalformedAnswer):
        parser.feed(chunk({"tool_calls": [{"index": 0, "function": {"arguments": "}"}}]}))


def test_an_end_without_an_answer_is_empty() -> None:
    parser = CLIENT.StreamParser()
    parser.feed(chunk({"role": "assistant", "content": ""}))
    with pytest.raises(EmptyAnswer):
        parser.feed(ServerSentEvent("[DONE]"))
    with pytest.raises(EmptyAnswer):
        CLIENT.parse_response(body({"role": "assistant", "content": ""}))
    with pytest.raises(EmptyAnswer):
        CLIENT.parse_response(b'{"choices": []}')


def test_an_empty_answer_with_a_finish_reason_is_an_answer() -> None:
    for message in ({"content": None}, None):
        (candidate,) = CLIENT.parse_response(body(message, "content_filter")).candidates
        assert candidate.message.parts == ()
        assert candidate.finish_reason is FinishReason.CONTENT_FILTER
    parser = CLIENT.StreamParser()
    events = [*parser.feed(chunk(finish="content_filter")), *parser.close()]
    assert events[-1] == Finish(FinishReason.CONTENT_FILTER, "content_filter")


@pytest.mark.parametrize(
    ("answered", "kind"),
    [
        (b"<!doctype html><p>Hello</p>", BadContent),
        (b"", BadContent),
        (b"Hello", BadContent),
        (b'"Hello"', BadContent),
        (b"[]", BadContent),
        (b'{"choices": [', MalformedAnswer),
        (b'{"choices": [{"message": "\xff"}]}', MalformedAnswer),
        (b"{}", MalformedAnswer),
        (b'{"choices": null}', MalformedAnswer),
        (b'{"choices": [1]}', MalformedAnswer),
        (b'{"choices": [{}]}', MalformedAnswer),
        (b'{"choices": [{"message": {"content": 1}}]}', MalformedAnswer),
        (b'{"choices": [{"message": {"content": [{"type": "x"}]}}]}', MalformedAnswer),
        (b'{"choices": [{"message": {"tool_calls": [1]}}]}', MalformedAnswer),
        (b'{"choices": [{"message": {"tool_calls": [{}]}}]}', MalformedAnswer),
        (b'{"choices": [{"message": {}, "finish_reason": 1}]}', MalformedAnswer),
    ],
)
def test_an_answer_of_another_kind_is_refused(answered: bytes, kind: type[AiClientError]) -> None:
    with pytest.raises(kind) as caught:
        CLIENT.parse_response(answered)
    assert type(caught.value) is kind


ERRORS: list[tuple[Any, type[AiClientError]]] = [
    ({"error": {"message": "a", "type": "insufficient_quota"}}, QuotaExhausted),
    ({"error": {"message": "a", "type": "tokens", "code": "rate_limit_exceeded"}}, RateLimited),
    ({"error": {"message": "a", "code": 429}}, RateLimited),
    ({"error": {"message": "a", "code": 502}}, ServerFailed),
    ({"error": {"message": "a", "code": 402}}, QuotaExhausted),
    ({"error": {"message": "a", "type": "overloaded_error"}}, Overloaded),
    ({"error": {"message": "a", "type": "server_error"}}, ServerFailed),
    ({"error": {"message": "a", "type": "invalid_request_error"}}, InvalidRequest),
    ({"error": {"message": "a", "code": "context_length_exceeded"}}, ContextTooLong),
    ({"error": {"message": "a", "code": "content_filter"}}, ContentFiltered),
    ({"error": "it broke"}, ServerFailed),
    ({"object": "error", "message": "a", "code": 404}, UpstreamModelMissing),
]


@pytest.mark.parametrize(("data", "kind"), ERRORS)
def test_an_error_inside_a_200_is_that_error(data: Any, kind: type[AiClientError]) -> None:
    with pytest.raises(kind) as plain:
        CLIENT.parse_response(json.dumps(data).encode())
    with pytest.raises(kind) as streamed:
        CLIENT.StreamParser().feed(ServerSentEvent(json.dumps(data)))
    assert type(plain.value) is type(streamed.value) is kind


def test_an_event_called_error_is_one() -> None:
    for data in ('{"message": "a", "code": 503}', "503 unavailable"):
        with pytest.raises((Overloaded, ServerFailed)):
            CLIENT.StreamParser().feed(ServerSentEvent(data, "error"))


def test_an_error_inside_a_choice_is_that_error() -> None:
    error = {"code": 429, "message": "a"}
    with pytest.raises(RateLimited):
        CLIENT.parse_response(body({"content": ""}, "error", error=error))
    with pytest.raises(RateLimited):
        CLIENT.StreamParser().feed(chunk({"content": ""}, "error", error=error))
    with pytest.raises(RateLimited):
        events_of(fixture("error_after_content.sse"))


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (429, {"error": {"message": "a", "code": "insufficient_quota"}}, QuotaExhausted),
        (429, {"error": {"message": "a", "type": "requests"}}, RateLimited),
        (401, {"error": {"message": "a", "code": "401"}}, KeyRejected),
        (404, {"error": {"code": "DeploymentNotFound", "message": "a"}}, UpstreamModelMissing),
        (404, {"error": "model 'x' not found"}, UpstreamModelMissing),
        (404, {"detail": "Not Found"}, UpstreamModelMissing),
        (504, "<html>Gateway Time-out</html>", GatewayTimedOut),
        (500, "", ServerFailed),
        (
            400,
            [{"error": {"code": 400, "message": "a", "status": "INVALID_ARGUMENT"}}],
            InvalidRequest,
        ),
        (
            400,
            {
                "error": {
                    "code": "weird",
                    "message": "a",
                    "innererror": {"code": "ResponsibleAIPolicyViolation"},
                }
            },
            ContentFiltered,
        ),
        (
            403,
            {"error": {"code": 403, "message": "a", "metadata": {"flagged_input": "x"}}},
            ContentFiltered,
        ),
        (422, {"detail": [{"loc": ["body"], "msg": "field required"}]}, InvalidRequest),
        (503, {"error": None}, Overloaded),
        (400, "null", InvalidRequest),
    ],
)
def test_error_answers(status: int, error: Any, kind: type[AiClientError]) -> None:
    answered = error if isinstance(error, str) else json.dumps(error)
    found = CLIENT.parse_error(status, {}, answered.encode())
    assert type(found) is kind
    assert found.message


def test_an_error_answer_keeps_field_wait_and_text() -> None:
    answered = b'{"error": {"message": "Bad role. See https://x.y", "param": "messages[0].role"}}'
    invalid = CLIENT.parse_error(400, {}, answered)
    assert (invalid.message, invalid.param) == ("Bad role. See [removed]", "messages[0].role")
    limited = CLIENT.parse_error(429, {"Retry-After": "3"}, b"")
    assert isinstance(limited, RateLimited)
    assert (limited.retry_after, limited.upstream_status) == (3.0, 429)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            [
                "choices", "delta", "message", "content", "tool_calls", "function", "name", "id",
                "arguments", "index", "finish_reason", "error", "code", "usage", "logprobs",
                "reasoning_details", "extra_content", "annotations", "images", "image_url", "url",
                "type", "text", "refusal", "function_call", "prompt_tokens_details",
            ]
        ),
        inner,
        max_size=5,
    ),
    max_leaves=25,
)  # fmt: skip


@given(json_values)
def test_any_json_is_an_answer_or_one_of_our_errors(value: Any) -> None:
    text = json.dumps(value)
    with suppress(AiClientError):
        list(replay(CLIENT.parse_response(text.encode())))
    with suppress(AiClientError):
        parser = CLIENT.StreamParser()
        collect([*parser.feed(ServerSentEvent(text)), *parser.close()])
    assert CLIENT.parse_error(400, {}, text.encode()).message


def _next_turn(result: GenerativeAiResult) -> GenerationRequest:
    return GenerationRequest((result.candidates[0].message,))
