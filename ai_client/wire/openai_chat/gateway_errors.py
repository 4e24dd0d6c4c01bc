"""Errors to callers of this dialect, such that the SDKs raise the right class and retry rightly.

https://platform.openai.com/docs/guides/error-codes. The class follows from the status; before the
status, OpenAI's SDKs obey the headers ``x-should-retry`` and ``retry-after``.
"""

from __future__ import annotations

import math

import orjson

from ai_client.errors import (
    AiClientError,
    AuthenticationFailed,
    ModelNotFound,
    NoConnection,
    PermissionRefused,
    RequestError,
    RequestTimeout,
    UpstreamError,
)
from ai_client.messages import JsonValue
from ai_client.wire import WireResponse


def render_error(error: AiClientError, request_id: str) -> WireResponse:
    """The status, body and headers with which the dialect's SDKs raise the right class."""
    headers = {"x-request-id": request_id}
    retry_after = getattr(error, "retry_after", None)
    if retry_after is not None:
        headers["retry-after"] = str(math.ceil(retry_after))
    if not _cured_by_retry(error):
        headers["x-should-retry"] = "false"
    return WireResponse(error.status, orjson.dumps({"error": error_object(error)}), headers)


def error_object(error: AiClientError) -> dict[str, JsonValue]:
    """The ``error`` object of an answer or of an event."""
    message = error.message
    if isinstance(error, ModelNotFound) and error.available:
        unsaid = [name for name in error.available if name not in message]
        if unsaid:
            message = f"{message} There is: {', '.join(error.available)}."
    return {
        "message": message,
        "type": _type(error),
        "param": error.param,
        "code": error.code,
    }


def _type(error: AiClientError) -> str:
    if isinstance(error, AuthenticationFailed):
        return "authentication_error"
    if isinstance(error, PermissionRefused):
        return "permission_error"
    if isinstance(error, RequestError) or error.status == 404:
        return "invalid_request_error"
    if error.status == 429:
        return "rate_limit_error"
    return "server_error"


def _cured_by_retry(error: AiClientError) -> bool:
    if isinstance(error, UpstreamError):
        return error.should_retry
    return not isinstance(error, RequestError | NoConnection) or isinstance(error, RequestTimeout)
