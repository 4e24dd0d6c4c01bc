"""The order in which a provider gets its key, and apps that keep it themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from pytest_django import Settings

from connectors import binding
from connectors.binding import Credential, Resolution, Unreadable
from connectors.credentials import address_of, provider_keys, resolve
from connectors.errors import InvalidBaseUrl
from connectors.page_data import script_module_data
from connectors.registry import registry
from connectors.services import create_connection, set_option
from connectors.settings_group import registered_settings
from connectors.values import ConnectorType
from tests.connectors.conftest import ACME

pytestmark = pytest.mark.django_db

OPTION = "connectors_ai_acme_api_key"


def bound(connector: ConnectorType = ACME) -> Resolution:
    return provider_keys([connector])[connector.slug]


def key() -> tuple[str, str, str]:
    found = bound()
    assert isinstance(found, Credential)
    return found.value, found.source, found.name


def test_the_order_is_default_then_settings_group_then_app(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    assert [step.__name__ for step in binding.ORDER] == ["_default", "_settings_group", "_app"]
    assert key() == ("", "none", "")
    set_option(OPTION, "stored-key")
    assert key() == ("stored-key", "database", OPTION)
    settings.CONNECTORS = {"ACME_API_KEY": "setting-key"}
    assert key() == ("setting-key", "setting", "ACME_API_KEY")
    monkeypatch.setenv("ACME_API_KEY", "env-key")
    assert key() == ("env-key", "env", "ACME_API_KEY")
    found = bound(replace(ACME, authentication=lambda: "app-key"))
    assert isinstance(found, Credential)
    assert (found.value, found.source) == ("app-key", "app")
    assert "app-key" not in repr(found)


def test_an_app_without_a_key_leaves_what_was_bound_before() -> None:
    set_option(OPTION, "stored-key")
    found = bound(replace(ACME, authentication=lambda: ""))
    assert found == Credential("stored-key", "database", OPTION)


def test_a_stored_key_does_not_stand_in_for_a_broken_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_option(OPTION, "stored-key")
    monkeypatch.setenv("ACME_API_KEY", "kéy")
    found = bound()
    assert isinstance(found, Credential)
    assert (found.value, found.source) == ("", "none")
    assert "ACME_API_KEY" in found.reason


def test_an_app_that_fails_makes_its_own_connection_unusable_and_no_other() -> None:
    def fails() -> str:
        raise RuntimeError("the-secret-of-the-vault")

    found = bound(replace(ACME, authentication=fails))
    assert isinstance(found, Unreadable)
    assert "RuntimeError" in found.reason
    assert "secret" not in found.reason


def test_an_app_that_manages_its_own_key_is_out_of_the_default_handling(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ACME_API_KEY", "")
    own = replace(registry.unregister("acme"), method="none", authentication=lambda: "vault-key")
    registry.register(own)
    assert OPTION not in registered_settings()
    assert script_module_data()["connectors"]["acme"]["authentication"] == {"method": "none"}
    resolved = resolve(create_connection(provider="acme"))
    assert isinstance(resolved.credential, Credential)
    assert resolved.credential.value == "vault-key"
    assert resolved.unusable == ""


def test_an_app_that_lost_its_key_makes_the_connection_unusable() -> None:
    own = replace(registry.unregister("acme"), method="none", authentication=lambda: "")
    registry.register(own)
    assert resolve(create_connection(provider="acme")).unusable


@pytest.mark.parametrize("source", [lambda: "vault-key", None])
def test_the_providers_key_goes_to_no_address_that_was_typed(
    source: Callable[[], str] | None,
) -> None:
    set_option(OPTION, "stored-key")
    registry.amend(replace(ACME, authentication=source))
    resolved = resolve(create_connection(provider="acme", base_url="https://elsewhere.example"))
    assert isinstance(resolved.credential, Credential)
    assert resolved.credential.value == ""
    assert "own address only" in resolved.unusable


def test_an_app_may_keep_the_address_together_with_the_key() -> None:
    kept = ConnectorType(
        slug="vaulted",
        name="Vaulted",
        method="none",
        authentication=lambda: "vault-key",
        address=lambda: "https://kept.example/v1",
    )
    registry.register(kept)
    try:
        resolved = resolve(create_connection(provider="vaulted"))
        assert resolved.address is not None
        assert (resolved.address.base_url, resolved.address.source) == (
            "https://kept.example/v1",
            "app",
        )
        assert isinstance(resolved.credential, Credential)
        assert resolved.credential.value == "vault-key"
        typed = resolve(create_connection(provider="vaulted", base_url="https://typed.example"))
        assert isinstance(typed.credential, Credential)
        assert typed.credential.value == ""
    finally:
        registry.unregister("vaulted")


def test_an_app_that_cannot_say_its_address_has_none() -> None:
    def fails() -> str:
        raise RuntimeError

    with pytest.raises(InvalidBaseUrl):
        address_of(ConnectorType(slug="vaulted", name="Vaulted", address=fails), "")
