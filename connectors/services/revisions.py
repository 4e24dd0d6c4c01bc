"""Writing only what was seen: an edit that was made from an outdated view is refused."""

from __future__ import annotations

from typing import Unpack
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from connectors.errors import ConnectionMissing, ConnectorError
from connectors.models import Connection
from connectors.services.connections import ConnectionUpdate, update_connection
from connectors.services.planning import ConnectionValues
from connectors.services.versions import writing


class OutdatedRevision(ConnectorError):
    """Somebody else changed the connection meanwhile; ``current`` is what is stored now."""

    def __init__(self, current: Connection) -> None:
        super().__init__(
            _("The connection %(name)s was changed by somebody else meanwhile.")
            % {"name": current.name},
            field="revision",
        )
        self.current = current


@sensitive_variables()
def update_at_revision(
    connection: UUID | str, revision: str, **values: Unpack[ConnectionValues]
) -> ConnectionUpdate:
    """As ``update_connection``, if the connection still has that revision.

    Raises OutdatedRevision where it has another, and ConnectorError.
    """
    with writing() as database:
        try:
            current = Connection.objects.using(database).get(pk=connection)
        except (Connection.DoesNotExist, ValidationError):
            raise ConnectionMissing(connection) from None
        if current.revision != revision:
            raise OutdatedRevision(current)
        return update_connection(current, **values)
