"""Reads one upstream answer, step by step: complete bodies and event streams, within their times.

Generators in the session's vocabulary (``exchange.py``), without I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import replace
from typing import NoReturn, TypeAlias

from ai_client.ask import Limits
from ai_client.encoding import BodyDecoder
from ai_client.errors import (
    AiClientError,
    AnswerTooLarge,
    ConnectionReset,
    ContentFiltered,
    DeadlineExceeded,
    FirstEventTimedOut,
    IdleTimedOut,
    MalformedAnswer,
    RedirectRefused,
    StreamTruncated,
    UpstreamError,
)
from ai_client.events import Event
from ai_client.exchange import Chunk, End, Opened, Piece, Read, ReadTimedOut, Reply
from ai_client.sse import Decoder, EventTooLarge
from ai_client.tool_names import called_back
from ai_client.wire import ClientFace, ResultFace, StreamParser

DRAIN_SECONDS = 0.25
"""How long a finished stream may take to close, so that its socket can be used again."""

MAX_ERROR_BYTES = 256 * 1024
"""An error's body larger than this explains nothing (256 KiB)."""

TIMER_SECONDS = 0.002
"""A wait may end this much early: uvloop's timers count whole milliseconds."""

Whole: TypeAlias = Generator[Read, Reply, bytes]
Pieces: TypeAlias = Generator[Read | Piece, Reply, None]


class Patience:
    """How long a request may still take, and each of its waits. ``clock`` is monotonic seconds."""

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        self._limits = limits
        self._clock = clock
        self._until = clock() + limits.deadline
        self._first_event = limits.deadline

    def begin(self, connection_timeout: float) -> None:
        """An attempt starts at a connection with this timeout."""
        self._first_event = self._limits.first_event or connection_timeout

    @property
    def is_over(self) -> bool:
        """Whether the request's total time is used up."""
        return self._until - self._clock() <= TIMER_SECONDS

    def remaining(self) -> float:
        """Seconds left in all; ``DeadlineExceeded`` when there are none."""
        remaining = self._until - self._clock()
        if remaining <= TIMER_SECONDS:
            raise DeadlineExceeded(
                f"The request took longer than its {self._limits.deadline:g} s in all."
            )
        return remaining

    def for_next(self, *, begun: bool, since: float | None = None) -> float:
        """Seconds to wait for more, counted from ``since`` where that is given.

        Raises the class that fits once they have passed.
        """
        limit = self._limits.idle if begun else self._first_event
        if since is not None:
            limit = since + limit - self._clock()
            if limit <= 0:
                self.give_up(begun=begun)
        return min(limit, self.remaining())

    def give_up(self, *, begun: bool) -> NoReturn:
        """Raise the timeout that fits."""
        self.remaining()
        if begun:
            raise IdleTimedOut(
                f"The upstream was silent for {self._limits.idle:g} s in its answer."
            )
        raise FirstEventTimedOut(
            f"The upstream sent headers, then nothing for {self._first_event:g} s."
        )


def read_whole(decoder: BodyDecoder, patience: Patience) -> Whole:
    """The complete body."""
    parts: list[bytes] = []
    while True:
        reply = yield Read(patience.for_next(begun=bool(parts)))
        if isinstance(reply, Chunk):
            parts.append(decoder.feed(reply.data))
            if reply.last:
                break
        elif isinstance(reply, End):
            break
        elif isinstance(reply, ReadTimedOut):
            patience.give_up(begun=bool(parts))
        else:
            raise _broken(reply, patience)
    decoder.end()
    return parts[0] if len(parts) == 1 else b"".join(parts)


def read_refusal(
    opened: Opened, face: ClientFace | ResultFace, patience: Patience, hide: Callable[[str], str]
) -> Generator[Read, Reply, AiClientError]:
    """The error that an answer with another status than 200 is, not yet raised.

    ``hide`` takes the connection's key out of what the upstream said.
    """
    if 300 <= opened.status < 400:
        return RedirectRefused(
            "The upstream redirects to another address; a redirect is never followed. "
            "Put the final address into the connection's base URL.",
            upstream_status=opened.status,
        )
    try:
        decoder = BodyDecoder(opened.headers.get("content-encoding", ""), limit=MAX_ERROR_BYTES)
        body = yield from read_whole(decoder, patience)
    except UpstreamError:
        # The status already says enough; the body would only have explained it.
        body = b""
    # Before the message is shortened, and a key in it to a part that would not be found.
    said = hide(body.decode("utf-8", "surrogateescape"))
    return face.parse_error(opened.status, opened.headers, said.encode("utf-8", "surrogateescape"))


