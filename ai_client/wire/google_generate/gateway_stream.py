"""Streams to callers of this dialect: answers in pieces, as server-sent events or a JSON array.

https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import assert_never

from ai_client.errors import AiClientError, InvalidRequest
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
from ai_client.google_errors import error_object
from ai_client.json_text import dump
from ai_client.messages import FunctionCall, JsonValue, TokenLogprob, TokenUsage
from ai_client.sse import Decoder, encode
from ai_client.wire import Framing, RenderContext
from ai_client.wire.google_generate.carrying import render_signature
from ai_client.wire.google_generate.fields import PARAMS
from ai_client.wire.google_generate.gateway_response import (
    kept_whole,
    render_call,
    render_end,
    render_file,
    render_logprobs,
    render_origin,
    render_text,
    render_usage,
    with_signature,
)
from ai_client.wire.google_generate.gateway_sources import Sources

_BLANK = (b"", b"\r")
_WHOLE = (PartKind.FUNCTION_CALL, PartKind.FILE, PartKind.REFUSAL)


class StreamRenderer:
    """Writes one stream to a caller. Made per answer.

    A call leaves whole, once its arguments are there, and so does a refusal, which only its mark
    tells from other texts. Why the candidates ended stands in the last piece,
    beside the token counts.
    """

    def __init__(self, context: RenderContext) -> None:
        self._context = context
        self._model = ""
        self._usage: TokenUsage | None = None
        self._candidates: dict[int, _Candidate] = {}

    def feed(self, event: Event) -> bytes:
        """The bytes for one event; may be empty."""
        match event:
            case ResponseStart():
                self._model = event.model or self._model
            case Usage():
                self._usage = event.usage
            case PartStart():
                self._candidate(event.candidate).start(event)
            case PartDelta():
                part = self._candidate(event.candidate).delta(event)
                return self._chunk(event.candidate, part, event.logprobs if part else ())
            case PartEnd():
                candidate = self._candidate(event.candidate)
                part = candidate.end(event)
                return self._chunk(event.candidate, part, candidate.take_logprobs() if part else ())
            case Finish():
                self._candidate(event.candidate).finish(event)
            case _:
                assert_never(event)
        return b""

    def finish(self) -> bytes:
        """The last piece: why each candidate ended, and the token counts."""
        last: dict[str, JsonValue] = {}
        if self._candidates:
            # The SDK's chats keep no turn of which a piece has no part.
            last["candidates"] = [
                {**_content({"text": ""}, number), **self._candidates[number].rest()}
                for number in sorted(self._candidates)
            ]
        if self._usage is not None:
            last["usageMetadata"] = render_usage(self._usage)
        return self._encoded(last)

    def error(self, error: AiClientError) -> bytes:
        """An event on which Google's SDKs raise; nothing may follow it."""
        return encode(dump({"error": error_object(error, self._context.request_id, PARAMS)}))

    def _candidate(self, number: int) -> _Candidate:
        candidate = self._candidates.get(number)
        if candidate is None:
            candidate = self._candidates[number] = _Candidate()
        return candidate

    def _chunk(
        self, number: int, part: dict[str, JsonValue] | None, logprobs: Sequence[TokenLogprob]
    ) -> bytes:
        if part is None:
            return b""
        candidate = {**_content(part, number), **render_logprobs(logprobs)}
        return self._encoded({"candidates": [candidate]})

    def _encoded(self, said: dict[str, JsonValue]) -> bytes:
        return encode(dump({**said, **render_origin(self._model, self._context)}))


def _content(part: dict[str, JsonValue], number: int) -> dict[str, JsonValue]:
    return {"content": {"parts": [part], "role": "model"}, "index": number}


class _Part:
    __slots__ = ("size", "start", "text")

    def __init__(self, start: PartStart) -> None:
        self.start = start
        self.text: list[str] = []
        self.size = 0


