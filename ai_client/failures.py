"""From an upstream's error answer to the class of failure, the same for every dialect.

A dialect knows where its error's message, code and type stand; what they mean is decided here:
``error_for_status`` picks the class from the HTTP status and the error's own words,
``clean_message`` makes the upstream's text safe to show, ``parse_retry_after`` reads how long to
wait. Pure: the time is handed in or taken from the answer's ``Date``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final, TypeAlias

from ai_client.errors import (
    AiClientError,
    ContentFiltered,
    ContextTooLong,
    GatewayTimedOut,
    InvalidRequest,
    KeyRejected,
    Overloaded,
    PayloadTooLarge,
    QuotaExhausted,
    RateLimited,
    RedirectRefused,
    RequestConflict,
    RequestGivenUp,
    ResourceRefused,
    ServerFailed,
    UpstreamError,
    UpstreamModelMissing,
)

MAX_RETRY_AFTER: Final = 3600.0
"""The longest wait that is believed, in seconds."""

MAX_MESSAGE: Final = 500
"""The longest message of an upstream that is passed on, in characters."""

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


def parse_retry_after(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """How long the upstream asks to wait, in seconds within 0..3600, or None where it does not say.

    Reads ``retry-after-ms``, Azure's ``x-ms-retry-after-ms``, and ``Retry-After`` as seconds or as
    HTTP date (RFC 9110, section 10.2.3). A negative wait is 0, a huge or infinite one an hour;
    what is no number and no date (NaN too) counts as not said. A date is measured from the
    answer's own ``Date``, which no clock skew can spoil, else from ``now`` (Unix seconds); with
    neither it counts as not said.
    """
    lowered = {name.lower(): value for name, value in headers.items()}
    for name, divisor in (
        ("retry-after-ms", 1000.0),
        ("x-ms-retry-after-ms", 1000.0),
        ("retry-after", 1.0),
    ):
        value = lowered.get(name, "").strip()
        if not value:
            continue
        seconds = _number(value)
        if seconds is not None:
            return _clamp(seconds / divisor)
        if divisor == 1.0:
            until = _date(value)
            start = _date(lowered.get("date", ""))
            start = now if start is None else start
            if until is not None and start is not None:
                return _clamp(until - start)
    return None


def _number(value: str) -> float | None:
    if value.lstrip("+-").lower() in ("inf", "infinity"):
        return -math.inf if value.startswith("-") else math.inf
    return float(value) if _NUMBER.fullmatch(value) else None


def _date(value: str) -> float | None:
    if not value:
        return None
    try:
        date = parsedate_to_datetime(value)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _clamp(seconds: float) -> float:
    return min(max(seconds, 0.0), MAX_RETRY_AFTER)


_REMOVED = "[removed]"
# Every expression below takes time in proportion to the text: an upstream's message may quote what
# a caller wrote, and it is read on the event loop. A run of characters is therefore matched as a
# whole, once, and looked into by a function.
_MARKUP = re.compile(
    r"<!--.*?(?:-->|\Z)|<(script|style)\b.*?(?:</\1\s*>|\Z)|<[a-zA-Z/!?][^<>]*>",
    re.DOTALL | re.IGNORECASE,
)
_LONGEST_READ = MAX_MESSAGE * 40
_HTML = re.compile(r"\s*(?:<!--|<!doctype|<html|<head|<body|<\?xml)", re.IGNORECASE)
_KEY_TAIL = re.compile(r"[\w*][\w*-]{7,}")


def _key(found: re.Match[str]) -> str:
    """A key goes up to the end of its last long run; what only begins like one stays."""
    run = found["rest"]
    end = max((tail.end() for tail in _KEY_TAIL.finditer(run)), default=0)
    return _REMOVED + run[end:] if end else found[0]


def _opaque(found: re.Match[str]) -> str:
    """A long run is a secret where it holds a digit; else it is a word."""
    return _REMOVED if any(sign in "0123456789" for sign in found[0]) else found[0]


def _address(found: re.Match[str]) -> str:
    """A name with a port is an address where it has a dot, or is this machine's."""
    host = found["host"].lower()
    return _REMOVED if "." in host or host.endswith("localhost") else found[0]


def _bracketed(found: re.Match[str]) -> str:
    """What stands in brackets is an address of IPv6 where it has a colon."""
    return _REMOVED if ":" in found[0].partition("]")[0] else found[0]


