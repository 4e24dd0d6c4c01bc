"""What is known of a request while it runs: kept by its session, read by the log and the doors."""

from __future__ import annotations

from dataclasses import dataclass, field

from ai_client.errors import AiClientError
from ai_client.events import Event, Finish, ResponseStart, Usage
from ai_client.messages import TokenUsage
from ai_client.router import Route


@dataclass(slots=True)
class Attempt:
    """One try at one route; times are the clock's.

    ``answered``: it gave the whole answer. Without that and without an ``error`` it was given up.
    """

    route: Route
    started: float
    ended: float = 0.0
    status: int | None = None
    error: AiClientError | None = None
    answered: bool = False
    fresh_socket_retry: bool = False


@dataclass(slots=True)
class Progress:
    """The answer so far. ``committed``: some of it has left, no other route may answer."""

    attempts: list[Attempt] = field(default_factory=list)
    route: Route | None = None
    first_event: float | None = None
    usage: TokenUsage | None = None
    finish: str | None = None
    model: str = ""
    warnings: tuple[str, ...] = ()
    committed: bool = False

    def begin(self, route: Route, warnings: tuple[str, ...]) -> None:
        """An attempt starts; nothing of an earlier one is the answer's."""
        self.route = route
        self.warnings = warnings
        self.first_event = None
        self.usage = None
        self.finish = None
        self.model = ""

    def note(self, event: Event, now: float) -> None:
        """Keep what the log needs of an event."""
        if self.first_event is None:
            self.first_event = now
        match event:
            case Usage():
                self.usage = event.usage
            case Finish():
                self.finish = event.reason.value
            case ResponseStart():
                self.model = event.model or self.model
            case _:
                pass
