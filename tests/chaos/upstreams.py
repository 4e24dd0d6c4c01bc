"""One upstream of a chaos run: what it would say, what goes wrong, and what must come of it.

The fate is told from the plan alone: by ``reading`` and by the table of failures, in which the
status is what a caller gets who is answered by nobody else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from itertools import accumulate, pairwise
from random import Random
from zlib import Z_SYNC_FLUSH, compressobj, decompressobj

from ai_client.errors import (
    ConnectFailed,
    ConnectionReset,
    ConnectTimedOut,
    NameNotResolved,
    StaleSocket,
    TlsFailed,
    UpstreamError,
    WriteReset,
)
from ai_client.simulator.answers import (
    Answer,
    Ask,
    Call,
    Choice,
    Finish,
    Part,
    Text,
    Thought,
    Usage,
)
from ai_client.simulator.anthropic_dialect import AnthropicDialect
from ai_client.simulator.dialect import Dialect, Kind, Problem
from ai_client.simulator.google_dialect import GoogleDialect
from ai_client.simulator.openai_dialect import OpenAiDialect
from ai_client.simulator.openai_responses_dialect import OpenAiResponsesDialect
from ai_client.simulator.writing import encode
from ai_client.testing import HttpAnswer
from ai_client.testing.transport import Answered, Piece
from tests.chaos.reading import CALLS, LENGTH, READERS, STOP, Reader, events, written_arguments

DIALECTS: dict[str, Dialect] = {
    "openai_chat": OpenAiDialect(),
    "openai_responses": OpenAiResponsesDialect(),
    "anthropic_messages": AnthropicDialect(),
    "google_generate": GoogleDialect(),
}
FOREVER = 1e9
"""Seconds; longer than any time limit."""
SSE = "text/event-stream"

_WORDS = (
    "plain", " and", " more", "\n\nline", " ünïcödé", " 語", " 😀🏳️‍🌈", "\u2028", " \\n",
    ' "quoted"', " <b>", "&amp;", "data: x", "\t", " [DONE]", " {", "\r\n", " end",
)  # fmt: skip
_ASK = Ask("model", "Hello", "chaos", stream=True, include_usage=True)
_FINISHES = {Finish.STOP: STOP, Finish.LENGTH: LENGTH, Finish.CALLS: CALLS}
_HTML = b"<html><body><h1>It works!</h1></body></html>\n\n"
_STATUSES: dict[int, tuple[bool, frozenset[int]]] = {
    302: (True, frozenset((502,))),
    400: (False, frozenset((400,))),
    401: (True, frozenset((502,))),
    402: (True, frozenset((429,))),
    403: (True, frozenset((502,))),
    404: (True, frozenset((404,))),
    408: (True, frozenset((504,))),
    409: (True, frozenset((409,))),
    413: (False, frozenset((413,))),
    422: (False, frozenset((400,))),
    429: (True, frozenset((429,))),
    500: (True, frozenset((502,))),
    502: (True, frozenset((502,))),
    503: (True, frozenset((503,))),
    504: (True, frozenset((504,))),
    529: (True, frozenset((503,))),
}
"""Whether the next one is asked, and the caller's status (failures.md, rows 6 to 18)."""

_GZIP = 31
"""``wbits`` of zlib for gzip's format."""
_IN_STREAM = (400, 401, 404, 429, 500, 503, 529)
_BAD_GATEWAY = frozenset((502,))
_TIMED_OUT = frozenset((504,))
_SERVER = frozenset((502, 503, 504))


class End(Enum):
    """How asking one upstream ends."""

    ANSWERED = "answered"
    FAILED = "failed"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Fate:
    """What comes of asking one upstream.

    ANSWERED: all of it. FAILED: before content; ``retry`` says whether the next one is asked.
    BROKEN: after content, of which ``text`` and ``calls`` had come: that is FAILED where nothing
    is streamed to the caller. ``finish`` None: not told.
    """

    end: End
    text: str = ""
    calls: tuple[tuple[str, str], ...] = ()
    finish: str | None = None
    retry: bool = True
    statuses: frozenset[int] = _BAD_GATEWAY
    opens: int = 1


