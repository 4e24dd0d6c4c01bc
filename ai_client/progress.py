"""What is known of a request while it runs: kept by its session, read by the log and the doors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ai_client.errors import AiClientError
from ai_client.events import Event, Finish, PartDelta, PartStart, ResponseStart, Usage, replay
from ai_client.messages import (
    AnyResult,
    EmbeddingResult,
    GenerativeAiResult,
    JsonValue,
    TokenUsage,
)
from ai_client.router import Route
from ai_client.usage_estimate import BYTES_A_TOKEN, FILE_TOKENS, size_of


@dataclass(slots=True)
class Attempt:
    """One try at one route; times are the clock's.

    ``answered``: it gave the whole answer. Without that and without an ``error`` it was given up.
    ``asked``: there is a request for it. ``sent``: some of that has left, so that the upstream may
    have it. ``said`` is the error's message as it may be kept, without what it repeats of the
    prompt.
    """

    route: Route
    started: float
    ended: float = 0.0
    status: int | None = None
    error: AiClientError | None = None
    said: str = ""
    answered: bool = False
    asked: bool = False
    sent: bool = False
    fresh_socket_retry: bool = False

    def leaving(self) -> None:
        """The request begins to leave."""
        self.sent = True


@dataclass(slots=True)
class Progress:
    """The answer so far. ``committed``: some of it has left, no other route may answer.

    ``sent`` is the body of a conversation's request, None of anything else. ``received`` is the
    size of what came back, as ``usage_estimate`` counts; ``counted`` what it was when the upstream
    counted its tokens after a finish, which may have been the last time.
    """

    attempts: list[Attempt] = field(default_factory=list)
    route: Route | None = None
    first_event: float | None = None
    usage: TokenUsage | None = None
    finish: str | None = None
    model: str = ""
    warnings: tuple[str, ...] = ()
    committed: bool = False
    sent: Mapping[str, JsonValue] | None = field(default=None, repr=False)
    received: int = 0
    counted: int = -1

    @property
    def is_counted(self) -> bool:
        """Whether the upstream has told how many tokens the whole answer took."""
        if self.usage is None:
            return False
        is_complete = bool(self.attempts) and self.attempts[-1].answered
        return is_complete or self.counted == self.received

    def begin(
        self,
        route: Route,
        warnings: tuple[str, ...],
        sent: Mapping[str, JsonValue] | None = None,
    ) -> None:
        """An attempt starts; nothing of an earlier one is the answer's."""
        self.route = route
        self.warnings = warnings
        self.sent = sent
        self.received = 0
        self.counted = -1
        self.first_event = None
        self.usage = None
        self.finish = None
        self.model = ""

    def note(self, event: Event, now: float) -> None:
        """Keep what the log needs of an event."""
        if self.first_event is None:
            self.first_event = now
        match event:
            case PartDelta():
                self.received += size_of(event.text)
            case PartStart():
                if event.name is not None:
                    self.received += size_of(event.name)
                if event.file is not None:
                    self.received += FILE_TOKENS * BYTES_A_TOKEN
            case Usage():
                self.usage = event.usage
                self.counted = -1 if self.finish is None else self.received
            case Finish():
                self.finish = event.reason.value
            case ResponseStart():
                self.model = event.model or self.model
            case _:
                pass

    def note_whole(self, result: AnyResult, now: float) -> None:
        """Keep what the log needs of an answer that came in one piece; as its events would say."""
        match result:
            case GenerativeAiResult() if result.usage is None:
                for event in replay(result):
                    self.note(event, now)
            case GenerativeAiResult():
                self.first_event = now
                self.usage = result.usage
                self.model = result.model
                for candidate in result.candidates:
                    if candidate.finish_reason is not None:
                        self.finish = candidate.finish_reason.value
            case EmbeddingResult() if result.usage is not None:
                self.first_event = now
                self.usage = result.usage
            case _:
                pass
