"""Who answers what is no conversation: a connection whose models are known to do it.

Nothing here asks anybody: what an upstream's list of models has to tell is left to the session,
which has it found out where that may wait.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ai_client.capabilities import Capability
from ai_client.errors import CapabilityUnsupported
from ai_client.gateway.answering import Answering, Sought
from ai_client.providers import Provider
from ai_client.registry import default_registry
from ai_client.router import AUTO, Route, require_connections
from ai_client.selection import Models, Offer
from ai_client.session import Reserve
from ai_client.snapshot import GatewayKeyConfig, Snapshot


def routes(
    snapshot: Snapshot,
    capability: Capability,
    name: str,
    *,
    caller: str,
    key: GatewayKeyConfig | None,
    allow_fallback: bool,
) -> tuple[tuple[Route, ...], Reserve]:
    """The routes at hand, and what asks upstreams for their models where these are not enough.

    ``caller`` is a label. Those that it may not use are among the routes, after all others, so
    that the client refuses them and notes that they were wanted; nobody is asked on its behalf.
    Raises ``NoConnection``, and ``CapabilityUnsupported`` where the model is not for that.
    """
    require_connections(snapshot)
    everybody = _offers(snapshot)
    usable = tuple(each for each in everybody if _may_ask(snapshot, caller, key, each))
    sought = Sought(capability, name, allow_fallback, None if key is None else key.scope)
    found = Answering(everybody, usable, sought, _providers)
    if found.refusal is not None:
        raise found.refusal
    if sought.scope is None and len(usable) == len(everybody):
        return found.routes, found
    if not found.routes and not found.is_complete:
        return (), found
    meant, wanted = _wanted(everybody, sought)
    if name != AUTO and meant and not any(map(sought.covers, meant)):
        # A key that is not for what the name means gets nothing else instead.
        return meant, found
    may = {each.connection.id for each in usable}
    if not wanted and not usable:
        wanted = tuple(Route(each.connection, each.connection.model) for each in everybody)
    refused = (each for each in wanted if each.connection.id not in may or not sought.covers(each))
    return (*found.routes, *refused), found


def _offers(snapshot: Snapshot) -> tuple[Offer, ...]:
    """The site's connections; providers that only have a key are for its own programs."""
    own = {id(each) for each in snapshot.connections}
    offers = default_registry().offers(snapshot)
    return tuple(each for each in offers if id(each.connection) in own)


def _may_ask(snapshot: Snapshot, caller: str, key: GatewayKeyConfig | None, offer: Offer) -> bool:
    connection, approvals = offer.connection, snapshot.approvals
    named = () if key is None or key.scope is None else key.scope.connections
    if named and connection.name not in named:
        return False
    return not approvals.restrict or approvals.permit(caller, connection.provider.slug)


def _wanted(
    everybody: tuple[Offer, ...], sought: Sought
) -> tuple[tuple[Route, ...], tuple[Route, ...]]:
    """What the name means, and all routes at hand, were the caller kept from nothing."""
    silent = tuple(map(_silent, everybody))
    try:
        found = Answering(silent, silent, replace(sought, scope=None))
    except CapabilityUnsupported:
        return (), ()
    return found.meant, found.everything


def _silent(offer: Offer) -> Offer:
    """The offer with what is at hand for all that it has."""
    at_hand = offer.peek() or offer.named

    def models(patience: float = 0.0) -> Models:
        return at_hand

    return Offer(offer.connection, models, lambda: at_hand, offer.takes_any)


def _providers() -> Iterator[Provider]:
    registry = default_registry()
    return map(registry.provider, registry.ids())
