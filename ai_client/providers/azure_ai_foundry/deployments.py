"""Deployments as models: what each is for, by its name and by what the connection says it has.

A deployment has the name that somebody gave it; usually that is the model's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import chain
from typing import Final, TypeAlias

from ai_client.providers import (
    EMBEDDING_OPTIONS,
    TALKS,
    Capability,
    JsonValue,
    MediaOrientation,
    Modality,
    ModelKind,
    ModelMetadata,
    Option,
    SupportedOption,
    media_options,
)

CAPABILITIES: Final = (
    Capability.TEXT_GENERATION,
    Capability.CHAT_HISTORY,
    Capability.IMAGE_GENERATION,
    Capability.EMBEDDING_GENERATION,
    Capability.TEXT_TO_SPEECH_CONVERSION,
)
"""What a connection may be said to have, in the order in which its models are listed."""

PREFIXES: Final[Mapping[str, tuple[str, ...]]] = {
    "image": ("gpt-image", "dall-e"),
    "embedding": ("text-embedding",),
    "tts": ("tts", "gpt-4o-mini-tts"),
}
"""How names of deployments begin that are no text models, the better first."""

_NO_PROMPTS: Final = ("whisper",)
_OTHERS: Final = (
    (Capability.IMAGE_GENERATION, "image", "Image"),
    (Capability.EMBEDDING_GENERATION, "embedding", "Embedding"),
    (Capability.TEXT_TO_SPEECH_CONVERSION, "tts", "TTS"),
)
_TEXT, _IMAGE, _AUDIO, _DOCUMENT = (
    Modality.TEXT,
    Modality.IMAGE,
    Modality.AUDIO,
    Modality.DOCUMENT,
)

TEXT_OPTIONS: Final = (
    SupportedOption(
        Option.INPUT_MODALITIES,
        (
            (_TEXT,),
            (_TEXT, _IMAGE),
            (_TEXT, _IMAGE, _AUDIO),
            (_TEXT, _DOCUMENT),
            (_TEXT, _IMAGE, _DOCUMENT),
        ),
    ),
    SupportedOption(Option.OUTPUT_MODALITIES, ((_TEXT,),)),
    SupportedOption(Option.SYSTEM_INSTRUCTION),
    SupportedOption(Option.TEMPERATURE),
    SupportedOption(Option.MAX_TOKENS),
    SupportedOption(Option.TOP_P),
    SupportedOption(Option.TOP_K),
    SupportedOption(Option.CANDIDATE_COUNT),
    SupportedOption(Option.STOP_SEQUENCES),
    SupportedOption(Option.PRESENCE_PENALTY),
    SupportedOption(Option.FREQUENCY_PENALTY),
    SupportedOption(Option.LOGPROBS),
    SupportedOption(Option.TOP_LOGPROBS),
    SupportedOption(Option.OUTPUT_MIME_TYPE, ("text/plain", "application/json")),
    SupportedOption(Option.OUTPUT_SCHEMA),
    SupportedOption(Option.FUNCTION_DECLARATIONS),
    SupportedOption(Option.CUSTOM_OPTIONS),
)
IMAGE_OPTIONS: Final = media_options(
    Modality.IMAGE,
    ratios=("1:1", "3:2", "7:4", "2:3", "4:7"),
    orientations=tuple(MediaOrientation),
    mime_types=("image/png", "image/jpeg", "image/webp"),
)
EMBEDDING_MODEL_OPTIONS: Final = (
    *EMBEDDING_OPTIONS,
    SupportedOption(Option.OUTPUT_MIME_TYPE, ("application/json", "application/base64")),
)
SPEECH_OPTIONS: Final = (
    SupportedOption(Option.INPUT_MODALITIES, ((_TEXT,),)),
    SupportedOption(Option.OUTPUT_MODALITIES, ((_AUDIO,),)),
    SupportedOption(
        Option.OUTPUT_MIME_TYPE,
        ("audio/mpeg", "audio/ogg", "audio/aac", "audio/flac", "audio/wav", "audio/pcm"),
    ),
    SupportedOption(Option.OUTPUT_SPEECH_VOICE),
    SupportedOption(Option.CUSTOM_OPTIONS),
)
_SPEAKS: Final = (Capability.TEXT_TO_SPEECH_CONVERSION, Capability.SPEECH_GENERATION)

_Able: TypeAlias = tuple[tuple[Capability, ...], tuple[SupportedOption, ...]]

_ABILITIES: Final[Mapping[Capability, _Able]] = {
    Capability.TEXT_GENERATION: (TALKS, TEXT_OPTIONS),
    Capability.IMAGE_GENERATION: ((Capability.IMAGE_GENERATION,), IMAGE_OPTIONS),
    Capability.EMBEDDING_GENERATION: (
        (Capability.EMBEDDING_GENERATION,),
        EMBEDDING_MODEL_OPTIONS,
    ),
    Capability.TEXT_TO_SPEECH_CONVERSION: (_SPEAKS, SPEECH_OPTIONS),
}


def _patterns(kind: str) -> tuple[str, ...]:
    return tuple(f"{prefix}*" for prefix in PREFIXES[kind])


KINDS: Final = (
    *(ModelKind(_patterns(kind), *_ABILITIES[capability]) for capability, kind, _ in _OTHERS),
    ModelKind(("*",), *_ABILITIES[Capability.TEXT_GENERATION]),
)


def parse_names(value: JsonValue) -> tuple[str, ...]:
    """The names in a text with commas, or in a list, as Django's settings may have it."""
    words = value if isinstance(value, list | tuple) else str(value or "").split(",")
    return tuple(name for each in words if isinstance(each, str) and (name := each.strip()))


