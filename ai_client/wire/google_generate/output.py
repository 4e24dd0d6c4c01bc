"""What an answer is to be made of: text, pictures, speech, and of which kind.

https://ai.google.dev/gemini-api/docs/image-generation,
https://ai.google.dev/gemini-api/docs/speech-generation
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ai_client.capabilities import Capability, FileType, MediaOrientation, Modality
from ai_client.errors import UnsupportedFeature
from ai_client.messages import GenerationRequest, JsonValue, ModelConfig
from ai_client.wire.google_generate.model import Model

DEFAULT_VOICE: Final = "Kore"
"""The voice that speaks where none is asked for: the one of the PHP AI Client."""

_WORDS: Final[Mapping[Modality, str]] = {
    Modality.TEXT: "TEXT",
    Modality.IMAGE: "IMAGE",
    Modality.AUDIO: "AUDIO",
}
_OF_CAPABILITY: Final[Mapping[Capability, Modality]] = {
    Capability.IMAGE_GENERATION: Modality.IMAGE,
    Capability.SPEECH_GENERATION: Modality.AUDIO,
    Capability.TEXT_TO_SPEECH_CONVERSION: Modality.AUDIO,
}
_RATIOS: Final[Mapping[MediaOrientation, str]] = {
    MediaOrientation.SQUARE: "1:1",
    MediaOrientation.LANDSCAPE: "16:9",
    MediaOrientation.PORTRAIT: "9:16",
}
_WAV: Final = ("audio/wav", "audio/x-wav", "audio/wave")


def render_output(
    request: GenerationRequest, model: Model, warnings: list[str]
) -> dict[str, JsonValue]:
    """The fields of ``generationConfig``. ``UnsupportedFeature`` for what Google does not make.

    Text alone is not asked for in so many words, except from models that would draw as well.
    """
    config = request.config
    wanted = _wanted(request)
    draws, speaks = Modality.IMAGE in wanted, Modality.AUDIO in wanted
    if config.output_file_type is FileType.REMOTE:
        raise UnsupportedFeature(
            f"{model.provider} answers with files themselves, not with addresses.",
            param="output_file_type",
        )
    if (draws or speaks) and (config.candidate_count or 1) > 1:
        raise UnsupportedFeature(
            f"{model.provider} gives one {'picture' if draws else 'recording'} at a time; ask"
            " several times.",
            param="candidate_count",
        )
    fields: dict[str, JsonValue] = {}
    if draws or speaks or (wanted and model.draws):
        fields["responseModalities"] = [_WORDS[each] for each in wanted]
    if ratio := _ratio(config):
        if not draws:
            raise UnsupportedFeature(
                f"{model.provider} gives an aspect ratio to pictures only; ask for the output"
                " modality image.",
                param="output_media_aspect_ratio",
            )
        fields["imageConfig"] = {"aspectRatio": ratio}
    if config.output_speech_voice and not speaks:
        warnings.append("output_speech_voice")
    elif config.output_speech_voice:
        fields["speechConfig"] = _speech(config.output_speech_voice)
    if (mime_type := _mime_type(config, model, draws=draws, speaks=speaks)) is not None:
        fields["responseMimeType"] = mime_type
    if config.output_schema is not None:
        fields["responseJsonSchema"] = dict(config.output_schema)
    return fields


def with_voice(body: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """``body`` with the default voice where it asks for speech and says nothing of the voice."""
    generation = body.get("generationConfig")
    if (
        not isinstance(generation, dict)
        or "speechConfig" in generation
        or "AUDIO" not in (generation.get("responseModalities") or ())
    ):
        return body
    return {**body, "generationConfig": {**generation, "speechConfig": _speech(DEFAULT_VOICE)}}


def _wanted(request: GenerationRequest) -> tuple[Modality, ...]:
    wanted = request.config.output_modalities
    if not wanted:
        implied = _OF_CAPABILITY.get(request.capability)
        return () if implied is None else (implied,)
    for modality in wanted:
        if modality not in _WORDS:
            raise UnsupportedFeature(
                f"Gemini answers in text, pictures or speech, not in {modality}.",
                param="output_modalities",
            )
    return wanted


def _ratio(config: ModelConfig) -> str | None:
    if config.output_media_aspect_ratio is not None:
        return config.output_media_aspect_ratio
    orientation = config.output_media_orientation
    return None if orientation is None else _RATIOS[orientation]


def _speech(voice: str) -> dict[str, JsonValue]:
    return {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": voice}}}


def _mime_type(config: ModelConfig, model: Model, *, draws: bool, speaks: bool) -> str | None:
    """``responseMimeType``, which is about text; pictures and speech have a type of their own."""
    wanted = config.output_mime_type
    if config.output_schema is not None:
        return "application/json"
    if wanted is None or (speaks and wanted in _WAV):
        return None
    if draws and wanted.startswith("image/"):
        raise UnsupportedFeature(
            f"{model.provider} chooses the format of a picture itself; leave {wanted} out.",
            param="output_mime_type",
        )
    if wanted.startswith(("image/", "audio/", "video/")):
        raise UnsupportedFeature(
            f"{model.provider} makes no {wanted} here; speech comes as audio/wav.",
            param="output_mime_type",
        )
    return wanted
