"""Which connection answers a prompt, with which model, and who stands in for it: pure.

What is preferred comes first, in the caller's order; then each connection with its own model, or
the first of the others that it names, or what its upstream lists. An upstream is asked for its list
only while nothing before it is found: healthy connections that name their models wait for nobody.
Whoever else would have to be asked stands in last, when all others have failed (``Chain.ask``).

Everybody in the chain meets the prompt's requirements, so fallback never lands on a model that does
not; only mere tuning that a connection's own model refuses is left out instead. Of models of which
nothing is known it is taken on trust, so where more than text is asked for, those that are known to
do it go before them. A model that is named explicitly is taken as it is. For embeddings only the
same model stands in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeAlias

from ai_client.capabilities import Capability, ModelMetadata, ModelRequirements
from ai_client.errors import CapabilityUnsupported, NoModelFound
from ai_client.model_catalog import is_known, known, metadata
from ai_client.providers import Provider
from ai_client.requirements import (
    are_met_by,
    described,
    is_more_than_text,
    tuning_unmet_by,
    unmet_by,
)
from ai_client.router import Route
from ai_client.snapshot import ConnectionConfig

Named: TypeAlias = tuple[str | None, str]
"""A provider's slug or a connection's name, None for any, with a model's id.

Without a provider the id may also be what the gateway takes: a connection's name, which stands for
its own model, or ``connection/model``.
"""

Models: TypeAlias = tuple[ModelMetadata, ...]


PATIENCE = 10.0
"""Seconds that a prompt waits for one upstream's list at most."""


class Listing(Protocol):
    """All models of a connection, for which its upstream may be asked."""

    def __call__(self, patience: float = PATIENCE) -> Models:
        """Wait at most ``patience`` seconds; then those that it names are all."""


def _unheard() -> Models | None:
    return None


@dataclass(frozen=True, slots=True)
class Offer:
    """A connection with the models that it has.

    ``models`` gives all, the connection's own first, and may ask the upstream; ``peek`` gives them
    where they are at hand already, else None. ``named`` are those that the connection names.
    ``takes_any`` says that it takes the names of models that nobody lists, too.
    """

    connection: ConnectionConfig
    models: Listing
    peek: Callable[[], Models | None] = _unheard
    takes_any: bool = False
    named: Models = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "named", known(self.connection))

    def is_of(self, owner: str | None) -> bool:
        """Whether ``owner`` is its provider, its name or nobody in particular."""
        connection = self.connection
        return owner is None or owner in (connection.provider.slug, connection.name)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a prompt asks for. ``model`` is explicit: its requirements are not checked.

    ``provider`` is a slug or a connection's name: nobody else answers, except that an explicit
    model may name another one. Both go before ``preferences``. Without ``fallback`` there is one
    route.
    """

    requirements: ModelRequirements = field(default_factory=ModelRequirements)
    provider: str | None = None
    model: Named | None = None
    preferences: tuple[Named, ...] = ()
    fallback: bool = True


class Chain:
    """The routes for a prompt, in order, as far as they are known.

    ``next_to_ask`` is the offer whose upstream has to be asked before there is any; None: no need.
    """

    def __init__(self, offers: tuple[Offer, ...], wish: Wish, capability: Capability) -> None:
        self._asked = offers, wish, capability
        self._lists: dict[int, Models] = {}
        self._unlisted: tuple[Offer, ...] = ()
        self._has_looked = False
        self.routes: tuple[Route, ...] = ()
        self.next_to_ask: Offer | None = None
        self._find()

    @property
    def is_complete(self) -> bool:
        """Whether nobody's list could add anything."""
        return not self._unlisted

    @property
    def is_settled(self) -> bool:
        """Whether there are routes and no list, which may change, was looked at to find them."""
        return bool(self.routes) and not self._has_looked

    def ask(self, seconds: float) -> None:
        """Ask the next upstream for its models, for so long at most, and add what it has.

        The routes that were there keep their order.
        """
        offer = self._unlisted[0]
        self._lists[id(offer)] = offer.models(seconds) if seconds > 0 else offer.named
        before = self.routes
        self._find()
        taken = set(map(_key, before))
        self.routes = (*before, *(each for each in self.routes if _key(each) not in taken))

    def nothing(self, others: Iterable[Provider] = ()) -> NoModelFound:
        """Why there is no route: what is missing and, of ``others`` too, who has it."""
        return _nothing(*self._asked, others)

    def _find(self) -> None:
        search = _Search(*self._asked, self._lists)
        self.next_to_ask = None
        try:
            self.routes = search.routes()
        except _NotListed as missing:
            self.routes = ()
            self.next_to_ask = missing.offer
            self._unlisted = (missing.offer,)
        else:
            self._unlisted = tuple({id(each): each for each in search.unlisted}.values())
        self._has_looked = self._has_looked or search.has_looked


