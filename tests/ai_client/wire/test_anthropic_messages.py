"""Answers in Anthropic's dialect, through the face that sessions use.

The fixtures are answers in the shape that the vendor documents, each as a stream and as the
complete answer of the same content.
"""

from __future__ import annotations

import json
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
    PayloadTooLarge,
    QuotaExhausted,
    RateLimited,
    RequestConflict,
    ServerFailed,
    StreamTruncated,
    UpstreamError,
    UpstreamModelMissing,
)
from ai_client.events import Event, PartDelta, ResponseStart, Usage, bears_content, collect
from ai_client.messages import (
    Channel,
    FinishReason,
    FunctionCall,
    GenerationRequest,
    GenerativeAiResult,
    TokenUsage,
    user_message,
)
from ai_client.sse import Decoder, ServerSentEvent, encode
from ai_client.wire import Target, client_face

FIXTURES = Path(__file__).parent / "fixtures" / "anthropic_messages"
ANSWERS = sorted(path.stem for path in FIXTURES.glob("*.json"))
MODEL = "claude-sonnet-4-6"

face = client_face("anthropic_messages")


def echoed(result: GenerativeAiResult) -> list[dict[str, Any]]:
    """What the next request says the model said."""
    turns = (user_message("go"), result.candidates[0].message, user_message("on"))
    request = face.render_request(GenerationRequest(turns), Target(MODEL))
    return [
        block
        for message in request.body["messages"]
        if message["role"] == "assistant"
        for block in message["content"]
    ]


def parse_stream(data: bytes, chunk: int = 1 << 20) -> list[Event]:
    decoder, parser = Decoder(), face.StreamParser()
    events: list[Event] = []
    for start in range(0, len(data), chunk):
        for event in decoder.feed(data[start : start + chunk]):
            events += parser.feed(event)
    events += parser.close()
    return events


def fixture(name: str) -> bytes:
    return (FIXTURES / name).read_bytes()


def sse(*events: dict[str, Any]) -> bytes:
    return b"".join(encode(json.dumps(event), event=event["type"]) for event in events)


START: dict[str, Any] = {
    "type": "message_start",
    "message": {"id": "msg_1", "model": MODEL, "content": []},
}
STOP = {"type": "message_stop"}


def ended(reason: str | None = "end_turn") -> dict[str, Any]:
    return {
        "type": "message_delta",
        "delta": {"stop_reason": reason},
        "usage": {"output_tokens": 1},
    }


def started(block: dict[str, Any], index: int = 0) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int = 0, **content: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": content}


def stopped(index: int = 0) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