def parse_capabilities(value: JsonValue) -> tuple[Capability, ...]:
    """The capabilities in such a text or list; what is none is left out."""
    return tuple(Capability(word) for word in parse_names(value) if word in CAPABILITIES)


def all_of(names: Iterable[str], kind: str) -> tuple[str, ...]:
    """The deployments for that, the best first."""
    listed = tuple(names)
    if kind == "text":
        others = (*chain.from_iterable(PREFIXES.values()), *_NO_PROMPTS)
        return tuple(name for name in listed if not name.lower().startswith(others))
    return tuple(
        name
        for prefix in PREFIXES.get(kind, ())
        for name in listed
        if name.lower().startswith(prefix)
    )


def name_models(
    names: tuple[str, ...], options: Mapping[str, JsonValue]
) -> tuple[ModelMetadata, ...]:
    """The models of a connection: its deployments, for the capabilities that it has.

    ``options`` are its fields. A capability without a deployment gives none.
    """
    deployments = (*filter(None, names), *parse_names(options.get("deployments")))
    return _models(deployments, parse_capabilities(options.get("capabilities")))


@lru_cache(maxsize=512)
def _models(
    names: tuple[str, ...], capabilities: tuple[Capability, ...]
) -> tuple[ModelMetadata, ...]:
    return tuple(_listed(tuple(dict.fromkeys(names)), capabilities or TALKS))


def _listed(
    names: tuple[str, ...], capabilities: tuple[Capability, ...]
) -> Iterator[ModelMetadata]:
    unknown = all_of(names, "text")
    if Capability.TEXT_GENERATION in capabilities:
        for name in unknown:
            yield ModelMetadata(name, name, *_ABILITIES[Capability.TEXT_GENERATION])
        unknown = ()
    for capability, kind, word in _OTHERS:
        if capability not in capabilities:
            continue
        found = all_of(names, kind)
        if not found:
            # A name of somebody's own says nothing, so what the connection is for decides.
            found, unknown = unknown, ()
        for name in found:
            yield ModelMetadata(name, f"{name} ({word})", *_ABILITIES[capability])
