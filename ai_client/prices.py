"""What an answer cost, estimated from the price list that comes with genai-prices.

The list is the one in the installed package: nothing here fetches a newer one. Vendors change
prices and give discounts, so every figure is an estimate and is stored as one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from ai_client.messages import TokenUsage

if TYPE_CHECKING:
    from genai_prices.data_snapshot import DataSnapshot
    from genai_prices.types import ModelInfo, Provider

_MINUTE = 60


def estimate_cost(
    price_id: str | None, models: Sequence[str], usage: TokenUsage | None, at: float
) -> Decimal | None:
    """US dollars for ``usage`` at the time ``at`` (Unix seconds); None where it is not known.

    ``price_id`` is ``Provider.price_id``. ``models`` are names for the same model, most exact
    first (what the answer says, what was asked for); the first that has a price counts.
    """
    if price_id is None or usage is None:
        return None
    for model in models:
        if model:
            cost = _estimate(price_id, model.removeprefix("models/"), usage, int(at // _MINUTE))
            if cost is not None:
                return cost
    return None


def context_window(price_id: str | None, model: str) -> int | None:
    """How many tokens a model takes, from the same list; None where it is not known."""
    found = None if price_id is None else _find(price_id, model.removeprefix("models/"))
    return None if found is None else found[1].context_window


# Prices differ by the time of day with some vendors, hence the minute in the key.
@lru_cache(maxsize=4096)
def _estimate(price_id: str, model: str, usage: TokenUsage, minute: int) -> Decimal | None:
    from genai_prices import Usage

    found = _find(price_id, model)
    if found is None:
        return None
    provider, info = found
    try:
        price = info.calc_price(
            Usage(
                input_tokens=usage.prompt_tokens,
                output_tokens=usage.completion_tokens,
                cache_read_tokens=usage.cached_tokens,
                cache_write_tokens=usage.cache_write_tokens,
            ),
            provider,
            genai_request_timestamp=datetime.fromtimestamp(minute * _MINUTE, UTC),
            auto_update_timestamp=None,
        )
    except (LookupError, ValueError, ArithmeticError, OSError):
        return None
    return price.total_price


# The package's own look-up remembers every name it is asked for, without a bound; this one has one.
@lru_cache(maxsize=1024)
def _find(price_id: str, model: str) -> tuple[Provider, ModelInfo] | None:
    snapshot = _bundled()
    try:
        provider = snapshot.find_provider(None, price_id, None)
    except LookupError:
        return None
    info = provider.find_model(model, all_providers=snapshot.providers)
    return None if info is None else (provider, info)


@cache
def _bundled() -> DataSnapshot:
    # Tens of megabytes once loaded: imported by the process that first asks for a price.
    from genai_prices.data import providers
    from genai_prices.data_snapshot import DataSnapshot

    return DataSnapshot(providers=providers, from_auto_update=False)
