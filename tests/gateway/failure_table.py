"""The table of failures: what an upstream does, and what must follow from it.

A ``Row`` is a failure of the simulator with the ``Ending`` it must have, for plain and streamed
calls and for each dialect. What a stream may do after its first content is not in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

import openai

from ai_client import errors
from tests.live_site import DIALECTS

Health: TypeAlias = Literal[
    "untouched",
    "counted",
    "counted half",
    "counted for all models",
    "cooling",
    "off",
    "off for all models",
]


@dataclass(frozen=True, slots=True)
class Ending:
    """What follows from one failure.

    ``error`` is raised to Python callers; ``code``, ``status``, ``raises`` and ``wait`` (seconds
    of ``retry-after``, from and to) are what a caller of the gateway gets when nothing is left,
    ``cured`` whether its SDK may try again, ``health`` what is left behind.
    """

    error: type[errors.AiClientError] | tuple[type[errors.AiClientError], ...]
    code: str
    status: int
    raises: type[openai.APIStatusError]
    health: Health
    falls_back: bool = True
    cured: bool = True
    wait: tuple[int, int] | None = None


_FAILED = openai.InternalServerError
UNREACHABLE = Ending(
    errors.ConnectFailed, "upstream_unreachable", 502, _FAILED, "counted for all models"
)
UNRESOLVED = replace(UNREACHABLE, error=errors.NameNotResolved)
CONNECT_TIMED_OUT = Ending(
    errors.ConnectTimedOut, "upstream_timeout", 504, _FAILED, "counted for all models"
)
TLS = Ending(errors.TlsFailed, "upstream_tls", 502, _FAILED, "off for all models", cured=False)
RESET = Ending(
    (errors.ConnectionReset, errors.WriteReset), "upstream_error", 502, _FAILED, "counted"
)
RATE_LIMITED = Ending(
    errors.RateLimited, "rate_limited", 429, openai.RateLimitError, "cooling", wait=(10, 13)
)
QUOTA = Ending(
    errors.QuotaExhausted,
    "quota_exhausted",
    429,
    openai.RateLimitError,
    "off for all models",
    cured=False,
)
OVERLOADED = Ending(errors.Overloaded, "upstream_overloaded", 503, _FAILED, "counted")
SERVER = Ending(errors.ServerFailed, "upstream_error", 502, _FAILED, "counted")
PROXY_TIMED_OUT = Ending(errors.GatewayTimedOut, "upstream_timeout", 504, _FAILED, "counted")
KEY = Ending(errors.KeyRejected, "upstream_auth", 502, _FAILED, "off for all models", cured=False)
MODEL = Ending(
    errors.UpstreamModelMissing,
    "model_not_found",
    404,
    openai.NotFoundError,
    "off",
    cured=False,
)
INVALID = Ending(
    errors.InvalidRequest,
    "invalid_request",
    400,
    openai.BadRequestError,
    "untouched",
    falls_back=False,
    cured=False,
)
FILTERED = replace(INVALID, error=errors.ContentFiltered, code="content_filter")
TOO_LARGE = replace(
    INVALID,
    error=errors.PayloadTooLarge,
    code="request_too_large",
    status=413,
    raises=openai.APIStatusError,
)
GIVEN_UP = Ending(errors.RequestGivenUp, "upstream_timeout", 504, _FAILED, "counted half")
CONFLICT = Ending(
    errors.RequestConflict, "upstream_error", 409, openai.ConflictError, "counted half"
)
REDIRECT = Ending(
    errors.RedirectRefused, "upstream_redirect", 502, _FAILED, "off for all models", cured=False
)
NO_HEADERS = Ending(errors.HeadersTimedOut, "upstream_timeout", 504, _FAILED, "counted")
NO_EVENT = replace(NO_HEADERS, error=errors.FirstEventTimedOut)
SILENT = replace(NO_HEADERS, error=(errors.IdleTimedOut, errors.FirstEventTimedOut))
OUT_OF_TIME = Ending(
    errors.DeadlineExceeded, "deadline_exceeded", 504, _FAILED, "counted", falls_back=False
)
BAD_CONTENT = Ending(
    (errors.BadContent, errors.MalformedAnswer), "bad_upstream_content", 502, _FAILED, "counted"
)
TOO_MUCH = replace(BAD_CONTENT, error=errors.AnswerTooLarge)
EMPTY = Ending(errors.EmptyAnswer, "empty_answer", 502, _FAILED, "counted")
TRUNCATED = Ending(errors.StreamTruncated, "stream_truncated", 502, _FAILED, "counted")

OPENAI, ANTHROPIC, GOOGLE = DIALECTS
PLAIN, STREAM = "plain", "stream"
MODES = (PLAIN, STREAM)

SHORT = 0.2
"""Seconds to wait for an upstream that says nothing."""


@dataclass(frozen=True, slots=True)
class Row:
    """A failure of the simulator under its number in the table.

    ``exceptions`` are the endings of a dialect, or of a dialect and a mode, that differ.
    ``timeout`` is the failing connection's, ``limits`` are settings, both in seconds.
    """

    number: int
    failure: str
    ending: Ending
    exceptions: Mapping[tuple[str, ...], Ending] = field(default_factory=dict)
    modes: tuple[str, ...] = MODES
    dialects: tuple[str, ...] = (OPENAI, ANTHROPIC, GOOGLE)
    timeout: float = 20.0
    limits: Mapping[str, float] = field(default_factory=dict)

    def ending_for(self, dialect: str, mode: str) -> Ending:
        """What must follow where an upstream of ``dialect`` fails so."""
        keys = ((dialect, mode), (dialect,), (mode,))
        return next((self.exceptions[key] for key in keys if key in self.exceptions), self.ending)


def _told(seconds: int) -> Ending:
    return replace(RATE_LIMITED, wait=(seconds, seconds))


ROWS = (
    Row(6, "rate-limit", _told(30)),
    Row(7, "status-429", RATE_LIMITED),
    Row(7, "rate-limit-body", RATE_LIMITED, {(GOOGLE,): _told(30)}),
    Row(8, "quota", QUOTA),
    Row(8, "credit", QUOTA),
    Row(8, "status-402", QUOTA),
    Row(9, "overloaded", replace(OVERLOADED, health="cooling", wait=(5, 5))),
    Row(9, "status-503", OVERLOADED),
    Row(9, "status-529", OVERLOADED),
    Row(10, "status-500", SERVER),
    Row(10, "status-502", SERVER),
    Row(10, "status-504", PROXY_TIMED_OUT),
    Row(10, "status-520", SERVER),
    Row(11, "status-401", KEY),
    Row(11, "status-403", KEY),
    Row(12, "status-404", MODEL),
    Row(13, "status-400", INVALID),
    Row(13, "status-422", INVALID),
    Row(15, "filter", FILTERED),
    Row(16, "status-413", TOO_LARGE),
    Row(17, "status-408", GIVEN_UP),
    Row(17, "status-409", CONFLICT),
    Row(17, "status-425", CONFLICT),
    Row(18, "redirect", REDIRECT),
    Row(19, "hang", NO_HEADERS, timeout=SHORT),
    Row(20, "hang-after-headers", NO_EVENT, timeout=SHORT),
    Row(20, "silence-pings-20", NO_EVENT, modes=(STREAM,), timeout=SHORT),
    Row(21, "reset", RESET),
    Row(21, "close", RESET),
    Row(22, "html", BAD_CONTENT),
    Row(22, "bad-http", BAD_CONTENT),
    Row(23, "error-in-200", SERVER),
    Row(23, "error-in-200-429", RATE_LIMITED),
    Row(23, "error-in-200-401", KEY),
    Row(24, "cut-json", BAD_CONTENT, {(STREAM,): TRUNCATED}),
    Row(24, "wrong-json", BAD_CONTENT),
    Row(25, "empty", EMPTY, {(GOOGLE, STREAM): TRUNCATED}),
    Row(27, "sse-error-first", OVERLOADED, {(OPENAI,): SERVER}, modes=(STREAM,)),
    Row(27, "sse-error-first-429", RATE_LIMITED, modes=(STREAM,)),
    Row(27, "sse-error-first-401", KEY, modes=(STREAM,)),
    Row(
        29,
        "close-midstream-0",
        RESET,
        {(OPENAI, STREAM): TRUNCATED, (ANTHROPIC, STREAM): TRUNCATED},
    ),
    Row(29, "reset-midbody", RESET, modes=(PLAIN,)),
    Row(30, "hang-midstream-0", SILENT, timeout=SHORT, limits={"IDLE_TIMEOUT": SHORT}),
    Row(31, "malformed-event-first", BAD_CONTENT, modes=(STREAM,)),
    Row(31, "bad-utf8", BAD_CONTENT, modes=(PLAIN,)),
    Row(33, "huge-event", TOO_MUCH, modes=(STREAM,), dialects=(OPENAI,)),
    Row(33, "huge-body", TOO_MUCH, modes=(PLAIN,), dialects=(ANTHROPIC,)),
    Row(33, "gzip-bomb", TOO_MUCH, dialects=(GOOGLE,)),
    Row(36, "drip-20", OUT_OF_TIME, limits={"DEADLINE": 0.4}, dialects=(OPENAI, GOOGLE)),
    Row(38, "hang", OUT_OF_TIME, limits={"DEADLINE": SHORT}, dialects=(ANTHROPIC,)),
    Row(40, "rate-limit-date", _told(30)),
    Row(40, "retry-after-negative", replace(_told(0), health="untouched")),
    Row(40, "retry-after-huge", _told(3600)),
    Row(40, "retry-after-nan", RATE_LIMITED),
    Row(40, "retry-after-ms", _told(2)),
)


@dataclass(frozen=True, slots=True)
class Case:
    """One row in one dialect, in some of the modes in which it can happen."""

    row: Row
    dialect: str
    modes: tuple[str, ...]

    def ending(self, mode: str) -> Ending:
        """What must follow."""
        return self.row.ending_for(self.dialect, mode)

    def __str__(self) -> str:
        return f"{self.row.number}-{self.row.failure}-{self.dialect}"


def every_case() -> list[Case]:
    """Each row in each of its dialects and modes."""
    return [Case(row, dialect, row.modes) for row in ROWS for dialect in row.dialects]


def one_dialect_each() -> list[Case]:
    """Each row in each mode: in one dialect after another, and where a dialect is an exception."""
    chosen: list[Case] = []
    for place, row in enumerate(ROWS):
        turn = row.dialects[place % len(row.dialects)]
        for dialect in row.dialects:
            modes = tuple(
                mode
                for mode in row.modes
                if dialect == turn or row.ending_for(dialect, mode) != row.ending_for(turn, mode)
            )
            if modes:
                chosen.append(Case(row, dialect, modes))
    return chosen
