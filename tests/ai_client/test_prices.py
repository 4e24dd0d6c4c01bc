"""What an answer cost."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal

import pytest

from ai_client.messages import TokenUsage
from ai_client.prices import estimate_cost

AT = 1_780_000_000.0
USAGE = TokenUsage(1000, 100, 1100)


def cost(price_id: str | None, *models: str, usage: TokenUsage | None = USAGE) -> Decimal | None:
    return estimate_cost(price_id, models, usage, AT)


def known(price_id: str, *models: str, usage: TokenUsage = USAGE) -> Decimal:
    found = cost(price_id, *models, usage=usage)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("price_id", "model"),
    [
        ("openai", "gpt-4o-mini"),
        ("anthropic", "claude-sonnet-4-5"),
        ("google", "gemini-2.5-flash"),
        ("groq", "llama-3.3-70b-versatile"),
    ],
)
def test_a_vendors_model_has_a_price(price_id: str, model: str) -> None:
    assert Decimal(0) < known(price_id, model) < Decimal(1)


def test_more_tokens_cost_more() -> None:
    more = TokenUsage(2000, 100, 2100)
    assert known("openai", "gpt-4o-mini", usage=more) > known("openai", "gpt-4o-mini")


def test_cached_tokens_cost_less_than_read_ones() -> None:
    cached = TokenUsage(1000, 100, 1100, cached_tokens=900)
    assert known("openai", "gpt-4o-mini", usage=cached) < known("openai", "gpt-4o-mini")


def test_tokens_written_to_a_cache_have_their_own_price() -> None:
    written = TokenUsage(1000, 100, 1100, cache_write_tokens=900)
    model = "claude-sonnet-4-5"
    assert known("anthropic", model, usage=written) > known("anthropic", model)


def test_googles_resource_names_are_understood() -> None:
    assert known("google", "models/gemini-2.5-flash") == known("google", "gemini-2.5-flash")


def test_the_first_name_that_has_a_price_counts() -> None:
    assert known("openai", "", "house-blend", "gpt-4o-mini") == known("openai", "gpt-4o-mini")
    assert known("openai", "gpt-4o", "gpt-4o-mini") == known("openai", "gpt-4o")


@pytest.mark.parametrize(
    ("price_id", "models", "usage"),
    [
        (None, ("gpt-4o-mini",), USAGE),
        ("nobody", ("gpt-4o-mini",), USAGE),
        ("openai", ("house-blend",), USAGE),
        ("openai", (), USAGE),
        ("openai", ("gpt-4o-mini",), None),
        ("openai", ("gpt-4o-mini",), TokenUsage(10, 0, 10, cached_tokens=500)),
        ("openai", ("gpt-4o-mini",), TokenUsage(-10, 0, 10)),
    ],
)
def test_what_is_not_known_has_no_price(
    price_id: str | None, models: tuple[str, ...], usage: TokenUsage | None
) -> None:
    assert estimate_cost(price_id, models, usage, AT) is None


def test_the_price_list_is_not_loaded_before_it_is_needed() -> None:
    program = "import sys, ai_client.prices; assert 'genai_prices.data' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
