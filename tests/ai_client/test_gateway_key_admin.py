"""The limits, scope and use of gateway keys in the admin."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from ai_client.key_services import create_gateway_key
from ai_client.models import GatewayKey, GatewayKeyUsage
from connectors.services import create_connection

pytestmark = pytest.mark.django_db

ADD = "admin:ai_client_gatewaykey_add"
LIST = "admin:ai_client_gatewaykey_changelist"
CHANGE = "admin:ai_client_gatewaykey_change"


@pytest.fixture
def alice() -> Client:
    """The owner of the site, with two connections to choose from."""
    for name in ("first", "second"):
        create_connection(name=name, provider="openai", api_key="sk-0123456789")
    client = Client()
    client.force_login(User.objects.create_superuser("alice"))
    return client


def test_the_form_makes_a_key_with_limits_and_a_scope(alice: Client) -> None:
    form = {
        "name": "shop",
        "caller": "web",
        "allowed_connections": ["second"],
        "allowed_models": "gpt-*\n\n o3 \ngpt-*",
        "requests_per_minute": "60",
        "concurrency": "3",
        "budget_per_month": "12.5",
    }
    assert alice.post(reverse(ADD), form).status_code == 200
    key = GatewayKey.objects.get()
    assert (key.allowed_connections, key.allowed_models) == (["second"], ["gpt-*", "o3"])
    assert (key.requests_per_minute, key.tokens_per_minute, key.concurrency) == (60, None, 3)
    assert (key.budget_per_day, key.budget_per_month) == (None, Decimal("12.5"))
    assert key.caller == "web"
    shown = alice.get(reverse(CHANGE, args=[key.pk])).content.decode()
    assert "gpt-*\no3</textarea>" in shown.replace("\r", "")
    alice.post(reverse(CHANGE, args=[key.pk]), {**form, "allowed_models": "", "enabled": "on"})
    key.refresh_from_db()
    assert key.allowed_models == []


def test_the_form_says_what_a_budget_does_not_count(alice: Client) -> None:
    form = alice.get(reverse(ADD)).context["adminform"].form
    for period in ("day", "month"):
        said = form.fields[f"budget_per_{period}"].help_text
        assert "US dollars" in said
        assert "What has no known price does not count" in said


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "x\r\ny"),
        ("caller", "x\x07y"),
        ("requests_per_minute", "0"),
        ("concurrency", "-1"),
        ("tokens_per_minute", "99999999999"),
        ("budget_per_day", "0"),
        ("budget_per_month", "much"),
        ("allowed_connections", "nowhere"),
        ("allowed_models", "x" * 301),
    ],
)
def test_what_cannot_be_is_said_beside_its_field(alice: Client, field: str, value: str) -> None:
    answer = alice.post(reverse(ADD), {"name": "shop", field: value})
    assert answer.status_code == 200
    assert field in answer.context["adminform"].form.errors
    assert not GatewayKey.objects.exists()


def test_a_connection_that_is_gone_stays_until_it_is_taken_away(alice: Client) -> None:
    key, _ = create_gateway_key("shop", allowed_connections=["first"])
    GatewayKey.objects.update(allowed_connections=["gone"])
    page = reverse(CHANGE, args=[key.pk])
    assert 'value="gone"' in alice.get(page).content.decode()
    alice.post(page, {"name": "store", "allowed_connections": ["gone"], "enabled": "on"})
    key.refresh_from_db()
    assert (key.name, key.allowed_connections) == ("store", ["gone"])


def test_the_list_shows_limits_and_use_in_few_queries(
    alice: Client, django_assert_max_num_queries: object
) -> None:
    for number in range(5):
        key, _ = create_gateway_key(f"shop{number}", concurrency=3)
        today = datetime.now(UTC).date()
        GatewayKeyUsage.objects.create(
            gateway_key=key, day=today, requests=1234, tokens=5, cost=Decimal("0.5")
        )
    with django_assert_max_num_queries(12):  # type: ignore[operator]
        listed = alice.get(reverse(LIST)).content.decode()
    assert "3 at once" in listed
    assert "1,234 requests, 5 tokens, 0.5000 US dollars" in listed
