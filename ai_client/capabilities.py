"""What models can do, and what a prompt asks of them: values in the PHP AI Client's terms.

``ModelMetadata`` says what a model offers, ``ModelRequirements`` what a prompt needs;
``requirements.py`` infers the one and matches it with the other. ``to_dict`` and ``from_dict``
have the PHP AI Client's array shapes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from typing import Any, Self, TypeAlias, TypeVar

from ai_client.errors import InvalidArgument
from ai_client.values import guarded

JsonValue: TypeAlias = Any
"""A value as ``json.loads`` gives it."""

_Word = TypeVar("_Word", bound=StrEnum)
_PROVIDER_ID = re.compile(r"[a-z0-9_-]+")
_ANY_TYPE = ("string", "number", "boolean", "null", "array", "object")


class Capability(StrEnum):
    """What a model is for. ``CHAT_HISTORY`` is asked for beside another one."""

    TEXT_GENERATION = "text_generation"
    IMAGE_GENERATION = "image_generation"
    TEXT_TO_SPEECH_CONVERSION = "text_to_speech_conversion"
    SPEECH_GENERATION = "speech_generation"
    MUSIC_GENERATION = "music_generation"
    VIDEO_GENERATION = "video_generation"
    EMBEDDING_GENERATION = "embedding_generation"
    CHAT_HISTORY = "chat_history"


class Modality(StrEnum):
    """What goes in or comes out."""

    TEXT = "text"
    DOCUMENT = "document"
    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"


class FileType(StrEnum):
    """Whether a file's content is in the request or behind a URL."""

    INLINE = "inline"
    REMOTE = "remote"


class MediaOrientation(StrEnum):
    """The shape of an image or a video, roughly; an aspect ratio says it exactly."""

    SQUARE = "square"
    LANDSCAPE = "landscape"
    PORTRAIT = "portrait"


class Option(StrEnum):
    """Settings of a request that a model may or may not support; the wire value is camelCase."""

    INPUT_MODALITIES = "inputModalities"
    OUTPUT_MODALITIES = "outputModalities"
    SYSTEM_INSTRUCTION = "systemInstruction"
    CANDIDATE_COUNT = "candidateCount"
    MAX_TOKENS = "maxTokens"
    TEMPERATURE = "temperature"
    TOP_P = "topP"
    TOP_K = "topK"
    STOP_SEQUENCES = "stopSequences"
    PRESENCE_PENALTY = "presencePenalty"
    FREQUENCY_PENALTY = "frequencyPenalty"
    LOGPROBS = "logprobs"
    TOP_LOGPROBS = "topLogprobs"
    FUNCTION_DECLARATIONS = "functionDeclarations"
    WEB_SEARCH = "webSearch"
    OUTPUT_FILE_TYPE = "outputFileType"
    OUTPUT_MIME_TYPE = "outputMimeType"
    OUTPUT_SCHEMA = "outputSchema"
    OUTPUT_MEDIA_ORIENTATION = "outputMediaOrientation"
    OUTPUT_MEDIA_ASPECT_RATIO = "outputMediaAspectRatio"
    OUTPUT_SPEECH_VOICE = "outputSpeechVoice"
    CUSTOM_OPTIONS = "customOptions"


class ProviderType(StrEnum):
    """Where a provider's models run."""

    CLOUD = "cloud"
    SERVER = "server"
    CLIENT = "client"


class AuthenticationMethod(StrEnum):
    """How a provider is authenticated to."""

    API_KEY = "api_key"


@dataclass(frozen=True, slots=True)
class SupportedOption:
    """An option that a model has. ``values`` None: any value; an empty tuple: none at all."""

    name: Option
    values: tuple[JsonValue, ...] | None = None

    def to_dict(self) -> dict[str, JsonValue]:
        shown: dict[str, JsonValue] = {"name": self.name.value}
        if self.values is not None:
            shown["supportedValues"] = thaw(self.values)
        return shown

    @classmethod
    def from_dict(cls, data: Mapping[str, JsonValue]) -> Self:
        """Raises InvalidArgument, as every ``from_dict`` here, for what has another shape."""
        require(data, cls.__name__, "name")
        values = data.get("supportedValues")
        return cls(
            word(Option, data["name"], "name"),
            None if values is None else freeze(listed(values, "supportedValues")),
        )

    @staticmethod
    def json_schema() -> dict[str, JsonValue]:
        """The JSON schema of ``to_dict``, here and below."""
        values = {"type": "array", "items": _any_value()}
        return _object({"name": _words(Option), "supportedValues": values}, "name")


