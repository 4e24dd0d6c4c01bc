"""How to generate: the settings of a request."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from operator import attrgetter
from typing import Any, NamedTuple, Self, TypeVar

from ai_client.capabilities import FileType, JsonValue, MediaOrientation, Modality, thaw, word
from ai_client.errors import InvalidArgument
from ai_client.messages import field_types
from ai_client.messages.parts import MessagePart
from ai_client.messages.reading import (
    JsonObject,
    boolean,
    fields,
    integer,
    json_object,
    nested,
    number,
    optional,
    string,
    tuple_of,
)
from ai_client.messages.tools import FunctionDeclaration, ToolChoice, WebSearch
from ai_client.values import guarded

_Word = TypeVar("_Word", bound=StrEnum)
_RATIO = re.compile(r"([0-9]{1,9}):([0-9]{1,9})")
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Reasoning:
    """How much the model may think: an effort word, or a budget in tokens. 0 switches it off."""

    effort: str | None = None
    budget_tokens: int | None = None

    def to_dict(self) -> dict[str, JsonValue]:
        shown = {"effort": self.effort, "budgetTokens": self.budget_tokens}
        return {key: value for key, value in shown.items() if value is not None}

    @classmethod
    def from_dict(cls, data: JsonObject) -> Self:
        held = fields(data, cls.__name__)
        return cls(optional(held, "effort", string), optional(held, "budgetTokens", integer))

    @staticmethod
    def json_schema() -> dict[str, JsonValue]:
        return {
            "type": "object",
            "properties": {"effort": {"type": "string"}, "budgetTokens": {"type": "integer"}},
        }


@guarded(frozen=True, slots=True)
class ModelConfig:
    """How to generate. ``None`` means: not said, the upstream's default holds.

    ``system_instruction`` empty: none; an empty list of functions or stop sequences is said.
    ``dimensions`` is the length of embedding vectors. A schema makes the output JSON unless
    another MIME type is said. Raises InvalidArgument for a value of another type, and for an
    aspect ratio that is not like ``16:9``, or that is not of the orientation.
    """

    system_instruction: tuple[MessagePart, ...] = ()
    candidate_count: int | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop_sequences: tuple[str, ...] | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    seed: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    function_declarations: tuple[FunctionDeclaration, ...] | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    output_mime_type: str | None = None
    output_schema: JsonObject | None = None
    output_schema_name: str | None = None
    output_schema_strict: bool | None = None
    output_modalities: tuple[Modality, ...] | None = None
    output_file_type: FileType | None = None
    output_media_orientation: MediaOrientation | None = None
    output_media_aspect_ratio: str | None = None
    output_speech_voice: str | None = None
    dimensions: int | None = None
    web_search: WebSearch | None = None
    reasoning: Reasoning | None = None
    end_user: str | None = None
    custom_options: JsonObject = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_instruction(self.system_instruction, "system_instruction")
        field_types.mapping(self.custom_options, "custom_options")
        for name, check, value in zip(_NAMES, _CHECKS, _values(self), strict=True):
            if value is not None:
                check(value, name)
        if self.output_schema is not None and self.output_mime_type is None:
            object.__setattr__(self, "output_mime_type", JSON)
        if self.output_media_aspect_ratio is not None:
            _check_ratio(self.output_media_aspect_ratio, self.output_media_orientation)

    @property
    def wants_json(self) -> bool:
        return self.output_schema is not None or self.output_mime_type == JSON

    def to_dict(self) -> dict[str, JsonValue]:
        """Only what is said. A system prompt of several parts is there twice: its text, its parts.

        ``seed``, ``toolChoice`` and the rest from there on are beyond the PHP AI Client's keys.
        """
        shown: dict[str, JsonValue] = {}
        for each in _FIELDS:
            value = getattr(self, each.attribute)
            written = None if value is None else each.write(value)
            if written is not None:
                shown[each.key] = written
        return shown

    @classmethod
    def from_dict(cls, data: JsonObject) -> Self:
        """Unknown keys are left out."""
        held = fields(data, cls.__name__)
        values: dict[str, Any] = {
            each.attribute: each.read(held[each.key], each.key)
            for each in _FIELDS
            if held.get(each.key) is not None
        }
        return cls(**values)

    @staticmethod
    def json_schema() -> dict[str, JsonValue]:
        return {
            "type": "object",
            "properties": {each.key: each.schema() for each in _FIELDS},
            "additionalProperties": False,
        }


class _Field(NamedTuple):
    """How a setting is written, read, described."""

    attribute: str
    key: str
    write: Callable[[JsonValue], JsonValue]
    read: Callable[[JsonValue, str], object]
    schema: Callable[[], JsonObject]


def _fields() -> Iterator[_Field]:
    """In the PHP AI Client's order, then what it does not have."""
    yield _words("output_modalities", "outputModalities", Modality)
    yield _Field(
        "system_instruction",
        "systemInstruction",
        _instruction,
        lambda value, key: (MessagePart(string(value, key)),),
        _schema("string"),
    )
    yield _integer("candidate_count", "candidateCount", minimum=1)
    yield _integer("max_tokens", "maxTokens", minimum=1)
    yield _number("temperature", "temperature", minimum=0.0, maximum=2.0)
    yield _number("top_p", "topP", minimum=0.0, maximum=1.0)
    yield _integer("top_k", "topK", minimum=1)
    strings = {"type": "array", "items": {"type": "string"}}
    yield _Field("stop_sequences", "stopSequences", list, tuple_of(string), lambda: strings)
    yield _number("presence_penalty", "presencePenalty")
    yield _number("frequency_penalty", "frequencyPenalty")
    yield _boolean("logprobs", "logprobs")
    yield _integer("top_logprobs", "topLogprobs", minimum=1)
    yield _Field(
        "function_declarations",
        "functionDeclarations",
        lambda value: [each.to_dict() for each in value],
        tuple_of(nested(FunctionDeclaration.from_dict)),
        lambda: {"type": "array", "items": FunctionDeclaration.json_schema()},
    )
    yield _value("web_search", "webSearch", WebSearch)
    yield _word("output_file_type", "outputFileType", FileType)
    yield _string("output_mime_type", "outputMimeType")
    yield _Field("output_schema", "outputSchema", thaw, json_object, _any_object)
    yield _word("output_media_orientation", "outputMediaOrientation", MediaOrientation)
    yield _string("output_media_aspect_ratio", "outputMediaAspectRatio", pattern=r"^\d+:\d+$")
    yield _string("output_speech_voice", "outputSpeechVoice")
    yield _Field(
        "custom_options",
        "customOptions",
        lambda value: thaw(value) or None,
        json_object,
        _any_object,
    )
    yield _Field(
        "system_instruction",
        "systemInstructionParts",
        _instruction_parts,
        tuple_of(nested(MessagePart.from_dict)),
        lambda: {"type": "array", "items": MessagePart.json_schema()},
    )
    yield _integer("seed", "seed")
    yield _value("tool_choice", "toolChoice", ToolChoice)
    yield _boolean("parallel_tool_calls", "parallelToolCalls")
    yield _string("output_schema_name", "outputSchemaName")
    yield _boolean("output_schema_strict", "outputSchemaStrict")
    yield _integer("dimensions", "dimensions", minimum=1)
    yield _value("reasoning", "reasoning", Reasoning)
    yield _string("end_user", "endUser")


