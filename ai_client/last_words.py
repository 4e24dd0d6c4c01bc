"""The error that a caller gets for what was tried: pure."""

from __future__ import annotations

from ai_client.errors import (
    AiClientError,
    InvalidRequest,
    KeyRejected,
    MalformedAnswer,
    UpstreamError,
)
from ai_client.progress import Attempt
from ai_client.router import Route


def legible(failure: AiClientError | RecursionError, attempt: Attempt) -> AiClientError:
    """The failure of an attempt, in words."""
    if isinstance(failure, AiClientError):
        return failure
    if attempt.status is None:
        return InvalidRequest("The request is nested too deeply.")
    return MalformedAnswer("The upstream's answer is nested too deeply.")


def exhausted(attempts: list[Attempt], tried: list[AiClientError]) -> AiClientError:
    """The error that stands for all: the last failure of an upstream, else the last refusal."""
    upstream = [error for error in tried if isinstance(error, UpstreamError)]
    last = upstream[-1] if upstream else tried[-1]
    if len(attempts) < 2:
        return _named(last, attempts[0].route) if isinstance(last, UpstreamError) else last
    reasons = "; ".join(
        f"{attempt.route.connection.name}: {attempt.error.message}"
        for attempt in attempts
        if attempt.error is not None
    )
    if isinstance(last, UpstreamError):
        waits = [error.retry_after for error in upstream if error.retry_after is not None]
        last = last.with_wait(min(waits, default=None))
        last.should_retry = any(error.cured_by_retry for error in upstream)
    return last.with_message(f"No connection could answer. {reasons}")


def _named(error: UpstreamError, route: Route) -> UpstreamError:
    """The failure with the name of the connection that failed."""
    whose = ": the site's own key was refused" if isinstance(error, KeyRejected) else ""
    return error.with_message(f"{route.connection.name}{whose}: {error.message}")
