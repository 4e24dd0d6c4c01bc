"""Bringing the stored connections to what a file declares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_variables

from connectors.credentials import resolve_all
from connectors.errors import ConnectorError, DeclarationError
from connectors.models import Connection
from connectors.services.connections import (
    create_connection,
    delete_connection,
    update_connection,
)
from connectors.services.declarations import Declaration, parse
from connectors.services.versions import rehearsal, writing

KEY_REMOVED: Final = gettext_lazy("It goes to another address now, so its stored key was removed.")

Action: TypeAlias = Literal["created", "updated", "unchanged", "removed"]


@dataclass(frozen=True, slots=True)
class AppliedConnection:
    """What happened to one connection, which values changed, and what to know about it."""

    name: str
    action: Action
    changed: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class ApplyReport:
    """What a call did, or with ``dry_run`` would have done: removals, then the file's order."""

    connections: tuple[AppliedConnection, ...]

    def names(self, action: Action) -> tuple[str, ...]:
        """The connections that this happened to."""
        return tuple(each.name for each in self.connections if each.action == action)

    @property
    def created(self) -> tuple[str, ...]:
        """The names of new connections."""
        return self.names("created")

    @property
    def updated(self) -> tuple[str, ...]:
        """The names of connections that changed."""
        return self.names("updated")

    @property
    def unchanged(self) -> tuple[str, ...]:
        """The names of connections that were as declared."""
        return self.names("unchanged")

    @property
    def removed(self) -> tuple[str, ...]:
        """The names of connections that were not declared and are gone."""
        return self.names("removed")


@sensitive_variables()
def apply_connections(
    entries: Sequence[object], *, prune: bool = False, dry_run: bool = False
) -> ApplyReport:
    """Create and update connections by name as ``entries`` declare them; all or nothing.

    What an entry leaves out stays as it is, the key included; ``"api_key": None`` removes the
    key. ``prune`` removes the connections that are not declared. ``dry_run`` writes nothing.
    Raises DeclarationError with the path to the mistake.
    """
    declarations = parse(entries)
    with rehearsal() if dry_run else writing():
        stored = {each.name.casefold(): each for each in Connection.objects.all()}
        done = []
        if prune:
            for name in stored.keys() - {each.name.casefold() for each in declarations}:
                delete_connection(stored[name])
                done.append(AppliedConnection(stored[name].name, "removed"))
        done.sort(key=lambda each: each.name)
        done += [_apply(each, stored.get(each.name.casefold())) for each in declarations]
    return ApplyReport(tuple(done))


def _apply(declaration: Declaration, existing: Connection | None) -> AppliedConnection:
    try:
        if existing is None:
            connection = create_connection(
                option_name=declaration.option_name, **declaration.values
            )
            note = _note(connection, declaration)
            return AppliedConnection(declaration.name, "created", (), note)
        update = update_connection(existing, **declaration.values)
    except ConnectorError as error:
        place = f"{declaration.path}.{error.field}" if error.field else declaration.path
        raise DeclarationError(place, error.message) from None
    note = _note(update.connection, declaration)
    if update.key_cleared:
        note = f"{KEY_REMOVED} {note}".strip()
    action: Action = "updated" if update.changed else "unchanged"
    return AppliedConnection(declaration.name, action, update.changed, note)


def naming_note(connection: Connection, wanted: str) -> str:
    """What the connection's option is called, where another name was asked for; else blank."""
    if wanted in ("", connection.option_name):
        return ""
    return _("Its option name is %(name)s.") % {"name": connection.option_name}


def _note(connection: Connection, declaration: Declaration) -> str:
    unusable = resolve_all([connection])[0].unusable
    return f"{unusable} {naming_note(connection, declaration.option_name)}".strip()
