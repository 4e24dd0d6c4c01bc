"""Who is offered for decisions before it asks: the site's own apps, and what others register."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from connectors.callers import known_callers, register_callers
from connectors.services import create_connection

pytestmark = pytest.mark.django_db

OWN = "tests.browser"
"""A package that is in no folder of installed ones; its label is ``browser``."""


@pytest.fixture
def registered() -> Iterator[list[str]]:
    """The callers that a package registers."""
    names: list[str] = []
    register_callers("shop_client", lambda: names)
    yield names
    register_callers("shop_client", lambda: ())


@pytest.fixture
def alice(client: Client) -> Client:
    """The owner."""
    client.force_login(User.objects.create_superuser("alice"))
    return client


def page(client: Client) -> str:
    return client.get(reverse("connectors_page:approvals")).content.decode()


def listed(client: Client) -> list[str]:
    answer: dict[str, list[str]] = client.get("/connectors/v1/approvals").json()
    return answer["callers"]


def test_what_is_installed_and_no_app_of_the_site_is_not_offered() -> None:
    assert {"admin", "auth", "authtoken", "connectors", "ai_client"} <= {
        config.label for config in apps.get_app_configs()
    }
    assert known_callers() == frozenset()


def test_an_app_of_the_site_is_offered_by_its_label(alice: Client, settings: Settings) -> None:
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, OWN]
    assert listed(alice) == ["browser"]
    assert "Nothing to decide yet" in page(alice)
    create_connection(provider="acme")
    assert '<tr data-caller="browser">' in page(alice)


def test_others_register_callers_and_are_asked_each_time(
    alice: Client, registered: list[str]
) -> None:
    create_connection(provider="acme")
    registered.append("shop")
    assert '<tr data-caller="shop">' in page(alice)
    assert listed(alice) == ["shop"]
    registered.clear()
    assert '<tr data-caller="shop">' not in page(alice)
    register_callers("shop_client", lambda: ["stall"])
    assert listed(alice) == ["stall"]


def test_an_app_that_registers_callers_speaks_for_itself(settings: Settings) -> None:
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, OWN]
    register_callers(OWN, lambda: ["browser:post"])
    try:
        assert known_callers() == {"browser:post"}
    finally:
        register_callers(OWN, lambda: ())
