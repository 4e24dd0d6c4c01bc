"""ETags and ``If-Match``: a change is made from what the caller saw, or not at all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from rest_framework.request import Request

from connectors.api.problems import PreconditionFailed, PreconditionRequired
from connectors.api.representations import connection_shown
from connectors.errors import ConnectionMissing
from connectors.models import Connection
from connectors.services.versions import writing

# nginx and Django's GZipMiddleware mark the tag of a compressed answer as weak. The tag is the
# revision and not a hash of bytes, so a weak one names the same state.
_TAG = re.compile(r'(?:W/)?"([^"]*)"')


def etag_of(connection: Connection) -> str:
    """The tag of a connection as it is."""
    return f'"{connection.revision}"'


def found(pk: UUID) -> Connection:
    """The connection of that id. Raises ConnectionMissing."""
    connection = Connection.objects.filter(pk=pk).first()
    if connection is None:
        raise _missing(pk)
    return connection


@contextmanager
def unchanged(request: Request, pk: UUID) -> Iterator[Connection]:
    """The connection as the caller saw it, while nobody else writes.

    Raises ConnectionMissing, PreconditionRequired without ``If-Match``, and PreconditionFailed
    with what is stored now where that is something else.
    """
    with writing() as database:
        connection = Connection.objects.using(database).filter(pk=pk).first()
        if connection is None:
            raise _missing(pk)
        given = request.headers.get("If-Match", "").strip()
        if not given:
            raise PreconditionRequired
        if given != "*" and connection.revision not in _TAG.findall(given):
            raise PreconditionFailed(
                f"The connection {connection.name} was changed by somebody else meanwhile. Look "
                "at what is stored now, and send your change again with its ETag.",
                connection_shown(connection),
                {"ETag": etag_of(connection)},
            )
        yield connection


def _missing(pk: UUID) -> ConnectionMissing:
    return ConnectionMissing(f"There is no connection with the id {pk}.", field="id")
