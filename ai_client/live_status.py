"""How the connections are doing in this process, in words: the source of ``connectors.status``."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext as _

from ai_client.advice import as_detail
from ai_client.client import AiClient, default_client
from ai_client.errors import (
    AddressRefused,
    AiClientError,
    ConfigurationUnavailable,
    ConnectFailed,
    ConnectTimedOut,
    KeyRejected,
    KeyUnreadable,
    NameNotResolved,
    QuotaExhausted,
    RedirectRefused,
    TlsFailed,
    UpstreamError,
    UpstreamModelMissing,
)
from ai_client.health import Admission, Standing
from ai_client.router import Route, admit, standing
from ai_client.snapshot import ConnectionConfig
from connectors.status import ConnectionStatus, State

_CAUSES: tuple[tuple[type[UpstreamError], State], ...] = (
    (KeyRejected, State.KEY_REJECTED),
    (KeyUnreadable, State.KEY_UNREADABLE),
    (QuotaExhausted, State.OUT_OF_CREDIT),
    (UpstreamModelMissing, State.MODEL_MISSING),
    (AddressRefused, State.REFUSED_ADDRESS),
    (TlsFailed, State.TLS_FAILED),
    (RedirectRefused, State.REDIRECTED),
    (NameNotResolved, State.UNREACHABLE),
    (ConnectFailed, State.UNREACHABLE),
    (ConnectTimedOut, State.UNREACHABLE),
)


def live_statuses() -> Mapping[str, ConnectionStatus]:
    """The status of each enabled connection of this process's client, by id.

    Empty while the configuration cannot be read.
    """
    try:
        return statuses(default_client())
    except ConfigurationUnavailable:
        return {}


def statuses(client: AiClient) -> dict[str, ConnectionStatus]:
    """The status of each connection of ``client``, by id."""
    now = client.clock()
    routes = tuple(Route(each, each.model) for each in client.snapshot().connections)
    first = _first(tuple(route for route in routes if route.model), client, now)
    return {
        route.connection.id: _status(route, standing(route, client.health, now), first, client, now)
        for route in routes
    }


def _first(routes: tuple[Route, ...], client: AiClient, now: float) -> ConnectionConfig | None:
    """The connection that answers the next request for the whole chain."""
    if not routes:
        return None
    try:
        return admit(routes, client.health, now)[0].connection
    except AiClientError:
        return None


def _status(
    route: Route,
    admission: Admission,
    first: ConnectionConfig | None,
    client: AiClient,
    now: float,
) -> ConnectionStatus:
    connection = route.connection
    last = client.results.of(connection.id)
    state = _state(connection, admission)
    until = None if admission.until is None else max(admission.until - now, 0.0)
    cause = connection.unusable or (admission.cause.message if admission.cause else "")
    answers = first is not None and first.id == connection.id
    return ConnectionStatus(
        state=state,
        until_seconds=None if admission.allowed else until,
        last_latency_ms=last.latency_ms,
        last_error=as_detail(last.error),
        last_error_age=None if last.error_at is None else max(now - last.error_at, 0.0),
        who=_who(route, admission, first, state, cause, answers=answers),
        answers_now=answers,
    )


def _state(connection: ConnectionConfig, admission: Admission) -> State:
    if connection.unusable:
        return State.KEY_UNREADABLE if connection.key_unreadable else State.NOT_SET_UP
    match admission.standing:
        case Standing.READY:
            return State.READY
        case Standing.PROBE:
            return State.TRYING_AGAIN
        case Standing.COOLING:
            return State.COOLING_DOWN
        case Standing.OPEN | Standing.OFF:
            for kind, state in _CAUSES:
                if isinstance(admission.cause, kind):
                    return state
            return State.CIRCUIT_OPEN


def _who(
    route: Route,
    admission: Admission,
    first: ConnectionConfig | None,
    state: State,
    cause: str,
    *,
    answers: bool,
) -> str:
    if answers and admission.allowed:
        return _("Answers now.")
    if answers:
        return _("Answers now, because no other connection can; it failed before.")
    if not route.model:
        return _("Answers only requests that name a model: it has none of its own.")
    if admission.allowed and first is not None:
        return _("Answers when %(name)s cannot.") % {"name": first.name}
    reason = f"{state.label}. {as_detail(cause)}".strip()
    return _("Does not answer: %(reason)s") % {"reason": reason}
