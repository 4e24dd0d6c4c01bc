"""The wire format of the fake provider: everything that can be asked, in the DTOs' own shapes.

Nothing in it is refused or left out, and what was asked can be read back as it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ai_client import errors
from ai_client.capabilities import Capability
from ai_client.errors import AiClientError, BadContent, InvalidArgument, StreamTruncated
from ai_client.events import Event, PartDelta, PartKind, PartStart, replay
from ai_client.failures import error_for_status
from ai_client.json_text import dump, load
from ai_client.messages import (
    GenerationRequest,
    GenerativeAiResult,
    JsonValue,
    Message,
    ModelConfig,
)
from ai_client.messages.reading import json_value
from ai_client.sse import ServerSentEvent
from ai_client.wire import Target, WireRequest

PATH = "conversations"
_SAID_BY_ALL = ("message", "param")


def render_request(request: GenerationRequest, target: Target) -> WireRequest:
    """All of the request."""
    return WireRequest(PATH, asked(request, target))


def asked(request: GenerationRequest, target: Target) -> dict[str, JsonValue]:
    """A request as JSON."""
    return {
        "model": target.model,
        "stream": request.stream,
        "capability": request.capability.value,
        "messages": [message.to_dict() for message in request.messages],
        "config": request.config.to_dict(),
        "untranslatable": list(request.untranslatable),
        "dropped": list(request.dropped),
    }


def read_request(body: Mapping[str, Any]) -> GenerationRequest:
    """The request that ``asked`` has written."""
    return GenerationRequest(
        tuple(Message.from_dict(message) for message in body["messages"]),
        ModelConfig.from_dict(body["config"]),
        body["stream"],
        Capability(body["capability"]),
        tuple(body["untranslatable"]),
        tuple(body["dropped"]),
    )


def forward_request(body: Mapping[str, JsonValue], target: Target, *, stream: bool) -> WireRequest:
    """A body of this format for another model."""
    return WireRequest(PATH, {**body, "model": target.model, "stream": stream})


def parse_response(body: bytes) -> GenerativeAiResult:
    """A result in the shape of ``to_dict``."""
    return _result(load(body))


def parse_error(status: int, headers: Mapping[str, str], body: bytes) -> AiClientError:
    """The error that ``written`` has written; by the status where it is something else."""
    try:
        return _error(load(body)["error"])
    except (ValueError, KeyError, TypeError):
        return error_for_status(status, headers, body.decode(errors="replace"))


def written(error: AiClientError) -> dict[str, JsonValue]:
    """An error as JSON: the class that it is, and what it says besides its message."""
    more = {name: value for name, value in vars(error).items() if name not in _SAID_BY_ALL}
    return {
        "class": type(error).__name__,
        "message": error.message,
        "param": error.param,
        "more": {name: value for name, value in more.items() if _is_json(value)},
    }


def _error(data: Mapping[str, Any]) -> AiClientError:
    kind: type[AiClientError] = getattr(errors, data["class"])
    # Some want more to be made than a message; all of it is in what they say.
    error = kind.__new__(kind)
    AiClientError.__init__(error, data["message"], param=data["param"])
    for name, value in data["more"].items():
        setattr(error, name, tuple(value) if isinstance(value, list) else value)
    return error


def _is_json(value: object) -> bool:
    try:
        json_value(value, "error")
    except InvalidArgument:
        return False
    return True


def _result(data: Any) -> GenerativeAiResult:
    try:
        return GenerativeAiResult.from_dict(data)
    except (AiClientError, TypeError) as error:
        raise BadContent(f"The scripted answer is no answer: {error}") from error


class StreamParser:
    """Pieces of text, then the whole result, which says the rest; or an error."""

    last_usage_only = False

    def __init__(self) -> None:
        self.finished = False
        self._begun = False

    def feed(self, event: ServerSentEvent) -> Sequence[Event]:
        data = load(event.data.encode())
        if "error" in data:
            raise _error(data["error"])
        if "text" in data:
            start = [] if self._begun else [PartStart(0, PartKind.TEXT)]
            self._begun = True
            return [*start, PartDelta(0, data["text"])]
        self.finished = True
        return list(self._rest(replay(_result(data["result"]))))

    def close(self) -> Sequence[Event]:
        raise StreamTruncated("The scripted stream stopped before its end.")

    def _rest(self, events: Iterable[Event]) -> Iterable[Event]:
        """Without what the pieces have said already."""
        for event in events:
            match event:
                case PartStart(index=0, candidate=0) | PartDelta(index=0, candidate=0):
                    if not self._begun:
                        yield event
                case _:
                    yield event


def streamed(
    pieces: Iterable[str | float | AiClientError], result: GenerativeAiResult
) -> Iterator[bytes | float]:
    """A stream as pieces of a body: texts, pauses, errors, and at last the result."""
    for piece in pieces:
        if isinstance(piece, str):
            yield _frame({"text": piece})
        elif isinstance(piece, AiClientError):
            yield _frame({"error": written(piece)})
            return
        else:
            yield float(piece)
    yield _frame({"result": result.to_dict()})


def _frame(value: Mapping[str, JsonValue]) -> bytes:
    return b"data: " + dump(value) + b"\n\n"
