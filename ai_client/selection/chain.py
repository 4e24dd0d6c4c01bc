"""The routes for a prompt, as far as they are known, and remembered where nothing changes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from ai_client.capabilities import Capability
from ai_client.errors import NoModelFound
from ai_client.providers import Provider
from ai_client.router import Route
from ai_client.selection.search import NotListed, Search, route_key
from ai_client.selection.wishes import PATIENCE, Models, Offer, Wish
from ai_client.selection.words import nothing_found


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
        taken = set(map(route_key, before))
        self.routes = (*before, *(each for each in self.routes if route_key(each) not in taken))

    def nothing(self, others: Iterable[Provider] = ()) -> NoModelFound:
        """Why there is no route: what is missing and, of ``others`` too, who has it."""
        return nothing_found(*self._asked, others)

    def _find(self) -> None:
        search = Search(*self._asked, self._lists)
        self.next_to_ask = None
        try:
            self.routes = search.routes()
        except NotListed as missing:
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