@dataclass(frozen=True, slots=True)
class Upstream:
    """A connection's upstream: its answers to successive requests, and their fate."""

    wire: str
    fault: str
    answers: tuple[Answered, ...]
    fate: Fate


@dataclass(frozen=True, slots=True)
class Frame:
    """One event on the wire. ``failure`` is what it must be taken for, if not an event."""

    data: bytes
    failure: Fate | None = None
    noise: bool = False


def plan_upstream(random: Random, number: int) -> Upstream:
    """An upstream that works, or one with a fault; its texts begin with its number."""
    wire = random.choice(tuple(DIALECTS))
    answer = _answer(random, number)
    fault = random.choices(tuple(_FAULTS), [each[1] for each in _FAULTS.values()])[0]
    answers, fate = _FAULTS[fault][0](random, wire, answer)
    return Upstream(wire, fault, answers, fate)


def _answer(random: Random, number: int) -> Answer:
    parts: list[Part] = []
    if random.random() < 0.2:
        parts.append(Thought(tuple(random.choices(_WORDS, k=random.randint(1, 3)))))
    finish = random.choice((Finish.STOP, Finish.STOP, Finish.LENGTH))
    calls = random.randint(1, 3) if random.random() < 0.25 else 0
    if not calls or random.random() < 0.6:
        words = random.choices(_WORDS, k=random.randint(0, 6))
        parts.append(Text((f"U{number}", *words)))
    for nth in range(calls):
        finish = Finish.CALLS
        values = {f"{key}{number}": random.choice(_WORDS) for key in "ab"[: random.randint(0, 2)]}
        parts.append(Call(nth, f"call_{number}_{nth}", values, written_arguments(values)))
    return Answer((Choice(tuple(parts), finish),), Usage(7, 2, 5, 1))


def _said(answer: Answer) -> Fate:
    choice = answer.choices[0]
    text = "".join(part.text for part in choice.parts if isinstance(part, Text))
    calls = tuple((part.name, part.json) for part in choice.parts if isinstance(part, Call))
    assert choice.finish is not None
    return Fate(End.ANSWERED, text, calls, _FINISHES[choice.finish])


def _frames(random: Random, wire: str, answer: Answer) -> list[Frame]:
    dialect = DIALECTS[wire]
    frames = [Frame(encode(each)) for each in dialect.stream(_ASK, answer)]
    if wire == "openai_chat" and random.random() < 0.1:
        frames.insert(0, Frame(encode(dialect.empty_chunk(_ASK))))
    for _ in range(random.choice((0, 0, 0, 1, 2))):
        noise = random.choice((dialect.ping, b": comment\n\n", b"\n", b":\n\n"))
        frames.insert(random.randint(0, len(frames)), Frame(noise, noise=True))
    return frames


def _fate(wire: str, frames: list[Frame], stop: str) -> Fate:
    """What must come of these complete events, and of how the body stops after them."""
    reader = READERS[wire]()
    for frame in frames:
        if frame.failure is not None:
            return _broken(reader, frame.failure)
        if not frame.noise:
            for name, data in events(frame.data):
                reader.feed(name, data)
        if reader.ended:
            return _answered(reader)
    if stop == "cut" and reader.complete:
        return _answered(reader)
    return _broken(
        reader, Fate(End.FAILED, statuses=_TIMED_OUT if stop == "silence" else _BAD_GATEWAY)
    )


def _answered(reader: Reader) -> Fate:
    return Fate(End.ANSWERED, reader.text, tuple(reader.said_calls))


def _broken(reader: Reader, failure: Fate) -> Fate:
    if not reader.has_content:
        return failure
    come = tuple((name, arguments) for name, arguments in reader.calls.values())
    return replace(failure, end=End.BROKEN, text=reader.text, calls=come)


