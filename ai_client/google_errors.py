"""Errors to callers of Google's APIs, such that its SDKs raise the right class.

They are ``google.rpc.Status`` as JSON, with details: https://cloud.google.com/apis/design/errors.
The class follows from the HTTP status, which is ``code`` too. ``ErrorInfo`` has our own word for
the failure, in capitals as Google's reasons are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ai_client.caller_words import in_callers_words
from ai_client.error_headers import complete_message, retry_headers
from ai_client.errors import AiClientError, InvalidRequest, UnsupportedFeature
from ai_client.json_text import dump
from ai_client.messages import JsonValue
from ai_client.wire import WireResponse

_WORDS: Final = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_TYPES: Final = "type.googleapis.com/google.rpc."
_DOMAIN: Final = "koneek"
_AS_THEY_ARE: Final[Mapping[str, str]] = {}


def render_error(
    error: AiClientError, request_id: str, *, names: Mapping[str, str] = _AS_THEY_ARE
) -> WireResponse:
    """The status, body and headers with which Google's SDKs raise the right class.

    ``names`` are our settings as the caller calls them, where these differ.
    """
    headers = {"x-request-id": request_id, **retry_headers(error)}
    body = {"error": error_object(error, request_id, names)}
    return WireResponse(error.status, dump(body), headers)


def error_object(
    error: AiClientError, request_id: str, names: Mapping[str, str] = _AS_THEY_ARE
) -> dict[str, JsonValue]:
    """The ``error`` object of an answer or of a stream's last event."""
    message = complete_message(error)
    details: list[JsonValue] = [
        {"@type": f"{_TYPES}ErrorInfo", "reason": error.code.upper(), "domain": _DOMAIN},
        {"@type": f"{_TYPES}RequestInfo", "requestId": request_id},
    ]
    field = in_callers_words(error.param, names)
    if isinstance(error, InvalidRequest | UnsupportedFeature) and field:
        violation = {"field": field, "description": message}
        details.append({"@type": f"{_TYPES}BadRequest", "fieldViolations": [violation]})
    wait = retry_headers(error).get("retry-after")
    if wait is not None:
        details.append({"@type": f"{_TYPES}RetryInfo", "retryDelay": f"{wait}s"})
    return {
        "code": error.status,
        "message": message,
        "status": _WORDS.get(error.status, "UNKNOWN"),
        "details": details,
    }