def routes(
    offers: tuple[Offer, ...],
    wish: Wish,
    capability: Capability,
    *,
    others: Iterable[Provider] = (),
    patience: Callable[[], float] = lambda: PATIENCE,
) -> Chain:
    """The routes for a prompt; waits for upstreams' lists of models until there is one.

    ``patience`` gives the seconds that are left for that. Raises ``NoModelFound`` where nothing
    meets the requirements: it says what is missing and, of ``others`` and of the offers' providers,
    what has it. ``CapabilityUnsupported`` where an explicit model is not for that.
    """
    chain = _chain(offers, wish, capability)
    while chain.next_to_ask is not None:
        chain.ask(patience())
    if not chain.routes:
        raise chain.nothing(others)
    return chain


def routes_at_hand(offers: tuple[Offer, ...], wish: Wish, capability: Capability) -> Chain | None:
    """As ``routes``, without waiting for anybody: None where there is no route at hand."""
    chain = _chain(offers, wish, capability)
    return chain if chain.routes else None


_MOST_SETTLED = 256
_Settled: TypeAlias = dict[tuple[Wish, Capability], Chain]
_settled: tuple[tuple[Offer, ...], _Settled] = ((), {})


def _chain(offers: tuple[Offer, ...], wish: Wish, capability: Capability) -> Chain:
    """The chain for a wish; remembered, for the offers last asked of, where no list decided it."""
    global _settled
    known_for, known = _settled
    if known_for is not offers:
        known = {}
        _settled = offers, known
    try:
        found = known.get((wish, capability))
    except TypeError:
        # A requirement that is JSON, a schema say.
        return Chain(offers, wish, capability)
    if found is None:
        found = Chain(offers, wish, capability)
        if found.is_settled and len(known) < _MOST_SETTLED:
            known[wish, capability] = found
    return found


def supports(
    offer: Offer, model: ModelMetadata, requirements: ModelRequirements, capability: Capability
) -> bool:
    """Whether the model meets the requirements and is spoken to for ``capability``."""
    return (
        are_met_by(requirements, model)
        and offer.connection.provider.wire_for(capability, model.id) is not None
    )


class _NotListed(Exception):
    """An upstream would have to be asked for its models, since nothing else is found."""

    def __init__(self, offer: Offer) -> None:
        self.offer = offer


