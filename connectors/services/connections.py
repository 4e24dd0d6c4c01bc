"""Writing connections: each call is one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Unpack
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from connectors.errors import ConnectionMissing, ConnectorError
from connectors.models import Connection, new_revision
from connectors.services.naming import new_option_name
from connectors.services.planning import ConnectionValues, plan
from connectors.services.versions import bump_version, writing


@dataclass(frozen=True, slots=True)
class ConnectionUpdate:
    """What an update did. ``changed`` names the values; nothing was written where it is empty.

    ``key_cleared`` says that the connection now goes to another origin and lost its key by it.
    """

    connection: Connection
    changed: tuple[str, ...]
    key_cleared: bool


@sensitive_variables()
def create_connection(*, option_name: str = "", **values: Unpack[ConnectionValues]) -> Connection:
    """Store a new connection; ``provider`` is required, the rest has defaults.

    It comes last unless ``priority`` is given. It keeps its option's name for good: ``option_name``
    if that is free, else one that is made from provider and name. Raises ConnectorError.
    """
    with writing() as database:
        connection = plan(None, values, database).connection
        connection.option_name = new_option_name(connection, option_name, database)
        connection.save(using=database, force_insert=True)
        bump_version()
    return connection


@sensitive_variables()
def update_connection(
    connection: Connection | UUID | str, **values: Unpack[ConnectionValues]
) -> ConnectionUpdate:
    """Change what is given and keep the rest. Raises ConnectorError.

    A connection that now goes to another origin loses its stored key, unless a key comes in the
    same call. One that only changes its place keeps its revision, see ``reorder_connections``.
    """
    with writing() as database:
        planned = plan(_locked(connection, database), values, database)
        if planned.changed:
            if planned.changed != ("priority",):
                planned.connection.revision = new_revision()
            planned.connection.save(using=database, force_update=True)
            bump_version()
    return ConnectionUpdate(planned.connection, planned.changed, planned.key_cleared)


def set_connection_enabled(connection: Connection | UUID | str, enabled: bool) -> ConnectionUpdate:
    """Switch a connection on or off. Raises ConnectionMissing."""
    return update_connection(connection, enabled=enabled)


def delete_connection(connection: Connection | UUID | str) -> None:
    """Remove a connection with its key. Raises ConnectionMissing."""
    with writing() as database:
        _locked(connection, database).delete(using=database)
        bump_version()


def reorder_connections(ids: Sequence[UUID | str]) -> None:
    """Give the connections the priorities 1, 2, 3… in this order.

    ``ids`` must hold each connection once, so that an order made from an outdated list is refused
    (ConnectorError) rather than guessed at. A place says nothing about the connection itself: its
    revision stays, and with it what is known of its health and its models.
    """
    with writing() as database:
        present = {
            str(connection.pk): connection for connection in Connection.objects.using(database)
        }
        wanted = [str(each) for each in ids]
        if sorted(wanted) != sorted(present):
            raise ConnectorError(
                _("The order must hold each connection exactly once; load the list again."),
                field="order",
            )
        moved = []
        for priority, pk in enumerate(wanted, 1):
            connection = present[pk]
            if connection.priority != priority:
                connection.priority = priority
                moved.append(connection)
        for connection in moved:
            connection.save(using=database, update_fields=["priority", "updated"])
        if moved:
            bump_version()


def _locked(connection: Connection | UUID | str, database: str) -> Connection:
    """The connection as it is now, while nobody else writes."""
    pk = connection.pk if isinstance(connection, Connection) else connection
    try:
        return Connection.objects.using(database).get(pk=pk)
    except (Connection.DoesNotExist, ValidationError):
        raise ConnectionMissing(pk) from None
