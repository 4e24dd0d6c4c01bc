"""Answers of ``generateContent``: https://ai.google.dev/api/generate-content#v1beta.GenerateContentResponse.

A stream is a sequence of the same objects, so one reader makes events of both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

import orjson

from ai_client.errors import (
    BadContent,
    ContentFiltered,
    EmptyAnswer,
    MalformedAnswer,
    StreamTruncated,
)
from ai_client.events import (
    Collector,
    Event,
    Finish,
    PartDelta,
    PartEnd,
    PartKind,
    PartStart,
    ResponseStart,
    Usage,
)
from ai_client.failures import clean_message
from ai_client.google_envelope import error_in, inner_error
from ai_client.messages import (
    File,
    FinishReason,
    GenerativeAiResult,
    JsonObject,
    JsonValue,
    TokenLogprob,
    TokenUsage,
)
from ai_client.wire.google_generate.carrying import Carried, is_ours, parse_signature
from ai_client.wire.google_generate.contents import WIRE
from ai_client.wire.google_generate.sound import Sound, is_samples

_KNOWN_FIELDS: Final = (
    "candidates",
    "promptFeedback",
    "usageMetadata",
    "modelVersion",
    "responseId",
)

_FINISH: Final = {
    "STOP": FinishReason.STOP,
    "MAX_TOKENS": FinishReason.LENGTH,
    "CONTINUATION": FinishReason.LENGTH,
    "SAFETY": FinishReason.CONTENT_FILTER,
    "RECITATION": FinishReason.CONTENT_FILTER,
    "LANGUAGE": FinishReason.CONTENT_FILTER,
    "BLOCKLIST": FinishReason.CONTENT_FILTER,
    "PROHIBITED_CONTENT": FinishReason.CONTENT_FILTER,
    "SPII": FinishReason.CONTENT_FILTER,
    "IMAGE_SAFETY": FinishReason.CONTENT_FILTER,
    "IMAGE_PROHIBITED_CONTENT": FinishReason.CONTENT_FILTER,
    "IMAGE_RECITATION": FinishReason.CONTENT_FILTER,
    "MODEL_ARMOR": FinishReason.CONTENT_FILTER,
    "ESCALATION": FinishReason.CONTENT_FILTER,
    "PUP_LIMITED_DISABLED": FinishReason.CONTENT_FILTER,
}
"""What is not here (OTHER, MALFORMED_FUNCTION_CALL, NO_IMAGE, words to come) is an ERROR."""

_UNSPECIFIED: Final = ("", "FINISH_REASON_UNSPECIFIED", "BLOCK_REASON_UNSPECIFIED")
_NOT_FOR_IDS = re.compile(r"[^A-Za-z0-9_-]")


def parse_response(body: bytes) -> GenerativeAiResult:
    """A complete answer, or the array of chunks that a stream without ``alt=sse`` is.

    Raises the error it holds, ``ContentFiltered`` for a blocked prompt, ``EmptyAnswer``,
    ``MalformedAnswer``, ``StreamTruncated``, and ``BadContent`` for what is no JSON at all.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        if body.lstrip()[:1] in (b"{", b"["):
            raise MalformedAnswer("Google's answer is malformed or cut JSON.") from error
        raise BadContent("Google's answer is not JSON; check the connection's base URL.") from error
    if not isinstance(document, (dict, list)):
        raise BadContent("Google's answer is not a JSON object; check the connection's base URL.")
    chunks = document if isinstance(document, list) else [document]
    reader = AnswerReader()
    collector = Collector()
    for chunk in chunks:
        for event in reader.feed(chunk):
            collector.feed(event)
    if not reader.finished:
        if not reader.has_parts:
            raise EmptyAnswer("Google's answer has neither content nor a finish reason.")
        if isinstance(document, list):
            raise StreamTruncated("Google's answer ends before its finish reason.")
        raise MalformedAnswer("Google's answer has no finish reason.")
    return collector.result()


def unified_reason(raw: str) -> FinishReason:
    """What Google's word for the end of a candidate means."""
    return _FINISH.get(raw, FinishReason.ERROR)


