"""Streams of upstreams that speak this dialect.

https://platform.openai.com/docs/api-reference/chat-streaming

Servers differ: ids of tool calls come once or in each delta, indexes are missing or always 0,
whole calls come at once, counts come in a chunk of their own or with the last one, Azure's first
chunk has no choices, and some end after the finish reason without ``[DONE]``. All of that is
read; what is none of it is ``MalformedAnswer``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
from ai_client.messages import FinishReason, JsonObject, JsonValue, TokenLogprob
from ai_client.openai_envelope import error_inside, error_within
from ai_client.sse import ServerSentEvent
from ai_client.wire.openai_chat.audio import Sound
from ai_client.wire.openai_chat.reasoning import (
    details_of,
    is_ours,
    merge_detail,
    own_thought,
    parse_carried_thought,
    parse_extra,
    thought_text,
)
from ai_client.wire.openai_chat.response import arguments_of, call_opaque, parse_image, text_of
from ai_client.wire.openai_chat.vocabulary import (
    parse_finish_reason,
    parse_logprobs,
    parse_usage,
)

_DONE: Final = "[DONE]"
_LEGACY: Final = "function_call"
# Random padding is no part of an answer, and a chunk's ``object`` not what a whole answer is.
_NOT_ADDITIONAL: Final = frozenset(("id", "choices", "usage", "object", "obfuscation"))
_CHUNK_FIELDS: Final = ("choices", "usage", "prompt_filter_results")


class StreamParser:
    """Reads one upstream stream. Made per attempt."""

    def __init__(self) -> None:
        self.finished = False
        self.last_usage_only = False
        self._started = False
        self._head = ResponseStart()
        self._additional: dict[str, JsonValue] = {}
        self._candidates: dict[int, _Candidate] = {}

    def feed(self, event: ServerSentEvent) -> Sequence[Event]:
        """Events in one server-sent event.

        Raises ``MalformedAnswer`` where the data is not what the dialect prescribes, the class that
        fits an error sent inside the stream, and ``EmptyAnswer`` for an end without an answer.
        """
        self.last_usage_only = False
        if self.finished:
            return ()
        if event.data.startswith(_DONE):
            return self._done()
        try:
            data = orjson.loads(event.data)
        except orjson.JSONDecodeError:
            if event.event == "error":
                raise error_inside(event.data) from None
            raise MalformedAnswer("The upstream sent an event that is not JSON.") from None
        if not isinstance(data, dict):
            raise MalformedAnswer("The upstream sent an event that is not a JSON object.")
        error = error_within(data)
        if error is not None or event.event == "error":
            raise error_inside(data if error is None else error)
        return list(self._chunk(data))

    def close(self) -> Sequence[Event]:
        """What is left at the end of the body; ``StreamTruncated`` if the end was not seen.

        A body that ends without ``[DONE]`` is complete where each candidate has finished.
        """
        if self.finished:
            return ()
        candidates = self._candidates.values()
        if not candidates or not all(each.finished for each in candidates):
            raise StreamTruncated("The upstream's stream ended before the answer was complete.")
        return self._done()

    def _done(self) -> Sequence[Event]:
        if not any(each.said_anything for each in self._candidates.values()):
            raise EmptyAnswer("The upstream's stream has neither content nor a finish reason.")
        self.finished = True
        events = [event for each in self._candidates.values() for event in each.end()]
        return [*self._rest(), *events]

    def _chunk(self, data: Mapping[str, JsonValue]) -> Iterator[Event]:
        choices = data.get("choices")
        if choices is None and any(name in data for name in _CHUNK_FIELDS):
            choices = []
        if not isinstance(choices, list):
            raise MalformedAnswer("The upstream sent a chunk without a list of choices.")
        for name, value in data.items():
            if name not in _NOT_ADDITIONAL and (value is not None or name not in self._additional):
                self._additional[name] = value
        if not self._started:
            answer, model = text_of(data, "id"), text_of(data, "model")
            if answer or model:
                self._started = True
                self._head = ResponseStart(answer, model, dict(self._additional))
                yield self._head
        for choice in choices:
            yield from self._choice(choice)
        usage = parse_usage(data.get("usage"))
        if usage is not None:
            self.last_usage_only = not choices
            yield Usage(usage)

    def _rest(self) -> Iterator[Event]:
        """What the chunks after the first said of the answer."""
        if self._additional != self._head.additional:
            yield replace(self._head, additional=self._additional)

    def _choice(self, choice: JsonValue) -> Iterator[Event]:
        if not isinstance(choice, dict):
            raise MalformedAnswer("The upstream sent a choice that is not an object.")
        if choice.get("error"):
            raise error_inside(choice["error"])
        index = choice.get("index", 0)
        if not isinstance(index, int):
            raise MalformedAnswer("The upstream sent a choice whose index is not a number.")
        # A server that ignores ``stream`` inside its chunks sends ``message`` whole.
        delta = choice.get("delta", choice.get("message"))
        if delta is not None and not isinstance(delta, dict):
            raise MalformedAnswer("The upstream sent a choice whose delta is not an object.")
        candidate = self._candidates.get(index)
        if candidate is None:
            candidate = self._candidates[index] = _Candidate(index)
        logprobs = choice.get("logprobs")
        if logprobs is not None:
            candidate.logprobs += parse_logprobs(logprobs)
        if delta:
            yield from candidate.delta(delta)
        word = choice.get("finish_reason")
        if word is not None:
            yield from candidate.finish(word)


class _Call:
    """A tool call that is being streamed. It starts when its name is known."""

    __slots__ = ("arguments", "custom", "ended", "extra", "id", "name", "part")

    def __init__(self) -> None:
        self.part: int | None = None
        self.ended = False
        self.custom = False
        self.id: str | None = None
        self.name: str | None = None
        self.arguments: list[str] = []
        self.extra: dict[str, JsonValue] = {}

    def opaque(self) -> tuple[str | None, JsonObject | None]:
        signature, opaque = parse_extra(self.extra or None)
        return signature, call_opaque(opaque, custom=self.custom)


class _Candidate:
    """One alternative answer as it grows: which part is open, which calls there are."""

    def __init__(self, number: int) -> None:
        self.finished = False
        self.said_anything = False
        self.logprobs: tuple[TokenLogprob, ...] = ()
        self._number = number
        self._next = 0
        self._kind: PartKind | None = None
        self._part = 0
        self._thought_field: str | None = None
        self._details: list[dict[str, JsonValue]] = []
        self._extra: dict[str, JsonValue] = {}
        self._annotations: list[JsonValue] = []
        self._calls: list[_Call] = []
        self._by_index: dict[int | str, _Call] = {}
        self._last_call: _Call | None = None
        self._sound = Sound()

    def delta(self, delta: Mapping[str, JsonValue]) -> Iterator[Event]:
        """The events of one delta."""
        content = delta.get("content")
        if content and len(delta) == 1 and self._kind is PartKind.TEXT and isinstance(content, str):
            # What nearly all deltas are.
            yield PartDelta(self._part, content, self._number, self._take_logprobs())
            return
        yield from self._thought(delta)
        if content:
            if not isinstance(content, str):
                raise MalformedAnswer("The upstream sent content that is not a string.")
            yield from self._text(PartKind.TEXT, content)
        extra = delta.get("extra_content")
        if isinstance(extra, dict):
            self._extra.update(extra)
        annotations = delta.get("annotations")
        if isinstance(annotations, list):
            self._annotations += annotations
        if content == "" and (extra or annotations):
            yield from self._open(PartKind.TEXT)
        refusal = delta.get("refusal")
        if refusal and isinstance(refusal, str):
            yield from self._text(PartKind.REFUSAL, refusal)
        audio = delta.get("audio")
        if isinstance(audio, dict):
            yield from self._spoken(audio)
        images = delta.get("images")
        for image in images if isinstance(images, list) else ():
            file = parse_image(image)
            if file is not None:
                yield from self._close()
                yield PartStart(self._new(), PartKind.FILE, self._number, file=file)
                yield PartEnd(self._part, self._number)
                self.said_anything = True
        calls = delta.get("tool_calls")
        for entry in calls if isinstance(calls, list) else ():
            if not isinstance(entry, dict):
                raise MalformedAnswer("The upstream sent a tool call that is not an object.")
            yield from self._call(entry)
        legacy = delta.get("function_call")
        if isinstance(legacy, dict):
            yield from self._call({"index": _LEGACY, "function": legacy})

    def finish(self, word: JsonValue) -> Iterator[Event]:
        """The candidate's finish, with what was still open."""
        found = parse_finish_reason(word, calls=bool(self._calls))
        if found is None or self.finished:
            return
        yield from self._close()
        yield from self._leftovers()
        self.finished = self.said_anything = True
        yield Finish(*found, self._number)

    def end(self) -> Iterator[Event]:
        """The stream is over; a candidate that was never finished has come to its stop."""
        yield from self._close()
        if not self.finished:
            yield from self._leftovers()
            self.finished = True
            calls = bool(self._calls)
            yield Finish(
                FinishReason.TOOL_CALLS if calls else FinishReason.STOP, None, self._number
            )

    def _thought(self, delta: Mapping[str, JsonValue]) -> Iterator[Event]:
        named = thought_text(delta)
        if named is not None:
            self._thought_field, text = named
            yield from self._text(PartKind.THOUGHT, text)
        for detail in details_of(delta):
            if not is_ours(detail):
                merge_detail(self._details, detail)
                if not self._next:
                    yield from self._open(PartKind.THOUGHT)
                continue
            carried = parse_carried_thought(detail)
            text = str(carried.content)
            if not (text and self._kind is PartKind.THOUGHT):
                yield from self._close()
                yield from self._open(PartKind.THOUGHT)
                if text:
                    yield PartDelta(self._part, text, self._number)
            self._kind = self._thought_field = None
            self.said_anything = True
            yield PartEnd(
                self._part, self._number, carried.thought_signature, opaque=carried.opaque
            )

    def _spoken(self, audio: Mapping[str, JsonValue]) -> Iterator[Event]:
        """The words as they come; the sound is a part once it is complete."""
        transcript = audio.get("transcript")
        if transcript and isinstance(transcript, str):
            yield from self._text(PartKind.TEXT, transcript)
        self._sound.add(audio)

    def _text(self, kind: PartKind, text: str) -> Iterator[Event]:
        yield from self._open(kind)
        self.said_anything = True
        logprobs = () if kind is PartKind.THOUGHT else self._take_logprobs()
        yield PartDelta(self._part, text, self._number, logprobs)

    def _take_logprobs(self) -> tuple[TokenLogprob, ...]:
        taken, self.logprobs = self.logprobs, ()
        return taken

    def _open(self, kind: PartKind) -> Iterator[Event]:
        if self._kind is kind:
            return
        yield from self._close()
        self._kind = kind
        yield PartStart(self._new(), kind, self._number)

    def _new(self) -> int:
        self._part = self._next
        self._next += 1
        return self._part

    def _close(self) -> Iterator[Event]:
        kind, self._kind = self._kind, None
        if kind is PartKind.FUNCTION_CALL:
            yield from self._end_calls()
            return
        if kind is not None and self.logprobs:
            yield PartDelta(self._part, "", self._number, self._take_logprobs())
        if kind is PartKind.THOUGHT:
            yield PartEnd(self._part, self._number, opaque=self._take_thought())
        elif kind is PartKind.TEXT:
            yield self._end_of_text()
        elif kind is not None:
            yield PartEnd(self._part, self._number)

    def _take_thought(self) -> JsonObject:
        details, self._details = self._details, []
        self.said_anything = self.said_anything or bool(details)
        field, self._thought_field = self._thought_field, None
        return own_thought(field, details)

    def _end_of_text(self) -> PartEnd:
        extra, self._extra = self._extra, {}
        annotations, self._annotations = self._annotations, []
        signature, opaque = parse_extra(extra or None)
        return PartEnd(self._part, self._number, signature, tuple(annotations), opaque)

    def _leftovers(self) -> Iterator[Event]:
        """What has no part yet: sound, and what belongs to a thought or text that is not there."""
        if self._sound:
            yield from self._close()
            yield PartStart(self._new(), PartKind.FILE, self._number, file=self._sound.file())
            yield PartEnd(self._part, self._number, opaque=self._sound.opaque())
            self._sound = Sound()
            self.said_anything = True
        if self._details:
            yield from self._open(PartKind.THOUGHT)
            yield from self._close()
            self.said_anything = True
        if self._extra or self._annotations:
            yield from self._open(PartKind.TEXT)
            yield from self._close()
            self.said_anything = True

    def _call(self, entry: Mapping[str, JsonValue]) -> Iterator[Event]:
        function = entry.get("function") or entry.get("custom") or {}
        if not isinstance(function, dict):
            raise MalformedAnswer("The upstream sent a tool call whose function is not an object.")
        if self._kind is not PartKind.FUNCTION_CALL:
            yield from self._close()
            self._kind = PartKind.FUNCTION_CALL
        name = text_of(function, "name") or None
        arguments = function.get("input", function.get("arguments"))
        if arguments is not None and not isinstance(arguments, str):
            arguments = arguments_of(function)
        call = self._call_of(entry, name)
        if call.ended:
            if arguments:
                raise MalformedAnswer("The upstream sent more of a tool call that had ended.")
            return
        call.id = call.id or text_of(entry, "id") or None
        call.name = call.name or name
        call.custom = call.custom or entry.get("type") == "custom"
        extra = entry.get("extra_content")
        if isinstance(extra, dict):
            call.extra.update(extra)
        if arguments:
            call.arguments.append(arguments)
        if call.name is not None:
            yield from self._say(call)

    def _say(self, call: _Call) -> Iterator[Event]:
        if call.part is None:
            call.part = self._new()
            self.said_anything = True
            yield PartStart(
                call.part, PartKind.FUNCTION_CALL, self._number, call_id=call.id, name=call.name
            )
        if call.arguments:
            yield PartDelta(call.part, "".join(call.arguments), self._number)
            call.arguments.clear()

    def _call_of(self, entry: Mapping[str, JsonValue], name: str | None) -> _Call:
        """The call that a delta belongs to: by index, unless another id says it is a new one."""
        call_id = text_of(entry, "id") or None
        index = entry.get("index")
        by_id = next((each for each in self._calls if call_id and each.id == call_id), None)
        known: _Call | None
        if isinstance(index, int | str):
            known = self._by_index.get(index)
            if known is not None and call_id and known.id and known.id != call_id:
                known = by_id
        else:
            known = by_id or (None if call_id or name else self._last_call)
        if known is None:
            known = _Call()
            self._calls.append(known)
        if isinstance(index, int | str):
            self._by_index[index] = known
        self._last_call = known
        return known

    def _end_calls(self) -> Iterator[Event]:
        """Calls end together: fragments of parallel calls may come in turns."""
        for call in self._calls:
            if call.ended:
                continue
            yield from self._say(call)
            call.ended = True
            if call.part is not None:
                if self.logprobs:
                    yield PartDelta(call.part, "", self._number, self._take_logprobs())
                signature, opaque = call.opaque()
                yield PartEnd(call.part, self._number, signature, opaque=opaque)
