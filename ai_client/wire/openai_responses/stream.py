"""Streams of upstreams that speak this dialect.

https://platform.openai.com/docs/api-reference/responses-streaming

Each event has a type; ``response.completed``, ``response.incomplete`` or ``response.failed`` is the
last. Text, thoughts and arguments come in deltas; what a done item holds beyond its deltas is added
from there, so that servers which send some things whole are read too. Events of types that are not
known here carry nothing that the done items do not, and are passed over.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

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
from ai_client.messages import File, FunctionCall, JsonObject, JsonValue, MessagePart, TokenLogprob
from ai_client.openai_envelope import error_inside, error_within
from ai_client.sse import ServerSentEvent
from ai_client.wire.openai_responses.carried import Carried
from ai_client.wire.openai_responses.response import (
    BETWEEN,
    additional_of,
    call_opaque,
    citations_of,
    failure_of,
    finish_of,
    merged,
    parse_call,
    parse_content,
    parse_item,
    phase_opaque,
    text_of,
)
from ai_client.wire.openai_responses.vocabulary import (
    CUSTOM_TOOL_CALL,
    FUNCTION_CALL,
    MESSAGE,
    REASONING,
    parse_finish_reason,
    parse_logprobs,
    parse_usage,
)

_DONE: Final = "[DONE]"
_CALLS: Final = (FUNCTION_CALL, CUSTOM_TOOL_CALL)


class _Part:
    """A part that is being streamed: what of it came, and what is known for its end."""

    __slots__ = ("call_id", "citations", "ended", "index", "kind", "logprobs", "pieces", "section")

    def __init__(self, index: int, kind: PartKind, call_id: str | None = None) -> None:
        self.index = index
        self.kind = kind
        self.call_id = call_id
        self.ended = False
        self.pieces: list[str] = []
        self.citations: list[JsonValue] = []
        self.logprobs = False
        self.section: tuple[str, int] | None = None


class _Item:
    """An output item that is being streamed; its parts are numbered by their content index."""

    __slots__ = ("data", "done", "parts", "waiting")

    def __init__(self) -> None:
        self.data: Mapping[str, JsonValue] = {}
        self.done = False
        self.parts: dict[int, _Part] = {}
        self.waiting: list[str] = []
        """Arguments of a call whose name is not known yet."""


class StreamParser:
    """Reads one upstream stream. Made per attempt."""

    def __init__(self) -> None:
        self.finished = False
        self.last_usage_only = False
        self._head: ResponseStart | None = None
        self._items: dict[int, _Item] = {}
        self._next = 0
        self._has_calls = False
        # The ends of a text or of a run of calls, which items after them may still add to.
        self._held: list[tuple[_Part, PartEnd]] = []

    def feed(self, event: ServerSentEvent) -> Sequence[Event]:
        """Events in one server-sent event.

        Raises ``MalformedAnswer`` where the data is not what the dialect prescribes, the class that
        fits an error sent inside the stream, and ``EmptyAnswer`` for an end without an answer.
        """
        if self.finished or event.data.startswith(_DONE):
            # Some servers end with the mark of OpenAI's other streams; it says nothing here.
            return ()
        try:
            data = orjson.loads(event.data)
        except orjson.JSONDecodeError:
            if event.event == "error":
                raise error_inside(event.data) from None
            raise MalformedAnswer("The upstream sent an event that is not JSON.") from None
        if not isinstance(data, dict):
            raise MalformedAnswer("The upstream sent an event that is not a JSON object.")
        kind = data.get("type", event.event)
        if kind == "error" or event.event == "error":
            raise error_inside(error_within(data) or data)
        if not isinstance(kind, str) or kind == "message":
            error = error_within(data)
            if error is not None:
                raise error_inside(error)
            raise MalformedAnswer("The upstream sent an event without a type.")
        return list(self._event(kind, data))

    def close(self) -> Sequence[Event]:
        """What is left at the end of the body; ``StreamTruncated`` if the end was not seen."""
        if not self.finished:
            raise StreamTruncated("The upstream's stream ended before the answer was complete.")
        return ()

    def _event(self, kind: str, data: Mapping[str, JsonValue]) -> Iterator[Event]:
        match kind.removeprefix("response."):
            case "output_text.delta":
                yield from self._text(data, PartKind.TEXT)
            case "refusal.delta":
                yield from self._text(data, PartKind.REFUSAL)
            case "function_call_arguments.delta" | "custom_tool_call_input.delta":
                yield from self._arguments(data)
            case "reasoning_summary_text.delta":
                yield from self._thought(data, "summary_index")
            case "reasoning_text.delta":
                yield from self._thought(data, "content_index")
            case "output_text.annotation.added":
                part = yield from self._part_of(data, PartKind.TEXT)
                part.citations.append(data.get("annotation"))
            case "output_item.added":
                yield from self._added(data)
            case "content_part.done":
                yield from self._content_done(data)
            case "output_item.done":
                yield from self._item_done(_index(data, "output_index"), data.get("item"))
            case "created" | "in_progress" | "queued":
                yield from self._start(_response(data))
            case "completed" | "incomplete" | "cancelled" as status:
                yield from self._end(_response(data), status)
            case "failed":
                raise failure_of(_response(data))
            case _:
                pass

    def _start(self, response: Mapping[str, JsonValue]) -> Iterator[Event]:
        head = ResponseStart(
            text_of(response, "id"), text_of(response, "model"), additional_of(response)
        )
        if self._head is None and (head.id or head.model):
            self._head = head
            yield head

    def _end(self, response: Mapping[str, JsonValue], status: str) -> Iterator[Event]:
        yield from self._start(response)
        additional = additional_of(response)
        if self._head is not None and self._head.additional != additional:
            yield replace(self._head, additional=additional)
        output = response.get("output")
        for index, item in enumerate(output if isinstance(output, list) else ()):
            yield from self._item_done(index, item)
        for open_item in self._items.values():
            for part in open_item.parts.values():
                yield from self._close(part)
        yield from self._flush()
        calls = self._has_calls
        found = finish_of(response, calls=calls)
        if found is None:
            if not self._next:
                raise EmptyAnswer("The upstream's stream has neither content nor an end.")
            found = parse_finish_reason(status, response.get("incomplete_details"), calls=calls)
        if found is not None:
            yield Finish(*found)
        usage = parse_usage(response.get("usage"))
        if usage is not None:
            yield Usage(usage)
        self.finished = True

    def _item(self, index: int) -> _Item:
        item = self._items.get(index)
        if item is None:
            item = self._items[index] = _Item()
        return item

    def _added(self, data: Mapping[str, JsonValue]) -> Iterator[Event]:
        added = data.get("item")
        if not isinstance(added, dict) or not isinstance(added.get("type"), str):
            raise MalformedAnswer("The upstream sent an output item without a type.")
        item = self._item(_index(data, "output_index"))
        item.data = added
        if added["type"] in _CALLS and text_of(added, "name"):
            yield from self._call(item, parse_call(added))

    def _call(self, item: _Item, call: FunctionCall) -> Iterator[Event]:
        if 0 not in item.parts:
            self._has_calls = True
            part = yield from self._open(item, 0, PartKind.FUNCTION_CALL, call)
            if item.waiting:
                yield from self._say(part, "".join(item.waiting))

    def _open(
        self, item: _Item, number: int, kind: PartKind, call: FunctionCall | None = None
    ) -> Generator[Event, None, _Part]:
        """Starts a part."""
        if call is None or any(each.kind is not PartKind.FUNCTION_CALL for each, _ in self._held):
            yield from self._flush()
        part = item.parts[number] = _Part(self._next, kind, call.id if call else None)
        self._next += 1
        yield PartStart(
            part.index,
            kind,
            call_id=call.id if call else None,
            name=call.name if call else None,
        )
        return part

    def _part_of(
        self, data: Mapping[str, JsonValue], kind: PartKind
    ) -> Generator[Event, None, _Part]:
        """The part that a delta of a message belongs to, started where it was not yet."""
        item = self._item(_index(data, "output_index"))
        number = _index(data, "content_index", 0)
        part = item.parts.get(number)
        if part is None and not item.done:
            part = yield from self._open(item, number, kind)
        if part is None or part.ended or part.kind is not kind:
            raise MalformedAnswer("The upstream sent more of a part that had ended.")
        return part

    def _text(self, data: Mapping[str, JsonValue], kind: PartKind) -> Iterator[Event]:
        text = _delta(data)
        logprobs = parse_logprobs(data.get("logprobs"))
        if text or logprobs:
            part = yield from self._part_of(data, kind)
            part.logprobs = part.logprobs or bool(logprobs)
            yield from self._say(part, text, logprobs)

    def _thought(self, data: Mapping[str, JsonValue], field: str) -> Iterator[Event]:
        text = _delta(data)
        item = self._item(_index(data, "output_index"))
        section = (field, _index(data, field, 0))
        if not text:
            return
        part = item.parts.get(0)
        if part is None and not item.done:
            part = yield from self._open(item, 0, PartKind.THOUGHT)
        if part is None or part.ended or part.kind is not PartKind.THOUGHT:
            raise MalformedAnswer("The upstream sent more of a thought that had ended.")
        if part.section not in (None, section):
            text = BETWEEN + text
        part.section = section
        yield from self._say(part, text)

    def _arguments(self, data: Mapping[str, JsonValue]) -> Iterator[Event]:
        text = _delta(data)
        item = self._item(_index(data, "output_index"))
        part = item.parts.get(0)
        if item.done or (part is not None and part.kind is not PartKind.FUNCTION_CALL):
            raise MalformedAnswer("The upstream sent more of a call that had ended.")
        if part is None:
            item.waiting.append(text)
        elif text:
            yield from self._say(part, text)

    def _say(
        self, part: _Part, text: str, logprobs: tuple[TokenLogprob, ...] = ()
    ) -> Iterator[Event]:
        part.pieces.append(text)
        yield PartDelta(part.index, text, logprobs=logprobs)

    def _rest(
        self, part: _Part, whole: str, logprobs: tuple[TokenLogprob, ...] = ()
    ) -> Iterator[Event]:
        """What the complete text holds beyond its deltas."""
        said = "".join(part.pieces)
        missing = whole[len(said) :] if whole.startswith(said) else ""
        unsaid = () if part.logprobs else logprobs
        if missing or unsaid:
            yield from self._say(part, missing, unsaid)

    def _flush(self) -> Iterator[Event]:
        held, self._held = self._held, []
        for _, end in held:
            yield end

    def _amend(self, carried: Carried) -> Iterator[Event]:
        """Adds what was carried for a text or call whose end is still held; else it was empty."""
        if carried.call_id is None and not self._held:
            part = _Part(self._next, PartKind.TEXT)
            self._next += 1
            yield PartStart(part.index, PartKind.TEXT)
            yield from self._close(part, carried.signature, (), carried.opaque)
            return
        for place in reversed(range(len(self._held))):
            part, end = self._held[place]
            if carried.call_id in (None, part.call_id):
                opaque = merged(end.opaque, carried.opaque)
                self._held[place] = part, replace(end, signature=carried.signature, opaque=opaque)
                return

    def _close(
        self,
        part: _Part,
        signature: str | None = None,
        citations: tuple[JsonValue, ...] = (),
        opaque: JsonObject | None = None,
    ) -> Iterator[Event]:
        if part.ended:
            return
        part.ended = True
        end = PartEnd(part.index, 0, signature, citations or tuple(part.citations), opaque)
        if part.kind is PartKind.THOUGHT:
            yield from self._flush()
            yield end
        else:
            self._held.append((part, end))

    def _content_done(self, data: Mapping[str, JsonValue]) -> Iterator[Event]:
        item = self._item(_index(data, "output_index"))
        content = data.get("part")
        number = _index(data, "content_index", 0)
        if number in item.parts and item.data.get("type") == MESSAGE:
            yield from self._content(item, number, content, item.data)

    def _content(
        self, item: _Item, number: int, content: JsonValue, message: Mapping[str, JsonValue]
    ) -> Iterator[Event]:
        """A complete content of a message."""
        whole, logprobs = parse_content(content, message)
        part = item.parts.get(number)
        if part is None and whole is not None:
            kind = PartKind.REFUSAL if whole.refusal else PartKind.TEXT
            part = yield from self._open(item, number, kind)
        if part is None or part.ended:
            return
        if whole is not None and whole.refusal is (part.kind is PartKind.REFUSAL):
            yield from self._rest(part, str(whole.content), logprobs)
        citations = citations_of(content) if isinstance(content, dict) else ()
        is_text = part.kind is PartKind.TEXT
        yield from self._close(part, None, citations, phase_opaque(message) if is_text else None)

    def _item_done(self, index: int, data: JsonValue) -> Iterator[Event]:
        item = self._item(index)
        if item.done:
            return
        read = parse_item(data)
        assert isinstance(data, dict)
        kind = data["type"]
        if kind == MESSAGE:
            for number, content in enumerate(data["content"]):
                yield from self._content(item, number, content, data)
        elif kind in _CALLS:
            call = parse_call(data)
            yield from self._call(item, call)
            said = call.arguments if data.get("arguments", data.get("input")) else ""
            yield from self._rest(item.parts[0], said)
            yield from self._close(item.parts[0], opaque=call_opaque(data))
        elif read.for_previous is not None:
            yield from self._amend(read.for_previous)
        elif kind == REASONING and item.parts:
            thought = item.parts[0]
            for each in read.parts:
                yield from self._rest(thought, str(each.content))
                yield from self._close(thought, each.thought_signature, (), each.opaque)
        else:
            for number, each in enumerate(read.parts):
                yield from self._whole(item, number, each)
        item.done = True
        for part in item.parts.values():
            yield from self._close(part)

    def _whole(self, item: _Item, number: int, read: MessagePart) -> Iterator[Event]:
        """A part that came at once: a thought, a picture, an item that is only kept."""
        yield from self._flush()
        kind = PartKind.FILE if isinstance(read.content, File) else PartKind.THOUGHT
        part = item.parts[number] = _Part(self._next, kind)
        self._next += 1
        file = read.content if isinstance(read.content, File) else None
        yield PartStart(part.index, kind, file=file)
        if isinstance(read.content, str) and read.content:
            yield from self._say(part, read.content)
        yield from self._close(part, read.thought_signature, (), read.opaque)


def _response(data: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
    response = data.get("response")
    if not isinstance(response, dict):
        raise MalformedAnswer("The upstream sent an event of its answer without the answer.")
    return response


def _index(data: Mapping[str, JsonValue], name: str, default: int | None = None) -> int:
    value = data.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool):
        raise MalformedAnswer(f"The upstream sent an event whose {name} is not a number.")
    return value


def _delta(data: Mapping[str, JsonValue]) -> str:
    delta = data.get("delta")
    if not isinstance(delta, str):
        raise MalformedAnswer("The upstream sent a delta that is not a string.")
    return delta