_Replacement: TypeAlias = str | Callable[[re.Match[str]], str]
_SECRETS: Final[tuple[tuple[re.Pattern[str], _Replacement], ...]] = (
    (re.compile(r"data:[\w.+-]{1,60}/[\w.+-]{1,100}[;,]\S*", re.IGNORECASE), _REMOVED),
    (re.compile(r"\b[a-z][a-z0-9+.-]{1,15}://[^\s'\"<>)\]}]*", re.IGNORECASE), _REMOVED),
    (re.compile(r"\b(?:bearer|basic)\s+[\w.~+/*=-]{6,}", re.IGNORECASE), _REMOVED),
    (
        re.compile(
            # A separator follows where the beginning is also that of a word: "organization".
            r"\b(?:(?:sk|rk|pk|gsk|csk|xai|nvapi|kn|hf|org|proj|fw|tgp|pplx|AQ)[-_.]"
            r"|AKIA|AIza|ya29|eyJ)(?P<rest>[\w.*-]+)"
        ),
        _key,
    ),
    (re.compile(r"(?<=key: )\S+|(?<=key=)\S+|(?<=provided: )\S+", re.IGNORECASE), _REMOVED),
    (re.compile(r"[A-Za-z0-9_+=*]{32,}"), _opaque),
    (
        re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"),
        _REMOVED,
    ),
    (
        re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?(?![\d.])(?:/\S*)?"),
        _REMOVED,
    ),
    (re.compile(r"\[[0-9a-fA-F:.]{2,60}\](?::\d+)?"), _bracketed),
    (
        re.compile(r"(?<![\w.-])(?P<host>[\w.-]++):\d{2,5}\b(?:/\S*)?"),
        _address,
    ),
)


def clean_message(text: str) -> str:
    """``text`` of an upstream, safe for a caller: no keys, addresses, markup or control characters.

    At most 500 characters on one line. May be empty: then say something of your own.
    """
    text = text[:_LONGEST_READ]
    if _HTML.match(text):
        text = _MARKUP.sub(" ", text)
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    text = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return text if len(text) <= MAX_MESSAGE else text[: MAX_MESSAGE - 1].rstrip() + "…"


_STATUS = re.compile(r"[345]\d\d", re.ASCII)

_ByWord = Mapping[str, type[AiClientError]]

# Words that say more than the status they come with.
_STRONG: Final[_ByWord] = {
    word: kind
    for kind, words in (
        (
            QuotaExhausted,
            "insufficient_quota billing_hard_limit_reached billing_not_active billing_error"
            " insufficient_balance insufficient_credits insufficient_user_quota creditserror",
        ),
        (
            ContextTooLong,
            "context_length_exceeded context_window_exceeded exceed_context_size_error"
            " model_context_window_exceeded",
        ),
        (
            ContentFiltered,
            "content_filter content_policy_violation content_policy_violation_error"
            " responsibleaipolicyviolation moderation_blocked image_content_policy_violation"
            " bio_policy misalignment_policy_violation",
        ),
        (
            UpstreamModelMissing,
            "model_not_found deploymentnotfound model_decommissioned model_not_available"
            " unknown_model operationnotsupported model_permission_blocked_project"
            " model_permission_blocked_org",
        ),
        (
            KeyRejected,
            "invalid_api_key api_key_invalid api_key_expired api_key_service_blocked"
            " account_deactivated organization_deactivated invalid_organization"
            " wrong_api_key",
        ),
    )
    for word in words.split()
}

# Words that only repeat the status; they decide where an error comes without a telling status.
_WEAK: Final[_ByWord] = {
    word: kind
    for kind, words in (
        (
            RateLimited,
            "rate_limit_exceeded rate_limit_error rate_limit_reached too_many_requests"
            " resource_exhausted throttled slow_down requests tokens",
        ),
        (
            Overloaded,
            "overloaded_error overloaded server_overloaded engine_overloaded unavailable"
            " service_unavailable service_unavailable_error capacity_exceeded"
            " engine_overloaded_error",
        ),
        (
            GatewayTimedOut,
            "timeout timeout_error gateway_timeout deadline_exceeded upstream_timeout",
        ),
        (
            ServerFailed,
            "server_error internal_error internal_server_error api_error internal unknown"
            " internalservererror upstream_error",
        ),
        (
            KeyRejected,
            "authentication_error unauthenticated permission_error permission_denied"
            " invalid_authentication unauthorized forbidden",
        ),
        (UpstreamModelMissing, "not_found_error not_found notfounderror"),
        (PayloadTooLarge, "request_too_large payload_too_large"),
        (RequestConflict, "conflict conflict_error aborted"),
        (
            InvalidRequest,
            "invalid_request_error invalid_argument badrequesterror bad_request"
            " failed_precondition out_of_range invalid_request invalid_prompt"
            " unprocessable_entity_error invalid_image invalid_image_format invalid_base64_image"
            " invalid_image_url image_too_large image_too_small image_parse_error"
            " invalid_image_mode image_file_too_large unsupported_image_media_type"
            " empty_image_file failed_to_download_image image_file_not_found",
        ),
    )
    for word in words.split()
}

