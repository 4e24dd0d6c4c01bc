"""Whom a name means that is asked for something else than a conversation: pure.

A name means what it means for conversations: ``auto``, a connection, ``connection/model``, or the
id of a model. A connection stands for the best of its models that are known to be for what is
asked, its own first; where there is none, for its own if nothing is known of that. Whoever stands
in is known to do it; for embeddings that is the same model elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ai_client.capabilities import Capability, ModelRequirements
from ai_client.errors import (
    AiClientError,
    CapabilityUnsupported,
    ModelNotFound,
    PermissionRefused,
)
from ai_client.key_rights import KeyScope
from ai_client.model_catalog import purposes
from ai_client.providers import Provider
from ai_client.router import AUTO, Route
from ai_client.selection import Chain, Named, Offer, Wish, supports


@dataclass(frozen=True, slots=True)
class Sought:
    """What is asked for. ``scope`` is what the caller's key is for, None for everything."""

    capability: Capability
    name: str
    fallback: bool = True
    scope: KeyScope | None = None

    def covers(self, route: Route) -> bool:
        """Whether the caller's key is for the route."""
        return self.scope is None or self.scope.covers(route.connection.name, route.model)

    def wish(self, model: Named | None = None) -> Wish:
        """The same, for a chain."""
        return Wish(ModelRequirements((self.capability,)), model=model)


@dataclass(frozen=True, slots=True)
class _Target:
    """The connection that a name means, and the model where it says which."""

    offer: Offer
    model: str = ""


