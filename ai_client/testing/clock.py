"""A clock that only moves when it is told to: delays in tests take no time."""

from __future__ import annotations


class SimulatedClock:
    """Monotonic seconds, from 0. Calling it tells the time."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    def sleep(self, seconds: float) -> None:
        """As ``time.sleep``, at once."""
        self.advance(seconds)

    async def asleep(self, seconds: float) -> None:
        """As ``asyncio.sleep``, at once."""
        self.advance(seconds)
