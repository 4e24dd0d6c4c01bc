"""What is known of a request while it runs, and the record that is made of it at its end: pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from ai_client.ask import Ask
from ai_client.errors import AiClientError, UpstreamError
from ai_client.exchange import Output
from ai_client.progress import Attempt, Progress
from ai_client.records import GIVEN_UP, OK, AttemptRecord, Outcome, RequestRecord
from ai_client.snapshot import GatewayKeyConfig
from ai_client.usage_estimate import BYTES_A_TOKEN, estimated

_MOST_WARNINGS: Final = 50
_LONGEST_WARNING: Final = 300


class Watcher(Protocol):
    """Follows one request to its end, and may not get in its way. Made when the request begins."""

    def asked(self, ask: Ask) -> Mapping[str, str]:
        """What is asked is known; gives headers that upstreams are to be sent."""

    def heard(self, output: Output) -> None:
        """Some of the answer is there, or all of it."""

    def ended(self, record: RequestRecord, progress: Progress, now: float) -> None:
        """The request is over; ``now`` is the session's clock."""


@dataclass(slots=True)
class Trail:
    """The beginning of a request. ``created`` is Unix seconds, ``started`` the session's clock."""

    request_id: str
    created: float
    started: float
    dialect: str
    requested_model: str = ""
    stream: bool = False
    key: GatewayKeyConfig | None = None
    caller: str = ""
    watcher: Watcher | None = field(default=None, repr=False, compare=False)

    def asked(self, model: str, key: GatewayKeyConfig | None, *, stream: bool) -> None:
        """What a caller of the gateway asks for is known, and whose key it has."""
        self.requested_model = model
        self.stream = stream
        self.key = key
        self.caller = key.name if key else ""

    def heard(self, output: Output) -> None:
        """Tell whoever watches of an output."""
        if self.watcher is not None:
            self.watcher.heard(output)

    def record(
        self,
        progress: Progress,
        now: float,
        outcome: Outcome,
        *,
        status: int | None = None,
        error: AiClientError | None = None,
    ) -> RequestRecord:
        """The request as it is remembered; ``now`` is the session's clock at its end."""
        route = progress.route
        answered = route is not None and progress.committed
        connection = route.connection if route is not None and answered else None
        first = progress.first_event
        usage, warnings = progress.usage, progress.warnings
        paid = connection
        if _is_estimated(progress, outcome):
            assert route is not None
            assert progress.sent is not None
            paid = route.connection
            usage = estimated(usage, progress.sent, progress.received)
            warnings = (*warnings, _estimate_of(paid.name))
        return RequestRecord(
            request_id=self.request_id,
            created=self.created,
            dialect=self.dialect,
            outcome=outcome,
            total_ms=_milliseconds(now - self.started),
            gateway_key_id=self.key.id if self.key else None,
            gateway_key_name=self.key.name if self.key else "",
            caller=self.caller,
            requested_model=self.requested_model,
            stream=self.stream,
            connection=connection.name if connection else "",
            connection_id=connection.id if connection else "",
            provider=paid.provider.slug if paid else "",
            price_id=paid.provider.price_id if paid else None,
            model=(progress.model or route.model) if route is not None and connection else "",
            attempts=tuple([_attempt(each, now) for each in progress.attempts]),
            usage=usage,
            first_event_ms=None if first is None else _milliseconds(first - self.started),
            error_code=error.code if error else "",
            status=status,
            finish_reason=progress.finish or "",
            warnings=_bounded((*warnings, *_double_charges(progress))),
        )


def _bounded(warnings: tuple[str, ...]) -> tuple[str, ...]:
    """Those that are kept: a caller may have made up the names in them, and as many as it likes."""
    if not warnings:
        return warnings
    kept = [each[:_LONGEST_WARNING] for each in warnings[:_MOST_WARNINGS]]
    if len(warnings) > _MOST_WARNINGS:
        kept.append(f"… and {len(warnings) - _MOST_WARNINGS} more")
    return tuple(kept)


def _is_estimated(progress: Progress, outcome: Outcome) -> bool:
    """Whether an upstream is paid for a conversation of which it has not told the final usage.

    It is for an answer of which some has left, and where the caller has left before that: what was
    asked is billed, whoever hears the answer. An attempt that failed before any content costs
    nothing here, for nobody knows whether it does there.
    """
    if progress.sent is None or progress.is_counted:
        return False
    if progress.committed:
        return True
    last = progress.attempts[-1]
    if outcome is not Outcome.CLIENT_CLOSED or last.error is not None:
        return False
    return last.sent if last.status is None else last.status == 200


def _estimate_of(connection: str) -> str:
    return (
        f"usage_estimated: {connection} had not told the final number of tokens when the answer "
        f"ended; {BYTES_A_TOKEN} bytes are taken for one."
    )


def _double_charges(progress: Progress) -> Iterator[str]:
    """Failed attempts that may have been billed although another one was made after them."""
    for attempt in progress.attempts[:-1]:
        if isinstance(attempt.error, UpstreamError) and attempt.error.double_charge:
            yield (
                f"double_charge: {attempt.route.connection.name} failed after it had the request "
                f"({attempt.error.code}) and may bill it too."
            )


def _attempt(attempt: Attempt, now: float) -> AttemptRecord:
    error = attempt.error
    return AttemptRecord(
        connection=attempt.route.connection.name,
        model=attempt.route.model,
        code=error.code if error else OK if attempt.answered else GIVEN_UP,
        ms=_milliseconds((attempt.ended or now) - attempt.started),
        error=type(error).__name__ if error else "",
        status=attempt.status,
        message=attempt.said,
        connection_id=attempt.route.connection.id,
    )


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1_000_000) / 1000
