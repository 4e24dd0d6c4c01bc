"""What an answer cost."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from typing import Any

import pytest

from ai_client import conf
from ai_client.checks import check_settings
from ai_client.log.rows import insert
from ai_client.messages import TokenUsage
from ai_client.models import RequestLog
from ai_client.prices import estimate_cost, price_table
from tests.ai_client.request_records import a_record

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


def own(table: dict[Any, Any], provider: str, *models: str, usage: TokenUsage = USAGE) -> Any:
    """What the site's own table, and nothing else, makes of it."""
    return estimate_cost(None, models, usage, AT, provider=provider, table=price_table(table))


OWN = {
    "ollama/llama3.2": {"input_mtok": 0, "output_mtok": 0},
    "openai/gpt-5-*": {"input_mtok": "0.1", "output_mtok": 0.2, "cached_input_mtok": Decimal(0)},
    "*/gpt-5-mini": {"input_mtok": 9, "output_mtok": 9},
    "*/claude-*": {"input_mtok": 3, "output_mtok": 15, "cache_write_mtok": "3.75"},
}


def test_the_sites_own_price_counts_to_the_last_digit() -> None:
    assert own(OWN, "openai", "gpt-5-mini") == Decimal("0.00012")
    assert own(OWN, "ollama", "llama3.2") == 0


def test_the_first_pattern_that_fits_counts_in_whatever_case() -> None:
    assert own(OWN, "groq", "gpt-5-mini") == Decimal("0.0099")
    assert own(OWN, "openai", "GPT-5-Mini") == Decimal("0.00012")
    assert own(OWN, "google", "gemini-2.5-flash") is None
    assert own({"google/gemini*": OWN["*/gpt-5-mini"]}, "google", "models/gemini-2.5") is not None


def test_cached_and_written_tokens_have_a_price_of_their_own_or_that_of_others() -> None:
    cached = TokenUsage(1000, 0, 1000, cached_tokens=900)
    assert own(OWN, "openai", "gpt-5-x", usage=cached) == Decimal("0.00001")
    assert own(OWN, "anthropic", "claude-x", usage=cached) == Decimal("0.003")
    written = TokenUsage(1000, 0, 1000, cache_write_tokens=1000)
    assert own(OWN, "anthropic", "claude-x", usage=written) == Decimal("0.00375")


def test_the_sites_own_price_goes_before_the_list() -> None:
    table = price_table({"openai/gpt-4o-mini": {"input_mtok": 1, "output_mtok": 1}})
    found = estimate_cost("openai", ["gpt-4o-mini"], USAGE, AT, provider="openai", table=table)
    assert found == Decimal("0.0011")
    other = estimate_cost("openai", ["gpt-4o"], USAGE, AT, provider="openai", table=table)
    assert other == cost("openai", "gpt-4o")


def test_what_the_answer_calls_its_model_goes_before_what_was_asked_for() -> None:
    table = {"x/asked": OWN["*/gpt-5-mini"], "x/answered": OWN["ollama/llama3.2"]}
    assert own(table, "x", "answered", "asked") == 0
    assert own(table, "x", "unknown", "asked") == Decimal("0.0099")


WRONG: list[tuple[object, object, str]] = [
    ("gpt-5", {"input_mtok": 1, "output_mtok": 1}, "a slash and a model"),
    (3, {"input_mtok": 1, "output_mtok": 1}, "a slash and a model"),
    ("openai/gpt-5", 3, "takes a dictionary"),
    ("openai/gpt-5", {"input_mtok": 1}, "'output_mtok' is missing"),
    ("openai/gpt-5", {"input_mtok": 1, "output_mtok": 1, "cached": 1}, "There is no 'cached'"),
    ("openai/gpt-5", {"input_mtok": -1, "output_mtok": 1}, "'input_mtok' takes US dollars"),
    ("openai/gpt-5", {"input_mtok": "cheap", "output_mtok": 1}, "not 'cheap'"),
    ("openai/gpt-5", {"input_mtok": True, "output_mtok": 1}, "not True"),
    ("openai/gpt-5", {"input_mtok": float("nan"), "output_mtok": 1}, "not nan"),
]


@pytest.mark.parametrize(("pattern", "values", "way_out"), WRONG)
def test_a_wrong_row_is_reported_with_the_way_out_and_counts_for_nothing(
    pattern: object, values: object, way_out: str, settings: Any
) -> None:
    table = {pattern: values, "openai/*": {"input_mtok": 1, "output_mtok": 1}}
    settings.AI_CLIENT = {**settings.AI_CLIENT, "PRICES": table}
    (found,) = check_settings(None)
    assert found.id == "ai_client.E006"
    assert repr(pattern) in found.msg
    assert way_out in str(found.hint)
    assert own(table, "openai", "gpt-5") in (Decimal("0.0011"), None)
    assert conf.prices().find("openai", "gpt-4o") is not None


def test_a_table_that_is_none_is_reported(settings: Any) -> None:
    settings.AI_CLIENT = {**settings.AI_CLIENT, "PRICES": ["openai/gpt-5"]}
    (found,) = check_settings(None)
    assert (found.id, found.hint) == ("ai_client.E003", "It takes a dictionary.")
    assert conf.prices().rows == ()


@pytest.mark.django_db
def test_the_log_holds_what_the_sites_own_prices_make_of_it(settings: Any) -> None:
    prices = {"openai/gpt-4o-*": {"input_mtok": 2, "output_mtok": 10, "cached_input_mtok": 1}}
    settings.AI_CLIENT = {**settings.AI_CLIENT, "PRICES": prices}
    insert([a_record()])
    row = RequestLog.objects.get()
    assert row.cost == Decimal("0.0025")
    assert row.cost_is_estimate
