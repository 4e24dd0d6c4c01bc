"""Apps add, remove and override connectors, at start and after."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import pytest
from django.apps import apps

from connectors.errors import RegistryError
from connectors.registry import ConnectorRegistry, registry
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


def test_the_start_lets_apps_in_and_survives_one_that_fails(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fails(**kwargs: Any) -> None:
        raise RuntimeError("broken app")

    def adds(registry: ConnectorRegistry, **kwargs: Any) -> None:
        registry.register(FIRST)

    connectors_init.connect(fails)
    connectors_init.connect(adds)
    try:
        with caplog.at_level(logging.CRITICAL, "django.dispatch"):
            apps.get_app_config("connectors").ready()
        assert registry.get("first") is FIRST
    finally:
        connectors_init.disconnect(fails)
        connectors_init.disconnect(adds)
        registry.unregister("first")
