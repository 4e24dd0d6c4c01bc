"""Providers as connectors, and the word that no connection may have."""

from __future__ import annotations

import pytest

from ai_client.providers import Provider
from ai_client.registration import provider_for, register_providers
from connectors.errors import ConnectorError
from connectors.registry import ConnectorRegistry
from connectors.services import create_connection
from connectors.values import ConnectorType


def test_every_shipped_provider_is_a_connector() -> None:
    own = ConnectorRegistry()
    register_providers(into=own)
    assert {"openai", "anthropic", "google", "ollama", "openai-compatible"} <= set(own.slugs())
    for slug in own.slugs():
        assert provider_for(slug) is not None


def test_an_app_brings_a_provider_of_its_own() -> None:
    own = ConnectorRegistry()
    parrot = Provider(slug="parrot", name="Parrot", wire="openai_chat", env_key="PARROT_API_KEY")
    register_providers([parrot], into=own)
    connector = own.get("parrot")
    assert connector is not None
    assert (connector.name, connector.env_key) == ("Parrot", "PARROT_API_KEY")


def test_a_connector_that_an_app_registered_first_keeps_its_form() -> None:
    own = ConnectorRegistry()
    own.register(ConnectorType("openai", "Our OpenAI"))
    register_providers(into=own)
    connector = own.get("openai")
    assert connector is not None
    assert connector.name == "Our OpenAI"


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["auto", "Auto"])
def test_no_connection_is_called_what_means_the_whole_chain(name: str) -> None:
    with pytest.raises(ConnectorError, match="the whole chain") as caught:
        create_connection(provider="openai", name=name, api_key="sk-test-0123456789")
    assert caught.value.field == "name"
