"""User name and password: where they come from, how they are kept and shown."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import Settings

from connectors import application_passwords, checks
from connectors.application_passwords import resolve
from connectors.models import Option
from connectors.registry import registry
from connectors.services import save_settings, set_option
from connectors.values import ConnectorType

pytestmark = pytest.mark.django_db

REMOTE = ConnectorType(
    "remote",
    "Remote",
    type="content_source",
    method="application_password",
    env_key="REMOTE_PASSWORD",
)
OPTION = REMOTE.setting_name


@pytest.fixture(autouse=True)
def remote(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.delenv("REMOTE_PASSWORD", raising=False)
    registry.register(REMOTE)
    yield
    registry.unregister("remote")


def found() -> tuple[str, str, str]:
    pair = resolve(REMOTE, Option.objects.filter(name=OPTION).first())
    assert pair.password == "" or pair.password not in repr(pair)
    return pair.username, pair.password, pair.source


def test_environment_then_setting_then_database(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    assert found() == ("", "", "none")
    save_settings({OPTION: {"username": "stored", "password": "abcd efgh"}})
    assert found() == ("stored", "abcd efgh", "database")
    settings.CONNECTORS = {"REMOTE_PASSWORD": "set:p1"}
    assert found() == ("set", "p1", "setting")
    monkeypatch.setenv("REMOTE_PASSWORD", "env:p2:with:colons")
    assert found() == ("env", "p2:with:colons", "env")


def test_a_broken_value_is_passed_over_and_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    save_settings({OPTION: {"username": "stored", "password": "abcd"}})
    monkeypatch.setenv("REMOTE_PASSWORD", "no-colon-in-this-secret")
    assert found() == ("stored", "abcd", "database")
    (message,) = checks.check_application_passwords()
    assert message.id == "connectors.W002"
    assert "REMOTE_PASSWORD" in message.msg
    assert "secret" not in message.msg


def test_what_is_stored_is_encrypted_and_what_cannot_be_read_is_nothing() -> None:
    save_settings({OPTION: {"username": "wörld", "password": "pässword"}})
    row = Option.objects.get(name=OPTION)
    assert row.encrypted
    assert "rld" not in row.value
    assert found() == ("wörld", "pässword", "database")
    Option.objects.filter(name=OPTION).update(origin="https://elsewhere.example:443")
    assert found() == ("", "", "none")


def test_a_plain_row_written_by_hand_is_not_used() -> None:
    pair = application_passwords.dump({"username": "u", "password": "p"})
    Option.objects.create(name=OPTION, value=pair)
    assert found() == ("", "", "none")


def test_a_row_that_holds_something_else_is_not_used() -> None:
    set_option(OPTION, "[1, 2]")
    assert found() == ("", "", "none")
