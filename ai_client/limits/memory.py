"""Counts of keys in this process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter

from ai_client.limits.books import Books, Spent
from ai_client.limits.standing import Standing, Window
from ai_client.limits.steps import enter, require_room
from ai_client.snapshot import GatewayKeyConfig

REQUESTS = "requests"
TOKENS = "tokens"


class MemoryStore:
    """Answers at once. ``lifetime`` gives the seconds after which a place ends by itself."""

    def __init__(self, books: Books, lifetime: Callable[[], float]) -> None:
        storage = MemoryStorage()
        self._requests = MovingWindowRateLimiter(storage)
        self._tokens = FixedWindowRateLimiter(storage)
        self._books = books
        self._lifetime = lifetime
        self._places: dict[int, dict[str, float]] = {}
        # Held for some microseconds, so that a request is let in by all limits or by none.
        self._lock = threading.Lock()

    def enter(self, key: GatewayKeyConfig, place: str, clock: Callable[[], float]) -> Standing:
        """Let one request in, or raise ``KeyLimitReached``."""
        with self._lock:
            return enter(self, key, place, clock)

    def require_room(self, key: GatewayKeyConfig, clock: Callable[[], float]) -> None:
        """Raise what ``enter`` would raise now, but for want of a place."""
        with self._lock:
            require_room(self, key, clock)

    def leave(self, key: GatewayKeyConfig, place: str, tokens: int) -> None:
        """The request that took the place has ended and used so many tokens."""
        limits = key.limits
        with self._lock:
            self.free_place(key.id, place)
            if limits is not None and limits.tokens_per_minute is not None and tokens:
                item = RateLimitItemPerMinute(limits.tokens_per_minute)
                self._tokens.hit(item, TOKENS, str(key.id), cost=tokens)

    def spent(self, key: int) -> Spent:
        """What the key has spent, as this process knows it."""
        return self._books.spent(key)

    def tokens(self, key: int, limit: int) -> Window:
        """The key's window of tokens."""
        stats = self._tokens.get_window_stats(RateLimitItemPerMinute(limit), TOKENS, str(key))
        return Window(limit, stats.remaining, stats.reset_time)

    def take_place(self, key: int, place: str, most: int) -> bool:
        """Take a place among ``most``; whether there was one."""
        places = self._places.setdefault(key, {})
        now = time.monotonic()
        if len(places) >= most:
            for each in [each for each, until in places.items() if until <= now]:
                del places[each]
        if len(places) >= most:
            return False
        places[place] = now + self._lifetime()
        return True

    def free_place(self, key: int, place: str) -> None:
        """Give a place back."""
        places = self._places.get(key)
        if places is not None and places.pop(place, None) is not None and not places:
            del self._places[key]

    def hit(self, key: int, limit: int) -> bool:
        """Take one request of the key's window; whether there was one."""
        return self._requests.hit(RateLimitItemPerMinute(limit), REQUESTS, str(key))

    def requests(self, key: int, limit: int) -> Window:
        """The key's window of requests."""
        stats = self._requests.get_window_stats(RateLimitItemPerMinute(limit), REQUESTS, str(key))
        return Window(limit, stats.remaining, stats.reset_time)