class Answering:
    """The routes for a name, as far as they are known; a session's ``Reserve``.

    ``everybody`` is whom the name may mean, ``usable`` who of them may be asked. ``providers``
    gives those of which it can be said what they would do. ``refusal`` is why there is no route,
    where that is certain already.
    """

    def __init__(
        self,
        everybody: tuple[Offer, ...],
        usable: tuple[Offer, ...],
        sought: Sought,
        providers: Callable[[], Iterable[Provider]] = tuple,
    ) -> None:
        self._usable = usable
        self._sought = sought
        self._providers = providers
        self._target = _target(everybody, sought.name)
        self._rest: Chain | None = None
        self.refusal: AiClientError | None = None
        self._first = self._begin()
        self._look()

    @property
    def meant(self) -> tuple[Route, ...]:
        """Those that the name means, covered by the key or not."""
        found = () if self._first is None else self._first.routes
        if self._sought.name == AUTO:
            return found
        if self._target is not None:
            return found[:1]
        return tuple(each for each in found if each.model == self._sought.name)

    @property
    def everything(self) -> tuple[Route, ...]:
        """Those that the name means and those that stand in, covered by the key or not."""
        found = () if self._first is None or self._target is not None else self._first.routes
        rest = () if self._rest is None else self._rest.routes
        standing_in = (*found, *rest) if self._sought.fallback else ()
        known: dict[tuple[str, str], Route] = {}
        for each in (*self.meant, *standing_in):
            known.setdefault((each.connection.id, each.model), each)
        return tuple(known.values())

    @property
    def routes(self) -> tuple[Route, ...]:
        """Those that the key is for, in order."""
        if self.refusal is not None or self._is_withheld:
            return ()
        found = tuple(filter(self._sought.covers, self.everything))
        return found[:1] if self._sought.name == AUTO and not self._sought.fallback else found

    @property
    def is_complete(self) -> bool:
        """Whether nobody is left who could be asked."""
        if self.refusal is not None or self._is_withheld:
            return True
        if self.routes and not self._sought.fallback:
            return True
        return all(each is None or each.is_complete for each in (self._first, self._rest))

    def ask(self, seconds: float) -> None:
        """Ask the next upstream for its models, for so long at most; blocks."""
        first = self._first
        chain = first if first is not None and not first.is_complete else self._rest
        if chain is None:
            return
        try:
            chain.ask(seconds)
            self._look()
        except CapabilityUnsupported as error:
            self.refusal = error

    def nothing(self) -> AiClientError:
        """Why there is no route, once everybody has been asked."""
        sought = self._sought
        if self.refusal is not None:
            return self.refusal
        if self._is_withheld and sought.scope is not None:
            return PermissionRefused(
                f"The gateway key is not for that. It may use {sought.scope.in_words()}."
            )
        if sought.name == AUTO or self._target is not None:
            chain = self._first or Chain(self._usable, sought.wish(), sought.capability)
            why = chain.nothing(self._providers())
            return CapabilityUnsupported(why.message, param="model")
        return ModelNotFound(
            f"No connection or model is called {sought.name!r}. {self._instead()}",
            available=self._available(),
        )

    @property
    def _is_withheld(self) -> bool:
        """Whether the key is for nothing that the name means: it gets nothing else instead."""
        meant = self.meant
        return (
            self._sought.name != AUTO and bool(meant) and not any(map(self._sought.covers, meant))
        )

    def _begin(self) -> Chain | None:
        sought, target = self._sought, self._target
        if target is None:
            wish = sought.wish(None if sought.name == AUTO else (None, sought.name))
            return Chain(self._usable, wish, sought.capability)
        if target.offer not in self._usable:
            return None
        named = (target.offer.connection.name, target.model) if target.model else None
        return Chain((target.offer,), sought.wish(named), sought.capability)

    def _trusted(self, target: _Target) -> Chain | None:
        """The connection with its own model, where nothing is known of that."""
        connection = target.offer.connection
        if target.model or not connection.model or purposes(connection, connection.model):
            return None
        named = (connection.name, connection.model)
        return Chain((target.offer,), self._sought.wish(named), self._sought.capability)

    def _look(self) -> None:
        """Take in what is known now."""
        first = self._first
        if self._target and first and first.is_complete and not first.routes:
            self._first = self._trusted(self._target) or first
        meant = self.meant
        if meant and self._sought.name != AUTO:
            self.refusal = self._not_for_that(meant[0])
        if self._rest is None and self.refusal is None and self._target is not None:
            if meant:
                self._rest = self._stand_ins(self._target.offer, meant[0].model)
            elif self._first is None:
                own = self._target.model or self._target.offer.connection.model
                self._rest = self._stand_ins(self._target.offer, own)

    def _stand_ins(self, target: Offer, model: str) -> Chain | None:
        sought = self._sought
        if not sought.fallback:
            return None
        others = tuple(each for each in self._usable if each is not target)
        if sought.capability is not Capability.EMBEDDING_GENERATION:
            return Chain(others, sought.wish(), sought.capability)
        naming = tuple(each for each in others if any(one.id == model for one in each.named))
        if not naming:
            return None
        return Chain(naming, sought.wish((None, model)), sought.capability)

    def _not_for_that(self, route: Route) -> CapabilityUnsupported | None:
        able = purposes(route.connection, route.model)
        capability = self._sought.capability
        if not able or capability in able:
            return None
        return CapabilityUnsupported(
            f"The model {route.model!r} of {route.connection.provider.name} is for "
            f"{', '.join(able)}, not for {capability.value}. {self._instead()}",
            param="model",
        )

    def _instead(self) -> str:
        names = self._available()
        if names:
            return f"Available for {self._sought.capability.value}: {', '.join(names)}."
        return f"Nothing here is known to be for {self._sought.capability.value}."

    def _available(self) -> tuple[str, ...]:
        """Every name that is known to be for what is asked."""
        able = [(offer, tuple(self._able(offer))) for offer in self._usable]
        connections = [offer.connection.name for offer, models in able if models]
        if not connections:
            return ()
        models = (each for _, listed in able for each in listed)
        return tuple(dict.fromkeys((AUTO, *connections, *models)))

    def _able(self, offer: Offer) -> Iterator[str]:
        sought = self._sought
        requirements = ModelRequirements((sought.capability,))
        for model in offer.peek() or offer.named:
            if supports(offer, model, requirements, sought.capability) and sought.covers(
                Route(offer.connection, model.id)
            ):
                yield model.id


def _target(offers: Iterable[Offer], name: str) -> _Target | None:
    """None where the name is ``auto`` or would be the id of a model."""
    if name == AUTO:
        return None
    owner, slash, model = name.partition("/")
    found = None
    for offer in offers:
        if offer.connection.name == name:
            return _Target(offer)
        if slash and model and offer.connection.name == owner:
            found = _Target(offer, model)
    return found
