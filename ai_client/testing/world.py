"""The site as a test's code sees it: connections whose upstreams are scripted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote, urlsplit

from ai_client import connections, registration
from ai_client.ask import Ask, Limits
from ai_client.capabilities import Capability, ModelMetadata, Option, SupportedOption
from ai_client.client import AiClient
from ai_client.errors import ModelNotFound
from ai_client.gateway_keys import digest_key, generate_key, key_prefix
from ai_client.key_services import peppers
from ai_client.model_catalog import known, metadata
from ai_client.providers import ModelKind, Operation, Provider
from ai_client.registry import ProviderRegistry
from ai_client.router import Route, resolve
from ai_client.selection import Offer
from ai_client.session import Reserve, Session
from ai_client.snapshot import ConnectionConfig, GatewayKeyConfig, Snapshot
from ai_client.trail import Watcher

WIRE = "ai_client.testing.dialect"
RESULT_WIRE = "ai_client.testing.results_dialect"
FAKE = "fake"
"""The slug of the provider that can do everything, and the name of its connection."""

_ORIGIN = "https://fake.invalid"
_RESULTS = (
    Capability.IMAGE_GENERATION,
    Capability.EMBEDDING_GENERATION,
    Capability.TEXT_TO_SPEECH_CONVERSION,
    Capability.SPEECH_GENERATION,
    Capability.MUSIC_GENERATION,
    Capability.VIDEO_GENERATION,
)

FAKE_PROVIDER = Provider(
    slug=FAKE,
    name="Fake",
    wire=WIRE,
    base_url=_ORIGIN,
    key_required=False,
    default_model="fake-model",
    operations=tuple(Operation(each, RESULT_WIRE) for each in _RESULTS),
    kinds=(ModelKind(("*",), tuple(Capability), tuple(SupportedOption(each) for each in Option)),),
)


@dataclass(frozen=True, slots=True)
class FakeConnection:
    """A connection of the test's own, in the order in which they are given.

    ``provider`` is a slug; ``model`` the provider's default unless given.
    """

    name: str
    provider: str = FAKE
    model: str = ""
    models: Sequence[str] = ()


def scripted(provider: Provider) -> Provider:
    """The provider as it is, except that it speaks the fake dialect and is nowhere."""
    return replace(
        provider,
        wire=WIRE,
        version_path="",
        operations=tuple(replace(each, wire=RESULT_WIRE) for each in provider.operations),
        address=None,
        detect=None,
        check_address=None,
        headers=None,
    )


class World:
    """Connections, gateway keys and providers, without a database.

    At first there is one connection that can do everything, ``fake``, and one for each registered
    provider, so that code which names a provider finds it. Nobody stands in for another one there:
    an error that was scripted is the error that the code gets.
    """

    def __init__(self) -> None:
        self.providers: dict[str, Provider] = {}
        self.snapshot = Snapshot()
        self.has_fallback = False
        self._keys: dict[str, GatewayKeyConfig] = {}
        self.reset()

    def reset(self) -> None:
        """As at first."""
        registered = registration.registered()
        self.providers = {FAKE: FAKE_PROVIDER, **_scripted(registered)}
        self.use(FakeConnection(slug, slug) for slug in self.providers)
        self.has_fallback = False

    def use(self, given: Iterable[FakeConnection]) -> None:
        """Have these connections and no others, with fallback from each to the next."""
        made = tuple(self._connection(each, number) for number, each in enumerate(given))
        self.snapshot = Snapshot(connections=made, gateway_keys=self._keys)
        self.has_fallback = True

    def use_site(self) -> None:
        """Have the connections, approvals and gateway keys of the site's database, as of now."""
        found = connections.load()
        self.snapshot = replace(
            found,
            connections=tuple(map(self._placed, found.connections)),
            implicit=tuple(map(self._placed, found.implicit)),
            gateway_keys={**found.gateway_keys, **self._keys},
        )
        self.has_fallback = True

    def add_key(self, name: str) -> str:
        """Let the gateway accept a new key of that name; the key."""
        plain = generate_key()
        prefix, digest = key_prefix(plain), digest_key(plain, peppers()[0])
        self._keys[prefix] = GatewayKeyConfig(len(self._keys) + 1, name, prefix, digest)
        keys = {**self.snapshot.gateway_keys, **self._keys}
        self.snapshot = replace(self.snapshot, gateway_keys=keys)
        return plain

    def everybody(self) -> tuple[ConnectionConfig, ...]:
        """All connections, with those that providers have of themselves."""
        return (*self.snapshot.connections, *self.snapshot.implicit)

    def connection_at(self, url: str) -> ConnectionConfig | None:
        """Whose upstream an address is; None: of none here."""
        if not url.startswith(f"{_ORIGIN}/"):
            return None
        wanted = unquote(urlsplit(url).path.split("/")[1])
        return next((each for each in self.everybody() if each.id == wanted), None)

    def _connection(self, given: FakeConnection, number: int) -> ConnectionConfig:
        provider = self.providers.get(given.provider)
        if provider is None:
            there = ", ".join(self.providers)
            raise AssertionError(f"There is no provider {given.provider!r}; there are: {there}.")
        model = given.model or provider.default_model or "fake-model"
        made = ConnectionConfig(
            id=f"fake-{given.name}",
            name=given.name,
            provider=provider,
            model=model,
            models=tuple(given.models),
            base_url="",
            priority=number,
        )
        return self._placed(made)

    def _placed(self, connection: ConnectionConfig) -> ConnectionConfig:
        """The connection with a scripted upstream, which needs no key."""
        provider = self.providers.get(connection.provider.slug) or scripted(connection.provider)
        address = f"{_ORIGIN}/{quote(connection.id, safe='')}"
        return replace(connection, provider=provider, base_url=address, api_key="")