@guarded(frozen=True, slots=True)
class RequiredOption:
    """An option, with its value, that a prompt needs."""

    name: Option
    value: JsonValue

    def to_dict(self) -> dict[str, JsonValue]:
        return {"name": self.name.value, "value": thaw(self.value)}

    @classmethod
    def from_dict(cls, data: Mapping[str, JsonValue]) -> Self:
        require(data, cls.__name__, "name", "value")
        return cls(word(Option, data["name"], "name"), freeze(data["value"]))

    @staticmethod
    def json_schema() -> dict[str, JsonValue]:
        return _object({"name": _words(Option), "value": _any_value()}, "name", "value")


@dataclass(frozen=True, slots=True)
class ModelMetadata:
    """What is known of a model: its id at the provider, its name, what it can do."""

    id: str
    name: str
    capabilities: tuple[Capability, ...] = ()
    options: tuple[SupportedOption, ...] = ()

    def to_dict(self) -> dict[str, JsonValue]:
        return {
            "id": self.id,
            "name": self.name,
            "supportedCapabilities": [each.value for each in self.capabilities],
            "supportedOptions": [each.to_dict() for each in self.options],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, JsonValue]) -> Self:
        require(data, cls.__name__, "id", "name", "supportedCapabilities", "supportedOptions")
        return cls(
            text(data, "id"),
            text(data, "name"),
            _capabilities(data, "supportedCapabilities"),
            tuple(map(SupportedOption.from_dict, _objects(data, "supportedOptions"))),
        )

    @staticmethod
    def json_schema() -> dict[str, JsonValue]:
        properties = {
            "id": {"type": "string"},
            "name": {"type": "string"},
            "supportedCapabilities": {"type": "array", "items": _words(Capability)},
            "supportedOptions": {"type": "array", "items": SupportedOption.json_schema()},
        }
        return _object(properties, *properties)


@dataclass(frozen=True, slots=True)
class ProviderMetadata:
    """Who offers models. ``authentication_method`` None: no authentication.

    Raises InvalidArgument for an ``id`` that holds other than a-z, 0-9, ``_`` and ``-``.
    """

    id: str
    name: str
    type: ProviderType = ProviderType.CLOUD
    description: str | None = None
    credentials_url: str | None = None
    authentication_method: AuthenticationMethod | None = AuthenticationMethod.API_KEY
    logo_path: str | None = None

    def __post_init__(self) -> None:
        if not _PROVIDER_ID.fullmatch(self.id):
            raise InvalidArgument(
                f"The provider's id {self.id!r} may hold a-z, 0-9, '_' and '-' only.", param="id"
            )

    def to_dict(self) -> dict[str, JsonValue]:
        method = self.authentication_method
        return {
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "type": self.type.value,
            "credentialsUrl": self.credentials_url,
            "authenticationMethod": None if method is None else method.value,
            "logoPath": self.logo_path,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, JsonValue]) -> Self:
        require(data, cls.__name__, "id", "name", "type")
        method = data.get("authenticationMethod")
        return cls(
            id=text(data, "id"),
            name=text(data, "name"),
            type=word(ProviderType, data["type"], "type"),
            description=_optional_text(data, "description"),
            credentials_url=_optional_text(data, "credentialsUrl"),
            authentication_method=None
            if method is None
            else word(AuthenticationMethod, method, "authenticationMethod"),
            logo_path=_optional_text(data, "logoPath"),
        )

    @staticmethod
    def json_schema() -> dict[str, JsonValue]:
        string = {"type": "string"}
        methods = [each.value for each in AuthenticationMethod]
        properties = {
            "id": string,
            "name": string,
            "description": string,
            "type": _words(ProviderType),
            "credentialsUrl": string,
            "authenticationMethod": {"type": ["string", "null"], "enum": [*methods, None]},
            "logoPath": string,
        }
        return _object(properties, "id", "name", "type")


@dataclass(frozen=True, slots=True)
class ProviderModels:
    """A provider with the models of it that were asked for (PHP: ProviderModelsMetadata)."""

    provider: ProviderMetadata
    models: tuple[ModelMetadata, ...]

    def to_dict(self) -> dict[str, JsonValue]:
        return {
            "provider": self.provider.to_dict(),
            "models": [each.to_dict() for each in self.models],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, JsonValue]) -> Self:
        require(data, cls.__name__, "provider", "models")
        if not isinstance(data["provider"], Mapping):
            raise _wrong("provider", "an object")
        return cls(
            ProviderMetadata.from_dict(data["provider"]),
            tuple(map(ModelMetadata.from_dict, _objects(data, "models"))),
        )

    @staticmethod
    def json_schema() -> dict[str, JsonValue]:
        models = {"type": "array", "items": ModelMetadata.json_schema()}
        properties = {"provider": ProviderMetadata.json_schema(), "models": models}
        return _object(properties, *properties)


