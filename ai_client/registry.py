"""Providers as a Python program sees them: who there is, who is configured, which models fit.

``default_registry()`` is the site's: its providers are those of ``registration``, its keys are
bound in the order of ``connectors.binding``, and its offers are the snapshot's connections. A
``ProviderRegistry`` of one's own has the providers that are registered with it, for tests and for
programs that keep their keys themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, partial
from threading import Lock
from typing import Self

from django.views.decorators.debug import sensitive_variables

from ai_client import conf, registration
from ai_client.capabilities import (
    Capability,
    JsonValue,
    ModelMetadata,
    ModelRequirements,
    ProviderMetadata,
    ProviderModels,
    require,
    text,
)
from ai_client.configuration import configuration
from ai_client.connections import provider_connection
from ai_client.errors import InvalidArgument
from ai_client.model_catalog import metadata, provider_metadata
from ai_client.model_directory import ModelDirectory, default_directory, is_shunned
from ai_client.providers import Auth, Provider, fits
from ai_client.registration import as_connector
from ai_client.requirements import are_met_by
from ai_client.selection import Offer, supports
from ai_client.snapshot import ConnectionConfig, Snapshot
from ai_client.stand_in import present
from ai_client.transport import AsyncEngine, Engine
from ai_client.wire import UnknownWireFormat, asking_face, client_face
from connectors.binding import Credential, Resolution, bind, is_sendable
from connectors.credentials import provider_address, provider_keys
from connectors.errors import RegistryError
from connectors.registry import registry as connectors
from connectors.values import ConnectorType


@dataclass(frozen=True, slots=True)
class Authentication:
    """A provider's key. ``auth`` says which header takes it; None: the provider's own.

    Raises InvalidArgument for a key that no HTTP header can carry.
    """

    api_key: str = field(repr=False)
    auth: Auth | None = None

    def __post_init__(self) -> None:
        if not is_sendable(self.api_key):
            raise InvalidArgument(
                "The API key holds characters that no HTTP header can carry.", param="api_key"
            )

    def to_dict(self) -> dict[str, JsonValue]:
        """``{"apiKey": …}``: the key in clear."""
        return {"apiKey": self.api_key}

    @classmethod
    def from_dict(cls, data: Mapping[str, JsonValue]) -> Self:
        require(data, cls.__name__, "apiKey")
        return cls(text(data, "apiKey"))


@dataclass(frozen=True, slots=True)
class Transporter:
    """What moves bytes for a registry's providers, blocking and awaiting.

    Raises InvalidArgument for what has no ``open`` and ``close``.
    """

    engine: Engine
    async_engine: AsyncEngine

    def __post_init__(self) -> None:
        for name in self.__slots__:
            engine = getattr(self, name)
            if not all(callable(getattr(engine, each, None)) for each in ("open", "close")):
                raise InvalidArgument(
                    f"{name} is an engine of ai_client.transport, not {type(engine).__name__}.",
                    param=name,
                )


class ProviderRegistry:
    """Providers by id, in the order in which they came. Ids that are unknown: InvalidArgument."""

    def __init__(
        self, providers: Iterable[Provider] = (), *, directory: ModelDirectory | None = None
    ) -> None:
        self._providers: dict[str, Provider] = {}
        self._putting = Lock()
        self._authentications: dict[str, Authentication] = {}
        self._transporter: Transporter | None = None
        self._directory = directory or ModelDirectory(
            engine=self._engine, is_shunned=self._is_shunned
        )
        self._offers: tuple[Snapshot, tuple[Offer, ...]] | None = None
        for provider in providers:
            self.register(provider)

    def register(self, provider: Provider) -> None:
        """Add a provider, in place of one of the same slug if there is one.

        Raises InvalidArgument for one that nobody could ask: with an address that is none, say, or
        a wire format that does not exist.
        """
        if not isinstance(provider, Provider):
            raise InvalidArgument(
                f"A provider is an ai_client.providers.Provider, not {provider!r}.",
                param="provider",
            )
        _require_sound(provider)
        self._put(provider)
        self._offers = None

    def ids(self) -> tuple[str, ...]:
        """The ids of all registered providers."""
        return tuple(self._table())

    def has(self, provider_id: str) -> bool:
        """Whether a provider of that id is registered."""
        return _provider_id(provider_id) in self._table()

    def provider(self, provider_id: str) -> Provider:
        """The provider of that id."""
        found = self._table().get(_provider_id(provider_id))
        if found is None:
            known = ", ".join(self.ids()) or "none"
            raise InvalidArgument(
                f"No provider {provider_id!r} is registered. Registered: {known}.",
                param="provider",
            )
        return found

    def metadata(self, provider_id: str) -> ProviderMetadata:
        """Who the provider is."""
        return provider_metadata(self.provider(provider_id))

    def is_configured(self, provider_id: str) -> bool:
        """Whether prompts can be sent to the provider; False for an unknown one, or with AI off.

        By what is configured: nobody is asked, so a key that the provider refuses counts too.
        """
        _provider_id(provider_id)
        offers = self._offers_of(provider_id) if conf.ai_enabled() else ()
        return any(not offer.connection.unusable for offer in offers)

    def models_for(self, requirements: ModelRequirements) -> tuple[ProviderModels, ...]:
        """The configured providers with the models that meet the requirements; others left out."""
        found = (
            ProviderModels(self.metadata(each), self.provider_models(each, requirements))
            for each in self.ids()
        )
        return tuple(each for each in found if each.models)

    def provider_models(
        self, provider_id: str, requirements: ModelRequirements | None = None
    ) -> tuple[ModelMetadata, ...]:
        """The provider's models, of all its connections, that meet the requirements."""
        self.provider(provider_id)
        wanted = requirements or ModelRequirements()
        found = {
            model.id: model
            for offer in reversed(self._offers_of(provider_id))
            for model in reversed(offer.models())
            if _is_fit(offer, model, wanted)
        }
        return tuple(reversed(found.values()))

    def model(self, provider_id: str, model_id: str) -> ModelMetadata:
        """What the provider's model can do. InvalidArgument for one that it does not have."""
        provider = self.provider(provider_id)
        if not isinstance(model_id, str):
            raise InvalidArgument("A model is named by its id.", param="model")
        for offer in self._offers_of(provider_id):
            for model in (*offer.named, *offer.models()):
                if model.id == model_id:
                    return model
        # Nobody has listed it. What its provider's own table knows exists all the same.
        if any(fits(model_id, kind.models) for kind in provider.kinds):
            return metadata(provider, model_id)
        raise InvalidArgument(f"{provider.name} has no model {model_id!r}.", param="model")

    @sensitive_variables()
    def set_authentication(self, provider_id: str, authentication: Authentication | str) -> None:
        """Give the provider a key, or a key and the header that takes it.

        It comes after environment, settings and stored keys, and wins.
        """
        provider = self.provider(provider_id)
        if isinstance(authentication, str):
            authentication = Authentication(authentication)
        if not isinstance(authentication, Authentication):
            raise InvalidArgument(
                "An authentication is a key, or an ai_client.registry.Authentication.",
                param="authentication",
            )
        if authentication.auth is not None:
            self.register(replace(provider, auth=authentication.auth))
        self._authentications[provider_id] = authentication
        self._offers = None

    def authentication(self, provider_id: str) -> Authentication | None:
        """The key that the provider has of its own, whoever gave it; None without one."""
        provider = self.provider(provider_id)
        bound = self._bound(provider)
        if not isinstance(bound, Credential) or not bound.value:
            return None
        return Authentication(bound.value, provider.auth)

    def set_transporter(self, transporter: Transporter) -> None:
        """Have the providers' models asked for, and prompts sent, through these engines."""
        if not isinstance(transporter, Transporter):
            raise InvalidArgument(
                "A transporter is an ai_client.registry.Transporter, not "
                f"{type(transporter).__name__}.",
                param="transporter",
            )
        self._transporter = transporter

    def transporter(self) -> Transporter | None:
        """The engines that were set; None: each use makes its own."""
        return self._transporter

    def snapshot(self) -> Snapshot:
        """The configuration that this registry's offers are of."""
        return _EMPTY

    def offers(self, snapshot: Snapshot | None = None) -> tuple[Offer, ...]:
        """The snapshot's connections in their order, then providers that have a key but none.

        Made once per snapshot.
        """
        given = self.snapshot() if snapshot is None else snapshot
        made = self._offers
        if made is None or made[0] is not given:
            made = self._offers = given, self._make_offers(given)
        return made[1]

    def _make_offers(self, snapshot: Snapshot) -> tuple[Offer, ...]:
        own = (self._connection(provider) for provider in self._table().values())
        everybody = (*snapshot.connections, *(each for each in own if each is not None))
        return tuple(map(self._offer, everybody))

    def _offer(self, connection: ConnectionConfig) -> Offer:
        directory = self._directory
        return Offer(
            connection,
            partial(directory.models, connection),
            partial(directory.peek, connection),
        )

    def _offers_of(self, provider_id: str) -> tuple[Offer, ...]:
        return tuple(each for each in self.offers() if each.connection.provider.slug == provider_id)

    def _connection(self, provider: Provider) -> ConnectionConfig | None:
        connector = self._connector(provider)
        return provider_connection(provider, connector, self._bound(provider))

    def _connector(self, provider: Provider) -> ConnectorType:
        return self._keyed(as_connector(provider))

    def _keyed(self, connector: ConnectorType) -> ConnectorType:
        given = self._authentications.get(connector.slug)
        if given is None:
            return connector
        return replace(connector, authentication=lambda: given.api_key)

    def _bound(self, provider: Provider) -> Resolution:
        connector = self._connector(provider)
        address = provider_address(connector)
        return bind(connector, None, address.origin if address else "")

    def _table(self) -> Mapping[str, Provider]:
        return self._providers

    def _put(self, provider: Provider) -> None:
        # Others may be going through the table that was.
        with self._putting:
            self._providers = {**self._providers, provider.slug: provider}

    def _is_shunned(self, connection: ConnectionConfig) -> bool:
        # With engines of its own its prompts have health states of their own as well.
        return self._transporter is None and is_shunned(connection)

    def _engine(self) -> Engine | None:
        return self._transporter.engine if self._transporter else None


