"""What a model answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from ai_client.capabilities import JsonValue, ModelMetadata, ProviderMetadata, thaw, word
from ai_client.errors import ContentMissing, InvalidArgument
from ai_client.messages.files import File
from ai_client.messages.reading import (
    JsonObject,
    fields,
    json_object,
    nested,
    number,
    optional,
    string,
    tuple_of,
)
from ai_client.messages.turns import Message, Role
from ai_client.messages.usage import TokenLogprob, TokenUsage
from ai_client.values import guarded


class FinishReason(StrEnum):
    """Why a candidate ended, unified; the vendor's own word is kept beside it."""

    STOP = "stop"
    LENGTH = "length"
    CONTENT_FILTER = "content_filter"
    TOOL_CALLS = "tool_calls"
    ERROR = "error"


@guarded(frozen=True, slots=True)
class Candidate:
    """One alternative answer. ``raw_finish_reason`` is the vendor's own word."""

    message: Message
    finish_reason: FinishReason | None
    raw_finish_reason: str | None = None
    logprobs: tuple[TokenLogprob, ...] = ()

    def to_dict(self) -> dict[str, JsonValue]:
        """``finishReason`` is null where the upstream gave none."""
        reason = self.finish_reason
        shown: dict[str, JsonValue] = {
            "message": self.message.to_dict(),
            "finishReason": None if reason is None else reason.value,
        }
        if self.raw_finish_reason is not None:
            shown["rawFinishReason"] = self.raw_finish_reason
        if self.logprobs:
            shown["logprobs"] = [each.to_dict() for each in self.logprobs]
        return shown

    @classmethod
    def from_dict(cls, data: JsonObject) -> Self:
        held = fields(data, cls.__name__, "message", "finishReason")
        message = nested(Message.from_dict)(held["message"], "message")
        if message.role is not Role.MODEL:
            raise InvalidArgument("A candidate's message has the role model.", param="message")
        return cls(
            message,
            optional(held, "finishReason", lambda value, key: word(FinishReason, value, key)),
            optional(held, "rawFinishReason", string),
            optional(held, "logprobs", tuple_of(nested(TokenLogprob.from_dict))) or (),
        )

    @staticmethod
    def json_schema() -> dict[str, JsonValue]:
        reasons = [reason.value for reason in FinishReason]
        return {
            "type": "object",
            "properties": {
                "message": Message.json_schema(),
                "finishReason": {"type": "string", "enum": reasons},
                "rawFinishReason": {"type": "string"},
                "logprobs": {"type": "array", "items": TokenLogprob.json_schema()},
            },
            "required": ["message", "finishReason"],
        }


@guarded(frozen=True, slots=True)
class GenerativeAiResult:
    """A complete answer.

    ``model`` is the id that the upstream answered with; ``model_metadata`` and
    ``provider_metadata`` are who was asked. ``additional_data`` is what the upstream said beyond
    the rest.

    What is asked for by ``to_…`` is looked for in the first candidate, its thoughts left out, and
    ContentMissing raised where it is not there. The plural forms look into each candidate, and
    leave out those without. Of several files in a candidate only the first counts;
    ``to_message().files()`` has all.
    """

    id: str
    model: str
    candidates: tuple[Candidate, ...]
    usage: TokenUsage | None = None
    provider_metadata: ProviderMetadata | None = None
    model_metadata: ModelMetadata | None = None
    additional_data: JsonObject = field(default_factory=dict)

    @property
    def candidate_count(self) -> int:
        return len(self.candidates)

    @property
    def has_multiple_candidates(self) -> bool:
        return len(self.candidates) > 1

    def to_text(self) -> str:
        """All texts of the first candidate, joined; a refusal is text too."""
        message = self.to_message()
        text = message.text()
        if not text and not message.has_text:
            raise ContentMissing(
                "The answer holds no text; it may call functions: see to_message()."
            )
        return text

    def to_texts(self) -> tuple[str, ...]:
        return tuple(message.text() for message in self.to_messages() if message.has_text)

    def to_file(self) -> File:
        return self._file("file", lambda file: True)

    def to_files(self) -> tuple[File, ...]:
        return tuple(self._files())

    def to_image_file(self) -> File:
        return self._file("image", lambda file: file.is_image)

    def to_image_files(self) -> tuple[File, ...]:
        return tuple(file for file in self._files() if file.is_image)

    def to_audio_file(self) -> File:
        return self._file("audio", lambda file: file.is_audio)

    def to_audio_files(self) -> tuple[File, ...]:
        return tuple(file for file in self._files() if file.is_audio)

    def to_video_file(self) -> File:
        return self._file("video", lambda file: file.is_video)

    def to_video_files(self) -> tuple[File, ...]:
        return tuple(file for file in self._files() if file.is_video)

    def to_message(self) -> Message:
        """The first candidate's message, to be put into the history of the next prompt."""
        if not self.candidates:
            raise ContentMissing("The answer holds no candidate.")
        return self.candidates[0].message

    def to_messages(self) -> tuple[Message, ...]:
        return tuple(candidate.message for candidate in self.candidates)

    def to_dict(self) -> dict[str, JsonValue]:
        """``model`` is there only where the upstream named another than was asked.

        Usage and metadata are null where they are not known.
        """
        shown: dict[str, JsonValue] = {
            "id": self.id,
            "candidates": [candidate.to_dict() for candidate in self.candidates],
        }
        return shown | _origin(self) | {"additionalData": thaw(self.additional_data)}

    @classmethod
    def from_dict(cls, data: JsonObject) -> Self:
        held = fields(data, cls.__name__, "id", "candidates", *_ORIGIN)
        candidates = tuple_of(nested(Candidate.from_dict))(held["candidates"], "candidates")
        if not candidates:
            raise InvalidArgument("A result has at least one candidate.", param="candidates")
        usage, provider, model, name, additional = _read_origin(held)
        return cls(string(held["id"], "id"), name, candidates, usage, provider, model, additional)

    @staticmethod
    def json_schema() -> dict[str, JsonValue]:
        candidates = {"type": "array", "items": Candidate.json_schema(), "minItems": 1}
        return {
            "type": "object",
            "properties": {
                "id": {"type": "string"},
                "candidates": candidates,
                **_origin_schema(),
            },
            "required": ["id", "candidates", *_ORIGIN],
        }

    def _file(self, kind: str, fits: Callable[[File], bool]) -> File:
        files = self.to_message().files()
        if not files:
            raise ContentMissing(f"The answer holds no {kind}.")
        if not fits(files[0]):
            raise ContentMissing(f"The answer's file is {files[0].mime_type}, no {kind}.")
        return files[0]

    def _files(self) -> Iterator[File]:
        """The first file of each candidate that has one."""
        for message in self.to_messages():
            yield from message.files()[:1]


