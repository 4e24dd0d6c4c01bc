"""What holds for every wire format, found by being there.

A format with a client face brings examples: the same answer plain and streamed, as its vendor
sends it. One suite runs over all of them: chunks cut anywhere give the same events, a stream
collects to what the plain answer says, and both pass through every gateway face and back.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ai_client.errors import AiClientError
from ai_client.events import Event, Finish, PartEnd, PartStart, collect, replay
from ai_client.messages import (
    Candidate,
    Channel,
    FunctionCall,
    GenerativeAiResult,
    JsonValue,
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

CHUNK_SIZES = (1, 7, 1 << 30)
CONTEXT = RenderContext("req_1", "model", 1_700_000_000, include_usage=True)
TEXT = "Grüße, 世界 \N{LINE SEPARATOR}\N{PARTY POPPER}"

Lines = Sequence[JsonValue]


@dataclass(frozen=True)
class Example:
    """One answer: ``plain`` its body, ``stream`` the events that it is streamed as."""

    name: str
    plain: Mapping[str, Any]
    stream: bytes


def sse(lines: Lines) -> bytes:
    return b"".join(
        b"data: " + (line if isinstance(line, str) else json.dumps(line)).encode() + b"\n\n"
        for line in lines
    )


def typed(lines: Sequence[Mapping[str, Any]]) -> bytes:
    return b"".join(f"event: {line['type']}\n".encode() + sse([line]) for line in lines)


# --- OpenAI -------------------------------------------------------------------------------------

OPENAI_USAGE = {
    "prompt_tokens": 20,
    "completion_tokens": 9,
    "total_tokens": 29,
    "prompt_tokens_details": {"cached_tokens": 8},
    "completion_tokens_details": {"reasoning_tokens": 4},
}


def openai(
    name: str, message: Any, deltas: Sequence[Any], reason: str, logprobs: Any = None
) -> Example:
    return openai_choices(name, [(message, deltas, reason, logprobs)])


def openai_choices(name: str, choices: Sequence[tuple[Any, Sequence[Any], str, Any]]) -> Example:
    head = {"id": "chatcmpl-1", "created": 1, "model": "gpt"}
    plain = {
        **head,
        "object": "chat.completion",
        "choices": [
            {
                "index": index,
                "message": {"role": "assistant", **message},
                "finish_reason": reason,
                "logprobs": logprobs,
            }
            for index, (message, _, reason, logprobs) in enumerate(choices)
        ],
        "usage": OPENAI_USAGE,
    }
    chunk = {**head, "object": "chat.completion.chunk"}
    lines: list[JsonValue] = [
        {**chunk, "choices": [{"index": index, "delta": {"role": "assistant", "content": ""}}]}
        for index in range(len(choices))
    ]
    for turn in range(max(len(deltas) for _, deltas, _, _ in choices)):
        for index, (_, deltas, _, logprobs) in enumerate(choices):
            if turn < len(deltas):
                said = {"index": index, "delta": deltas[turn]}
                if logprobs and "content" in deltas[turn]:
                    said["logprobs"] = {"content": [logprobs["content"][turn]]}
                lines.append({**chunk, "choices": [said]})
    lines += [
        {**chunk, "choices": [{"index": index, "delta": {}, "finish_reason": reason}]}
        for index, (_, _, reason, _) in enumerate(choices)
    ]
    lines += [{**chunk, "choices": [], "usage": OPENAI_USAGE}, "[DONE]"]
    return Example(name, plain, sse(lines))


def tool_call(index: int | None, call_id: str, name: str, arguments: str) -> dict[str, Any]:
    call = {
        "id": call_id,
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }
    return call if index is None else {"index": index, **call}


def arguments(index: int, text: str) -> dict[str, Any]:
    return {"tool_calls": [{"index": index, "function": {"arguments": text}}]}


LOGPROBS = {
    "content": [
        {"token": "Hel", "logprob": -0.5, "top_logprobs": [{"token": "Hel", "logprob": -0.5}]},
        {"token": "lo", "logprob": -0.25, "top_logprobs": []},
    ]
}

OPENAI = (
    openai("text", {"content": TEXT}, [{"content": TEXT[:3]}, {"content": TEXT[3:]}], "stop"),
    openai("no content", {"content": None}, [], "length"),
    openai("filtered", {"content": "Hel"}, [{"content": "Hel"}], "content_filter"),
    openai(
        "refusal",
        {"content": None, "refusal": "I can't."},
        [{"refusal": "I "}, {"refusal": "can't."}],
        "stop",
    ),
    openai(
        "logprobs", {"content": "Hello"}, [{"content": "Hel"}, {"content": "lo"}], "stop", LOGPROBS
    ),
    openai(
        "text and parallel calls",
        {
            "content": "Looking.",
            "tool_calls": [
                tool_call(None, "call_a", "weather", '{"city":"Rome"}'),
                tool_call(None, "call_b", "time", "{}"),
                tool_call(None, "call_c", "weather", '{"city":'),
            ],
        },
        [
            {"content": "Looking."},
            {"tool_calls": [tool_call(0, "call_a", "weather", "")]},
            arguments(0, '{"city":'),
            {"tool_calls": [tool_call(1, "call_b", "time", "")]},
            {"tool_calls": [tool_call(2, "call_c", "weather", "")]},
            arguments(0, '"Rome"}'),
            arguments(1, "{}"),
            arguments(2, '{"city":'),
        ],
        "tool_calls",
    ),
    openai(
        "log probabilities of a call",
        {"tool_calls": [tool_call(None, "call_a", "time", "{}")]},
        [{"content": None, "tool_calls": [tool_call(0, "call_a", "time", "{}")]}],
        "tool_calls",
        {"content": LOGPROBS["content"][:1]},
    ),
    openai(
        "reasoning",
        {"reasoning_content": "Hm, well.", "content": "Yes"},
        [{"reasoning_content": "Hm, "}, {"reasoning_content": "well."}, {"content": "Yes"}],
        "stop",
    ),
    openai(
        "spoken",
        {
            "content": None,
            "audio": {"id": "audio_1", "expires_at": 2, "transcript": "Hi you", "data": "SUQzYWI="},
        },
        [
            {"content": None, "audio": {"id": "audio_1", "transcript": "Hi"}},
            {"audio": {"transcript": " you"}},
            {"audio": {"id": "audio_1", "data": "SUQz"}},
            {"audio": {"data": "YWI="}},
            {"audio": {"expires_at": 2}},
        ],
        "stop",
    ),
    openai_choices(
        "two candidates in turns",
        [
            ({"content": "one"}, [{"content": "o"}, {"content": "ne"}], "stop", None),
            (
                {"content": None, "tool_calls": [tool_call(None, "call_d", "time", "{}")]},
                [{"tool_calls": [tool_call(0, "call_d", "time", "{}")]}],
                "tool_calls",
                None,
            ),
        ],
    ),
)

# --- Anthropic ----------------------------------------------------------------------------------

ANTHROPIC_USAGE = {
    "input_tokens": 12,
    "cache_read_input_tokens": 8,
    "cache_creation_input_tokens": 0,
    "output_tokens": 9,
}


def anthropic(name: str, blocks: Sequence[tuple[Any, Any, Sequence[Any]]], reason: str) -> Example:
    """Each block whole, as it starts, and its deltas."""
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude"}
    lines: list[Mapping[str, Any]] = [
        {
            "type": "message_start",
            "message": {
                **head,
                "content": [],
                "stop_reason": None,
                "usage": {**ANTHROPIC_USAGE, "output_tokens": 1},
            },
        },
        {"type": "ping"},
    ]
    for index, (_, start, deltas) in enumerate(blocks):
        lines.append({"type": "content_block_start", "index": index, "content_block": start})
        lines += [
            {"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas
        ]
        lines.append({"type": "content_block_stop", "index": index})
    lines += [
        {
            "type": "message_delta",
            "delta": {"stop_reason": reason, "stop_sequence": None},
            "usage": {"output_tokens": 9},
        },
        {"type": "message_stop"},
    ]
    plain = {
        **head,
        "content": [block for block, _, _ in blocks],
        "stop_reason": reason,
        "usage": ANTHROPIC_USAGE,
    }
    return Example(name, plain, typed(lines))


def text_block(*pieces: str) -> tuple[Any, Any, Sequence[Any]]:
    return (
        {"type": "text", "text": "".join(pieces)},
        {"type": "text", "text": ""},
        [{"type": "text_delta", "text": piece} for piece in pieces],
    )


def tool_use(call_id: str, name: str, given: Any, *pieces: str) -> tuple[Any, Any, Sequence[Any]]:
    block = {"type": "tool_use", "id": call_id, "name": name}
    return (
        {**block, "input": given},
        {**block, "input": {}},
        [{"type": "input_json_delta", "partial_json": piece} for piece in ("", *pieces)],
    )


THINKING = (
    {"type": "thinking", "thinking": "Hm, well.", "signature": "c2lnbmVk"},
    {"type": "thinking", "thinking": "", "signature": ""},
    [
        {"type": "thinking_delta", "thinking": "Hm, "},
        {"type": "thinking_delta", "thinking": "well."},
        {"type": "signature_delta", "signature": "c2lnbmVk"},
    ],
)
REDACTED = {"type": "redacted_thinking", "data": "b3BhcXVl"}

ANTHROPIC = (
    anthropic("text", [text_block(TEXT[:3], TEXT[3:])], "end_turn"),
    anthropic("no content", [], "end_turn"),
    anthropic("limit", [text_block("Hel")], "max_tokens"),
    anthropic("refused", [text_block("Hel")], "refusal"),
    anthropic(
        "thinking, text and parallel calls",
        [
            THINKING,
            (REDACTED, REDACTED, []),
            text_block("Looking."),
            tool_use("toolu_a", "weather", {"city": "Rome"}, '{"city":', '"Rome"}'),
            tool_use("toolu_b", "time", {}),
        ],
        "tool_use",
    ),
)

# --- Google -------------------------------------------------------------------------------------

GOOGLE_USAGE = {
    "promptTokenCount": 20,
    "candidatesTokenCount": 5,
    "thoughtsTokenCount": 4,
    "cachedContentTokenCount": 8,
    "totalTokenCount": 29,
}


def google(name: str, chunks: Sequence[Sequence[Any]], reason: str, **more: Any) -> Example:
    head = {"responseId": "r1", "modelVersion": "gemini"}

    def answer(parts: Sequence[Any], last: bool) -> dict[str, Any]:
        candidate: dict[str, Any] = {
            "index": 0,
            "content": {"role": "model", "parts": list(parts)},
        }
        if last:
            candidate |= {"finishReason": reason, **more}
        return {"candidates": [candidate], "usageMetadata": GOOGLE_USAGE, **head}

    lines = [answer(parts, number == len(chunks) - 1) for number, parts in enumerate(chunks)]
    return Example(name, answer([part for parts in chunks for part in parts], True), sse(lines))


def google_call(name: str, **more: Any) -> dict[str, Any]:
    return {"functionCall": {"name": name, "args": {"city": "Rome"}}, **more}


GOOGLE = (
    google("text", [[{"text": TEXT[:3]}], [{"text": TEXT[3:]}]], "STOP"),
    google("no content", [[]], "MAX_TOKENS"),
    google("filtered", [[{"text": "Hel"}], []], "SAFETY"),
    google(
        "thoughts, text and parallel calls",
        [
            [{"text": "Hm, ", "thought": True}],
            [{"text": "well.", "thought": True}],
            [{"text": "Looking."}],
            [google_call("weather", thoughtSignature="c2ln"), google_call("weather")],
            [],
        ],
        "STOP",
    ),
    google(
        "a signed end",
        [[{"text": "Yes"}], [{"text": "", "thoughtSignature": "c2ln"}]],
        "STOP",
    ),
    google(
        "logprobs",
        [[{"text": "Hello"}]],
        "STOP",
        logprobsResult={
            "chosenCandidates": [{"token": "Hello", "logProbability": -0.5}],
            "topCandidates": [{"candidates": [{"token": "Hello", "logProbability": -0.5}]}],
        },
    ),
    google(
        "an image",
        [[{"text": "Here:"}], [{"inlineData": {"mimeType": "image/png", "data": "aGk="}}]],
        "STOP",
    ),
)

EXAMPLES: Mapping[str, Sequence[Example]] = {
    "openai_chat": OPENAI,
    "anthropic_messages": ANTHROPIC,
    "google_generate": GOOGLE,
}

# --- the suite ----------------------------------------------------------------------------------


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
    """What only complete answers carry besides the answer itself is not streamed."""
    return replace(answer, additional_data={})


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
            assert told(came) == told(complete) == told(answer)


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
    assert body.count(str(HUGE).encode()) == streamed.count(str(HUGE).encode()) == 2


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