class AnswerReader:
    """Events from the objects of one answer, be it one object or many."""

    def __init__(self) -> None:
        self._id: str | None = None
        self._candidates: dict[int, _CandidateReader] = {}
        self._usage: TokenUsage | None = None

    @property
    def finished(self) -> bool:
        """Whether every candidate seen has its finish reason. Google's streams end with that."""
        return bool(self._candidates) and all(
            number in self._candidates and self._candidates[number].finished
            for number in range(max(self._candidates) + 1)
        )

    @property
    def has_parts(self) -> bool:
        return any(candidate.has_parts for candidate in self._candidates.values())

    def feed(self, chunk: JsonValue) -> list[Event]:
        """The events of one ``GenerateContentResponse``."""
        error = error_in(chunk)
        if error is not None:
            raise inner_error(error)
        if not isinstance(chunk, Mapping) or not any(name in chunk for name in _KNOWN_FIELDS):
            raise _malformed("an object without any field of an answer")
        events: list[Event] = []
        if self._id is None:
            self._id = _string(chunk, "responseId")
            events.append(ResponseStart(self._id, _string(chunk, "modelVersion")))
        feedback = _mapping(chunk, "promptFeedback")
        reason = _string(feedback, "blockReason")
        if reason not in _UNSPECIFIED:
            blocked = ContentFiltered(f"Google blocked the prompt ({clean_message(reason)}).")
            counted = _mapping(chunk, "usageMetadata")
            if counted:
                events.append(Usage(_usage(counted)))
            blocked.events = (*events, Finish(FinishReason.CONTENT_FILTER, reason))
            raise blocked
        for position, candidate in enumerate(_objects(chunk, "candidates")):
            number = candidate.get("index", position)
            if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < 1024:
                raise _malformed("a candidate's index")
            if number not in self._candidates:
                self._candidates[number] = _CandidateReader(number, self._id)
            events += self._candidates[number].feed(candidate)
        metadata = _mapping(chunk, "usageMetadata")
        if metadata:
            usage = _usage(metadata)
            if usage != self._usage:
                self._usage = usage
                events.append(Usage(usage))
        return events


