"""What the simulator received, for tests and for other processes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import orjson

from ai_client.simulator.http_server import HttpRequest


@dataclass(slots=True)
class RecordedRequest:
    """One request and what became of it.

    ``json`` is the parsed body or None. ``left_early`` says that the client went away before the
    answer was complete, ``left_after_ms`` how long after its request. ``socket_request`` is 1 for
    the first request on a socket. Times are seconds since the epoch. What became of the request is
    filled in when ``done`` is, which may be just after the client has its answer.
    """

    method: str
    path: str
    target: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    json: object
    socket_request: int
    failure: str = ""
    received_at: float = field(default_factory=time.time)
    status: int | None = None
    bytes_sent: int = 0
    done: bool = False
    left_early: bool = False
    left_after_ms: float | None = None

    def to_dict(self) -> dict[str, object]:
        """The record as JSON; the raw body as text, undecodable bytes replaced."""
        return {
            "method": self.method,
            "path": self.path,
            "target": self.target,
            "query": self.query,
            "headers": self.headers,
            "json": self.json,
            "body": self.body.decode(errors="replace"),
            "socket_request": self.socket_request,
            "failure": self.failure,
            "received_at": self.received_at,
            "status": self.status,
            "bytes_sent": self.bytes_sent,
            "done": self.done,
            "left_early": self.left_early,
            "left_after_ms": self.left_after_ms,
        }


def record_of(request: HttpRequest, socket_request: int) -> RecordedRequest:
    """The record of a request that has just come."""
    try:
        parsed: object = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        parsed = None
    return RecordedRequest(
        method=request.method,
        path=request.path,
        target=request.target,
        query=request.query,
        headers=dict(request.headers),
        body=request.body,
        json=parsed,
        socket_request=socket_request,
    )


class Recorder:
    """All records, readable from any thread."""

    def __init__(self) -> None:
        self._records: list[RecordedRequest] = []
        self._changed = threading.Condition()

    def add(self, record: RecordedRequest) -> None:
        """Keeps a record and wakes those who wait."""
        with self._changed:
            self._records.append(record)
            self._changed.notify_all()

    def changed(self) -> None:
        """Wakes those who wait, after a record was filled in."""
        with self._changed:
            self._changed.notify_all()

    def all(self) -> list[RecordedRequest]:
        """The records in order of arrival."""
        with self._changed:
            return list(self._records)

    def clear(self) -> None:
        """Forgets all."""
        with self._changed:
            self._records.clear()

    def wait_for(
        self, wanted: Callable[[RecordedRequest], bool], timeout: float
    ) -> RecordedRequest:
        """The first record for which ``wanted`` is true; ``TimeoutError`` after ``timeout`` s."""

        def first() -> RecordedRequest | None:
            return next((record for record in self._records if wanted(record)), None)

        with self._changed:
            found = self._changed.wait_for(first, timeout)
            if found is None:
                raise TimeoutError(
                    f"No such request within {timeout} s; {len(self._records)} came in all."
                )
            return found
