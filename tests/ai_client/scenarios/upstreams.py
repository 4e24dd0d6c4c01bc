"""The five kinds of upstream: which models they have here, and what the simulator shows of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ai_client.simulator import Simulator
from ai_client.simulator.azure import AzureSimulator

KEY = "sk-canary-upstream-key-0123456789abcdef"
"""The only key that the simulators take."""

MEDIA = ("image", "embedding", "text_to_speech", "speech", "video")


@dataclass(frozen=True, slots=True)
class Upstream:
    """A provider with its models.

    ``model`` is its own one, ``others`` what the connection names besides. ``thinker`` is a model
    that thinks; its thoughts are hidden, told, or told and signed. ``marks_errors``: whether the
    dialect tells a function's error from a result. ``stand_in`` is asked where this one fails.
    """

    slug: str
    dialect: str
    model: str
    others: tuple[str, ...]
    thinker: str
    thoughts: Literal["hidden", "told", "signed"]
    marks_errors: bool
    voice: str
    stand_in: str

    def connection(
        self, simulator: Simulator, azure: AzureSimulator, failure: str | None = None, **more: Any
    ) -> dict[str, Any]:
        """A connection to this upstream, which fails as ``failure`` says.

        With an empty text only models that are called so fail.
        """
        return {
            "name": f"{self.slug}-main",
            "provider": self.slug,
            "base_url": simulator.base_url(self.dialect, failure or ""),
            "api_key": KEY,
            "model": self.model,
            "models": list(self.others),
            "timeout": 60.0,
            **more,
        }

    def without_models(self) -> dict[str, Any]:
        """What a connection says that names no model."""
        return {"model": "", "models": []}


class Azure(Upstream):
    """Deployments at a resource; behind a gateway where they are to fail."""

    def connection(
        self, simulator: Simulator, azure: AzureSimulator, failure: str | None = None, **more: Any
    ) -> dict[str, Any]:
        fields = {
            "deployments": ", ".join((self.model, *self.others)),
            "capabilities": "text_generation, chat_history, image_generation, "
            "embedding_generation, text_to_speech_conversion",
            "endpoint_type": "foundry",
        }
        base_url = azure.address
        if failure is not None:
            fields["endpoint_type"] = "gateway"
            base_url = simulator.base_url("openai", failure).removesuffix("/v1")
        return {
            "name": f"{self.slug}-main",
            "provider": self.slug,
            "base_url": base_url,
            "api_key": KEY,
            "fields": fields,
            "timeout": 60.0,
            **more,
        }

    def without_models(self) -> dict[str, Any]:
        return {"fields": {"deployments": "", "capabilities": "", "endpoint_type": "foundry"}}


OPENAI = Upstream(
    slug="openai",
    dialect="openai",
    model="gpt-4.1",
    others=(
        "gpt-audio",
        "gpt-image-1",
        "text-embedding-3-small",
        "gpt-4o-mini-tts",
        "sora-2",
    ),
    thinker="gpt-5.4-mini",
    thoughts="hidden",
    marks_errors=False,
    voice="nova",
    stand_in="anthropic",
)
ANTHROPIC = Upstream(
    slug="anthropic",
    dialect="anthropic",
    model="claude-sonnet-4-5",
    others=(),
    thinker="claude-sonnet-4-5",
    thoughts="signed",
    marks_errors=True,
    voice="",
    stand_in="google",
)
GOOGLE = Upstream(
    slug="google",
    dialect="google",
    model="gemini-3-signed",
    others=(
        "gemini-3.1-flash-image",
        "imagen-4.0-generate-001",
        "gemini-embedding-2",
        "gemini-3.8-flash-tts",
        "veo-3.1-generate-preview",
    ),
    thinker="gemini-3-signed",
    thoughts="signed",
    marks_errors=True,
    voice="Kore",
    stand_in="openai",
)
AZURE = Azure(
    slug="azure-ai-foundry",
    dialect="openai",
    model="gpt-4.1",
    others=("gpt-image-1", "text-embedding-3-small", "tts-1"),
    thinker="gpt-4.1",
    thoughts="hidden",
    marks_errors=False,
    voice="nova",
    stand_in="anthropic",
)
COMPATIBLE = Upstream(
    slug="openai-compatible",
    dialect="openai",
    model="llama-3.3-70b",
    others=(
        "deepseek-reasoner",
        "gpt-audio",
        "gpt-image-1",
        "nomic-embed-text",
        "gpt-4o-mini-tts",
        "sora-2",
    ),
    thinker="deepseek-reasoner",
    thoughts="told",
    marks_errors=False,
    voice="nova",
    stand_in="anthropic",
)
UPSTREAMS = (OPENAI, ANTHROPIC, GOOGLE, AZURE, COMPATIBLE)
BY_SLUG = {each.slug: each for each in UPSTREAMS}
