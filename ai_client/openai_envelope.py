"""What OpenAI's APIs, and all that resemble them, put around their answers: JSON, or an error.

https://platform.openai.com/docs/guides/error-codes; Azure adds ``innererror``
(https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter), OpenRouter numbers as
``code`` and ``metadata`` (https://openrouter.ai/docs/api/reference/errors-and-debugging).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import orjson

from ai_client.errors import AiClientError, BadContent, MalformedAnswer
from ai_client.failures import error_for_status
from ai_client.messages import JsonValue

_NO_HEADERS: Mapping[str, str] = {}
_BOM: Final = b"\xef\xbb\xbf"


def read_answer(body: bytes) -> dict[str, JsonValue]:
    """The JSON object of a complete 200 answer. An error inside it is raised as the error it is.

    ``BadContent`` for what is no JSON object (HTML, say), ``MalformedAnswer`` for cut JSON.
    """
    body = body.removeprefix(_BOM).strip()
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        if body[:1] in (b"{", b"["):
            raise MalformedAnswer("The upstream's answer is cut or malformed JSON.") from None
        raise BadContent("The upstream answered with something that is not JSON.") from None
    if not isinstance(data, dict):
        raise BadContent("The upstream's answer is not a JSON object.")
    error = error_within(data)
    if error is not None:
        raise error_inside(error)
    return data


def parse_error(status: int, headers: Mapping[str, str], body: bytes) -> AiClientError:
    """The class and a cleaned message for an answer with an error status."""
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        return error_for_status(status, headers, body[:20_000].decode("utf-8", "replace"))
    if isinstance(data, list) and data:
        # Google's compatible endpoint wraps the error object into a list.
        data = data[0]
    if not isinstance(data, dict):
        return error_for_status(status, headers, data if isinstance(data, str) else "")
    found = error_within(data)
    return _classified(data if found is None else found, status, headers)


def error_within(data: Mapping[str, JsonValue]) -> JsonValue:
    """The error that an answer or chunk carries instead of content, or None."""
    error = data.get("error")
    if error:
        return error
    if data.get("object") == "error":
        return data
    return None


def error_inside(error: JsonValue) -> AiClientError:
    """The class for an error found inside a 200, by its own words."""
    return _classified(error, None, _NO_HEADERS)


def _classified(error: JsonValue, status: int | None, headers: Mapping[str, str]) -> AiClientError:
    if not isinstance(error, dict):
        return error_for_status(status, headers, error if isinstance(error, str) else "")
    code = _word(error.get("code"))
    if _is_filtered(error):
        code = "content_filter"
    return error_for_status(
        status,
        headers,
        _message(error),
        code=code,
        error_type=_word(error.get("type")) or _word(error.get("status")),
        param=_word(error.get("param")),
    )


def _message(error: Mapping[str, JsonValue]) -> str:
    for name in ("message", "detail", "error_description", "msg"):
        value = error.get(name)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, list | dict) and value:
            # FastAPI's validation errors are a list of objects.
            return orjson.dumps(value).decode()
    return ""


def _is_filtered(error: Mapping[str, JsonValue]) -> bool:
    inner = error.get("innererror")
    if isinstance(inner, dict) and inner.get("code") == "ResponsibleAIPolicyViolation":
        return True
    metadata = error.get("metadata")
    return isinstance(metadata, dict) and "flagged_input" in metadata


def _word(value: JsonValue) -> str | None:
    if isinstance(value, str):
        return value or None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return None
