"""What a German visitor reads of Azure AI Foundry: its form, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import translation

from ai_client.simulator.azure import AzureSimulator
from tests.ai_client.azure.conftest import KEY

pytestmark = pytest.mark.django_db(transaction=True)

SLUG = "azure-ai-foundry"


@pytest.fixture
def german(client: Client) -> Iterator[Client]:
    """The owner's browser, which prefers German."""
    client.force_login(User.objects.create_superuser("alice"))
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "de-AT, de;q=0.9"
    yield client
    translation.deactivate()


def sent(german: Client, address: str, **said: Any) -> Any:
    return german.post(address, {"provider": SLUG, **said}, content_type="application/json")


def test_the_form_is_german(german: Client) -> None:
    page = german.get(reverse("connectors_page:new"), {"provider": SLUG}).content.decode()
    for words in ("Bereitstellungen", "Art des Endpunkts", "API-Version", "Leer: nach dem Host"):
        assert words in page
    for words in ("Names of deployments", "Type of endpoint", "Connect and detect"):
        assert words not in page


@pytest.mark.parametrize(
    ("base_url", "words"),
    [
        ("https://ai.azure.com/resource", "Das ist eine Seite für Menschen, kein Endpunkt."),
        ("https://openai.azure.com", "Dem Host fehlt der Name Ihrer Ressource."),
        ("http://r.openai.azure.com", "Azure nimmt ohne Verschlüsselung keinen Schlüssel an."),
    ],
)
def test_an_address_is_refused_in_german(german: Client, base_url: str, words: str) -> None:
    problem = sent(german, "/connectors/v1/connections", base_url=base_url).json()
    assert problem["errors"][0]["field"] == "base_url"
    assert problem["detail"].startswith(words)
    assert "https://my-resource.services.ai.azure.com" in problem["detail"]


def test_what_is_not_found_is_told_in_german(
    german: Client, catalogue_only: AzureSimulator, resource: AzureSimulator
) -> None:
    def detail(at: AzureSimulator, path: str = "", **fields: str) -> str:
        said = {"base_url": f"{at.address}{path}", "api_key": KEY, "fields": fields}
        answer = sent(german, "/connectors/v1/detect", **said)
        assert answer.status_code == 422
        return str(answer.json()["detail"])

    assert detail(catalogue_only).startswith("Der Endpunkt antwortet, hat aber keine")
    nowhere = detail(resource, "/nowhere", endpoint_type="gateway")
    assert nowhere.startswith("Der Endpunkt listet keine Modelle auf.")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"save": "yes"}, "„save“ muss „true“ oder „false“ sein."),
        ({"save": True}, "Nur für eine gespeicherte Verbindung lässt sich das Erkannte sichern"),
        ({"connection": "x"}, "„connection“ muss eine UUID sein."),
        ({"api_key": 7}, "„api_key“ muss Text oder null sein."),
        ({"provider": "openai", "api_key": KEY}, "Was eine Verbindung zu openai hat, lässt sich"),
    ],
)
def test_a_malformed_question_is_refused_in_german(
    german: Client, said: dict[str, Any], words: str
) -> None:
    assert sent(german, "/connectors/v1/detect", **said).json()["detail"].startswith(words)
