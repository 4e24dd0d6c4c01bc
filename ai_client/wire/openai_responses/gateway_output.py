"""The output items of an answer as they grow, and the events that tell of it.

https://platform.openai.com/docs/api-reference/responses-streaming

Texts and refusals that follow each other are the content of one message; a thought is a reasoning
item, a call a ``function_call``, a picture an ``image_generation_call``. What other dialects signed
travels as ``carried`` tells. Items come one after the other, as OpenAI's do: a part that begins
before another has ended waits for that. A complete answer is the same items.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias, assert_never

from ai_client.events import PartDelta, PartEnd, PartKind, PartStart
from ai_client.messages import FinishReason, JsonValue
from ai_client.wire.openai_responses.carried import Carried, pack
from ai_client.wire.openai_responses.gateway_items import (
    CallItem,
    ImageItem,
    Item,
    MessageItem,
    ReasoningItem,
    Told,
)
from ai_client.wire.openai_responses.vocabulary import COMPLETED, INCOMPLETE, WIRE

PartEvent: TypeAlias = PartStart | PartDelta | PartEnd

_UNFINISHED: Final = (FinishReason.LENGTH, FinishReason.CONTENT_FILTER, FinishReason.ERROR)


class Output:
    """The items of one answer. ``key`` makes the ids of its items its own."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._items: list[Item] = []
        self._part: int | None = None
        self._is_unsaid = False
        self._behind: dict[int, list[PartEvent]] = {}
        self._carried: Carried | None = None

    def feed(self, event: PartEvent) -> Iterator[Told]:
        """The events that tell of more of a part; none while another part is open."""
        if self._part is not None and event.index != self._part:
            self._behind.setdefault(event.index, []).append(event)
            return
        yield from self._tell(event)
        while self._part is None and self._behind:
            # The order in which they began.
            waiting = self._behind.pop(next(iter(self._behind)))
            for each in waiting:
                yield from self._tell(each)

    def finish(self, reason: FinishReason | None) -> Iterator[Told]:
        """All parts are there; the last item is as unfinished as the answer itself."""
        yield from self._settle(INCOMPLETE if reason in _UNFINISHED else COMPLETED)

    def items(self) -> list[JsonValue]:
        """All items as they are now."""
        return [item.body() for item in self._items]

    def _tell(self, event: PartEvent) -> Iterator[Told]:
        match event:
            case PartStart():
                self._part = event.index
                # Only pictures have an item, and nothing else could be asked for.
                self._is_unsaid = event.file is not None and not event.file.is_image
                if not self._is_unsaid:
                    yield from self._start(event)
            case PartDelta():
                yield from self._items[-1].delta(event)
            case PartEnd():
                self._part = None
                if self._is_unsaid:
                    return
                item = self._items[-1]
                yield from item.end(event)
                signed = event.signature is not None or any(
                    name != WIRE for name in event.opaque or ()
                )
                if signed and not isinstance(item, ReasoningItem) and not item.is_own:
                    call_id = item.call_id if isinstance(item, CallItem) else None
                    self._carried = Carried(event.signature, event.opaque, True, call_id)
            case _:
                assert_never(event)

    def _start(self, event: PartStart) -> Iterator[Told]:
        said = event.kind in (PartKind.TEXT, PartKind.REFUSAL)
        last = self._items[-1] if self._items else None
        if said and self._carried is None and isinstance(last, MessageItem) and not last.is_settled:
            yield from last.start(event)
            return
        yield from self._settle(COMPLETED)
        item = self._made(event)
        self._items.append(item)
        yield from item.start(event)

    def _settle(self, status: str) -> Iterator[Told]:
        """The last item is complete; what belongs to it follows."""
        if self._items:
            yield from self._items[-1].settle(status)
        carried, self._carried = self._carried, None
        if carried is not None:
            item = ReasoningItem(self._id("rs"), len(self._items), pack(carried))
            self._items.append(item)
            yield from item.settle(COMPLETED)

    def _made(self, event: PartStart) -> Item:
        place = len(self._items)
        match event.kind:
            case PartKind.TEXT | PartKind.REFUSAL:
                return MessageItem(self._id("msg"), place)
            case PartKind.THOUGHT:
                return ReasoningItem(self._id("rs"), place)
            case PartKind.FUNCTION_CALL:
                call_id = event.call_id or f"call_{self._key}_{event.index}"
                return CallItem(self._id("fc"), place, call_id, event.name or "")
            case PartKind.FILE:
                return ImageItem(self._id("ig"), place, event.file)
            case _:
                assert_never(event.kind)

    def _id(self, prefix: str) -> str:
        return f"{prefix}_{self._key}_{len(self._items)}"
