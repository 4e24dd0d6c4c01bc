"""What an answer cost, estimated from the site's prices or the list that comes with genai-prices.

The list is the one in the installed package: nothing here fetches a newer one. Vendors change
prices and give discounts, so every figure is an estimate and is stored as one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from ai_client.messages import TokenUsage

if TYPE_CHECKING:
    from genai_prices.data_snapshot import DataSnapshot
    from genai_prices.types import ModelInfo, Provider

_MINUTE = 60
_MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens. What is None costs as much as other input."""

    input_mtok: Decimal
    output_mtok: Decimal
    cached_input_mtok: Decimal | None = None
    cache_write_mtok: Decimal | None = None

    def of(self, usage: TokenUsage) -> Decimal:
        """US dollars for these tokens."""
        cached, written = usage.cached_tokens or 0, usage.cache_write_tokens or 0
        plain = max(usage.prompt_tokens - cached - written, 0)
        millionths = (
            plain * self.input_mtok
            + cached * _either(self.cached_input_mtok, self.input_mtok)
            + written * _either(self.cache_write_mtok, self.input_mtok)
            + usage.completion_tokens * self.output_mtok
        )
        return millionths / _MILLION


@dataclass(frozen=True, slots=True)
class PriceTable:
    """A site's own prices: patterns of ``provider/model`` (``*`` is any text), in order."""

    rows: tuple[tuple[str, Price], ...] = ()

    def find(self, provider: str, model: str) -> Price | None:
        """The first price that fits."""
        name = f"{provider}/{model}".lower()
        return next((price for pattern, price in self.rows if fnmatchcase(name, pattern)), None)


NO_PRICES = PriceTable()


def price_table(given: Mapping[Any, Any]) -> PriceTable:
    """The table that a setting describes; rows with a mistake are left out, see ``mistakes``."""
    found = ((pattern, _price(values)) for pattern, values in given.items())
    return PriceTable(
        tuple(
            (pattern.lower(), price)
            for pattern, price in found
            if isinstance(pattern, str) and isinstance(price, Price)
        )
    )


def mistakes(given: Mapping[Any, Any]) -> Iterator[tuple[object, str]]:
    """The rows of a setting that cannot be used: their pattern, and what to write instead."""
    for pattern, values in given.items():
        if not isinstance(pattern, str) or "/" not in pattern.strip("/"):
            yield pattern, "It takes a provider's slug, a slash and a model: 'openai/gpt-5*'."
        elif isinstance(price := _price(values), str):
            yield pattern, price


def _price(values: object) -> Price | str:
    """A price, or what is wrong with it."""
    if not isinstance(values, Mapping):
        return "It takes a dictionary: {'input_mtok': '0.25', 'output_mtok': 2}."
    unknown = [str(name) for name in values if name not in Price.__slots__]
    if unknown:
        return f"There is no {unknown[0]!r}; there are: {', '.join(Price.__slots__)}."
    missing = [name for name in ("input_mtok", "output_mtok") if name not in values]
    if missing:
        return f"{missing[0]!r} is missing: US dollars per million tokens."
    amounts: dict[str, Decimal] = {}
    for name, value in values.items():
        amount = _amount(value)
        if amount is None:
            return f"{name!r} takes US dollars per million tokens, as '0.25' or 2, not {value!r}."
        amounts[name] = amount
    return Price(**amounts)


def _amount(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return None
    try:
        # What a float is written as is what was meant: 0.1 is a tenth.
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and amount >= 0 else None


def _either(amount: Decimal | None, other: Decimal) -> Decimal:
    return other if amount is None else amount


def estimate_cost(
    price_id: str | None,
    models: Sequence[str],
    usage: TokenUsage | None,
    at: float,
    *,
    provider: str = "",
    table: PriceTable = NO_PRICES,
) -> Decimal | None:
    """US dollars for ``usage`` at the time ``at`` (Unix seconds); None where it is not known.

    ``price_id`` is ``Provider.price_id``. ``models`` are names for the same model, most exact
    first (what the answer says, what was asked for); the first that has a price counts. Prices of
    ``table`` for the provider with the slug ``provider`` go before the list.
    """
    if usage is None:
        return None
    if table.rows:
        for model in models:
            if model and (price := table.find(provider, model.removeprefix("models/"))) is not None:
                return price.of(usage)
    if price_id is None:
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
