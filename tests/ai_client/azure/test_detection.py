"""Connect and detect: by REST, by command, and never with a key for somebody else."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.test import Client

from ai_client.simulator.azure import CATALOGUE, AzureSimulator
from ai_client.simulator.server import Simulator, running
from connectors.masking import mask
from connectors.models import Connection
from connectors.services import create_connection
from tests.ai_client.azure.conftest import DEPLOYMENTS, INFO, KEY

pytestmark = pytest.mark.django_db(transaction=True)

ADDRESS = "/connectors/v1/detect"
FOUND = {
    "models": ["gpt-4.1", "gpt-image-1", "text-embedding-3-small", "tts-1"],
    "fields": {
        "deployments": "gpt-4.1, gpt-image-1, text-embedding-3-small, tts-1",
        "capabilities": "text_generation, chat_history, image_generation, embedding_generation, "
        "text_to_speech_conversion",
    },
    "source": "openai-models",
}


def detect(client: Client, headers: dict[str, str] | None = None, **said: Any) -> Any:
    return client.post(ADDRESS, said, content_type="application/json", headers=headers or {})


def unsaved(at: Simulator, path: str = "", **fields: str) -> dict[str, Any]:
    return {
        "provider": "azure-ai-foundry",
        "base_url": f"http://127.0.0.1:{at.port}{path}",
        "api_key": KEY,
        "fields": fields,
    }


def stored(at: AzureSimulator, **values: Any) -> Connection:
    said = {"provider": "azure-ai-foundry", "base_url": at.address, "api_key": KEY, **values}
    return create_connection(**said)


@pytest.mark.parametrize("path", ["", "/api/projects/p", "/models"])
def test_the_deployments_of_a_resource(
    admin_client: Client, resource: AzureSimulator, path: str
) -> None:
    response = detect(admin_client, **unsaved(resource, path))
    assert (response.status_code, response.json()) == (200, {**FOUND, "saved": False})
    assert KEY not in response.content.decode()
    assert {request.headers["api-key"] for request in resource.requests} == {KEY}
    assert not Connection.objects.exists()


def test_a_resource_that_knows_old_versions_only(admin_client: Client) -> None:
    old = AzureSimulator(KEY, deployments=DEPLOYMENTS, versions=("2023-05-15",))
    with running(old):
        assert detect(admin_client, **unsaved(old)).json()["models"] == FOUND["models"]


def test_names_of_the_catalogue_are_tried_without_their_versions(admin_client: Client) -> None:
    names = {name for name, _ in CATALOGUE}
    assert "gpt-4-0613" in names
    with running(AzureSimulator(KEY, deployments={"gpt-4": "gpt-4"})) as simulator:
        found = detect(admin_client, **unsaved(simulator)).json()
    assert found["fields"] == {
        "deployments": "gpt-4",
        "capabilities": "text_generation, chat_history",
    }


def test_a_single_model(admin_client: Client, single_model: AzureSimulator) -> None:
    said = unsaved(single_model, endpoint_type="single-model")
    found = detect(admin_client, **said).json()
    assert (found["models"], found["source"]) == (["Phi-4"], "ai-foundry-info")
    (request,) = single_model.requests
    assert (request.path, request.headers["authorization"]) == ("/info", f"Bearer {KEY}")


@pytest.mark.parametrize(
    ("kind", "capabilities"),
    [("embeddings", "embedding_generation"), ("chat-completion", "text_generation, chat_history")],
)
def test_a_single_model_says_what_it_is_for(
    admin_client: Client, kind: str, capabilities: str
) -> None:
    info = {**INFO, "model_type": kind}
    with running(AzureSimulator(KEY, info=info, single_model=True)) as simulator:
        said = unsaved(simulator, endpoint_type="single-model")
        assert detect(admin_client, **said).json()["fields"]["capabilities"] == capabilities


def test_a_catalogue_without_deployments(
    admin_client: Client, catalogue_only: AzureSimulator
) -> None:
    response = detect(admin_client, **unsaved(catalogue_only))
    problem = response.json()
    assert (response.status_code, problem["code"]) == (422, "nothing_detected")
    assert "Type the names of your deployments" in problem["detail"]


def test_a_wrong_endpoint(admin_client: Client, resource: AzureSimulator) -> None:
    said = unsaved(resource, "/nowhere", endpoint_type="gateway")
    response = detect(admin_client, **said)
    assert (response.status_code, response.json()["code"]) == (422, "nothing_detected")
    assert "address and key" in response.json()["detail"]


def test_a_wrong_key_ends_it_at_once(admin_client: Client, resource: AzureSimulator) -> None:
    wrong = "az-another-0123456789abcdefghijklm"
    response = detect(admin_client, **{**unsaved(resource), "api_key": wrong})
    assert (response.status_code, response.json()["code"]) == (502, "upstream_failed")
    assert wrong not in response.content.decode()
    assert len(resource.requests) == 1


def test_nobody_there(admin_client: Client) -> None:
    with running(AzureSimulator(KEY)) as simulator:
        said = unsaved(simulator)
    response = detect(admin_client, **said)
    assert response.status_code == 502


def test_a_private_address_is_refused_unless_it_is_allowed(
    admin_client: Client, resource: AzureSimulator, settings: Any
) -> None:
    settings.AI_CLIENT = {**settings.AI_CLIENT, "ALLOW_PRIVATE_HOSTS": []}
    response = detect(admin_client, **unsaved(resource))
    assert response.status_code == 502
    assert "KONEEK_ALLOW_PRIVATE_HOSTS" in response.json()["detail"]
    assert resource.requests == []


def test_a_redirect_is_not_followed(
    admin_client: Client, other_resource: AzureSimulator, simulator: Simulator
) -> None:
    simulator.clear()
    said = unsaved(simulator, f"/fail/redirect-{other_resource.port}", endpoint_type="gateway")
    response = detect(admin_client, **said)
    assert response.status_code == 502
    assert "redirect" in response.json()["detail"]
    assert other_resource.requests == []


def test_a_provider_that_detects_nothing(admin_client: Client) -> None:
    response = detect(admin_client, provider="openai", api_key=KEY)
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == "provider"


@pytest.mark.parametrize("key", [None, "", mask(KEY), "left out"])
def test_a_stored_key_goes_to_its_own_address(
    admin_client: Client, resource: AzureSimulator, key: str | None
) -> None:
    said: dict[str, Any] = {"connection": str(stored(resource).pk), "api_key": key}
    if key == "left out":
        del said["api_key"]
    response = detect(admin_client, base_url=f"{resource.address}/api/projects/other", **said)
    assert response.status_code == 200
    assert {request.headers["api-key"] for request in resource.requests} == {KEY}


@pytest.mark.parametrize("key", [None, "", mask(KEY), "left out"])
def test_a_stored_key_goes_to_no_other_address(
    admin_client: Client,
    resource: AzureSimulator,
    other_resource: AzureSimulator,
    key: str | None,
) -> None:
    said: dict[str, Any] = {"connection": str(stored(resource).pk), "api_key": key}
    if key == "left out":
        del said["api_key"]
    response = detect(admin_client, base_url=other_resource.address, **said)
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == "api_key"
    assert other_resource.requests == []
    assert resource.requests == []


@pytest.mark.parametrize("key", [None, "", mask(KEY)])
def test_the_providers_own_key_goes_to_no_other_address(
    admin_client: Client,
    resource: AzureSimulator,
    other_resource: AzureSimulator,
    key: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AZURE_AI_FOUNDRY_ENDPOINT", resource.address)
    monkeypatch.setenv("AZURE_AI_FOUNDRY_API_KEY", KEY)
    response = detect(admin_client, **{**unsaved(other_resource), "api_key": key})
    assert response.status_code == 400
    assert other_resource.requests == []
    assert detect(admin_client, provider="azure-ai-foundry").json()["models"] == FOUND["models"]


def test_a_key_typed_for_another_address_goes_there(
    admin_client: Client, resource: AzureSimulator, other_resource: AzureSimulator
) -> None:
    connection = stored(resource)
    response = detect(
        admin_client,
        connection=str(connection.pk),
        base_url=other_resource.address,
        api_key=KEY,
    )
    assert response.status_code == 200
    assert resource.requests == []


def test_what_is_found_is_stored_when_asked(admin_client: Client, resource: AzureSimulator) -> None:
    connection = stored(resource, model="gone", fields={"api_version": "2025-04-01-preview"})
    said: dict[str, Any] = {"connection": str(connection.pk), "save": True}
    assert detect(admin_client, **said).status_code == 428
    assert resource.requests == []
    stale = detect(admin_client, {"If-Match": '"stale"'}, **said)
    assert stale.status_code == 412
    assert resource.requests == []
    tag = f'"{connection.revision}.{connection.priority}"'
    response = detect(admin_client, {"If-Match": tag}, **said)
    assert response.json() == {**FOUND, "saved": True}
    connection.refresh_from_db()
    assert response.headers["ETag"] == f'"{connection.revision}.{connection.priority}"'
    assert connection.model == ""
    assert connection.fields == {**FOUND["fields"], "api_version": "2025-04-01-preview"}  # type: ignore[dict-item]


def test_only_a_connection_as_it_is_stored_can_be_saved(
    admin_client: Client, resource: AzureSimulator, other_resource: AzureSimulator
) -> None:
    connection = stored(resource)
    nowhere = detect(admin_client, save=True, **unsaved(resource))
    elsewhere = detect(
        admin_client,
        {"If-Match": "*"},
        connection=str(connection.pk),
        save=True,
        base_url=other_resource.address,
        api_key=KEY,
    )
    for response in (nowhere, elsewhere):
        assert response.status_code == 400
        assert response.json()["errors"][0]["field"] == "save"
    assert resource.requests == other_resource.requests == []


@pytest.mark.parametrize("said", [{"connection": "x"}, {"save": "yes"}, {"model": "m"}, {}])
def test_a_malformed_question(admin_client: Client, said: dict[str, Any]) -> None:
    response = detect(admin_client, **said)
    assert response.status_code == 400
    assert response.headers["Content-Type"] == "application/problem+json"


def test_it_takes_the_permissions_of_a_test(client: Client, resource: AzureSimulator) -> None:
    connection = stored(resource)
    user = User.objects.create_user("tina", is_staff=True)
    client.force_login(user)

    def statuses() -> tuple[int, int]:
        known = detect(client, connection=str(connection.pk))
        return known.status_code, detect(client, **unsaved(resource)).status_code

    def may(name: str) -> None:
        user.user_permissions.add(Permission.objects.get(codename=name))

    assert statuses() == (403, 403)
    may("test_connection")
    assert statuses() == (403, 403)
    may("change_connection")
    assert statuses() == (200, 403)
    may("add_connection")
    assert statuses() == (200, 200)


def command(*arguments: str, typed: str = "", monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    out = io.StringIO()
    call_command("detect_models", *arguments, stdout=out)
    assert KEY not in out.getvalue()
    return out.getvalue()


def test_the_command_looks_at_an_address(
    resource: AzureSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = ["--provider", "azure-ai-foundry", "--base-url", resource.address]
    said = command(*at, "--json", typed=f"{KEY}\n", monkeypatch=monkeypatch)
    assert json.loads(said) == FOUND
    monkeypatch.setenv("SOME_KEY", KEY)
    said = command(*at, "--key-env", "SOME_KEY", monkeypatch=monkeypatch)
    assert said.splitlines()[0] == (
        "Models: gpt-4.1, gpt-image-1, text-embedding-3-small, tts-1 (openai-models)"
    )


def test_the_command_stores_what_it_finds(
    resource: AzureSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = stored(resource, name="work")
    assert "Saved." not in command("work", monkeypatch=monkeypatch)
    connection.refresh_from_db()
    assert connection.fields == {}
    assert command("work", "--save", monkeypatch=monkeypatch).endswith("Saved.\n")
    connection.refresh_from_db()
    assert connection.fields == FOUND["fields"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nobody"], "No connection 'nobody'"),
        ([], "--provider"),
        (["--provider", "azure-ai-foundry", "--save"], "needs the CONNECTION"),
        (["work", "--base-url", "https://x.example"], "not both"),
        (["--provider", "azure-ai-foundry", "--key-env", "NOT_SET_ANYWHERE"], "is not set"),
        (["--provider", "azure-ai-foundry", "--base-url", "https://ai.azure.com"], "for people"),
        (["--provider", "azure-ai-foundry", "--base-url", "https://r.openai.azure.com"], "key"),
        (["--provider", "nobodys"], "nobodys"),
    ],
)
def test_what_the_command_refuses(
    arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CommandError, match=said):
        command(*arguments, monkeypatch=monkeypatch)
