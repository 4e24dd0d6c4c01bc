"""How a provider's connection is tried (``connectors.probing.ConnectorProbe``).

Everything goes through the address guard, over sockets of its own; the fallback and the request
log are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

from django.utils import translation
from django.utils.translation import gettext as _

from ai_client import conf
from ai_client.advice import advice_for, without_advice
from ai_client.ask import Limits
from ai_client.detection import detected
from ai_client.errors import (
    AiClientError,
    EndpointNotFound,
    KeyRejected,
    NoConnection,
    QuotaExhausted,
    RateLimited,
    RequestError,
    ResourceRefused,
    UpstreamError,
    UpstreamModelMissing,
)
from ai_client.model_catalog import named
from ai_client.model_directory import default_directory, listed_models
from ai_client.provider_environment import environment_fields
from ai_client.providers import Provider
from ai_client.snapshot import ConnectionConfig
from ai_client.step_by_step import trial_session, try_steps
from ai_client.transport import run
from ai_client.transport.guard import Guard
from ai_client.transport.sync_engine import HttpxEngine
from ai_client.wire import ListedModel
from connectors.probing import Detection, ModelEntry, NothingDetected, ProbeFailed, Step, Target
from connectors.registry import registry

_NO_LIST_STATUSES = frozenset({404, 405, 410, 501})
_PAST_THE_KEY = (
    QuotaExhausted,
    RateLimited,
    ResourceRefused,
    UpstreamModelMissing,
    RequestError,
)


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
        connection = self._connection(target)
        try:
            listed = self._listed(connection, _limits(target))
        except AiClientError as error:
            raise _failed(error) from None
        default_directory().note(connection, listed)
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
        except (KeyRejected, ResourceRefused) as error:
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
        said = environment_fields(provider, registry.get(provider.slug), target.base_url)
        options = provider.wire_options({**said, **target.fields})
        model, *others = named(provider, target.model or provider.default_model, (), options) or (
            "",
        )
        return ConnectionConfig(
            id=target.connection,
            name=provider.slug,
            provider=provider,
            model=model,
            models=tuple(others),
            base_url=target.base_url,
            api_key=target.api_key,
            timeout=target.timeout,
            revision=target.revision,
            options=options,
        )

    def _listed(
        self, connection: ConnectionConfig, limits: Limits, *, pages: int | None = None
    ) -> list[ListedModel]:
        with closing(HttpxEngine(_guard())) as engine:
            return listed_models(connection, limits, engine, pages=pages)

    def _lists_for_all(self, connection: ConnectionConfig, limits: Limits) -> bool:
        """Whether the list comes without a key too, so that it says nothing about one."""
        try:
            self._listed(replace(connection, api_key=""), limits, pages=1)
        except AiClientError:
            return False
        return True

    def _generates(self, connection: ConnectionConfig, limits: Limits) -> bool:
        if not connection.model:
            unnamed = _("%(provider)s tells nothing without a model's name.")
            advice = advice_for(NoConnection(""))
            raise ProbeFailed(f"{unnamed % {'provider': connection.provider.name}} {advice}")
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


class DetectingProbe(ProviderProbe):
    """Tries connections of a provider that can find out what an address has."""

    def detect(self, target: Target) -> Detection:
        """What is there, found out as the provider does it. Raises ProbeFailed."""
        connection = self._connection(target)
        try:
            found = detected(connection, _limits(target))
        except EndpointNotFound as error:
            # The provider's own words, which it marks and leaves as they are.
            raise NothingDetected(translation.gettext(error.message)) from None
        except AiClientError as error:
            raise _failed(error) from None
        return Detection(found.models, dict(found.fields), found.source)


def _has_no_list(error: AiClientError) -> bool:
    if isinstance(error, EndpointNotFound):
        return True
    return isinstance(error, UpstreamError) and error.upstream_status in _NO_LIST_STATUSES


def _failed(error: AiClientError) -> ProbeFailed:
    said = {"message": without_advice(error), "advice": advice_for(error)}
    # Translators: the message stays in English, so quote it, after the advice.
    return ProbeFailed(_("%(message)s %(advice)s") % said)


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
