"""Which key a connection gets, from where, and that no other address ever gets it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.db import connection as database
from pytest_django import DjangoAssertNumQueries, Settings

from connectors.credentials import Credential, Unreadable, resolve, resolve_all
from connectors.errors import InvalidBaseUrl
from connectors.models import Connection, Option
from connectors.registry import registry
from connectors.services import create_connection, set_option, update_connection
from connectors.values import ConnectorType, EnvironmentKey
from tests.connectors.conftest import ACME

pytestmark = pytest.mark.django_db

DATA = Path(__file__).parent / "data" / "wordpress_keys.json"
ROWS = [row for row in json.loads(DATA.read_text("utf-8")) if row["input"]["op"] == "key_source"]
OPTION = "connectors_ai_acme_api_key"
ELSEWHERE = "https://elsewhere.example/v1"


def run_sql(statement: str, *values: str | bool) -> None:
    with database.cursor() as cursor:
        cursor.execute(statement, values)
        assert cursor.rowcount == 1


def credential(connection: Connection) -> Credential:
    found = resolve(Connection.objects.get(pk=connection.pk)).credential
    assert isinstance(found, Credential)
    return found


def unreadable(connection: Connection) -> Unreadable:
    resolved = resolve(Connection.objects.get(pk=connection.pk))
    assert isinstance(resolved.credential, Unreadable)
    assert resolved.unusable == resolved.credential.reason
    return resolved.credential


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_the_source_of_a_providers_key_is_found_as_wordpress_does(
    row: dict[str, Any], monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    given = row["input"]
    for name, value in given.get("env", {}).items():
        monkeypatch.setenv(name, value)
    settings.CONNECTORS = given.get("constants", {})
    registry.register(
        ConnectorType(
            "wordpress",
            "WordPress",
            env_key=given.get("envVarName", ""),
            setting_key=given.get("constantName", ""),
            option_name=given["settingName"],
            base_url="https://wordpress.example",
        )
    )
    try:
        for name, value in given.get("options", {}).items():
            set_option(name, value)
        source = credential(create_connection(provider="wordpress")).source
    finally:
        registry.unregister("wordpress")
    assert source == row["expected"]["source"].replace("constant", "setting")


@pytest.mark.parametrize("own", [None, "own-key", EnvironmentKey("MY_ACME_KEY")])
@pytest.mark.parametrize("env", ["", "env-key"])
@pytest.mark.parametrize("setting", ["", "setting-key"])
@pytest.mark.parametrize("option", ["", "option-key"])
def test_the_order_of_sources(
    own: str | EnvironmentKey | None,
    env: str,
    setting: str,
    option: str,
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
) -> None:
    monkeypatch.setenv("MY_ACME_KEY", "my-key")
    monkeypatch.setenv("ACME_API_KEY", env)
    settings.CONNECTORS = {"ACME_API_KEY": setting}
    set_option(OPTION, option)
    found = credential(create_connection(provider="acme", api_key=own))
    if own == "own-key":
        expected = ("own-key", "database", "")
    elif own:
        expected = ("my-key", "env", "MY_ACME_KEY")
    elif env:
        expected = ("env-key", "env", "ACME_API_KEY")
    elif setting:
        expected = ("setting-key", "setting", "ACME_API_KEY")
    elif option:
        expected = ("option-key", "database", OPTION)
    else:
        expected = ("", "none", "")
    assert (found.value, found.source, found.name) == expected


def test_without_any_key_the_way_to_give_one_is_said() -> None:
    resolved = resolve(create_connection(provider="acme"))
    assert "Acme" in resolved.unusable
    assert "ACME_API_KEY" in resolved.unusable


def test_a_provider_that_needs_no_key_is_usable_without() -> None:
    connection = create_connection(provider="any_where", base_url="http://127.0.0.1:11434")
    assert resolve(connection).unusable == ""
    assert credential(connection) == Credential(reason=credential(connection).reason)


def test_a_named_variable_that_is_not_set_is_no_key_at_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ACME_API_KEY", "env-key")
    monkeypatch.setenv("MY_ACME_KEY", "  ")
    found = credential(create_connection(provider="acme", api_key=EnvironmentKey("MY_ACME_KEY")))
    assert (found.value, found.source) == ("", "none")
    assert "MY_ACME_KEY is not set" in found.reason


@pytest.mark.parametrize("place", ["env", "setting", "option"])
def test_the_providers_key_never_goes_to_an_address_typed_into_a_connection(
    place: str, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    if place == "env":
        monkeypatch.setenv("ACME_API_KEY", "site-key")
    elif place == "setting":
        settings.CONNECTORS = {"ACME_API_KEY": "site-key"}
    else:
        set_option(OPTION, "site-key")
    at_home = create_connection(provider="acme", base_url="https://API.acme.example:443/v2")
    assert credential(at_home).value == "site-key"
    for away in (ELSEWHERE, "http://api.acme.example/v1", "https://api.acme.example:444"):
        connection = create_connection(provider="acme", base_url=away)
        found = credential(connection)
        assert (found.value, found.source) == ("", "none")
        assert "type a key into the connection" in resolve(connection).unusable


def test_the_providers_key_follows_its_base_url_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_API_KEY", "site-key")
    connection = create_connection(provider="acme")
    explicit = create_connection(provider="acme", base_url=ELSEWHERE)
    assert credential(explicit).value == ""
    monkeypatch.setenv("ACME_BASE_URL", "https://ELSEWHERE.example/v9/")
    resolved = resolve(connection)
    assert resolved.address is not None
    assert (resolved.address.base_url, resolved.address.source) == (
        "https://elsewhere.example/v9",
        "env",
    )
    assert credential(connection).value == "site-key"
    assert credential(explicit).value == "site-key"


def test_the_base_url_comes_from_connection_environment_setting_default(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    def found(base_url: str) -> tuple[str, str]:
        address = resolve(Connection(provider="acme", base_url=base_url)).address
        assert address is not None
        return address.base_url, address.source

    assert found("") == ("https://api.acme.example/v1", "default")
    settings.CONNECTORS = {"ACME_BASE_URL": "https://setting.example"}
    assert found("") == ("https://setting.example", "setting")
    monkeypatch.setenv("ACME_BASE_URL", "https://env.example")
    assert found("") == ("https://env.example", "env")
    assert found("https://own.example") == ("https://own.example", "connection")


def test_a_malformed_base_url_in_the_environment_makes_the_connection_unusable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection = create_connection(provider="acme", api_key="own-key")
    monkeypatch.setenv("ACME_BASE_URL", "api.acme.example")
    resolved = resolve(connection)
    assert "ACME_BASE_URL" in resolved.unusable
    assert resolved.address is None
    assert resolved.credential == Credential(reason=resolved.unusable)


def test_a_stored_key_stays_with_the_address_of_the_environment_it_was_typed_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection = create_connection(provider="acme", api_key="own-key")
    set_option(OPTION, "option-key")
    by_option = create_connection(provider="acme")
    monkeypatch.setenv("ACME_BASE_URL", ELSEWHERE)
    assert "another address" in unreadable(connection).reason
    assert "another address" in unreadable(by_option).reason


@pytest.mark.parametrize("key", ["own-key", EnvironmentKey("MY_ACME_KEY")])
def test_a_base_url_changed_by_sql_gets_no_key(
    key: str | EnvironmentKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_ACME_KEY", "my-key")
    connection = create_connection(provider="acme", api_key=key)
    table = Connection._meta.db_table
    run_sql(f"UPDATE {table} SET base_url = %s", ELSEWHERE)
    assert "another address" in unreadable(connection).reason
    run_sql(f"UPDATE {table} SET api_key_origin = %s", "https://elsewhere.example:443")
    assert "cannot be read" in unreadable(connection).reason


def test_a_variable_named_by_sql_gets_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_PASSWORD", "word")
    table = Connection._meta.db_table
    stored = create_connection(provider="acme", api_key="own-key")
    run_sql(f"UPDATE {table} SET api_key_env = 'DATABASE_PASSWORD'")
    assert "cannot be read" in unreadable(stored).reason
    run_sql(f"UPDATE {table} SET api_key_encrypted = ''")
    assert "cannot be read" in unreadable(stored).reason
    stored.delete()
    named = create_connection(provider="acme", api_key=EnvironmentKey("MY_ACME_KEY"))
    run_sql(f"UPDATE {table} SET api_key_env = 'DATABASE_PASSWORD'")
    assert "changed by hand" in unreadable(named).reason
    run_sql(f"UPDATE {table} SET api_key_env = ''")
    assert "cannot be read" in unreadable(named).reason


def test_a_key_copied_to_another_row_does_not_open() -> None:
    first = create_connection(provider="acme", api_key="own-key")
    second = create_connection(provider="acme", api_key="other-key")
    Connection.objects.filter(pk=second.pk).update(
        api_key_encrypted=Connection.objects.get(pk=first.pk).api_key_encrypted
    )
    assert "cannot be read" in unreadable(second).reason
    assert credential(first).value == "own-key"


def test_an_option_changed_by_sql_gives_no_key() -> None:
    set_option(OPTION, "option-key")
    connection = create_connection(provider="acme")
    run_sql(f"UPDATE {Option._meta.db_table} SET encrypted = %s", False)
    assert "not encrypted" in unreadable(connection).reason


def test_a_lost_key_ring_leaves_nothing_but_a_reason(
    ring: Callable[..., None], new_key: Callable[[], str]
) -> None:
    ring(new_key())
    connection = create_connection(provider="acme", api_key="own-key")
    ring(new_key())
    assert "not in KONEEK_ENCRYPTION_KEYS" in unreadable(connection).reason
    ring("malformed")
    assert "32 bytes" in unreadable(connection).reason


def test_a_key_that_no_header_can_carry_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = create_connection(provider="acme")
    monkeypatch.setenv("ACME_API_KEY", "kéy")
    found = credential(connection)
    assert (found.value, found.source) == ("", "none")
    assert "ACME_API_KEY" in found.reason
    monkeypatch.setenv("ACME_API_KEY", " plain\n")
    assert credential(connection).value == "plain"


def test_an_unregistered_provider_is_said_with_those_that_are() -> None:
    connection = create_connection(provider="acme", api_key="own-key")
    registry.unregister("acme")
    resolved = resolve(connection)
    assert "'acme' is not registered" in resolved.unusable
    assert "any_where" in resolved.unusable
    assert resolved.credential == Credential(reason=resolved.unusable)


def test_a_base_url_broken_by_sql_is_said() -> None:
    connection = create_connection(provider="acme", api_key="own-key")
    run_sql(f"UPDATE {Connection._meta.db_table} SET base_url = 'ftp://x'")
    resolved = resolve(Connection.objects.get(pk=connection.pk))
    assert "http://" in resolved.unusable
    assert resolved.credential == Credential(reason=resolved.unusable)


def test_many_connections_cost_one_more_query(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    set_option(OPTION, "option-key")
    for _ in range(5):
        create_connection(provider="acme")
    with django_assert_num_queries(2):
        resolved = resolve_all(Connection.objects.all())
    keys = [each.credential for each in resolved if isinstance(each.credential, Credential)]
    assert [key.value for key in keys] == ["option-key"] * 5


def test_fields_come_with_the_declared_defaults() -> None:
    connection = create_connection(provider="acme", fields={"retries": "3"})
    assert connection.fields == {"retries": 3}
    assert resolve(connection).fields == {"region": "eu", "retries": 3}


def test_an_address_that_a_provider_does_not_have_is_asked_for() -> None:
    with pytest.raises(InvalidBaseUrl, match="give the base_url"):
        create_connection(provider="any_where")


def test_moving_the_default_address_needs_the_key_again() -> None:
    connection = create_connection(provider="acme", api_key="own-key")
    registry.unregister("acme")
    registry.register(replace(ACME, base_url="https://new.acme.example/v1"))
    assert "another address" in unreadable(connection).reason
    update_connection(connection, api_key="own-key")
    assert credential(connection).value == "own-key"