class TestAnswers:
    @pytest.mark.parametrize("name", ANSWERS)
    def test_are_equal_streamed_and_plain(self, name: str) -> None:
        plain = face.parse_response(fixture(f"{name}.json"))
        assert collect(parse_stream(fixture(f"{name}.sse"))) == plain

    @pytest.mark.parametrize("name", ANSWERS)
    def test_are_equal_however_the_stream_is_cut(self, name: str) -> None:
        data = fixture(f"{name}.sse")
        whole = parse_stream(data)
        for chunk in (1, 7, 100):
            assert parse_stream(data, chunk) == whole
        assert parse_stream(data.replace(b"\n", b"\r\n"), 1) == whole

    def test_carry_text_and_usage_with_the_cache_counted_in(self) -> None:
        result = face.parse_response(fixture("text.json"))
        assert (result.id, result.model) == ("msg_01Text", MODEL)
        assert result.to_text() == "Grüße aus Zürich 🏔\u2028!"
        assert result.usage == TokenUsage(
            prompt_tokens=1045,
            completion_tokens=12,
            total_tokens=1057,
            cached_tokens=1000,
            cache_write_tokens=20,
        )

    def test_keep_thinking_apart_and_its_signature(self) -> None:
        result = face.parse_response(fixture("thinking.json"))
        thought, redacted, text = result.candidates[0].message.parts
        assert (thought.content, thought.channel) == ("27 by 453: 12,231.", Channel.THOUGHT)
        assert thought.thought_signature == "EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pk="
        assert redacted.is_thought
        assert redacted.opaque_for("anthropic_messages")["type"] == "redacted_thinking"
        assert result.to_text() == text.content == "27 by 453 = 12,231"
        assert result.usage is not None
        assert result.usage.thought_tokens == 61

    def test_carry_parallel_calls_with_every_digit(self) -> None:
        result = face.parse_response(fixture("parallel_tools.json"))
        calls = [part.content for part in result.candidates[0].message.parts[1:]]
        assert calls == [
            FunctionCall(
                "toolu_01A",
                "get_weather",
                '{"city":"San Francisco","days":123456789012345678901234567890}',
            ),
            FunctionCall("toolu_01B", "get_time", "{}"),
        ]
        assert result.candidates[0].finish_reason is FinishReason.TOOL_CALLS

    def test_carry_citations(self) -> None:
        result = face.parse_response(fixture("citations.json"))
        [citation] = result.candidates[0].message.parts[1].citations
        assert citation["cited_text"] == "The grass is green."

    def test_do_not_read_the_vendors_own_tools_aloud(self) -> None:
        result = face.parse_response(fixture("server_tool.json"))
        assert result.to_text() == "1916."
        assert all(
            not isinstance(part.content, FunctionCall)
            for part in result.candidates[0].message.parts
        )

    @pytest.mark.parametrize(
        ("raw", "unified"),
        [
            ("end_turn", FinishReason.STOP),
            ("stop_sequence", FinishReason.STOP),
            ("max_tokens", FinishReason.LENGTH),
            ("model_context_window_exceeded", FinishReason.LENGTH),
            ("pause_turn", FinishReason.LENGTH),
            ("tool_use", FinishReason.TOOL_CALLS),
            ("refusal", FinishReason.CONTENT_FILTER),
            ("a_reason_to_come", FinishReason.STOP),
        ],
    )
    def test_end_for_a_unified_reason_beside_the_vendors_own(
        self, raw: str, unified: FinishReason
    ) -> None:
        plain = face.parse_response(json.dumps({"content": [], "stop_reason": raw}).encode())
        streamed = collect(parse_stream(sse(START, ended(raw), STOP)))
        for [candidate] in (plain.candidates, streamed.candidates):
            assert (candidate.finish_reason, candidate.raw_finish_reason) == (unified, raw)

    def test_without_content_and_reason_are_failures(self) -> None:
        with pytest.raises(EmptyAnswer):
            face.parse_response(b'{"type":"message","content":[],"stop_reason":null}')
        with pytest.raises(EmptyAnswer):
            parse_stream(sse(START, ended(None), STOP))

    @pytest.mark.parametrize(
        ("data", "error"),
        [
            (b'{"type":"message","content":[{"ty', MalformedAnswer),
            (b"", MalformedAnswer),
            (b'{"content":["text"],"stop_reason":"end_turn"}', MalformedAnswer),
            (b'{"content":[{"type":"text"}],"stop_reason":"end_turn"}', MalformedAnswer),
            (b"<!doctype html><title>Sign in</title>", BadContent),
            (b"[]", BadContent),
            (b'{"status":"ok"}', BadContent),
            (b'{"type":"error","error":{"type":"overloaded_error","message":"x"}}', Overloaded),
            (b'{"error":{"type":"rate_limit_error","message":"x"}}', RateLimited),
        ],
    )
    def test_that_are_none_raise_what_they_are(
        self, data: bytes, error: type[AiClientError]
    ) -> None:
        with pytest.raises(error) as raised:
            face.parse_response(data)
        assert type(raised.value) is error

    def test_count_nothing_where_nothing_is_counted(self) -> None:
        result = face.parse_response(b'{"content":[],"stop_reason":"end_turn"}')
        assert result.usage is None

    @pytest.mark.parametrize(
        "name", ["thinking", "omitted_thinking", "server_tool", "parallel_tools"]
    )
    def test_are_echoed_untouched(self, name: str) -> None:
        answer = json.loads(fixture(f"{name}.json"))["content"]
        for result in (
            face.parse_response(fixture(f"{name}.json")),
            collect(parse_stream(fixture(f"{name}.sse"))),
        ):
            assert echoed(result) == answer

    def test_with_thinking_that_is_not_signed_are_echoed_without_it(self) -> None:
        unsigned = {"type": "thinking", "thinking": "hm", "signature": ""}
        answer = {"content": [unsigned, {"type": "text", "text": "So"}], "stop_reason": "end_turn"}
        result = face.parse_response(json.dumps(answer).encode())
        assert result.candidates[0].message.parts[0].content == "hm"
        assert echoed(result) == [{"type": "text", "text": "So"}]


