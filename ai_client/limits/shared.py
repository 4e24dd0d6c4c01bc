"""Counts of keys in Redis, for all processes of the site together.

The blocking client, in threads: an awaiting one measures its 100 ms on the event loop, and a loop
that is busy for so long would take a Redis that has answered for one that is away.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, cast

from limits import RateLimitItemPerMinute
from limits.storage import RedisStorage
from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

from ai_client.limits.books import Books, Spent
from ai_client.limits.memory import REQUESTS, TOKENS
from ai_client.limits.scripts import SPEND, SPENT, TAKE_PLACE
from ai_client.limits.standing import Window

TIMEOUT = 0.1
"""Seconds that Redis gets for an answer."""

_UNIT = Decimal("1e-10")
_DAY_KEPT, _MONTH_KEPT = 2 * 86_400, 33 * 86_400

_OPTIONS: dict[str, Any] = {
    "socket_timeout": TIMEOUT,
    "socket_connect_timeout": TIMEOUT,
    # Once more, at once, where a socket that was kept has been closed meanwhile.
    "retry": Retry(NoBackoff(), 1, (RedisConnectionError,)),
}


class Names:
    """The names of a site's counts. ``prefix`` keeps sites that share a Redis apart."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix

    def places(self, key: int) -> str:
        """The set of a key's places."""
        return f"{self.prefix}:places:{key}"

    def spent(self, key: int, day: date) -> list[str]:
        """The hashes of what a key spent that day and that month."""
        return [
            f"{self.prefix}:spent:{key}:{day:%Y-%m-%d}",
            f"{self.prefix}:spent:{key}:{day:%Y-%m}",
        ]


class SharedStore:
    """Redis, for threads that may wait. Makes its sockets when they are needed."""

    def __init__(self, url: str, names: Names, books: Books, lifetime: Callable[[], float]) -> None:
        storage = RedisStorage(_with_scheme(url), key_prefix=names.prefix, **_OPTIONS)
        # The library names the methods of a client that it needs itself, and no others.
        redis = cast(Redis, storage.get_connection())
        self._requests = MovingWindowRateLimiter(storage)
        self._tokens = FixedWindowRateLimiter(storage)
        self._redis = redis
        self._take_place = redis.register_script(TAKE_PLACE)
        self._spent = redis.register_script(SPENT)
        self._spend = redis.register_script(SPEND)
        self._names = names
        self._books = books
        self._lifetime = lifetime

    def spent(self, key: int) -> Spent:
        """The greater of what Redis and this process know."""
        names, arguments = _asked(self._names, self._books, key)
        return _told(self._spent(keys=names, args=arguments), self._books.spent(key))

    def spend(self, key: int, day: date, cost: Decimal, ended: float) -> None:
        """Add what a request that ended then (``time.monotonic``) has cost."""
        age = time.monotonic() - ended + TIMEOUT
        self._spend(keys=self._names.spent(key, day), args=[_units(cost), age])

    def tokens(self, key: int, limit: int) -> Window:
        """The key's window of tokens."""
        stats = self._tokens.get_window_stats(RateLimitItemPerMinute(limit), TOKENS, str(key))
        return Window(limit, stats.remaining, stats.reset_time)

    def use_tokens(self, key: int, limit: int, tokens: int) -> None:
        """Add what a request has used."""
        self._tokens.hit(RateLimitItemPerMinute(limit), TOKENS, str(key), cost=tokens)

    def take_place(self, key: int, place: str, most: int) -> bool:
        """Take a place among ``most``; whether there was one."""
        arguments: list[str | int | float] = [place, most, self._lifetime()]
        return bool(self._take_place(keys=[self._names.places(key)], args=arguments))

    def free_place(self, key: int, place: str) -> None:
        """Give a place back."""
        self._redis.zrem(self._names.places(key), place)

    def hit(self, key: int, limit: int) -> bool:
        """Take one request of the key's window; whether there was one."""
        return self._requests.hit(RateLimitItemPerMinute(limit), REQUESTS, str(key))

    def requests(self, key: int, limit: int) -> Window:
        """The key's window of requests."""
        stats = self._requests.get_window_stats(RateLimitItemPerMinute(limit), REQUESTS, str(key))
        return Window(limit, stats.remaining, stats.reset_time)

    def close(self) -> None:
        """Close its sockets."""
        self._redis.close()


def _asked(names: Names, books: Books, key: int) -> tuple[list[str], list[Any]]:
    today = books.today()
    reading, base = books.base(key)
    if reading.day != today:
        base = Spent()
    age = time.monotonic() - reading.read
    kept = [_units(base.day), _DAY_KEPT, _units(base.month), _MONTH_KEPT]
    return names.spent(key, today), [age, *kept]


def _told(totals: Sequence[Any], known: Spent) -> Spent:
    day, month = (int(total) * _UNIT for total in totals)
    return Spent(day, month).at_least(known)


def _units(cost: Decimal) -> int:
    return int(cost / _UNIT)


def _with_scheme(url: str) -> str:
    """``limits`` calls the scheme of sockets ``redis+unix``."""
    return f"redis+{url}" if url.startswith("unix://") else url
