"""Answers on the wire: a complete body, or a stream in one of its shapes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import orjson

from ai_client.simulator.answers import Answer, Ask
from ai_client.simulator.dialect import NOTHING, Dialect, Media, Place, StreamEvent
from ai_client.simulator.http_server import Exchange, Reply

SSE = "text/event-stream; charset=utf-8"
JSON = "application/json"

Encoder = Callable[[StreamEvent], bytes]


@dataclass(frozen=True, slots=True)
class Job:
    """One valid request to be answered. What is no conversation has no ``ask``, but ``media``."""

    exchange: Exchange
    dialect: Dialect
    ask: Ask | None = None
    answer: Answer | None = None
    media: Media = NOTHING

    @property
    def stream(self) -> bool:
        """Whether a stream is asked for."""
        return self.ask is not None and self.ask.stream

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """What the vendor adds to every answer."""
        return vendor_headers(self.dialect.name, self.ask.digest if self.ask else self.media.digest)

    @property
    def content_type(self) -> str:
        """The type of a complete answer."""
        return JSON if self.ask is not None else self.media.content_type

    def vacated(self) -> Job:
        """The same job with nothing in its answer, where it is no conversation."""
        if self.ask is not None or self.media.vacant is None:
            return self
        return replace(self, media=replace(self.media, body=self.media.vacant))

    def streaming(self, wanted: bool) -> Job:
        """The same job, streamed or not."""
        return self if self.ask is None else replace(self, ask=replace(self.ask, stream=wanted))

    def answering(self, change: Callable[[Answer], Answer]) -> Job:
        """The same job with another answer."""
        return self if self.answer is None else replace(self, answer=change(self.answer))

    def body(self) -> bytes:
        """The complete answer."""
        if self.ask is None or self.answer is None:
            return self.media.body
        return self.dialect.plain(self.ask, self.answer)

    def events(self) -> Iterator[StreamEvent]:
        """The answer as a stream."""
        if self.ask is not None and self.answer is not None:
            yield from self.dialect.stream(self.ask, self.answer)

    async def begin(self, *, length: int | None = None) -> None:
        """The head of a successful answer."""
        content_type = SSE if self.stream and not self._array else self.content_type
        await self.exchange.begin(200, content_type, headers=self.headers, length=length)

    async def write(self) -> None:
        """The answer as it should be."""
        if not self.stream:
            reply = Reply(200, self.body(), self.content_type, headers=self.headers)
            await self.exchange.reply(reply)
        elif self._array:
            await self._write_array()
        else:
            await self.write_events(self.events())

    async def write_events(
        self,
        events: Iterable[StreamEvent],
        encoder: Encoder | None = None,
        *,
        pause: float = 0,
        first: bytes = b"",
    ) -> None:
        """A stream of these events from its head to its end, ``pause`` seconds before each."""
        await self.begin()
        await self.exchange.send(first)
        for event in events:
            if pause:
                await self.exchange.pause(pause)
            await self.exchange.send((encoder or encode)(event))
        await self.exchange.finish()

    @property
    def _array(self) -> bool:
        return self.ask is not None and self.ask.as_array

    async def _write_array(self) -> None:
        await self.begin()
        opening = b"["
        for event in self.events():
            await self.exchange.send(opening + event.data)
            opening = b",\r\n"
        await self.exchange.send(b"]")
        await self.exchange.finish()


def vendor_headers(name: str, digest: str) -> tuple[tuple[str, str], ...]:
    """The request id under the vendor's name for it."""
    match name:
        case "openai":
            return (("x-request-id", f"req_{digest}"), ("openai-version", "2020-10-01"))
        case "anthropic":
            return (("request-id", f"req_{digest}"),)
        case _:
            return (("server-timing", "gfet4t7; dur=1"),)


def encode(event: StreamEvent) -> bytes:
    """An event as vendors write it."""
    name = f"event: {event.name}\n".encode() if event.name else b""
    return name + b"data: " + event.data + b"\n\n"


def with_line_ends(line_end: bytes) -> Encoder:
    """Events with other line ends; JSON from a serializer holds none itself."""
    return lambda event: encode(event).replace(b"\n", line_end)


def over_lines(event: StreamEvent) -> bytes:
    """An event whose JSON is spread over several data lines."""
    if event.data == b"[DONE]":
        return encode(event)
    spread = orjson.dumps(orjson.loads(event.data), option=orjson.OPT_INDENT_2)
    return encode(replace(event, data=spread.replace(b"\n", b"\ndata: ")))


def commented(event: StreamEvent) -> bytes:
    """An event among comments and fields that clients ignore; no space after the colons."""
    name = f"event:{event.name}\n".encode() if event.name else b""
    return (
        b": a comment\n\n:\nid:7\nretry:3000\nunknown:field\nnocolon\n"
        + name
        + b"data:"
        + event.data
        + b"\n: another\n\n"
    )


def through_content(events: Iterable[StreamEvent], count: int) -> list[StreamEvent]:
    """The stream up to and with its ``count``-th content event, or its last if there are fewer.

    0 gives what comes before the content.
    """
    known = list(events)
    at = [index for index, event in enumerate(known) if event.place is Place.CONTENT]
    if count == 0 or not at:
        end = at[0] if at else len(known)
        return [event for event in known[:end] if event.place is Place.HEAD]
    return known[: at[min(count, len(at)) - 1] + 1]


def after_content(events: Iterable[StreamEvent], count: int) -> list[StreamEvent]:
    """What ``through_content`` leaves."""
    known = list(events)
    return known[len(through_content(known, count)) :]
