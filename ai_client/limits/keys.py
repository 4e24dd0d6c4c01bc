"""The gateway's ``Admission``: lets requests of keys with limits in, and counts what they used.

Without Redis the counts are this process's. With it they are asked of Redis, and while that is
away, of this process. Redis is asked in threads, so that the event loop waits for nothing, and told
of ended requests in others; the next request of the same key waits for those, so that it finds the
place free that its caller has just left.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import uuid4

from redis.exceptions import RedisError

from ai_client.errors import KeyLimitReached
from ai_client.key_rights import KeyLimits
from ai_client.limits.books import Books
from ai_client.limits.breaker import StoreBreaker
from ai_client.limits.memory import MemoryStore
from ai_client.limits.shared import TIMEOUT, SharedStore
from ai_client.limits.standing import Standing
from ai_client.limits.steps import enter, require_budget
from ai_client.log.key_usage import day_of, tokens_of
from ai_client.records import RequestRecord
from ai_client.snapshot import GatewayKeyConfig

logger = logging.getLogger(__name__)

_AWAY = (RedisError, OSError)
_MOST_OWED = 10_000
_ASKING_THREADS = 16
_TELLING_THREADS = 4


@dataclass(frozen=True, slots=True)
class KeyLease:
    """One request that was let in. ``is_shared``: whether Redis knows of it."""

    keys: LimitedKeys
    key: GatewayKeyConfig
    limits: KeyLimits
    place: str
    standing: Standing
    is_shared: bool

    def headers(self) -> Mapping[str, str]:
        """The rate-limit headers of the answer."""
        return self.standing.headers(self.keys.clock())

    def settle(self, record: RequestRecord) -> None:
        """The request is over: give its place back and count what it used."""
        self.keys.settle(self, record)


@dataclass(frozen=True, slots=True)
class _Bill:
    """What a request used, for Redis; ``ended`` is ``time.monotonic``."""

    tokens: int
    cost: Decimal
    day: date
    ended: float


class LimitedKeys:
    """One per process. ``clock`` gives Unix seconds."""

    def __init__(
        self,
        books: Books,
        memory: MemoryStore,
        shared: SharedStore | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.books = books
        self.clock = clock
        self._memory = memory
        self._shared = shared
        self._breaker = StoreBreaker()
        self._owed: deque[tuple[int, str]] = deque(maxlen=_MOST_OWED)
        self._endings: dict[int, set[Future[None]]] = {}
        self._threads: tuple[ThreadPoolExecutor, ThreadPoolExecutor] | None = None
        self._owner = 0

    def applies_to(self, key: GatewayKeyConfig) -> bool:
        """Whether the key has any limit."""
        return key.limits is not None

    def require_room(self, key: GatewayKeyConfig) -> None:
        """Refuse a key that has used up a minute or a budget; with Redis, a budget.

        That is what this process knows without asking, and its places are ``admit``'s affair.
        """
        if self._shared is None:
            self._memory.require_room(key, self.clock)
        elif _limits_of(key).has_budget:
            require_budget(key, self.books.spent(key.id), self.clock())

    def admit(self, key: GatewayKeyConfig) -> KeyLease:
        """A place for one request, or ``KeyLimitReached``; may wait for Redis."""
        if self._shared is None:
            return self._enter_here(key)
        endings = tuple(self._endings.get(key.id, ()))
        if endings:
            wait(endings, TIMEOUT)
        return self._enter(key, self._shared)

    async def aadmit(self, key: GatewayKeyConfig) -> KeyLease:
        """As ``admit``, awaiting."""
        if self._shared is None:
            return self._enter_here(key)
        endings = tuple(self._endings.get(key.id, ()))
        if endings:
            await asyncio.wait([asyncio.wrap_future(each) for each in endings], timeout=TIMEOUT)
        asking, _ = self._pools()
        entering = asking.submit(self._enter, key, self._shared)
        try:
            return await asyncio.wrap_future(entering)
        except asyncio.CancelledError:
            # The caller has gone; what it was given by then has to come back.
            entering.add_done_callback(self._forgo)
            raise

    def settle(self, lease: KeyLease, record: RequestRecord) -> None:
        """A request has ended. Waits for nothing."""
        cost = self.books.note(record) if lease.limits.has_budget else Decimal(0)
        tokens = tokens_of(record)
        if lease.is_shared:
            self._tell(lease, _Bill(tokens, cost, day_of(record.created), time.monotonic()))
        else:
            self._memory.leave(lease.key, lease.place, tokens)

    def close(self) -> None:
        """Tell Redis what it has not been told and close the sockets. Blocks."""
        if self._threads is not None and self._owner == os.getpid():
            for each in self._threads:
                each.shutdown()
        self._threads = None
        if self._shared is not None:
            self._shared.close()

    def _enter(self, key: GatewayKeyConfig, shared: SharedStore) -> KeyLease:
        if not self._breaker.allows(time.monotonic()):
            return self._enter_here(key)
        limits, place = _limits_of(key), uuid4().hex
        try:
            standing = enter(shared, key, place, self.clock)
        except KeyLimitReached:
            self._answered()
            raise
        except _AWAY as error:
            self._missing(error, key, place)
            return self._enter_here(key)
        self._answered()
        return KeyLease(self, key, limits, place, standing, is_shared=True)

    def _enter_here(self, key: GatewayKeyConfig) -> KeyLease:
        place = uuid4().hex
        standing = self._memory.enter(key, place, self.clock)
        return KeyLease(self, key, _limits_of(key), place, standing, is_shared=False)

    def _forgo(self, entering: Future[KeyLease]) -> None:
        if entering.cancelled() or entering.exception() is not None:
            return
        lease = entering.result()
        if lease.is_shared:
            self._tell(lease, _Bill(0, Decimal(0), self.books.today(), time.monotonic()))
        else:
            self._memory.leave(lease.key, lease.place, 0)

    def _tell(self, lease: KeyLease, bill: _Bill) -> None:
        _, telling = self._pools()
        ending = telling.submit(self._told, lease, bill)
        endings = self._endings.setdefault(lease.key.id, set())
        endings.add(ending)
        ending.add_done_callback(endings.discard)

    def _told(self, lease: KeyLease, bill: _Bill) -> None:
        shared, key, limits = self._shared, lease.key, lease.limits
        assert shared is not None
        if not self._breaker.allows(time.monotonic()):
            self._owe(key, lease.place)
            self._memory.leave(key, lease.place, bill.tokens)
            return
        try:
            if limits.concurrency is not None:
                shared.free_place(key.id, lease.place)
            while self._owed:
                shared.free_place(*self._owed[0])
                self._owed.popleft()
            if limits.tokens_per_minute is not None and bill.tokens:
                shared.use_tokens(key.id, limits.tokens_per_minute, bill.tokens)
            if bill.cost:
                shared.spend(key.id, bill.day, bill.cost, bill.ended)
        except _AWAY as error:
            self._missing(error, key, lease.place)
            self._memory.leave(key, lease.place, bill.tokens)
        else:
            self._answered()

    def _answered(self) -> None:
        if self._breaker.succeeded():
            logger.warning("Redis answers again; limits of gateway keys are counted there.")

    def _missing(self, error: Exception, key: GatewayKeyConfig, place: str) -> None:
        self._owe(key, place)
        if self._breaker.failed(time.monotonic()):
            logger.warning(
                "Redis does not answer (%s); this process counts the limits of gateway keys by "
                "itself meanwhile.",
                type(error).__name__,
            )

    def _owe(self, key: GatewayKeyConfig, place: str) -> None:
        """The place may be held in Redis, and is to be given back when that is there again."""
        if _limits_of(key).concurrency is not None:
            self._owed.append((key.id, place))

    def _pools(self) -> tuple[ThreadPoolExecutor, ThreadPoolExecutor]:
        if self._threads is None or self._owner != os.getpid():
            self._owner = os.getpid()
            self._threads = (
                ThreadPoolExecutor(_ASKING_THREADS, "limits-ask"),
                ThreadPoolExecutor(_TELLING_THREADS, "limits-tell"),
            )
        return self._threads


def _limits_of(key: GatewayKeyConfig) -> KeyLimits:
    assert key.limits is not None
    return key.limits
