"""OpenAI's Responses, gateway face: which answers callers get, complete and streamed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openai.types.responses import Response, ResponseStreamEvent

from ai_client.errors import ModelNotFound, StreamTruncated
from ai_client.events import Event, Finish, PartDelta, PartStart, ResponseStart, collect, replay
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
)
from ai_client.sse import Decoder
from ai_client.wire import ClientFace, GatewayFace, RenderContext, openai_responses

CLIENT: ClientFace = openai_responses
GATEWAY: GatewayFace = openai_responses
BODY: dict[str, Any] = {"model": "auto", "input": "Hi", "temperature": 0.5, "metadata": {"a": "b"}}
CONTEXT = RenderContext("req_0123456789abcdef", "auto", 1_770_000_000, True, BODY)
EVENTS = {
    kind: each
    for each in get_args(get_args(ResponseStreamEvent)[0])
    for kind in get_args(each.model_fields["type"].annotation)
}
OWN = "openai_responses"


def answered(*parts: MessagePart, reason: FinishReason = FinishReason.STOP) -> GenerativeAiResult:
    candidate = Candidate(Message(Role.MODEL, parts), reason, "word")
    return GenerativeAiResult("msg_1", "claude", (candidate,), TokenUsage(3, 4, 7, 1, 2, 0))


def rendered(result: GenerativeAiResult) -> Any:
    """The body of a complete answer, which the SDK's types accept."""
    body = json.loads(GATEWAY.render_response(result, CONTEXT))
    Response.model_validate(body, strict=True)
    return body


def told(events: Sequence[Event]) -> list[Any]:
    """The events of a stream, each of which the SDK's types accept."""
    renderer = GATEWAY.StreamRenderer(CONTEXT)
    data = b"".join([*(renderer.feed(event) for event in events), renderer.finish()])
    read = []
    for event in Decoder().feed(data):
        body = json.loads(event.data)
        assert event.event == body["type"]
        EVENTS[body["type"]].model_validate(body, strict=True)
        read.append(body)
    return read


def test_a_text() -> None:
    body = rendered(answered(MessagePart("Hello")))
    assert body["id"] == "resp_0123456789abcdef"
    assert (body["status"], body["model"], body["created_at"]) == (
        "completed",
        "claude",
        1770000000,
    )
    assert (body["temperature"], body["metadata"], body["store"]) == (0.5, {"a": "b"}, False)
    assert body["output"] == [
        {
            "id": "msg_0123456789abcdef_0",
            "type": "message",
            "status": "completed",
            "role": "assistant",
            "content": [
                {"type": "output_text", "text": "Hello", "annotations": [], "logprobs": []}
            ],
        }
    ]
    assert body["usage"] == {
        "input_tokens": 3,
        "input_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 0},
        "output_tokens": 4,
        "output_tokens_details": {"reasoning_tokens": 1},
        "total_tokens": 7,
    }


def test_the_name_that_was_asked_for_stands_where_the_upstream_told_none() -> None:
    result = replace(answered(MessagePart("Hello")), model="", usage=None)
    body = rendered(result)
    assert (body["model"], body["usage"]) == ("auto", None)


@pytest.mark.parametrize(
    ("reason", "status", "why", "of_item"),
    [
        (FinishReason.TOOL_CALLS, "completed", None, "completed"),
        (FinishReason.LENGTH, "incomplete", "max_output_tokens", "incomplete"),
        (FinishReason.CONTENT_FILTER, "incomplete", "content_filter", "incomplete"),
        (FinishReason.ERROR, "failed", None, "incomplete"),
    ],
)
def test_how_an_answer_ends(
    reason: FinishReason, status: str, why: str | None, of_item: str
) -> None:
    result = answered(MessagePart("One"), MessagePart(FunctionCall("c", "f")), reason=reason)
    body = rendered(result)
    assert body["status"] == status
    assert (body["incomplete_details"] or {}).get("reason") == why
    assert [item["status"] for item in body["output"]] == ["completed", of_item]
    assert (body["error"] is not None) == (status == "failed")
    assert told(list(replay(result)))[-1]["type"] == f"response.{status}"


def test_a_picture_is_one_and_another_file_is_not_told() -> None:
    body = rendered(
        answered(
            MessagePart(File("image/webp", base64_data="aGk=")),
            MessagePart(File("audio/wav", base64_data="aGk=")),
            MessagePart("There"),
        )
    )
    picture, message = body["output"]
    assert (picture["type"], picture["result"], picture["output_format"]) == (
        "image_generation_call",
        "aGk=",
        "webp",
    )
    assert message["type"] == "message"


