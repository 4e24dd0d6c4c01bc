"""The hidden connector that says whether anything can be used."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from ai_client.configuration import Configuration
from ai_client.snapshot import Snapshot
from connectors import sentinel
from connectors.errors import UnknownProvider
from connectors.models import ConfigurationVersion, Option
from connectors.page_data import script_module_data
from connectors.registry import ConnectorRegistry, announce, registry
from connectors.services import (
    create_connection,
    delete_connection,
    get_option,
    set_connection_enabled,
    set_option,
    update_connection,
)
from connectors.settings_group import key_source, registered_settings
from connectors.values import ConnectorType

pytestmark = pytest.mark.django_db
OPTION = "connectors_ai_koneek_api_key"


def test_its_option_is_there_exactly_while_a_connection_is_usable(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    committed = django_capture_on_commit_callbacks
    assert get_option(OPTION) is None
    with committed(execute=True):
        connection = create_connection(provider="acme")
    assert get_option(OPTION) is None
    with committed(execute=True):
        update_connection(connection, api_key="key-0123456789")
    assert get_option(OPTION) == "1"
    with committed(execute=True):
        set_connection_enabled(connection, False)
    assert get_option(OPTION) is None
    with committed(execute=True):
        set_connection_enabled(connection, True)
    assert get_option(OPTION) == "1"
    with committed(execute=True):
        delete_connection(connection)
    assert get_option(OPTION) is None


def test_a_key_of_the_provider_makes_its_connections_usable(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    create_connection(provider="acme")
    with django_capture_on_commit_callbacks(execute=True):
        set_option("connectors_ai_acme_api_key", "key-0123456789")
    assert get_option(OPTION) == "1"


def test_only_ai_providers_count(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    registry.register(
        ConnectorType(slug="parcels", name="Parcels", type="shipping", base_url="https://p.example")
    )
    try:
        with django_capture_on_commit_callbacks(execute=True):
            create_connection(provider="parcels", api_key="key-0123456789")
        assert get_option(OPTION) is None
    finally:
        registry.unregister("parcels")


def test_a_process_that_starts_in_another_environment_brings_it_up_to_date(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    create_connection(provider="acme")
    monkeypatch.setenv("ACME_API_KEY", "key-0123456789")
    process = Configuration(lambda: Snapshot(), lambda: 1)
    process.at_first_reading(sentinel.keep_up)
    assert get_option(OPTION) is None
    process.current()
    assert get_option(OPTION) == "1"


def test_migrating_brings_it_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    create_connection(provider="acme")
    monkeypatch.setenv("ACME_API_KEY", "key-0123456789")
    call_command("migrate", verbosity=0)
    assert get_option(OPTION) == "1"
    monkeypatch.delenv("ACME_API_KEY")
    call_command("migrate", verbosity=0)
    assert get_option(OPTION) is None


def test_it_does_not_move_the_version_that_requests_are_served_from() -> None:
    create_connection(provider="any_where", base_url="https://any.example")
    version = ConfigurationVersion.current()
    sentinel.sync()
    assert get_option(OPTION) == "1"
    assert ConfigurationVersion.current() == version


def test_code_that_looks_for_a_stored_key_finds_it_in_the_registry() -> None:
    create_connection(provider="any_where", base_url="https://any.example")
    sentinel.sync()
    connector = registry.get("koneek")
    assert connector is not None
    assert connector.setting_name == OPTION
    assert key_source(connector, Option.objects.get(name=OPTION)) == "database"


def test_people_never_see_it(admin_client: Client) -> None:
    assert "koneek" not in script_module_data()["connectors"]
    assert OPTION not in registered_settings()
    assert OPTION not in admin_client.get("/wp/v2/settings").json()
    assert "koneek" not in registry.slugs()
    with pytest.raises(UnknownProvider):
        create_connection(provider="koneek", base_url="https://any.example", api_key="k")


def test_a_site_without_ai_has_none(settings: Settings) -> None:
    settings.CONNECTORS = {"AI_ENABLED": False}
    own = ConnectorRegistry(announce)
    assert own.get("koneek") is None
    create_connection(provider="any_where", base_url="https://any.example")
    assert not sentinel.something_is_usable()


def test_an_app_may_take_it_out_and_put_its_own_in() -> None:
    own = ConnectorRegistry(announce)
    own.unregister("koneek")
    own.register(ConnectorType("koneek", "Ours"))
    assert own.slugs() == ("koneek",)
