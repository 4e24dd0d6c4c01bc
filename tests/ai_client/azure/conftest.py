"""Stand-ins for endpoints in Azure, on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache

from ai_client.simulator.azure import AzureSimulator
from ai_client.simulator.server import running
from tests.live_site import forget_this_process

KEY = "az-canary-0123456789abcdefghijklmnop"
DEPLOYMENTS = {
    "gpt-4.1": "gpt-4.1",
    "my deployment/x": "gpt-4.1",
    "gpt-image-1": "gpt-image-1",
    "pictures": "gpt-image-1",
    "text-embedding-3-small": "text-embedding-3-small",
    "tts-1": "tts-1",
}
INFO = {
    "model_name": "Phi-4",
    "model_type": "chat-completion",
    "model_provider_name": "Microsoft",
}


@pytest.fixture(autouse=True)
def local(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Endpoints may be on this machine, and nothing is known of any from before."""
    settings.AI_CLIENT = {**settings.AI_CLIENT, "ALLOW_PRIVATE_HOSTS": ["127.0.0.1"]}
    settings.CONNECTORS = {}
    for name in ("API_KEY", "ENDPOINT", "MODEL", "CAPABILITIES"):
        monkeypatch.delenv(f"AZURE_AI_FOUNDRY_{name}", raising=False)
    forget_this_process()
    cache.clear()
    yield
    forget_this_process()


@pytest.fixture
def resource() -> Iterator[AzureSimulator]:
    """A resource with a deployment of each kind."""
    with running(AzureSimulator(KEY, deployments=DEPLOYMENTS)) as simulator:
        yield simulator


@pytest.fixture
def other_resource() -> Iterator[AzureSimulator]:
    """A resource at another address, which must never see the first one's key."""
    with running(AzureSimulator(KEY, deployments=DEPLOYMENTS)) as simulator:
        yield simulator


@pytest.fixture
def catalogue_only() -> Iterator[AzureSimulator]:
    """A resource in which nothing is deployed."""
    with running(AzureSimulator(KEY)) as simulator:
        yield simulator


@pytest.fixture
def single_model() -> Iterator[AzureSimulator]:
    """An endpoint with one model."""
    with running(AzureSimulator(KEY, info=INFO, single_model=True)) as simulator:
        yield simulator
