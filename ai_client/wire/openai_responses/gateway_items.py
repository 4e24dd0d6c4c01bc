"""The kinds of output items: each grows by the events of its parts and tells of it.

https://platform.openai.com/docs/api-reference/responses/object#responses-object-output
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from ai_client.events import PartDelta, PartEnd, PartKind, PartStart
from ai_client.messages import File, JsonObject, JsonValue, TokenLogprob
from ai_client.wire.openai_responses.carried import Carried, pack
from ai_client.wire.openai_responses.vocabulary import (
    COMPLETED,
    CUSTOM_TOOL_CALL,
    FUNCTION_CALL,
    IMAGE_GENERATION_CALL,
    IN_PROGRESS,
    MESSAGE,
    OUTPUT_TEXT,
    REASONING,
    REFUSAL,
    SUMMARY_TEXT,
    WIRE,
    render_logprobs,
)

Told = dict[str, JsonValue]
"""An event without its place in the sequence."""

_IMAGE_FORMATS: Final = ("png", "webp", "jpeg", "gif", "svg")
_OWN_ANNOTATIONS: Final = ("url_citation", "file_citation", "container_file_citation", "file_path")


class Item(ABC):
    """One item. ``place`` is its index in the output; ``is_settled``: its end has been told.

    ``is_own``: it came from an upstream of this dialect, so that what it signed is in it.
    """

    is_own = False

    def __init__(self, item_id: str, place: int) -> None:
        self.id = item_id
        self.place = place
        self.status = IN_PROGRESS
        self.is_settled = False
        self.is_begun = False

    def begin(self) -> Iterator[Told]:
        """That the item is there; told once, at the latest before it is settled."""
        if not self.is_begun:
            self.is_begun = True
            yield {
                "type": "response.output_item.added",
                "output_index": self.place,
                "item": self.body(),
            }

    def start(self, event: PartStart) -> Iterator[Told]:
        """A part of it begins."""
        yield from self.begin()

    def delta(self, event: PartDelta) -> Iterator[Told]:
        """More of its last part."""
        return iter(())

    def end(self, event: PartEnd) -> Iterator[Told]:
        """Its last part is complete."""
        return iter(())

    @abstractmethod
    def body(self) -> Told:
        """The item as it is now."""

    def settle(self, status: str) -> Iterator[Told]:
        """The item is complete, or ends as it is; told once."""
        if self.is_settled:
            return
        yield from self.begin()
        self.is_settled = True
        self.status = status
        yield {
            "type": "response.output_item.done",
            "output_index": self.place,
            "item": self.body(),
        }

    def at(self, kind: str, **more: JsonValue) -> Told:
        """An event of this item."""
        return {"type": f"response.{kind}", "item_id": self.id, "output_index": self.place, **more}


class MessageItem(Item):
    """Texts and refusals."""

    def __init__(self, item_id: str, place: int) -> None:
        super().__init__(item_id, place)
        self._contents: list[_Content] = []
        self._phase: JsonValue = None

    def start(self, event: PartStart) -> Iterator[Told]:
        yield from super().start(event)
        content = _Content(len(self._contents), is_refusal=event.kind is PartKind.REFUSAL)
        self._contents.append(content)
        yield self.at("content_part.added", content_index=content.index, part=content.body())

    def delta(self, event: PartDelta) -> Iterator[Told]:
        content = self._contents[-1]
        content.text.append(event.text)
        index = content.index
        if content.is_refusal:
            yield self.at("refusal.delta", content_index=index, delta=event.text)
            return
        content.logprobs += event.logprobs
        logprobs = render_logprobs(event.logprobs)
        yield self.at("output_text.delta", content_index=index, delta=event.text, logprobs=logprobs)

    def end(self, event: PartEnd) -> Iterator[Told]:
        content = self._contents[-1]
        index, text = content.index, content.whole()
        own = _own(event.opaque)
        self._phase = own.get("phase", self._phase)
        if content.is_refusal:
            yield self.at("refusal.done", content_index=index, refusal=text)
        else:
            content.annotations = render_annotations(event.citations, len(text))
            for number, annotation in enumerate(content.annotations):
                yield self.at(
                    "output_text.annotation.added",
                    content_index=index,
                    annotation_index=number,
                    annotation=annotation,
                )
            logprobs = render_logprobs(content.logprobs)
            yield self.at("output_text.done", content_index=index, text=text, logprobs=logprobs)
        yield self.at("content_part.done", content_index=index, part=content.body())

    def body(self) -> Told:
        phase: Told = {} if self._phase is None else {"phase": self._phase}
        return {
            "id": self.id,
            "type": MESSAGE,
            "status": self.status,
            "role": "assistant",
            "content": [each.body() for each in self._contents],
            **phase,
        }


class _Content:
    """A text or a refusal in a message."""

    def __init__(self, index: int, *, is_refusal: bool) -> None:
        self.index = index
        self.is_refusal = is_refusal
        self.text: list[str] = []
        self.logprobs: tuple[TokenLogprob, ...] = ()
        self.annotations: list[JsonValue] = []

    def whole(self) -> str:
        return "".join(self.text)

    def body(self) -> Told:
        if self.is_refusal:
            return {"type": REFUSAL, "refusal": self.whole()}
        return {
            "type": OUTPUT_TEXT,
            "text": self.whole(),
            "annotations": list(self.annotations),
            "logprobs": render_logprobs(self.logprobs),
        }


class _OwnItem(Item):
    """What may have come as an item of this dialect, and then is that item.

    Whether it has is known at its end, so it is not told of before it says something.
    """

    _came: JsonObject | None = None

    def start(self, event: PartStart) -> Iterator[Told]:
        return iter(())

    def end(self, event: PartEnd) -> Iterator[Told]:
        came = _own(event.opaque).get("item")
        if isinstance(came, dict) and isinstance(came.get("type"), str):
            self._came = came
            self.is_own = True
            if not self.is_begun:
                # Its id is part of what its vendor encrypted.
                known = came.get("id")
                self.id = known if isinstance(known, str) and known else self.id
        yield from self.begin()


class ReasoningItem(_OwnItem):
    """A thought, or what ``encrypted`` carries for the item before it."""

    def __init__(self, item_id: str, place: int, encrypted: str | None = None) -> None:
        super().__init__(item_id, place)
        self._encrypted = encrypted
        self._text: list[str] = []

    def delta(self, event: PartDelta) -> Iterator[Told]:
        if not event.text:
            return
        yield from self.begin()
        if not self._text:
            part = {"type": SUMMARY_TEXT, "text": ""}
            yield self.at("reasoning_summary_part.added", summary_index=0, part=part)
        self._text.append(event.text)
        yield self.at("reasoning_summary_text.delta", summary_index=0, delta=event.text)

    def end(self, event: PartEnd) -> Iterator[Told]:
        text = "".join(self._text)
        if text:
            part = {"type": SUMMARY_TEXT, "text": text}
            yield self.at("reasoning_summary_text.done", summary_index=0, text=text)
            yield self.at("reasoning_summary_part.done", summary_index=0, part=part)
        yield from super().end(event)
        if self._came is None:
            self._encrypted = pack(Carried(event.signature, event.opaque))

    def body(self) -> Told:
        if self._came is not None:
            return {**self._came, "id": self.id}
        text = "".join(self._text)
        item: Told = {
            "id": self.id,
            "type": REASONING,
            "summary": [{"type": SUMMARY_TEXT, "text": text}] if text else [],
        }
        if self._encrypted is not None:
            item["encrypted_content"] = self._encrypted
        return item


class CallItem(Item):
    """A call of a function, or of a custom tool where the upstream's was one."""

    def __init__(self, item_id: str, place: int, call_id: str, name: str) -> None:
        super().__init__(item_id, place)
        self.call_id = call_id
        self._name = name
        self._arguments: list[str] = []
        self._own: JsonObject = {}

    def delta(self, event: PartDelta) -> Iterator[Told]:
        if event.text:
            self._arguments.append(event.text)
            yield self.at("function_call_arguments.delta", delta=event.text)

    def end(self, event: PartEnd) -> Iterator[Told]:
        own = _own(event.opaque)
        self._own = {name: value for name, value in own.items() if name != "id"}
        if not self._arguments:
            yield from self.delta(PartDelta(event.index, "{}"))
        arguments = "".join(self._arguments)
        yield self.at("function_call_arguments.done", arguments=arguments)

    def body(self) -> Told:
        is_custom = self._own.get("type") == CUSTOM_TOOL_CALL
        return {
            "type": FUNCTION_CALL,
            **self._own,
            "id": self.id,
            "status": self.status,
            "call_id": self.call_id,
            "name": self._name,
            "input" if is_custom else "arguments": "".join(self._arguments),
        }


