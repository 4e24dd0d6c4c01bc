"""A key that stays in an environment variable, on the Connectors page without JavaScript."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils.html import strip_tags

from connectors.credentials import Credential, resolve
from connectors.models import Connection
from connectors.registry import registry
from connectors.services import create_connection
from connectors.values import EnvironmentKey
from tests.connectors.test_page import (
    StandInProbe,
    add,
    as_shown,
    key_of,
    page,
    probe,
    saved,
    url_of,
)

pytestmark = pytest.mark.django_db

__all__ = ["probe"]

NEW = "connectors_page:new"
VALUE = "sk-canary-of-a-variable-7788"


def named(variable: str = "ACME_API_KEY_TWO") -> dict[str, str]:
    return {"key_source": "variable", "api_key_env": variable}


def key_part(text: str) -> str:
    """What the open tile says of the key."""
    place = text[text.index("data-key>") + len("data-key>") :]
    return re.sub(r"\s+", " ", strip_tags(place[: place.index("data-model-picker")]))


def errors(response: Any) -> set[str]:
    return set(response.context["editor"].form.errors)


@pytest.fixture
def second(monkeypatch: pytest.MonkeyPatch) -> str:
    """Sets a second variable of Acme."""
    monkeypatch.setenv("ACME_API_KEY_TWO", VALUE)
    return VALUE


def test_a_connection_is_added_with_a_variable(admin_client: Client, second: str) -> None:
    sent = as_shown(admin_client, f"{reverse(NEW)}?provider=acme")
    assert sent["key_source"] == "typed"
    text = saved(admin_client, reverse(NEW), sent | {"name": "first"} | named())
    row = Connection.objects.get()
    assert (row.api_key_env, key_of(row)) == ("ACME_API_KEY_TWO", VALUE)
    text = page(admin_client, url_of(row))
    assert "Environment: ACME_API_KEY_TWO The variable is set." in key_part(text)
    assert VALUE not in text
    assert "••••7788" in text
    shown = as_shown(admin_client, url_of(row))
    assert "api_key_env" not in shown or not shown["api_key_env"]
    saved(admin_client, url_of(row), shown)
    assert Connection.objects.get().revision == row.revision


def test_a_variable_that_is_not_set_is_named_and_said(admin_client: Client) -> None:
    row = create_connection(provider="acme", api_key=EnvironmentKey("ELSEWHERE_DECLARED"))
    text = page(admin_client, url_of(row))
    assert "Environment: ELSEWHERE_DECLARED The variable is not set." in key_part(text)
    assert "The environment variable ELSEWHERE_DECLARED is not set." in text


def test_a_variable_that_holds_no_key_is_explained(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACME_API_KEY_TWO", "ké")
    row = create_connection(provider="acme", api_key=EnvironmentKey("ACME_API_KEY_TWO"))
    part = key_part(page(admin_client, url_of(row)))
    assert "The variable is set." in part
    assert "holds characters that no HTTP header can carry" in part


def test_a_variable_is_named_although_its_provider_is_gone(
    admin_client: Client, second: str
) -> None:
    row = add(api_key=EnvironmentKey("ACME_API_KEY_TWO"))
    registry.unregister("acme")
    part = key_part(page(admin_client, url_of(row)))
    assert "Environment: ACME_API_KEY_TWO The variable is set." in part
    assert "not registered" in part


def test_a_stored_key_gives_way_to_a_variable_and_comes_back(
    admin_client: Client, second: str
) -> None:
    row = add()
    saved(admin_client, url_of(row), as_shown(admin_client, url_of(row)) | named())
    assert key_of(row) == VALUE
    shown = as_shown(admin_client, url_of(row))
    assert shown["key_source"] == "variable"
    saved(admin_client, url_of(row), shown | {"key_source": "typed", "api_key": "typed-key-0001"})
    stored = Connection.objects.get()
    assert (stored.api_key_env, key_of(row)) == ("", "typed-key-0001")


def test_a_variable_is_removed(admin_client: Client, second: str) -> None:
    row = add(api_key=EnvironmentKey("ACME_API_KEY_TWO"))
    assert "Stop using the variable" in key_part(page(admin_client, url_of(row)))
    saved(admin_client, url_of(row), as_shown(admin_client, url_of(row)) | {"remove_key": "on"})
    assert Connection.objects.get().api_key_env == ""
    assert key_of(row) == ""


def test_another_address_costs_the_variable_and_says_so(admin_client: Client, second: str) -> None:
    row = add(api_key=EnvironmentKey("ACME_API_KEY_TWO"))
    shown = as_shown(admin_client, url_of(row)) | {"base_url": "https://evil.example/v1"}
    assert "its stored key was removed" in saved(admin_client, url_of(row), shown)
    assert key_of(row) == ""


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (named("MY_ACME_KEY"), "api_key_env"),
        (named("no name"), "api_key_env"),
        (named("SECRET_KEY"), "api_key_env"),
        (named() | {"base_url": "https://evil.example/v1"}, "api_key_env"),
        (named() | {"remove_key": "on"}, "remove_key"),
        (named() | {"key_source": "typed"}, "key_source"),
        ({"key_source": "variable", "api_key": "typed-key-0001"}, "key_source"),
        ({"key_source": "elsewhere", "api_key": "typed-key-0001"}, "key_source"),
    ],
)
def test_what_cannot_be_is_said_beside_the_key(
    change: dict[str, str], wrong: str, admin_client: Client, second: str, probe: StandInProbe
) -> None:
    row = add()
    sent = as_shown(admin_client, url_of(row)) | change
    for name in ("connection", "test", "models"):
        response = admin_client.post(url_of(row, name), sent)
        assert response.status_code == 422
        assert errors(response) == {wrong}
        text = response.content.decode()
        assert '<details class="key-replace" open>' in text
        assert "typed-key-0001" not in text
        assert VALUE not in text
    assert not probe.asked
    assert Connection.objects.get().revision == row.revision


def test_only_what_is_chosen_counts(admin_client: Client, second: str) -> None:
    row = add()
    both = named() | {"api_key": "typed-key-0001"}
    saved(admin_client, url_of(row), as_shown(admin_client, url_of(row)) | both)
    assert key_of(row) == VALUE
    both["key_source"] = "typed"
    saved(admin_client, url_of(row), as_shown(admin_client, url_of(row)) | both)
    assert key_of(row) == "typed-key-0001"


def test_a_variable_is_tried_before_it_is_saved(
    admin_client: Client, second: str, probe: StandInProbe
) -> None:
    sent = as_shown(admin_client, f"{reverse(NEW)}?provider=acme") | named()
    for name in ("test_new", "models_new"):
        response = admin_client.post(reverse(f"connectors_page:{name}"), sent)
        assert response.status_code == 200
        text = response.content.decode()
        assert 'value="ACME_API_KEY_TWO"' in text
        assert VALUE not in text
    assert [each.api_key for each in probe.asked] == [VALUE, VALUE]
    assert not Connection.objects.exists()


def test_a_variable_named_into_a_conflict_stays_in_the_form(
    admin_client: Client, second: str
) -> None:
    row = add()
    sent = as_shown(admin_client, url_of(row)) | named() | {"revision": "outdated"}
    response = admin_client.post(url_of(row), sent)
    assert response.status_code == 409
    text = response.content.decode()
    assert 'value="ACME_API_KEY_TWO"' in text
    assert '<details class="key-replace" open>' in text
    assert "Type the new key again" not in text


def test_a_change_of_provider_keeps_the_variable_in_the_form(admin_client: Client) -> None:
    row = add()
    sent = as_shown(admin_client, url_of(row)) | named("ANYWHERE_API_KEY")
    response = admin_client.post(url_of(row), sent | {"provider": "any_where"})
    form = response.context["editor"].form
    assert (form["key_source"].value(), form["api_key_env"].value()) == (
        "variable",
        "ANYWHERE_API_KEY",
    )


def test_who_may_not_replace_keys_names_no_variable(
    client: Client, second: str, probe: StandInProbe
) -> None:
    row = add()
    bob = User.objects.create_user("bob", is_staff=True)
    allowed = ["view_connection", "add_connection", "change_connection", "test_connection"]
    bob.user_permissions.set(Permission.objects.filter(codename__in=allowed))
    client.force_login(bob)
    new = f"{reverse(NEW)}?provider=acme"
    for url in (url_of(row), new):
        assert 'name="api_key_env"' not in page(client, url)
    for name in ("connection", "test", "models"):
        sent = as_shown(client, url_of(row)) | named()
        assert client.post(url_of(row, name), sent).status_code == 403
    for name in ("new", "test_new", "models_new"):
        sent = as_shown(client, new) | named()
        assert client.post(reverse(f"connectors_page:{name}"), sent).status_code == 403
    assert not probe.asked
    found = resolve(Connection.objects.get()).credential
    assert isinstance(found, Credential)
    assert found.source == "database"