class FakeClient(AiClient):
    """Asks a world's connections; without fallback only the first."""

    world: World

    def session(
        self,
        ask: Ask,
        model: str | Sequence[Route],
        *,
        allow_fallback: bool = True,
        caller: str = "",
        key: GatewayKeyConfig | None = None,
        limits: Limits | None = None,
        watcher: Watcher | None = None,
        reserve: Reserve | None = None,
    ) -> Session:
        falls_back = allow_fallback and self.world.has_fallback
        if not self.world.has_fallback:
            if not isinstance(model, str):
                model = tuple(model[:1])
            elif not _is_known(self.world.snapshot, model):
                # Whatever the code under test calls its model, somebody has it.
                model = (Route(self.world.snapshot.connections[0], model),)
        return super().session(
            ask,
            model,
            allow_fallback=falls_back,
            caller=caller,
            key=key,
            limits=limits,
            watcher=watcher,
            reserve=reserve if falls_back else None,
        )


class FakeRegistry(ProviderRegistry):
    """The providers of a world, each configured that has a connection there."""

    def __init__(self, world: Callable[[], World]) -> None:
        super().__init__()
        self._world = world

    def snapshot(self) -> Snapshot:
        """The world's."""
        return self._world().snapshot

    def _make_offers(self, snapshot: Snapshot) -> tuple[Offer, ...]:
        everybody = (*snapshot.connections, *snapshot.implicit)
        return tuple(map(self._offer, everybody))

    def _offer(self, connection: ConnectionConfig) -> Offer:
        def models(patience: float = 0.0) -> tuple[ModelMetadata, ...]:
            return tuple(_models(connection))

        # Whatever the code under test calls its model, somebody has it.
        return Offer(connection, models, models, takes_any=not self._world().has_fallback)

    def _table(self) -> Mapping[str, Provider]:
        return self._world().providers

    def _put(self, provider: Provider) -> None:
        self._world().providers[provider.slug] = scripted(provider)


def _models(connection: ConnectionConfig) -> Iterator[ModelMetadata]:
    """Those that the connection names, the provider's own, and one of each kind."""
    provider = connection.provider
    found = {each.id: each for each in (*known(connection), *provider.models)}
    if not provider.models:
        for kind in provider.kinds:
            name = kind.models[0].replace("*", "fake")
            found.setdefault(name, metadata(provider, name))
    yield from found.values()


def _is_known(snapshot: Snapshot, model: str) -> bool:
    try:
        resolve(snapshot, model)
    except ModelNotFound:
        return False
    return True


def _scripted(registered: Mapping[str, Provider]) -> dict[str, Provider]:
    return {slug: scripted(provider) for slug, provider in registered.items() if slug != FAKE}
