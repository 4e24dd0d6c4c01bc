"""What the tests of Google's dialect share: the face under test and shorthands for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from google.genai import types as sdk

from ai_client.messages import (
    GenerationRequest,
    Message,
    ModelConfig,
    user_message,
)
from ai_client.wire import Target, WireRequest, client_face

FIXTURES = Path(__file__).parent / "fixtures" / "google_generate"
FACE = client_face("google_generate")


def fixture(name: str) -> bytes:
    return (FIXTURES / name).read_bytes()


def render(
    *messages: Message, model: str = "gemini-3.5-flash", config: ModelConfig | None = None
) -> WireRequest:
    request = GenerationRequest(messages or (user_message("Hi"),), config or ModelConfig())
    return FACE.render_request(request, Target(model))


def contents(*messages: Message, model: str = "gemini-3.5-flash") -> list[dict[str, Any]]:
    rendered: list[dict[str, Any]] = render(*messages, model=model).body["contents"]
    for content in rendered:
        sdk.Content.model_validate(content)
    return rendered
