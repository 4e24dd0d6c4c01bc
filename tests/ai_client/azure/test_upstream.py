"""Prompts to Azure over real sockets: each type of endpoint, each capability."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ai_client import Capability, default_registry, prompt
from ai_client.client import default_client
from ai_client.connections import load
from ai_client.errors import (
    CapabilityUnsupported,
    KeyRejected,
    NoModelFound,
    UpstreamModelMissing,
)
from ai_client.messages import GenerationRequest, ModelConfig, user_message
from ai_client.model_directory import ModelDirectory
from ai_client.providers.azure_ai_foundry import PROVIDER
from ai_client.simulator.azure import AzureSimulator
from ai_client.simulator.server import running
from connectors.services import create_connection
from tests.ai_client.azure.conftest import INFO, KEY

pytestmark = pytest.mark.django_db(transaction=True)

EVERYTHING = (
    "text_generation, chat_history, image_generation, embedding_generation, "
    "text_to_speech_conversion"
)
NAMES = "gpt-4.1, gpt-image-1, text-embedding-3-small, tts-1"


def connect(at: AzureSimulator, path: str = "", key: str = KEY, **fields: str) -> None:
    said = {"deployments": NAMES, "capabilities": EVERYTHING, **fields}
    create_connection(
        name="azure",
        provider=PROVIDER.slug,
        base_url=at.address + path,
        api_key=key,
        fields={name: value for name, value in said.items() if value},
    )


@pytest.mark.parametrize("endpoint_type", ["", "foundry", "openai", "cognitive-services"])
@pytest.mark.parametrize("path", ["", "/api/projects/p"])
def test_text_of_a_deployment(resource: AzureSimulator, endpoint_type: str, path: str) -> None:
    connect(resource, path, endpoint_type=endpoint_type)
    assert prompt("Hello").generate_text() == "Echo: Hello"
    assert "".join(prompt("Hello").stream_text()) == "Echo: Hello"
    for request in resource.requests:
        assert request.path == "/openai/deployments/gpt-4.1/chat/completions"
        assert request.query == {"api-version": "2025-04-01-preview"}
        assert request.headers["api-key"] == KEY
        assert "authorization" not in request.headers


@pytest.mark.parametrize(
    ("surface", "path"),
    [("v1", "/openai/v1/chat/completions"), ("model-inference", "/models/chat/completions")],
)
def test_the_other_apis_of_a_resource(resource: AzureSimulator, surface: str, path: str) -> None:
    connect(resource, surface=surface)
    assert prompt("Hello there").using_max_tokens(50).generate_text() == "Echo: Hello there"
    assert "".join(prompt("Hello there").stream_text()) == "Echo: Hello there"
    assert {request.path for request in resource.requests} == {path}


def test_text_of_a_single_model(single_model: AzureSimulator) -> None:
    connect(single_model, endpoint_type="single-model", deployments="Phi-4", capabilities="")
    assert prompt("Hello").using_max_tokens(50).generate_text() == "Echo: Hello"
    assert "".join(prompt("Hello").stream_text()) == "Echo: Hello"
    for request in single_model.requests:
        assert request.path == "/chat/completions"
        assert request.headers["authorization"] == f"Bearer {KEY}"
        assert "api-key" not in request.headers


def test_a_single_model_that_nobody_named_is_asked_for_its_name(
    single_model: AzureSimulator,
) -> None:
    connect(single_model, endpoint_type="single-model", deployments="", capabilities="")
    assert prompt("Hello").generate_text() == "Echo: Hello"
    assert [request.path for request in single_model.requests] == ["/info", "/chat/completions"]


def test_deployments_that_nobody_named_are_found(resource: AzureSimulator) -> None:
    connect(resource, deployments="", capabilities="")
    assert prompt("Hello").generate_text() == "Echo: Hello"
    assert resource.requests[-1].path == "/openai/deployments/gpt-4.1/chat/completions"


def test_a_deployments_name_may_hold_anything(resource: AzureSimulator) -> None:
    connect(resource, deployments="my deployment/x", capabilities="")
    assert prompt("Hello").generate_text() == "Echo: Hello"
    (request,) = resource.requests
    assert "/openai/deployments/my%20deployment%2Fx/chat/completions" in request.target


def test_an_image(resource: AzureSimulator) -> None:
    connect(resource)
    picture = prompt("A parrot").generate_image()
    assert picture.mime_type == "image/png"
    (request,) = resource.requests
    assert request.path == "/openai/deployments/gpt-image-1/images/generations"
    assert request.json == {"prompt": "A parrot"}


def test_an_image_of_a_deployment_with_a_name_of_its_own(resource: AzureSimulator) -> None:
    connect(resource, deployments="pictures", capabilities="image_generation")
    assert prompt("A parrot").generate_image().is_image
    (request,) = resource.requests
    assert request.path == "/openai/deployments/pictures/images/generations"


def test_a_deployment_whose_name_says_nothing_is_asked_for_what_is_said(
    resource: AzureSimulator,
) -> None:
    connect(resource, deployments="gpt-4.1, pictures", capabilities=EVERYTHING)
    assert prompt("A parrot").using_model("azure/pictures").generate_image().is_image
    assert asyncio.run(prompt("A parrot").using_model("azure/pictures").agenerate_image()).is_image
    paths = {request.path for request in resource.requests}
    assert paths == {"/openai/deployments/pictures/images/generations"}
    with pytest.raises(CapabilityUnsupported, match="is for text_generation"):
        prompt("A parrot").using_model("azure/gpt-4.1").generate_image()


def test_what_a_single_model_says_that_it_is_for_need_not_be_stored() -> None:
    info = {**INFO, "model_name": "vectors", "model_type": "embeddings"}
    with running(AzureSimulator(KEY, info=info, single_model=True)) as simulator:
        connect(simulator, endpoint_type="single-model", deployments="", capabilities="")
        (found,) = default_registry().provider_models(PROVIDER.slug)
        assert found.capabilities == (Capability.EMBEDDING_GENERATION,)
        # Another process reads it from the cache.
        assert ModelDirectory().models(default_client().snapshot().connections[0]) == (found,)
        assert [request.path for request in simulator.requests] == ["/info"]
        with pytest.raises(NoModelFound):
            prompt("Hello").generate_text()


def test_embeddings(resource: AzureSimulator) -> None:
    connect(resource)
    route = default_client().snapshot().connections[0]
    assert "text-embedding-3-small" in route.models
    vectors = prompt("one").generate_embedding_result()
    assert len(vectors.embeddings[0]) == 1536
    (request,) = resource.requests
    assert request.path == "/openai/deployments/text-embedding-3-small/embeddings"
    assert request.json == {"input": "one", "encoding_format": "float"}


def test_speech(resource: AzureSimulator) -> None:
    connect(resource)
    spoken = prompt("Hello").as_output_speech_voice("nova").convert_text_to_speech()
    assert spoken.mime_type == "audio/mpeg"
    (request,) = resource.requests
    assert request.path == "/openai/deployments/tts-1/audio/speech"
    assert isinstance(request.json, dict)
    assert (request.json["voice"], request.json["response_format"]) == ("nova", "mp3")


def test_a_capability_without_a_deployment_is_refused_before_anything_is_sent(
    resource: AzureSimulator,
) -> None:
    connect(resource, deployments="gpt-4.1", capabilities=EVERYTHING)
    with pytest.raises(NoModelFound, match="image_generation"):
        prompt("A parrot").generate_image()
    assert resource.requests == []


def test_a_wrong_key(resource: AzureSimulator) -> None:
    connect(resource, key="another-key-0123456789")
    with pytest.raises(KeyRejected):
        prompt("Hello").generate_text()


def test_a_deployment_that_is_not_there(resource: AzureSimulator) -> None:
    connect(resource, deployments="gpt-5")
    with pytest.raises(UpstreamModelMissing, match="does not exist"):
        prompt("Hello").generate_text()


def test_a_wrong_endpoint(resource: AzureSimulator) -> None:
    connect(resource, "/nowhere", endpoint_type="gateway")
    with pytest.raises(UpstreamModelMissing, match="Resource not found"):
        prompt("Hello").generate_text()
    (request,) = resource.requests
    assert request.path == "/nowhere/openai/deployments/gpt-4.1/chat/completions"


def test_a_deployment_is_asked_for_by_the_gateways_name_for_it(resource: AzureSimulator) -> None:
    connect(resource)
    request = GenerationRequest((user_message("Hello"),), ModelConfig(top_k=3))
    assert default_client().generate(request, model="azure/gpt-4.1").to_text() == "Echo: Hello"


def test_all_four_settings_come_from_the_environment(
    resource: AzureSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {
        "API_KEY": KEY,
        "ENDPOINT": f"{resource.address}/api/projects/p",
        "MODEL": "gpt-image-1, gpt-4.1",
        "CAPABILITIES": "text_generation, image_generation",
    }
    for name, value in given.items():
        monkeypatch.setenv(f"AZURE_AI_FOUNDRY_{name}", value)
    assert prompt("Hello").using_provider(PROVIDER.slug).generate_text() == "Echo: Hello"
    assert prompt("A parrot").using_provider(PROVIDER.slug).generate_image().is_image
    (implicit,) = load().implicit
    assert (implicit.model, implicit.models) == ("gpt-4.1", ("gpt-image-1",))


@pytest.mark.parametrize(
    ("names", "capabilities"),
    [
        ("gpt-4.1, gpt-image-1", "text_generation, image_generation"),
        (["gpt-4.1", "gpt-image-1"], ["text_generation", "image_generation"]),
    ],
)
def test_all_four_settings_come_from_django(
    resource: AzureSimulator, settings: Any, names: object, capabilities: object
) -> None:
    settings.CONNECTORS = {
        "AZURE_AI_FOUNDRY_API_KEY": KEY,
        "AZURE_AI_FOUNDRY_ENDPOINT": resource.address,
        "AZURE_AI_FOUNDRY_MODEL": names,
        "AZURE_AI_FOUNDRY_CAPABILITIES": capabilities,
    }
    assert prompt("Hello").using_provider(PROVIDER.slug).generate_text() == "Echo: Hello"
    assert prompt("A parrot").using_provider(PROVIDER.slug).generate_image().is_image


def test_the_deployments_of_one_address_are_not_assumed_at_another(
    resource: AzureSimulator, other_resource: AzureSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_AI_FOUNDRY_ENDPOINT", resource.address)
    monkeypatch.setenv("AZURE_AI_FOUNDRY_MODEL", "gpt-image-1")
    connect(other_resource, deployments="")
    (found,) = load().connections
    assert (found.model, found.models) == ("", ())