WEB_PAGE = "text/html"


def is_web_page(opened: Opened) -> bool:
    """Whether a person's browser was meant: no API answers with HTML."""
    return content_type(opened) == WEB_PAGE


def content_type(opened: Opened) -> str:
    """The media type of the body, in lower case; blank where it is not said."""
    return opened.headers.get("content-type", "").partition(";")[0].strip().lower()


def read_stream(
    parser: StreamParser,
    decoder: BodyDecoder,
    patience: Patience,
    clock: Callable[[], float],
    *,
    hide_usage: bool,
    hand_on: bool = False,
) -> Pieces:
    """The stream as pieces, one per chunk that holds anything.

    What was parsed before an error leaves before the error is raised. Pings and comments are no
    progress: they do not put the idle timeout off. With ``hand_on``, which is for a caller who
    gets the upstream's own bytes, a prompt that was refused in an answer is the last piece and no
    error.
    """
    lines = Decoder()
    progressed = clock()
    begun = False
    while not parser.finished:
        reply = yield Read(patience.for_next(begun=begun, since=progressed))
        match reply:
            case Chunk():
                pass
            case End():
                if events := parser.close():
                    yield Piece(tuple(events), b"", last=True)
                return
            case ReadTimedOut():
                patience.give_up(begun=begun)
            case ConnectionReset() if begun:
                raise StreamTruncated("The upstream's stream broke off.") from reply
            case _:
                raise _broken(reply, patience)
        piece, failure = _parsed(
            parser, lines, decoder.feed(reply.data), hide_usage=hide_usage, hand_on=hand_on
        )
        if piece.events:
            begun = True
            progressed = clock()
        if piece.events or piece.raw:
            yield piece
        if failure is not None:
            raise failure
        if piece.last:
            break
    # Only a body read to its end leaves a socket that can be used again.
    yield Read(DRAIN_SECONDS)


def with_callers_names(pieces: Pieces, names: Mapping[str, str]) -> Pieces:
    """The pieces with the names that functions have at the caller's (``tool_names``)."""
    reply: Reply = None
    while True:
        try:
            step = pieces.send(reply)
        except StopIteration:
            return
        if isinstance(step, Piece):
            step = replace(step, events=called_back(step.events, names))
        reply = yield step


def _parsed(
    parser: StreamParser, lines: Decoder, data: bytes, *, hide_usage: bool, hand_on: bool
) -> tuple[Piece, AiClientError | None]:
    """What a chunk holds, and the error that cut it short."""
    events: list[Event] = []
    raw: list[bytes] = []
    failure: AiClientError | None = None
    try:
        for sse in lines.feed(data):
            if "\N{REPLACEMENT CHARACTER}" in sse.data:
                _require_utf8(sse.raw)
            events += parser.feed(sse)
            if not (hide_usage and parser.last_usage_only):
                # OpenAI's SDK does not know a byte order mark, and takes a comment by itself for
                # an event once there was an id; both would break a stream that is valid.
                raw.append(sse.block)
            if parser.finished:
                break
    except ContentFiltered as error:
        if hand_on and error.events:
            block = (*raw, sse.block)
            return Piece((*events, *error.events), b"".join(block), last=True), None
        failure = error
    except AiClientError as error:
        failure = error
    except EventTooLarge:
        failure = AnswerTooLarge("One event of the upstream's stream is larger than 16 MiB.")
    return Piece(tuple(events), b"".join(raw), last=parser.finished), failure


def _require_utf8(raw: bytes) -> None:
    """The decoder of events replaces what is not UTF-8, as browsers do; JSON must not hold it.

    https://www.rfc-editor.org/rfc/rfc8259#section-8.1
    """
    try:
        raw.decode()
    except UnicodeDecodeError:
        raise MalformedAnswer("The upstream sent an event that is not UTF-8.") from None


def _broken(reply: Reply, patience: Patience) -> Exception:
    patience.remaining()
    if isinstance(reply, UpstreamError):
        return reply
    return AssertionError(f"Read was answered with {type(reply).__name__}.")
