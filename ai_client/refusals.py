"""Requests that were refused a connector: counted in memory, written down off their way."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable
from functools import cache
from time import time

from django.db import DatabaseError, InterfaceError

from connectors.approvals import Refusal, record_refusals
from connectors.moments import from_unix

logger = logging.getLogger(__name__)

MAXIMUM_WAITING = 10_000
"""Refusals kept between two writes; older ones make room."""


class Refusals:
    """``note`` is called by requests and takes no lock; ``write`` by whoever has the time."""

    def __init__(
        self,
        store: Callable[[Iterable[Refusal]], None] = record_refusals,
        clock: Callable[[], float] = time,
    ) -> None:
        self._store = store
        self._clock = clock
        self._waiting: deque[tuple[str, str, float]] = deque(maxlen=MAXIMUM_WAITING)

    def note(self, caller: str, connector: str) -> None:
        """A request of ``caller`` was refused ``connector`` just now."""
        self._waiting.append((caller, connector, self._clock()))

    def write(self) -> None:
        """Store what has been noted; while the database is away it waits."""
        noted = []
        while self._waiting:
            noted.append(self._waiting.popleft())
        if not noted:
            return
        try:
            self._store(_added_up(noted))
        except (DatabaseError, InterfaceError, OSError):
            self._waiting.extendleft(reversed(noted))
            logger.debug("Refused requests cannot be counted now.", exc_info=True)


@cache
def default_refusals() -> Refusals:
    """This process's; the configuration's poller writes them."""
    return Refusals()


def _added_up(noted: list[tuple[str, str, float]]) -> list[Refusal]:
    times: dict[tuple[str, str], list[float]] = {}
    for caller, connector, at in noted:
        times.setdefault((caller, connector), []).append(at)
    return [
        Refusal(
            caller,
            connector,
            len(seen),
            from_unix(min(seen)),
            from_unix(max(seen)),
        )
        for (caller, connector), seen in times.items()
    ]
