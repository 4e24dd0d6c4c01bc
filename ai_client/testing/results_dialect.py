"""The fake provider's wire format for what is no conversation: embeddings, media, long work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ai_client.errors import AiClientError, BadContent
from ai_client.json_text import load
from ai_client.messages import (
    AnyResult,
    EmbeddingResult,
    GenerationRequest,
    GenerativeAiOperation,
    GenerativeAiResult,
    JsonValue,
)
from ai_client.testing import dialect
from ai_client.testing.dialect import parse_error
from ai_client.wire import Target, WireRequest

PATH = "results"
OPERATIONS = "operations/"


def render_request(request: GenerationRequest, target: Target) -> WireRequest:
    """All of the request."""
    return WireRequest(PATH, dialect.asked(request, target))


def forward_request(body: Mapping[str, JsonValue], target: Target, *, stream: bool) -> WireRequest:
    """A body of this format for another model."""
    return WireRequest(PATH, {**body, "model": target.model, "stream": stream})


def parse_result(body: bytes, content_type: str, sent: WireRequest) -> AnyResult:
    """A result of whichever kind."""
    return _read(load(body))


def operation_request(operation_id: str) -> WireRequest:
    """Asks how far it is."""
    return WireRequest(OPERATIONS + operation_id, {}, method="GET")


def parse_operation(body: bytes) -> GenerativeAiOperation:
    """How far it is, with its result."""
    found = _read(load(body))
    if not isinstance(found, GenerativeAiOperation):
        raise BadContent("The scripted answer is no operation.")
    return found


def content_request(operation: GenerativeAiOperation) -> WireRequest | None:
    """Nothing: the operation holds its result."""
    return None


def parse_content(
    operation: GenerativeAiOperation, body: bytes, content_type: str
) -> GenerativeAiOperation:
    """The operation with the result in ``body``."""
    return parse_operation(body)


def _read(data: Any) -> AnyResult:
    try:
        if "embeddings" in data:
            return EmbeddingResult.from_dict(data)
        if "candidates" in data:
            return GenerativeAiResult.from_dict(data)
        return GenerativeAiOperation.from_dict(data)
    except (AiClientError, TypeError) as error:
        raise BadContent(f"The scripted answer is no answer: {error}") from error


__all__ = [
    "content_request",
    "forward_request",
    "operation_request",
    "parse_content",
    "parse_error",
    "parse_operation",
    "parse_result",
    "render_request",
]
