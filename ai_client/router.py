"""From a model name to the ordered routes that may answer: pure.

A name is ``auto`` (the whole chain, each connection with its own model), a connection's name,
``connection/model``, or a model id: the connections that list it, by priority, and then, unless
fallback is forbidden, the rest of the chain with their own models.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from ai_client.capabilities import Option
from ai_client.errors import KeyUnreadable, ModelNotFound, NoConnection, UpstreamError
from ai_client.health import READY, Admission, Health, Standing
from ai_client.snapshot import ConnectionConfig, Snapshot

AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Route:
    """One connection with the model to ask there, and the wire format to ask in.

    ``without`` is tuning that this model refuses, which is left out with a warning.
    """

    connection: ConnectionConfig
    model: str
    wire: str = ""
    without: tuple[Option, ...] = ()

    @property
    def wire_format(self) -> str:
        """The wire format; the provider's for text where the route does not say."""
        return self.wire or self.connection.provider.wire


def resolve(snapshot: Snapshot, name: str, *, allow_fallback: bool = True) -> tuple[Route, ...]:
    """The routes for ``name`` in the order of preference, healthy or not.

    Raises ``NoConnection`` when none exists and ``ModelNotFound``, listing what does exist, when
    the name is unknown.
    """
    connections = snapshot.connections
    if not connections:
        raise NoConnection(
            "No connection is set up. Add one in the admin or with "
            "'python manage.py apply_connections'."
        )
    first = tuple(_named(connections, name))
    if not first:
        raise ModelNotFound(
            f"No connection or model is called {name!r}. Available: "
            f"{', '.join(available(snapshot))}.",
            available=available(snapshot),
        )
    if not allow_fallback:
        return first[:1] if name == AUTO else first
    used = {route.connection.id for route in first}
    rest = (
        Route(connection, connection.model)
        for connection in connections
        if connection.id not in used and connection.model
    )
    return (*first, *rest)


@dataclass(frozen=True, slots=True)
class Approved:
    """The routes that a caller may use, and the connectors that it was kept from."""

    routes: tuple[Route, ...]
    refused: tuple[str, ...] = ()


def approved(
    snapshot: Snapshot, name: str, caller: str, *, allow_fallback: bool = True
) -> Approved:
    """As ``resolve``, for a caller by its label: without the connections it may not use."""
    if not snapshot.approvals.restrict:
        return Approved(resolve(snapshot, name, allow_fallback=allow_fallback))
    # Without fallback ``auto`` is the first connection of those that the caller may use.
    whole_chain = allow_fallback or name == AUTO
    routes = resolve(snapshot, name, allow_fallback=whole_chain)
    permit = snapshot.approvals.permit
    kept = tuple(each for each in routes if permit(caller, each.connection.provider.slug))
    slugs = (each.connection.provider.slug for each in routes)
    refused = tuple(dict.fromkeys(slug for slug in slugs if not permit(caller, slug)))
    return Approved(kept if allow_fallback or name != AUTO else kept[:1], refused)


def permitted(snapshot: Snapshot, routes: Iterable[Route], caller: str) -> Approved:
    """Those of ``routes`` that a caller, by its label, may use."""
    approvals = snapshot.approvals
    given = tuple(routes)
    if not approvals.restrict:
        return Approved(given)
    kept = tuple(each for each in given if approvals.permit(caller, each.connection.provider.slug))
    slugs = (each.connection.provider.slug for each in given if each not in kept)
    return Approved(kept, tuple(dict.fromkeys(slugs)))


def visible_to(snapshot: Snapshot, caller: str) -> Snapshot:
    """The snapshot with the connections that a caller, by its label, may use."""
    approvals = snapshot.approvals
    if not approvals.restrict:
        return snapshot
    return replace(
        snapshot,
        connections=tuple(
            each for each in snapshot.connections if approvals.permit(caller, each.provider.slug)
        ),
    )


def available(snapshot: Snapshot) -> tuple[str, ...]:
    """Every name that ``resolve`` knows, ``auto`` first, model ids last."""
    names = [AUTO, *(connection.name for connection in snapshot.connections)]
    names += [
        model
        for connection in snapshot.connections
        for model in (connection.model, *connection.models)
        if model
    ]
    return tuple(dict.fromkeys(names))


def _named(connections: tuple[ConnectionConfig, ...], name: str) -> Iterator[Route]:
    if name == AUTO:
        yield from (Route(each, each.model) for each in connections if each.model)
        return
    for connection in connections:
        if connection.name == name and connection.model:
            yield Route(connection, connection.model)
            return
    owner, slash, model = name.partition("/")
    if slash and model:
        for connection in connections:
            if connection.name == owner:
                yield Route(connection, model)
                return
    for connection in connections:
        if name == connection.model or name in connection.models:
            yield Route(connection, name)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A route with its standing at the moment."""

    route: Route
    admission: Admission


def admit(routes: tuple[Route, ...], health: Health, now: float) -> tuple[Route, ...]:
    """The routes that may be asked now, in order.

    When every usable one has an open breaker, the one that opens first is asked all the same.
    Raises the error that explains why when nothing may be asked: with the smallest remaining wait
    where that is a matter of waiting.
    """
    admissions = [standing(route, health, now) for route in routes]
    if all(each is READY for each in admissions):
        return routes
    candidates = [Candidate(*each) for each in zip(routes, admissions, strict=True)]
    allowed = tuple(each.route for each in candidates if each.admission.allowed)
    if allowed:
        return allowed
    opened = [each for each in candidates if each.admission.standing is Standing.OPEN]
    if opened:
        return (min(opened, key=lambda each: each.admission.until or math.inf).route,)
    raise _refusal(candidates, now)


def standing(route: Route, health: Health, now: float) -> Admission:
    """Whether ``route`` may be asked at the moment, and if not, why and until when."""
    connection = route.connection
    if connection.unusable:
        return Admission(Standing.OFF, None, KeyUnreadable(connection.unusable))
    return health.admission(connection.id, connection.revision, route.model, now)


def _refusal(candidates: list[Candidate], now: float) -> UpstreamError:
    cooling = [each for each in candidates if each.admission.standing is Standing.COOLING]
    chosen = min(cooling or candidates, key=lambda each: each.admission.until or math.inf)
    cause = chosen.admission.cause
    if cause is None:
        cause = KeyUnreadable(f"Connection {chosen.route.connection.name!r} is switched off.")
    wait = None
    if cooling and chosen.admission.until is not None:
        wait = max(chosen.admission.until - now, 0.0)
    return cause.with_wait(wait)
