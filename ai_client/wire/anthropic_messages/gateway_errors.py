"""Errors to callers of this dialect, such that the SDKs raise the right class and retry rightly.

https://platform.claude.com/docs/en/api/errors. The class follows from the status; before the
status, Anthropic's SDKs obey the headers ``x-should-retry`` and ``retry-after``. Our own code of an
error stands where Anthropic's errors have theirs: in ``details.error_code``.
"""

from __future__ import annotations

from typing import Final

import orjson

from ai_client.caller_words import in_callers_words
from ai_client.error_headers import complete_message, retry_headers
from ai_client.errors import AiClientError, Overloaded, QuotaExhausted
from ai_client.messages import JsonValue
from ai_client.wire import WireResponse

_TYPES: Final = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
}
_PARAMS: Final = {
    "output_schema": "output_config",
    "output_mime_type": "output_config",
    "function_declarations": "tools",
    "web_search": "tools",
    "system_instruction": "system",
    "reasoning": "thinking",
    "end_user": "metadata",
}


def render_error(error: AiClientError, request_id: str) -> WireResponse:
    """The status, body and headers with which the dialect's SDKs raise the right class."""
    # The SDKs read the id from the second of these headers, everything else here from the first.
    headers = {"x-request-id": request_id, "request-id": request_id, **retry_headers(error)}
    return WireResponse(error.status, orjson.dumps(error_body(error, request_id)), headers)


def error_body(error: AiClientError, request_id: str) -> dict[str, JsonValue]:
    """The object of an answer or of an event."""
    param = in_callers_words(error.param, _PARAMS)
    details = {"error_code": error.code} | ({} if param is None else {"param": param})
    told = {"type": _type(error), "message": complete_message(error), "details": details}
    return {"type": "error", "error": told, "request_id": request_id}


def _type(error: AiClientError) -> str:
    if isinstance(error, Overloaded):
        return "overloaded_error"
    if isinstance(error, QuotaExhausted):
        return "billing_error"
    default = "invalid_request_error" if error.status < 500 else "api_error"
    return _TYPES.get(error.status, default)
