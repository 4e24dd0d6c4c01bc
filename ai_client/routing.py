"""Routes remembered for as long as the configuration stays the same: pure.

What a name leads to is a matter of the snapshot alone, and most requests name the same few things.
"""

from __future__ import annotations

from typing import TypeAlias

from ai_client.router import Approved, approved, spoken
from ai_client.snapshot import GatewayKeyConfig, Snapshot

MOST = 1000
"""How many answers are remembered; callers may name any model of a connection."""

_Asked: TypeAlias = tuple[str, str, str | None, bool, int | None]


class Routing:
    """Remembers for the snapshot that it was last asked with. Safe to use from many threads."""

    def __init__(self) -> None:
        self._known: tuple[Snapshot | None, dict[_Asked, Approved]] = (None, {})

    def find(
        self,
        snapshot: Snapshot,
        name: str,
        caller: str,
        dialect: str | None,
        *,
        allow_fallback: bool = True,
        key: GatewayKeyConfig | None = None,
    ) -> Approved:
        """As ``router.approved``, with the routes' wire formats as ``router.spoken`` gives them."""
        known_for, known = self._known
        if known_for is not snapshot:
            known = {}
            self._known = snapshot, known
        asked = (name, caller, dialect, allow_fallback, None if key is None else key.id)
        found = known.get(asked)
        if found is None:
            if len(known) >= MOST:
                known.clear()
            permitted = approved(snapshot, name, caller, allow_fallback=allow_fallback, key=key)
            found = Approved(spoken(permitted.routes, dialect), permitted.refused)
            known[asked] = found
        return found
