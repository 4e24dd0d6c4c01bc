"""Who answers: the simulators in each dialect, as connections of the site."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ai_client.simulator.azure import AzureSimulator
from tests.live_site import UPSTREAM_KEY, Site


@dataclass(frozen=True, slots=True)
class Upstream:
    """An upstream. ``thinking`` is its model that thinks, ``unasked`` says that it does so always.

    ``marks`` is a text of the upstream's own that stands in a request once for each thought that
    came back to it, signed or not.
    """

    name: str
    provider: str
    path: str
    model: str
    thinking: str
    marks: str
    unasked: bool = False
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The name of its connection."""
        return self.provider

    def connection(
        self, site: Site, azure: AzureSimulator, *, failure: str = "", thinks: bool = False
    ) -> dict[str, Any]:
        """A connection to it that fails as ``failure`` says."""
        return {
            "name": self.label,
            "provider": self.provider,
            "base_url": self._address(site, azure, failure),
            "api_key": UPSTREAM_KEY,
            "model": self.thinking if thinks else self.model,
            **self.more,
        }

    def _address(self, site: Site, azure: AzureSimulator, failure: str) -> str:
        if self.provider == "azure-ai-foundry" and not failure:
            return azure.address
        # What stands for Azure itself cannot fail; behind a proxy with Azure's paths, all can.
        prefix = f"/fail/{failure}" if failure else ""
        return f"http://127.0.0.1:{site.simulator.port}{prefix}{self.path}"


DEPLOYMENTS = {"our-gpt": "gpt-4.1", "our-reasoner": "deepseek-reasoner"}
UPSTREAMS = (
    Upstream(
        "OpenAI Chat Completions",
        "openai-compatible",
        "/v1",
        "gpt-simulated",
        "deepseek-reasoner",
        '"reasoning_content":',
        unasked=True,
    ),
    Upstream(
        "OpenAI Responses",
        "openai",
        "/v1",
        "gpt-5.4-pro",
        "gpt-5.4-pro",
        '"encrypted_content":',
    ),
    Upstream(
        "Anthropic", "anthropic", "", "claude-sonnet-4-6", "claude-sonnet-4-6", '"signature":'
    ),
    Upstream("Google", "google", "", "gemini-3.8-flash", "gemini-3-signed", '"thoughtSignature":'),
    Upstream(
        "Azure",
        "azure-ai-foundry",
        "",
        "our-gpt",
        "our-reasoner",
        '"reasoning_content":',
        unasked=True,
        more={"fields": {"deployments": ", ".join(DEPLOYMENTS), "endpoint_type": "gateway"}},
    ),
)
"""In the order of the document."""