@dataclass(frozen=True, slots=True)
class ModelRequirements:
    """What a prompt needs of the model that answers it."""

    capabilities: tuple[Capability, ...] = ()
    options: tuple[RequiredOption, ...] = ()

    def to_dict(self) -> dict[str, JsonValue]:
        return {
            "requiredCapabilities": [each.value for each in self.capabilities],
            "requiredOptions": [each.to_dict() for each in self.options],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, JsonValue]) -> Self:
        require(data, cls.__name__, "requiredCapabilities", "requiredOptions")
        return cls(
            _capabilities(data, "requiredCapabilities"),
            tuple(map(RequiredOption.from_dict, _objects(data, "requiredOptions"))),
        )

    @staticmethod
    def json_schema() -> dict[str, JsonValue]:
        properties = {
            "requiredCapabilities": {"type": "array", "items": _words(Capability)},
            "requiredOptions": {"type": "array", "items": RequiredOption.json_schema()},
        }
        return _object(properties, *properties)


def modality_combinations(
    *required: Modality, optional: Iterable[Modality] = ()
) -> tuple[tuple[Modality, ...], ...]:
    """``required`` together with each selection of ``optional``, that of none included."""
    # Counted like a binary number whose first digit is the last: text before image before both.
    chosen = tuple(optional)
    return tuple(
        required + tuple(each for each, taken in zip(chosen, reversed(bits), strict=True) if taken)
        for bits in product((False, True), repeat=len(chosen))
    )


def require(data: object, owner: str, *keys: str) -> None:
    """Raises InvalidArgument that lists every one of ``keys`` that ``data`` lacks."""
    if not isinstance(data, Mapping):
        raise InvalidArgument(f"{owner} is made of a dict, not of {type(data).__name__}.")
    missing = [key for key in keys if key not in data]
    if missing:
        raise InvalidArgument(f"{owner} lacks {', '.join(missing)}.", param=missing[0])


def word(kind: type[_Word], value: JsonValue, key: str) -> _Word:
    """The member of a closed set. Raises InvalidArgument that lists the set."""
    try:
        return kind(value)
    except ValueError:
        known = ", ".join(each.value for each in kind)
        raise InvalidArgument(f"{key} is {value!r}; it is one of: {known}.", param=key) from None


def text(data: Mapping[str, JsonValue], key: str) -> str:
    """The string under ``key``. Raises InvalidArgument for something else."""
    value = data[key]
    if not isinstance(value, str):
        raise _wrong(key, "a string")
    return value


def listed(value: JsonValue, key: str) -> Sequence[JsonValue]:
    """``value`` as the list that it has to be. Raises InvalidArgument for something else."""
    if not isinstance(value, list | tuple):
        raise _wrong(key, "a list")
    return value


def freeze(value: JsonValue) -> JsonValue:
    """A JSON value with tuples for lists."""
    if isinstance(value, list | tuple):
        return tuple(map(freeze, value))
    if isinstance(value, Mapping):
        return {key: freeze(each) for key, each in value.items()}
    return value


def thaw(value: JsonValue) -> JsonValue:
    """The JSON value as ``json.loads`` would give it: lists for tuples, words for members."""
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, list | tuple):
        return list(map(thaw, value))
    if isinstance(value, Mapping):
        return {key: thaw(each) for key, each in value.items()}
    return value


def _wrong(key: str, wanted: str) -> InvalidArgument:
    return InvalidArgument(f"{key} has to be {wanted}.", param=key)


def _optional_text(data: Mapping[str, JsonValue], key: str) -> str | None:
    return None if data.get(key) is None else text(data, key)


def _objects(data: Mapping[str, JsonValue], key: str) -> Sequence[Mapping[str, JsonValue]]:
    found = listed(data[key], key)
    if not all(isinstance(each, Mapping) for each in found):
        raise _wrong(key, "a list of objects")
    return found


def _capabilities(data: Mapping[str, JsonValue], key: str) -> tuple[Capability, ...]:
    return tuple(word(Capability, each, key) for each in listed(data[key], key))


def _words(kind: type[StrEnum]) -> dict[str, JsonValue]:
    return {"type": "string", "enum": [each.value for each in kind]}


def _any_value() -> dict[str, JsonValue]:
    return {"oneOf": [{"type": each} for each in _ANY_TYPE]}


def _object(properties: Mapping[str, JsonValue], *required: str) -> dict[str, JsonValue]:
    return {"type": "object", "properties": dict(properties), "required": list(required)}