@dataclass(slots=True)
class _Search:
    """One look through the offers. ``lists`` are those that were asked for, by the offer's id."""

    offers: tuple[Offer, ...]
    wish: Wish
    capability: Capability
    lists: dict[int, Models]
    unlisted: list[Offer] = field(default_factory=list)
    has_found: bool = False
    has_looked: bool = False
    trusts: bool = field(init=False)

    def __post_init__(self) -> None:
        # Whether a model of which nothing is known is as good as any other.
        self.trusts = not is_more_than_text(self.wish.requirements)

    def routes(self) -> tuple[Route, ...]:
        first = self._explicit() if self.wish.model else self._preferred()
        if not self.wish.fallback:
            return (first if first or self.wish.model else self._others())[:1]
        if self.wish.model and not first:
            return ()
        if self.capability is Capability.EMBEDDING_GENERATION:
            return self._of_one_model(first or self._others()[:1])
        if self.wish.model:
            # Who named a model is told that a connection does not have it.
            tried = {id(route.connection) for route in first}
            rest = [each for each in self._others() if id(each.connection) not in tried]
            return _once((*first, *rest))
        # What failed is more often the connection than the model.
        tried = {id(route.connection) for route in first}
        rest = sorted(self._others(), key=lambda each: id(each.connection) in tried)
        return _once((*first, *rest))

    def models(self, offer: Offer) -> Models:
        """All models, as far as they are at hand once a route is found."""
        self.has_looked = True
        listed = self.lists.get(id(offer))
        if listed is None:
            listed = offer.peek()
        if listed is not None:
            return listed
        if not self.has_found:
            raise _NotListed(offer)
        self.unlisted.append(offer)
        return offer.named

    def _asked(self) -> Iterator[Offer]:
        return (offer for offer in self.offers if offer.is_of(self.wish.provider))

    def _explicit(self) -> tuple[Route, ...]:
        assert self.wish.model is not None
        owner, model = self.wish.model
        mine = [offer for offer in self.offers if offer.is_of(owner or self.wish.provider)]
        naming = [(offer, model) for offer in mine if _has(offer.named, model)]
        if not naming and owner is None:
            naming = list(_by_gateway_name(mine, model))
        if not naming and (owner or self.wish.provider) is not None:
            naming = [(offer, model) for offer in mine]
        if not naming:
            naming = list(self._listing(mine, model))
        if not naming:
            naming = [(offer, model) for offer in mine if offer.takes_any][:1]
        spoken = tuple(
            route for offer, name in naming if (route := self._route(offer, name)) is not None
        )
        if naming and not spoken:
            raise self._not_for_that(naming[0][0], model)
        self.has_found = bool(spoken)
        return spoken

    def _listing(self, offers: Iterable[Offer], model: str) -> Iterator[tuple[Offer, str]]:
        for offer in offers:
            if _has(self.models(offer), model):
                self.has_found = True
                yield offer, model

    def _preferred(self) -> tuple[Route, ...]:
        """The preferred models of all connections, in the order in which they are preferred."""
        found = []
        for preference in self.wish.preferences:
            for offer in self._asked():
                if route := self._meant(offer, preference):
                    self.has_found = True
                    found.append(route)
        return _once(found)

    def _others(self) -> tuple[Route, ...]:
        """A route for each connection, in their order; those that are taken on trust last."""
        known_to, trusted = [], []
        for offer in self._asked():
            route = self._own_or_listed(offer)
            if route is None:
                continue
            if self._is_sure(route):
                self.has_found = True
                known_to.append(route)
            else:
                trusted.append(route)
        return (*known_to, *trusted)

    def _of_one_model(self, found: tuple[Route, ...]) -> tuple[Route, ...]:
        """For embeddings: vectors of two models do not compare."""
        if not found:
            return ()
        same = [each for each in found if each.model == found[0].model]
        named = (self._naming(offer, found[0].model) for offer in self._asked())
        return _once((*same, *(route for route in named if route)))

    def _is_sure(self, route: Route) -> bool:
        """Whether the model is known to do what is asked, or need not be known to."""
        return self.trusts or is_known(route.connection, route.model)

    def _meant(self, offer: Offer, preference: Named) -> Route | None:
        owner, name = preference
        if not offer.is_of(owner):
            return None
        if owner is None and not _has(offer.named, name):
            named = next(_by_gateway_name([offer], name), None)
            name = named[1] if named else name
        meant = metadata(offer.connection.provider, name)
        # Who could not use the model has no need to know whether the upstream lists it.
        route = self._fitting(offer, meant)
        if not route or offer.takes_any or _has(offer.named, name):
            return route
        return route if _has(self.models(offer), name) else None

    def _naming(self, offer: Offer, name: str) -> Route | None:
        """The route to that very model, where the connection names it."""
        found = next((each for each in offer.named if each.id == name), None)
        return None if found is None else self._fitting(offer, found)

    def _own_or_listed(self, offer: Offer) -> Route | None:
        """The connection's best route: its own model, else another one; known ones first."""
        named = [route for model in offer.named if (route := self._named(offer, model))]
        if named:
            return next(filter(self._is_sure, named), named[0])
        if not self._may_speak(offer):
            return None
        listed = (self._fitting(offer, model) for model in self.models(offer))
        found = [route for route in listed if route]
        return next(filter(self._is_sure, found), found[0]) if found else None

    def _named(self, offer: Offer, model: ModelMetadata) -> Route | None:
        if route := self._fitting(offer, model):
            return route
        return self._untuned(offer, model) if model.id == offer.connection.model else None

    def _fitting(self, offer: Offer, model: ModelMetadata) -> Route | None:
        """The route to a model that meets the requirements, None for another."""
        fits = are_met_by(self.wish.requirements, model)
        return self._route(offer, model.id) if fits else None

    def _untuned(self, offer: Offer, model: ModelMetadata) -> Route | None:
        """The route to a connection's own model that refuses mere tuning: chosen all the same."""
        unmet = tuning_unmet_by(self.wish.requirements, model)
        route = self._route(offer, model.id) if unmet else None
        return None if route is None else replace(route, without=unmet)

    def _may_speak(self, offer: Offer) -> bool:
        """Whether any model there could do; else its list need not be asked for."""
        return self.capability is Capability.TEXT_GENERATION or any(
            each.capability is self.capability for each in offer.connection.provider.operations
        )

    def _route(self, offer: Offer, model: str) -> Route | None:
        """The route to a model; None where nobody speaks to it for that."""
        wire = offer.connection.provider.wire_for(self.capability, model)
        return None if wire is None else Route(offer.connection, model, wire)

    def _not_for_that(self, offer: Offer, model: str) -> CapabilityUnsupported:
        provider = offer.connection.provider
        able = "; ".join(_able((provider,), ModelRequirements((self.capability,)), self.capability))
        return CapabilityUnsupported(
            f"{provider.name} is not asked for {self.capability.value} with the model {model!r}"
            + (f"; with these it is: {able}." if able else "; take another provider."),
            param="model",
        )


