"""Services beside the AI providers on the page: shown masked, saved as the settings are."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from connectors.models import Option
from connectors.registry import registry
from connectors.services import get_option, set_option
from connectors.values import ConnectorType
from tests.connectors.html_forms import as_sent

pytestmark = pytest.mark.django_db

INDEX = "/settings/connectors/"
SPAM = "connectors_spam_filtering_guard_api_key"
REMOTE = "connectors_content_source_remote_application_password"
KEY = "guard-canary-key-1234"
DOTS = "\N{BULLET}" * 16


def guard(**values: object) -> ConnectorType:
    given = {
        "slug": "guard",
        "name": "Guard",
        "description": "Keeps spam away.",
        "type": "spam_filtering",
        "credentials_url": "https://guard.example/keys",
        "env_key": "GUARD_API_KEY",
        **values,
    }
    return ConnectorType(**given)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def services(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("GUARD_API_KEY", raising=False)
    registry.register(guard())
    registry.register(
        ConnectorType(
            "remote", "Remote", type="content_source", method="application_password", env_key="REM"
        )
    )
    yield
    for slug in ("guard", "remote"):
        registry.unregister(slug)


def card(client: Client, slug: str = "guard") -> str:
    """The card of that service; blank where there is none."""
    return cut(client.get(INDEX).content.decode(), slug)


def cut(text: str, slug: str) -> str:
    start = text.find(f'data-service="{slug}"')
    assert KEY not in text
    return text[start : text.index("</details>", start)] if start >= 0 else ""


def send(client: Client, slug: str, **values: str) -> str:
    """The page after a save that went through."""
    answer = client.post(reverse("connectors_page:service", args=[slug]), values, follow=True)
    assert answer.redirect_chain == [(f"{INDEX}#service-{slug}", 302)]
    return answer.content.decode()


def refusal(client: Client, slug: str, **values: str) -> str:
    """The card after a save that was refused."""
    answer = client.post(reverse("connectors_page:service", args=[slug]), values)
    assert answer.status_code == 422
    return cut(answer.content.decode(), slug)


def test_a_key_is_saved_shown_masked_and_removed(admin_client: Client) -> None:
    before = card(admin_client)
    for word in ("Keeps spam away.", "https://guard.example/keys", "Not connected"):
        assert word in before
    assert "Remove" not in before
    assert "Saved Guard." in send(admin_client, "guard", secret=KEY)
    after = card(admin_client)
    assert "\N{BULLET}1234" in after
    assert "Stored here" in after
    assert "Not connected" not in after
    assert get_option(SPAM) == KEY
    assert "Removed what was stored for Guard." in send(admin_client, "guard", remove="1")
    assert not Option.objects.filter(name=SPAM).exists()


def test_the_form_of_the_card_is_all_that_it_takes(admin_client: Client) -> None:
    sent = as_sent(admin_client.get(INDEX).content.decode(), "service-form")
    send(admin_client, "guard", **(sent | {"secret": KEY}))
    assert get_option(SPAM) == KEY


def test_an_application_password_keeps_its_name_in_sight(admin_client: Client) -> None:
    send(admin_client, "remote", username="alice", secret="abcd efgh")
    shown = card(admin_client, "remote")
    assert f"alice: {DOTS}" in shown
    assert 'value="alice"' in shown
    assert "abcd" not in shown
    send(admin_client, "remote", username="bob", secret="")
    assert json.loads(get_option(REMOTE) or "") == {"username": "bob", "password": "abcd efgh"}
    send(admin_client, "remote", username="", secret="", remove="1")
    assert not Option.objects.filter(name=REMOTE).exists()


@pytest.mark.parametrize(
    ("slug", "values", "why"),
    [
        ("guard", {"secret": " "}, "Type the key."),
        ("guard", {"secret": "\N{BULLET}" * 8 + "1234"}, "this is the mask of another key"),
        ("guard", {"secret": "schl\N{LATIN SMALL LETTER U WITH DIAERESIS}ssel"}, "no HTTP header"),
        ("remote", {"username": "", "secret": "abcd"}, "Type the user name."),
        ("remote", {"username": "alice", "secret": ""}, "Type the password."),
    ],
)
def test_what_is_refused_is_explained_in_its_card(
    admin_client: Client, slug: str, values: dict[str, str], why: str
) -> None:
    shown = refusal(admin_client, slug, **values)
    assert "<details open>" in shown
    assert why in shown
    assert "again: it is not sent back to the page." in shown
    assert not Option.objects.exists()


def test_a_refused_value_does_not_cost_the_stored_one(admin_client: Client) -> None:
    set_option(SPAM, KEY)
    refusal(admin_client, "guard", secret="\N{BULLET}" * 8 + "9999")
    assert get_option(SPAM) == KEY


@pytest.mark.parametrize("place", ["env", "setting"])
def test_what_is_set_elsewhere_is_shown_with_its_source_and_cannot_be_changed(
    admin_client: Client, place: str, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    if place == "env":
        monkeypatch.setenv("GUARD_API_KEY", "from-elsewhere-5678")
        badge = "Environment: GUARD_API_KEY"
    else:
        settings.CONNECTORS = {"GUARD_API_KEY": "from-elsewhere-5678"}
        badge = "CONNECTORS["
    shown = card(admin_client)
    assert badge in shown
    assert "5678" in shown
    assert "change it there" in shown
    assert "<form" not in shown
    answer = admin_client.post(reverse("connectors_page:service", args=["guard"]), {"secret": KEY})
    assert answer.status_code == 422
    assert not Option.objects.filter(name=SPAM).exists()


@pytest.mark.parametrize("change", [{"hidden": True}, {"is_active": lambda: False}])
def test_hidden_and_inactive_services_are_nowhere(
    admin_client: Client, change: dict[str, object]
) -> None:
    registry.unregister("guard")
    registry.register(guard(**change))
    assert card(admin_client) == ""
    address = reverse("connectors_page:service", args=["guard"])
    assert admin_client.post(address, {"secret": KEY}).status_code == 404
    assert not Option.objects.exists()


def test_ai_providers_have_no_card(admin_client: Client) -> None:
    assert card(admin_client, "acme") == ""
    address = reverse("connectors_page:service", args=["acme"])
    assert admin_client.post(address, {"secret": KEY}).status_code == 404


@pytest.mark.parametrize(
    ("permissions", "sees", "writes"),
    [
        (("view_connection",), False, False),
        (("view_connection", "change_connection"), True, False),
        (("view_connection", "change_connection", "replace_key"), True, True),
    ],
)
def test_the_permissions_are_those_of_the_settings(
    client: Client, permissions: tuple[str, ...], sees: bool, writes: bool
) -> None:
    bob = User.objects.create_user("bob", is_staff=True)
    bob.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(bob)
    shown = card(client)
    assert bool(shown) is sees
    assert ("<form" in shown) is writes
    answer = client.post(reverse("connectors_page:service", args=["guard"]), {"secret": KEY})
    assert answer.status_code == (302 if writes else 403)
    assert Option.objects.filter(name=SPAM).exists() is writes


def test_a_script_is_told_of_all_connectors_without_a_secret(admin_client: Client) -> None:
    set_option(SPAM, KEY)
    text = admin_client.get(INDEX).content.decode()
    assert KEY not in text
    opening = '<script id="connectors-module-data-@koneek/connectors" type="application/json">'
    told = json.loads(text.partition(opening)[2].partition("</script>")[0])
    assert told["isFileModDisabled"] is True
    assert told["connectors"]["guard"]["authentication"] == {
        "method": "api_key",
        "settingName": SPAM,
        "credentialsUrl": "https://guard.example/keys",
        "keySource": "database",
        "isConnected": True,
    }
    assert "koneek" not in told["connectors"]


def test_the_number_of_queries_does_not_grow_with_the_services(admin_client: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(database) as captured:
            admin_client.get(INDEX)
        return len(captured)

    queries()
    before = queries()
    slugs = [f"guard-{number}" for number in range(20)]
    for slug in slugs:
        registry.register(guard(slug=slug, env_key=""))
        set_option(guard(slug=slug).setting_name, KEY)
    try:
        assert queries() == before
    finally:
        for slug in slugs:
            registry.unregister(slug)
