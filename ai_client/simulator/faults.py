"""The failures that can be asked for: their names, their parameters, and how a request asks.

A request asks by its model, ``fail-FAILURE`` or ``fail-FAILURE--MODEL``, or by its path,
``/fail/FAILURE/…``; the path wins. ``FAILURE@N`` fails only the first N times and then works.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

STATUSES = (400, 401, 402, 403, 404, 408, 409, 413, 422, 425, 429, 500, 502, 503, 504, 520, 529)


@dataclass(frozen=True, slots=True)
class Mode:
    """A failure by name. ``parameter`` names the number that may follow, with its ``default``."""

    name: str
    does: str
    parameter: str = ""
    default: float | None = None

    @property
    def written(self) -> str:
        """The name as it is written, with its parameter."""
        if not self.parameter:
            return self.name
        return (
            f"{self.name}-{self.parameter}"
            if self.default is None
            else (f"{self.name}[-{self.parameter}]")
        )


MODES: dict[str, Mode] = {
    mode.name: mode
    for mode in (
        Mode("ok", "answers as if nothing were asked for"),
        Mode("status", "an error in the vendor's shape with that status", "CODE"),
        Mode("rate-limit", "429 with Retry-After, 30 s", "SECONDS", 30),
        Mode(
            "rate-limit-body", "429 that says when to retry in the body only, 30 s", "SECONDS", 30
        ),
        Mode("rate-limit-date", "429 with Retry-After as an HTTP date, 30 s ahead", "SECONDS", 30),
        Mode("retry-after-negative", "429 with Retry-After: -5"),
        Mode("retry-after-huge", "429 with Retry-After: 999999999"),
        Mode("retry-after-nan", "429 with Retry-After: NaN"),
        Mode("retry-after-ms", "429 with retry-after-ms only, 1500 ms", "MS", 1500),
        Mode("overloaded", "503 (Anthropic 529) with Retry-After, 5 s", "SECONDS", 5),
        Mode("quota", "insufficient_quota, billing_error, RESOURCE_EXHAUSTED of the plan"),
        Mode("credit", "credit used up: 402, Anthropic 400, Google 429"),
        Mode("context", "400: the prompt is longer than the context window"),
        Mode("filter", "a content filter refuses the prompt (Google: 200, blockReason)"),
        Mode("filter-finish", "200 whose finish reason is the content filter or a refusal"),
        Mode("redirect", "302 to PORT on this host, to the simulator itself if none", "PORT", 0),
        Mode("hang", "reads the request and says nothing until the client leaves"),
        Mode("hang-after-headers", "200 and headers, then nothing"),
        Mode("hang-midstream", "2 content events (half a body), then nothing", "EVENTS", 2),
        Mode("reset", "RST before any byte"),
        Mode("reset-midbody", "RST in the middle of the body", "EVENTS", 2),
        Mode("reset-midstream", "RST after 2 content events (half a body)", "EVENTS", 2),
        Mode("reset-on-reuse", "works on a fresh socket, RST on a reused one"),
        Mode("close", "FIN before any byte"),
        Mode(
            "close-midstream", "FIN after 2 content events (half a body), framing cut", "EVENTS", 2
        ),
        Mode("bad-http", "bytes that are no HTTP answer"),
        Mode("html", "200 with a page of HTML"),
        Mode("wrong-json", "200 with JSON of another shape"),
        Mode("cut-json", "200 with JSON that stops in the middle, properly framed"),
        Mode("error-in-200", "200 with an error body, 500 inside", "CODE", 500),
        Mode("empty", "200 without content and without a finish reason"),
        Mode("empty-finish", "200 without content, with a finish reason"),
        Mode("azure-first-chunk", "a first event without candidates, then a normal stream"),
        Mode("usage-only", "events with usage only between the others"),
        Mode("sse-error-first", "an error event before any content, 503 inside", "CODE", 503),
        Mode("sse-error-later", "an error event after 2 content events, 503 inside", "CODE", 503),
        Mode(
            "truncated",
            "the stream ends, properly framed, after its content (N events)",
            "EVENTS",
            0,
        ),
        Mode(
            "no-end-marker", "all but the last event: [DONE], message_stop, Google's finish reason"
        ),
        Mode("malformed-event-first", "an event that is no JSON before any content"),
        Mode("malformed-event-later", "an event that is no JSON after 2 content events"),
        Mode("bad-utf8", "an event whose text is not UTF-8 after 2 content events"),
        Mode("crlf", "a valid stream with CRLF line ends"),
        Mode("cr", "a valid stream with CR line ends"),
        Mode("multiline", "a valid stream with JSON over several data lines"),
        Mode("comments", "a valid stream with comments, ids and retry fields"),
        Mode("bom", "a valid stream that begins with a byte order mark"),
        Mode("u2028", "a valid stream with U+2028 and U+0085 inside the text"),
        Mode("one-byte", "a valid answer, each byte sent by itself"),
        Mode("huge-event", "one event of 17 MiB", "MIB", 17),
        Mode("huge-body", "an answer of 65 MiB", "MIB", 65),
        Mode("gzip-bomb", "a small compressed answer of 65 MiB", "MIB", 65),
        Mode("ignore-stream", "a complete JSON answer though a stream was asked for"),
        Mode("force-stream", "a stream though a complete answer was asked for"),
        Mode("drip", "one byte every 1000 ms", "MS", 1000),
        Mode("slow", "100 ms before each event", "MS", 100),
        Mode("slow-headers", "headers only after 5 s, then ok", "SECONDS", 5),
        Mode("slow-first-event", "the first event 5 s after the headers", "SECONDS", 5),
        Mode("silence-pings", "nothing but pings, every 100 ms", "MS", 100),
        Mode("pings-then-ok", "3 pings, then ok", "COUNT", 3),
        Mode("bad-tool-json", "tool arguments that are no JSON (where the dialect can say it)"),
    )
}

_TIMES = re.compile(r"(.+)@(\d+)")
_NUMBER = re.compile(r"(.+)-(\d+(?:\.\d+)?)")
_MODEL = re.compile(r"fail-(.+?)(?:--(.*))?")
_PATH = re.compile(r"/fail/([^/]+)(/.*)")


class UnknownFault(ValueError):
    """No failure of that name, or a number where there is none or none where there must be."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A failure that a request asks for; ``times`` limits how often it happens."""

    mode: str
    number: float = 0
    times: int | None = None
    written: str = ""


