"""``generationConfig`` of a caller of this dialect.

https://ai.google.dev/api/generate-content#generationconfig
"""

from __future__ import annotations

import re
from typing import Final, TypedDict

from ai_client.capabilities import Modality
from ai_client.errors import InvalidRequest
from ai_client.google_fields import GoogleFields
from ai_client.messages import JsonObject, Reasoning
from ai_client.wire.google_generate.gateway_schema import parse_schema

_READ: Final = frozenset(
    (
        "temperature", "topP", "topK", "candidateCount", "maxOutputTokens", "stopSequences",
        "presencePenalty", "frequencyPenalty", "seed", "responseLogprobs", "logprobs",
        "responseMimeType", "responseSchema", "responseJsonSchema", "thinkingConfig",
        "responseModalities", "speechConfig", "imageConfig",
    )
)  # fmt: skip
# What the answer is to be, so that leaving it out would be another answer.
_UNTRANSLATABLE: Final = ("responseFormat", "translationConfig", "audioTranscriptionConfig")
_MODALITIES: Final = {
    "TEXT": Modality.TEXT,
    "IMAGE": Modality.IMAGE,
    "AUDIO": Modality.AUDIO,
    "VIDEO": Modality.VIDEO,
}
_RATIO = re.compile(r"[1-9]\d{0,3}:[1-9]\d{0,3}")
_ENUM: Final = "text/x.enum"


class Settings(TypedDict, total=False):
    """The fields of ``ModelConfig`` that a ``generationConfig`` says."""

    temperature: float | None
    top_p: float | None
    top_k: int | None
    candidate_count: int | None
    max_tokens: int | None
    stop_sequences: tuple[str, ...] | None
    presence_penalty: float | None
    frequency_penalty: float | None
    seed: int | None
    logprobs: bool | None
    top_logprobs: int | None
    output_mime_type: str | None
    output_schema: JsonObject | None
    output_modalities: tuple[Modality, ...] | None
    output_media_aspect_ratio: str | None
    output_speech_voice: str | None
    reasoning: Reasoning | None


def parse_generation(body: GoogleFields, untranslatable: list[str], dropped: list[str]) -> Settings:
    """What it says; ``untranslatable`` and ``dropped`` get the paths of what else there is."""
    fields = body.object("generationConfig")
    if fields is None:
        return {}
    untranslatable += [fields.at(name) for name in _UNTRANSLATABLE if name in fields]
    dropped += [
        fields.at(name)
        for name in fields.values
        if name in fields and name not in _READ and name not in _UNTRANSLATABLE
    ]
    mime_type, schema = _format(fields, untranslatable)
    return Settings(
        temperature=fields.number("temperature", 0, 2),
        top_p=fields.number("topP", 0, 1),
        top_k=fields.integer("topK", 1),
        candidate_count=fields.integer("candidateCount", 1, 8),
        max_tokens=fields.integer("maxOutputTokens", 1),
        stop_sequences=fields.texts("stopSequences") or None,
        presence_penalty=fields.number("presencePenalty", -2, 2),
        frequency_penalty=fields.number("frequencyPenalty", -2, 2),
        seed=fields.integer("seed"),
        logprobs=fields.boolean("responseLogprobs"),
        top_logprobs=fields.integer("logprobs", 0, 20),
        output_mime_type=mime_type,
        output_schema=schema,
        output_modalities=_modalities(fields) or None,
        output_media_aspect_ratio=_ratio(fields, dropped),
        output_speech_voice=_voice(fields, untranslatable, dropped),
        reasoning=_reasoning(fields, dropped),
    )


def _format(
    fields: GoogleFields, untranslatable: list[str]
) -> tuple[str | None, JsonObject | None]:
    mime_type = (fields.text("responseMimeType") or "").lower()
    older, newer = fields.object("responseSchema"), fields.get("responseJsonSchema")
    if older is not None and newer is not None:
        raise InvalidRequest(
            f"'{fields.at('responseSchema')}' and '{fields.at('responseJsonSchema')}' exclude each"
            " other.",
            param=fields.at("responseJsonSchema"),
        )
    if mime_type == _ENUM:
        # One of the schema's words, bare; nobody else has that.
        untranslatable.append(f"{fields.at('responseMimeType')} ({_ENUM})")
        return None, None
    schema: JsonObject | None = None if older is None else parse_schema(older)
    if newer is not None:
        # JSON Schema as it is, whatever its fields are called.
        fields.object("responseJsonSchema")
        schema = dict(newer) if isinstance(newer, dict) else None
    return (mime_type if mime_type not in ("", "text/plain") else None), schema


def _modalities(fields: GoogleFields) -> tuple[Modality, ...]:
    found = []
    for number, word in enumerate(fields.texts("responseModalities")):
        if word.upper() == "MODALITY_UNSPECIFIED":
            continue
        if word.upper() not in _MODALITIES:
            path = f"{fields.at('responseModalities')}[{number}]"
            raise InvalidRequest(f"'{path}' must be TEXT, IMAGE or AUDIO.", param=path)
        found.append(_MODALITIES[word.upper()])
    return tuple(dict.fromkeys(found))


def _ratio(fields: GoogleFields, dropped: list[str]) -> str | None:
    image = fields.object("imageConfig")
    if image is None:
        return None
    dropped += [image.at(name) for name in image.values if name != "aspectRatio" and name in image]
    ratio = image.text("aspectRatio") or None
    if ratio is not None and not _RATIO.fullmatch(ratio):
        raise InvalidRequest(
            f"'{image.at('aspectRatio')}' must be like 16:9.", param=image.at("aspectRatio")
        )
    return ratio


def _voice(fields: GoogleFields, untranslatable: list[str], dropped: list[str]) -> str | None:
    speech = fields.object("speechConfig")
    if speech is None:
        return None
    if "multiSpeakerVoiceConfig" in speech:
        untranslatable.append(speech.at("multiSpeakerVoiceConfig"))
    if "languageCode" in speech:
        dropped.append(speech.at("languageCode"))
    voice = speech.object("voiceConfig")
    prebuilt = None if voice is None else voice.object("prebuiltVoiceConfig")
    if voice is not None and prebuilt is None:
        untranslatable.append(voice.path)
    return None if prebuilt is None else prebuilt.text("voiceName") or None


def _reasoning(fields: GoogleFields, dropped: list[str]) -> Reasoning | None:
    thinking = fields.object("thinkingConfig")
    if thinking is None:
        return None
    shows = thinking.boolean("includeThoughts")
    level, budget = thinking.word("thinkingLevel"), thinking.integer("thinkingBudget", -1)
    if level is not None:
        return Reasoning(effort=level.lower())
    if budget is not None and budget >= 0:
        return Reasoning(budget_tokens=budget)
    # As much as the model sees fit, which is everybody's default; others do not show it unasked.
    if shows:
        dropped.append(thinking.at("includeThoughts"))
    return None
