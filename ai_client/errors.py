"""Everything that can go wrong between a caller and an upstream, drawn as a tree.

::

    AiClientError
    ├── RequestError                 the caller's request is at fault, no other connection helps
    │   ├── InvalidRequest             400  malformed, or an upstream said 400/422
    │   │   ├── ContextTooLong         400  another connection with more context may do
    │   │   └── InvalidArgument        400  a wrong argument of a Python call; never sent
    │   │       └── NoModelFound         400  no model here can do what the prompt needs
    │   ├── UnsupportedFeature         400  the target's dialect cannot say it; never sent
    │   │   └── CapabilityUnsupported  400  the provider's models are not for that
    │   ├── ContentFiltered            400  a policy of the upstream refused the prompt
    │   ├── PayloadTooLarge            413
    │   ├── RequestTimeout             408  the caller sent its body too slowly
    │   ├── EndpointNotFound           404  a path that the gateway does not serve
    │   ├── MethodNotAllowed           405
    │   ├── ModelNotFound              404  no connection, connection/model or model of that name
    │   ├── AuthenticationFailed       401  missing or unknown gateway key
    │   └── PermissionRefused          403  the gateway key may not do this
    │       └── ConnectorNotApproved   403  nobody has allowed this caller the connector
    ├── AiDisabled                   503  AI is switched off on this site
    ├── TurnsExhausted               502  the model asked for functions once too often
    ├── ContentMissing               500  an answer, but none of the kind that is looked for in it
    ├── NoConnection                 503  nothing is configured, or everything is switched off
    ├── ConfigurationUnavailable     503  the database is away, and nothing was read before
    └── UpstreamError                an upstream failed; class attributes say what follows
        ├── NameNotResolved, AddressRefused, ConnectFailed, ConnectTimedOut, TlsFailed,
        │   PoolExhausted, WriteReset, StaleSocket, ConnectionReset
        ├── RateLimited, QuotaExhausted, Overloaded, KeyRejected, KeyUnreadable,
        │   UpstreamModelMissing, RedirectRefused
        ├── ServerFailed               502
        │   └── GatewayTimedOut          504
        ├── RequestConflict            409
        │   └── RequestGivenUp           504
        ├── HeadersTimedOut, FirstEventTimedOut, IdleTimedOut, DeadlineExceeded
        └── BadContent, MalformedAnswer, AnswerTooLarge, EmptyAnswer, StreamTruncated

``error.retryable``: is the next connection tried? ``error.effect`` over ``error.scope``: what it
does to the connection's health. ``status``, ``code``: what the gateway's client gets in the end.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from enum import Enum
from typing import ClassVar, Self


class Effect(Enum):
    """What a failure does to the health of the connection that failed."""

    NONE = "none"
    BREAKER = "breaker"
    HALF = "half"
    COOLDOWN = "cooldown"
    OFF_UNTIL_EDITED = "off_until_edited"
    OFF_BRIEFLY = "off_briefly"
    OFF_WITH_PROBE = "off_with_probe"


class Scope(Enum):
    """Whose health is affected: the model on that connection, or the whole connection."""

    MODEL = "model"
    CONNECTION = "connection"


class AiClientError(Exception):
    """Base of all errors raised by this package.

    ``message`` is safe to show: no key, no internal URL. ``code`` is a stable word, the same in
    answer, log and docs/errors.md. ``status`` is the gateway's if this error is final.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param

    def with_message(self, message: str) -> Self:
        """The same failure, told in other words."""
        again = copy.copy(self)
        again.args, again.message = (message,), message
        return again

    def clean(self, redact: Callable[[str], str]) -> None:
        """Take secrets out of all that the error says, by ``redact``."""
        self.message = redact(self.message)
        self.args = (self.message,)
        self.param = redact(self.param) if self.param else self.param


class RequestError(AiClientError):
    """The request itself is at fault."""

    status = 400
    code = "invalid_request"


class InvalidRequest(RequestError):
    """Malformed, or refused as invalid by the upstream (400, 422)."""

    upstream_status: int | None = None


class ContextTooLong(InvalidRequest):
    """The prompt does not fit this model's context window."""

    code = "context_length_exceeded"
    retryable = True


class InvalidArgument(InvalidRequest, ValueError):
    """An argument of a Python call is wrong; ``param`` names it. Nothing was sent."""


class NoModelFound(InvalidArgument):
    """No model of the configured providers can do all that the prompt needs."""

    code = "model_not_found"


class UnsupportedFeature(RequestError):
    """The target's dialect cannot express a feature that the request uses."""

    code = "unsupported_feature"
    retryable = True


class CapabilityUnsupported(UnsupportedFeature):
    """The provider or model is not for what is asked; another one may be."""


class ContentFiltered(RequestError):
    """The upstream's content policy refused the prompt."""

    code = "content_filter"


class PayloadTooLarge(RequestError):
    """The body is over the limit, ours or the upstream's."""

    status = 413
    code = "request_too_large"


class RequestTimeout(RequestError):
    """The caller did not finish sending its request in time."""

    status = 408
    code = "request_timeout"


class ModelNotFound(RequestError):
    """Nothing here answers to that model name; ``available`` lists what does."""

    status = 404
    code = "model_not_found"

    def __init__(self, message: str, *, available: tuple[str, ...] = ()) -> None:
        super().__init__(message, param="model")
        self.available = available


class EndpointNotFound(RequestError):
    """The gateway does not serve this path."""

    status = 404
    code = "not_found"


class MethodNotAllowed(RequestError):
    """The gateway serves this path, but not by this method."""

    status = 405
    code = "method_not_allowed"


class AuthenticationFailed(RequestError):
    """The gateway key is missing, unknown, switched off or expired."""

    status = 401
    code = "invalid_api_key"


class PermissionRefused(RequestError):
    """The gateway key is known but may not do this."""

    status = 403
    code = "permission_denied"


class ConnectorNotApproved(PermissionRefused):
    """The caller may not use any connector that could answer; somebody has to allow it."""

    code = "connector_not_approved"


class AiDisabled(AiClientError):
    """AI is switched off: ``AI_CLIENT["ENABLED"]``, or somebody prevented this prompt."""

    status = 503
    code = "prompt_prevented"


class TurnsExhausted(AiClientError):
    """A model still asked for functions when it had been asked as often as was allowed."""

    status = 502
    code = "turns_exhausted"


class ContentMissing(AiClientError):
    """What a program looks for in an answer (a text, an image) is not in it."""

    code = "content_missing"


class NoConnection(AiClientError):
    """No connection is configured and usable."""

    status = 503
    code = "no_connection"


class ConfigurationUnavailable(AiClientError):
    """The database is away and this process has not read its configuration before."""

    status = 503
    code = "configuration_unavailable"
    retry_after: float | None = 1.0


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
