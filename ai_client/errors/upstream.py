"""Failures of upstreams, each with what follows from it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import ClassVar, Self

from ai_client.errors.base import AiClientError, Effect, Scope


class UpstreamError(AiClientError):
    """An upstream failed. Subclasses carry the consequences as class attributes.

    ``retry_after`` is in seconds, clamped to 0..3600; ``upstream_status`` the HTTP status of the
    answer, if there was one. ``double_charge``: the upstream may have done, and billed, the work.
    ``operation_id`` is of a long operation that goes on although nobody waits for it any more.
    """

    status = 502
    code = "upstream_error"
    retryable = True
    effect: ClassVar[Effect] = Effect.BREAKER
    scope: ClassVar[Scope] = Scope.MODEL
    double_charge: ClassVar[bool] = False
    cured_by_retry: ClassVar[bool] = True
    operation_id: str | None = None

    def __init__(
        self,
        message: str,
        *,
        upstream_status: int | None = None,
        retry_after: float | None = None,
        upstream_code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.upstream_status = upstream_status
        self.retry_after = retry_after
        self.upstream_code = upstream_code
        self.should_retry = self.cured_by_retry

    def clean(self, redact: Callable[[str], str]) -> None:
        super().clean(redact)
        self.upstream_code = redact(self.upstream_code) if self.upstream_code else None

    def with_wait(self, seconds: float | None) -> Self:
        """The same failure, met again later without asking the upstream: wait ``seconds``."""
        again = copy.copy(self)
        again.retry_after = seconds
        return again


class NameNotResolved(UpstreamError):
    """DNS does not know the host."""

    code = "upstream_unreachable"
    scope = Scope.CONNECTION


class AddressRefused(UpstreamError):
    """The host resolves to an address that this site does not send to (see SECURITY.md)."""

    code = "upstream_address_refused"
    scope = Scope.CONNECTION
    effect = Effect.OFF_BRIEFLY
    cured_by_retry = False


class ConnectFailed(UpstreamError):
    """The TCP connection was refused or broke while being made."""

    code = "upstream_unreachable"
    scope = Scope.CONNECTION


class ConnectTimedOut(UpstreamError):
    """No TCP connection within the connect timeout."""

    status = 504
    code = "upstream_timeout"
    scope = Scope.CONNECTION


class TlsFailed(UpstreamError):
    """The TLS handshake or certificate check failed."""

    code = "upstream_tls"
    scope = Scope.CONNECTION
    effect = Effect.OFF_BRIEFLY
    cured_by_retry = False


class PoolExhausted(UpstreamError):
    """All of our own connections to that origin are busy. Not the upstream's failure."""

    status = 503
    code = "pool_exhausted"
    effect = Effect.NONE

    def __init__(self, message: str, *, retry_after: float | None = 1.0) -> None:
        super().__init__(message, retry_after=retry_after)


class WriteReset(UpstreamError):
    """The connection was reset while the request was being written."""


class StaleSocket(UpstreamError):
    """A reused socket was reset before any byte came back; asked again on a fresh one."""

    effect = Effect.NONE


class ConnectionReset(UpstreamError):
    """The connection was reset after the request went out, before a usable answer."""

    double_charge = True


class RateLimited(UpstreamError):
    """429: told to wait. Not a failure of the upstream."""

    status = 429
    code = "rate_limited"
    effect = Effect.COOLDOWN


class QuotaExhausted(UpstreamError):
    """Out of quota or credit: waiting does not help, paying does."""

    status = 429
    code = "quota_exhausted"
    effect = Effect.OFF_WITH_PROBE
    scope = Scope.CONNECTION
    cured_by_retry = False


class Overloaded(UpstreamError):
    """503, 529: overloaded."""

    status = 503
    code = "upstream_overloaded"


class ServerFailed(UpstreamError):
    """500, 502, 52x."""


class GatewayTimedOut(ServerFailed):
    """504: a proxy in front of the upstream's model gave up waiting."""

    status = 504
    code = "upstream_timeout"
    double_charge = True


class KeyRejected(UpstreamError):
    """401, 403: the upstream does not accept the connection's key."""

    code = "upstream_auth"
    effect = Effect.OFF_UNTIL_EDITED
    scope = Scope.CONNECTION
    cured_by_retry = False


class ResourceRefused(UpstreamError):
    """403: the account may not use something that this request asks for; other requests it may.

    Counts half, so that only a model that nobody may use is left alone after a while.
    """

    code = "upstream_auth"
    effect = Effect.HALF
    cured_by_retry = False


class KeyUnreadable(UpstreamError):
    """The stored key cannot be decrypted, so nothing was sent."""

    code = "upstream_auth"
    effect = Effect.OFF_UNTIL_EDITED
    scope = Scope.CONNECTION
    cured_by_retry = False


class UpstreamModelMissing(UpstreamError):
    """404: the upstream has no such model or deployment."""

    status = 404
    code = "model_not_found"
    effect = Effect.OFF_UNTIL_EDITED
    cured_by_retry = False


class EndpointMissing(UpstreamError):
    """404, 405: the server, or this model there, is not asked in that format; in another it may."""

    status = 404
    code = "endpoint_missing"
    effect = Effect.NONE
    cured_by_retry = False


class RequestConflict(UpstreamError):
    """409, 425: the upstream cannot take this request just now; counts half."""

    status = 409
    effect = Effect.HALF


class RequestGivenUp(RequestConflict):
    """408: the upstream gave up waiting for, or working on, this request; counts half."""

    status = 504
    code = "upstream_timeout"


class RedirectRefused(UpstreamError):
    """A redirect, which is never followed: it would carry the key elsewhere."""

    code = "upstream_redirect"
    effect = Effect.OFF_UNTIL_EDITED
    scope = Scope.CONNECTION
    cured_by_retry = False


class HeadersTimedOut(UpstreamError):
    """No response headers within the connection's timeout."""

    status = 504
    code = "upstream_timeout"
    double_charge = True


class FirstEventTimedOut(UpstreamError):
    """Headers came, the first event did not."""

    status = 504
    code = "upstream_timeout"
    double_charge = True


class IdleTimedOut(UpstreamError):
    """Silence between events for longer than the idle timeout."""

    status = 504
    code = "upstream_timeout"
    double_charge = True


class DeadlineExceeded(UpstreamError):
    """The total time for the request is over; nothing more is tried."""

    status = 504
    code = "deadline_exceeded"
    retryable = False
    double_charge = True


class BadContent(UpstreamError):
    """A 200 whose body is not what was asked for: HTML, another type."""

    code = "bad_upstream_content"


class MalformedAnswer(UpstreamError):
    """Malformed or cut JSON, or a malformed event."""

    code = "bad_upstream_content"
    double_charge = True


class AnswerTooLarge(UpstreamError):
    """An event over 16 MiB, an answer over 64 MiB, or a compression bomb."""

    code = "bad_upstream_content"
    double_charge = True


class EmptyAnswer(UpstreamError):
    """An answer without content and without a finish reason."""

    code = "empty_answer"
    double_charge = True


class StreamTruncated(UpstreamError):
    """The stream ended without the end that its dialect prescribes."""

    code = "stream_truncated"
    double_charge = True
