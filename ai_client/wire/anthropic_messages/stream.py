"""Streamed answers in Anthropic's dialect.

``message_start``, then each content block as start, deltas and stop, then ``message_delta`` with
the stop reason and the final usage, then ``message_stop``. Pings may come anywhere; event types
that are not known are passed over, as the vendor asks.

Source: https://platform.claude.com/docs/en/build-with-claude/streaming.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Protocol

import orjson

from ai_client.errors import EmptyAnswer, MalformedAnswer, StreamTruncated
from ai_client.events import (
    Event,
    Finish,
    PartDelta,
    PartEnd,
    PartKind,
    PartStart,
    ResponseStart,
    Usage,
)
from ai_client.sse import ServerSentEvent
from ai_client.wire.anthropic_messages.conversation import WIRE, Block
from ai_client.wire.anthropic_messages.response import (
    call_opaque,
    citations_in,
    compact,
    error_in,
    finish_reason,
    text_if_any,
    text_of,
    thought_opaque,
    token_usage,
)


class StreamParser:
    """Reads one stream. Made per attempt."""

    last_usage_only = False
    """No event of this dialect holds nothing but usage that a caller has to ask for."""

    def __init__(self) -> None:
        self.finished = False
        self._parts = 0
        self._open: dict[int, _Part] = {}
        self._usage: Block = {}
        self._stop_reason: str | None = None

    def feed(self, event: ServerSentEvent) -> Sequence[Event]:
        """The events in one server-sent event; none for a ping.

        Raises ``MalformedAnswer`` for data that the dialect does not prescribe, ``EmptyAnswer``
        for an end without content and stop reason, and the class of an error event.
        """
        if self.finished or event.event == "ping":
            return ()
        data = _decode(event)
        kind = data.get("type")
        if kind == "error" or event.event == "error":
            raise error_in(data, None, {})
        match kind:
            case "content_block_delta":
                return self._part_of(data).delta(_object(data, "delta"))
            case "content_block_start":
                return self._start(data, event)
            case "content_block_stop":
                return self._stop(_index(data))
            case "message_start":
                message = _object(data, "message")
                start = ResponseStart(str(message.get("id") or ""), str(message.get("model") or ""))
                return (start, *self._count(message))
            case "message_delta":
                self._stop_reason = _object(data, "delta").get("stop_reason") or self._stop_reason
                return self._count(data)
            case "message_stop":
                return self._finish()
            case str():
                return ()
            case _:
                raise MalformedAnswer("An event of the upstream's stream has no type.")

    def close(self) -> Sequence[Event]:
        """Nothing is left at the end; ``StreamTruncated`` where ``message_stop`` is missing."""
        if not self.finished:
            raise StreamTruncated("The upstream's stream ended before its message_stop.")
        return ()

    def _start(self, data: Block, event: ServerSentEvent) -> Sequence[Event]:
        index = _index(data)
        block = _object(data, "content_block")
        if index in self._open:
            raise MalformedAnswer(f"Content block {index} of the upstream's stream starts twice.")
        part: _Part
        match block.get("type"):
            case "text":
                part = _Text(self._parts, block)
            case "thinking":
                part = _Thinking(self._parts, block)
            case "tool_use":
                if block.get("input"):
                    # orjson reads integers beyond 64 bits as floats; arguments keep every digit.
                    block = json.loads(event.data)["content_block"]
                part = _Call(self._parts, block)
            case _:
                part = _Opaque(self._parts, block)
        self._open[index] = part
        self._parts += 1
        return part.start()

    def _part_of(self, data: Block) -> _Part:
        part = self._open.get(_index(data))
        if part is None:
            raise MalformedAnswer(
                "The upstream's stream continues a content block that is not open."
            )
        return part

    def _stop(self, index: int) -> Sequence[Event]:
        part = self._open.pop(index, None)
        if part is None:
            raise MalformedAnswer("The upstream's stream ends a content block that is not open.")
        return part.stop()

    def _count(self, holder: Block) -> Sequence[Event]:
        """Counts are cumulative; one that a later event leaves out stays as it was."""
        usage = holder.get("usage")
        if not isinstance(usage, dict):
            return ()
        self._usage.update({name: value for name, value in usage.items() if value is not None})
        counted = token_usage(self._usage)
        return () if counted is None else (Usage(counted),)

    def _finish(self) -> Sequence[Event]:
        events = [event for index in sorted(self._open) for event in self._stop(index)]
        self.finished = True
        if self._stop_reason is not None:
            events.append(Finish(finish_reason(self._stop_reason), str(self._stop_reason)))
        elif not self._parts:
            raise EmptyAnswer("The upstream's stream holds neither content nor a stop reason.")
        return events


class _Part(Protocol):
    """A content block that is being received."""

    def start(self) -> Sequence[Event]: ...

    def delta(self, delta: Block) -> Sequence[Event]: ...

    def stop(self) -> Sequence[Event]: ...


class _Text:
    __slots__ = ("_citations", "_index", "_text")

    def __init__(self, index: int, block: Block) -> None:
        self._index = index
        self._text = text_if_any(block, "text")
        self._citations = list(citations_in(block))

    def start(self) -> Sequence[Event]:
        started = PartStart(self._index, PartKind.TEXT)
        return (started, PartDelta(self._index, self._text)) if self._text else (started,)

    def delta(self, delta: Block) -> Sequence[Event]:
        match delta.get("type"):
            case "text_delta":
                return (PartDelta(self._index, text_of(delta, "text")),)
            case "citations_delta":
                self._citations.append(_object(delta, "citation"))
        return ()

    def stop(self) -> Sequence[Event]:
        return (PartEnd(self._index, citations=tuple(self._citations)),)


class _Thinking:
    __slots__ = ("_block", "_index")

    def __init__(self, index: int, block: Block) -> None:
        self._index = index
        self._block = block

    def start(self) -> Sequence[Event]:
        started = PartStart(self._index, PartKind.THOUGHT)
        text = text_if_any(self._block, "thinking")
        return (started, PartDelta(self._index, text)) if text else (started,)

    def delta(self, delta: Block) -> Sequence[Event]:
        match delta.get("type"):
            case "thinking_delta":
                return (PartDelta(self._index, text_of(delta, "thinking")),)
            case "signature_delta":
                self._block["signature"] = text_of(delta, "signature")
        return ()

    def stop(self) -> Sequence[Event]:
        signature = text_if_any(self._block, "signature") or None
        return (PartEnd(self._index, signature=signature, opaque=thought_opaque(self._block)),)


class _Call:
    __slots__ = ("_block", "_index", "_streamed")

    def __init__(self, index: int, block: Block) -> None:
        self._index = index
        self._block = block
        self._streamed = False

    def start(self) -> Sequence[Event]:
        return (
            PartStart(
                self._index,
                PartKind.FUNCTION_CALL,
                call_id=text_of(self._block, "id"),
                name=text_of(self._block, "name"),
            ),
        )

    def delta(self, delta: Block) -> Sequence[Event]:
        if delta.get("type") != "input_json_delta":
            return ()
        fragment = text_of(delta, "partial_json")
        self._streamed = self._streamed or fragment != ""
        return (PartDelta(self._index, fragment),)

    def stop(self) -> Sequence[Event]:
        end = PartEnd(self._index, opaque=call_opaque(self._block))
        if self._streamed:
            return (end,)
        # A call without arguments streams none; some servers send all of them at the start.
        return (PartDelta(self._index, compact(self._block.get("input") or {})), end)


class _Opaque:
    """Redacted thinking, the vendor's own tools, and what is yet to come: kept to be echoed."""

    __slots__ = ("_block", "_fragments", "_index", "_understood")

    def __init__(self, index: int, block: Block) -> None:
        self._index = index
        self._block = block
        self._fragments: list[str] = []
        self._understood = True

    def start(self) -> Sequence[Event]:
        return (PartStart(self._index, PartKind.THOUGHT),)

    def delta(self, delta: Block) -> Sequence[Event]:
        if delta.get("type") == "input_json_delta":
            self._fragments.append(text_of(delta, "partial_json"))
        else:
            # An echo without what this delta says would not be what the upstream sent.
            self._understood = False
        return ()

    def stop(self) -> Sequence[Event]:
        if text := "".join(self._fragments):
            try:
                self._block["input"] = json.loads(text)
            except ValueError:
                self._understood = False
        return (PartEnd(self._index, opaque={WIRE: self._block} if self._understood else None),)


def _decode(event: ServerSentEvent) -> Block:
    try:
        data = orjson.loads(event.data)
    except ValueError as error:
        raise MalformedAnswer("An event of the upstream's stream is not JSON.") from error
    if not isinstance(data, dict):
        raise MalformedAnswer("An event of the upstream's stream is not an object.")
    return data


def _object(data: Block, name: str) -> Block:
    value = data.get(name)
    if not isinstance(value, dict):
        raise MalformedAnswer(f"An event of the upstream's stream has no object {name!r}.")
    return value


def _index(data: Block) -> int:
    index = data.get("index")
    if not isinstance(index, int):
        raise MalformedAnswer("An event of the upstream's stream has no index.")
    return index
