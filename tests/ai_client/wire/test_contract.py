"""What holds for every wire format, found by being there.

A format with a client face brings examples: the same answer plain and streamed, as its vendor
sends it. One suite runs over all of them: chunks cut anywhere give the same events, a stream
collects to what the plain answer says, and both pass through every gateway face and back.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ai_client.errors import AiClientError
from ai_client.events import Event, Finish, PartEnd, PartStart, collect, replay
from ai_client.messages import (
    Candidate,
    Channel,
    File,
    FinishReason,
    FunctionCall,
    GenerativeAiResult,
    MessagePart,
)
from ai_client.sse import Decoder
from ai_client.wire import (
    ClientFace,
    GatewayFace,
    RenderContext,
    StreamParser,
    UnknownWireFormat,
    client_face,
    gateway_face,
    wire_formats,
)
from tests.ai_client.wire.contract_examples import EXAMPLES, Example, anthropic, tool_use

CHUNK_SIZES = (1, 7, 1 << 30)
CONTEXT = RenderContext("req_1", "model", 1_700_000_000, include_usage=True)


def faces(kind: Callable[[str], Any]) -> Iterator[str]:
    for name in wire_formats():
        try:
            kind(name)
        except UnknownWireFormat:
            continue
        yield name


CLIENTS = tuple(faces(client_face))
GATEWAYS = tuple(faces(gateway_face))

every_example = pytest.mark.parametrize(
    ("wire", "example"),
    [
        pytest.param(wire, example, id=f"{wire}: {example.name}")
        for wire in CLIENTS
        for example in EXAMPLES.get(wire, ())
    ],
)


def events(parser: StreamParser, body: bytes, size: int = 1 << 30) -> list[Event]:
    """The events of a stream that comes in chunks of ``size`` bytes."""
    decoder = Decoder()
    read: list[Event] = []
    for start in range(0, len(body), size):
        for each in decoder.feed(body[start : start + size]):
            read += parser.feed(each)
    read += parser.close()
    return read


def plain(wire: str, example: Example) -> GenerativeAiResult:
    return client_face(wire).parse_response(json.dumps(example.plain).encode())


def without_envelope(answer: GenerativeAiResult) -> GenerativeAiResult:
    """Chunks of OpenAI's chat are called ``object`` something else than complete answers."""
    said = answer.additional_data
    is_chat = said.get("object") == "chat.completion"
    kept = {name: value for name, value in said.items() if name != "object" or not is_chat}
    return replace(answer, additional_data=kept)


def test_every_format_with_a_client_face_has_examples() -> None:
    assert set(CLIENTS) == set(EXAMPLES)
    assert set(GATEWAYS) <= set(CLIENTS)


@every_example
@pytest.mark.parametrize("size", CHUNK_SIZES)
def test_a_stream_cut_anywhere_is_the_plain_answer(wire: str, example: Example, size: int) -> None:
    streamed = collect(events(client_face(wire).StreamParser(), example.stream, size))
    assert streamed == without_envelope(plain(wire, example))


@every_example
def test_parts_are_numbered_in_order_and_each_ends_once(wire: str, example: Example) -> None:
    read = events(client_face(wire).StreamParser(), example.stream)
    for candidate in {each.candidate for each in read if isinstance(each, PartStart)}:
        starts = [e for e in read if isinstance(e, PartStart) and e.candidate == candidate]
        ends = [e for e in read if isinstance(e, PartEnd) and e.candidate == candidate]
        assert [each.index for each in starts] == list(range(len(starts)))
        assert sorted(each.index for each in ends) == list(range(len(starts)))
        finish = next(
            number
            for number, e in enumerate(read)
            if isinstance(e, Finish) and e.candidate == candidate
        )
        own: list[Event] = [*starts, *ends]
        assert all(read.index(each) < finish for each in own)


@every_example
def test_an_answer_replayed_is_the_answer(wire: str, example: Example) -> None:
    answer = plain(wire, example)
    assert collect(replay(answer)) == answer


