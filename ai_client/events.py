"""The closed vocabulary of what an answer is made of, in the order it arrives.

Every stream parser emits these and every stream renderer consumes them. Per candidate, parts are
numbered from 0 in order of first appearance; each part is ``PartStart``, any number of
``PartDelta``, ``PartEnd``. ``collect`` makes an answer of events and ``replay`` events of an
answer: a complete answer is a collected stream.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import field
from enum import Enum
from typing import TypeAlias, assert_never

from ai_client.messages import (
    Candidate,
    Channel,
    File,
    FinishReason,
    FunctionCall,
    FunctionResponse,
    GenerativeAiResult,
    JsonObject,
    JsonValue,
    Message,
    MessagePart,
    Role,
    TokenLogprob,
    TokenUsage,
)
from ai_client.values import guarded


class PartKind(Enum):
    """What a part is; deltas of a FUNCTION_CALL are fragments of its JSON arguments."""

    TEXT = "text"
    THOUGHT = "thought"
    REFUSAL = "refusal"
    FUNCTION_CALL = "function_call"
    FILE = "file"


@guarded(frozen=True, slots=True)
class ResponseStart:
    """The answer has begun. Lifecycle, not content: it does not commit the response.

    ``additional`` is what the vendor said beyond the rest. Where more of it becomes known later,
    the event comes once more before the answer ends, with all of it.
    """

    id: str = ""
    model: str = ""
    additional: JsonObject = field(default_factory=dict)


@guarded(frozen=True, slots=True)
class PartStart:
    """A part begins. ``call_id`` and ``name`` belong to function calls, ``file`` to files."""

    index: int
    kind: PartKind
    candidate: int = 0
    call_id: str | None = None
    name: str | None = None
    file: File | None = None


@guarded(frozen=True, slots=True)
class PartDelta:
    """More text (or argument JSON) of a part that has started."""

    index: int
    text: str
    candidate: int = 0
    logprobs: tuple[TokenLogprob, ...] = ()


@guarded(frozen=True, slots=True)
class PartEnd:
    """A part is complete; what is only known at its end comes with it."""

    index: int
    candidate: int = 0
    signature: str | None = None
    citations: tuple[JsonValue, ...] = ()
    opaque: JsonObject | None = None


@guarded(frozen=True, slots=True)
class Usage:
    """Token counts so far; a later one replaces an earlier one."""

    usage: TokenUsage


@guarded(frozen=True, slots=True)
class Finish:
    """A candidate is complete. ``raw`` is the vendor's own word for ``reason``."""

    reason: FinishReason
    raw: str | None = None
    candidate: int = 0


Event: TypeAlias = ResponseStart | PartStart | PartDelta | PartEnd | Usage | Finish


def bears_content(event: Event) -> bool:
    """Whether sending this event commits the response, so that no other connection may answer.

    Lifecycle, usage and the empty opening of a text part do not; a call's name, a file, text do.
    A bare finish does: it is an answer, if an empty one.
    """
    match event:
        case PartStart():
            return event.kind in (PartKind.FUNCTION_CALL, PartKind.FILE)
        case PartDelta():
            return event.text != ""
        case Finish():
            return True
        case PartEnd():
            return event.signature is not None or event.opaque is not None
        case ResponseStart() | Usage():
            return False
        case _:
            assert_never(event)


class _OpenPart:
    __slots__ = ("end", "start", "text")

    def __init__(self, start: PartStart) -> None:
        self.start = start
        self.text: list[str] = []
        self.end: PartEnd | None = None

    def close(self) -> MessagePart:
        text = "".join(self.text)
        content: str | File | FunctionCall
        match self.start.kind:
            case PartKind.FUNCTION_CALL:
                content = FunctionCall(self.start.call_id, self.start.name, text or "{}")
            case PartKind.FILE:
                if self.start.file is None:
                    raise ValueError("A file part started without its file.")
                content = self.start.file
            case PartKind.TEXT | PartKind.THOUGHT | PartKind.REFUSAL:
                content = text
            case _:
                assert_never(self.start.kind)
        thought = self.start.kind is PartKind.THOUGHT
        end = self.end
        return MessagePart(
            content,
            Channel.THOUGHT if thought else Channel.CONTENT,
            thought_signature=end.signature if end else None,
            refusal=self.start.kind is PartKind.REFUSAL,
            citations=end.citations if end else (),
            opaque=end.opaque if end else None,
        )


