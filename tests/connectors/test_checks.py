"""Each wrong setting has a check with an id and a way out."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.core.checks import CheckMessage, Error, run_checks
from django.core.checks import Warning as CheckWarning
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from pytest_django import Settings

from connectors.models import Connection
from connectors.services import create_connection, set_option

KEY = "A" * 42 + "E"


@pytest.fixture(autouse=True)
def a_ring(ring: Callable[..., None]) -> None:
    """A ring, so that nothing is wrong to begin with."""
    ring(KEY)


def found(databases: list[str] | None = None) -> list[CheckMessage]:
    messages = run_checks(databases=databases)
    return [message for message in messages if str(message.id).startswith("connectors.")]


def test_nothing_is_wrong_to_begin_with() -> None:
    assert found() == []


def test_a_ring_made_from_secret_key_is_a_warning(ring: Callable[..., None]) -> None:
    ring()
    assert found() == [
        CheckWarning(
            "KONEEK_ENCRYPTION_KEYS is not set, so stored keys are encrypted under a key made "
            "from SECRET_KEY and are lost with it.",
            hint="Set it to what this prints, then run rotate_keys: "
            'python -c "import secrets; print(secrets.token_urlsafe(32))"',
            id="connectors.W001",
        )
    ]


def test_a_malformed_ring_is_an_error(ring: Callable[..., None]) -> None:
    ring(KEY, "short")
    assert found() == [
        Error(
            "Key number 2 of KONEEK_ENCRYPTION_KEYS is not 32 bytes in base64url.",
            hint="Keys are separated by commas; make one with: "
            'python -c "import secrets; print(secrets.token_urlsafe(32))"',
            id="connectors.E001",
        )
    ]


@pytest.mark.django_db
def test_unreadable_keys_are_an_error_when_the_database_is_asked_about(
    ring: Callable[..., None],
) -> None:
    create_connection(name="primary", provider="acme", api_key="sk-1")
    create_connection(name="moved", provider="acme", api_key="sk-2")
    create_connection(name="keyless", provider="acme")
    set_option("token", "secret", encrypted=True)
    assert found(["default"]) == []
    Connection.objects.filter(name="moved").update(api_key_origin="https://elsewhere.example:443")
    assert found() == []
    assert found(["default"]) == [
        Error(
            "The stored key cannot be read: connection moved.",
            hint="Put the lost key back into KONEEK_ENCRYPTION_KEYS (or SECRET_KEY_FALLBACKS), "
            "or type these keys again.",
            id="connectors.E002",
        )
    ]
    ring("B" * 42 + "E")
    with pytest.raises(SystemCheckError, match=r"connectors.E002\) .*option token"):
        call_command("check", "--database", "default", stderr=io.StringIO())
    ring("malformed")
    assert [message.id for message in found(["default"])] == ["connectors.E001"]


@pytest.mark.django_db
def test_a_database_without_tables_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Connection._meta, "db_table", "connectors_not_migrated")
    assert found(["default"]) == []


@pytest.mark.parametrize(
    ("declared", "message", "hint"),
    [
        ([], "The setting CONNECTORS must be a dictionary.", "CONNECTORS = {}"),
        ({"ACME_API_KEY": 5}, "CONNECTORS['ACME_API_KEY'] must be text.", "another type"),
        ({"KONEEK_ENCRYPTION_KEYS": [KEY]}, "CONNECTORS['KONEEK_ENCRYPTION_KEYS'] must be", ""),
        ({"DEFAULT_TIMEOUT": "60"}, "CONNECTORS['DEFAULT_TIMEOUT'] must be a number", "type"),
        ({"AI_ENABLED": "no"}, "CONNECTORS['AI_ENABLED'] must be True or False.", "type"),
        ({"DEFAULT_TIMEOUT": 601}, "CONNECTORS['DEFAULT_TIMEOUT'] must be a number", "type"),
    ],
)
def test_a_value_of_the_wrong_type_is_an_error(
    declared: Any, message: str, hint: str, settings: Settings
) -> None:
    settings.CONNECTORS = declared
    (only,) = found()
    assert only.id == "connectors.E003"
    assert only.msg.startswith(message)
    assert hint in str(only.hint)


@pytest.mark.parametrize(
    ("name", "hint"),
    [("ACME_APIKEY", "Did you mean 'ACME_API_KEY'?"), ("zzz", "Known: ")],
)
def test_an_unknown_entry_is_an_error_with_its_neighbour(
    name: str, hint: str, settings: Settings
) -> None:
    settings.CONNECTORS = {name: "secret-value"}
    (only,) = found()
    assert only.id == "connectors.E004"
    assert only.msg == f"CONNECTORS has an unknown entry {name!r}."
    assert str(only.hint).startswith(hint)
    assert "secret-value" not in str(only)


def test_known_entries_are_right(settings: Settings) -> None:
    settings.CONNECTORS = {
        "ACME_API_KEY": "sk-1",
        "ACME_BASE_URL": "https://acme.example",
        "DEFAULT_TIMEOUT": 10,
        "AI_ENABLED": True,
    }
    assert found() == []


def test_a_malformed_base_url_in_the_environment_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ACME_BASE_URL", "acme.example")
    assert found() == [
        Error(
            "The ACME_BASE_URL must start with http:// or https://. Write it like "
            "https://api.example.com/v1.",
            hint="Correct ACME_BASE_URL, or remove it to use Acme's own address.",
            id="connectors.E005",
        )
    ]