@pytest.mark.parametrize(
    ("citation", "annotation"),
    [
        ({"type": "web_search_result_location", "url": "https://a.example", "title": None}, (0, 5)),
        ({"url_citation": {"url": "https://a.example", "start_index": 1, "end_index": 2}}, (1, 2)),
        ({"uri": "https://a.example", "startIndex": 2, "endIndex": 3}, (2, 3)),
        ({"type": "char_location", "document_index": 0}, None),
    ],
)
def test_citations_of_the_web(citation: Any, annotation: Any) -> None:
    body = rendered(answered(MessagePart("Hello", citations=(citation,))))
    found = body["output"][0]["content"][0]["annotations"]
    wanted = [] if annotation is None else [("https://a.example", *annotation)]
    assert [(each["url"], each["start_index"], each["end_index"]) for each in found] == wanted


def test_an_answer_of_this_dialect_keeps_what_its_upstream_holds() -> None:
    item = {"type": "reasoning", "id": "rs_own", "summary": [], "encrypted_content": "gAAA"}
    thought = MessagePart("", Channel.THOUGHT, "gAAA", opaque={OWN: {"item": item}})
    call = MessagePart(
        FunctionCall("c", "sh", "ls"), opaque={OWN: {"type": "custom_tool_call", "id": "ctc_1"}}
    )
    result = replace(
        answered(thought, call),
        id="resp_upstream",
        additional_data={"object": "response", "store": True, "service_tier": "flex"},
    )
    body = rendered(result)
    assert (body["id"], body["store"], body["service_tier"]) == ("resp_upstream", True, "flex")
    assert body["output"][0] == item
    assert body["output"][1]["type"] == "custom_tool_call"
    assert body["output"][1]["input"] == "ls"
    assert told(list(replay(answered(thought))))[-1]["response"]["output"] == [item]


def test_other_candidates_are_not_told() -> None:
    one = answered(MessagePart("Hello"))
    two = replace(one, candidates=one.candidates * 2)
    assert rendered(two) == rendered(one)
    assert told(list(replay(two))) == told(list(replay(one)))


def test_an_error_is_an_event_on_which_sdks_raise() -> None:
    renderer = GATEWAY.StreamRenderer(CONTEXT)
    begun = renderer.feed(ResponseStart("1", "m"))
    data = begun + renderer.error(StreamTruncated("It stopped."))
    *_, last = Decoder().feed(data)
    body = json.loads(last.data)
    assert (last.event, body["type"], body["sequence_number"]) == ("error", "error", 2)
    assert body["message"] == body["error"]["message"] == "It stopped."
    assert body["code"] == body["error"]["code"]
    EVENTS["error"].model_validate(body, strict=True)


def test_errors_before_an_answer_are_as_in_openais_chat() -> None:
    response = GATEWAY.render_error(ModelNotFound("No such model.", available=("a",)), "req-9")
    error = json.loads(response.body)["error"]
    assert (response.status, error["code"], error["param"]) == (404, "model_not_found", "model")
    assert response.headers["x-request-id"] == "req-9"


# --- Whatever an answer is ------------------------------------------------------------------------

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
signatures = st.none() | st.text("abc=", min_size=1, max_size=4)
opaques = st.none() | st.fixed_dictionaries(
    {"google_generate": st.dictionaries(st.text("ab", max_size=2), st.integers(), max_size=2)}
)


def signed(content: Any, **more: Any) -> st.SearchStrategy[MessagePart]:
    return st.builds(
        lambda said, signature, opaque: MessagePart(
            said, thought_signature=signature, opaque=opaque, **more
        ),
        content,
        signatures,
        opaques,
    )


parts = st.one_of(
    signed(texts),
    signed(texts.filter(bool), channel=Channel.THOUGHT),
    signed(st.just(""), channel=Channel.THOUGHT),
    st.builds(lambda text: MessagePart(text, refusal=True), texts),
    signed(
        st.builds(
            lambda number, arguments: FunctionCall(f"c{number}", "f", json.dumps(arguments)),
            st.integers(0, 10**6),
            st.dictionaries(texts, texts, max_size=2),
        )
    ),
    st.just(MessagePart(File("image/png", base64_data="iVBORw0KGgo="))),
)
REASONS = (FinishReason.STOP, FinishReason.LENGTH, FinishReason.CONTENT_FILTER)
results = st.builds(
    lambda several, reason: answered(*several, reason=reason),
    st.lists(parts, max_size=5, unique_by=lambda part: getattr(part.content, "id", object())),
    st.sampled_from(REASONS),
)


@st.composite
def interleaved(draw: st.DrawFn) -> list[Event]:
    """An answer as a stream in which parts may grow in turns, cut into small deltas."""
    events = list(replay(draw(results)))
    finish = next(each for each in events if isinstance(each, Finish))
    start, usage = events[0], events[-1]
    waiting: list[list[Event]] = []
    for event in events[1:-1]:
        if isinstance(event, PartStart):
            waiting.append([])
        if event is not finish:
            if isinstance(event, PartDelta) and len(event.text) > 1:
                cut = draw(st.integers(1, len(event.text) - 1))
                waiting[-1].append(replace(event, text=event.text[:cut]))
                event = replace(event, text=event.text[cut:])
            waiting[-1].append(event)
    mixed: list[Event] = []
    begun = 0
    while any(waiting):
        open_ones = [place for place, each in enumerate(waiting[: begun + 1]) if each]
        place = draw(st.sampled_from(open_ones))
        begun = max(begun, place + 1)
        mixed.append(waiting[place].pop(0))
    return [start, *mixed, finish, usage]


