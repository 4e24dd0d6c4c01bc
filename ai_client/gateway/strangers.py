"""How many requests without a valid key are logged: anybody can send as many as they like."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from ai_client.log.spool import MinuteLog

logger = logging.getLogger(__name__)

ROWS_A_MINUTE = 60
"""In the request log, of one process."""

_MINUTE = 60.0


class Strangers:
    """One per gateway. ``clock`` gives seconds and never goes back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._ends = 0.0
        self._rows = 0
        self._say = MinuteLog(logger, logging.WARNING)

    def take_row(self) -> bool:
        """Whether one more of them is logged; where it is not, the server's log counts it."""
        if self._count() <= ROWS_A_MINUTE:
            return True
        # Outside the lock: the site's own handlers of the log may take their time.
        self._say(
            "A request without a valid gateway key is not in the request log, which takes %d "
            "of them a minute.",
            ROWS_A_MINUTE,
        )
        return False

    def _count(self) -> int:
        """How many there were in this minute, with this one."""
        with self._lock:
            now = self._clock()
            if now >= self._ends:
                self._ends, self._rows = now + _MINUTE, 0
            self._rows += 1
            return self._rows
