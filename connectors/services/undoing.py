"""Deleting a connection so that it can be brought back."""

from __future__ import annotations

from uuid import UUID

from django.core import serializers
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from connectors.errors import ConnectionMissing, ConnectorError, NameTaken
from connectors.models import Connection, new_revision
from connectors.services.connections import delete_connection
from connectors.services.naming import new_option_name
from connectors.services.versions import bump_version, writing


def delete_with_memory(connection: UUID | str) -> str:
    """Remove a connection and return what ``restore_connection`` needs, as JSON.

    The text holds the key as it was stored: encrypted, and bound to this connection and its
    address. Keep it on the server. Raises ConnectionMissing.
    """
    with writing() as database:
        try:
            row = Connection.objects.using(database).get(pk=connection)
        except (Connection.DoesNotExist, ValidationError):
            raise ConnectionMissing(connection) from None
        memory: str = serializers.serialize("json", [row])
        delete_connection(row)
    return memory


def restore_connection(memory: str) -> Connection:
    """Store a deleted connection again, with its key, its place and its option's name.

    It gets another option's name where that went to a newer connection meanwhile.
    Raises NameTaken where another connection has the name by now, and ConnectorError where the
    text cannot be read or the connection is there again already.
    """
    with writing() as database:
        row = _read(memory)
        others = Connection.objects.using(database)
        if others.filter(pk=row.pk).exists():
            raise ConnectorError(
                _("The connection %(name)s is there already.") % {"name": row.name}
            )
        if row.name.casefold() in map(str.casefold, others.values_list("name", flat=True)):
            raise NameTaken(row.name)
        row.option_name = new_option_name(row, row.option_name, database)
        row.revision = new_revision()
        row.save(using=database, force_insert=True)
        bump_version()
    return row


def _read(memory: str) -> Connection:
    try:
        (entry,) = serializers.deserialize("json", memory)
    except (serializers.base.DeserializationError, ValueError):
        raise ConnectorError(_("What was deleted cannot be read any more.")) from None
    if not isinstance(entry.object, Connection):
        raise ConnectorError(_("What was deleted is no connection."))
    return entry.object
