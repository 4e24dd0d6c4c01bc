"""Errors to callers of OpenAI's APIs, such that the SDKs raise the right class and retry rightly.

https://platform.openai.com/docs/guides/error-codes. The class follows from the status; before the
status, OpenAI's SDKs obey the headers ``x-should-retry`` and ``retry-after``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import orjson

from ai_client.caller_words import in_callers_words
from ai_client.error_headers import complete_message, retry_headers
from ai_client.errors import AiClientError, AuthenticationFailed, PermissionRefused, RequestError
from ai_client.messages import JsonValue
from ai_client.wire import WireResponse

_AS_THEY_ARE: Final[Mapping[str, str]] = {}


def render_error(
    error: AiClientError, request_id: str, *, names: Mapping[str, str] = _AS_THEY_ARE
) -> WireResponse:
    """The status, body and headers with which the dialect's SDKs raise the right class.

    ``names`` are our settings as the caller calls them, where these differ.
    """
    headers = {"x-request-id": request_id, **retry_headers(error)}
    told = {"error": error_object(error, names)}
    return WireResponse(error.status, orjson.dumps(told), headers)


def error_object(
    error: AiClientError, names: Mapping[str, str] = _AS_THEY_ARE
) -> dict[str, JsonValue]:
    """The ``error`` object of an answer or of an event."""
    return {
        "message": complete_message(error),
        "type": _type(error),
        "param": in_callers_words(error.param, names),
        "code": error.code,
    }


def _type(error: AiClientError) -> str:
    if isinstance(error, AuthenticationFailed):
        return "authentication_error"
    if isinstance(error, PermissionRefused):
        return "permission_error"
    if error.status == 429:
        return "rate_limit_error"
    if isinstance(error, RequestError) or error.status == 404:
        return "invalid_request_error"
    return "server_error"