class Collector:
    """Builds an answer from events as they come; ``result`` may be asked at any time."""

    def __init__(self) -> None:
        self._id = ""
        self._model = ""
        self._additional: JsonObject = {}
        self._parts: dict[int, dict[int, _OpenPart]] = {}
        self._logprobs: dict[int, list[TokenLogprob]] = {}
        self._finish: dict[int, Finish] = {}
        self.usage: TokenUsage | None = None

    def feed(self, event: Event) -> None:
        match event:
            case ResponseStart():
                self._id = event.id or self._id
                self._model = event.model or self._model
                self._additional = event.additional or self._additional
            case PartStart():
                self._parts.setdefault(event.candidate, {})[event.index] = _OpenPart(event)
            case PartDelta():
                self._parts[event.candidate][event.index].text.append(event.text)
                if event.logprobs:
                    self._logprobs.setdefault(event.candidate, []).extend(event.logprobs)
            case PartEnd():
                self._parts[event.candidate][event.index].end = event
            case Usage():
                self.usage = event.usage
            case Finish():
                self._finish[event.candidate] = event
            case _:
                assert_never(event)

    def result(self) -> GenerativeAiResult:
        """The answer so far; a candidate that has not finished has no finish reason."""
        candidates = []
        for number in sorted({*self._parts, *self._finish}):
            parts = self._parts.get(number, {})
            finish = self._finish.get(number)
            candidates.append(
                Candidate(
                    Message(Role.MODEL, tuple(parts[index].close() for index in sorted(parts))),
                    finish.reason if finish else None,
                    finish.raw if finish else None,
                    tuple(self._logprobs.get(number, ())),
                )
            )
        return GenerativeAiResult(
            self._id,
            self._model,
            tuple(candidates),
            self.usage,
            additional_data=self._additional,
        )


def collect(events: Iterable[Event]) -> GenerativeAiResult:
    """The complete answer that ``events`` describe."""
    collector = Collector()
    for event in events:
        collector.feed(event)
    return collector.result()


def _bearer(candidate: Candidate) -> int | None:
    """The part whose delta carries a candidate's log probabilities: text if there is any."""
    bearers = [
        (not isinstance(part.content, str) or part.is_thought or part.refusal, index)
        for index, part in enumerate(candidate.message.parts)
        if isinstance(part.content, str | FunctionCall)
    ]
    return min(bearers)[1] if bearers else None


def replay(result: GenerativeAiResult) -> Iterator[Event]:
    """The events of a complete answer; ``collect(replay(r)) == r`` for every answer r."""
    yield ResponseStart(result.id, result.model, result.additional_data)
    for number, candidate in enumerate(result.candidates):
        bearer = _bearer(candidate) if candidate.logprobs else None
        for index, part in enumerate(candidate.message.parts):
            match part.content:
                case str() as text:
                    kind = (
                        PartKind.REFUSAL
                        if part.refusal
                        else PartKind.THOUGHT
                        if part.is_thought
                        else PartKind.TEXT
                    )
                    yield PartStart(index, kind, number)
                    if text or index == bearer:
                        logprobs = candidate.logprobs if index == bearer else ()
                        yield PartDelta(index, text, number, logprobs)
                case FunctionCall() as call:
                    yield PartStart(index, PartKind.FUNCTION_CALL, number, call.id, call.name)
                    logprobs = candidate.logprobs if index == bearer else ()
                    yield PartDelta(index, call.arguments, number, logprobs)
                case File() as file:
                    yield PartStart(index, PartKind.FILE, number, file=file)
                case FunctionResponse():
                    raise ValueError("An answer cannot contain a function response.")
                case _:
                    assert_never(part.content)
            yield PartEnd(index, number, part.thought_signature, part.citations, part.opaque)
        if candidate.finish_reason is not None:
            yield Finish(candidate.finish_reason, candidate.raw_finish_reason, number)
    if result.usage is not None:
        yield Usage(result.usage)
