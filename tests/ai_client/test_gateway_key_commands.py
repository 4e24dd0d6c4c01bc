"""``gateway_keys`` and ``update_gateway_key``, and the limits that ``create_gateway_key`` takes."""

from __future__ import annotations

import io
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command

from ai_client.connections import load
from ai_client.gateway_keys import authenticate
from ai_client.key_services import create_gateway_key, peppers
from ai_client.models import GatewayKey
from connectors.services import create_connection

pytestmark = pytest.mark.django_db

LIMITS = (
    *("--requests-per-minute", "60", "--tokens-per-minute", "9000", "--concurrency", "4"),
    *("--budget-per-day", "1.5", "--budget-per-month", "20"),
)


def run(*arguments: str) -> str:
    output = io.StringIO()
    call_command(*arguments, stdout=output)
    return output.getvalue()


def test_a_key_is_made_with_everything_it_may() -> None:
    create_connection(name="first", provider="openai", api_key="sk-0123456789")
    scope = ("--connection", "first", "--model", "gpt-*", "--model", "o*", "--caller", "web")
    run("create_gateway_key", "shop", *LIMITS, *scope)
    key = GatewayKey.objects.get()
    assert (key.requests_per_minute, key.tokens_per_minute, key.concurrency) == (60, 9000, 4)
    assert (key.budget_per_day, key.budget_per_month) == (Decimal("1.5"), Decimal(20))
    assert (key.allowed_connections, key.allowed_models) == (["first"], ["gpt-*", "o*"])
    assert key.caller == "web"


def test_a_key_is_changed_where_it_is_told_and_nowhere_else() -> None:
    _, plain = create_gateway_key("shop", concurrency=4, budget_per_day=Decimal(1), caller="web")
    run("update_gateway_key", "shop", "--concurrency", "none", "--model", "m", "--rename", "store")
    key = GatewayKey.objects.get()
    assert (key.name, key.concurrency, key.allowed_models) == ("store", None, ["m"])
    assert (key.budget_per_day, key.caller, key.enabled) == (Decimal(1), "web", True)
    run("update_gateway_key", "store", "--model", "none", "--disable", "--no-fallback")
    key.refresh_from_db()
    assert (key.allowed_models, key.enabled, key.allow_fallback) == ([], False, False)
    run("update_gateway_key", "store", "--enable", "--fallback", "--expires", "2999-01-01")
    key.refresh_from_db()
    assert (key.enabled, key.allow_fallback, key.expires_at is None) == (True, True, False)
    rotated = run("update_gateway_key", "store", "--rotate").strip()
    known = load().gateway_keys
    assert authenticate([("x-api-key", rotated)], known, peppers(), 0.0).name == "store"
    assert plain[:11] not in known
    run("update_gateway_key", "store", "--delete")
    assert not GatewayKey.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["nobody", "--disable"], "There is no gateway key 'nobody'. There are: shop, taken."),
        (["shop"], "Say what to change"),
        (["shop", "--rename", "taken"], "^--rename: .* already exists"),
        (["shop", "--concurrency", "many"], "--concurrency: 'many' is not a whole number"),
        (["shop", "--concurrency", "0"], "^--concurrency: .* greater than or equal to 1"),
        (
            ["shop", "--budget-per-day", "0"],
            "^--budget-per-day: .* greater than or equal to 0.0001",
        ),
        (["shop", "--rename", ""], "^--rename: .* blank"),
        (["shop", "--model", ""], "^--model: It takes a list"),
        (["shop", "--budget-per-day", "much"], "--budget-per-day: 'much' is not US dollars"),
        (["shop", "--budget-per-day", "NaN"], "^--budget-per-day: .*number"),
        (["shop", "--connection", "nowhere"], "^--connection: There is no connection nowhere"),
        (["shop", "--expires", "soon"], "^--expires: .*no ISO 8601 time"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(arguments: list[str], complaint: str) -> None:
    create_gateway_key("taken")
    create_gateway_key("shop")
    with pytest.raises(CommandError, match=complaint):
        run("update_gateway_key", *arguments)


@pytest.mark.parametrize("command", ["create_gateway_key", "update_gateway_key"])
def test_the_help_says_what_a_budget_counts(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        call_command(command, "--help")
    said = " ".join(capsys.readouterr().out.split())
    assert said.count("of what has a known price") == 2


def test_keys_are_listed_with_their_limits_and_without_themselves() -> None:
    run("create_gateway_key", "shop", *LIMITS)
    _, plain = create_gateway_key("other", enabled=False)
    listed = run("gateway_keys")
    head, other, shop = listed.splitlines()
    assert head.startswith("name")
    assert "60 requests/min, 9000 tokens/min, 4 at once, 1.5 US dollars/day" in shop
    assert "never" in shop
    assert "off" in other
    assert plain not in listed
    assert "other" not in run("gateway_keys", "shop")