class _CandidateReader:
    """One candidate: joins unsigned text of one kind, numbers the parts, closes them.

    Its sound is one file, and the last part, however many pieces it came in.
    """

    def __init__(self, number: int, response_id: str) -> None:
        self._number = number
        self._response_id = response_id
        self._next = 0
        self._open: PartKind | None = None
        self._called = False
        self._sources: list[JsonValue] = []
        self._grounding: list[JsonValue] = []
        self._logprobs: tuple[TokenLogprob, ...] = ()
        self._sound = Sound()
        self.finished = False

    @property
    def has_parts(self) -> bool:
        return self._next > 0 or bool(self._sound)

    def feed(self, candidate: Mapping[str, JsonValue]) -> Iterator[Event]:
        self._logprobs += _logprobs(_mapping(candidate, "logprobsResult"))
        cited = _mapping(candidate, "citationMetadata")
        for source in (*_objects(cited, "citationSources"), *_objects(cited, "citations")):
            if source not in self._sources:
                self._sources.append(dict(source))
        grounding = _mapping(candidate, "groundingMetadata")
        if grounding:
            self._grounding = _grounding_sources(grounding)
        for part in _objects(_mapping(candidate, "content"), "parts"):
            yield from self._part(part)
        raw = _string(candidate, "finishReason")
        if raw not in _UNSPECIFIED and not self.finished:
            yield from self._finish(raw)

    def _part(self, part: Mapping[str, JsonValue]) -> Iterator[Event]:
        signature = _string(part, "thoughtSignature") or None
        thought = part.get("thought") is True
        others = part.keys() - {"thought", "thoughtSignature", "text"}
        text = _string(part, "text")
        if self.finished and (text or others):
            raise _malformed("content after the finish reason")
        if "functionCall" in part:
            yield from self._call(_mapping(part, "functionCall"), signature)
        elif thought and "inlineData" in part and signature is None:
            # A draft of a picture that follows; megabytes that nobody has asked for.
            return
        elif "inlineData" in part and not thought:
            data = _mapping(part, "inlineData")
            mime_type = _string(data, "mimeType") or "application/octet-stream"
            if is_samples(mime_type):
                self._sound.add(mime_type, _needed(data, "data"))
                return
            yield from self._file(File(mime_type, _needed(data, "data")), signature)
        elif "fileData" in part and not thought:
            data = _mapping(part, "fileData")
            url = _needed(data, "fileUri")
            yield from self._file(File(_string(data, "mimeType"), url=url), signature)
        elif others and "text" not in part:
            # Code that Google ran, calls of its own tools: nothing that another dialect knows, but
            # the next turn has to hold it.
            yield from self._close()
            yield self._start(PartKind.TEXT)
            yield self._end(None, {WIRE: {"part": dict(part)}})
        elif text or signature is not None:
            yield from self._text(PartKind.THOUGHT if thought else PartKind.TEXT, text, signature)

    def _text(self, kind: PartKind, text: str, signature: str | None) -> Iterator[Event]:
        if signature is not None:
            carried = parse_signature(signature) if is_ours(signature) else Carried()
            if not (self._open is kind and not text and carried.joined):
                # https://ai.google.dev/gemini-api/docs/thought-signatures: a part with a signature
                # is never merged with one without.
                yield from self._close()
                yield self._start(PartKind.REFUSAL if carried.refusal else kind)
            if text:
                yield self._delta(text)
            yield self._end(*_signed(signature))
            self._open = None
            return
        if self._open is not kind:
            yield from self._close()
            yield self._start(kind)
            self._open = kind
        yield self._delta(text)

    def _call(self, call: Mapping[str, JsonValue], signature: str | None) -> Iterator[Event]:
        name = _needed(call, "name")
        arguments = _mapping(call, "args")
        own: dict[str, JsonValue] = {}
        call_id = _string(call, "id")
        if not call_id:
            own["generatedId"] = True
            token = _NOT_FOR_IDS.sub("", self._response_id)[:32]
            call_id = "_".join(filter(None, ("call", token, f"{self._number}{self._next:03d}")))
        self._called = True
        yield from self._close()
        yield self._start(PartKind.FUNCTION_CALL, call_id=call_id, name=name)
        yield self._delta(orjson.dumps(arguments).decode())
        yield self._end(*_signed(signature, own))

    def _file(self, file: File, signature: str | None) -> Iterator[Event]:
        yield from self._close()
        yield self._start(PartKind.FILE, file=file)
        yield self._end(*_signed(signature))

    def _finish(self, raw: str) -> Iterator[Event]:
        citations = (*self._sources, *self._grounding)
        if (citations or self._logprobs) and self._open is not PartKind.TEXT:
            yield from self._close()
            yield self._start(PartKind.TEXT)
            self._open = PartKind.TEXT
        if self._logprobs:
            yield self._delta("")
        yield from self._close(citations)
        if self._sound:
            yield from self._file(self._sound.file(), None)
        self.finished = True
        reason = unified_reason(raw)
        if reason is FinishReason.STOP and self._called:
            reason = FinishReason.TOOL_CALLS
        yield Finish(reason, raw, self._number)

    def _start(
        self,
        kind: PartKind,
        *,
        call_id: str | None = None,
        name: str | None = None,
        file: File | None = None,
    ) -> PartStart:
        self._next += 1
        return PartStart(self._next - 1, kind, self._number, call_id, name, file)

    def _delta(self, text: str) -> PartDelta:
        logprobs, self._logprobs = self._logprobs, ()
        return PartDelta(self._next - 1, text, self._number, logprobs)

    def _end(
        self,
        signature: str | None = None,
        opaque: JsonObject | None = None,
        citations: tuple[JsonValue, ...] = (),
    ) -> PartEnd:
        return PartEnd(self._next - 1, self._number, signature, citations, opaque)

    def _close(self, citations: tuple[JsonValue, ...] = ()) -> Iterator[Event]:
        if self._open is not None:
            # Only thoughts that say whose they are are sent back.
            own: JsonObject | None = {WIRE: {}} if self._open is PartKind.THOUGHT else None
            yield self._end(None, own, citations)
            self._open = None