@dataclass(frozen=True, slots=True)
class EmbeddingResult:
    """Vectors, one per input and in the inputs' order."""

    id: str
    model: str
    embeddings: tuple[tuple[float, ...], ...]
    usage: TokenUsage | None = None
    provider_metadata: ProviderMetadata | None = None
    model_metadata: ModelMetadata | None = None
    additional_data: JsonObject = field(default_factory=dict)

    @property
    def dimensions(self) -> int:
        """How many numbers a vector has; 0 where there is no vector."""
        return len(self.embeddings[0]) if self.embeddings else 0

    def to_vector(self) -> tuple[float, ...]:
        """The first input's vector. Raises ContentMissing where there is none."""
        if not self.embeddings:
            raise ContentMissing("The answer holds no embedding.")
        return self.embeddings[0]

    def to_vectors(self) -> tuple[tuple[float, ...], ...]:
        return self.embeddings

    def to_dict(self) -> dict[str, JsonValue]:
        """As the PHP AI Client has it since 1.4."""
        shown: dict[str, JsonValue] = {
            "id": self.id,
            "embeddings": [list(vector) for vector in self.embeddings],
            "dimensions": self.dimensions,
        }
        shown |= _origin(self)
        if self.additional_data:
            shown["additionalData"] = thaw(self.additional_data)
        return shown

    @classmethod
    def from_dict(cls, data: JsonObject) -> Self:
        held = fields(data, cls.__name__, "id", "embeddings", "dimensions", *_ORIGIN)
        vectors = tuple_of(tuple_of(number))(held["embeddings"], "embeddings")
        if not vectors or any(len(vector) != held["dimensions"] for vector in vectors):
            raise InvalidArgument(
                "A result has at least one embedding, and each has as many numbers as dimensions.",
                param="embeddings",
            )
        usage, provider, model, name, additional = _read_origin(held)
        return cls(string(held["id"], "id"), name, vectors, usage, provider, model, additional)

    @staticmethod
    def json_schema() -> dict[str, JsonValue]:
        vector = {"type": "array", "items": {"type": "number"}}
        return {
            "type": "object",
            "properties": {
                "id": {"type": "string"},
                "embeddings": {"type": "array", "items": vector},
                "dimensions": {"type": "integer", "minimum": 1},
                **_origin_schema(),
            },
            "required": ["id", "embeddings", "dimensions", *_ORIGIN],
        }


@dataclass(frozen=True, slots=True)
class TokenCount:
    """How many tokens a prompt has for a model; ``cached`` of them come from a cache."""

    tokens: int
    cached: int | None = None


_ORIGIN = ("tokenUsage", "providerMetadata", "modelMetadata")


def _origin(result: GenerativeAiResult | EmbeddingResult) -> dict[str, JsonValue]:
    """What both kinds of result say of where they come from."""
    usage, provider, model = result.usage, result.provider_metadata, result.model_metadata
    shown: dict[str, JsonValue] = {
        "tokenUsage": None if usage is None else usage.to_dict(),
        "providerMetadata": None if provider is None else provider.to_dict(),
        "modelMetadata": None if model is None else model.to_dict(),
    }
    if result.model != ("" if model is None else model.id):
        shown["model"] = result.model
    return shown


def _read_origin(
    held: JsonObject,
) -> tuple[
    TokenUsage | None, ProviderMetadata | None, ModelMetadata | None, str, dict[str, JsonValue]
]:
    model = optional(held, "modelMetadata", nested(ModelMetadata.from_dict))
    name = optional(held, "model", string)
    if name is None:
        name = "" if model is None else model.id
    return (
        optional(held, "tokenUsage", nested(TokenUsage.from_dict)),
        optional(held, "providerMetadata", nested(ProviderMetadata.from_dict)),
        model,
        name,
        optional(held, "additionalData", json_object) or {},
    )


def _origin_schema() -> dict[str, JsonValue]:
    return {
        "tokenUsage": TokenUsage.json_schema(),
        "providerMetadata": ProviderMetadata.json_schema(),
        "modelMetadata": ModelMetadata.json_schema(),
        "additionalData": {"type": "object", "additionalProperties": True},
        "model": {"type": "string"},
    }
