"""Google's dialect, gateway face: which answers callers get, plain, streamed and as an array."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from google.genai import types as sdk
from hypothesis import given
from hypothesis import strategies as st

from ai_client.errors import (
    AiClientError,
    BudgetExhausted,
    InvalidRequest,
    KeyLimitReached,
    ModelNotFound,
    RateLimited,
    StreamTruncated,
)
from ai_client.events import Event, PartKind, PartStart, ResponseStart, collect, replay
from ai_client.messages import (
    Candidate,
    Channel,
    File,
    FinishReason,
    FunctionCall,
    GenerativeAiResult,
    Message,
    MessagePart,
    Role,
    TokenLogprob,
    TokenUsage,
    user_message,
)
from ai_client.sse import Decoder
from ai_client.wire import (
    RenderContext,
    ServedModel,
    Target,
    client_face,
    framing_face,
    gateway_face,
    listing_face,
)

CLIENT = client_face("google_generate")
GATEWAY = gateway_face("google_generate")
FRAMING = framing_face("google_generate")
LISTING = listing_face("google_generate")
CONTEXT = RenderContext("req-1", "auto", 1_770_000_000, include_usage=True)
USAGE = TokenUsage(7, 8, 15, 3, 2)

SIGNED = (
    MessagePart(
        "Think.",
        Channel.THOUGHT,
        thought_signature="sig-1",
        opaque={"anthropic_messages": {"type": "thinking", "signature": "sig-1"}},
    ),
    MessagePart("", Channel.THOUGHT, opaque={"anthropic_messages": {"data": "hidden"}}),
    MessagePart("Unsigned.", Channel.THOUGHT),
    MessagePart("Said.", thought_signature="sig-2", opaque={"openai_chat": {"x": 1}}),
    MessagePart("No.", refusal=True),
    MessagePart(
        FunctionCall("c1", "f", '{"a":1}'),
        thought_signature="sig-3",
        opaque={"anthropic_messages": {"caller": {}}},
    ),
    MessagePart(FunctionCall("c2", "g", "{}")),
)


def result_of(
    *parts: MessagePart,
    reason: FinishReason | None = FinishReason.STOP,
    raw: str | None = None,
    usage: TokenUsage | None = None,
    logprobs: tuple[TokenLogprob, ...] = (),
) -> GenerativeAiResult:
    candidate = Candidate(Message(Role.MODEL, parts), reason, raw, logprobs)
    return GenerativeAiResult("id", "model-1", (candidate,), usage)


def plain(result: GenerativeAiResult) -> Any:
    body = GATEWAY.render_response(result, CONTEXT)
    sdk.GenerateContentResponse.model_validate(_as_the_sdk_reads(json.loads(body)))
    return json.loads(body)


def stream_of(result: GenerativeAiResult) -> bytes:
    renderer = GATEWAY.StreamRenderer(CONTEXT)
    return b"".join([*(renderer.feed(each) for each in replay(result)), renderer.finish()])


def chunks_of(data: bytes) -> list[Any]:
    chunks = [json.loads(each.data) for each in Decoder().feed(data)]
    for each in chunks:
        sdk.GenerateContentResponse.model_validate(_as_the_sdk_reads(json.loads(json.dumps(each))))
    return chunks


def read(data: bytes) -> GenerativeAiResult:
    parser = CLIENT.StreamParser()
    events: list[Event] = []
    for each in Decoder().feed(data):
        events += parser.feed(each)
    return collect([*events, *parser.close()])


def parsed(*contents: Any) -> tuple[Message, ...]:
    given = [{"role": "user", "parts": [{"text": "Hi"}]}, *contents]
    return GATEWAY.parse_request({"model": "auto", "contents": given}).messages[1:]


def test_an_answer() -> None:
    thought = MessagePart("Hm.", Channel.THOUGHT, opaque={"google_generate": {}})
    assert plain(result_of(thought, MessagePart("Yes."), usage=USAGE)) == {
        "candidates": [
            {
                "content": {
                    "parts": [{"text": "Hm.", "thought": True}, {"text": "Yes."}],
                    "role": "model",
                },
                "finishReason": "STOP",
                "index": 0,
            }
        ],
        "usageMetadata": {
            "promptTokenCount": 7,
            "candidatesTokenCount": 5,
            "totalTokenCount": 15,
            "thoughtsTokenCount": 3,
            "cachedContentTokenCount": 2,
        },
        "modelVersion": "model-1",
        "responseId": "req-1",
    }


@pytest.mark.parametrize(
    ("reason", "raw", "word"),
    [
        (FinishReason.STOP, "stop", "STOP"),
        (FinishReason.TOOL_CALLS, "tool_use", "STOP"),
        (FinishReason.TOOL_CALLS, "STOP", "STOP"),
        (FinishReason.LENGTH, "length", "MAX_TOKENS"),
        (FinishReason.CONTENT_FILTER, "refusal", "SAFETY"),
        (FinishReason.CONTENT_FILTER, "RECITATION", "RECITATION"),
        (FinishReason.ERROR, "error", "OTHER"),
        (FinishReason.ERROR, "NO_IMAGE", "NO_IMAGE"),
        (FinishReason.STOP, "SAFETY", "STOP"),
    ],
)
def test_why_it_ended(reason: FinishReason, raw: str, word: str) -> None:
    result = result_of(MessagePart("x"), reason=reason, raw=raw)
    assert plain(result)["candidates"][0]["finishReason"] == word
    assert chunks_of(stream_of(result))[-1]["candidates"][0]["finishReason"] == word


def test_a_call_is_whole_and_its_arguments_are_an_object() -> None:
    call = MessagePart(FunctionCall("c1", "f", ' {"n": 12345678901234567890123, "b": [null]} '))
    (part,) = plain(result_of(call))["candidates"][0]["content"]["parts"]
    assert part["functionCall"] == {
        "name": "f",
        "args": {"n": 12345678901234567890123, "b": [None]},
        "id": "c1",
    }
    first, last = chunks_of(stream_of(result_of(call)))
    assert first["candidates"][0]["content"]["parts"] == [part]
    assert last["candidates"][0]["content"]["parts"] == [{"text": ""}]
    blank = MessagePart(FunctionCall(None, "f", ""))
    (part,) = plain(result_of(blank))["candidates"][0]["content"]["parts"]
    assert part["functionCall"] == {"name": "f", "args": {}}


@pytest.mark.parametrize("arguments", ['{"broken": "arg', "[1]", '"text"', "NaN", "\ud800"])
def test_arguments_that_are_no_object_are_told_and_not_repaired(arguments: str) -> None:
    result = result_of(
        MessagePart(FunctionCall("c1", "f", arguments)),
        MessagePart(FunctionCall("c2", "g", "{}")),
        reason=FinishReason.TOOL_CALLS,
    )
    (candidate,) = json.loads(GATEWAY.render_response(result, CONTEXT))["candidates"]
    assert [part["functionCall"]["id"] for part in candidate["content"]["parts"]] == ["c2"]
    assert candidate["finishReason"] == "MALFORMED_FUNCTION_CALL"
    assert candidate["finishMessage"] == f"Malformed function call: f({arguments})"
    *_, last = (json.loads(each.data) for each in Decoder().feed(stream_of(result)))
    assert last["candidates"][0]["finishReason"] == "MALFORMED_FUNCTION_CALL"
    assert last["candidates"][0]["finishMessage"] == candidate["finishMessage"]


def test_files() -> None:
    parts = (
        MessagePart(File("image/png", base64_data="aGk=")),
        MessagePart(File("image/png", url="https://a.example/b.png")),
    )
    rendered = [
        {"inlineData": {"mimeType": "image/png", "data": "aGk="}},
        {"fileData": {"mimeType": "image/png", "fileUri": "https://a.example/b.png"}},
    ]
    assert plain(result_of(*parts))["candidates"][0]["content"]["parts"] == rendered
    chunks = chunks_of(stream_of(result_of(*parts)))
    assert [each["candidates"][0]["content"]["parts"][0] for each in chunks[:-1]] == rendered


def test_sources_of_every_dialect() -> None:
    text = MessagePart(
        "Grüße aus Rom.",
        citations=(
            {
                "type": "url_citation",
                "url_citation": {
                    "url": "https://a.org",
                    "title": "A",
                    "start_index": 6,
                    "end_index": 13,
                },
            },
            {"type": "web_search_result_location", "url": "https://b.org", "title": "B"},
            {"uri": "https://c.org", "title": "C", "startIndex": 1, "endIndex": 3},
            {"uri": "https://d.org", "startIndex": 0, "endIndex": 2, "license": "MIT"},
            {"type": "char_location"},
            "odd",
        ),
    )
    candidate = plain(result_of(text))["candidates"][0]
    assert candidate["groundingMetadata"] == {
        "groundingChunks": [
            {"web": {"uri": "https://a.org", "title": "A"}},
            {"web": {"uri": "https://b.org", "title": "B"}},
            {"web": {"uri": "https://c.org", "title": "C"}},
        ],
        "groundingSupports": [
            {
                "segment": {"partIndex": 0, "startIndex": 8, "endIndex": 15, "text": "aus Rom"},
                "groundingChunkIndices": [0],
            },
            {
                "segment": {
                    "partIndex": 0,
                    "startIndex": 0,
                    "endIndex": 16,
                    "text": "Grüße aus Rom.",
                },
                "groundingChunkIndices": [1],
            },
            {"segment": {"startIndex": 1, "endIndex": 3}, "groundingChunkIndices": [2]},
        ],
    }
    recited = {"uri": "https://d.org", "startIndex": 0, "endIndex": 2, "license": "MIT"}
    assert candidate["citationMetadata"] == {"citationSources": [recited]}
    last = chunks_of(stream_of(result_of(text)))[-1]["candidates"][0]
    assert last["groundingMetadata"] == candidate["groundingMetadata"]
    assert last["citationMetadata"] == candidate["citationMetadata"]


def test_the_start_of_an_answer_is_not_yet_content() -> None:
    renderer = GATEWAY.StreamRenderer(CONTEXT)
    started: list[Event] = [ResponseStart("id", "model"), PartStart(0, PartKind.TEXT)]
    assert b"".join(renderer.feed(event) for event in started) == b""


def test_why_and_how_many_stand_in_the_last_piece_alone() -> None:
    *others, last = chunks_of(stream_of(result_of(MessagePart("Hello"), usage=USAGE)))
    assert not any("finishReason" in each["candidates"][0] for each in others)
    assert last["candidates"][0]["finishReason"] == "STOP"
    assert last["usageMetadata"]["totalTokenCount"] == 15


# --- What other vendors signed --------------------------------------------------------------------


def gathered(chunks: Iterable[Any]) -> list[Any]:
    """The parts of a stream as programs keep them."""
    return [part for each in chunks for part in each["candidates"][0]["content"]["parts"]]


def test_what_other_dialects_signed_comes_back_from_a_complete_answer() -> None:
    content = plain(result_of(*SIGNED))["candidates"][0]["content"]
    assert parsed(content) == (Message(Role.MODEL, SIGNED),)


def test_what_other_dialects_signed_comes_back_from_a_stream() -> None:
    assert read(stream_of(result_of(*SIGNED))).candidates[0].message.parts == SIGNED
    chunks = chunks_of(stream_of(result_of(*SIGNED)))
    as_one = {"role": "model", "parts": gathered(chunks)}
    assert parsed(as_one) == (Message(Role.MODEL, SIGNED),)
    as_turns = [each["candidates"][0]["content"] for each in chunks]
    assert parsed(*as_turns) == (Message(Role.MODEL, SIGNED),)


def test_it_comes_back_from_the_sdk_which_writes_base64_otherwise() -> None:
    chunks = chunks_of(stream_of(result_of(*SIGNED)))
    content = sdk.Content.model_validate({"role": "model", "parts": gathered(chunks)})
    again = json.loads(content.model_dump_json(exclude_none=True))
    assert "thought_signature" in again["parts"][1]
    assert parsed(again) == (Message(Role.MODEL, SIGNED),)


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("model", ["gemini-2.5-flash", "gemini-3-pro"])
def test_it_does_not_reach_google(model: str, streamed: bool) -> None:
    result = result_of(*SIGNED)
    if streamed:
        answers = [each["candidates"][0]["content"] for each in chunks_of(stream_of(result))]
    else:
        answers = [plain(result)["candidates"][0]["content"]]
    user = {"role": "user", "parts": [{"text": "Hi"}]}
    body = {"contents": [user, *answers], "generationConfig": {"topK": 3}}
    sent = CLIENT.forward_request(body, Target(model), stream=False).body
    assert sent["contents"][0] is user
    assert sent["generationConfig"] is body["generationConfig"]
    parts = [part for content in sent["contents"][1:] for part in content["parts"]]
    said = [part for part in parts if part != {"text": ""}]
    signature = {"thoughtSignature": "skip_thought_signature_validator"}
    assert said == [
        {"text": "Said."},
        {"text": "No."},
        {
            "functionCall": {"name": "f", "args": {"a": 1}, "id": "c1"},
            **(signature if model.startswith("gemini-3") else {}),
        },
        {
            "functionCall": {"name": "g", "args": {}, "id": "c2"},
            # Where each turn has its own call, each is a first one.
            **(signature if model.startswith("gemini-3") and streamed else {}),
        },
    ]


def test_what_google_signed_goes_to_google_as_it_came() -> None:
    contents = [
        {"role": "user", "parts": [{"text": "Hi"}]},
        {
            "role": "model",
            "parts": [
                {"text": "Hm", "thought": True},
                {"functionCall": {"name": "f"}, "thoughtSignature": "c2ln"},
                {"functionCall": {"name": "g"}},
            ],
        },
    ]
    sent = CLIENT.forward_request({"contents": contents}, Target("gemini-3-pro"), stream=True)
    assert sent.body["contents"] is contents


def test_a_damaged_mark_carries_nothing_and_still_does_not_reach_google() -> None:
    part = {"text": "Hm", "thought": True, "thoughtSignature": "a29uZWVrLXYx!!!"}
    content = {"role": "model", "parts": [part, {"text": "Yes."}]}
    (message,) = parsed(content)
    assert message.parts == (MessagePart("Hm", Channel.THOUGHT), MessagePart("Yes."))
    sent = CLIENT.forward_request({"contents": [content]}, Target("gemini-3-pro"), stream=False)
    assert sent.body["contents"] == [{"role": "model", "parts": [{"text": "Yes."}]}]


# --- Errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status", "word", "wait"),
    [
        (InvalidRequest("x", param="contents"), 400, "INVALID_ARGUMENT", None),
        (ModelNotFound("x"), 404, "NOT_FOUND", None),
        (RateLimited("x", retry_after=6.2), 429, "RESOURCE_EXHAUSTED", "7"),
        (KeyLimitReached("x", retry_after=3), 429, "RESOURCE_EXHAUSTED", "3"),
        (BudgetExhausted("x", retry_after=90), 429, "RESOURCE_EXHAUSTED", "90"),
        (StreamTruncated("x"), 502, "UNAVAILABLE", None),
        (AiClientError("x"), 500, "INTERNAL", None),
    ],
)
def test_errors(error: AiClientError, status: int, word: str, wait: str | None) -> None:
    response = GATEWAY.render_error(error, "req-1")
    told = json.loads(response.body)["error"]
    assert (response.status, told["code"], told["status"]) == (status, status, word)
    assert told["message"] == "x"
    kinds = {each["@type"].rpartition(".")[2]: each for each in told["details"]}
    assert kinds["ErrorInfo"]["reason"] == error.code.upper()
    assert kinds["RequestInfo"]["requestId"] == response.headers["x-request-id"] == "req-1"
    assert response.headers.get("retry-after") == wait
    assert kinds.get("RetryInfo", {}).get("retryDelay") == (None if wait is None else f"{wait}s")
    violated = kinds.get("BadRequest", {}).get("fieldViolations", [])
    assert [each["field"] for each in violated] == ([error.param] if status == 400 else [])


def test_an_error_in_a_stream_is_an_event_with_the_error_first() -> None:
    """The SDK looks at the first characters of a chunk."""
    (event,) = Decoder().feed(GATEWAY.StreamRenderer(CONTEXT).error(StreamTruncated("cut")))
    assert event.data.startswith('{"error":')
    assert json.loads(event.data)["error"]["code"] == 502


# --- Frames ---------------------------------------------------------------------------------------


def test_a_stream_is_an_array_unless_events_are_asked_for() -> None:
    assert FRAMING is not None
    for query in ({}, {"alt": "json"}, {"key": "x"}):
        frame = FRAMING.framing(query)
        assert frame is not None
        assert frame.content_type.startswith("application/json")
    for query in ({"alt": "sse"}, {"$alt": "sse"}):
        frame = FRAMING.framing(query)
        assert frame is not None
        assert frame.content_type.startswith("text/event-stream")
        assert frame.feed(b"data: 1\n\n") + frame.finish() == b"data: 1\n\n"
        assert frame.keep_alive.isspace()
    with pytest.raises(InvalidRequest, match="alt"):
        FRAMING.framing({"alt": "proto"})


@given(
    st.lists(st.text(st.characters(codec="utf-8"), max_size=9), max_size=5),
    st.booleans(),
    st.lists(st.booleans(), min_size=8, max_size=8),
)
def test_every_stream_is_one_array(texts: list[str], fails: bool, waits: list[bool]) -> None:
    assert FRAMING is not None
    frame = FRAMING.framing({})
    assert frame is not None
    renderer = GATEWAY.StreamRenderer(CONTEXT)
    events = list(replay(result_of(*(MessagePart(text) for text in texts))))
    pieces = [renderer.feed(each) for each in events]
    pieces.append(renderer.error(StreamTruncated("cut")) if fails else renderer.finish())
    framed = []
    for number, piece in enumerate(pieces):
        framed += [frame.keep_alive] * waits[number % len(waits)] + [frame.feed(piece)]
    elements = json.loads(b"".join([*framed, frame.finish()]))
    assert elements == [json.loads(each.data) for each in Decoder().feed(b"".join(pieces))]
    assert ("error" in elements[-1]) is fails


def test_an_array_of_nothing_is_an_array() -> None:
    assert FRAMING is not None
    frame = FRAMING.framing({})
    assert frame is not None
    assert json.loads(frame.finish()) == []


def test_events_hold_nothing_but_data_as_the_sdk_takes_every_other_line_for_a_chunk() -> None:
    assert FRAMING is not None
    frame = FRAMING.framing({"alt": "sse"})
    assert frame is not None
    for kept in (b'data: {"a":\r\ndata: 1}\r\n\r\ndata: 2\r\n\r\n', b"data: 1\rdata: 2\r\r"):
        assert frame.feed(kept) == kept
    odd = b': ping\nid: 1\nevent: x\ndata:{"a":1}\n\n: only this\n\ndata: 2\n\n'
    assert frame.feed(odd) == b'data: {"a":1}\n\ndata: 2\n\n'


def test_events_of_an_upstream_with_several_lines_become_elements() -> None:
    assert FRAMING is not None
    frame = FRAMING.framing({})
    assert frame is not None
    data = frame.feed(b': x\r\ndata: {"a":\r\ndata: "\xe2\x80\xa8"}\r\n\r\n') + frame.finish()
    assert json.loads(data) == [{"a": "\u2028"}]


# --- Models ---------------------------------------------------------------------------------------

SERVED = [ServedModel(f"c/model:{number}", "openai", 1) for number in range(5)]


def test_models_come_in_pages() -> None:
    names: list[str] = []
    query: dict[str, str] = {"pageSize": "2"}
    for _ in range(3):
        page = json.loads(LISTING.render_models(SERVED, query))
        names += [each["name"] for each in page["models"]]
        query = {"page_size": "2", "pageToken": page.get("nextPageToken", "")}
    assert names == [f"models/{each.name}" for each in SERVED]
    assert "nextPageToken" not in page
    listed = CLIENT.parse_models(LISTING.render_models(SERVED, {}))  # type: ignore[attr-defined]
    assert [each.id for each in listed.models] == [each.name for each in SERVED]


def test_one_model() -> None:
    entry = json.loads(LISTING.render_model(SERVED[0]))
    assert entry["name"] == "models/c/model:0"
    assert entry["displayName"] == "c/model:0"
    assert "generateContent" in entry["supportedGenerationMethods"]


@pytest.mark.parametrize(
    "query", [{"pageToken": "@"}, {"pageToken": "xyz"}, {"pageSize": "-1"}, {"pageSize": "many"}]
)
def test_a_page_that_is_none_is_refused_by_name(query: dict[str, str]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        LISTING.render_models(SERVED, query)
    assert caught.value.param in query


# --- Round trips ----------------------------------------------------------------------------------

TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
# What begins with the site's own mark is nobody's signature.
SIGNATURES = (
    st.binary(min_size=1, max_size=9)
    .filter(lambda data: not data.startswith(b"koneek-v1"))
    .map(lambda data: b64encode(data).decode())
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2)
    ),
    max_leaves=5,
)
ARGUMENTS = st.dictionaries(st.text(max_size=4), VALUES, max_size=3).map(
    lambda held: json.dumps(held, ensure_ascii=False, separators=(",", ":"))
)


@st.composite
def foreign(draw: st.DrawFn) -> dict[str, Any]:
    """What another dialect may have left on a part."""
    opaque = {"anthropic_messages": draw(VALUES)}
    return {
        "thought_signature": draw(st.none() | SIGNATURES),
        "opaque": draw(st.none() | st.just(opaque)),
    }


@st.composite
def owned(draw: st.DrawFn) -> dict[str, Any]:
    """What Google may have left on a part."""
    signature = draw(st.none() | SIGNATURES)
    opaque = None if signature is None else {"google_generate": {"thoughtSignature": signature}}
    return {"thought_signature": signature, "opaque": opaque}


@st.composite
def parts(draw: st.DrawFn) -> tuple[MessagePart, ...]:
    """A model's turn. Texts that nothing tells apart would be one text.

    Google signs the texts of streams in a part of its own, so none here has a signature of its.
    """
    found: list[MessagePart] = []
    for number in range(draw(st.integers(1, 4))):
        left = draw(foreign() | owned())
        kind = draw(st.sampled_from(["text", "thought", "refusal", "call", "file"]))
        match kind:
            case "text" if found and isinstance(found[-1].content, str):
                continue
            case "text":
                found.append(MessagePart(draw(TEXTS), **draw(foreign())))
            case "thought":
                text = draw(st.just("") | TEXTS)
                signed = draw(foreign().filter(lambda left: any(left.values())))
                found.append(MessagePart(text, Channel.THOUGHT, **signed))
            case "refusal":
                found.append(MessagePart(draw(TEXTS), refusal=True))
            case "call":
                call = FunctionCall(f"c{number}", draw(TEXTS), draw(ARGUMENTS))
                found.append(MessagePart(call, **left))
            case _:
                found.append(MessagePart(File("image/png", base64_data="aGk="), **left))
    return tuple(found) or (MessagePart("x"),)


LOGPROBS = st.lists(
    st.builds(TokenLogprob, TEXTS, st.floats(-9, 0, allow_nan=False)), max_size=2
).map(tuple)


@st.composite
def results(draw: st.DrawFn) -> GenerativeAiResult:
    candidates = []
    for _ in range(draw(st.integers(1, 2))):
        turn = draw(parts())
        calls = any(isinstance(part.content, FunctionCall) for part in turn)
        reason, raw = draw(
            st.sampled_from(
                [
                    (FinishReason.TOOL_CALLS if calls else FinishReason.STOP, "STOP"),
                    (FinishReason.LENGTH, "MAX_TOKENS"),
                    (FinishReason.CONTENT_FILTER, "SAFETY"),
                    (FinishReason.ERROR, "OTHER"),
                ]
            )
        )
        texts = [part for part in turn if isinstance(part.content, str) and not part.is_thought]
        logprobs = draw(LOGPROBS) if texts and not texts[-1].refusal else ()
        candidates.append(Candidate(Message(Role.MODEL, turn), reason, raw, logprobs))
    usage = draw(st.none() | st.just(USAGE))
    return GenerativeAiResult("req-1", "model-1", tuple(candidates), usage)


@given(results())
def test_an_answer_is_read_as_it_was_written(result: GenerativeAiResult) -> None:
    again = CLIENT.parse_response(GATEWAY.render_response(result, CONTEXT))
    assert _told(again) == _told(result)


@given(results())
def test_a_stream_is_read_as_it_was_written(result: GenerativeAiResult) -> None:
    assert _told(read(stream_of(result))) == _told(result)


@given(parts())
def test_what_a_caller_sends_back_is_what_it_got(turn: tuple[MessagePart, ...]) -> None:
    result = result_of(*turn)
    content = plain(result)["candidates"][0]["content"]
    assert parsed(content) == (Message(Role.MODEL, turn),)
    assert parsed(*(each["candidates"][0]["content"] for each in chunks_of(stream_of(result)))) == (
        Message(Role.MODEL, turn),
    )


def _told(result: GenerativeAiResult) -> GenerativeAiResult:
    """Log probabilities without a text to go with need one of their own."""
    return replace(
        result,
        candidates=tuple(
            replace(
                each,
                message=Message(
                    Role.MODEL,
                    tuple(
                        part
                        for part in each.message.parts
                        if part != MessagePart("") or part.opaque
                    ),
                ),
            )
            for each in result.candidates
        ),
    )


def _as_the_sdk_reads(body: dict[str, Any]) -> dict[str, Any]:
    """The converter of the SDK renames what Google's API calls otherwise than its types."""
    for candidate in body.get("candidates", ()):
        cited = candidate.pop("citationMetadata", None)
        if cited:
            citations = [{**each} for each in cited["citationSources"]]
            candidate["citationMetadata"] = {"citations": citations}
    return body


def test_the_smallest_conversation_of_two_sites() -> None:
    """What a site like this one answers is read by another with all that it carried."""
    answer = CLIENT.parse_response(GATEWAY.render_response(result_of(*SIGNED), CONTEXT))
    assert answer.candidates[0].message.parts == SIGNED
    assert user_message("Hi").role is Role.USER