def _as_it_is(value: JsonValue) -> JsonValue:
    return value


def _schema(kind: str, **limits: JsonValue) -> Callable[[], JsonObject]:
    return lambda: {"type": kind, **limits}


def _any_object() -> JsonObject:
    return {"type": "object", "additionalProperties": True}


def _string(attribute: str, key: str, **limits: JsonValue) -> _Field:
    return _Field(attribute, key, _as_it_is, string, _schema("string", **limits))


def _boolean(attribute: str, key: str) -> _Field:
    return _Field(attribute, key, _as_it_is, boolean, _schema("boolean"))


def _integer(attribute: str, key: str, **limits: JsonValue) -> _Field:
    return _Field(attribute, key, _as_it_is, integer, _schema("integer", **limits))


def _number(attribute: str, key: str, **limits: JsonValue) -> _Field:
    return _Field(attribute, key, float, number, _schema("number", **limits))


def _word(attribute: str, key: str, kind: type[_Word]) -> _Field:
    schema = _schema("string", enum=[each.value for each in kind])
    return _Field(attribute, key, str, lambda value, name: word(kind, value, name), schema)


def _words(attribute: str, key: str, kind: type[_Word]) -> _Field:
    one = _word(attribute, key, kind)
    return _Field(
        attribute,
        key,
        lambda value: [str(each) for each in value],
        tuple_of(one.read),
        lambda: {"type": "array", "items": one.schema()},
    )