_CONTEXT_TEXT = re.compile(
    r"maximum context length"
    r"|context[ _](?:length|window|size|limit)[^.]{0,40}exceed"
    r"|exceed[^.]{0,60}context[ _](?:length|window|size|limit)"
    r"|prompt is too long"
    r"|input is too long"
    r"|reduce the length of the (?:messages|prompt|input)"
    r"|input token count[^.]{0,40}exceeds the maximum"
    r"|maximum prompt length"
    r"|too many tokens in (?:the )?(?:prompt|input)",
    re.IGNORECASE,
)
_QUOTA_TEXT = re.compile(
    r"credit balance is too low|insufficient (?:account )?(?:balance|credits?|funds)"
    r"|used all available credits|requires more credits",
    re.IGNORECASE,
)
_MODEL_TEXT = re.compile(
    r"is not a valid model|model [^.]{0,80}(?:does not exist|not found)|no such model",
    re.IGNORECASE,
)
# A 403 is mostly about the key. These are about what one request names: a model, a file.
# https://platform.claude.com/docs/en/api/errors, https://console.groq.com/docs/model-permissions.
_NAMED_MODEL: Final = (
    r"(?:\b(?:this|the (?:specified|requested)) model\b"
    r"|\bmodel:? (?:['\"`]\S|(?=[\w.:@]{0,60}[\d/-])\w))"
)
_REFUSED_MODEL_TEXT = re.compile(
    r"(?:access|authorized|allowed?|entitled|enabled|permi(?:ssion|tted))\b[^\n]{0,60}"
    rf"{_NAMED_MODEL}"
    rf"|{_NAMED_MODEL}[^\n]{{0,120}}(?:\bblocked\b|\bdisabled\b"
    r"|(?:\bnot|n't|\bno)\s[^\n]{0,20}(?:access|authorized|allowed|permitted|enabled|available))",
    re.IGNORECASE,
)
_KEY_AS_SUBJECT = re.compile(
    r"\b(?:key|token|credentials?)\b[^.\n]{0,40}"
    r"\b(?:is|isn't|are|has|have|does|doesn't|do|don't|can|can't|cannot|may|must|lacks?)\b",
    re.IGNORECASE,
)
_RESOURCE_TEXT = re.compile(r"\bspecified resource\b", re.IGNORECASE)
# What an upstream was to have kept for somebody; but "the model's file" is a model.
_KEPT_TEXT = re.compile(
    r"\b(?:items?|response|conversation|files?|container|vector store|skill|prompt)\b[^\n]{0,100}"
    r"(?:\bnot (?:be )?found\b|\bnot exist|\bno access\b|\bpermission\b|\bexpired\b)"
    r"|\b(?:no such|(?:access|permission)[^\n]{0,40}) (?:file|container|conversation|skill)\b",
    re.IGNORECASE,
)
# Which one: a server says "File Not Found" of its own addresses as well.
_KEPT_NAME = re.compile(
    r"\bwith id\b"
    r"|\bno such (?:file|container|conversation|skill)\b(?! or directory)"
    r"|(?<![\w/])(?!req)[a-z]{2,12}[-_](?:[\w-]{0,40}\d|\w{16})"
    r"|(?<!\w)['\"`][^\s/'\"`]{1,200}['\"`]"
    # https://ai.google.dev/gemini-api/docs/files
    r"|\bfiles/\w|\bfile \w{1,60} or it may not exist\b",
    re.IGNORECASE,
)
_OF_A_MODEL = re.compile(r"model|deployment", re.IGNORECASE)

