"""The content blocks of a streamed answer while they are received, one class for each kind.

Source: https://platform.claude.com/docs/en/build-with-claude/streaming.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Protocol

from ai_client.errors import MalformedAnswer
from ai_client.events import Event, PartDelta, PartEnd, PartKind, PartStart
from ai_client.messages import File
from ai_client.wire.anthropic_messages.carried import Carried
from ai_client.wire.anthropic_messages.conversation import WIRE, Block
from ai_client.wire.anthropic_messages.response import (
    call_arguments,
    call_opaque,
    citations_in,
    file_in,
    text_if_any,
    text_of,
    thought,
)

Ended = tuple[Sequence[PartDelta], PartEnd]


class Part(Protocol):
    """A content block that is being received. ``call_id`` is a call's."""

    @property
    def call_id(self) -> str | None: ...

    def start(self) -> Sequence[Event]:
        """The events of ``content_block_start``."""

    def delta(self, delta: Block) -> Sequence[Event]:
        """The events of one ``content_block_delta``."""

    def stop(self) -> Ended:
        """What is left to say, and the end."""


def part_of(number: int, block: Block, carried: Carried | None) -> Part:
    """The part that begins with this block; ``carried`` is what a block of ours holds."""
    if carried is not None:
        return _Signed(number, carried)
    match block.get("type"):
        case "text":
            return _Text(number, block)
        case "thinking":
            return _Thinking(number, block)
        case "tool_use":
            return _Call(number, block)
        case "image" | "document" if file := file_in(block):
            return _File(number, file)
        case _:
            return _Opaque(number, block)


class _Text:
    __slots__ = ("_citations", "_index", "_text")
    call_id = None

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
                self._citations.append(object_in(delta, "citation"))
        return ()

    def stop(self) -> Ended:
        return (), PartEnd(self._index, citations=tuple(self._citations))


class _Thinking:
    __slots__ = ("_block", "_index")
    call_id = None

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

    def stop(self) -> Ended:
        part = thought("", self._block)
        return (), PartEnd(self._index, signature=part.thought_signature, opaque=part.opaque)


class _Call:
    __slots__ = ("_block", "_index", "_name", "_streamed", "call_id")

    def __init__(self, index: int, block: Block) -> None:
        self._index = index
        self._block = block
        self._name = text_of(block, "name")
        self._streamed = False
        self.call_id: str | None = text_of(block, "id")

    def start(self) -> Sequence[Event]:
        call_id, name = self.call_id, self._name
        return (PartStart(self._index, PartKind.FUNCTION_CALL, call_id=call_id, name=name),)

    def delta(self, delta: Block) -> Sequence[Event]:
        if delta.get("type") != "input_json_delta":
            return ()
        fragment = text_of(delta, "partial_json")
        self._streamed = self._streamed or fragment != ""
        return (PartDelta(self._index, fragment),)

    def stop(self) -> Ended:
        end = PartEnd(self._index, opaque=call_opaque(self._block))
        if self._streamed:
            return (), end
        # A call without arguments streams none; some servers send all of them at the start.
        return (PartDelta(self._index, call_arguments(self._block.get("input") or {})),), end


class _File:
    """A picture, say: in answers of a gateway like this one only."""

    __slots__ = ("_file", "_index")
    call_id = None

    def __init__(self, index: int, file: File) -> None:
        self._index = index
        self._file = file

    def start(self) -> Sequence[Event]:
        return (PartStart(self._index, PartKind.FILE, file=self._file),)

    def delta(self, delta: Block) -> Sequence[Event]:
        return ()

    def stop(self) -> Ended:
        return (), PartEnd(self._index)


class _Signed:
    """An empty text that another dialect signed."""

    __slots__ = ("_carried", "_index")
    call_id = None

    def __init__(self, index: int, carried: Carried) -> None:
        self._index = index
        self._carried = carried

    def start(self) -> Sequence[Event]:
        return (PartStart(self._index, PartKind.TEXT),)

    def delta(self, delta: Block) -> Sequence[Event]:
        return ()

    def stop(self) -> Ended:
        signature, opaque = self._carried.signature, self._carried.opaque
        return (), PartEnd(self._index, signature=signature, opaque=opaque)


class _Opaque:
    """Redacted thinking, the vendor's own tools, and what is yet to come: kept to be echoed."""

    __slots__ = ("_block", "_fragments", "_index", "_understood")
    call_id = None

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

    def stop(self) -> Ended:
        if text := "".join(self._fragments):
            try:
                self._block["input"] = json.loads(text)
            except ValueError:
                self._understood = False
        opaque = {WIRE: self._block} if self._understood else None
        return (), PartEnd(self._index, opaque=opaque)


def object_in(data: Block, name: str) -> Block:
    """The object in the field ``name``; ``MalformedAnswer`` where there is none."""
    value = data.get(name)
    if not isinstance(value, dict):
        raise MalformedAnswer(f"An event of the upstream's stream has no object {name!r}.")
    return value


def index_in(data: Block) -> int:
    """The number of the content block that an event is about."""
    index = data.get("index")
    if not isinstance(index, int):
        raise MalformedAnswer("An event of the upstream's stream has no index.")
    return index
