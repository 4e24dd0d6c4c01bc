"""Streams to callers of this dialect.

https://platform.claude.com/docs/en/build-with-claude/streaming. Content blocks follow each other,
so what comes of one part while another is open waits for the end of that one. ``message_start`` is
sent with the first content, with the token counts that are known by then (else zeros); the counts
of ``message_delta`` are cumulative and final.
"""

from __future__ import annotations

from collections import deque
from typing import assert_never

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
from ai_client.messages import Channel, JsonValue, MessagePart, TokenUsage
from ai_client.sse import encode
from ai_client.wire import RenderContext
from ai_client.wire.anthropic_messages.carried import (
    Carried,
    carrying_block,
    foreign_signature,
)
from ai_client.wire.anthropic_messages.conversation import Block, echo
from ai_client.wire.anthropic_messages.gateway_errors import error_body
from ai_client.wire.anthropic_messages.gateway_response import (
    call_id,
    head,
    render_citations,
    render_file,
    render_stop,
    render_usage,
)

_TEXTS = (PartKind.TEXT, PartKind.REFUSAL)


class StreamRenderer:
    """Writes one stream to a caller. Made per answer."""

    def __init__(self, context: RenderContext) -> None:
        self._context = context
        self._model = ""
        self._usage: TokenUsage | None = None
        self._finish: Finish | None = None
        self._refused = False
        self._begun = False
        self._blocks = 0
        self._parts: dict[int, _Part] = {}
        self._waiting: deque[_Part] = deque()

    def feed(self, event: Event) -> bytes:
        """The bytes for one event; may be empty.

        Only the first candidate is told. A thought's signature, a text's citations and the like
        come at its end.
        """
        match event:
            case ResponseStart():
                self._model = event.model or self._model
                return b""
            case Usage():
                self._usage = event.usage
                return b""
            case PartStart() | PartDelta() | PartEnd() | Finish() if event.candidate:
                return b""
            case PartStart():
                part = self._parts[event.index] = _Part(event, self._context)
                self._refused = self._refused or event.kind is PartKind.REFUSAL
                self._waiting.append(part)
            case PartDelta():
                self._parts[event.index].more(event.text)
            case PartEnd():
                self._parts[event.index].end = event
            case Finish():
                self._finish = event
                return b""
            case _:
                assert_never(event)
        return self._written()

    def finish(self) -> bytes:
        """What was still open, the stop reason with the token counts, and the end."""
        for part in self._waiting:
            part.end = part.end or PartEnd(part.start.index)
        written = self._written() + self._start()
        stop: Block = {"stop_reason": None, "stop_sequence": None}
        if self._finish is not None:
            stop = render_stop(self._finish.reason, self._finish.raw, refused=self._refused)
        usage = render_usage(self._usage)
        return written + _event("message_delta", delta=stop, usage=usage) + _event("message_stop")

    def error(self, error: AiClientError) -> bytes:
        """An event on which Anthropic's SDKs raise ``APIStatusError``; nothing may follow it."""
        return encode(dump(error_body(error, self._context.request_id)), event="error")

    def _start(self) -> bytes:
        if self._begun:
            return b""
        self._begun = True
        usage = render_usage(self._usage)
        return _event("message_start", message={**head(self._context, self._model), "usage": usage})

    def _written(self) -> bytes:
        """All that may leave by now: of the first part that has not ended, and of those before."""
        written = []
        while self._waiting:
            part = self._waiting[0]
            steps = part.steps()
            if steps:
                written.append(self._start())
            for kind, fields in steps:
                written.append(_event(kind, index=self._blocks, **fields))
                self._blocks += kind == "content_block_stop"
            if part.end is None:
                break
            self._waiting.popleft()
        return b"".join(written)


def _event(kind: str, **fields: JsonValue) -> bytes:
    return encode(dump({"type": kind, **fields}), event=kind)


_Step = tuple[str, Block]


class _Part:
    """One part on its way out. What has come and not left yet is ``_fresh``."""

    def __init__(self, start: PartStart, context: RenderContext) -> None:
        self.start = start
        self.end: PartEnd | None = None
        self._call_id = call_id(start.call_id, context, start.index)
        self._fresh = ""
        self._opened = False

    def more(self, text: str) -> None:
        """Take a fragment in."""
        self._fresh += text

    def steps(self) -> list[_Step]:
        """The events that may leave now, in order, each with its fields."""
        steps: list[_Step] = []
        kind = self.start.kind
        if kind is PartKind.FUNCTION_CALL:
            block = {"type": "tool_use", "id": self._call_id, "name": self.start.name or ""}
            steps += self._open({**block, "input": {}})
        elif kind is PartKind.FILE and self.start.file is not None:
            steps += self._open(render_file(self.start.file))
        # Blank text waits for more: Anthropic takes no blank block back.
        if self._fresh and (self._opened or kind not in _TEXTS or self._fresh.strip()):
            steps += self._said()
        if self.end is not None:
            steps += self._ended(self.end)
        return steps

    def _open(self, block: Block) -> list[_Step]:
        if self._opened:
            return []
        self._opened = True
        return [("content_block_start", {"content_block": block})]

    def _said(self) -> list[_Step]:
        text, self._fresh = self._fresh, ""
        match self.start.kind:
            case PartKind.TEXT | PartKind.REFUSAL:
                opened = self._open({"type": "text", "text": ""})
                return [*opened, _delta("text_delta", text=text)]
            case PartKind.THOUGHT:
                return [*self._open_thought(), _delta("thinking_delta", thinking=text)]
            case PartKind.FUNCTION_CALL:
                return [_delta("input_json_delta", partial_json=text)]
            case PartKind.FILE:
                return []
            case _:
                assert_never(self.start.kind)

    def _open_thought(self) -> list[_Step]:
        return self._open({"type": "thinking", "thinking": "", "signature": ""})

    def _ended(self, end: PartEnd) -> list[_Step]:
        if self.start.kind is PartKind.THOUGHT:
            return self._ended_thought(end)
        carried = Carried(end.signature, end.opaque, of_previous=self._opened)
        steps: list[_Step] = []
        if self.start.kind is PartKind.FUNCTION_CALL:
            carried = Carried(end.signature, end.opaque, call=self._call_id)
        elif self._opened:
            steps += [
                _delta("citations_delta", citation=c) for c in render_citations(end.citations)
            ]
        if self._opened:
            steps.append(("content_block_stop", {}))
        return steps + _whole(carrying_block(carried)) if carried.says_anything else steps

    def _ended_thought(self, end: PartEnd) -> list[_Step]:
        part = MessagePart("", Channel.THOUGHT, end.signature, opaque=end.opaque)
        echoed = echo(part)
        if echoed is not None and echoed["type"] != "thinking" and not self._opened:
            return _whole(echoed)
        signature = (
            foreign_signature(end.signature, end.opaque)
            if echoed is None or echoed["type"] != "thinking"
            else echoed.get("signature", "")
        )
        return [
            *self._open_thought(),
            _delta("signature_delta", signature=signature),
            ("content_block_stop", {}),
        ]


def _delta(kind: str, **fields: JsonValue) -> _Step:
    return "content_block_delta", {"delta": {"type": kind, **fields}}


def _whole(block: Block) -> list[_Step]:
    return [("content_block_start", {"content_block": block}), ("content_block_stop", {})]