def _value(
    attribute: str, key: str, kind: type[WebSearch] | type[ToolChoice] | type[Reasoning]
) -> _Field:
    read = nested(kind.from_dict)
    return _Field(attribute, key, lambda value: value.to_dict(), read, kind.json_schema)


def _instruction(parts: tuple[MessagePart, ...]) -> JsonValue:
    texts = (part.content for part in parts if isinstance(part.content, str))
    return "".join(texts) if parts else None


def _instruction_parts(parts: tuple[MessagePart, ...]) -> JsonValue:
    plain = not parts or parts == (MessagePart(_instruction(parts)),)
    return None if plain else [part.to_dict() for part in parts]


def _check_ratio(ratio: str, orientation: MediaOrientation | None) -> None:
    found = _RATIO.fullmatch(ratio)
    if found is None:
        raise InvalidArgument(
            "The aspect ratio has to be like '16:9'.", param="output_media_aspect_ratio"
        )
    width, height = found.groups()
    fits = {
        # The upstream gets the ratio as it is written: 01:1 is none that it knows as square.
        MediaOrientation.SQUARE: width == height,
        MediaOrientation.LANDSCAPE: int(width) > int(height),
        MediaOrientation.PORTRAIT: int(width) < int(height),
    }
    if orientation is not None and not fits[orientation]:
        raise InvalidArgument(
            f"The aspect ratio {ratio} is not {orientation.value}; leave one of the two out.",
            param="output_media_aspect_ratio",
        )


_FIELDS = tuple(_fields())

_check_instruction = field_types.tuple_of(MessagePart)
_CHECKED: Mapping[str, field_types.Check] = {
    "candidate_count": integer,
    "max_tokens": integer,
    "temperature": number,
    "top_p": number,
    "top_k": integer,
    "stop_sequences": field_types.tuple_of(str),
    "presence_penalty": number,
    "frequency_penalty": number,
    "seed": integer,
    "logprobs": boolean,
    "top_logprobs": integer,
    "function_declarations": field_types.tuple_of(FunctionDeclaration),
    "tool_choice": field_types.of(ToolChoice),
    "parallel_tool_calls": boolean,
    "output_mime_type": string,
    "output_schema": field_types.mapping,
    "output_schema_name": string,
    "output_schema_strict": boolean,
    "output_modalities": field_types.tuple_of(Modality),
    "output_file_type": field_types.of(FileType),
    "output_media_orientation": field_types.of(MediaOrientation),
    "output_media_aspect_ratio": string,
    "output_speech_voice": string,
    "dimensions": integer,
    "web_search": field_types.of(WebSearch),
    "reasoning": field_types.of(Reasoning),
    "end_user": string,
}
_NAMES = tuple(_CHECKED)
_CHECKS = tuple(_CHECKED.values())
_values = attrgetter(*_NAMES)
