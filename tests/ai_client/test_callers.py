"""Gateway keys stand among the callers before they ask, on the page and over REST."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from ai_client.connections import load
from ai_client.key_services import create_gateway_key, delete_gateway_key, revoke_gateway_key
from ai_client.models import GatewayKey
from connectors.approvals import decide
from connectors.models import Approval
from connectors.services import create_connection

pytestmark = pytest.mark.django_db

REST = "/connectors/v1/approvals"


@pytest.fixture
def alice(client: Client) -> Client:
    """The owner, of a site with one connection."""
    client.force_login(User.objects.create_superuser("alice"))
    create_connection(name="primary", provider="openai", api_key="sk-0123456789abcdef")
    return client


def key(name: str) -> GatewayKey:
    return create_gateway_key(name)[0]


def page(client: Client, query: str = "") -> str:
    response = client.get(reverse("connectors_page:approvals") + query)
    assert response.status_code == 200
    return response.content.decode()


def callers_on_the_page(client: Client) -> list[str]:
    return [unescape(each) for each in re.findall(r'<tr data-caller="([^"]+)">', page(client))]


def rest(client: Client) -> dict[str, Any]:
    answer: dict[str, Any] = client.get(REST).json()
    assert answer["callers"] == [row["caller"] for row in answer["rows"]]
    return answer


def state_over_rest(client: Client, caller: str, connector: str = "openai") -> str:
    (row,) = (row for row in rest(client)["rows"] if row["caller"] == caller)
    return str(row["states"][connector])


@pytest.mark.parametrize(
    ("policy", "words"), [("allow", "Not decided: allowed"), ("ask", "Not decided: has to ask")]
)
def test_a_key_that_never_asked_stands_there_as_the_policy_has_it(
    policy: str, words: str, alice: Client, settings: Settings
) -> None:
    settings.CONNECTORS = {"APPROVAL": policy}
    key("laptop")
    assert callers_on_the_page(alice) == ["gateway:laptop"]
    assert words in page(alice)
    assert state_over_rest(alice, "gateway:laptop") == policy
    assert rest(alice)["approvals"] == []
    assert not Approval.objects.exists()


def test_a_key_is_decided_about_before_it_asks(alice: Client, settings: Settings) -> None:
    settings.CONNECTORS = {"APPROVAL": "ask"}
    key("laptop")
    key("phone")
    assert 'name="allow" value="openai"' in page(alice)
    alice.post(
        reverse("connectors_page:approvals"), {"caller": "gateway:laptop", "allow": "openai"}
    )
    assert state_over_rest(alice, "gateway:laptop") == "allowed"
    assert state_over_rest(alice, "gateway:phone") == "ask"
    decision = {"caller": "gateway:phone", "connector": "openai", "state": "denied"}
    assert alice.put(REST, decision, content_type="application/json").status_code == 200
    assert callers_on_the_page(alice) == ["gateway:laptop", "gateway:phone"]
    assert state_over_rest(alice, "gateway:phone") == "denied"
    approvals = load().approvals
    assert approvals.permit("gateway:laptop", "openai")
    assert not approvals.permit("gateway:phone", "openai")


def test_keys_that_open_nothing_any_more_go_unless_they_were_decided_about(
    alice: Client,
) -> None:
    revoked, expired, deleted = key("revoked"), key("expired"), key("deleted")
    lasting = timezone.now() + timedelta(days=1)
    create_gateway_key("lasting", expires_at=lasting)
    revoke_gateway_key(key("decided"))
    decide("gateway:decided", "openai", "denied")
    assert set(callers_on_the_page(alice)) == {
        f"gateway:{name}" for name in ("revoked", "expired", "deleted", "lasting", "decided")
    }
    revoke_gateway_key(revoked)
    GatewayKey.objects.filter(pk=expired.pk).update(expires_at=timezone.now())
    delete_gateway_key(deleted)
    assert callers_on_the_page(alice) == ["gateway:decided", "gateway:lasting"]
    assert rest(alice)["callers"] == ["gateway:decided", "gateway:lasting"]


def test_a_gateway_without_keys_is_one_caller(alice: Client, settings: Settings) -> None:
    key("laptop")
    settings.AI_CLIENT = {**settings.AI_CLIENT, "REQUIRE_GATEWAY_KEY": False}
    assert callers_on_the_page(alice) == ["gateway"]
    assert rest(alice)["callers"] == ["gateway"]


def test_keys_are_listed_page_by_page_after_those_with_open_questions(alice: Client) -> None:
    for number in range(60):
        key(f"key-{number:02}")
    decide("zebra", "openai", "pending")
    shown = callers_on_the_page(alice)
    assert (shown[0], shown[1], len(shown)) == ("zebra", "gateway:key-00", 50)
    assert "Page 1 of 2" in page(alice)
    assert '<tr data-caller="gateway:key-59">' in page(alice, "?page=2")
    assert len(rest(alice)["rows"]) == 61


@pytest.mark.parametrize("look", [page, rest])
def test_the_number_of_queries_does_not_grow_with_the_keys(look: Any, alice: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(database) as captured:
            look(alice)
        return len(captured)

    key("first")
    queries()
    with_one = queries()
    for number in range(20):
        key(f"key-{number}")
        decide(f"gateway:key-{number}", "openai", "denied")
        key(f"other-{number}")
    assert queries() == with_one
