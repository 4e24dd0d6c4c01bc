"""Storing what was found at a connection's address."""

from __future__ import annotations

from connectors.models import Connection
from connectors.probing import Detection
from connectors.services.connections import ConnectionUpdate, update_connection
from connectors.services.planning import ConnectionValues


def detected_values(connection: Connection, found: Detection) -> ConnectionValues:
    """What a detection changes: the fields that it fills in, and a model that is not there.

    The other fields stay. A model that the connection has, and that was found too, stays as well.
    """
    values = ConnectionValues(fields={**connection.fields, **found.fields})
    if connection.model and connection.model not in found.models:
        values["model"] = ""
    return values


def store_detection(connection: Connection, found: Detection) -> ConnectionUpdate:
    """Writes what was found into the connection. Raises ConnectorError."""
    return update_connection(connection, **detected_values(connection, found))