def _key(route: Route) -> tuple[int, str]:
    return id(route.connection), route.model


def _once(found: Iterable[Route]) -> tuple[Route, ...]:
    """Each route where it comes first."""
    first: dict[tuple[int, str], Route] = {}
    for route in found:
        first.setdefault(_key(route), route)
    return tuple(first.values())


def _has(models: Iterable[ModelMetadata], name: str) -> bool:
    return any(each.id == name for each in models)


def _by_gateway_name(offers: Iterable[Offer], name: str) -> Iterator[tuple[Offer, str]]:
    """The offer that a connection's name or ``connection/model`` means, with the model there."""
    owner, slash, model = name.partition("/")
    for offer in offers:
        connection = offer.connection
        if connection.name == name and connection.model:
            yield offer, connection.model
        elif slash and model and connection.name == owner:
            yield offer, model


def _nothing(
    offers: tuple[Offer, ...], wish: Wish, capability: Capability, others: Iterable[Provider]
) -> NoModelFound:
    owner = wish.model[0] if wish.model else None
    asked = [offer for offer in offers if owner or offer.is_of(wish.provider)]
    if not offers:
        said = (
            f"No model found for {capability.value}: no connection is set up, and no provider has "
            "a key. Add a connection in the admin or with 'python manage.py apply_connections'."
        )
        return NoModelFound(said, param="provider")
    if not asked:
        names = ", ".join(dict.fromkeys(offer.connection.provider.slug for offer in offers))
        return NoModelFound(
            f"No model found for {capability.value}: the provider {wish.provider!r} has no "
            f"connection and no key. Those that have: {names}.",
            param="provider",
        )
    if wish.model is not None:
        return NoModelFound(
            f"No connection has the model {wish.model[1]!r}"
            + (f" of {wish.model[0]!r}" if wish.model[0] else "")
            + f". Models that connections name: {_named_models(asked)}.",
            param="model",
        )
    where = f" of the provider {wish.provider!r}" if wish.provider else ""
    needs = [each.value for each in wish.requirements.capabilities if each is not capability]
    needs += [described(each) for each in wish.requirements.options]
    lacking = "; ".join(dict.fromkeys(_lacking(asked, wish.requirements)))
    providers = {offer.connection.provider.slug: offer.connection.provider for offer in asked}
    if not wish.provider:
        providers |= {each.slug: each for each in others if each.slug not in providers}
    able = "; ".join(_able(providers.values(), wish.requirements, capability))
    return NoModelFound(
        f"No model{where} found for {capability.value}"
        + (f" with {', '.join(dict.fromkeys(needs))}" if needs else "")
        + (f". What is there lacks: {lacking}" if lacking else "")
        + (f". What has it all: {able}." if able else "."),
        param="model",
    )


def _lacking(offers: Iterable[Offer], requirements: ModelRequirements) -> Iterator[str]:
    for offer in offers:
        for model in offer.named:
            if lacks := unmet_by(requirements, model):
                yield f"{offer.connection.name}/{model.id} {', '.join(lacks)}"


def _able(
    providers: Iterable[Provider], requirements: ModelRequirements, capability: Capability
) -> Iterator[str]:
    for provider in providers:
        for kind in provider.kinds:
            model = ModelMetadata("", "", kind.capabilities, kind.options)
            names = [each for each in kind.models if provider.wire_for(capability, each)]
            if names and are_met_by(requirements, model):
                yield f"{provider.name} ({', '.join(names)})"
                break


def _named_models(offers: Iterable[Offer]) -> str:
    return ", ".join(
        dict.fromkeys(f"{each.connection.name}/{one.id}" for each in offers for one in each.named)
    )
