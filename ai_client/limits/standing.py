"""How a key stands with its limits, told in headers and in refusals: pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from ai_client.errors import BudgetExhausted, KeyLimitReached
from ai_client.snapshot import GatewayKeyConfig

UNTIL_A_PLACE_IS_FREE = 1.0
"""Seconds after which to ask again for a place; nobody knows when a running request will end."""


@dataclass(frozen=True, slots=True)
class Window:
    """One rate limit: how many, how many are left, and when (Unix seconds) there will be more."""

    limit: int
    remaining: int
    resets: float


@dataclass(frozen=True, slots=True)
class Standing:
    """The rate limits of a key as they are known."""

    requests: Window | None = None
    tokens: Window | None = None

    def headers(self, now: float) -> Mapping[str, str]:
        """Rate-limit headers by OpenAI's names, in every dialect; waits in seconds, ``12s``.

        https://platform.openai.com/docs/guides/rate-limits
        """
        headers: dict[str, str] = {}
        for name, window in (("requests", self.requests), ("tokens", self.tokens)):
            if window is not None:
                headers[f"x-ratelimit-limit-{name}"] = str(window.limit)
                headers[f"x-ratelimit-remaining-{name}"] = str(max(window.remaining, 0))
                headers[f"x-ratelimit-reset-{name}"] = f"{_wait(window.resets, now)}s"
        return headers


def rate_refusal(
    key: GatewayKeyConfig, what: str, standing: Standing, now: float
) -> KeyLimitReached:
    """The refusal of a rate limit that is used up; ``what`` is ``requests`` or ``tokens``."""
    window = standing.requests if what == "requests" else standing.tokens
    assert window is not None
    wait = _wait(window.resets, now)
    return KeyLimitReached(
        f"The gateway key {key.name!r} may use {window.limit} {what} per minute, and has. "
        f"Try again in {wait} s.",
        retry_after=wait,
        headers=standing.headers(now),
    )


def concurrency_refusal(key: GatewayKeyConfig, standing: Standing, now: float) -> KeyLimitReached:
    """The refusal where as many requests of the key run as may."""
    assert key.limits is not None
    return KeyLimitReached(
        f"The gateway key {key.name!r} may have {key.limits.concurrency} requests running at the "
        "same time, and has. Try again when one of them has ended.",
        retry_after=UNTIL_A_PLACE_IS_FREE,
        headers=standing.headers(now),
    )


def budget_refusal(
    key: GatewayKeyConfig, period: str, budget: Decimal, ends: float, now: float
) -> BudgetExhausted:
    """The refusal of a budget that is spent; ``period`` is ``day`` or ``month``."""
    moment = datetime.fromtimestamp(ends, UTC).strftime("%Y-%m-%d %H:%M UTC")
    money = f"{budget.normalize():f} US dollars"
    return BudgetExhausted(
        f"The gateway key {key.name!r} has spent its budget of {money} per {period}. "
        f"It can be used again from {moment}, or when the owner of this site raises it.",
        retry_after=_wait(ends, now),
    )


def _wait(until: float, now: float) -> int:
    return max(math.ceil(until - now), 0)