@every_example
def test_a_stream_that_ends_anywhere_before_its_end_is_an_error(
    wire: str, example: Example
) -> None:
    """Completely or not at all: what was cut never passes for an answer that is shorter."""
    whole = without_envelope(plain(wire, example))
    decoder = Decoder()
    blocks = [each.raw for each in decoder.feed(example.stream)]
    for number in range(len(blocks)):
        try:
            read = events(client_face(wire).StreamParser(), b"".join(blocks[:number]))
        except AiClientError:
            continue
        assert replace(collect(read), usage=whole.usage) == whole


@every_example
@pytest.mark.parametrize("gateway", GATEWAYS)
def test_an_answer_passes_through_every_gateway(wire: str, example: Example, gateway: str) -> None:
    face: GatewayFace = gateway_face(gateway)
    back: ClientFace = client_face(gateway)
    answer = plain(wire, example)
    streamed = events(client_face(wire).StreamParser(), example.stream)
    complete = back.parse_response(face.render_response(answer, CONTEXT))
    for source in (streamed, list(replay(answer))):
        renderer = face.StreamRenderer(CONTEXT)
        body = b"".join([*(renderer.feed(each) for each in source), renderer.finish()])
        for size in CHUNK_SIZES:
            came = collect(events(back.StreamParser(), body, size))
            assert told(came) == told(complete) == told(as_said_in(gateway, answer))


def as_said_in(gateway: str, answer: GenerativeAiResult) -> GenerativeAiResult:
    """The answer as far as the dialect has words for it, whose callers cannot ask for more."""
    if gateway == "google_generate":
        return as_said_in_google(answer)
    if gateway == "openai_responses":
        return as_said_in_responses(answer)
    if gateway != "anthropic_messages":
        return answer
    first, *_ = answer.candidates
    parts = tuple(replace(part, refusal=False) for part in first.message.parts)
    refused = parts != first.message.parts and first.finish_reason is FinishReason.STOP
    said = replace(
        first,
        message=replace(first.message, parts=parts),
        finish_reason=FinishReason.CONTENT_FILTER if refused else first.finish_reason,
        logprobs=(),
    )
    return replace(answer, candidates=(said,))


def as_said_in_responses(answer: GenerativeAiResult) -> GenerativeAiResult:
    """One candidate, pictures as only files, tokens of texts; unknown counts are 0."""
    first, *_ = answer.candidates
    parts = first.message.parts
    kept = tuple(p for p in parts if not isinstance(p.content, File) or p.content.is_image)
    has_text = any(isinstance(part.content, str) and not part.is_thought for part in kept)
    said = replace(
        first,
        message=replace(first.message, parts=kept),
        logprobs=first.logprobs if has_text else (),
    )
    counts = ("thought_tokens", "cached_tokens", "cache_write_tokens")
    usage = answer.usage
    if usage is not None:
        usage = replace(usage, **{name: getattr(usage, name) or 0 for name in counts})
    return replace(answer, candidates=(said,), usage=usage)


def as_said_in_google(answer: GenerativeAiResult) -> GenerativeAiResult:
    """Without tokens written to a cache, and without calls whose arguments are no object."""

    def said(candidate: Candidate) -> Candidate:
        kept = tuple(
            part
            for part in candidate.message.parts
            if not isinstance(part.content, FunctionCall) or isinstance(part.content.args, dict)
        )
        whole = kept == candidate.message.parts
        reason = candidate.finish_reason if whole else FinishReason.ERROR
        return replace(
            candidate, message=replace(candidate.message, parts=kept), finish_reason=reason
        )

    usage = None if answer.usage is None else replace(answer.usage, cache_write_tokens=None)
    return replace(answer, candidates=tuple(map(said, answer.candidates)), usage=usage)


def told(answer: GenerativeAiResult) -> object:
    """What a caller of any dialect is told: ids, and words of one vendor's, are not among it."""
    return [told_of(each) for each in answer.candidates], answer.usage


def told_of(candidate: Candidate) -> dict[str, object]:
    parts = candidate.message.parts

    def texts(select: Callable[[MessagePart], bool]) -> str:
        return "".join(
            part.content for part in parts if isinstance(part.content, str) and select(part)
        )

    calls = [part for part in parts if isinstance(part.content, FunctionCall)]
    return {
        "text": texts(lambda part: part.channel is Channel.CONTENT and not part.refusal),
        "thoughts": texts(lambda part: part.channel is Channel.THOUGHT),
        "refusal": texts(lambda part: part.refusal),
        "calls": [
            (part.content.id, part.content.name, part.content.arguments)
            for part in calls
            if isinstance(part.content, FunctionCall)
        ],
        "files": [
            part.content for part in parts if not isinstance(part.content, str | FunctionCall)
        ],
        "signatures": [part.thought_signature for part in parts if part.thought_signature],
        "finish": candidate.finish_reason,
        "logprobs": candidate.logprobs,
    }


unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine is no defect of a parser."""

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@st.composite
def vandalized(draw: st.DrawFn, document: Any) -> Any:
    """``document`` with one of its values replaced by something else."""
    document = json.loads(json.dumps(document))
    holder = document
    while True:
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        key = draw(st.sampled_from(keys))
        inner = holder[key]
        if not isinstance(inner, dict | list) or not inner or draw(st.integers(0, 3)) == 0:
            holder[key] = draw(JSON)
            return document
        holder = inner


@pytest.mark.parametrize("wire", CLIENTS)
def test_candidates_are_in_the_order_of_their_numbers(wire: str) -> None:
    """An upstream that makes several at once may list first the one that was ready first."""
    for example in EXAMPLES[wire]:
        field = next((name for name in ("choices", "candidates") if name in example.plain), None)
        if field is None:
            continue
        numbered = [{**each, "index": n} for n, each in enumerate(example.plain[field] * 2)]
        one_way = replace(example, plain={**example.plain, field: numbered})
        other_way = replace(example, plain={**example.plain, field: numbered[::-1]})
        first, second = plain(wire, one_way).candidates, plain(wire, other_way).candidates
        assert [told_of(each) | {"calls": ()} for each in first] == [
            told_of(each) | {"calls": ()} for each in second
        ]


HUGE = 10**30


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_numbers_of_any_size_pass_through_what_a_dialect_keeps_for_itself(gateway: str) -> None:
    search = {"type": "server_tool_use", "id": "srv_1", "name": "search", "input": {"n": HUGE}}
    blocks = [(search, search, []), tool_use("toolu_a", "time", {"n": HUGE})]
    answer = plain("anthropic_messages", anthropic("huge", blocks, "tool_use"))
    body = gateway_face(gateway).render_response(answer, CONTEXT)
    renderer = gateway_face(gateway).StreamRenderer(CONTEXT)
    streamed = b"".join(renderer.feed(each) for each in replay(answer))
    for each in (body, streamed):
        if gateway == "google_generate":
            each = re.sub(rb"a29uZWVrLXYx([^\"]+)", lambda found: b64decode(found[1]), each)
        # A stream of OpenAI's Responses says arguments again at their end, and in their item.
        again = 2 if gateway == "openai_responses" and each is streamed else 0
        assert each.count(str(HUGE).encode()) == 2 + again


@pytest.mark.parametrize("wire", CLIENTS)
@unhurried
@given(data=st.data())
def test_whatever_an_answer_holds_the_only_errors_are_ours(wire: str, data: st.DataObject) -> None:
    example = data.draw(st.sampled_from(EXAMPLES[wire]))
    body = json.dumps(data.draw(vandalized(example.plain))).encode()
    try:
        answer = client_face(wire).parse_response(body)
    except AiClientError:
        return
    assert collect(replay(answer)) == answer
    for gateway in GATEWAYS:
        gateway_face(gateway).render_response(answer, CONTEXT)


@pytest.mark.parametrize("wire", CLIENTS)
@unhurried
@given(data=st.data())
def test_whatever_a_stream_holds_the_only_errors_are_ours(wire: str, data: st.DataObject) -> None:
    example = data.draw(st.sampled_from(EXAMPLES[wire]))
    blocks = list(Decoder().feed(example.stream))
    number = data.draw(st.integers(0, len(blocks) - 1))
    block = blocks[number]
    body = [each.raw for each in blocks]
    if block.data.startswith("{"):
        changed = data.draw(vandalized(json.loads(block.data)))
        body[number] = f"event: {block.event}\ndata: {json.dumps(changed)}\n\n".encode()
    try:
        read = events(client_face(wire).StreamParser(), b"".join(body))
    except AiClientError:
        return
    collect(read)
    for gateway in GATEWAYS:
        renderer = gateway_face(gateway).StreamRenderer(CONTEXT)
        for each in read:
            renderer.feed(each)
