"""What each connection last gave: how fast, and what went wrong. Pure; one table per process."""

from __future__ import annotations

from dataclasses import replace

from ai_client.records import GIVEN_UP, OK, RequestRecord
from ai_client.values import value


@value(frozen=True, slots=True)
class LastResult:
    """The last answer's time in milliseconds, and the last failure; times are the clock's."""

    latency_ms: float | None = None
    error: str = ""
    error_at: float | None = None


NOTHING = LastResult()


class LastResults:
    """By connection id. Each change replaces one entry, so that threads need no lock."""

    def __init__(self) -> None:
        self._results: dict[str, LastResult] = {}

    def note(self, record: RequestRecord, now: float) -> None:
        """Take the attempts of a finished request in."""
        for attempt in record.attempts:
            if not attempt.connection_id or attempt.code == GIVEN_UP:
                continue
            if attempt.code == OK:
                self.answered(attempt.connection_id, attempt.ms)
            else:
                self.failed(attempt.connection_id, attempt.message, now)

    def answered(self, connection: str, milliseconds: float) -> None:
        """The connection gave an answer."""
        before = self.of(connection)
        self._results[connection] = LastResult(milliseconds, before.error, before.error_at)

    def failed(self, connection: str, message: str, now: float) -> None:
        """The connection failed."""
        self._results[connection] = replace(self.of(connection), error=message, error_at=now)

    def of(self, connection: str) -> LastResult:
        """What is known of a connection."""
        return self._results.get(connection, NOTHING)

    def keep_only(self, connections: set[str]) -> None:
        """Forget connections that no longer exist."""
        for connection in list(self._results):
            if connection not in connections:
                self._results.pop(connection, None)