class SiteRegistry(ProviderRegistry):
    """The site's: its providers are connectors, and its connections those of the page."""

    def __init__(self) -> None:
        super().__init__(directory=default_directory())

    def snapshot(self) -> Snapshot:
        """The configuration in force."""
        return configuration().current()

    @sensitive_variables()
    def set_authentication(self, provider_id: str, authentication: Authentication | str) -> None:
        super().set_authentication(provider_id, authentication)
        connector = connectors.get(provider_id)
        if connector is None:
            raise InvalidArgument(
                f"The provider {provider_id!r} is not a connector of this site; it takes no key.",
                param="provider",
            )
        connectors.amend(self._keyed(connector))
        configuration().forget()

    def _make_offers(self, snapshot: Snapshot) -> tuple[Offer, ...]:
        return tuple(map(self._offer, (*snapshot.connections, *snapshot.implicit)))

    def _bound(self, provider: Provider) -> Resolution:
        connector = connectors.get(provider.slug)
        if connector is None:
            return Credential(reason=f"{provider.name} is not a connector of this site.")
        return provider_keys([connector])[connector.slug]

    def _table(self) -> Mapping[str, Provider]:
        return registration.registered()

    def _put(self, provider: Provider) -> None:
        registration.register_providers([provider])
        connector = connectors.get(provider.slug)
        if connector is not None and provider.slug in self._authentications:
            connectors.amend(self._keyed(connector))
        configuration().forget()


def _provider_id(value: str) -> str:
    if not isinstance(value, str):
        raise InvalidArgument("A provider is named by its id.", param="provider")
    return value


def _require_sound(provider: Provider) -> None:
    try:
        provider_metadata(provider)
        as_connector(provider)
        client_face(provider.wire)
        for operation in provider.operations:
            asking_face(operation.wire)
    except (InvalidArgument, RegistryError, UnknownWireFormat) as error:
        raise InvalidArgument(
            f"The provider {provider.slug!r} cannot be registered: {error}", param="provider"
        ) from error


def _is_fit(offer: Offer, model: ModelMetadata, wanted: ModelRequirements) -> bool:
    main = next((each for each in wanted.capabilities if each is not Capability.CHAT_HISTORY), None)
    if main is None:
        return are_met_by(wanted, model)
    return supports(offer, model, wanted, main)


def default_registry() -> ProviderRegistry:
    """The site's registry, one per process; in a test the one of ``ai_client.testing``."""
    found = present()
    return _site_registry() if found is None else found.registry


@cache
def _site_registry() -> ProviderRegistry:
    return SiteRegistry()


_EMPTY = Snapshot()
