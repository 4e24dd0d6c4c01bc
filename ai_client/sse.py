"""Server-sent events: bytes to events and back, without I/O.

Follows the WHATWG HTML standard, section 9.2.6 (parsing an event stream): CR, LF and CRLF end a
line, several ``data`` lines join with LF, lines that start with a colon are comments, one leading
byte order mark is dropped, UTF-8 may be cut anywhere. Only CR and LF end lines: U+2028 inside a
JSON string is data. Each event keeps the bytes it came as, comments before it included, so that
a gateway can pass a stream on byte for byte.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_EVENT_BYTES = 16 * 1024 * 1024
"""An event larger than this is an attack or a defect (16 MiB)."""

_BOM = b"\xef\xbb\xbf"
_LINE_END = re.compile(rb"\r\n|\n|\r")
# A line end directly after a line end. CR LF is one line end, hence no "\r\n" alone.
_BLANK_LINE = re.compile(rb"\n\n|[\r\n]\r\n?")


class EventTooLarge(ValueError):
    """An event grew over the limit."""


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One dispatched event. ``raw`` is what it was on the wire, its blank line included.

    ``block`` is ``raw`` without a byte order mark and without the blocks before it that dispatch
    nothing.
    """

    data: str
    event: str = "message"
    id: str | None = None
    retry: int | None = None
    raw: bytes = b""
    block: bytes = b""


class Decoder:
    """Turns chunks of any size into events. Made per stream.

    An event is dispatched as soon as its blank line is seen. Where that ends with a CR whose LF
    comes in the next chunk, the LF is the first byte of the next event's ``raw``; blocks without
    data (comments, lone ids) are the first bytes of the next event's ``raw`` too. So the ``raw``
    of all events and ``trailing()`` are together exactly the bytes that came in.
    """

    def __init__(self, *, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max = max_event_bytes
        self._buffer = bytearray()
        self._before: list[bytes] = []
        self._before_size = 0
        self._at_start = True
        self._id: str | None = None
        self._retry: int | None = None

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """The events that are complete once ``chunk`` has arrived.

        Raises ``EventTooLarge`` for an event that is, with the comments before it, over the limit.
        """
        buffer = self._buffer
        data: bytes | bytearray
        if buffer:
            # Only the last byte that was there can be part of a blank line not yet seen.
            searched = len(buffer) - 1
            buffer += chunk
            data = buffer
        else:
            searched = 0
            data = chunk
        events: list[ServerSentEvent] = []
        start = 0
        for end in _ends(data, searched):
            event = self._block(bytes(data[start:end]))
            if event is not None:
                events.append(event)
            start = end
        if data is buffer:
            del buffer[:start]
        else:
            buffer += data[start:]
        if self._before_size + len(buffer) > self._max:
            raise EventTooLarge(f"An event is larger than {self._max} bytes.")
        return events

    def trailing(self) -> bytes:
        """The bytes of an event that never ended; such an event is not dispatched."""
        return b"".join(self._before) + bytes(self._buffer)

    def _block(self, raw: bytes) -> ServerSentEvent | None:
        if self._before_size + len(raw) > self._max:
            raise EventTooLarge(f"An event is larger than {self._max} bytes.")
        block = raw
        if self._at_start:
            self._at_start = False
            block = raw.removeprefix(_BOM)
        name = ""
        data: bytes | None
        if (
            block.startswith(b"data: ")
            and block.find(b"\n") == len(block) - 2
            and b"\r" not in block
        ):
            # The one line of data that nearly all events are.
            data = block[6:-2]
        else:
            data, name = self._fields(block)
        if data is None:
            self._before.append(raw)
            self._before_size += len(raw)
            return None
        if self._before:
            raw = b"".join(self._before) + raw
            self._before.clear()
            self._before_size = 0
        retry, self._retry = self._retry, None
        return ServerSentEvent(
            data.decode("utf-8", "replace"), name or "message", self._id, retry, raw, block
        )

    def _fields(self, block: bytes) -> tuple[bytes | None, str]:
        lines: list[bytes] = []
        event = ""
        for line in _LINE_END.split(block):
            name, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            if name == b"data":
                lines.append(value)
            elif name == b"event":
                event = value.decode("utf-8", "replace")
            elif name == b"id" and b"\0" not in value:
                self._id = value.decode("utf-8", "replace")
            elif name == b"retry" and value.isdigit() and len(value) < 16:
                self._retry = int(value)
        return (b"\n".join(lines) if lines else None), event


def _ends(data: bytes | bytearray, start: int) -> list[int]:
    """Where blocks end, looking from ``start`` on."""
    if data.find(b"\r", start) >= 0:
        return [blank_line.end() for blank_line in _BLANK_LINE.finditer(data, start)]
    ends = []
    found = data.find(b"\n\n", start)
    while found >= 0:
        ends.append(found + 2)
        found = data.find(b"\n\n", found + 2)
    return ends


def encode(data: str | bytes, *, event: str | None = None) -> bytes:
    """One event as bytes. ``data`` may hold line ends; JSON from a serializer does not."""
    if isinstance(data, str):
        data = data.encode()
    head = b"" if event is None else b"event: " + event.encode() + b"\n"
    if b"\n" not in data and b"\r" not in data:
        return head + b"data: " + data + b"\n\n"
    lines = _LINE_END.split(data)
    return head + b"".join(b"data: " + line + b"\n" for line in lines) + b"\n"


def comment(text: str) -> bytes:
    """A comment line, which clients ignore; used to keep a connection alive."""
    return b": " + text.encode() + b"\n\n"