class _Candidate:
    """One alternative answer on its way out."""

    def __init__(self) -> None:
        self._parts: dict[int, _Part] = {}
        self._broken: list[FunctionCall] = []
        self._sources = Sources()
        self._logprobs: list[TokenLogprob] = []
        self._finish: Finish | None = None

    def start(self, event: PartStart) -> None:
        self._parts[event.index] = _Part(event)

    def delta(self, event: PartDelta) -> dict[str, JsonValue] | None:
        """The piece of a text; what is not sent now is kept for the part's end."""
        part = self._parts[event.index]
        part.text.append(event.text)
        part.size += len(event.text)
        kind = part.start.kind
        if kind in _WHOLE:
            self._logprobs += event.logprobs
            return None
        if not event.text and not event.logprobs:
            return None
        return render_text(event.text, thinks=kind is PartKind.THOUGHT)

    def end(self, event: PartEnd) -> dict[str, JsonValue] | None:
        """A call or a file, whole; of a text only what is known at its end."""
        part = self._parts[event.index]
        whole = kept_whole(event.opaque)
        if whole is not None:
            return whole
        kind = part.start.kind
        thinks = kind is PartKind.THOUGHT
        refuses = kind is PartKind.REFUSAL
        signature = render_signature(
            event.signature,
            event.opaque,
            marked=thinks or kind is PartKind.FUNCTION_CALL,
            joined=0 if kind in _WHOLE else part.size,
            refusal=refuses,
        )
        if kind is PartKind.FUNCTION_CALL:
            call = FunctionCall(part.start.call_id, part.start.name, "".join(part.text))
            rendered = render_call(call)
            if rendered is None:
                self._broken.append(call)
            return None if rendered is None else with_signature(rendered, signature)
        if kind is PartKind.FILE:
            file = part.start.file
            return None if file is None else with_signature(render_file(file), signature)
        text = "".join(part.text)
        part.text.clear()
        if event.citations:
            self._sources.add(event.citations, text, event.index)
        if signature is None:
            return None
        return render_text(text if refuses else "", thinks=thinks, signature=signature)

    def take_logprobs(self) -> list[TokenLogprob]:
        """The log probabilities that wait for a part to be sent with."""
        taken, self._logprobs = self._logprobs, []
        return taken

    def finish(self, event: Finish) -> None:
        self._finish = event

    def rest(self) -> dict[str, JsonValue]:
        """What the last piece says of this candidate."""
        ended = self._finish
        reason, raw = (None, None) if ended is None else (ended.reason, ended.raw)
        return {
            **render_end(reason, raw, self._broken),
            **self._sources.render(),
            **render_logprobs(self.take_logprobs()),
        }


def framing(query: Mapping[str, str]) -> Framing | None:
    """The frame that ``alt`` asks for: a JSON array unless it is ``sse``.

    https://cloud.google.com/apis/docs/system-parameters. ``InvalidRequest`` for another word.
    """
    match query.get("alt", query.get("$alt", "json")):
        case "sse":
            return _Events()
        case "json":
            return _JsonArray()
        case other:
            raise InvalidRequest(f"'alt' must be sse or json, not {other!r}.", param="alt")


class _Events:
    """Server-sent events as they are, of data alone: the SDK takes every other line for a chunk."""

    content_type = "text/event-stream; charset=utf-8"
    keep_alive = b"\n"

    def feed(self, events: bytes) -> bytes:
        if all(line in _BLANK or line.startswith(b"data: ") for line in events.split(b"\n")):
            return events
        return b"".join(encode(event.data.encode()) for event in Decoder().feed(events))

    def finish(self) -> bytes:
        return b""


class _JsonArray:
    """The same objects as elements of one array."""

    content_type = "application/json; charset=UTF-8"
    keep_alive = b"\n"

    def __init__(self) -> None:
        self._events = Decoder()
        self._begun = False

    def feed(self, events: bytes) -> bytes:
        elements = []
        for event in self._events.feed(events):
            elements += [b",\r\n" if self._begun else b"[", event.data.encode()]
            self._begun = True
        return b"".join(elements)

    def finish(self) -> bytes:
        return b"]\n" if self._begun else b"[]\n"