class TestErrors:
    @pytest.mark.parametrize(
        ("status", "kind", "message", "error"),
        [
            (400, "invalid_request_error", "max_tokens: must be positive", InvalidRequest),
            (
                400,
                "invalid_request_error",
                "prompt is too long: 208310 tokens > 200000 maximum",
                ContextTooLong,
            ),
            (
                400,
                "invalid_request_error",
                "input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000",
                ContextTooLong,
            ),
            (
                400,
                "invalid_request_error",
                "Your credit balance is too low to access the Anthropic API.",
                QuotaExhausted,
            ),
            (
                400,
                "invalid_request_error",
                "You have reached your specified API usage limits. You will regain access on "
                "2026-12-01 at 00:00 UTC.",
                QuotaExhausted,
            ),
            (
                400,
                "invalid_request_error",
                "Output blocked by content filtering policy",
                ContentFiltered,
            ),
            (400, "invalid_request_error", "This organization has been disabled.", KeyRejected),
            (401, "authentication_error", "invalid x-api-key", KeyRejected),
            (402, "billing_error", "Check your payment details", QuotaExhausted),
            (403, "billing_error", "Check your payment details", QuotaExhausted),
            (403, "permission_error", "no access", KeyRejected),
            (404, "not_found_error", "model: claude-nope", UpstreamModelMissing),
            (409, "conflict_error", "conflict", RequestConflict),
            (413, "request_too_large", "Request exceeds the maximum size", PayloadTooLarge),
            (429, "rate_limit_error", "exceeds your rate limit", RateLimited),
            (429, "rate_limit_error", "monthly spend limit reached", QuotaExhausted),
            (500, "api_error", "Internal server error", ServerFailed),
            (504, "timeout_error", "Request timeout", GatewayTimedOut),
            (529, "overloaded_error", "Overloaded", Overloaded),
        ],
    )
    def test_are_told_apart(
        self, status: int, kind: str, message: str, error: type[AiClientError]
    ) -> None:
        answer = {"type": "error", "error": {"type": kind, "message": message}}
        raised = face.parse_error(status, {}, json.dumps(answer).encode())
        assert type(raised) is error

    def test_say_what_the_upstream_says(self) -> None:
        answer = {"error": {"type": "not_found_error", "message": "model: claude-nope"}}
        assert face.parse_error(404, {}, json.dumps(answer).encode()).message == (
            "model: claude-nope"
        )

    def test_carry_the_wait_and_the_code_of_the_upstream(self) -> None:
        answer = {
            "type": "error",
            "error": {
                "type": "rate_limit_error",
                "message": "slow",
                "details": {"error_code": "ramp_limit_exceeded"},
            },
        }
        error = face.parse_error(429, {"retry-after": "7"}, json.dumps(answer).encode())
        assert isinstance(error, RateLimited)
        assert (error.retry_after, error.upstream_status) == (7.0, 429)
        assert error.upstream_code == "ramp_limit_exceeded"

    @pytest.mark.parametrize(
        "data",
        [b"", b"<html>no</html>", b"[]", b"null", b'{"error":null}', b'{"error":"down"}', b"\xff{"],
    )
    def test_of_any_shape_are_told_apart_by_status(self, data: bytes) -> None:
        error = face.parse_error(503, {}, data)
        assert type(error) is Overloaded
        assert error.message

    def test_show_the_text_of_an_error_that_is_no_json(self) -> None:
        assert (
            "upstream connect error" in face.parse_error(502, {}, b"upstream connect error").message
        )
        assert face.parse_error(502, {}, b'{"error":"down"}').message == "down"

    def test_do_not_repeat_a_key(self) -> None:
        answer = {"error": {"type": "x", "message": "bad key sk-ant-api03-abcdefghijklmnop"}}
        assert (
            "abcdefghijklmnop" not in face.parse_error(401, {}, json.dumps(answer).encode()).message
        )


