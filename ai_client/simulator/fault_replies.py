"""Failures that are a complete HTTP answer: errors in the vendor's words, HTML, redirects."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from ai_client.simulator.dialect import Kind, Problem
from ai_client.simulator.faults import Fault
from ai_client.simulator.http_server import Reply
from ai_client.simulator.writing import Job

_HTML = b"<!doctype html><html><head><title>502</title></head><body>Bad gateway</body></html>"

Renderer = Callable[[Job, Fault], Reply]


def _with(reply: Reply, *headers: tuple[str, str]) -> Reply:
    return Reply(reply.status, reply.body, reply.content_type, (*reply.headers, *headers))


def _status(job: Job, fault: Fault) -> Reply:
    return job.dialect.error(Problem(int(fault.number)))


def _rate_limit(job: Job, fault: Fault) -> Reply:
    reply = job.dialect.error(Problem(429, Kind.RATE_LIMIT, retry_in=fault.number))
    return _with(reply, ("Retry-After", f"{fault.number:g}"))


def _rate_limit_body(job: Job, fault: Fault) -> Reply:
    return job.dialect.error(Problem(429, Kind.RATE_LIMIT, retry_in=fault.number))


def _rate_limit_date(job: Job, fault: Fault) -> Reply:
    now = datetime.now(UTC)
    until = now + timedelta(seconds=fault.number)
    reply = job.dialect.error(Problem(429, Kind.RATE_LIMIT))
    return _with(
        reply,
        ("Date", format_datetime(now, usegmt=True)),
        ("Retry-After", format_datetime(until, usegmt=True)),
    )


def _retry_after(value: str) -> Renderer:
    def render(job: Job, fault: Fault) -> Reply:
        reply = job.dialect.error(Problem(429, Kind.RATE_LIMIT))
        return _with(reply, ("Retry-After", value))

    return render


def _retry_after_ms(job: Job, fault: Fault) -> Reply:
    reply = job.dialect.error(Problem(429, Kind.RATE_LIMIT))
    return _with(reply, ("retry-after-ms", f"{fault.number:g}"))


def _overloaded(job: Job, fault: Fault) -> Reply:
    reply = job.dialect.error(Problem(529 if job.dialect.name == "anthropic" else 503))
    return _with(reply, ("Retry-After", f"{fault.number:g}"))


def _of_kind(status: int, kind: Kind) -> Renderer:
    return lambda job, fault: job.dialect.error(Problem(status, kind))


def _filter(job: Job, fault: Fault) -> Reply:
    reply = job.dialect.error(Problem(400, Kind.FILTER))
    if reply.status != 200 or not job.stream:
        return reply
    # Google's answer to a stream is one, whatever it says.
    if "alt=sse" in job.exchange.request.target:
        return Reply(200, b"data: " + reply.body + b"\r\n\r\n", "text/event-stream")
    return Reply(200, b"[" + reply.body + b"]")


def _redirect(job: Job, fault: Fault) -> Reply:
    host, _, port = job.exchange.request.header("host").rpartition(":")
    location = f"http://{host}:{int(fault.number) or port}/redirected{job.exchange.request.target}"
    return Reply(302, b"", "text/plain", (("Location", location),))


def _html(job: Job, fault: Fault) -> Reply:
    return Reply(200, _HTML, "text/html; charset=utf-8")


def _error_in_200(job: Job, fault: Fault) -> Reply:
    return Reply(200, job.dialect.error(Problem(int(fault.number))).body)


REPLIES: dict[str, Renderer] = {
    "status": _status,
    "rate-limit": _rate_limit,
    "rate-limit-body": _rate_limit_body,
    "rate-limit-date": _rate_limit_date,
    "retry-after-negative": _retry_after("-5"),
    "retry-after-huge": _retry_after("999999999"),
    "retry-after-nan": _retry_after("NaN"),
    "retry-after-ms": _retry_after_ms,
    "overloaded": _overloaded,
    "quota": _of_kind(429, Kind.QUOTA),
    "credit": _of_kind(402, Kind.CREDIT),
    "context": _of_kind(400, Kind.CONTEXT),
    "filter": _filter,
    "redirect": _redirect,
    "html": _html,
    "error-in-200": _error_in_200,
}
