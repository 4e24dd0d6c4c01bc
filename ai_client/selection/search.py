"""One look through the offers for those that can answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from ai_client.capabilities import Capability, ModelMetadata
from ai_client.model_catalog import is_known, metadata
from ai_client.requirements import are_met_by, is_more_than_text, tuning_unmet_by
from ai_client.router import Route
from ai_client.selection.wishes import Models, Named, Offer, Wish
from ai_client.selection.words import not_for_that


class NotListed(Exception):
    """An upstream would have to be asked for its models, since nothing else is found."""

    def __init__(self, offer: Offer) -> None:
        self.offer = offer


@dataclass(slots=True)
class Search:
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
        """The routes in order; ``NotListed`` where an upstream has to be asked before."""
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
            raise NotListed(offer)
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
            raise not_for_that(naming[0][0], model, self.capability)
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


def route_key(route: Route) -> tuple[int, str]:
    """What makes two routes the same."""
    return id(route.connection), route.model


def _once(found: Iterable[Route]) -> tuple[Route, ...]:
    """Each route where it comes first."""
    first: dict[tuple[int, str], Route] = {}
    for route in found:
        first.setdefault(route_key(route), route)
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