OK = Fault("ok", written="ok")


def parse_fault(written: str) -> Fault:
    """The failure of that name; ``UnknownFault`` names those there are."""
    name, times = written, None
    if match := _TIMES.fullmatch(name):
        name, times = match[1], int(match[2])
    if (mode := MODES.get(name)) and (not mode.parameter or mode.default is not None):
        return Fault(name, mode.default or 0, times, written)
    if (match := _NUMBER.fullmatch(name)) and (mode := MODES.get(match[1])) and mode.parameter:
        return Fault(mode.name, float(match[2]), times, written)
    known = ", ".join(mode.written for mode in MODES.values())
    raise UnknownFault(f"The simulator knows no failure {written!r}. It knows: {known}.")


def fault_in_path(path: str) -> tuple[str, str]:
    """The failure that a path asks for, or an empty string, and the path without it."""
    match = _PATH.fullmatch(path)
    return (match[1], match[2]) if match else ("", path)


def fault_in_model(model: str) -> str:
    """The failure that a model name asks for, or an empty string."""
    match = _MODEL.fullmatch(model)
    return match[1] if match else ""


def listing() -> str:
    """All failures as a table for people."""
    width = max(len(mode.written) for mode in MODES.values())
    return "\n".join(f"{mode.written:<{width}}  {mode.does}" for mode in MODES.values())
