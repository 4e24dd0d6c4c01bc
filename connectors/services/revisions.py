"""Writing only what was seen: an edit that was made from an outdated view is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Unpack
from uuid import UUID

from django.core.exceptions import ValidationError
from django.views.decorators.debug import sensitive_variables

from connectors.errors import ConnectionMissing, ConnectorError
from connectors.models import Connection
from connectors.services.connections import (
    ConnectionUpdate,
    reorder_connections,
    update_connection,
)
from connectors.services.planning import ConnectionValues
from connectors.services.versions import writing


class OutdatedRevision(ConnectorError):
    """Somebody else changed the connection meanwhile; ``current`` is what is stored now."""

    def __init__(self, current: Connection) -> None:
        super().__init__(
            f"The connection {current.name} was changed by somebody else meanwhile.",
            field="revision",
        )
        self.current = current


@dataclass(frozen=True, slots=True)
class MovedRevision:
    """The revisions that a connection had before and after it was moved."""

    before: str
    after: str


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
            raise ConnectionMissing(
                f"There is no connection with the id {connection}.", field="id"
            ) from None
        if current.revision != revision:
            raise OutdatedRevision(current)
        return update_connection(current, **values)


def reorder_with_revisions(ids: list[str]) -> Mapping[str, MovedRevision]:
    """As ``reorder_connections``; tells the revisions of the connections that moved, by id."""
    with writing() as database:
        before = _revisions(database)
        reorder_connections(ids)
        after = _revisions(database)
    return {
        pk: MovedRevision(before[pk], revision)
        for pk, revision in after.items()
        if before[pk] != revision
    }


def _revisions(database: str) -> dict[str, str]:
    rows = Connection.objects.using(database).values_list("pk", "revision")
    return {str(pk): revision for pk, revision in rows}