class TestStream:
    def test_counts_from_the_start_and_commits_to_nothing_before_content(self) -> None:
        events = parse_stream(fixture("text.sse"))
        first_delta = next(
            position for position, event in enumerate(events) if isinstance(event, PartDelta)
        )
        before = events[:first_delta]
        assert ResponseStart("msg_01Text", MODEL) in before
        assert any(isinstance(event, Usage) for event in before)
        assert not any(bears_content(event) for event in before)

    def test_says_nothing_for_a_ping_or_an_event_to_come(self) -> None:
        parser = face.StreamParser()
        assert not parser.feed(ServerSentEvent('{"type": "ping"}', event="ping"))
        assert not parser.feed(ServerSentEvent('{"type": "ping"}'))
        assert not parser.feed(ServerSentEvent('{"type": "news", "index": 0}', event="news"))

    def test_raises_an_error_event_as_its_class(self) -> None:
        with pytest.raises(Overloaded, match="Overloaded") as raised:
            parse_stream(fixture("error_before_content.sse"))
        assert raised.value.upstream_status is None
        with pytest.raises(ServerFailed, match="Internal server error"):
            parse_stream(fixture("error_after_content.sse"))

    def test_raises_an_error_event_that_says_so_by_name_only(self) -> None:
        parser = face.StreamParser()
        with pytest.raises(RateLimited):
            parser.feed(
                ServerSentEvent('{"error":{"type":"rate_limit_error","message":"x"}}', "error")
            )

    @pytest.mark.parametrize("name", ANSWERS)
    def test_is_truncated_until_its_end_is_seen(self, name: str) -> None:
        data = fixture(f"{name}.sse")
        cut = data[: data.rindex(b"event: message_stop")]
        with pytest.raises(StreamTruncated):
            parse_stream(cut)
        parser, decoder = face.StreamParser(), Decoder()
        for event in decoder.feed(cut):
            parser.feed(event)
        assert parser.finished is False
        for event in decoder.feed(data[len(cut) :]):
            parser.feed(event)
        assert parser.finished is True
        assert not parser.feed(ServerSentEvent("[DONE]"))

    @pytest.mark.parametrize(
        "data",
        [
            "{",
            "[]",
            "[DONE]",
            "{}",
            '{"type":"message_start"}',
            '{"type":"content_block_start","content_block":{"type":"text"}}',
            '{"type":"content_block_start","index":0}',
            '{"type":"content_block_start","index":0,"content_block":{"type":"tool_use"}}',
            '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":5}}',
            '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"}}',
            '{"type":"content_block_stop","index":0}',
            '{"type":"message_delta"}',
        ],
    )
    def test_does_not_pass_over_a_malformed_event(self, data: str) -> None:
        with pytest.raises(MalformedAnswer):
            face.StreamParser().feed(ServerSentEvent(data))

    @pytest.mark.parametrize(
        ("block", "broken"),
        [
            ({"type": "text", "text": ""}, {"type": "text_delta"}),
            ({"type": "thinking", "thinking": ""}, {"type": "thinking_delta", "thinking": 1}),
            (
                {"type": "tool_use", "id": "t", "name": "f", "input": {}},
                {"type": "input_json_delta"},
            ),
        ],
    )
    def test_does_not_pass_over_a_malformed_delta(
        self, block: dict[str, Any], broken: dict[str, Any]
    ) -> None:
        with pytest.raises(MalformedAnswer):
            parse_stream(sse(START, started(block), delta(**broken)))

    def test_refuses_a_block_that_starts_twice(self) -> None:
        with pytest.raises(MalformedAnswer, match="twice"):
            parse_stream(sse(START, *[started({"type": "text", "text": ""})] * 2))

    def test_takes_what_some_servers_send_with_the_start_of_a_block(self) -> None:
        result = collect(
            parse_stream(
                sse(
                    START,
                    started({"type": "thinking", "thinking": "hm", "signature": "s"}, 0),
                    stopped(0),
                    started({"type": "text", "text": "So"}, 1),
                    delta(1, type="text_delta", text=" be it"),
                    stopped(1),
                    started(
                        {"type": "tool_use", "id": "t", "name": "f", "input": {"x": 10**30}}, 2
                    ),
                    stopped(2),
                    ended("tool_use"),
                    STOP,
                )
            )
        )
        thought, text, call = result.candidates[0].message.parts
        assert (thought.content, thought.thought_signature) == ("hm", "s")
        assert text.content == "So be it"
        assert call.content == FunctionCall("t", "f", '{"x":1' + "0" * 30 + "}")

    def test_passes_invalid_arguments_on_unrepaired(self) -> None:
        result = collect(
            parse_stream(
                sse(
                    START,
                    started({"type": "tool_use", "id": "t", "name": "f", "input": {}}),
                    delta(type="input_json_delta", partial_json='{"x": '),
                    stopped(),
                    ended("max_tokens"),
                    STOP,
                )
            )
        )
        assert result.candidates[0].message.parts[0].content == FunctionCall("t", "f", '{"x": ')

    def test_ends_blocks_that_the_upstream_left_open(self) -> None:
        result = collect(
            parse_stream(
                sse(
                    START,
                    started({"type": "thinking", "thinking": ""}),
                    delta(type="thinking_delta", thinking="hm"),
                    delta(type="signature_delta", signature="s"),
                    ended(),
                    STOP,
                )
            )
        )
        assert result.candidates[0].message.parts[0].thought_signature == "s"

    def test_keeps_its_place_over_blocks_and_deltas_to_come(self) -> None:
        result = collect(
            parse_stream(
                sse(
                    START,
                    started({"type": "hologram", "seed": 4}, 0),
                    stopped(0),
                    started({"type": "hologram"}, 1),
                    delta(1, type="hologram_delta", ray="x"),
                    stopped(1),
                    started({"type": "text", "text": ""}, 2),
                    delta(2, type="shimmer_delta"),
                    delta(2, type="text_delta", text="done"),
                    stopped(2),
                    ended(),
                    STOP,
                )
            )
        )
        assert result.to_text() == "done"
        assert echoed(result) == [
            {"type": "hologram", "seed": 4},
            {"type": "text", "text": "done"},
        ]

    def test_keeps_counts_that_a_later_event_leaves_out(self) -> None:
        usage = {"input_tokens": 9, "cache_read_input_tokens": 5, "output_tokens": 1}
        start = {"type": "message_start", "message": {"id": "m", "usage": usage}}
        last = {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn"},
            "usage": {"output_tokens": 40, "input_tokens": None},
        }
        result = collect(parse_stream(sse(start, last, STOP)))
        assert result.usage == TokenUsage(14, 40, 54, cached_tokens=5)

    def test_never_holds_usage_that_only_some_callers_get(self) -> None:
        assert face.StreamParser().last_usage_only is False


