"""The admin writes through the services, and shows keys to nobody."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from connectors.credentials import Credential, resolve
from connectors.masking import mask
from connectors.models import ConfigurationVersion, Connection, Option
from connectors.registry import registry
from connectors.services import create_connection, get_option, set_option
from connectors.values import EnvironmentKey

pytestmark = pytest.mark.django_db

KEY = "sk-canary-abcdefghijklmnop1234"
ADD = "admin:connectors_connection_add"
LIST = "admin:connectors_connection_changelist"


@pytest.fixture
def colleague(client: Client) -> Client:
    """Bob, who may look at connections and options, and change neither."""
    bob = User.objects.create_user("bob", is_staff=True)
    bob.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client.force_login(bob)
    return client


def page_of(row: Connection | Option) -> str:
    return reverse(f"admin:connectors_{row._meta.model_name}_change", args=[row.pk])


def form(**values: Any) -> dict[str, Any]:
    """What the page sends for a connection, as a new one is."""
    return {
        "name": "primary",
        "provider": "acme",
        "base_url": "",
        "model": "m1",
        "models": "m2\r\n\r\n m3 ",
        "priority": "1",
        "timeout": "10",
        "enabled": "on",
        "provider_fields": '{"region": "us"}',
        "api_key": "",
    } | values


def key_of(connection: Connection) -> str:
    found = resolve(Connection.objects.get(pk=connection.pk)).credential
    assert isinstance(found, Credential)
    return found.value


def saved(client: Client, url: str, values: dict[str, Any]) -> str:
    """The page after a save that went through."""
    response = client.post(url, values, follow=True)
    assert response.redirect_chain, response.context["adminform"].form.errors
    return response.content.decode()


def refused(client: Client, url: str, values: dict[str, Any]) -> dict[str, list[str]]:
    response = client.post(url, values)
    assert response.status_code == 200
    assert KEY not in response.content.decode()
    errors: dict[str, list[str]] = response.context["adminform"].form.errors
    return errors


def test_a_connection_is_added(admin_client: Client) -> None:
    saved(admin_client, reverse(ADD), form(api_key=KEY))
    connection = Connection.objects.get()
    assert (connection.model, connection.models) == ("m1", ["m2", "m3"])
    assert (connection.timeout, connection.fields) == (10.0, {"region": "us"})
    assert key_of(connection) == KEY
    assert ConfigurationVersion.current() == 1
    saved(admin_client, reverse(ADD), form(name="", provider_fields=""))
    assert Connection.objects.filter(name="acme", fields={}).exists()


def test_the_option_name_is_shown_searched_for_and_never_written(admin_client: Client) -> None:
    saved(admin_client, reverse(ADD), form(option_name="koneek_api_key_mine"))
    connection = Connection.objects.get()
    text = admin_client.get(page_of(connection)).content.decode()
    assert "koneek_api_key_acme_primary" in text
    assert 'name="option_name"' not in text
    saved(admin_client, page_of(connection), form(name="work", option_name="koneek_api_key_mine"))
    connection.refresh_from_db()
    assert (connection.name, connection.option_name) == ("work", "koneek_api_key_acme_primary")
    listed = admin_client.get(reverse(LIST), {"q": "koneek_api_key_acme_primary"})
    assert page_of(connection) in listed.content.decode()


def test_only_what_was_changed_is_written(admin_client: Client) -> None:
    connection = create_connection(
        name="primary",
        provider="acme",
        model="m1",
        models=["m2", "m3"],
        priority=1,
        timeout=10,
        fields={"region": "us"},
        api_key=KEY,
    )
    saved(admin_client, page_of(connection), form())
    assert ConfigurationVersion.current() == 1
    saved(admin_client, page_of(connection), form(model="m9"))
    connection.refresh_from_db()
    assert (connection.model, connection.models) == ("m9", ["m2", "m3"])
    assert key_of(connection) == KEY
    assert ConfigurationVersion.current() == 2


def test_a_key_is_replaced_cleared_and_kept_by_its_mask(admin_client: Client) -> None:
    connection = create_connection(name="primary", provider="acme", api_key=KEY)
    saved(admin_client, page_of(connection), form(api_key=mask(KEY)))
    assert key_of(connection) == KEY
    saved(admin_client, page_of(connection), form(api_key="sk-new"))
    assert key_of(connection) == "sk-new"
    both = refused(admin_client, page_of(connection), form(api_key=KEY, clear_api_key="on"))
    assert list(both) == ["clear_api_key"]
    saved(admin_client, page_of(connection), form(clear_api_key="on"))
    assert key_of(connection) == ""


def test_another_address_costs_the_key_and_says_so(admin_client: Client) -> None:
    connection = create_connection(name="primary", provider="acme", api_key=KEY)
    elsewhere = "https://elsewhere.example"
    page = saved(admin_client, page_of(connection), form(base_url=elsewhere))
    assert "its stored key was removed" in page
    assert key_of(connection) == ""
    page = saved(admin_client, page_of(connection), form(base_url="", api_key=KEY))
    assert "its stored key was removed" not in page
    assert key_of(connection) == KEY


def test_an_address_moved_by_hand_gets_no_key_through_the_form(admin_client: Client) -> None:
    connection = create_connection(name="primary", provider="acme", api_key=KEY)
    Connection.objects.update(base_url="https://elsewhere.example")
    assert (
        "Unreadable, so the connection is off" in admin_client.get(reverse(LIST)).content.decode()
    )
    saved(admin_client, page_of(connection), form(base_url="https://elsewhere.example", model="x"))
    assert Connection.objects.get().api_key_encrypted == ""


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": "no spaces"}, "name"),
        ({"name": "Taken"}, "name"),
        ({"provider": "acne"}, "provider"),
        ({"base_url": "elsewhere.example"}, "base_url"),
        ({"timeout": "0"}, "timeout"),
        ({"provider_fields": '{"regoin": "eu"}'}, "provider_fields"),
        ({"provider_fields": '{"region": "asia"}'}, "provider_fields"),
        ({"provider_fields": "[1]"}, "provider_fields"),
        ({"provider_fields": "{"}, "provider_fields"),
        ({"api_key": "kéy"}, "api_key"),
    ],
)
def test_a_refusal_stands_beside_its_field(
    admin_client: Client, wrong: dict[str, Any], field: str
) -> None:
    create_connection(name="taken", provider="acme")
    assert list(refused(admin_client, reverse(ADD), form(**({"api_key": KEY} | wrong)))) == [field]
    assert Connection.objects.count() == 1
    assert ConfigurationVersion.current() == 1


def test_a_refusal_calls_the_field_as_its_label_does(admin_client: Client) -> None:
    errors = refused(admin_client, reverse(ADD), form(base_url="elsewhere.example", api_key=KEY))
    (said,) = errors["base_url"]
    assert "base_url" not in said
    assert "The Base URL must" in said


def test_a_key_that_stays_is_spoken_of_where_there_is_one(admin_client: Client) -> None:
    row = create_connection(name="primary", provider="acme", api_key=KEY)
    said = "Blank: the stored key stays."
    assert said in admin_client.get(page_of(row)).content.decode()
    assert said not in admin_client.get(reverse(ADD)).content.decode()


def test_labels_begin_with_a_capital_letter(admin_client: Client) -> None:
    row = create_connection(name="primary", provider="acme", api_key=KEY)
    for url in (reverse(ADD), page_of(row), reverse("admin:connectors_option_add")):
        labels = re.findall(r"<label[^>]*>\s*([^<]+)", admin_client.get(url).content.decode())
        assert [each for each in labels if each[0].islower()] == []


def test_a_refusal_that_no_form_could_foresee_is_said(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = create_connection(name="primary", provider="acme")
    url = page_of(connection)

    def deleted_meanwhile(*args: object, **kwargs: object) -> None:
        Connection.objects.all().delete()

    monkeypatch.setattr("connectors.forms._rehearse", deleted_meanwhile)
    response = admin_client.post(url, form(model="m9"))
    assert response.status_code == 302
    page = admin_client.get(reverse(LIST)).content.decode()
    assert "There is no connection with the id" in page


def test_the_page_shows_the_mask_and_the_source_and_never_the_key(
    admin_client: Client, ring: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_ACME_KEY", KEY)
    stored = create_connection(name="stored", provider="acme", api_key=KEY)
    named = create_connection(name="named", provider="acme", api_key=EnvironmentKey("MY_ACME_KEY"))
    page = admin_client.get(page_of(stored)).content.decode()
    assert mask(KEY) in page
    assert "Stored here, encrypted." in page
    assert KEY not in page
    page = admin_client.get(page_of(named)).content.decode()
    assert "From the environment variable MY_ACME_KEY." in page
    assert KEY not in page
    assert mask(KEY) not in page
    ring("B" * 42 + "E")
    Connection.objects.filter(pk=stored.pk).update(api_key_encrypted="kn1$lost$AAAA")
    page = admin_client.get(page_of(stored)).content.decode()
    assert "Unreadable, so the connection is off. The stored key cannot be read." in page


def test_the_list_says_where_keys_come_from_in_a_fixed_number_of_queries(
    admin_client: Client,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    set_option("connectors_ai_acme_api_key", KEY)
    for _ in range(20):
        create_connection(provider="acme")
    with django_assert_max_num_queries(12):
        page = admin_client.get(reverse(LIST)).content.decode()
    assert page.count("From the option connectors_ai_acme_api_key.") == 20
    monkeypatch.setenv("ACME_API_KEY", KEY)
    assert "From the environment variable ACME_API_KEY." in (
        admin_client.get(reverse(LIST)).content.decode()
    )


def test_deleting_one_and_many_moves_the_version(admin_client: Client) -> None:
    first, *others = [create_connection(provider="acme") for _ in range(3)]
    option = set_option("token", KEY, encrypted=True)
    assert option
    version = ConfigurationVersion.current()
    delete = reverse("admin:connectors_connection_delete", args=[first.pk])
    admin_client.post(delete, {"post": "yes"})
    chosen = {"action": "delete_selected", "_selected_action": [row.pk for row in others]}
    admin_client.post(reverse(LIST), {**chosen, "post": "yes"})
    stored = Option.objects.get()
    admin_client.post(reverse("admin:connectors_option_delete", args=[stored.pk]), {"post": "yes"})
    assert not Connection.objects.exists()
    assert not Option.objects.exists()
    assert ConfigurationVersion.current() == version + 4


def test_a_connection_of_a_provider_that_went_away_is_still_shown(admin_client: Client) -> None:
    connection = create_connection(name="primary", provider="acme", priority=1)
    registry.unregister("acme")
    assert "is not registered" in admin_client.get(page_of(connection)).content.decode()
    values = form(model="", models="", timeout="60", provider_fields="{}")
    del values["enabled"]
    saved(admin_client, page_of(connection), values)
    assert not Connection.objects.get().enabled


def test_who_may_only_look_sees_no_form_and_no_secret(colleague: Client) -> None:
    connection = create_connection(name="primary", provider="acme", api_key=KEY)
    set_option("token", KEY, encrypted=True)
    set_option("plain", "visible text")
    page = colleague.get(page_of(connection)).content.decode()
    assert "Stored here, encrypted." in page
    assert 'name="api_key"' not in page
    for option, shown in (("token", "encrypted"), ("plain", "visible text")):
        text = colleague.get(page_of(Option.objects.get(name=option))).content.decode()
        assert shown in text
        page += text
    assert KEY not in page
    assert "kn1$" not in page
    assert colleague.post(page_of(connection), form()).status_code == 403


def test_options_are_added_changed_and_kept(admin_client: Client) -> None:
    add = reverse("admin:connectors_option_add")
    errors = refused(admin_client, add, {"name": "token", "encrypted": "on", "new_value": " "})
    assert list(errors) == ["new_value"]
    saved(admin_client, add, {"name": "token", "encrypted": "on", "new_value": KEY})
    option = Option.objects.get()
    page = admin_client.get(page_of(option)).content.decode()
    assert mask(KEY) in page
    assert KEY not in page
    saved(admin_client, page_of(option), {"new_value": ""})
    assert get_option("token") == KEY
    saved(admin_client, page_of(option), {"new_value": "other", "name": "renamed"})
    assert get_option("token") == "other"
    saved(admin_client, add, {"name": "plain", "new_value": "text"})
    plain = Option.objects.get(name="plain")
    assert "text</textarea>" in admin_client.get(page_of(plain)).content.decode()
    saved(admin_client, page_of(plain), {"new_value": ""})
    assert get_option("plain") == ""


def test_the_history_names_values_and_holds_none(admin_client: Client) -> None:
    saved(admin_client, reverse(ADD), form(api_key=KEY))
    connection = Connection.objects.get()
    saved(admin_client, page_of(connection), form(api_key=KEY + "5"))
    delete = reverse("admin:connectors_connection_delete", args=[connection.pk])
    admin_client.post(delete, {"post": "yes"})
    entries = list(LogEntry.objects.values("object_repr", "change_message", "action_flag"))
    assert len(entries) == 3
    assert "API key" in str(entries)
    assert "sk-canary" not in str(entries)
    assert "kn1$" not in str(entries)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"api_key": "bobs-own-key-0001"}, "api_key"),
        ({"clear_api_key": "on"}, "clear_api_key"),
        ({"base_url": "https://elsewhere.example/v1"}, "base_url"),
        ({"provider": "any_where"}, "provider"),
    ],
)
def test_changing_a_connection_does_not_include_its_key(
    client: Client, change: dict[str, str], field: str
) -> None:
    row = create_connection(provider="acme", name="primary", api_key=KEY, model="m1")
    bob = User.objects.create_user("bob", is_staff=True)
    allowed = ["view_connection", "change_connection"]
    bob.user_permissions.set(Permission.objects.filter(codename__in=allowed))
    client.force_login(bob)
    response = client.post(page_of(row), form(**change))
    assert field in response.context["adminform"].form.errors
    row.refresh_from_db()
    assert (row.api_key_encrypted != "", row.base_url, row.provider) == (True, "", "acme")
    assert client.post(page_of(row), form(model="m9")).status_code == 302
    row.refresh_from_db()
    assert row.model == "m9"
    assert resolve(row).credential == Credential(KEY, "database")
