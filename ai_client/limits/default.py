"""The limits of this process's keys, as the settings say."""

from __future__ import annotations

from functools import cache

from ai_client import conf
from ai_client.limits.books import default_books
from ai_client.limits.keys import LimitedKeys
from ai_client.limits.memory import MemoryStore
from ai_client.limits.shared import Names, SharedStore

_MARGIN = 30.0
"""Seconds that a place lasts beyond its request's deadline."""


@cache
def default_limits() -> LimitedKeys:
    """One per process; Redis is looked up when this is first asked for, and reached when needed."""
    books, url = default_books(), conf.redis_url()
    shared = (
        SharedStore(url, Names(f"koneek:{conf.site_mark()}"), books, _lifetime) if url else None
    )
    return LimitedKeys(books, MemoryStore(books, _lifetime), shared)


def close_limits() -> None:
    """At the end of the process: Redis hears of the requests that have just ended. Blocks."""
    if default_limits.cache_info().currsize:
        default_limits().close()


def _lifetime() -> float:
    return conf.limits().deadline + _MARGIN
