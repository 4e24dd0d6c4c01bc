"""From a model name to the ordered routes that may answer: pure.

A name is ``auto`` (the whole chain, each connection with its own model), a connection's name,
``connection/model``, or a model id: the connections that list it, by priority, and then, unless
fallback is forbidden, the rest of the chain with their own models.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace

from ai_client.capabilities import Capability, Option
from ai_client.errors import (
    KeyUnreadable,
    ModelNotFound,
    NoConnection,
    PermissionRefused,
    UpstreamError,
)
from ai_client.health import READY, Admission, Health, Standing
from ai_client.key_rights import KeyScope
from ai_client.model_catalog import tuning_refused_by
from ai_client.snapshot import ConnectionConfig, GatewayKeyConfig, Snapshot
from ai_client.values import value

AUTO = "auto"


@value(frozen=True, slots=True)
class Route:
    """One connection with the model to ask there, and the wire format to ask in.

    ``without`` is tuning that this model refuses: it is left out, with a warning, wherever the
    request is translated.
    """

    connection: ConnectionConfig
    model: str
    wire: str = ""
    without: tuple[Option, ...] = ()

    @property
    def wire_format(self) -> str:
        """The wire format; the provider's for texts of this model where the route does not say."""
        return self.wire or _own_wire(self)


def spoken(routes: Iterable[Route], dialect: str | None) -> tuple[Route, ...]:
    """The routes with their wire formats: the caller's ``dialect`` where the provider speaks it.

    So nothing is translated. Else it is the format in which the provider's model is asked for text,
    without the tuning that the model is known to refuse. A route that says its wire format keeps
    it, and is as its maker wants it.
    """
    return tuple([each if each.wire else _spoken(each, dialect) for each in routes])


def _spoken(route: Route, dialect: str | None) -> Route:
    refused = tuning_refused_by(route.connection.provider, route.model)
    if dialect is not None and _also_speaks(route.connection, dialect):
        return replace(route, wire=dialect, without=refused)
    return replace(route, wire=_own_wire(route), without=refused)


def in_own_wire(route: Route) -> Route | None:
    """The route in the format that the provider speaks to everybody; None where it is that one."""
    own = _own_wire(route)
    if route.wire == own or route.wire not in route.connection.provider.also_speaks:
        return None
    return replace(route, wire=own)


def _also_speaks(connection: ConnectionConfig, dialect: str) -> bool:
    provider = connection.provider
    return dialect in provider.also_speaks and all(
        connection.options.get(name) == value for name, value in provider.also_where.items()
    )


def _own_wire(route: Route) -> str:
    provider = route.connection.provider
    return provider.wire_for(Capability.TEXT_GENERATION, route.model) or provider.wire


def resolve(snapshot: Snapshot, name: str, *, allow_fallback: bool = True) -> tuple[Route, ...]:
    """The routes for ``name`` in the order of preference, healthy or not.

    Raises ``NoConnection`` when none exists and ``ModelNotFound``, listing what does exist, when
    the name is unknown.
    """
    require_connections(snapshot)
    connections = snapshot.connections
    first = tuple(_named(connections, name))
    if not first:
        raise _unknown(name, available(snapshot))
    if not allow_fallback:
        return first[:1] if name == AUTO else first
    used = {route.connection.id for route in first}
    rest = (
        Route(connection, connection.model)
        for connection in connections
        if connection.id not in used and connection.model
    )
    return (*first, *rest)


def require_connections(snapshot: Snapshot) -> None:
    """Raise ``NoConnection`` where there is none."""
    if not snapshot.connections:
        raise NoConnection(
            "No connection is set up. Add one in the admin or with "
            "'python manage.py apply_connections'."
        )


@value(frozen=True, slots=True)
class Approved:
    """The routes that a caller may use, and the connectors that it was kept from."""

    routes: tuple[Route, ...]
    refused: tuple[str, ...] = ()


