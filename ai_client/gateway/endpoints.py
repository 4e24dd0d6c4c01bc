"""The paths that the gateway serves, and what each of them is for.

``find`` is what every door asks; the URLconf of the Django door is made of the same table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from ai_client.capabilities import Capability
from ai_client.errors import EndpointNotFound


class Kind(Enum):
    """What a caller gets of an endpoint."""

    CHAT = "chat"
    """A conversation's next turn, plain or streamed."""
    RESULT = "result"
    """An answer in one piece: vectors, images, speech."""
    COUNT = "count"
    """How many tokens a conversation has."""
    MODELS = "models"
    """Every name that may stand for a model."""
    MODEL = "model"
    """One of these names."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One path. ``dialect`` is the wire format whose gateway face reads and writes.

    In ``path``, ``{model}`` stands for a model's name, which may hold slashes and colons.
    ``stream``: whether the path says that the answer is streamed; None where the body does.
    ``capability`` is of a RESULT.
    """

    path: str
    dialect: str
    kind: Kind = Kind.CHAT
    method: str = "POST"
    stream: bool | None = None
    capability: Capability = Capability.TEXT_GENERATION

    @property
    def names_model(self) -> bool:
        """Whether the path names the model."""
        return "{model}" in self.path


def _google(version: str) -> tuple[Endpoint, ...]:
    """Gemini's methods of a model. Google's SDKs ask for v1 or v1beta, which are alike in them."""
    model = f"/{version}/models/{{model}}"
    embeds = Capability.EMBEDDING_GENERATION
    return (
        Endpoint(f"{model}:generateContent", "google_generate", stream=False),
        Endpoint(f"{model}:streamGenerateContent", "google_generate", stream=True),
        Endpoint(f"{model}:countTokens", "google_count_tokens", Kind.COUNT),
        Endpoint(f"{model}:embedContent", "google_embeddings", Kind.RESULT, capability=embeds),
        Endpoint(
            f"{model}:batchEmbedContents", "google_embeddings", Kind.RESULT, capability=embeds
        ),
    )


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("/v1/chat/completions", "openai_chat"),
    Endpoint("/v1/responses", "openai_responses"),
    Endpoint("/v1/messages", "anthropic_messages"),
    Endpoint("/v1/messages/count_tokens", "anthropic_count_tokens", Kind.COUNT),
    Endpoint(
        "/v1/embeddings",
        "openai_embeddings",
        Kind.RESULT,
        capability=Capability.EMBEDDING_GENERATION,
    ),
    Endpoint(
        "/v1/images/generations",
        "openai_images",
        Kind.RESULT,
        capability=Capability.IMAGE_GENERATION,
    ),
    Endpoint(
        "/v1/audio/speech",
        "openai_speech",
        Kind.RESULT,
        capability=Capability.TEXT_TO_SPEECH_CONVERSION,
    ),
    *_google("v1"),
    Endpoint("/v1/models", "openai_chat", Kind.MODELS, "GET"),
    Endpoint("/v1/models/{model}", "openai_chat", Kind.MODEL, "GET"),
    *_google("v1beta"),
    Endpoint("/v1beta/models", "google_generate", Kind.MODELS, "GET"),
    Endpoint("/v1beta/models/{model}", "google_generate", Kind.MODEL, "GET"),
)
"""All endpoints; of two that fit a path the first counts."""


@dataclass(frozen=True, slots=True)
class Found:
    """The endpoint of a path, and the model that the path names."""

    endpoint: Endpoint
    model: str = ""


def find(path: str) -> Found | None:
    """The endpoint of a path, None where there is none. ``path`` is without percent signs."""
    found = _PLAIN.get(path)
    if found is not None:
        return found
    for endpoint, before, after in _NAMING:
        model = path[len(before) : len(path) - len(after)]
        if path.startswith(before) and path.endswith(after) and model:
            return Found(endpoint, model)
    return None


def not_served(path: str) -> EndpointNotFound:
    """The error for a path that ``find`` does not find."""
    served = ", ".join(each.path for each in ENDPOINTS)
    return EndpointNotFound(f"The gateway does not serve {path}. It serves {served}.")


def _split(endpoint: Endpoint) -> tuple[Endpoint, str, str]:
    before, _, after = endpoint.path.partition("{model}")
    return endpoint, before, after


_PLAIN: Mapping[str, Found] = {each.path: Found(each) for each in ENDPOINTS if not each.names_model}
_NAMING = tuple(_split(each) for each in ENDPOINTS if each.names_model)
