"""What the page shows of each connection while its tile is closed, and who answers now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Literal

from django.utils.translation import gettext as _

from connectors import conf
from connectors.credentials import (
    Credential,
    ResolvedConnection,
    Unreadable,
    resolve_all,
)
from connectors.masking import BULLET, mask
from connectors.models import Connection
from connectors.status import ConnectionStatus, State, current_statuses
from connectors.values import AI_PROVIDER, ConnectorType


@dataclass(frozen=True, slots=True)
class KeyShown:
    """A key as the page shows it: masked, with its source in words. ``own``: it can be removed.

    ``variable`` says of a key in the environment whether its variable is set at the moment.
    """

    masked: str
    badge: str
    source: str
    own: bool
    problem: str = ""
    variable: Literal["", "set", "unset"] = ""


@dataclass(frozen=True, slots=True)
class Logo:
    """A connector's picture, or the initials that stand for it."""

    url: str
    initials: str


@dataclass(frozen=True, slots=True)
class Tile:
    """One connection on the page. ``place`` counts from 1; ``state`` is for the style sheet."""

    connection: Connection
    connector: ConnectorType | None
    resolved: ResolvedConnection
    logo: Logo
    place: int
    provider: str
    state: State
    words: str
    reason: str
    latency: str
    last_error: str
    who: str
    answers_now: bool
    key: KeyShown

    @property
    def answers(self) -> bool:
        """Whether a request would be tried here at the moment."""
        return self.state in (State.READY, State.TRYING_AGAIN)


@dataclass(frozen=True, slots=True)
class Turn:
    """One connection in the order in which requests try them, and why it does not answer."""

    tile: Tile
    why: str


@dataclass(frozen=True, slots=True)
class Answering:
    """Who answers now (None: nobody) and why the others do not."""

    first: Tile | None
    others: tuple[Turn, ...]


def tiles_of(connections: Iterable[Connection]) -> list[Tile]:
    """The tiles in order, with at most one query however many there are."""
    resolved = resolve_all(connections)
    statuses = current_statuses()
    return [_tile(each, place, statuses) for place, each in enumerate(resolved, 1)]


def answering(tiles: Iterable[Tile]) -> Answering:
    """Reads from the tiles, in their order, which one gets the next request.

    Requests are for AI providers; connections of other types stand beside them.
    """
    listed = [
        tile for tile in tiles if tile.connector is None or tile.connector.type == AI_PROVIDER
    ]
    ready = [tile for tile in listed if tile.answers]
    first = next((tile for tile in ready if tile.answers_now), ready[0] if ready else None)
    others = []
    for tile in listed:
        if tile is first:
            continue
        others.append(Turn(tile, tile.who or _why_not(tile)))
    return Answering(first, tuple(others))


def logo_of(connector: ConnectorType | None, name: str) -> Logo:
    """The logo of a connector, or initials made from its name."""
    words = [word for word in name.replace("-", " ").replace("_", " ").split() if word[0].isalnum()]
    picked = words[0][:2] if len(words) == 1 else "".join(word[0] for word in words[:2])
    return Logo(connector.logo_url if connector else "", picked.upper() or "?")


def key_shown(resolved: ResolvedConnection) -> KeyShown:
    """A connection's key for people; never more of it than its last four characters."""
    connection, found = resolved.connection, resolved.credential
    own = bool(connection.api_key_encrypted or connection.api_key_env)
    if isinstance(found, Unreadable):
        return KeyShown("", _("Unreadable"), "unreadable", own, found.reason)
    if connection.api_key_env or found.source == "env":
        return _in_variable(connection.api_key_env or found.name, found, own)
    match found.source:
        case "setting":
            badge = _("Setting: %(name)s") % {"name": f"CONNECTORS[{found.name!r}]"}
        case "database":
            badge = _("Option: %(name)s") % {"name": found.name} if found.name else _("Stored here")
        case "app":
            badge = _("Kept by an app")
        case "none":
            return KeyShown("", _("No key"), "none", own, resolved.unusable)
    return KeyShown(_masked(found), badge, found.source, own)


def _in_variable(name: str, found: Credential, own: bool) -> KeyShown:
    badge = _("Environment: %(name)s") % {"name": name}
    if not conf.from_environment(name):
        return KeyShown("", badge, "env", own, variable="unset")
    masked = _masked(found) if found.value else ""
    return KeyShown(masked, badge, "env", own, found.reason, variable="set")


def _masked(found: Credential) -> str:
    shown = mask(found.value)
    return shown if BULLET in shown else BULLET * 4


def _tile(
    resolved: ResolvedConnection, place: int, statuses: Mapping[str, ConnectionStatus]
) -> Tile:
    connection, connector = resolved.connection, resolved.connector
    status = statuses.get(str(connection.pk))
    state, reason = _state(resolved, status)
    latency = ""
    if status and status.last_latency_ms is not None:
        latency = _("%(number)d ms") % {"number": round(status.last_latency_ms)}
    provider = connector.name if connector else connection.provider
    return Tile(
        connection=connection,
        connector=connector,
        resolved=resolved,
        logo=logo_of(connector, provider),
        place=place,
        provider=provider,
        state=state,
        words=_in_words(state, status),
        reason=reason,
        latency=latency,
        last_error=status.last_error if status else "",
        who="" if status is None or reason or not connection.enabled else status.who,
        answers_now=bool(status and status.answers_now),
        key=key_shown(resolved),
    )


def _state(resolved: ResolvedConnection, status: ConnectionStatus | None) -> tuple[State, str]:
    if not resolved.connection.enabled:
        return State.DISABLED, ""
    if isinstance(resolved.credential, Unreadable):
        return State.KEY_UNREADABLE, resolved.credential.reason
    if resolved.unusable:
        return State.NOT_SET_UP, resolved.unusable
    if status is None:
        return State.READY, ""
    return status.state, "" if status.state is State.READY else status.last_error


def _in_words(state: State, status: ConnectionStatus | None) -> str:
    if status is None or status.state is not state or status.until_seconds is None:
        return str(state.label)
    return _("%(state)s, %(seconds)d s") % {
        "state": state.label,
        "seconds": ceil(status.until_seconds),
    }


def _why_not(tile: Tile) -> str:
    if tile.answers:
        return _("Ready, asked when the ones before it fail.")
    return f"{tile.words}. {tile.reason}" if tile.reason else f"{tile.words}."
