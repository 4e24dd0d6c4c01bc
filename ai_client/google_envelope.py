"""What Google's Gemini API puts around requests and answers, whatever is asked for.

A model stands in the path. Errors are ``google.rpc.Status`` as JSON
(https://cloud.google.com/apis/design/errors): its HTTP status alone often misleads (a wrong key is
a 400, a missing file a 403), so the ``details`` and, where those are silent, the words decide.
https://ai.google.dev/gemini-api/docs/troubleshooting
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import quote

import orjson

from ai_client.errors import (
    AiClientError,
    BadContent,
    InvalidRequest,
    MalformedAnswer,
    PayloadTooLarge,
    QuotaExhausted,
    UnsupportedFeature,
    UpstreamError,
)
from ai_client.failures import clean_message, error_for_status, parse_retry_after
from ai_client.messages import JsonValue

_COLLECTIONS: Final = ("models/", "tunedModels/")
_STATUS_OF_WORD: Final = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ABORTED": 409,
    "ALREADY_EXISTS": 409,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "INTERNAL": 500,
    "UNKNOWN": 500,
    "DATA_LOSS": 500,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}

_UNPAID = re.compile(
    r"billing|free tier|location is not supported|not available in your country", re.IGNORECASE
)
_OUT_OF_CREDIT = re.compile(r"\blimit: 0\b|credits? (?:are|is) depleted", re.IGNORECASE)
_OF_THE_REQUEST = re.compile(r"\bthe file\b|\bfiles/|cached ?content", re.IGNORECASE)
_TOO_LARGE = re.compile(r"payload size exceeds", re.IGNORECASE)


def resource_name(model: str, provider: str) -> str:
    """``models/…`` of a model's id, with or without its collection in front.

    Whatever the id holds stays inside one segment of a path.
    """
    collection, name = _COLLECTIONS[0], model.strip()
    for prefix in _COLLECTIONS:
        if name.startswith(prefix):
            collection, name = prefix, name.removeprefix(prefix)
    if not name:
        raise UnsupportedFeature(
            f"{provider} needs the name of a model; set the connection's model."
        )
    return f"{collection}{quote(name, safe='')}"


def with_custom_options(
    body: Mapping[str, JsonValue], options: Mapping[str, JsonValue]
) -> dict[str, JsonValue]:
    """``body`` with a caller's own fields, within its objects too.

    ``{"generationConfig": {"x": 1}}`` and ``{"generationConfig.x": 1}`` say the same.
    ``InvalidRequest`` for a field that is there already.
    """
    merged = dict(body)
    for name, value in options.items():
        first, *inner = name.split(".")
        for each in reversed(inner):
            value = {each: value}
        _add(merged, first, value, "")
    return merged


def read_answer(body: bytes) -> dict[str, JsonValue]:
    """The JSON object of a complete 200 answer. An error inside it is raised as the error it is.

    ``BadContent`` for what is no JSON object (HTML, say), ``MalformedAnswer`` for cut JSON.
    """
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        if body.lstrip()[:1] in (b"{", b"["):
            raise MalformedAnswer("Google's answer is malformed or cut JSON.") from error
        raise BadContent("Google's answer is not JSON; check the connection's base URL.") from error
    if found := error_in(answer):
        raise inner_error(found)
    if not isinstance(answer, dict):
        raise BadContent("Google's answer is not a JSON object; check the connection's base URL.")
    return answer


def parse_error(status: int, headers: Mapping[str, str], body: bytes) -> AiClientError:
    """The class of an error answer, and Google's message cleaned."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return error_for_status(status, headers, body.decode(errors="replace"))
    return _classify(status, headers, error_in(document) or {})


def error_in(document: JsonValue) -> Mapping[str, JsonValue] | None:
    """The error that a body holds, be it a 200; without ``alt=sse`` it stands in an array."""
    for one in document if isinstance(document, list) else [document]:
        error = one.get("error") if isinstance(one, Mapping) else None
        if error:
            return error if isinstance(error, Mapping) else {"message": str(error)}
    return None


def inner_error(error: Mapping[str, JsonValue]) -> AiClientError:
    """The class of an error that came inside a 200 or a stream, by its own code."""
    return _classify(None, {}, error)


def _classify(
    status: int | None, headers: Mapping[str, str], error: Mapping[str, JsonValue]
) -> AiClientError:
    message = _text(error.get("message"))
    word = _text(error.get("status"))
    code = error.get("code")
    if status is None:
        told = isinstance(code, int) and 400 <= code <= 599
        status = code if told else _STATUS_OF_WORD.get(word)
    details = tuple(_mappings(error.get("details")))
    reason = next((text for one in details if (text := _text(one.get("reason")))), "")
    if status == 429 and (_OUT_OF_CREDIT.search(message) or _quota_of_the_day(details)):
        return QuotaExhausted(
            clean_message(message) or "The quota of this key is used up.",
            upstream_status=status,
            upstream_code=word or None,
        )
    if word == "FAILED_PRECONDITION" and _UNPAID.search(message):
        return QuotaExhausted(clean_message(message), upstream_status=status, upstream_code=word)
    if status in (403, 404) and _OF_THE_REQUEST.search(message):
        invalid = InvalidRequest(clean_message(message))
        invalid.upstream_status = status
        return invalid
    if status == 400 and _TOO_LARGE.search(message):
        return PayloadTooLarge(clean_message(message))
    classified = error_for_status(
        status, headers, message, code=reason or word or None, error_type=word or None
    )
    if isinstance(classified, UpstreamError) and classified.retry_after is None:
        classified.retry_after = _retry_delay(details)
    return classified


def _add(holder: dict[str, JsonValue], name: str, value: JsonValue, within: str) -> None:
    known = holder.get(name)
    if isinstance(known, dict) and isinstance(value, Mapping):
        holder[name] = inner = dict(known)
        for each, held in value.items():
            _add(inner, each, held, f"{within}{name}.")
    elif name in holder:
        raise InvalidRequest(
            f"The custom option {within + name!r} contradicts a setting of the same name.",
            param=within + name,
        )
    else:
        holder[name] = value


def _quota_of_the_day(details: Sequence[Mapping[str, JsonValue]]) -> bool:
    """Whether a quota per day is among those used up: waiting a minute does not help."""
    return any(
        "perday" in _text(violation.get("quotaId")).lower() or violation.get("quotaValue") == "0"
        for one in details
        for violation in _mappings(one.get("violations"))
    )


def _retry_delay(details: Sequence[Mapping[str, JsonValue]]) -> float | None:
    """``RetryInfo.retryDelay``, a duration such as ``34.07s``, in seconds."""
    for one in details:
        delay = _text(one.get("retryDelay"))
        if delay.endswith("s"):
            return parse_retry_after({"retry-after": delay.removesuffix("s")})
    return None


def _mappings(value: JsonValue) -> Iterator[Mapping[str, JsonValue]]:
    if isinstance(value, list):
        yield from (one for one in value if isinstance(one, Mapping))


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else ""
