"""What a German visitor reads where something is refused, on the page and from REST."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.test import AsyncClient, Client
from django.urls import reverse
from django.utils import translation
from rest_framework.test import APIClient

from ai_client.client import AiClient
from ai_client.connections import load
from ai_client.errors import KeyRejected
from ai_client.health import Health
from ai_client.live_status import statuses
from connectors.models import Connection
from connectors.services import create_connection

pytestmark = pytest.mark.django_db

CONNECTIONS = "/connectors/v1/connections"
PRIVATE = {"provider": "openai-compatible", "base_url": "http://127.0.0.1:9/v1", "model": "m1"}
KEY = "sk-canary-0123456789-abcdefgh"


@pytest.fixture(autouse=True)
def own_language() -> Iterator[None]:
    """What a request activates stays in this thread; the tests after these read English."""
    yield
    translation.deactivate()


@pytest.fixture
def german(client: Client) -> Client:
    """The owner's browser, which prefers German."""
    client.force_login(User.objects.create_superuser("alice"))
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "de-AT, de;q=0.9"
    return client


@pytest.fixture
def rest() -> APIClient:
    """The owner at the REST face, without a language."""
    client = APIClient()
    client.force_login(User.objects.create_superuser("bob"))
    return client


def sent(**values: str) -> dict[str, str]:
    """The form of a new connection."""
    return {"provider": "acme", "fields_for": "acme", "timeout": "60", "model": "m1", **values}


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        (
            "base_url",
            "ftp://acme.example",
            "„Basis-URL“ muss mit http:// oder https:// beginnen. "
            "Bitte in der Form https://api.example.com/v1 angeben.",
        ),
        (
            "name",
            "no spaces",
            "Der Name darf nur Buchstaben, Ziffern und Bindestriche enthalten, höchstens 100.",
        ),
        (
            "name",
            "auto",
            "Der Name darf nicht 'auto' lauten; das bedeutet: die ganze Kette der Verbindungen.",
        ),
    ],
)
def test_the_page_refuses_in_german(german: Client, field: str, value: str, words: str) -> None:
    response = german.post(reverse("connectors_page:new"), sent(**{field: value}))
    assert response.status_code == 422
    assert response.context["editor"].form.errors == {field: [words]}


def test_the_page_tells_in_german_what_to_do_and_then_quotes_the_failure(german: Client) -> None:
    response = german.post(
        reverse("connectors_page:test_new"), sent(**PRIVATE, fields_for=PRIVATE["provider"])
    )
    assert response.status_code == 200
    failed = (
        response.content.decode().partition('<li data-state="failed">')[2].partition("</li>")[0]
    )
    advice = failed.index("Wenn dieser Host gemeint ist, ihn in KONEEK_ALLOW_PRIVATE_HOSTS")
    assert advice < failed.index("Meldung: „The base URL leads to a private or reserved address.“")
    assert "Fehlgeschlagen" in failed


@pytest.mark.parametrize(
    ("body", "english", "words"),
    [
        (
            {"provider": "acme", "base_url": "https://u:p@acme.example"},
            "The base_url must not hold a user name or password; the key has its own field. "
            "Write it like https://api.example.com/v1.",
            "„base_url“ darf weder Benutzernamen noch Passwort enthalten; für den Schlüssel gibt "
            "es ein eigenes Feld. Bitte in der Form https://api.example.com/v1 angeben.",
        ),
        (
            {"provider": "acme", "name": "no spaces"},
            "The name may hold letters, digits and hyphens only, 100 at most.",
            "Der Name darf nur Buchstaben, Ziffern und Bindestriche enthalten, höchstens 100.",
        ),
        (
            {"provider": "acme", "name": "TAKEN"},
            "Another connection is named 'TAKEN' already.",
            "Eine andere Verbindung heißt schon 'TAKEN'.",
        ),
        (
            {"provider": "acme", "fields": {"retries": "many"}},
            "The field 'retries' (Retries) must be a whole number.",
            "Das Feld 'retries' (Retries) muss eine ganze Zahl sein.",
        ),
        (
            {"provider": "acme", "modle": "m1"},
            "'modle' is not known here. Did you mean 'model'?",
            "'modle' ist hier nicht bekannt. Meinten Sie 'model'?",
        ),
    ],
)
def test_rest_refuses_in_the_language_that_was_asked_for(
    rest: APIClient, body: dict[str, Any], english: str, words: str
) -> None:
    create_connection(name="taken", provider="acme")
    for language, expected in (("de", words), ("en", english), ("", english)):
        headers = {"Accept-Language": language} if language else {}
        answer = rest.post(CONNECTIONS, body, format="json", headers=headers)
        assert answer.status_code == 400
        assert answer.json()["detail"] == expected
        assert answer.json()["errors"][0]["detail"] == expected


