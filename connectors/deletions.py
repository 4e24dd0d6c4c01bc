"""The connections that somebody deleted last, kept in their session until they come back."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from django.contrib.sessions.backends.base import SessionBase

from connectors.models import Connection

MOST: Final = 5
"""How many are kept; the oldest goes for good when there is one more."""

_KEY: Final = "connectors_deleted"


@dataclass(frozen=True, slots=True)
class Deletion:
    """A deleted connection: its id, its name, and what ``restore_connection`` needs."""

    connection: str
    name: str
    memory: str


def deletions(session: SessionBase) -> list[Deletion]:
    """What can be brought back, the last one first."""
    kept: Any = session.get(_KEY)
    return [Deletion(**each) for each in kept] if isinstance(kept, list) else []


def remember(session: SessionBase, row: Connection, memory: str) -> None:
    """Keep one more deletion."""
    added = Deletion(str(row.pk), row.name, memory)
    _keep(session, [added, *deletions(session)][:MOST])


def forget(session: SessionBase, deletion: Deletion) -> None:
    """Let go of a deletion, because it was undone or dismissed."""
    _keep(session, [each for each in deletions(session) if each != deletion])


def find(session: SessionBase, connection: str) -> Deletion | None:
    """The deletion of that connection, the last one where no id is given, or None."""
    kept = deletions(session)
    if not connection:
        return kept[0] if kept else None
    return next((each for each in kept if each.connection == connection), None)


def _keep(session: SessionBase, kept: list[Deletion]) -> None:
    if kept:
        session[_KEY] = [asdict(each) for each in kept]
    else:
        session.pop(_KEY, None)
