"""Streamed answers in Anthropic's dialect.

``message_start``, then each content block as start, deltas and stop, then ``message_delta`` with
the stop reason and the final usage, then ``message_stop``. Pings may come anywhere; event types
that are not known are passed over, as the vendor asks.

Source: https://platform.claude.com/docs/en/build-with-claude/streaming.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import orjson

from ai_client.errors import EmptyAnswer, MalformedAnswer, StreamTruncated
from ai_client.events import Event, Finish, PartEnd, ResponseStart, Usage
from ai_client.sse import ServerSentEvent
from ai_client.wire.anthropic_messages.carried import Carried, unpack
from ai_client.wire.anthropic_messages.conversation import Block
from ai_client.wire.anthropic_messages.response import error_in, finish_reason, token_usage
from ai_client.wire.anthropic_messages.stream_blocks import Part, index_in, object_in, part_of


@dataclass(frozen=True, slots=True)
class _Held:
    """The end of a part, held back until what follows tells whether it says more of this part."""

    end: PartEnd
    call_id: str | None


class StreamParser:
    """Reads one stream. Made per attempt."""

    last_usage_only = False
    """No event of this dialect holds nothing but usage that a caller has to ask for."""

    def __init__(self) -> None:
        self.finished = False
        self._parts = 0
        self._open: dict[int, Part] = {}
        self._carrying: set[int] = set()
        self._held: _Held | None = None
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
                return self._delta(data)
            case "content_block_start":
                return self._start(data, event)
            case "content_block_stop":
                return self._stop(index_in(data))
            case "message_start":
                message = object_in(data, "message")
                start = ResponseStart(str(message.get("id") or ""), str(message.get("model") or ""))
                return (start, *self._count(message))
            case "message_delta":
                self._stop_reason = object_in(data, "delta").get("stop_reason") or self._stop_reason
                return (*self._release(), *self._count(data))
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
        index = index_in(data)
        block = object_in(data, "content_block")
        if index in self._open or index in self._carrying:
            raise MalformedAnswer(f"Content block {index} of the upstream's stream starts twice.")
        carried = unpack(block.get("data")) if block.get("type") == "redacted_thinking" else None
        if carried is not None and (carried.call is not None or carried.of_previous):
            self._carrying.add(index)
            return self._release(carried)
        if block.get("type") == "tool_use" and block.get("input"):
            # orjson reads integers beyond 64 bits as floats; arguments keep every digit.
            block = json.loads(event.data)["content_block"]
        part = part_of(self._parts, block, carried)
        self._open[index] = part
        self._parts += 1
        return (*self._release(), *part.start())

    def _delta(self, data: Block) -> Sequence[Event]:
        part = self._open.get(index_in(data))
        if part is None:
            raise MalformedAnswer(
                "The upstream's stream continues a content block that is not open."
            )
        return part.delta(object_in(data, "delta"))

    def _stop(self, index: int) -> Sequence[Event]:
        if index in self._carrying:
            self._carrying.remove(index)
            return ()
        part = self._open.pop(index, None)
        if part is None:
            raise MalformedAnswer("The upstream's stream ends a content block that is not open.")
        last, end = part.stop()
        before, self._held = self._release(), _Held(end, part.call_id)
        return (*before, *last)

    def _release(self, carried: Carried | None = None) -> Sequence[Event]:
        """The end of the part before, with what a block of ours carries for it."""
        held, self._held = self._held, None
        if held is None:
            return ()
        if carried is None or (carried.call is not None and carried.call != held.call_id):
            return (held.end,)
        opaque = {**(held.end.opaque or {}), **(carried.opaque or {})} or None
        return (replace(held.end, signature=carried.signature, opaque=opaque),)

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
        events += self._release()
        self.finished = True
        if self._stop_reason is not None:
            events.append(Finish(finish_reason(self._stop_reason), str(self._stop_reason)))
        elif not self._parts:
            raise EmptyAnswer("The upstream's stream holds neither content nor a stop reason.")
        return events


def _decode(event: ServerSentEvent) -> Block:
    try:
        data = orjson.loads(event.data)
    except ValueError as error:
        raise MalformedAnswer("An event of the upstream's stream is not JSON.") from error
    if not isinstance(data, dict):
        raise MalformedAnswer("An event of the upstream's stream is not an object.")
    return data
