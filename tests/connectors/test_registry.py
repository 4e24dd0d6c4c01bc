"""Apps add, remove and override connectors, at start and after."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import pytest
from django.apps import apps
from pytest_django import Settings

from ai_client.providers import Provider
from ai_client.registration import register_providers
from connectors import checks
from connectors.errors import RegistryError
from connectors.registry import ConnectorRegistry, announce
from connectors.signals import connectors_init
from connectors.values import ConnectorType

FIRST, SECOND = ConnectorType("first", "First"), ConnectorType("second", "Second")


def test_connectors_come_back_in_order_of_registration() -> None:
    own = ConnectorRegistry()
    own.register(SECOND)
    assert own.register(FIRST) is FIRST
    assert own.all() == (SECOND, FIRST)
    assert own.slugs() == ("second", "first")
    assert own.get("first") is FIRST
    assert own.is_registered("second")
    assert own.get("third") is None
    assert not own.is_registered("third")


def test_overriding_is_unregistering_changing_and_registering() -> None:
    own = ConnectorRegistry()
    own.register(FIRST)
    own.register(SECOND)
    own.register(replace(own.unregister("first"), name="Mine"))
    assert [connector.name for connector in own.all()] == ["Second", "Mine"]


def test_a_slug_is_taken_once_and_removed_once() -> None:
    own = ConnectorRegistry()
    own.register(FIRST)
    with pytest.raises(RegistryError, match="unregister it first"):
        own.register(replace(FIRST, name="Again"))
    assert own.unregister("first") is FIRST
    with pytest.raises(RegistryError, match="'first'"):
        own.unregister("first")


def test_readers_find_what_apps_registered_at_the_start_and_the_start_happens_once() -> None:
    starts = []

    def start(own: ConnectorRegistry) -> None:
        starts.append(own.slugs())
        own.register(FIRST)

    own = ConnectorRegistry(start)
    own.register(SECOND)
    assert own.slugs() == ("first", "second")
    assert own.is_registered("first")
    assert starts == [()]


def test_apps_override_a_provider_at_the_start_and_a_broken_one_is_only_reported(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def breaks(**kwargs: Any) -> None:
        raise RuntimeError("a secret of the app")

    def misuses(registry: ConnectorRegistry, **kwargs: Any) -> None:
        registry.register("UPPER", {})

    def overrides(registry: ConnectorRegistry, **kwargs: Any) -> None:
        registry.register(replace(registry.unregister("openai"), name="Ours"))

    receivers = (breaks, misuses, overrides)
    for receiver in receivers:
        connectors_init.connect(receiver)
    own = ConnectorRegistry()
    register_providers(into=own)
    try:
        with caplog.at_level(logging.CRITICAL, "django.dispatch"):
            announce(own)
        assert own.all()[-1].name == "Ours"
    finally:
        for receiver in receivers:
            connectors_init.disconnect(receiver)
    first, second = own.mistakes()
    assert first.receiver.endswith("breaks")
    assert first.message == "RuntimeError"
    assert second.receiver.endswith("misuses")
    assert "'UPPER'" in second.message


def test_a_mistake_at_the_start_is_a_system_check_and_no_broken_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = ConnectorRegistry()
    own.note_mistake("shop.apps.add", RegistryError("The slug is wrong."))
    monkeypatch.setattr(checks, "registry", own)
    (message,) = checks.check_registrations()
    assert message.id == "connectors.W003"
    assert message.msg == "shop.apps.add failed to register its connectors: The slug is wrong."
    assert message.hint


def test_wrong_use_while_apps_are_loaded_is_noted_and_breaks_no_start(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    own = ConnectorRegistry()
    with monkeypatch.context() as loading:
        loading.setattr(apps, "ready", False)
        with caplog.at_level(logging.ERROR, "connectors.registry"):
            assert own.register("UPPER", {}) is None
            assert own.register(FIRST) is FIRST
    (mistake,) = own.mistakes()
    assert mistake.receiver.startswith(__name__)
    assert "'UPPER'" in mistake.message
    assert "'UPPER'" in caplog.text
    with pytest.raises(RegistryError, match="registered already"):
        own.register(FIRST)


@pytest.mark.parametrize(
    ("slug", "args", "says"),
    [("foo", "text", "as a mapping"), (5, {}, "by its slug"), ("foo", {"name": None}, "name")],
)
def test_arguments_of_the_wrong_type_are_said_to_be(slug: Any, args: Any, says: str) -> None:
    with pytest.raises(RegistryError, match=says):
        ConnectorRegistry().register(slug, args)


def test_a_connector_without_a_name_is_refused_when_it_is_made() -> None:
    nameless: Any = None
    with pytest.raises(RegistryError, match="needs a name"):
        replace(FIRST, name=nameless)


def test_two_connectors_with_the_same_setting_are_a_system_check(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = ConnectorRegistry()
    for slug in ("a-b", "a_b"):
        own.register(ConnectorType(slug=slug, name=slug, type="email"))
    monkeypatch.setattr(checks, "registry", own)
    (message,) = checks.check_registrations()
    assert message.id == "connectors.W004"
    assert "'a-b' and 'a_b'" in message.msg
    assert "connectors_email_a_b_api_key" in message.msg


def test_a_site_that_switched_ai_off_has_no_ai_providers(settings: Settings) -> None:
    settings.CONNECTORS = {"AI_ENABLED": False}
    own = ConnectorRegistry(announce)
    assert own.register(FIRST) is None
    assert own.register(replace(SECOND, type="email")) is not None
    assert own.all(hidden=True) == (replace(SECOND, type="email"),)


def test_a_provider_of_an_app_takes_over_and_keeps_the_texts_that_it_leaves_blank() -> None:
    own = ConnectorRegistry()
    register_providers(into=own)
    place = own.slugs().index("google")
    shipped = own.get("google")
    assert shipped is not None
    theirs = Provider(slug="google", name="Google of ours", wire="google_generate")
    try:
        register_providers([theirs], into=own)
        ours = own.get("google")
        assert ours is not None
        assert own.slugs().index("google") == place
        assert (ours.name, ours.description) == ("Google of ours", shipped.description)
        assert ours.credentials_url == shipped.credentials_url
        assert ours.base_url == ""
    finally:
        register_providers(into=ConnectorRegistry())


def test_hidden_connectors_are_in_no_list_but_can_be_asked_for() -> None:
    own = ConnectorRegistry()
    own.register(FIRST)
    own.register(replace(SECOND, hidden=True))
    assert own.slugs() == ("first",)
    assert own.all() == (FIRST,)
    assert own.is_registered("second")
    assert len(own.all(hidden=True)) == 2