def _signed(
    signature: str | None, own: JsonObject | None = None
) -> tuple[str | None, JsonObject | None]:
    """The signature and the opaque data of a part: Google's, or what another site like this marked.

    ``own`` is what else there is to keep under this dialect's name.
    """
    if signature is not None and is_ours(signature):
        carried = parse_signature(signature)
        return carried.signature, carried.opaque
    kept = dict(own or {})
    if signature is not None:
        kept["thoughtSignature"] = signature
    return signature, {WIRE: kept} if kept else None


def _usage(metadata: Mapping[str, JsonValue]) -> TokenUsage:
    # promptTokenCount includes cached tokens; candidatesTokenCount leaves thoughts out.
    prompt = _count(metadata, "promptTokenCount") or 0
    prompt += _count(metadata, "toolUsePromptTokenCount") or 0
    thoughts = _count(metadata, "thoughtsTokenCount")
    completion = (_count(metadata, "candidatesTokenCount") or 0) + (thoughts or 0)
    return TokenUsage(
        prompt,
        completion,
        _count(metadata, "totalTokenCount") or prompt + completion,
        thoughts,
        _count(metadata, "cachedContentTokenCount"),
    )


def _count(metadata: Mapping[str, JsonValue], name: str) -> int | None:
    value = metadata.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise _malformed(f"usageMetadata.{name}")
    return value


def _logprobs(result: Mapping[str, JsonValue]) -> tuple[TokenLogprob, ...]:
    tops = [_objects(one, "candidates") for one in _objects(result, "topCandidates")]
    return tuple(
        _logprob(chosen, tuple(map(_logprob, tops[step])) if step < len(tops) else ())
        for step, chosen in enumerate(_objects(result, "chosenCandidates"))
    )


def _logprob(
    candidate: Mapping[str, JsonValue], top: tuple[TokenLogprob, ...] = ()
) -> TokenLogprob:
    value = candidate.get("logProbability", 0.0)
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise _malformed("a log probability")
    return TokenLogprob(_string(candidate, "token"), float(value), top)


def _grounding_sources(metadata: Mapping[str, JsonValue]) -> list[JsonValue]:
    """What the answer rests on: each source once per passage, or once where none is named."""
    pages = []
    for chunk in _objects(metadata, "groundingChunks"):
        kind = next((name for name in ("web", "retrievedContext", "maps") if name in chunk), "web")
        page = _mapping(chunk, kind)
        pages.append({"uri": _string(page, "uri"), "title": _string(page, "title")})
    passages: list[JsonValue] = []
    for support in _objects(metadata, "groundingSupports"):
        segment = _mapping(support, "segment")
        numbers = support.get("groundingChunkIndices")
        passages += [
            {**pages[number], **segment}
            for number in (numbers if isinstance(numbers, list) else ())
            if isinstance(number, int) and 0 <= number < len(pages)
        ]
    return passages or [page for page in pages if page["uri"]]


def _mapping(value: Mapping[str, JsonValue], name: str) -> Mapping[str, JsonValue]:
    found = value.get(name)
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise _malformed(name)
    return found


def _objects(value: Mapping[str, JsonValue], name: str) -> list[Mapping[str, JsonValue]]:
    found = value.get(name)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise _malformed(name)
    return found


def _string(value: Mapping[str, JsonValue], name: str) -> str:
    found = value.get(name)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise _malformed(name)
    return found


def _needed(value: Mapping[str, JsonValue], name: str) -> str:
    found = _string(value, name)
    if not found:
        raise _malformed(f"{name} is missing")
    return found


def _malformed(what: str) -> MalformedAnswer:
    return MalformedAnswer(f"Google's answer is malformed: {what}.")
