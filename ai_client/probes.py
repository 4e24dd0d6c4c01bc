"""How a provider's connection is tried (``connectors.probing.ConnectorProbe``).

Everything goes through the address guard, over sockets of its own; the fallback and the request
log are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from time import monotonic

from ai_client import conf
from ai_client.advice import advice_for
from ai_client.ask import Limits
from ai_client.errors import (
    AiClientError,
    EndpointNotFound,
    KeyRejected,
    NoConnection,
    QuotaExhausted,
    RateLimited,
    RequestError,
    UpstreamError,
    UpstreamModelMissing,
)
from ai_client.log.redaction import hide
from ai_client.model_listing import list_models
from ai_client.providers import Provider
from ai_client.reading import Patience
from ai_client.snapshot import ConnectionConfig
from ai_client.step_by_step import trial_session, try_steps
from ai_client.transport import drive, run
from ai_client.transport.guard import Guard
from ai_client.transport.sync_engine import HttpxEngine
from ai_client.wire import ListedModel
from connectors.probing import ModelEntry, ProbeFailed, Step, Target

MAXIMUM_MODELS = 5000

_NO_LIST_STATUSES = frozenset({404, 405, 410, 501})
_PAST_THE_KEY = (QuotaExhausted, RateLimited, UpstreamModelMissing, RequestError)


class ProviderProbe:
    """Tries connections of one provider."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def __repr__(self) -> str:
        return f"ProviderProbe({self._provider.slug!r})"

    def steps(self, target: Target) -> Iterator[Step]:
        """The steps of ``step_by_step``. What they find counts for the health of a connection
        that is tried as it is stored.
        """
        connection = self._connection(target)

        def noted(seconds: float, error: UpstreamError | None) -> None:
            if target.connection:
                # Imported late: the client reads the configuration, which knows the providers.
                from ai_client.client import default_client

                default_client().note_trial(connection, seconds, error)

        return try_steps(connection, _guard(), _limits(target), noted)

    def models(self, target: Target) -> list[ModelEntry]:
        """The provider's models in its own order. Raises ProbeFailed."""
        try:
            listed = self._listed(self._connection(target), _limits(target))
        except AiClientError as error:
            raise _failed(error) from None
        return [ModelEntry(each.id, each.name) for each in listed]

    def accepts_key(self, target: Target) -> bool:
        """Whether the provider takes the key. Raises ProbeFailed where that cannot be told.

        The list of models tells, unless it can be had without a key; then a minimal request does.
        """
        connection, limits = self._connection(target), _limits(target)
        try:
            listed = self._listed(connection, limits, pages=1)
            if not self._provider.key_required or not self._lists_for_all(connection, limits):
                return True
        except (RateLimited, QuotaExhausted):
            return True
        except KeyRejected as error:
            # 403 may be about the list alone: some keys may generate and nothing else.
            if error.upstream_status != 403:
                return False
            listed = []
        except AiClientError as error:
            if not _has_no_list(error):
                raise _failed(error) from None
            listed = []
        model = connection.model or (listed[0].id if listed else "")
        return self._generates(replace(connection, model=model), limits)

    def _connection(self, target: Target) -> ConnectionConfig:
        provider = self._provider
        return ConnectionConfig(
            id=target.connection,
            name=provider.slug,
            provider=provider,
            model=target.model or provider.default_model,
            base_url=target.base_url,
            api_key=target.api_key,
            timeout=target.timeout,
            revision=target.revision,
            options=provider.wire_options(dict(target.fields)),
        )

    def _listed(
        self, connection: ConnectionConfig, limits: Limits, *, pages: int | None = None
    ) -> list[ListedModel]:
        engine = HttpxEngine(_guard())
        listing = list_models(connection, Patience(limits, monotonic), limits.connect, hide)
        found: dict[str, ListedModel] = {}
        try:
            with closing(drive(listing, engine)) as received:
                for number, page in enumerate(received, 1):
                    found |= {each.id: each for each in page.models}
                    if number == pages or len(found) >= MAXIMUM_MODELS:
                        break
        finally:
            engine.close()
        return list(found.values())[:MAXIMUM_MODELS]

    def _lists_for_all(self, connection: ConnectionConfig, limits: Limits) -> bool:
        """Whether the list comes without a key too, so that it says nothing about one."""
        try:
            self._listed(replace(connection, api_key=""), limits, pages=1)
        except AiClientError:
            return False
        return True

    def _generates(self, connection: ConnectionConfig, limits: Limits) -> bool:
        if not connection.model:
            raise _failed(
                NoConnection(f"{connection.provider.name} tells nothing without a model's name.")
            )
        engine = HttpxEngine(_guard())
        session = trial_session(connection, limits, stream=False)
        try:
            with closing(run(session, engine)) as outputs:
                next(outputs)
        except KeyRejected:
            return False
        except _PAST_THE_KEY:
            return True
        except AiClientError as error:
            raise _failed(error) from None
        finally:
            engine.close()
        return True


def _has_no_list(error: AiClientError) -> bool:
    if isinstance(error, EndpointNotFound):
        return True
    return isinstance(error, UpstreamError) and error.upstream_status in _NO_LIST_STATUSES


def _failed(error: AiClientError) -> ProbeFailed:
    return ProbeFailed(f"{error.message} {advice_for(error)}")


def _guard() -> Guard:
    return Guard(conf.allowed_private_hosts)


def _limits(target: Target) -> Limits:
    """The target's timeout for each wait, and twice that for all; nobody watches longer."""
    limits = conf.limits()
    return replace(
        limits,
        deadline=min(limits.deadline, 2 * target.timeout),
        connect=min(limits.connect, target.timeout),
        idle=min(limits.idle, target.timeout),
        attempts=1,
    )
