"""Which connections to ask, and which to leave alone for now: a state machine without I/O.

Two things are kept apart: a *cooldown* ("told to wait", a 429) and a *breaker* ("looks broken").
A third, *off*, is neither a matter of waiting nor of luck: a rejected key, an empty account, a
missing model. Each (connection, model) has a state of its own; connect, TLS and authentication
failures count for the whole connection. The connection's revision is part of the key, so that an
edit begins with a clean slate.

Time and chance are handed in: ``now`` is a monotonic clock in seconds, ``jitter`` returns 0..1.
Methods are short and touch one state, so that threads need no lock: at worst a count is off by
one under a race.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias, assert_never

from ai_client.errors import Effect, Scope, UpstreamError

CONSECUTIVE_FAILURES = 5
WINDOW_SECONDS = 60.0
WINDOW_MINIMUM_CALLS = 10
OPEN_BASE_SECONDS = 10.0
OPEN_MAXIMUM_SECONDS = 300.0
COOLDOWN_BASE_SECONDS = 10.0
COOLDOWN_UNTOLD_MAXIMUM_SECONDS = 300.0
COOLDOWN_MAXIMUM_SECONDS = 3600.0
OFF_BRIEFLY_SECONDS = 300.0
OFF_PROBE_SECONDS = 3600.0
SUCCESSES_TO_CLOSE = 2
PROBE_EXPIRES_SECONDS = 600.0
MAXIMUM_STATES = 10_000
_BUCKETS = 6
_FORGOTTEN = MAXIMUM_STATES // 10
_BUCKET_SECONDS = WINDOW_SECONDS / _BUCKETS

Key: TypeAlias = tuple[str, str, str | None]
"""Connection id, revision, model (None: the whole connection)."""


class Standing(Enum):
    """What a connection may be asked at the moment, from best to worst."""

    READY = "ready"
    PROBE = "probe"
    OPEN = "open"
    COOLING = "cooling"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Admission:
    """The standing, until when it lasts (None: until edited), and the failure behind it."""

    standing: Standing
    until: float | None = None
    cause: UpstreamError | None = None

    @property
    def allowed(self) -> bool:
        return self.standing in (Standing.READY, Standing.PROBE)


READY = Admission(Standing.READY)
_RANK = {standing: rank for rank, standing in enumerate(Standing)}


class _Window:
    """Calls and failures of the last minute, in six buckets."""

    __slots__ = ("_calls", "_failures", "_stamps")

    def __init__(self) -> None:
        self._stamps = [-1] * _BUCKETS
        self._calls = [0] * _BUCKETS
        self._failures = [0.0] * _BUCKETS

    def add(self, now: float, failure: float) -> None:
        stamp = int(now / _BUCKET_SECONDS)
        index = stamp % _BUCKETS
        if self._stamps[index] != stamp:
            self._stamps[index] = stamp
            self._calls[index] = 0
            self._failures[index] = 0.0
        self._calls[index] += 1
        self._failures[index] += failure

    def half_failed(self, now: float) -> bool:
        oldest = int(now / _BUCKET_SECONDS) - _BUCKETS
        recent = [index for index in range(_BUCKETS) if self._stamps[index] > oldest]
        calls = sum(self._calls[index] for index in recent)
        failures = sum(self._failures[index] for index in recent)
        return calls >= WINDOW_MINIMUM_CALLS and failures * 2 >= calls

    def clear(self) -> None:
        self._stamps = [-1] * _BUCKETS


class _State:
    __slots__ = (
        "cause",
        "cooldown_until",
        "cooldowns",
        "failures_in_a_row",
        "off",
        "off_until",
        "open_until",
        "openings",
        "probe_since",
        "successes_in_probe",
        "window",
    )

    def __init__(self) -> None:
        self.window = _Window()
        self.failures_in_a_row = 0.0
        self.openings = 0
        self.open_until: float | None = None
        self.probe_since: float | None = None
        self.successes_in_probe = 0
        self.cooldown_until = 0.0
        self.cooldowns = 0
        self.off = False
        self.off_until: float | None = None
        self.cause: UpstreamError | None = None

    def admission(self, now: float) -> Admission:
        if self.off and (self.off_until is None or now < self.off_until):
            return Admission(Standing.OFF, self.off_until, self.cause)
        if now < self.cooldown_until:
            until = max(self.cooldown_until, self.open_until or 0.0)
            return Admission(Standing.COOLING, until, self.cause)
        if self.open_until is not None and now < self.open_until:
            return Admission(Standing.OPEN, self.open_until, self.cause)
        if self.off:
            return self._one_at_a_time(now, Standing.OFF)
        return READY if self.open_until is None else self._one_at_a_time(now, Standing.OPEN)

    def _one_at_a_time(self, now: float, otherwise: Standing) -> Admission:
        since = self.probe_since
        if since is not None and now - since < PROBE_EXPIRES_SECONDS:
            return Admission(otherwise, now + 1.0, self.cause)
        return Admission(Standing.PROBE, None, self.cause)

    def begin(self, now: float) -> None:
        if self.open_until is not None or self.off:
            self.probe_since = now

    def succeed(self, now: float) -> None:
        self.window.add(now, 0.0)
        self.failures_in_a_row = 0.0
        self.cooldowns = 0
        self.probe_since = None
        self.off = False
        if self.open_until is None:
            return
        self.successes_in_probe += 1
        if self.successes_in_probe >= SUCCESSES_TO_CLOSE:
            self.open_until = None
            self.openings = 0
            self.successes_in_probe = 0
            self.window.clear()

    def fail(self, error: UpstreamError, now: float, jitter: Callable[[], float]) -> None:
        self.probe_since = None
        self.cause = error
        match error.effect:
            case Effect.NONE:
                pass
            case Effect.BREAKER:
                self._count(1.0, now, jitter)
                if error.retry_after:
                    self._cool_down(error.retry_after, now)
            case Effect.HALF:
                self._count(0.5, now, jitter)
            case Effect.COOLDOWN:
                seconds = error.retry_after
                if seconds is None:
                    seconds = _backoff(
                        COOLDOWN_BASE_SECONDS,
                        self.cooldowns,
                        COOLDOWN_UNTOLD_MAXIMUM_SECONDS,
                        jitter,
                    )
                self.cooldowns += 1
                self._cool_down(seconds, now)
            case Effect.OFF_UNTIL_EDITED:
                self.off, self.off_until = True, None
            case Effect.OFF_BRIEFLY:
                self.off, self.off_until = True, now + OFF_BRIEFLY_SECONDS
            case Effect.OFF_WITH_PROBE:
                self.off, self.off_until = True, now + OFF_PROBE_SECONDS
            case _:
                assert_never(error.effect)

    def _cool_down(self, seconds: float, now: float) -> None:
        until = now + min(max(seconds, 0.0), COOLDOWN_MAXIMUM_SECONDS)
        self.cooldown_until = max(self.cooldown_until, until)

    def _count(self, weight: float, now: float, jitter: Callable[[], float]) -> None:
        self.window.add(now, weight)
        self.failures_in_a_row += weight
        probed = self.off if self.open_until is None else now >= self.open_until
        broken = self.failures_in_a_row >= CONSECUTIVE_FAILURES or self.window.half_failed(now)
        if not (probed or broken):
            return
        self.successes_in_probe = 0
        seconds = _backoff(OPEN_BASE_SECONDS, self.openings, OPEN_MAXIMUM_SECONDS, jitter)
        if self.open_until is None or probed:
            self.openings += 1
        self.open_until = max(self.open_until or 0.0, now + seconds)


def _backoff(base: float, times: int, maximum: float, jitter: Callable[[], float]) -> float:
    """``base * 2**times`` with up to a quarter more, never over ``maximum``."""
    return float(min(base * 2 ** min(times, 10) * (1 + jitter() / 4), maximum))


class Health:
    """The states of all connections and models. One per process."""

    def __init__(self, jitter: Callable[[], float]) -> None:
        self._jitter = jitter
        self._states: dict[Key, _State] = {}

    def admission(self, connection: str, revision: str, model: str, now: float) -> Admission:
        """The worse of the connection's standing and its model's."""
        if not self._states:
            return READY
        whole = self._standing((connection, revision, None), now)
        single = self._standing((connection, revision, model), now)
        if whole is READY or _RANK[single.standing] > _RANK[whole.standing]:
            return single
        return whole

    def begin(self, connection: str, revision: str, model: str, now: float) -> None:
        """An attempt starts; where only one probe may run at a time, this is it."""
        for key in ((connection, revision, None), (connection, revision, model)):
            state = self._states.get(key)
            if state is not None:
                state.begin(now)

    def succeed(self, connection: str, revision: str, model: str, now: float) -> None:
        """The attempt gave an answer."""
        whole = self._states.get((connection, revision, None))
        if whole is not None:
            whole.succeed(now)
        self._state((connection, revision, model)).succeed(now)

    def fail(
        self, connection: str, revision: str, model: str, error: UpstreamError, now: float
    ) -> None:
        """The attempt failed; ``error`` says what that does to whom."""
        self.release(connection, revision, model)
        scope = None if error.scope is Scope.CONNECTION else model
        self._state((connection, revision, scope)).fail(error, now, self._jitter)

    def release(self, connection: str, revision: str, model: str) -> None:
        """The attempt ended without saying anything about the upstream (our client left)."""
        for key in ((connection, revision, None), (connection, revision, model)):
            state = self._states.get(key)
            if state is not None:
                state.probe_since = None

    def keep_only(self, connections: set[tuple[str, str]]) -> None:
        """Forget the states of connections and revisions that no longer exist."""
        for key in list(self._states):
            if key[:2] not in connections:
                self._states.pop(key, None)

    @property
    def size(self) -> int:
        """How many states are kept, ``MAXIMUM_STATES`` at most."""
        return len(self._states)

    def _standing(self, key: Key, now: float) -> Admission:
        state = self._states.get(key)
        return READY if state is None else state.admission(now)

    def _state(self, key: Key) -> _State:
        state = self._states.get(key)
        if state is not None:
            return state
        if len(self._states) >= MAXIMUM_STATES:
            # Callers may name any model of a connection; those that came first go first.
            for old in [each for each in list(self._states) if each[2] is not None][:_FORGOTTEN]:
                self._states.pop(old, None)
        return self._states.setdefault(key, _State())
