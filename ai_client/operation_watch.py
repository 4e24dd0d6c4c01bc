"""How long a long operation is waited for, and how often it may be out of sight: pure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ai_client.errors import DeadlineExceeded, UpstreamError

_FAILED_LOOKS = 3
"""How often in a row a look may fail."""


@dataclass(slots=True)
class Watch:
    """A long operation that is waited for. ``until`` is the clock's, ``pause`` is in seconds."""

    operation_id: str
    until: float
    pause: float
    failures: int = field(default=0, init=False)

    def pause_at(self, now: float) -> float:
        """Seconds until the next look; ``DeadlineExceeded`` where the time is over."""
        if now >= self.until:
            raise self._left(
                DeadlineExceeded(
                    "The upstream's work is not done in the time that it was given. It goes on: "
                    "operation(error.operation_id) finds it again."
                )
            )
        return min(self.pause, self.until - now)

    @contextmanager
    def looking(self) -> Iterator[None]:
        """A look. One that fails is forgiven, unless that does not pass by itself, or lasts."""
        try:
            yield
        except UpstreamError as error:
            self.failures += 1
            if not error.should_retry or self.failures > _FAILED_LOOKS:
                self._left(error)
                raise
        else:
            self.failures = 0

    def _left(self, error: UpstreamError) -> UpstreamError:
        """The error with what finds the work again."""
        error.operation_id = self.operation_id
        return error
