"""Addresses of Azure: what they are, and what may be one."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.checks import run_checks

from ai_client.endpoints import addressed, upstream_headers
from ai_client.errors import UnsupportedFeature
from ai_client.providers.azure_ai_foundry import PROVIDER
from ai_client.providers.azure_ai_foundry.endpoint import EndpointType, endpoint_type
from ai_client.snapshot import ConnectionConfig
from ai_client.wire import WireRequest
from connectors.errors import InvalidBaseUrl
from connectors.services import create_connection

FOUNDRY = "https://r.services.ai.azure.com"
SINGLE = "https://phi.eastus2.models.ai.azure.com"


@pytest.mark.parametrize(
    ("host", "kind"),
    [
        ("r.services.ai.azure.com", EndpointType.FOUNDRY),
        ("R.Services.AI.azure.com", EndpointType.FOUNDRY),
        ("r.openai.azure.com", EndpointType.OPENAI),
        ("r.openai.azure.us", EndpointType.OPENAI),
        ("r.cognitiveservices.azure.com", EndpointType.COGNITIVE_SERVICES),
        ("eastus.api.cognitive.microsoft.com", EndpointType.COGNITIVE_SERVICES),
        ("phi.eastus2.models.ai.azure.com", EndpointType.SINGLE_MODEL),
        ("phi.eastus2.inference.ai.azure.com", EndpointType.SINGLE_MODEL),
        ("phi.eastus2.inference.ml.azure.com", EndpointType.SINGLE_MODEL),
        ("models.ai.azure.com.evil.example", EndpointType.FOUNDRY),
        ("127.0.0.1", EndpointType.FOUNDRY),
        (None, EndpointType.FOUNDRY),
    ],
)
def test_a_host_says_by_its_name_what_it_is(host: str | None, kind: EndpointType) -> None:
    assert endpoint_type(host) is kind


def connection(base_url: str, **options: str) -> ConnectionConfig:
    return ConnectionConfig(
        "1", "azure", PROVIDER, "m", base_url, api_key="k", options=PROVIDER.wire_options(options)
    )


def url(at: ConnectionConfig, path: str, model: str = "gpt-4.1") -> str:
    return addressed(at, WireRequest(path, {"model": model}), "openai_chat", model)[0]


CHAT = "chat/completions"


@pytest.mark.parametrize(
    ("base_url", "options", "path", "expected"),
    [
        (
            f"{FOUNDRY}/api/projects/p",
            {},
            CHAT,
            f"{FOUNDRY}/openai/deployments/gpt-4.1/{CHAT}?api-version=2025-04-01-preview",
        ),
        (
            f"{FOUNDRY}:8443/models",
            {},
            CHAT,
            f"{FOUNDRY}:8443/openai/deployments/gpt-4.1/{CHAT}?api-version=2025-04-01-preview",
        ),
        (
            FOUNDRY,
            {"api_version": "2024-10-21"},
            "embeddings",
            f"{FOUNDRY}/openai/deployments/gpt-4.1/embeddings?api-version=2024-10-21",
        ),
        (FOUNDRY, {"surface": "v1"}, CHAT, f"{FOUNDRY}/openai/v1/{CHAT}"),
        (
            FOUNDRY,
            {"surface": "v1", "api_version": "preview"},
            CHAT,
            f"{FOUNDRY}/openai/v1/{CHAT}?api-version=preview",
        ),
        (
            FOUNDRY,
            {"surface": "model-inference"},
            CHAT,
            f"{FOUNDRY}/models/{CHAT}?api-version=2024-05-01-preview",
        ),
        (
            FOUNDRY,
            {"surface": "model-inference"},
            "images/generations",
            f"{FOUNDRY}/openai/deployments/gpt-4.1/images/generations"
            "?api-version=2025-04-01-preview",
        ),
        (SINGLE, {}, CHAT, f"{SINGLE}/{CHAT}?api-version=2024-05-01-preview"),
        (f"{SINGLE}/v1", {}, CHAT, f"{SINGLE}/{CHAT}?api-version=2024-05-01-preview"),
        (
            "https://gw.example/ai/openai/deployments",
            {"endpoint_type": "gateway"},
            CHAT,
            "https://gw.example/ai/openai/deployments/gpt-4.1/"
            f"{CHAT}?api-version=2025-04-01-preview",
        ),
        (
            "https://gw.example/phi",
            {"endpoint_type": "single-model"},
            CHAT,
            f"https://gw.example/{CHAT}?api-version=2024-05-01-preview",
        ),
    ],
)
def test_where_a_request_goes(
    base_url: str, options: dict[str, str], path: str, expected: str
) -> None:
    assert url(connection(base_url, **options), path) == expected


@pytest.mark.parametrize("model", ["../../x", "a?b=c", "a#b", "@evil.example/", "%2e%2e"])
def test_a_deployments_name_leads_nowhere_else(model: str) -> None:
    at = connection(FOUNDRY)
    sent = url(at, CHAT, model)
    assert sent.startswith(f"{FOUNDRY}/openai/deployments/")
    folder, _, rest = sent.removeprefix(f"{FOUNDRY}/openai/deployments/").partition("/")
    assert rest == f"{CHAT}?api-version=2025-04-01-preview"
    assert "?" not in folder
    assert "#" not in folder


def test_a_key_is_a_bearer_token_only_where_there_is_a_single_model() -> None:
    wire = WireRequest(CHAT, {})
    assert upstream_headers(connection(FOUNDRY), wire)["api-key"] == "k"
    assert "authorization" not in upstream_headers(connection(FOUNDRY), wire)
    assert upstream_headers(connection(SINGLE), wire)["authorization"] == "Bearer k"
    assert "api-key" not in upstream_headers(connection(SINGLE), wire)


def test_model_inference_gets_its_own_name_for_the_limit() -> None:
    body = {"model": "m", "max_completion_tokens": 5, "stream_options": {}}
    _, sent = addressed(connection(SINGLE), WireRequest(CHAT, body), "openai_chat", "m")
    assert sent.body == {"max_tokens": 5, "model": "m", "stream_options": {}}
    assert sent.headers["extra-parameters"] == "pass-through"
    assert body["max_completion_tokens"] == 5


@pytest.mark.parametrize(("speed", "sent"), [(0.25, True), (4, True), (4.1, False), ("2", False)])
def test_a_speed_that_there_is_not_is_left_out(speed: object, sent: bool) -> None:
    wire = WireRequest("audio/speech", {"speed": speed})
    _, left = addressed(connection(FOUNDRY), wire, "openai_speech", "tts-1")
    assert ("speed" in left.body) is sent


def test_what_an_endpoint_has_not_is_refused_before_anything_is_sent() -> None:
    for base_url, path in ((FOUNDRY, "images/edits"), (SINGLE, "images/generations")):
        with pytest.raises(UnsupportedFeature):
            url(connection(base_url), path)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("base_url", "said"),
    [
        ("https://ai.azure.com/resource/overview", "page for people"),
        ("https://portal.azure.com", "page for people"),
        ("https://openai.azure.com", "name of your resource"),
        ("https://services.ai.azure.com/api/projects/p", "name of your resource"),
        ("http://r.openai.azure.com", "without encryption"),
    ],
)
def test_an_address_that_is_no_endpoint_is_not_stored(base_url: str, said: str) -> None:
    with pytest.raises(InvalidBaseUrl, match=said) as refused:
        create_connection(provider=PROVIDER.slug, base_url=base_url)
    assert refused.value.field == "base_url"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "base_url", [FOUNDRY, f"{FOUNDRY}/api/projects/p", SINGLE, "https://gw.example/ai"]
)
def test_endpoints_of_all_types_are_stored(base_url: str) -> None:
    assert create_connection(provider=PROVIDER.slug, base_url=base_url).base_url == base_url


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        ("gpt-4.1, tts-1", []),
        (["gpt-4.1", "tts-1"], []),
        (7, ["connectors.E003"]),
        (["gpt-4.1", 7], ["connectors.E003"]),
    ],
)
def test_the_settings_of_the_fields_are_checked(
    value: object, ids: list[str], settings: Any
) -> None:
    settings.CONNECTORS = {"AZURE_AI_FOUNDRY_MODEL": value}
    assert [each.id for each in run_checks() if "CONNECTORS" in each.msg] == ids
