"""No setting of a request is ignored in silence, by any dialect for conversations.

A dialect says it, refuses it before anything is sent, or leaves it out with a warning that names
it. Dialects and settings are found by being there; a new setting needs a value here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import pytest

from ai_client.capabilities import FileType, MediaOrientation, Modality
from ai_client.errors import InvalidRequest, UnsupportedFeature
from ai_client.messages import (
    FunctionDeclaration,
    GenerationRequest,
    MessagePart,
    ModelConfig,
    Reasoning,
    ToolChoice,
    WebSearch,
    user_message,
)
from ai_client.wire import ClientFace, Target, UnknownWireFormat, client_face, wire_formats

PLAIN = ModelConfig()
FUNCTIONS = (FunctionDeclaration("weather", "The weather.", {"type": "object"}),)
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}

MODELS = {
    "anthropic_messages": ("claude-sonnet-4-6", "claude-opus-5-5"),
    "google_generate": (
        "gemini-2.5-flash",
        "gemini-3.5-flash",
        "gemini-3.1-flash-image",
        "gemini-2.5-flash-preview-tts",
    ),
    "openai_chat": ("gpt-4o-mini", "gpt-5.4-mini", "gpt-audio"),
    "openai_responses": ("gpt-4o-mini", "gpt-5-pro"),
}


@dataclass(frozen=True)
class Setting:
    """A field of the configuration with a telling value, and what it needs beside it."""

    name: str
    value: Any
    beside: ModelConfig = PLAIN

    def __str__(self) -> str:
        return f"{self.name}={self.value}"[:60]


WITH_FUNCTIONS = ModelConfig(function_declarations=FUNCTIONS)
SPOKEN = ModelConfig(output_modalities=(Modality.TEXT, Modality.AUDIO))
SETTINGS = (
    Setting("system_instruction", (MessagePart("Be brief."),)),
    Setting("candidate_count", 2),
    Setting("max_tokens", 77),
    Setting("temperature", 0.25),
    Setting("top_p", 0.5),
    Setting("top_k", 7),
    Setting("stop_sequences", ("END",)),
    Setting("presence_penalty", 0.5),
    Setting("frequency_penalty", 0.5),
    Setting("seed", 7),
    Setting("logprobs", True),
    Setting("top_logprobs", 3, ModelConfig(logprobs=True)),
    Setting("function_declarations", FUNCTIONS),
    Setting("tool_choice", ToolChoice("required"), WITH_FUNCTIONS),
    Setting("parallel_tool_calls", False, WITH_FUNCTIONS),
    Setting("output_mime_type", "application/json"),
    Setting("output_mime_type", "text/x.enum"),
    Setting("output_mime_type", "image/png"),
    Setting("output_mime_type", "audio/mpeg"),
    Setting("output_schema", SCHEMA),
    Setting("output_modalities", (Modality.IMAGE,)),
    Setting("output_modalities", (Modality.AUDIO,)),
    Setting("output_modalities", (Modality.VIDEO,)),
    Setting("output_modalities", (Modality.TEXT, Modality.IMAGE)),
    Setting("output_file_type", FileType.REMOTE),
    Setting("output_media_orientation", MediaOrientation.PORTRAIT),
    Setting("output_media_aspect_ratio", "16:9"),
    Setting("output_speech_voice", "Puck"),
    Setting(
        "output_speech_voice",
        "Puck",
        ModelConfig(output_modalities=(Modality.TEXT, Modality.AUDIO)),
    ),
    Setting("dimensions", 256),
    Setting("web_search", WebSearch()),
    Setting("web_search", WebSearch(allowed_domains=("example.com",)), ModelConfig(seed=1)),
    Setting("web_search", WebSearch(disallowed_domains=("example.com",)), ModelConfig(seed=1)),
    Setting("reasoning", Reasoning("high")),
    Setting("reasoning", Reasoning(budget_tokens=2048)),
    Setting("end_user", "somebody"),
    Setting("custom_options", {"x": 1}),
)
NO_REQUEST_OF_ITS_OWN = {
    "output_schema_name": "a label on the schema; only OpenAI has a place for it",
    "output_schema_strict": "how closely the schema is kept; the others always keep it",
}


def clients() -> Mapping[str, ClientFace]:
    found = {}
    for name in wire_formats():
        try:
            found[name] = client_face(name)
        except UnknownWireFormat:
            continue
    return found


CLIENTS = clients()


def test_every_setting_and_every_dialect_is_covered() -> None:
    named = {setting.name for setting in SETTINGS} | NO_REQUEST_OF_ITS_OWN.keys()
    assert named == {each.name for each in fields(ModelConfig)}
    assert set(MODELS) == set(CLIENTS)


def sent(face: ClientFace, model: str, config: ModelConfig) -> tuple[Any, tuple[str, ...]]:
    request = GenerationRequest((user_message("Hi"),), config)
    wire = face.render_request(request, Target(model, "Somebody"))
    return (wire.path, dict(wire.query), wire.body), wire.warnings


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
@pytest.mark.parametrize(
    ("wire", "model"), [(wire, model) for wire, models in MODELS.items() for model in models]
)
def test_a_setting_is_said_refused_or_left_out_with_a_warning(
    wire: str, model: str, setting: Setting
) -> None:
    face = CLIENTS[wire]
    try:
        plain, _ = sent(face, model, setting.beside)
        said, warnings = sent(face, model, replace(setting.beside, **{setting.name: setting.value}))
    except (UnsupportedFeature, InvalidRequest):
        return
    assert said != plain or any(setting.name in warning for warning in warnings)


@pytest.mark.parametrize("wire", CLIENTS)
def test_text_as_output_is_what_every_dialect_gives(wire: str) -> None:
    model = MODELS[wire][0]
    plain, _ = sent(CLIENTS[wire], model, ModelConfig())
    said, warnings = sent(CLIENTS[wire], model, ModelConfig(output_modalities=(Modality.TEXT,)))
    assert said == plain
    assert not warnings
