"""Typed keys without JavaScript: never sent back to the page, and never lost without a word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest
from django.test import Client
from django.urls import reverse

from connectors.credentials import Credential, resolve
from connectors.models import Connection
from connectors.probing import ModelEntry, Step, Target
from connectors.registry import registry
from connectors.services import create_connection, update_connection
from tests.connectors.conftest import ACME
from tests.connectors.html_forms import as_sent

pytestmark = pytest.mark.django_db

STORED = "sk-canary-abcdefghijklmnop1234"
TYPED = "sk-typed-in-the-form-00009876"
NEW = "/settings/connectors/new/"


class AcceptingProbe:
    """A provider that takes every key."""

    def steps(self, target: Target) -> Iterator[Step]:
        yield Step("dns", "ok", 1.2, "Found it.")

    def models(self, target: Target) -> list[ModelEntry]:
        return [ModelEntry("m1")]

    def accepts_key(self, target: Target) -> bool:
        return True


@pytest.fixture(autouse=True)
def probe(vendors: None) -> None:
    registry.register(replace(registry.unregister("acme"), probe=AcceptingProbe()))


@pytest.fixture
def row() -> Connection:
    return create_connection(name="primary", provider="acme", api_key=STORED)


def url_of(row: Connection, name: str = "connection") -> str:
    return reverse(f"connectors_page:{name}", args=[row.pk])


def shown(client: Client, url: str) -> dict[str, str]:
    return as_sent(client.get(url).content.decode())


def came_back(client: Client, url: str, sent: Mapping[str, str]) -> dict[str, str]:
    """The form as it came back, which says that the key has to be typed again."""
    answer = client.post(url, sent)
    text = answer.content.decode()
    assert answer.status_code in (200, 409, 422)
    assert TYPED not in text
    assert text.count("data-retype") == 2
    assert "The key that you typed is not stored" in text
    assert "Type the key again" in text
    again = as_sent(text)
    assert again["api_key"] == ""
    return again


def is_refused(client: Client, url: str, sent: Mapping[str, str]) -> None:
    answer = client.post(url, sent)
    assert answer.status_code == 422
    assert "api_key" in answer.context["editor"].form.errors


def key_of(row: Connection) -> str:
    found = resolve(Connection.objects.get(pk=row.pk)).credential
    assert isinstance(found, Credential)
    return found.value


@pytest.mark.parametrize("address", ["test_new", "models_new"])
def test_a_key_that_was_tried_is_asked_for_before_it_is_saved(
    admin_client: Client, address: str
) -> None:
    sent = shown(admin_client, f"{NEW}?provider=acme") | {"api_key": TYPED}
    again = came_back(admin_client, reverse(f"connectors_page:{address}"), sent)
    is_refused(admin_client, NEW, again)
    is_refused(admin_client, reverse(f"connectors_page:{address}"), again)
    assert not Connection.objects.exists()
    assert admin_client.post(NEW, again | {"api_key": TYPED}).status_code == 302
    assert key_of(Connection.objects.get()) == TYPED


def test_a_new_connection_can_go_without_the_typed_key(admin_client: Client) -> None:
    sent = shown(admin_client, f"{NEW}?provider=acme") | {"api_key": TYPED, "timeout": "0"}
    again = came_back(admin_client, NEW, sent) | {"timeout": "5"}
    assert admin_client.post(NEW, again | {"without_key": "on"}).status_code == 302
    assert Connection.objects.get().api_key_encrypted == ""


def test_a_replaced_key_is_asked_for_after_a_mistake_elsewhere(
    admin_client: Client, row: Connection
) -> None:
    sent = shown(admin_client, url_of(row)) | {"api_key": TYPED, "timeout": "0"}
    again = came_back(admin_client, url_of(row), sent)
    still_wrong = came_back(admin_client, url_of(row), again)
    corrected = still_wrong | {"timeout": "7"}
    is_refused(admin_client, url_of(row), corrected)
    assert (key_of(row), Connection.objects.get().timeout) == (STORED, 60)
    assert admin_client.post(url_of(row), corrected | {"api_key": TYPED}).status_code == 302
    assert (key_of(row), Connection.objects.get().timeout) == (TYPED, 7)


@pytest.mark.parametrize(
    ("choice", "kept"), [({"without_key": "on"}, STORED), ({"remove_key": "on"}, "")]
)
def test_the_stored_key_is_kept_or_removed_where_somebody_says_so(
    admin_client: Client, row: Connection, choice: dict[str, str], kept: str
) -> None:
    sent = shown(admin_client, url_of(row)) | {"api_key": TYPED}
    again = came_back(admin_client, url_of(row, "test"), sent)
    assert "Keep the key that is stored" in admin_client.post(url_of(row), again).content.decode()
    assert admin_client.post(url_of(row), again | choice).status_code == 302
    assert key_of(row) == kept


def test_naming_a_variable_is_a_choice_too(
    admin_client: Client, row: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACME_API_KEY_TWO", STORED)
    sent = shown(admin_client, url_of(row)) | {"api_key": TYPED, "timeout": "0"}
    again = came_back(admin_client, url_of(row), sent) | {"timeout": "5"}
    named = again | {"key_source": "variable", "api_key_env": "ACME_API_KEY_TWO"}
    assert admin_client.post(url_of(row), named).status_code == 302
    assert Connection.objects.get().api_key_env == "ACME_API_KEY_TWO"


def test_the_step_to_another_provider_asks_for_the_key_again(admin_client: Client) -> None:
    sent = shown(admin_client, f"{NEW}?provider=acme")
    sent |= {"api_key": TYPED, "provider": "any_where", "base_url": "https://any.example"}
    again = came_back(admin_client, NEW, sent)
    is_refused(admin_client, NEW, again)
    assert admin_client.post(NEW, again | {"api_key": TYPED}).status_code == 302
    assert key_of(Connection.objects.get()) == TYPED


def test_a_conflict_asks_for_the_key_again(admin_client: Client, row: Connection) -> None:
    sent = shown(admin_client, url_of(row)) | {"api_key": TYPED}
    update_connection(row, model="other")
    again = came_back(admin_client, url_of(row), sent)
    is_refused(admin_client, url_of(row), again)
    assert key_of(row) == STORED


def test_who_typed_no_key_is_asked_for_none(admin_client: Client, row: Connection) -> None:
    sent = shown(admin_client, url_of(row)) | {"timeout": "0"}
    text = admin_client.post(url_of(row), sent).content.decode()
    assert "data-retype" not in text
    assert admin_client.post(url_of(row), as_sent(text) | {"timeout": "5"}).status_code == 302
    assert key_of(row) == STORED


def test_the_model_that_the_next_provider_offers_takes_the_place_of_the_last_ones(
    admin_client: Client,
) -> None:
    registry.register(replace(registry.unregister("acme"), default_model="acme-1"))
    registry.register(replace(ACME, slug="zeta", name="Zeta", default_model="zeta-1"))
    try:
        sent = shown(admin_client, f"{NEW}?provider=acme") | {"provider": "zeta"}
        assert sent["model"] == "acme-1"
        assert as_sent(admin_client.post(NEW, sent).content.decode())["model"] == "zeta-1"
        sent["model"] = "typed"
        assert as_sent(admin_client.post(NEW, sent).content.decode())["model"] == "typed"
    finally:
        registry.unregister("zeta")