_BY_STATUS: Final[Mapping[int, type[AiClientError]]] = {
    401: KeyRejected,
    402: QuotaExhausted,
    403: KeyRejected,
    404: UpstreamModelMissing,
    405: ServerFailed,
    407: ServerFailed,
    408: RequestGivenUp,
    409: RequestConflict,
    410: UpstreamModelMissing,
    413: PayloadTooLarge,
    424: ServerFailed,
    425: RequestConflict,
    429: RateLimited,
    451: ContentFiltered,
    498: Overloaded,
    499: ServerFailed,
    503: Overloaded,
    504: GatewayTimedOut,
    529: Overloaded,
}


def error_for_status(
    status: int | None,
    headers: Mapping[str, str],
    message: str,
    *,
    code: str | None = None,
    error_type: str | None = None,
    param: str | None = None,
    provider: str = "",
    now: float | None = None,
) -> AiClientError:
    """The error, ready to be raised, for an upstream's answer that is an error.

    ``status`` is the HTTP status; None or a 2xx where the error came inside a stream or a 200
    (then ``code`` and ``error_type`` decide, and what says nothing is ``ServerFailed``).
    ``message`` is the upstream's own text, uncleaned; ``code`` and ``error_type`` its own words,
    of any dialect and in any case (a number among them counts as the status it is); ``param`` the
    field it complains about; ``provider`` the name to put before the message; ``now`` Unix
    seconds, for a ``Retry-After`` with a date.
    """
    message = message[:_LONGEST_READ]
    words = tuple(word.strip().lower() for word in (code, error_type) if word)
    inner = next((int(word) for word in words if _STATUS.fullmatch(word)), None)
    telling = status if status is not None and status >= 300 else inner
    kind = _class_of(telling, words, message, param)
    text = clean_message(message) or _own_words(kind, status if status is not None else inner)
    text = f"{provider}: {text}" if provider else text
    word = clean_message(code or error_type or "")[:100] or None
    if issubclass(kind, UpstreamError):
        return kind(
            text,
            upstream_status=status,
            retry_after=parse_retry_after(headers, now),
            upstream_code=word,
        )
    error = kind(text, param=clean_message(param)[:200] if param else None)
    if isinstance(error, InvalidRequest):
        error.upstream_status = status
    return error


def _class_of(
    status: int | None, words: tuple[str, ...], message: str, param: str | None
) -> type[AiClientError]:
    for word in words:
        if word in _STRONG:
            return _STRONG[word]
    if status is None or 400 <= status < 500:
        if _CONTEXT_TEXT.search(message) and status not in (401, 403, 404, 429):
            return ContextTooLong
        if _QUOTA_TEXT.search(message):
            return QuotaExhausted
    if status == 400 and _MODEL_TEXT.search(message):
        return UpstreamModelMissing
    if status in (403, 404) and _is_about_what_is_kept(words, message, param):
        return InvalidRequest
    if status == 403 and _is_about_a_model(message):
        return UpstreamModelMissing
    if status == 403 and "permission_error" in words and _RESOURCE_TEXT.search(message):
        return ResourceRefused
    if status == 413 and "rate_limit_exceeded" in words:
        return RateLimited
    if status is None or status < 300:
        return next((_WEAK[word] for word in words if word in _WEAK), ServerFailed)
    if status < 400:
        return RedirectRefused
    return _BY_STATUS.get(status, InvalidRequest if status < 500 else ServerFailed)


def _is_about_what_is_kept(words: tuple[str, ...], message: str, param: str | None) -> bool:
    """Whether an API says it, of something it names, and not a server of one of its addresses."""
    named = param or (words and _KEPT_NAME.search(message))
    return bool(named and _KEPT_TEXT.search(message)) and not _OF_A_MODEL.search(message)


def _is_about_a_model(message: str) -> bool:
    return bool(_REFUSED_MODEL_TEXT.search(message)) and not _KEY_AS_SUBJECT.search(message)


def _own_words(kind: type[AiClientError], status: int | None) -> str:
    answered = "an error" if status is None or status < 300 else f"HTTP {status}"
    match kind:
        case _ if kind is KeyRejected:
            return f"The upstream does not accept this connection's key ({answered})."
        case _ if kind is RedirectRefused:
            return (
                f"The upstream answered with a redirect ({answered}), which is never followed;"
                " check the connection's base URL."
            )
        case _ if kind is UpstreamModelMissing:
            return (
                f"The upstream has no such model or address ({answered});"
                " check the connection's model and base URL."
            )
        case _:
            return f"The upstream answered with {answered} and gave no reason."