def _streamed(
    random: Random, frames: list[Frame], stop: Piece | None = None, tail: bytes = b""
) -> HttpAnswer:
    line_end = random.choice((b"\n", b"\n", b"\n", b"\r\n", b"\r"))
    body = b"".join(frame.data for frame in frames) + tail
    if b"\xff" not in body:
        # JSON holds no line end itself.
        body = body.replace(b"\n", line_end)
    if random.random() < 0.05:
        body = b"\xef\xbb\xbf" + body
    pieces: list[Piece] = list(_cut(random, body))
    for _ in range(random.choice((0, 0, 1, 3))):
        pieces.insert(random.randint(0, len(pieces)), random.uniform(0.1, 8.0))
    if stop is not None:
        pieces.append(stop)
    content_type = random.choice(
        (SSE, SSE, "text/event-stream; charset=utf-8", "Text/Event-Stream")
    )
    return HttpAnswer(tuple(pieces), content_type=content_type)


def _cut(random: Random, body: bytes) -> list[bytes]:
    size = len(body)
    match random.choices(("whole", "random", "events", "seven", "one"), (3, 10, 3, 1, 0.5))[0]:
        case "whole":
            return [body] if body else []
        case "events":
            return [each + b"\n\n" for each in body.split(b"\n\n")[:-1]] + [
                each for each in body.split(b"\n\n")[-1:] if each
            ]
        case "seven":
            cuts = list(range(7, size, 7))
        case "one":
            cuts = list(range(1, size))
        case _:
            cuts = (
                sorted(random.sample(range(1, size), min(size - 1, random.randint(1, 12))))
                if size > 1
                else []
            )
    places = [0, *cuts, size]
    return [body[a:b] for a, b in pairwise(places) if a < b]


_Made = tuple[tuple[Answered, ...], Fate]


def _works(random: Random, wire: str, answer: Answer) -> _Made:
    return (_streamed(random, _frames(random, wire, answer)),), _said(answer)


def _stale(random: Random, wire: str, answer: Answer) -> _Made:
    answers, fate = _works(random, wire, answer)
    return (StaleSocket("closed"), *answers), replace(fate, opens=2)


def _as_json(random: Random, wire: str, answer: Answer) -> _Made:
    """The upstream ignores that a stream is asked for; its JSON may be cut."""
    body = DIALECTS[wire].plain(replace(_ASK, stream=False), answer)
    if random.random() < 0.6:
        return (HttpAnswer(tuple(_cut(random, body))),), _said(answer)
    at = random.randrange(1, len(body))
    stop, statuses = random.choice(_STOPS)
    pieces = (*_cut(random, body[:at]), *(() if stop is None else (stop,)))
    return (HttpAnswer(pieces),), Fate(End.FAILED, statuses=statuses)


_STOPS: tuple[tuple[Piece | None, frozenset[int]], ...] = (
    (None, _BAD_GATEWAY),
    (ConnectionReset("reset"), _BAD_GATEWAY),
    (FOREVER, _TIMED_OUT),
)


def _stops(random: Random, wire: str, answer: Answer) -> _Made:
    """The body is cut, reset or silent from some byte on; HTML may come instead of the rest."""
    frames = _frames(random, wire, answer)
    ends = list(accumulate(len(frame.data) for frame in frames))
    at = random.choice((0, *ends)) if random.random() < 0.3 else random.randint(0, ends[-1])
    whole = [frame for frame, end in zip(frames, ends, strict=True) if end <= at]
    rest = b"".join(frame.data for frame in frames)[sum(len(each.data) for each in whole) : at]
    # Of a cut line end it depends on the next byte whether the event is complete.
    if rest.endswith(b"\n"):
        rest = rest[:-1]
    name, stop = random.choice(
        (("cut", None), ("reset", ConnectionReset("reset")), ("silence", FOREVER), ("html", None))
    )
    if name != "html":
        return (_streamed(random, whole, stop, rest),), _fate(wire, whole, name)
    # HTML in the middle of an event's JSON; where that is not begun, the page is no event at all.
    inside = b"data: {" in rest
    if inside:
        whole.append(Frame(rest + _HTML, failure=Fate(End.FAILED)))
        return (_streamed(random, whole),), _fate(wire, whole, "cut")
    return (_streamed(random, whole, None, _HTML),), _fate(wire, whole, "cut")


