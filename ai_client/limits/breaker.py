"""Whether the shared store is asked: pure, with a clock handed in."""

from __future__ import annotations

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0


class StoreBreaker:
    """Opens at the first failure, since each costs a request 100 ms; twice as long each time.

    When the pause is over one request asks, and the others don't until it has an answer. Times are
    in seconds on a clock that never goes back.
    """

    def __init__(self) -> None:
        self._closed_from = 0.0
        self._pause = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the last answer was a failure."""
        return self._pause > 0

    def allows(self, now: float) -> bool:
        """Whether to ask; where it is open, whoever is told yes is the one that tries."""
        if not self._pause:
            return True
        if now < self._closed_from:
            return False
        self._closed_from = now + self._pause
        return True

    def succeeded(self) -> bool:
        """The store has answered; whether that is news."""
        is_news = self.is_open
        self._pause = 0.0
        return is_news

    def failed(self, now: float) -> bool:
        """The store has not answered; whether that is news."""
        is_news = not self.is_open
        self._pause = min(self._pause * 2 or FIRST_PAUSE, LONGEST_PAUSE)
        self._closed_from = now + self._pause
        return is_news
