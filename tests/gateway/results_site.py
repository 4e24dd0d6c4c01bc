"""Connections for what is no conversation: to the simulator as OpenAI and Google, and to Azure."""

from __future__ import annotations

from typing import Any

from ai_client.simulator.azure import AzureSimulator
from tests.live_site import UPSTREAM_KEY, Site

EMBEDDING = "text-embedding-3-small"
IMAGE = "gpt-image-2"
SPEECH = "gpt-4o-mini-tts"
GOOGLE_EMBEDDING = "gemini-embedding-2"
GOOGLE_IMAGE = "gemini-3-pro-image"
GOOGLE_SPEECH = "gemini-3.1-flash-tts"
DEPLOYMENTS = {name: name for name in ("gpt-4.1", EMBEDDING, "gpt-image-1", "tts-1")}
CAPABILITIES = "text_generation, embedding_generation, image_generation, text_to_speech_conversion"


def openai_like(site: Site, model: str, **more: Any) -> dict[str, Any]:
    """A connection to OpenAI with a model of its own."""
    return site.upstream("openai_chat", model=model, **more)


def google(site: Site, model: str, **more: Any) -> dict[str, Any]:
    """A connection to Google with a model of its own."""
    return site.upstream("google_generate", model=model, **more)


def azure(simulator: AzureSimulator, **more: Any) -> dict[str, Any]:
    """A connection to a resource at Azure with a deployment for each purpose."""
    return {
        "name": "azure",
        "provider": "azure-ai-foundry",
        "base_url": simulator.address,
        "api_key": UPSTREAM_KEY,
        "fields": {
            "deployments": ", ".join(DEPLOYMENTS),
            "capabilities": CAPABILITIES,
            "endpoint_type": "foundry",
        },
        **more,
    }


def upstream_body(site: Site) -> Any:
    """What the one upstream request asked for."""
    (request,) = site.simulator.requests
    return request.json
