"""Connectors of two invented vendors, and an environment without keys."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator

import pytest
from pytest_django import Settings

from connectors.registry import registry
from connectors.values import ConnectorType, Field

ACME = ConnectorType(
    slug="acme",
    name="Acme",
    credentials_url="https://acme.example/keys",
    env_key="ACME_API_KEY",
    option_name="connectors_ai_acme_api_key",
    env_base_url="ACME_BASE_URL",
    base_url="https://api.acme.example/v1",
    fields=(
        Field("region", "Region", kind="choice", choices=("eu", "us"), default="eu"),
        Field("retries", "Retries", kind="integer"),
    ),
)
ANYWHERE = ConnectorType(
    slug="any_where", name="Anywhere", env_key="ANYWHERE_API_KEY", key_required=False
)


@pytest.fixture(autouse=True)
def vendors() -> Iterator[None]:
    """Registers Acme (an address of its own, a key needed) and Anywhere (neither)."""
    for connector in (ACME, ANYWHERE):
        registry.register(connector)
    yield
    for connector in (ACME, ANYWHERE):
        if registry.is_registered(connector.slug):
            registry.unregister(connector.slug)


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """No key and no ring from the machine that the tests run on."""
    for name in ("ACME_API_KEY", "ACME_BASE_URL", "ANYWHERE_API_KEY", "KONEEK_ENCRYPTION_KEYS"):
        monkeypatch.delenv(name, raising=False)
    settings.KONEEK_ENCRYPTION_KEYS = ""
    settings.CONNECTORS = {}


@pytest.fixture
def ring(settings: Settings) -> Callable[..., None]:
    """Puts these keys into KONEEK_ENCRYPTION_KEYS, in this order."""

    def put(*keys: str) -> None:
        settings.KONEEK_ENCRYPTION_KEYS = ",".join(keys)

    return put


@pytest.fixture
def new_key() -> Callable[[], str]:
    """Makes keys for the ring."""
    return lambda: secrets.token_urlsafe(32)