class ImageItem(_OwnItem):
    """The only kind with a file. One by address, which OpenAI's are not, has a field for that."""

    def __init__(self, item_id: str, place: int, file: File | None) -> None:
        super().__init__(item_id, place)
        self._file = file

    def settle(self, status: str) -> Iterator[Told]:
        # A picture is there or not; the word for less than all of an item is none for it.
        return super().settle(COMPLETED)

    def body(self) -> Told:
        body: Told = {"type": IMAGE_GENERATION_CALL, **(self._came or {})}
        body |= {"id": self.id, "status": self.status, "result": None}
        if self._file is not None and self.is_settled:
            kind = self._file.mime_type.partition(";")[0].rpartition("/")[2]
            body["result"] = self._file.base64_data
            if self._file.url is not None:
                body["url"] = self._file.url
            if kind in _IMAGE_FORMATS:
                body["output_format"] = kind
        return body


def render_annotations(citations: Iterable[JsonValue], length: int) -> list[JsonValue]:
    """Citations of web addresses, and this dialect's own; others cannot be said here.

    One that does not tell which text it is for is for all of the part, of ``length`` characters.
    """
    rendered: list[JsonValue] = []
    for citation in citations:
        if not isinstance(citation, dict):
            continue
        if isinstance(citation.get("url_citation"), dict):
            # OpenAI's chat format keeps the same fields one level deeper.
            citation = citation["url_citation"]
        elif citation.get("type") in _OWN_ANNOTATIONS:
            rendered.append(citation)
            continue
        url = citation.get("url") or citation.get("uri")
        if isinstance(url, str):
            title = citation.get("title")
            rendered.append(
                {
                    "type": "url_citation",
                    "url": url,
                    "title": title if isinstance(title, str) else "",
                    "start_index": _index(citation, 0, "start_index", "startIndex"),
                    "end_index": _index(citation, length, "end_index", "endIndex"),
                }
            )
    return rendered


def _index(citation: Mapping[str, JsonValue], otherwise: int, *names: str) -> int:
    found = next((citation[name] for name in names if name in citation), otherwise)
    return found if isinstance(found, int) and not isinstance(found, bool) else otherwise


def _own(opaque: JsonObject | None) -> JsonObject:
    own = (opaque or {}).get(WIRE)
    return own if isinstance(own, dict) else {}
