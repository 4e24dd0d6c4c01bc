"""ETags and ``If-Match``: a change is made from what the caller saw, or not at all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.utils.translation import gettext as _
from rest_framework.request import Request

from connectors.api.problems import PreconditionFailed, PreconditionRequired
from connectors.api.representations import connection_shown
from connectors.errors import ConnectionMissing
from connectors.models import Connection
from connectors.services.versions import writing

# nginx and Django's GZipMiddleware mark the tag of a compressed answer as weak. The tag is made of
# the revision and the place, and is no hash of bytes, so a weak one names the same state.
_TAG = re.compile(r'(?:W/)?"([^"]*)"')


def etag_of(connection: Connection) -> str:
    """The tag of a connection as it is."""
    return f'"{_state_of(connection)}"'


def found(pk: UUID) -> Connection:
    """The connection of that id. Raises ConnectionMissing."""
    connection = Connection.objects.filter(pk=pk).first()
    if connection is None:
        raise ConnectionMissing(pk)
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
            raise ConnectionMissing(pk)
        given = request.headers.get("If-Match", "").strip()
        if not given:
            raise PreconditionRequired
        if given != "*" and _state_of(connection) not in _TAG.findall(given):
            raise PreconditionFailed(
                _(
                    "The connection %(name)s was changed by somebody else meanwhile. Look at what "
                    "is stored now, and send your change again with its ETag."
                )
                % {"name": connection.name},
                connection_shown(connection),
                {"ETag": etag_of(connection)},
            )
        yield connection


def _state_of(connection: Connection) -> str:
    """The revision does not move with the order, which a caller who sends a priority has seen."""
    return f"{connection.revision}.{connection.priority}"