def without_own(message: Message) -> list[MessagePart]:
    """The parts without what the client face keeps of items, and without empty texts."""
    kept = []
    for part in message.parts:
        opaque = {name: each for name, each in (part.opaque or {}).items() if name != OWN}
        kept.append(replace(part, opaque=opaque or None))
    return kept


@unhurried
@given(results)
def test_a_rendered_answer_is_read_again(result: GenerativeAiResult) -> None:
    if not result.candidates[0].message.parts:
        return
    body = GATEWAY.render_response(result, CONTEXT)
    back = CLIENT.parse_response(body).candidates[0]
    (candidate,) = result.candidates
    assert back.finish_reason in (candidate.finish_reason, FinishReason.TOOL_CALLS)
    empty = [part for part in candidate.message.parts if part.content == "" and not part.is_thought]
    if not empty:
        assert without_own(back.message) == list(candidate.message.parts)


@unhurried
@given(results)
def test_output_passed_back_as_input_is_the_answer_with_all_signatures(
    result: GenerativeAiResult,
) -> None:
    output = rendered(result)["output"]
    question = {"role": "user", "content": "Hi"}
    request = GATEWAY.parse_request({"model": "auto", "input": [question, *output, question]})
    assert request.untranslatable == ()
    said = tuple(part for message in request.messages[1:-1] for part in message.parts)
    assert said == result.candidates[0].message.parts


@unhurried
@given(interleaved())
def test_a_stream_ends_with_the_complete_answer_and_its_deltas_are_its_texts(
    events: list[Event],
) -> None:
    read = told(events)
    assert [each["sequence_number"] for each in read] == list(range(len(read)))
    assert [each["type"] for each in read[:2]] == ["response.created", "response.in_progress"]
    whole = read[-1]["response"]
    assert whole == rendered(collect(events))
    places = [each["output_index"] for each in read if "output_index" in each]
    assert places == sorted(places)
    added = [each["item"] for each in read if each["type"] == "response.output_item.added"]
    done = [each["item"] for each in read if each["type"] == "response.output_item.done"]
    assert done == whole["output"]
    assert [each["id"] for each in added] == [each["id"] for each in done]
    for number, item in enumerate(whole["output"]):
        here = [each for each in read if each.get("output_index") == number]
        deltas = "".join(each.get("delta", "") for each in here)
        match item["type"]:
            case "message":
                said = [each.get("text", each.get("refusal")) for each in item["content"]]
                finals = [
                    each.get("text", each.get("refusal"))
                    for each in here
                    if each["type"] in ("response.output_text.done", "response.refusal.done")
                ]
                assert (deltas, finals) == ("".join(said), said)
            case "reasoning":
                assert deltas == "".join(each["text"] for each in item["summary"])
            case "function_call":
                assert deltas == item["arguments"]
            case _:
                assert deltas == ""


@unhurried
@given(interleaved(), st.integers(1, 64))
def test_a_stream_is_read_again_wherever_it_is_cut(events: list[Event], size: int) -> None:
    renderer = GATEWAY.StreamRenderer(CONTEXT)
    data = b"".join([*(renderer.feed(event) for event in events), renderer.finish()])
    if not collect(events).candidates[0].message.parts:
        return
    parser, decoder, read = CLIENT.StreamParser(), Decoder(), list[Event]()
    for start in range(0, len(data), size):
        for event in decoder.feed(data[start : start + size]):
            read += parser.feed(event)
    read += parser.close()
    complete = CLIENT.parse_response(GATEWAY.render_response(collect(events), CONTEXT))
    assert collect(read).candidates == complete.candidates


def test_log_probabilities_come_with_their_texts() -> None:
    tokens = (TokenLogprob("He", -0.5, (TokenLogprob("He", -0.5),)), TokenLogprob("llo", -1.0))
    plain = answered(MessagePart("Hello"))
    result = replace(plain, candidates=(replace(plain.candidates[0], logprobs=tokens),))
    body = rendered(result)
    found = body["output"][0]["content"][0]["logprobs"]
    assert [each["token"] for each in found] == ["He", "llo"]
    assert found[0]["top_logprobs"][0]["bytes"] == [72, 101]
    assert told(list(replay(result)))[-1]["response"] == body
    assert CLIENT.parse_response(json.dumps(body).encode()).candidates[0].logprobs == tokens
