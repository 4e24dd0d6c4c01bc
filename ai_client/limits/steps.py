"""What is asked of a store of counts, in which order: the same for every store.

Nothing but the taking of places and of requests changes anything, and a request that is refused
gives its place back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ai_client.limits.books import Spent, end_of_day, end_of_month
from ai_client.limits.standing import (
    Standing,
    Window,
    budget_refusal,
    concurrency_refusal,
    rate_refusal,
)
from ai_client.log.key_usage import day_of
from ai_client.snapshot import GatewayKeyConfig


class Store(Protocol):
    """Counts of keys, by their ids."""

    def spent(self, key: int) -> Spent:
        """What the key has spent this day and month."""

    def tokens(self, key: int, limit: int) -> Window:
        """The key's window of tokens."""

    def take_place(self, key: int, place: str, most: int) -> bool:
        """Take a place among ``most``; whether there was one."""

    def free_place(self, key: int, place: str) -> None:
        """Give a place back; a place that is not held is no mistake."""

    def hit(self, key: int, limit: int) -> bool:
        """Take one request of the key's window; whether there was one."""

    def requests(self, key: int, limit: int) -> Window:
        """The key's window of requests."""


def require_room(store: Store, key: GatewayKeyConfig, clock: Callable[[], float]) -> None:
    """Raise what ``enter`` would raise now, but for want of a place; nothing is taken."""
    limits = key.limits
    assert limits is not None
    standing = _require_spendable(store, key, clock)
    if limits.requests_per_minute is not None:
        requests = store.requests(key.id, limits.requests_per_minute)
        if requests.remaining <= 0:
            raise rate_refusal(key, "requests", Standing(requests, standing.tokens), clock())


def enter(store: Store, key: GatewayKeyConfig, place: str, clock: Callable[[], float]) -> Standing:
    """Let one request in, or raise ``KeyLimitReached``. ``clock`` gives Unix seconds."""
    limits = key.limits
    assert limits is not None
    standing = _require_spendable(store, key, clock)
    if limits.concurrency is not None and not store.take_place(key.id, place, limits.concurrency):
        raise concurrency_refusal(key, standing, clock())
    if limits.requests_per_minute is not None:
        let_in = store.hit(key.id, limits.requests_per_minute)
        requests = store.requests(key.id, limits.requests_per_minute)
        standing = Standing(requests, standing.tokens)
        if not let_in:
            if limits.concurrency is not None:
                store.free_place(key.id, place)
            raise rate_refusal(key, "requests", standing, clock())
    return standing


def _require_spendable(store: Store, key: GatewayKeyConfig, clock: Callable[[], float]) -> Standing:
    """How many tokens are left; refuses where none are, or no money."""
    limits = key.limits
    assert limits is not None
    if limits.has_budget:
        require_budget(key, store.spent(key.id), clock())
    if limits.tokens_per_minute is None:
        return Standing()
    tokens = store.tokens(key.id, limits.tokens_per_minute)
    standing = Standing(tokens=tokens)
    if tokens.remaining <= 0:
        raise rate_refusal(key, "tokens", standing, clock())
    return standing


def require_budget(key: GatewayKeyConfig, spent: Spent, now: float) -> None:
    """Refuse where a budget is spent."""
    limits = key.limits
    assert limits is not None
    today = day_of(now)
    if limits.budget_per_month is not None and spent.month >= limits.budget_per_month:
        raise budget_refusal(key, "month", limits.budget_per_month, end_of_month(today), now)
    if limits.budget_per_day is not None and spent.day >= limits.budget_per_day:
        raise budget_refusal(key, "day", limits.budget_per_day, end_of_day(today), now)
