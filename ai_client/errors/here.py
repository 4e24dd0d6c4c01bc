"""Errors that say nothing of an upstream: of the caller's request, or of this site."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from ai_client.errors.base import AiClientError

if TYPE_CHECKING:
    from ai_client.events import Event


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
    """The upstream's content policy refused the prompt.

    ``events`` say the same as an answer, where the upstream said it in one (200): a caller of its
    dialect gets that as it came.
    """

    code = "content_filter"
    events: tuple[Event, ...] = ()


class PayloadTooLarge(RequestError):
    """The body is over the limit, ours or the upstream's."""

    status = 413
    code = "request_too_large"


class TooManyParts(PayloadTooLarge):
    """More messages and parts than are translated for a connection of another dialect."""

    retryable = True


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


class KeyLimitReached(RequestError):
    """A limit of the gateway key is reached; ``retry_after`` are the seconds until it ends.

    ``headers`` are the rate-limit headers of the answer.
    """

    status = 429
    code = "rate_limit_exceeded"

    def __init__(
        self, message: str, *, retry_after: float, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.headers = headers or {}

    def __reduce__(self) -> tuple[Any, ...]:
        # What is copied or pickled is made anew of its message alone otherwise.
        return partial(type(self), retry_after=self.retry_after), self.args, vars(self)


class BudgetExhausted(KeyLimitReached):
    """The gateway key's budget for the day or the month is spent."""

    code = "budget_exhausted"


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
