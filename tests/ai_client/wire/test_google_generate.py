"""Google's dialect, client face: what is read from its answers, streams and errors."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from google.genai import types as sdk
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
    ServerFailed,
    StreamTruncated,
    UpstreamModelMissing,
)
from ai_client.events import Event, Finish, Usage, collect, replay
from ai_client.messages import (
    File,
    FinishReason,
    FunctionCall,
    FunctionResponse,
    GenerativeAiResult,
    Message,
    MessagePart,
    Role,
    TokenLogprob,
    TokenUsage,
    user_message,
)
from ai_client.sse import Decoder, ServerSentEvent
from tests.ai_client.wire.google_generate import FACE, contents, fixture, render


def stream(data: bytes, size: int | None = None) -> list[Event]:
    decoder, parser = Decoder(), FACE.StreamParser()
    size = size or len(data) or 1
    events: list[Event] = []
    for start in range(0, len(data), size):
        for sse in decoder.feed(data[start : start + size]):
            events += parser.feed(sse)
    return [*events, *parser.close()]


def as_sse(*chunks: object) -> bytes:
    return b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks)


def answer(*parts: object, finish: str | None = "STOP", **more: object) -> dict[str, Any]:
    candidate = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    if finish is not None:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], "responseId": "r", "modelVersion": "m", **more}


def parse(document: object) -> GenerativeAiResult:
    return FACE.parse_response(json.dumps(document).encode())


class TestAnswers:
    def test_text_and_token_counts(self) -> None:
        result = FACE.parse_response(fixture("text.json"))
        assert result.to_text() == "Apples fall because masses attract."
        assert (result.id, result.model) == ("aXq-0_Fixture", "gemini-3.5-flash")
        assert result.candidates[0].finish_reason is FinishReason.STOP
        assert result.candidates[0].raw_finish_reason == "STOP"
        assert result.usage == TokenUsage(12, 48, 60, thought_tokens=41, cached_tokens=4)

    def test_thoughts_and_calls(self) -> None:
        result = FACE.parse_response(fixture("thinking_and_calls.json"))
        [candidate] = result.candidates
        assert candidate.finish_reason is FinishReason.TOOL_CALLS
        thought, text, first, second = candidate.message.parts
        assert (thought.is_thought, thought.content) == (True, "**Two cities** so two calls.")
        assert text == MessagePart("Let me look.")
        assert first.content == FunctionCall("fc-1", "weather", '{"city":"Köln","days":2}')
        assert first.thought_signature == "c2lnbmF0dXJlIG9uZQ=="
        assert second.content == FunctionCall("call_r2_0003", "weather", '{"city":"Turin"}')
        assert result.usage == TokenUsage(85, 85, 170, thought_tokens=55)

    @pytest.mark.parametrize("name", ["text", "thinking_and_calls"])
    @pytest.mark.parametrize("size", [1, 7, None])
    def test_a_stream_collects_to_the_plain_answer(self, name: str, size: int | None) -> None:
        streamed = collect(stream(fixture(f"{name}.sse"), size))
        assert streamed == FACE.parse_response(fixture(f"{name}.json"))
        assert collect(replay(streamed)) == streamed

    @pytest.mark.parametrize("name", ["text", "thinking_and_calls", "signed_text"])
    def test_an_array_of_chunks_is_the_same_answer(self, name: str) -> None:
        data = fixture(f"{name}.sse")
        chunks = [json.loads(event.data) for event in Decoder().feed(data)]
        assert parse(chunks) == collect(stream(data))

    @pytest.mark.parametrize("name", ["thinking_and_calls.json", "picture_and_code.json"])
    def test_the_next_turn_holds_the_parts_exactly(self, name: str) -> None:
        original = json.loads(fixture(name))["candidates"][0]["content"]
        original["parts"] = [
            part for part in original["parts"] if not (part.get("thought") and "inlineData" in part)
        ]
        message = FACE.parse_response(fixture(name)).candidates[0].message
        assert contents(message, model="gemini-3.5-flash") == [original]

    def test_a_signature_at_the_end_of_a_stream_stays_a_part_of_its_own(self) -> None:
        result = collect(stream(fixture("signed_text.sse")))
        assert result.to_text() == "Forty-two"
        [turn] = contents(result.candidates[0].message)
        assert turn["parts"] == [
            {"text": "Forty-two"},
            {"text": "", "thoughtSignature": "c2lnbmVkIHRleHQ="},
        ]

    def test_results_of_calls_without_id_go_back_without_id(self) -> None:
        message = FACE.parse_response(fixture("thinking_and_calls.json")).candidates[0].message
        results = [
            MessagePart(FunctionResponse(part.content.id, None, {"ok": True}))
            for part in message.parts
            if isinstance(part.content, FunctionCall)
        ]
        turns = contents(message, user_message(*results))
        assert [part["functionResponse"].get("id") for part in turns[1]["parts"]] == ["fc-1", None]

    def test_a_bare_signature_on_content_is_google_s(self) -> None:
        opaque: dict[str, Any] = {"openai_chat": {"extra_content": {}}}
        parts = (
            MessagePart("Yes.", thought_signature="eA=="),
            MessagePart(FunctionCall("a", "f"), thought_signature="eQ==", opaque=opaque),
        )
        [turn] = contents(Message(Role.MODEL, parts))
        assert [part["thoughtSignature"] for part in turn["parts"]] == ["eA==", "eQ=="]

    def test_pictures_are_files_and_what_google_ran_is_not_text(self) -> None:
        result = FACE.parse_response(fixture("picture_and_code.json"))
        assert result.to_text() == "Here it is:"
        files = [
            part.content
            for part in result.candidates[0].message.parts
            if isinstance(part.content, File)
        ]
        assert files == [File("image/png", "iVBORw0KGgoAAAA=")]

    def test_citations_and_log_probabilities(self) -> None:
        [candidate] = FACE.parse_response(fixture("cited_with_logprobs.json")).candidates
        [part] = candidate.message.parts
        assert [(one["uri"], one["startIndex"], one["endIndex"]) for one in part.citations] == [
            ("https://example.org/rome", 0, 12),
            ("https://example.org/b", 0, 12),
        ]
        top = (TokenLogprob("Rome", -0.1), TokenLogprob("Roma", -2.5))
        assert candidate.logprobs == (
            TokenLogprob("Rome", -0.1, top),
            TokenLogprob(" is old.", -0.2),
        )

    def test_candidates_are_kept_apart(self) -> None:
        chunks = [
            {
                "candidates": [
                    {"content": {"parts": [{"text": f"{letter}{step}"}]}, "index": number}
                    | ({"finishReason": "STOP"} if step == 2 else {})
                    for number, letter in enumerate("ab")
                ]
            }
            for step in (1, 2)
        ]
        result = collect(stream(as_sse(*chunks)))
        assert [one.message.text() for one in result.candidates] == ["a1a2", "b1b2"]

    def test_a_candidate_may_begin_after_another_has_finished(self) -> None:
        parser = FACE.StreamParser()
        events: list[Any] = []
        for number in (0, 1):
            candidate = {
                "content": {"parts": [{"text": f"answer {number}"}]},
                "index": number,
                "finishReason": "STOP",
            }
            assert not parser.finished
            events += parser.feed(ServerSentEvent(json.dumps({"candidates": [candidate]})))
        events += parser.close()
        assert parser.finished
        texts = [one.message.text() for one in collect(events).candidates]
        assert texts == ["answer 0", "answer 1"]

    def test_a_body_that_ends_before_a_candidate_has_finished_is_cut(self) -> None:
        parser = FACE.StreamParser()
        begun = {"content": {"parts": [{"text": "x"}]}, "index": 0}
        parser.feed(ServerSentEvent(json.dumps({"candidates": [begun]})))
        with pytest.raises(StreamTruncated):
            parser.close()

    def test_the_finish_leaves_with_the_chunk_that_has_it(self) -> None:
        parser = FACE.StreamParser()
        counts = {"promptTokenCount": 1, "candidatesTokenCount": 2}
        event = ServerSentEvent(json.dumps(answer({"text": "x"}, usageMetadata=counts)))
        events = parser.feed(event)
        assert Finish(FinishReason.STOP, "STOP") in events
        assert Usage(TokenUsage(1, 2, 3)) in events

    @pytest.mark.parametrize(
        ("raw", "reason"),
        [
            ("MAX_TOKENS", FinishReason.LENGTH),
            ("SAFETY", FinishReason.CONTENT_FILTER),
            ("RECITATION", FinishReason.CONTENT_FILTER),
            ("BLOCKLIST", FinishReason.CONTENT_FILTER),
            ("PROHIBITED_CONTENT", FinishReason.CONTENT_FILTER),
            ("SPII", FinishReason.CONTENT_FILTER),
            ("IMAGE_SAFETY", FinishReason.CONTENT_FILTER),
            ("LANGUAGE", FinishReason.CONTENT_FILTER),
            ("UNEXPECTED_TOOL_CALL", FinishReason.ERROR),
            ("OTHER", FinishReason.ERROR),
            ("A_WORD_TO_COME", FinishReason.ERROR),
        ],
    )
    def test_an_empty_answer_with_a_finish_reason_is_an_answer(
        self, raw: str, reason: FinishReason
    ) -> None:
        [candidate] = parse({"candidates": [{"finishReason": raw}]}).candidates
        assert (candidate.finish_reason, candidate.raw_finish_reason) == (reason, raw)
        assert candidate.message.parts == ()

    def test_every_finish_reason_of_the_sdk_ends_a_candidate(self) -> None:
        for raw in sdk.FinishReason:
            if raw is sdk.FinishReason.FINISH_REASON_UNSPECIFIED:
                continue
            [candidate] = parse(answer({"text": "x"}, finish=raw.value)).candidates
            assert candidate.finish_reason is not None


class TestFailedAnswers:
    def test_a_blocked_prompt(self) -> None:
        body = fixture("blocked_prompt.json")
        with pytest.raises(ContentFiltered, match="PROHIBITED_CONTENT"):
            FACE.parse_response(body)
        with pytest.raises(ContentFiltered):
            stream(as_sse(json.loads(body)))

    @pytest.mark.parametrize(
        ("body", "failure"),
        [
            (b"<html>Sign in</html>", BadContent),
            (b"", BadContent),
            (b"null", BadContent),
            (b"3", BadContent),
            (b'{"candidates": [', MalformedAnswer),
            (b"{}", MalformedAnswer),
            (b"[{}]", MalformedAnswer),
            (b"[[]]", MalformedAnswer),
            (b"[" * 900 + b"]" * 900, MalformedAnswer),
            (b'{"choices": []}', MalformedAnswer),
            (b'{"candidates": {}}', MalformedAnswer),
            (b'{"candidates": [3]}', MalformedAnswer),
            (b'{"candidates": [{"index": -1}]}', MalformedAnswer),
            (b'{"candidates": [{"content": {"parts": [{"text": 3}]}}]}', MalformedAnswer),
            (b'{"candidates": [{"content": {"parts": [{"text": "half"}]}}]}', MalformedAnswer),
            (b'{"candidates": [{"finishReason": "STOP"}], "usageMetadata": 3}', MalformedAnswer),
            (b"[]", EmptyAnswer),
            (b'{"candidates": []}', EmptyAnswer),
            (b'{"candidates": [{}], "modelVersion": "m"}', EmptyAnswer),
            (b'{"usageMetadata": {"promptTokenCount": 3}}', EmptyAnswer),
            (b'[{"candidates": [{"content": {"parts": [{"text": "half"}]}}]}]', StreamTruncated),
            (b'{"error": {"code": 503, "status": "UNAVAILABLE"}}', Overloaded),
            (b'[{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}]', RateLimited),
            (b'{"error": {"status": "DEADLINE_EXCEEDED"}}', GatewayTimedOut),
            (b'{"error": "broken"}', ServerFailed),
        ],
    )
    def test_a_200_that_is_no_answer(self, body: bytes, failure: type[AiClientError]) -> None:
        with pytest.raises(failure) as raised:
            FACE.parse_response(body)
        assert type(raised.value) is failure

    def test_a_broken_call_without_parts_is_an_answer(self) -> None:
        """Row 25 of the table of failures: an empty answer with a finish reason."""
        body = b'{"candidates": [{"finishReason": "MALFORMED_FUNCTION_CALL"}]}'
        (candidate,) = FACE.parse_response(body).candidates
        assert candidate.message.parts == ()
        assert candidate.finish_reason is FinishReason.ERROR
        assert candidate.raw_finish_reason == "MALFORMED_FUNCTION_CALL"

    @pytest.mark.parametrize(
        ("call", "complaint"),
        [({"args": {}}, "name"), ({"name": "f", "args": [1]}, "args"), (3, "functionCall")],
    )
    def test_a_malformed_call(self, call: object, complaint: str) -> None:
        with pytest.raises(MalformedAnswer, match=complaint):
            parse(answer({"functionCall": call}))

    @pytest.mark.parametrize("part", [{"inlineData": {}}, {"fileData": {"mimeType": "a/b"}}])
    def test_a_malformed_file(self, part: object) -> None:
        with pytest.raises(MalformedAnswer):
            parse(answer(part))

    def test_an_error_inside_a_stream_is_raised_after_what_came_before(self) -> None:
        parser = FACE.StreamParser()
        assert parser.feed(ServerSentEvent(json.dumps(answer({"text": "Hal"}, finish=None))))
        with pytest.raises(Overloaded, match="high demand"):
            parser.feed(
                ServerSentEvent(
                    '{"error": {"code": 503, "message": "high demand", "status": "UNAVAILABLE"}}'
                )
            )

    @pytest.mark.parametrize("data", ["", "[DONE]", "{cut", '"text"', "[1]"])
    def test_a_malformed_event(self, data: str) -> None:
        with pytest.raises(MalformedAnswer):
            FACE.StreamParser().feed(ServerSentEvent(data))

    def test_a_stream_without_its_end(self) -> None:
        for data in (b"", as_sse(answer({"text": "half"}, finish=None))):
            with pytest.raises(StreamTruncated):
                stream(data)
        unspecified = answer({"text": "half"}, finish="FINISH_REASON_UNSPECIFIED")
        with pytest.raises(StreamTruncated):
            stream(as_sse(unspecified))

    def test_content_after_the_end(self) -> None:
        with pytest.raises(MalformedAnswer, match="after the finish"):
            stream(as_sse(answer({"text": "a"}), answer({"text": "b"}, finish=None)))


class TestErrors:
    @pytest.mark.parametrize(
        ("status", "error", "failure"),
        [
            (400, {"message": "Bad", "status": "INVALID_ARGUMENT"}, InvalidRequest),
            (401, {"message": "Who?", "status": "UNAUTHENTICATED"}, KeyRejected),
            (403, {"message": "No access.", "status": "PERMISSION_DENIED"}, KeyRejected),
            (
                403,
                {
                    "message": "You do not have permission to access the File abc or it may not"
                    " exist.",
                    "status": "PERMISSION_DENIED",
                },
                InvalidRequest,
            ),
            (
                404,
                {"message": "models/gemini-0 is not found for API version v1beta."},
                UpstreamModelMissing,
            ),
            (404, {"message": "Requested file files/abc was not found."}, InvalidRequest),
            (429, {"message": "Slow down", "status": "RESOURCE_EXHAUSTED"}, RateLimited),
            (429, {"message": "Quota exceeded, limit: 0, model: pro"}, QuotaExhausted),
            (429, {"message": "Your prepayment credits are depleted."}, QuotaExhausted),
            (
                400,
                {
                    "message": "User location is not supported for the API use.",
                    "status": "FAILED_PRECONDITION",
                },
                QuotaExhausted,
            ),
            (
                400,
                {
                    "message": "The File abc is not in an ACTIVE state.",
                    "status": "FAILED_PRECONDITION",
                },
                InvalidRequest,
            ),
            (
                400,
                {
                    "message": "The input token count (1200293) exceeds the maximum number of"
                    " tokens allowed (1048576).",
                    "status": "INVALID_ARGUMENT",
                },
                ContextTooLong,
            ),
            (
                400,
                {"message": "Request payload size exceeds the limit: 20971520 bytes."},
                PayloadTooLarge,
            ),
            (500, {"message": "Internal", "status": "INTERNAL"}, ServerFailed),
            (503, {"message": "Overloaded", "status": "UNAVAILABLE"}, Overloaded),
            (504, {"message": "Late", "status": "DEADLINE_EXCEEDED"}, GatewayTimedOut),
        ],
    )
    def test_status_and_words_make_the_class(
        self, status: int, error: dict[str, Any], failure: type[AiClientError]
    ) -> None:
        for document in ({"error": error}, [{"error": error}]):
            parsed = FACE.parse_error(status, {}, json.dumps(document).encode())
            assert type(parsed) is failure
            assert parsed.message

    def test_a_wrong_key_is_a_400_with_a_reason(self) -> None:
        parsed = FACE.parse_error(400, {}, fixture("error_key_invalid.json"))
        assert isinstance(parsed, KeyRejected)
        assert (parsed.upstream_status, parsed.upstream_code) == (400, "API_KEY_INVALID")

    def test_a_quota_per_minute_is_waited_for_as_long_as_told(self) -> None:
        parsed = FACE.parse_error(429, {}, fixture("error_minute_quota.json"))
        assert isinstance(parsed, RateLimited)
        assert parsed.retry_after == pytest.approx(34.07)
        told = FACE.parse_error(429, {"Retry-After": "5"}, fixture("error_minute_quota.json"))
        assert isinstance(told, RateLimited)
        assert told.retry_after == 5

    def test_a_quota_per_day_is_used_up(self) -> None:
        parsed = FACE.parse_error(429, {}, fixture("error_day_quota.json"))
        assert type(parsed) is QuotaExhausted
        assert parsed.retry_after is None

    def test_neither_key_nor_address_reaches_the_message(self) -> None:
        key = "AIzaSyD-canary-canary-canary-canary-123"
        message = f"API key {key} was refused at https://10.0.0.7/v1beta?key={key}"
        body = json.dumps({"error": {"message": message}}).encode()
        parsed = FACE.parse_error(403, {}, body)
        assert "canary" not in parsed.message
        assert "10.0.0.7" not in parsed.message

    @pytest.mark.parametrize("body", [b"", b"<html><h1>Bad Gateway</h1></html>", b"{}", b"[3]"])
    def test_a_body_that_says_nothing_leaves_the_status(self, body: bytes) -> None:
        parsed = FACE.parse_error(502, {}, body)
        assert type(parsed) is ServerFailed
        assert "<" not in parsed.message


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@given(st.lists(texts, min_size=1, max_size=6), st.integers(1, 40))
def test_any_text_in_any_pieces_arrives_whole(pieces: list[str], size: int) -> None:
    chunks = [answer({"text": piece}, finish=None) for piece in pieces]
    result = collect(stream(as_sse(*chunks, answer()), size))
    assert result.to_message().text() == "".join(pieces)
    assert result == parse(answer(*({"text": piece} for piece in pieces)))


@given(st.dictionaries(st.text(max_size=8), json_values, max_size=4))
def test_any_arguments_come_and_go_back_unchanged(arguments: dict[str, Any]) -> None:
    call = {"functionCall": {"name": "f", "args": arguments, "id": "1"}, "thoughtSignature": "cw=="}
    message = parse(answer(call)).candidates[0].message
    [part] = message.parts
    assert isinstance(part.content, FunctionCall)
    assert part.content.args == arguments
    [turn] = render(message).body["contents"]
    assert turn["parts"] == [call]


@given(st.binary(max_size=80) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_an_answer_or_a_known_failure(body: bytes) -> None:
    for read in (FACE.parse_response, stream):
        with suppress(AiClientError):
            read(body)
    assert isinstance(FACE.parse_error(500, {}, body), AiClientError)


NAMES = [
    *("candidates", "content", "parts", "text", "thought", "functionCall", "args", "code"),
    *("finishReason", "index", "error", "usageMetadata", "promptTokenCount", "details"),
    *("promptFeedback", "blockReason", "groundingMetadata", "groundingChunks", "citations"),
    *("logprobsResult", "chosenCandidates", "citationMetadata", "thoughtSignature"),
]
mangled = st.recursive(
    json_values,
    lambda inner: (
        st.dictionaries(
            st.sampled_from(NAMES),
            inner,
            max_size=5,
        )
        | st.lists(inner, max_size=3)
    ),
    max_leaves=20,
)


@given(mangled)
def test_any_mangled_answer_is_an_answer_or_a_known_failure(document: Any) -> None:
    with suppress(AiClientError):
        parse(document)
    assert isinstance(
        FACE.parse_error(400, {}, json.dumps({"error": document}).encode()), AiClientError
    )
