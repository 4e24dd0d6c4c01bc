"""Streams to callers of this dialect.

https://platform.openai.com/docs/api-reference/responses-streaming
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from ai_client.errors import AiClientError
from ai_client.events import (
    Event,
    Finish,
    PartDelta,
    PartEnd,
    PartStart,
    ResponseStart,
    Usage,
)
from ai_client.json_text import dump
from ai_client.openai_errors import error_object
from ai_client.sse import encode
from ai_client.wire import RenderContext
from ai_client.wire.openai_responses.gateway_items import Told
from ai_client.wire.openai_responses.gateway_response import Answer
from ai_client.wire.openai_responses.vocabulary import PARAMS


class StreamRenderer:
    """Writes one stream to a caller. Made per answer."""

    def __init__(self, context: RenderContext) -> None:
        self._answer = Answer(context)
        self._sequence = 0
        self._begun = False

    def feed(self, event: Event) -> bytes:
        """The bytes for one event; may be empty. Answers beside the first are not told."""
        match event:
            case ResponseStart():
                self._answer.begin(event.id, event.model, event.additional)
                return self._begin()
            case Usage():
                self._answer.usage = event.usage
                return b""
            case PartStart() | PartDelta() | PartEnd():
                if event.candidate:
                    return b""
                return self._begin() + self._encoded(self._answer.output.feed(event))
            case Finish():
                if event.candidate:
                    return b""
                self._answer.finish = event
                return self._begin() + self._encoded(self._answer.output.finish(event.reason))
            case _:
                assert_never(event)

    def finish(self) -> bytes:
        """The whole answer once more, with its token counts; the dialect has no other end."""
        head = self._begin()
        if self._answer.finish is None:
            head += self._encoded(self._answer.output.finish(None))
        whole = self._answer.body()
        return head + self._encoded([{"type": f"response.{whole['status']}", "response": whole}])

    def error(self, error: AiClientError) -> bytes:
        """An event on which OpenAI's SDKs raise ``APIError``; nothing may follow it.

        They do so where there is a field ``error``, which OpenAI sends; its reference has the same
        fields beside ``type``, where other clients look for them.
        """
        said = error_object(error, PARAMS)
        flat = {name: said[name] for name in ("code", "message", "param")}
        return self._encoded([{"type": "error", **flat, "error": said}])

    def _begin(self) -> bytes:
        if self._begun:
            return b""
        self._begun = True
        begun = self._answer.begun()
        kinds = ("response.created", "response.in_progress")
        return self._encoded({"type": kind, "response": begun} for kind in kinds)

    def _encoded(self, events: Iterable[Told]) -> bytes:
        written = []
        for told in events:
            told["sequence_number"] = self._sequence
            self._sequence += 1
            written.append(encode(dump(told), event=told["type"]))
        return b"".join(written)