def _compressed(random: Random, wire: str, answer: Answer) -> _Made:
    """As ``_stops``, of a compressed body: flushed after each event, stopped at any byte."""
    frames = _frames(random, wire, answer)
    packer = compressobj(wbits=_GZIP)
    packed = b"".join(packer.compress(each.data) + packer.flush(Z_SYNC_FLUSH) for each in frames)
    packed += packer.flush()
    at = random.choice((len(packed), random.randint(0, len(packed))))
    unpacked = len(decompressobj(wbits=_GZIP).decompress(packed[:at]))
    ends = accumulate(len(frame.data) for frame in frames)
    read = [frame for frame, end in zip(frames, ends, strict=True) if end <= unpacked]
    name, stop = random.choice(
        (("cut", None), ("reset", ConnectionReset("reset")), ("silence", FOREVER))
    )
    pieces: list[Piece] = [*_cut(random, packed[:at]), *(() if stop is None else (stop,))]
    found = HttpAnswer(tuple(pieces), 200, SSE, {"Content-Encoding": "gzip"})
    return (found,), _fate(wire, read, name)


def _inserted(random: Random, wire: str, answer: Answer, bad: Frame) -> _Made:
    frames = _frames(random, wire, answer)
    frames.insert(random.randint(0, len(frames) - 1), bad)
    return (_streamed(random, frames),), _fate(wire, frames, "cut")


def _error_event(random: Random, wire: str, answer: Answer) -> _Made:
    status = random.choice(_IN_STREAM)
    retry, statuses = _STATUSES[status]
    failure = Fate(End.FAILED, retry=retry, statuses=_SERVER if status >= 500 else statuses)
    frame = Frame(encode(DIALECTS[wire].error_event(Problem(status))), failure)
    return _inserted(random, wire, answer, frame)


_MALFORMED = (
    b'data: {"choi\n\n', b"data: not json\n\n", b"data: {]}\n\n", b"data: 7\n\n", b"data: []\n\n",
    b'data: "text"\n\n', b"data: null\n\n", b'data: {"text": "\xff\xfe"}\n\n', b"data: {}{}\n\n",
)  # fmt: skip
_WRONG_TYPE = {
    "openai_chat": (
        b'data: {"choices": 7}\n\n',
        b'data: {"choices": [{"index": 0, "delta": {"content": 7}}]}\n\n',
        b'data: {"choices": [[]]}\n\n',
    ),
    "openai_responses": (
        b'event: response.output_text.delta\ndata: {"type": "response.output_text.delta", '
        b'"output_index": 0, "content_index": 0, "delta": 7}\n\n',
        b'event: response.completed\ndata: {"type": "response.completed", "response": 7}\n\n',
    ),
    "anthropic_messages": (
        b'event: content_block_delta\ndata: {"type": "content_block_delta", "index": "x", '
        b'"delta": {"type": "text_delta", "text": "a"}}\n\n',
        b'event: content_block_delta\ndata: {"type": "content_block_delta", "index": 0, '
        b'"delta": 7}\n\n',
        b'event: message_delta\ndata: {"type": "message_delta", "delta": []}\n\n',
    ),
    "google_generate": (
        b'data: {"candidates": 7}\n\n',
        b'data: {"candidates": [{"index": 0, "content": {"parts": [{"text": 7}]}}]}\n\n',
    ),
}


def _malformed(random: Random, wire: str, answer: Answer) -> _Made:
    data = random.choice((*_MALFORMED, *_WRONG_TYPE[wire]))
    return _inserted(random, wire, answer, Frame(data, Fate(End.FAILED)))


