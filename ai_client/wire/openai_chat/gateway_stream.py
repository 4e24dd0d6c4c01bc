"""Streams to callers of this dialect.

https://platform.openai.com/docs/api-reference/chat-streaming
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

import orjson

from ai_client.errors import AiClientError
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
from ai_client.json_text import dump
from ai_client.messages import JsonValue, TokenLogprob, TokenUsage
from ai_client.openai_errors import error_object
from ai_client.sse import encode
from ai_client.wire import RenderContext
from ai_client.wire.openai_chat.gateway_response import (
    answer_id,
    call_id,
    render_annotations,
    render_image,
)
from ai_client.wire.openai_chat.reasoning import render_carried_thought, render_extra
from ai_client.wire.openai_chat.vocabulary import (
    PARAMS,
    WIRE,
    render_finish_reason,
    render_logprobs,
    render_usage,
)

_FIELDS = {
    PartKind.TEXT: "content",
    PartKind.THOUGHT: "reasoning_content",
    PartKind.REFUSAL: "refusal",
}


class StreamRenderer:
    """Writes one stream to a caller. Made per answer."""

    def __init__(self, context: RenderContext) -> None:
        self._context = context
        self._id = answer_id(context)
        self._model = context.model
        self._usage: TokenUsage | None = None
        self._candidates: dict[int, _Candidate] = {}

    def feed(self, event: Event) -> bytes:
        """The bytes for one event; may be empty.

        A thought's signature, a text's citations and the like come in a chunk at its end.
        """
        match event:
            case ResponseStart():
                self._model = event.model or self._model
                return b""
            case Usage():
                self._usage = event.usage
                return b""
            case PartStart():
                candidate = self._candidate(event.candidate)
                return self._chunk(event.candidate, candidate.start(event, self._context))
            case PartDelta():
                delta = self._candidate(event.candidate).delta(event)
                return self._chunk(event.candidate, delta, event.logprobs)
            case PartEnd():
                return self._chunk(event.candidate, self._candidate(event.candidate).end(event))
            case Finish():
                delta = self._candidate(event.candidate).finish()
                reason = render_finish_reason(event.reason)
                return self._encoded([_choice(event.candidate, delta, (), reason)], usage=None)
            case _:
                assert_never(event)

    def finish(self) -> bytes:
        """The token counts, if the caller asked for them, and ``[DONE]``."""
        done = encode("[DONE]")
        if not self._context.include_usage or self._usage is None:
            return done
        return self._encoded([], usage=render_usage(self._usage)) + done

    def error(self, error: AiClientError) -> bytes:
        """An event on which OpenAI's SDKs raise ``APIError``; nothing may follow it."""
        return encode(orjson.dumps({"error": error_object(error, PARAMS)}))

    def _candidate(self, number: int) -> _Candidate:
        candidate = self._candidates.get(number)
        if candidate is None:
            candidate = self._candidates[number] = _Candidate(number)
        return candidate

    def _chunk(
        self,
        candidate: int,
        delta: dict[str, JsonValue] | None,
        logprobs: Sequence[TokenLogprob] = (),
    ) -> bytes:
        if delta is None:
            return b""
        return self._encoded([_choice(candidate, delta, logprobs, None)], usage=None)

    def _encoded(self, choices: list[JsonValue], usage: JsonValue) -> bytes:
        chunk: dict[str, JsonValue] = {
            "id": self._id,
            "object": "chat.completion.chunk",
            "created": self._context.created,
            "model": self._model,
            "choices": choices,
        }
        if self._context.include_usage:
            chunk["usage"] = usage
        return encode(dump(chunk))


def _choice(
    number: int,
    delta: dict[str, JsonValue],
    logprobs: Sequence[TokenLogprob],
    reason: str | None,
) -> dict[str, JsonValue]:
    return {
        "index": number,
        "delta": delta,
        "logprobs": render_logprobs(logprobs),
        "finish_reason": reason,
    }


class _Part:
    __slots__ = ("call", "kind", "text")

    def __init__(self, kind: PartKind, call: int) -> None:
        self.kind = kind
        self.call = call
        self.text: list[str] = []


class _Candidate:
    """One alternative answer on its way out."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._parts: dict[int, _Part] = {}
        self._calls = 0
        self._carried = 0
        self._opened = False

    def start(self, event: PartStart, context: RenderContext) -> dict[str, JsonValue] | None:
        part = self._parts[event.index] = _Part(event.kind, self._calls)
        if event.kind is PartKind.FUNCTION_CALL:
            self._calls += 1
            call = {
                "index": part.call,
                "id": call_id(event.call_id, context, self._number, event.index),
                "type": "function",
                "function": {"name": event.name or "", "arguments": ""},
            }
            return self._opening({"tool_calls": [call]}, content=None)
        if event.kind is PartKind.FILE and event.file is not None:
            return self._opening({"images": [render_image(event.file)]})
        return None

    def delta(self, event: PartDelta) -> dict[str, JsonValue] | None:
        part = self._parts[event.index]
        if part.kind is PartKind.FUNCTION_CALL:
            if not event.text and not event.logprobs:
                return None
            call = {"index": part.call, "function": {"arguments": event.text}}
            return {"tool_calls": [call]}
        if part.kind is PartKind.THOUGHT:
            part.text.append(event.text)
        return self._opening({_FIELDS[part.kind]: event.text})

    def end(self, event: PartEnd) -> dict[str, JsonValue] | None:
        part = self._parts[event.index]
        own = (event.opaque or {}).get(WIRE)
        if part.kind is PartKind.THOUGHT:
            if isinstance(own, dict):
                details = own.get("details")
                return self._opening({"reasoning_details": details}) if details else None
            detail = render_carried_thought(
                "".join(part.text), event.signature, event.opaque, self._carried
            )
            self._carried += 1
            return self._opening({"reasoning_details": [detail]})
        extra = render_extra(event.signature, event.opaque, carry=True)
        if part.kind is PartKind.FUNCTION_CALL:
            if extra is None:
                return None
            # OpenAI's SDKs stop at a piece of a call that has no ``function``.
            more = {"function": {"arguments": ""}, "extra_content": extra}
            return {"tool_calls": [{"index": part.call, **more}]}
        fields: dict[str, JsonValue] = {}
        annotations = render_annotations(event.citations)
        if annotations:
            fields["annotations"] = annotations
        if extra is not None:
            fields["extra_content"] = extra
        return self._opening({"content": "", **fields}) if fields else None

    def finish(self) -> dict[str, JsonValue]:
        return {} if self._opened else self._opening({})

    def _opening(
        self, delta: dict[str, JsonValue], content: str | None = ""
    ) -> dict[str, JsonValue]:
        """``delta``, with the role where it is the candidate's first one."""
        if self._opened:
            return delta
        self._opened = True
        return {"role": "assistant", "content": content, **delta}
