"""The option names of connections: given once, and found again."""

from __future__ import annotations

from django.utils.translation import gettext as _

from connectors.errors import FieldError
from connectors.models import Connection
from connectors.option_names import connection_option, is_option_name


def connection_of_option(option_name: str) -> Connection | None:
    """The connection that has this option's name, as ``koneek_api_key_openai_work``, or None.

    For code that names a connection as Koneek for WordPress does: there the option holds the key.
    Here a connection also has an address, and its key goes nowhere else; ``resolve`` of
    ``connectors.credentials`` tells both, or why the connection cannot be used.
    """
    if not is_option_name(option_name):
        return None  # no row has it, and PostgreSQL refuses to look for a NUL
    return Connection.objects.filter(option_name=option_name).first()


def new_option_name(connection: Connection, wanted: str, database: str) -> str:
    """A free option name for a connection that is about to be stored: ``wanted`` if it is free.

    Call it inside ``writing``, whose lock keeps the name free until the row is there. Raises
    FieldError.
    """
    taken = set(Connection.objects.using(database).values_list("option_name", flat=True))
    if wanted and not is_option_name(wanted):
        raise FieldError(
            _("The option_name must be koneek_api_key_ and up to 220 of a-z, 0-9, “_” and “-”."),
            field="option_name",
        )
    if wanted and wanted not in taken:
        return wanted
    return connection_option(connection.provider, connection.name, taken)