def _end_twice(random: Random, wire: str, answer: Answer) -> _Made:
    """The end comes again, or content comes after it; only Google's streams have none."""
    frames = _frames(random, wire, answer)
    if wire != "google_generate":
        frames += random.choices(frames, k=random.randint(1, 3)) + frames[-1:]
    stop = (
        random.choice((None, ConnectionReset("reset"), FOREVER))
        if wire != "google_generate"
        else None
    )
    return (_streamed(random, frames, stop),), _said(answer)


def _no_end(random: Random, wire: str, answer: Answer) -> _Made:
    """Everything is there but the events that say that it is everything."""
    frames = _frames(random, wire, answer)
    reader = READERS[wire]()
    kept: list[Frame] = []
    for frame in frames:
        if not frame.noise:
            for name, data in events(frame.data):
                reader.feed(name, data)
        if reader.finish is not None:
            break
        kept.append(frame)
    return (_streamed(random, kept),), _fate(wire, kept, "cut")


def _refuses(random: Random, wire: str, answer: Answer) -> _Made:
    status = random.choice(tuple(_STATUSES))
    retry, statuses = _STATUSES[status]
    reply = DIALECTS[wire].error(Problem(status))
    body, content_type = random.choice(
        (
            (reply.body, "application/json"),
            (reply.body, "application/json"),
            (_HTML, "text/html"),
            (b"", "text/plain"),
            (reply.body[: random.randrange(len(reply.body))], "application/json"),
        )
    )
    pieces: tuple[Piece, ...] = (body,)
    if random.random() < 0.2:
        pieces = (body, ConnectionReset("reset"))
    found = HttpAnswer(pieces, status, content_type)
    return (found,), Fate(End.FAILED, retry=retry, statuses=statuses)


def _special(random: Random, wire: str, answer: Answer) -> _Made:
    """Errors that vendors tell apart by more than the status."""
    status, kind, retry, told = random.choice(
        (
            (429, Kind.QUOTA, True, 429),
            (429, Kind.RATE_LIMIT, True, 429),
            (400, Kind.CONTEXT, False, 400),
        )
    )
    reply = DIALECTS[wire].error(Problem(status, kind))
    found = HttpAnswer(reply.body, reply.status)
    return (found,), Fate(End.FAILED, retry=retry, statuses=frozenset((told,)))


_UNREACHABLE: tuple[tuple[type[UpstreamError], frozenset[int]], ...] = (
    (ConnectFailed, _BAD_GATEWAY),
    (ConnectTimedOut, _TIMED_OUT),
    (ConnectionReset, _BAD_GATEWAY),
    (WriteReset, _BAD_GATEWAY),
    (NameNotResolved, _BAD_GATEWAY),
    (TlsFailed, _BAD_GATEWAY),
)


def _unreachable(random: Random, wire: str, answer: Answer) -> _Made:
    if random.random() < 0.2:
        late = replace(_works(random, wire, answer)[0][0], after=FOREVER)  # type: ignore[type-var]
        return (late,), Fate(End.FAILED, statuses=_TIMED_OUT)
    kind, statuses = random.choice(_UNREACHABLE)
    return (kind("unreachable"),), Fate(End.FAILED, statuses=statuses)


def _wrong_type(random: Random, wire: str, answer: Answer) -> _Made:
    """The stream, or a web page, under a type that it is not."""
    if random.random() < 0.5:
        found = HttpAnswer(
            _HTML, content_type=random.choice(("text/html", "text/html; charset=x", SSE))
        )
    else:
        stream = _streamed(random, _frames(random, wire, answer))
        other = random.choice(("application/json", "text/plain", "application/octet-stream", ""))
        found = replace(stream, content_type=other)
    return (found,), Fate(End.FAILED)


_FAULTS = {
    "none": (_works, 14),
    "stale": (_stale, 2),
    "json": (_as_json, 4),
    "stops": (_stops, 36),
    "compressed": (_compressed, 6),
    "error event": (_error_event, 12),
    "malformed": (_malformed, 12),
    "end twice": (_end_twice, 4),
    "no end": (_no_end, 4),
    "status": (_refuses, 8),
    "special": (_special, 2),
    "unreachable": (_unreachable, 4),
    "wrong type": (_wrong_type, 4),
}