@pytest.mark.parametrize("media_type", ["application/json", "application/x-ndjson"])
def test_rest_tells_in_german_that_an_address_is_private(rest: APIClient, media_type: str) -> None:
    headers = {"Accept-Language": "de", "Accept": media_type}
    answer: Any = rest.post(f"{CONNECTIONS}/test", PRIVATE, format="json", headers=headers)
    # Whoever sends the lines on may speak another language by then.
    with translation.override("en"):
        text = answer.getvalue().decode()
    if media_type == "application/json":
        steps = json.loads(text)["steps"]
    else:
        steps = [json.loads(line) for line in text.splitlines()][:-1]
    failed = next(step for step in steps if step["state"] == "failed")
    assert failed["advice"].startswith("Wenn dieser Host gemeint ist")
    assert failed["message"].startswith("Meldung: „The base URL leads to a private")
    assert steps[-1]["message"] == "Nicht geprüft."


@pytest.mark.django_db(transaction=True)
async def test_an_asynchronous_server_streams_german_steps() -> None:
    client = AsyncClient()
    await client.aforce_login(await User.objects.acreate_superuser("carol"))
    form = sent(**PRIVATE, fields_for=PRIVATE["provider"])
    headers = {"accept-language": "de", "accept": "application/x-ndjson"}
    response: Any = await client.post(reverse("connectors_page:test_new"), form, headers=headers)
    translation.activate("en")
    steps = [json.loads(line) async for line in response.streaming_content]
    assert "Nicht geprüft" in {step["words"] for step in steps}
    assert "Wenn dieser Host gemeint ist" in "".join(step["advice"] for step in steps)


def test_providers_present_themselves_in_german(rest: APIClient) -> None:
    def presets(language: str) -> dict[str, Any]:
        answer = rest.get("/connectors/v1/presets", headers={"Accept-Language": language})
        return {each["provider"]: each for each in answer.json()["presets"]}

    german, english = presets("de"), presets("en")
    assert german["anthropic"]["description"] == "Texterzeugung mit Claude."
    assert english["anthropic"]["description"] == "Text generation with Claude."
    assert german["anthropic"]["fields"][0]["label"] == "Längste Antwort"
    assert german["openai-compatible"]["name"] == "OpenAI-kompatibel"
    assert english["openai-compatible"]["name"] == "OpenAI-compatible"


def test_settings_are_described_in_german(rest: APIClient) -> None:
    answer = rest.options("/wp/v2/settings", headers={"Accept-Language": "de"})
    described = answer.json()["schema"]["properties"]["connectors_ai_acme_api_key"]
    assert described["title"] == "API-Schlüssel für Acme"
    assert described["description"] == "API-Schlüssel für den Konnektor Acme."


def test_a_missing_permission_is_told_in_german(rest: APIClient) -> None:
    rest.force_login(User.objects.create_user("carol", is_staff=True))
    answer = rest.get(CONNECTIONS, headers={"Accept-Language": "de"})
    words = "Dafür ist die Berechtigung connectors.view_connection nötig."
    assert answer.json()["detail"] == words


def test_a_status_quotes_the_last_error_in_german() -> None:
    row = create_connection(name="primary", provider="openai", model="gpt", api_key=KEY)
    nothing: Any = None
    client = AiClient(
        snapshot=load,
        engine=nothing,
        async_engine=nothing,
        record=lambda record: None,
        health=Health(lambda: 0.0),
        clock=lambda: 100.0,
    )
    error = KeyRejected("Refused.")
    client.health.fail(str(row.pk), row.revision, "gpt", error, 100.0)
    client.results.failed(str(row.pk), error.message, 100.0)
    with translation.override("de"):
        status = statuses(client)[str(row.pk)]
    assert status.last_error == "Meldung: „Refused.“"
    assert status.who == "Antwortet nicht: Schlüssel abgelehnt. Meldung: „Refused.“"


def test_programs_read_english_whoever_changed_the_configuration() -> None:
    create_connection(name="primary", provider="openai", model="gpt")
    with translation.override("de"):
        (connection,) = load().connections
    assert connection.unusable.startswith("No key for OpenAI: type one into the connection")


def test_commands_and_checks_speak_english(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    file = tmp_path / "connections.json"
    file.write_text('{"connections": [{"provider": "acme", "priority": "high"}]}')
    monkeypatch.setenv("ACME_BASE_URL", "nowhere")
    with translation.override("de"):
        with pytest.raises(CommandError, match="The priority must be a whole number"):
            call_command("apply_connections", str(file))
        messages = [each.msg for each in run_checks() if each.id == "connectors.E005"]
    assert len(messages) == 1
    assert messages[0].startswith("The ACME_BASE_URL must start with http:// or https://.")


def test_the_admin_refuses_in_german(german: Client) -> None:
    form = {"name": "primary", "provider": "acme", "priority": "1", "timeout": "60"}
    address = reverse("admin:connectors_connection_add")
    response = german.post(address, {**form, "base_url": "acme.example"})
    assert not Connection.objects.exists()
    assert "„Basis-URL“ muss mit http:// oder https:// beginnen." in response.content.decode()