def approved(
    snapshot: Snapshot,
    name: str,
    caller: str,
    *,
    allow_fallback: bool = True,
    key: GatewayKeyConfig | None = None,
) -> Approved:
    """As ``resolve``, for a caller by its label: without the connections it may not use.

    Nor those that the gateway's ``key`` is not for. ``PermissionRefused`` where that is everything
    that was asked for by name: a key that is not for a model does not get another one instead.
    """
    scope = None if key is None else key.scope
    if scope is None and not snapshot.approvals.restrict:
        return Approved(resolve(snapshot, name, allow_fallback=allow_fallback))
    # Without fallback ``auto`` is the first connection of those that the caller may use.
    whole_chain = allow_fallback or name == AUTO
    if scope is None:
        found = permitted(snapshot, resolve(snapshot, name, allow_fallback=whole_chain), caller)
    else:
        assert key is not None
        routes = _in_scope(snapshot, name, caller, key, whole_chain=whole_chain)
        found = permitted(snapshot, routes, caller)
    if allow_fallback or name != AUTO:
        return found
    return Approved(found.routes[:1], found.refused)


def permitted(
    snapshot: Snapshot, routes: Iterable[Route], caller: str, key: GatewayKeyConfig | None = None
) -> Approved:
    """Those of ``routes`` that a caller, by its label, may use.

    ``PermissionRefused`` if there are some and the gateway's ``key`` is for none of them.
    """
    approvals = snapshot.approvals
    given = tuple(routes)
    if key is not None and key.scope is not None and given:
        inside = tuple(each for each in given if _covers(key.scope, each))
        if not inside:
            raise _out_of_scope(key, key.scope)
        given = inside
    if not approvals.restrict:
        return Approved(given)
    kept = tuple(each for each in given if approvals.permit(caller, each.connection.provider.slug))
    slugs = (each.connection.provider.slug for each in given if each not in kept)
    return Approved(kept, tuple(dict.fromkeys(slugs)))


def visible_to(snapshot: Snapshot, caller: str, key: GatewayKeyConfig | None = None) -> Snapshot:
    """The snapshot with the connections that a caller, by its label, may use.

    And of these, where the gateway's ``key`` has a scope, the models that it is for.
    """
    approvals = snapshot.approvals
    scope = None if key is None else key.scope
    connections: Iterable[ConnectionConfig] = snapshot.connections
    if scope is None and not approvals.restrict:
        return snapshot
    if approvals.restrict:
        connections = (each for each in connections if approvals.permit(caller, each.provider.slug))
    if scope is not None:
        connections = filter(None, (_covered(scope, each) for each in connections))
    return replace(snapshot, connections=tuple(connections))


def _in_scope(
    snapshot: Snapshot, name: str, caller: str, key: GatewayKeyConfig, *, whole_chain: bool
) -> tuple[Route, ...]:
    scope = key.scope
    assert scope is not None
    try:
        routes = resolve(snapshot, name, allow_fallback=whole_chain)
    except ModelNotFound:
        # Which names there are beyond its scope is not told to a key.
        raise _unknown(name, available(visible_to(snapshot, caller, key))) from None
    asked = routes if name == AUTO else tuple(_named(snapshot.connections, name))
    if not any(_covers(scope, each) for each in asked):
        raise _out_of_scope(key, scope)
    return tuple(each for each in routes if _covers(scope, each))


def _covers(scope: KeyScope, route: Route) -> bool:
    return scope.covers(route.connection.name, route.model)


def _covered(scope: KeyScope, connection: ConnectionConfig) -> ConnectionConfig | None:
    """The connection with the models that a scope covers; None where that is none."""
    own = connection.model if scope.covers(connection.name, connection.model) else ""
    others = tuple(each for each in connection.models if scope.covers(connection.name, each))
    if not own and not others:
        return None
    return replace(connection, model=own, models=others)


def _out_of_scope(key: GatewayKeyConfig, scope: KeyScope) -> PermissionRefused:
    return PermissionRefused(
        f"The gateway key {key.name!r} is not for that. It may use {scope.in_words()}."
    )


def _unknown(name: str, names: tuple[str, ...]) -> ModelNotFound:
    return ModelNotFound(
        f"No connection or model is called {name!r}. Available: {', '.join(names)}.",
        available=names,
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


@value(frozen=True, slots=True)
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
    if not routes or standing(routes[0], health, now) is READY:
        # How the others are doing is asked when it is their turn.
        return routes
    admissions = [standing(route, health, now) for route in routes]
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
