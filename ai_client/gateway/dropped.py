"""Ends calls whose response nobody has read or closed, outside of the garbage collector.

The collector may run in the middle of anything, so a finalizer that took a lock could wait for the
very thread that it interrupts. Finalizers hand what is to be done over to a thread, by a queue that
may be used anywhere.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from queue import SimpleQueue

logger = logging.getLogger(__name__)

Act = Callable[[], object]


class Dropped:
    """What is to be done for what was dropped, and the thread that does it."""

    _acts: SimpleQueue[Act]
    _thread: threading.Thread | None

    def __init__(self) -> None:
        self._starting = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """In a child process: the thread was the parent's."""
        self._acts = SimpleQueue()
        self._thread = None

    def start(self) -> None:
        """See to it that there is somebody who does it; not for finalizers."""
        if self._thread is None:
            with self._starting:
                if self._thread is None:
                    acts = self._acts
                    thread = threading.Thread(
                        target=_work, args=(acts,), name="dropped-streams", daemon=True
                    )
                    thread.start()
                    self._thread = thread

    def hand_over(self, act: Act) -> None:
        """Have this done soon; for finalizers."""
        self._acts.put(act)


def _work(acts: SimpleQueue[Act]) -> None:
    while True:
        act = acts.get()
        try:
            act()
        except Exception:
            logger.exception("A stream that was dropped could not be ended.")
        # Until the next one comes, which may be long, it would be kept alive.
        del act


dropped = Dropped()
os.register_at_fork(after_in_child=dropped.reset)