# Text as JSON carries it: no lone surrogates.
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
BLOCKS = st.one_of(
    st.builds(lambda text: {"type": "text", "text": text}, TEXT),
    st.builds(
        lambda text, signature: {"type": "thinking", "thinking": text, "signature": signature},
        TEXT,
        st.text("abc+/=", min_size=1),
    ),
    st.builds(lambda data: {"type": "redacted_thinking", "data": data}, TEXT),
    st.builds(
        lambda arguments: {"type": "tool_use", "id": "t", "name": "f", "input": arguments},
        st.dictionaries(TEXT, VALUES, max_size=3),
    ),
)


def pieces(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def streamed(index: int, block: dict[str, Any], size: int) -> list[dict[str, Any]]:
    """The events with which the upstream would stream ``block``."""
    match block["type"]:
        case "text":
            empty = {**block, "text": ""}
            deltas = [{"type": "text_delta", "text": text} for text in pieces(block["text"], size)]
        case "thinking":
            empty = {**block, "thinking": "", "signature": ""}
            deltas = [
                {"type": "thinking_delta", "thinking": text}
                for text in pieces(block["thinking"], size)
            ]
            deltas.append({"type": "signature_delta", "signature": block["signature"]})
        case "tool_use":
            empty = {**block, "input": {}}
            text = json.dumps(block["input"], ensure_ascii=False, separators=(",", ":"))
            deltas = [
                {"type": "input_json_delta", "partial_json": part} for part in pieces(text, size)
            ]
        case _:
            empty, deltas = block, []
    return [
        started(empty, index),
        *({"type": "content_block_delta", "index": index, "delta": part} for part in deltas),
        stopped(index),
    ]


class TestAnyAnswer:
    @given(st.lists(BLOCKS, max_size=5), st.integers(1, 9), st.integers(1, 400))
    def test_is_equal_streamed_and_plain(
        self, blocks: list[dict[str, Any]], size: int, chunk: int
    ) -> None:
        events = [
            event for index, block in enumerate(blocks) for event in streamed(index, block, size)
        ]
        stream = sse(START, *events, ended(), STOP)
        plain = {
            **START["message"],
            "content": blocks,
            "stop_reason": "end_turn",
            "usage": {"output_tokens": 1},
        }
        expected = face.parse_response(json.dumps(plain).encode())
        assert collect(parse_stream(stream, chunk)) == expected
        texts = [block["text"] for block in blocks if block["type"] == "text"]
        assert expected.to_message().text() == "".join(texts)

    @given(st.lists(BLOCKS, min_size=1, max_size=5))
    def test_can_be_echoed(self, blocks: list[dict[str, Any]]) -> None:
        answer = {"content": blocks, "stop_reason": "end_turn"}
        result: GenerativeAiResult = face.parse_response(json.dumps(answer).encode())
        assert echoed(result) == [block for block in blocks if block.get("text", "x").strip()]

    @given(st.text() | VALUES.map(json.dumps), st.sampled_from(["message", "error", "ping"]))
    def test_is_read_or_refused_but_never_crashes(self, data: str, name: str) -> None:
        parser = face.StreamParser()
        try:
            parser.feed(ServerSentEvent(data, event=name))
        except UpstreamError:
            assert not parser.finished

    @given(st.binary() | VALUES.map(lambda value: json.dumps(value).encode()))
    def test_is_read_or_raised_as_an_error_of_ours(self, data: bytes) -> None:
        assert isinstance(face.parse_error(500, {}, data), ServerFailed)
        with pytest.raises(AiClientError):
            face.parse_response(data)
