"""What messages are made of: texts, files, calls of functions with their responses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, NoReturn, Self, TypeAlias

from ai_client.capabilities import JsonValue, thaw, word
from ai_client.errors import InvalidArgument
from ai_client.messages import field_types
from ai_client.messages.files import File
from ai_client.messages.reading import (
    JsonObject,
    boolean,
    fields,
    json_object,
    nested,
    optional,
    string,
    tuple_of,
)
from ai_client.values import guarded

_ANY_VALUE: JsonObject = {"type": ["string", "number", "boolean", "object", "array", "null"]}


class Channel(StrEnum):
    """Whether a part is for the reader or is the model's own thinking."""

    CONTENT = "content"
    THOUGHT = "thought"


class PartType(StrEnum):
    """What a part holds."""

    TEXT = "text"
    FILE = "file"
    FUNCTION_CALL = "function_call"
    FUNCTION_RESPONSE = "function_response"


@guarded(frozen=True, slots=True)
class FunctionCall:
    """The model asks for a function. ``arguments`` is the JSON text exactly as the model wrote it.

    It may be invalid JSON; it is passed on and never repaired. ``args`` decodes it. Blank: none.
    Raises InvalidArgument for values of other types.
    """

    id: str | None
    name: str | None
    arguments: str = "{}"

    def __post_init__(self) -> None:
        _check_names(self.id, self.name)
        string(self.arguments, "arguments")

    @property
    def args(self) -> JsonValue:
        """The decoded arguments, or None where the model wrote invalid JSON."""
        try:
            return json.loads(self.arguments, parse_constant=_not_json)
        except (ValueError, RecursionError):
            return None

    def to_dict(self) -> dict[str, JsonValue]:
        """``arguments`` is there only where ``args`` alone would not give the text again."""
        shown = _identity(self.id, self.name)
        args = self.args
        if args is not None:
            shown["args"] = args
        if self.arguments != ("" if args is None else _compact(args)):
            shown["arguments"] = self.arguments
        return shown

    @classmethod
    def from_dict(cls, data: JsonObject) -> Self:
        """``arguments`` counts where ``args`` is not given, or says the same."""
        held = fields(data, cls.__name__)
        id_, name = _identified(held, cls.__name__)
        written, args = optional(held, "arguments", string), thaw(held.get("args"))
        if args is None:
            return cls(id_, name, written or "")
        try:
            text = _compact(args)
        except (TypeError, ValueError) as error:
            raise InvalidArgument(f"args is not JSON: {error}.", param="args") from None
        if written is None:
            return cls(id_, name, text)
        call = cls(id_, name, written)
        return call if _compact(call.args) == text else cls(id_, name, text)

    @staticmethod
    def json_schema() -> dict[str, JsonValue]:
        return {
            "type": "object",
            "properties": {
                "id": {"type": "string"},
                "name": {"type": "string"},
                "args": dict(_ANY_VALUE),
                "arguments": {"type": "string"},
            },
            "anyOf": [{"required": ["id"]}, {"required": ["name"]}],
        }


@guarded(frozen=True, slots=True)
class FunctionResponse:
    """What the caller's function returned: ``response`` any JSON value, or ``parts`` with files.

    Raises InvalidArgument for values of other types, ``response`` aside.
    """

    id: str | None
    name: str | None
    response: JsonValue = None
    parts: tuple[MessagePart, ...] = ()
    is_error: bool = False

    def __post_init__(self) -> None:
        _check_names(self.id, self.name)
        boolean(self.is_error, "is_error")
        if self.parts != ():
            _check_parts(self.parts, "parts")
            # A list that the caller keeps would change the prompt later on.
            object.__setattr__(self, "parts", tuple(self.parts))

    def as_text(self) -> str:
        """The result as the one string that most dialects take."""
        if self.parts:
            return "".join(part.content for part in self.parts if isinstance(part.content, str))
        if isinstance(self.response, str):
            return self.response
        return json.dumps(self.response, ensure_ascii=False, separators=(",", ":"))

    def to_dict(self) -> dict[str, JsonValue]:
        """``parts`` and ``isError`` are there only if they are set."""
        shown = _identity(self.id, self.name) | {"response": thaw(self.response)}
        if self.parts:
            shown["parts"] = [part.to_dict() for part in self.parts]
        return shown | {"isError": True} if self.is_error else shown

    @classmethod
    def from_dict(cls, data: JsonObject) -> Self:
        held = fields(data, cls.__name__, "response")
        return cls(
            *_identified(held, cls.__name__),
            thaw(held["response"]),
            optional(held, "parts", tuple_of(nested(MessagePart.from_dict))) or (),
            optional(held, "isError", boolean) or False,
        )

    @staticmethod
    def json_schema() -> dict[str, JsonValue]:
        return {
            "type": "object",
            "properties": {
                "id": {"type": "string"},
                "name": {"type": "string"},
                "response": dict(_ANY_VALUE),
                # Parts may hold responses again; what is in them is not said a second time.
                "parts": {"type": "array", "items": {"type": "object"}},
                "isError": {"type": "boolean"},
            },
            "anyOf": [{"required": ["response", "id"]}, {"required": ["response", "name"]}],
        }


@dataclass(frozen=True, slots=True)
class CacheMarker:
    """Ask the upstream to cache the prompt up to and including this part."""

    ttl: Literal["5m", "1h"] | None = None

    def to_dict(self) -> dict[str, JsonValue]:
        return {} if self.ttl is None else {"ttl": self.ttl}

    @classmethod
    def from_dict(cls, data: JsonObject) -> Self:
        match fields(data, cls.__name__).get("ttl"):
            case None:
                return cls()
            case ("5m" | "1h") as ttl:
                return cls(ttl)
            case other:
                raise InvalidArgument(f"ttl is {other!r}; it is one of: 5m, 1h.", param="ttl")

    @staticmethod
    def json_schema() -> dict[str, JsonValue]:
        return {"type": "object", "properties": {"ttl": {"type": "string", "enum": ["5m", "1h"]}}}


Content: TypeAlias = str | File | FunctionCall | FunctionResponse

_KEYS = {
    PartType.TEXT: "text",
    PartType.FILE: "file",
    PartType.FUNCTION_CALL: "functionCall",
    PartType.FUNCTION_RESPONSE: "functionResponse",
}


@guarded(frozen=True, slots=True)
class MessagePart:
    """One piece of a message; ``match`` on ``content``.

    ``opaque`` maps a wire format's name to provider data of that dialect (a thinking signature,
    a thought signature, encrypted reasoning, image detail). Only that format reads it.
    """

    content: Content
    channel: Channel = Channel.CONTENT
    thought_signature: str | None = field(default=None, repr=False)
    refusal: bool = False
    cache: CacheMarker | None = None
    citations: tuple[JsonValue, ...] = ()
    opaque: JsonObject | None = field(default=None, repr=False)

    @property
    def type(self) -> PartType:
        match self.content:
            case str():
                return PartType.TEXT
            case File():
                return PartType.FILE
            case FunctionCall():
                return PartType.FUNCTION_CALL
            case FunctionResponse():
                return PartType.FUNCTION_RESPONSE

    @property
    def is_thought(self) -> bool:
        return self.channel is Channel.THOUGHT

    def opaque_for(self, wire_format: str) -> JsonValue:
        """The opaque data that ``wire_format`` left on this part, or None."""
        return None if self.opaque is None else self.opaque.get(wire_format)

    def to_dict(self) -> dict[str, JsonValue]:
        """``refusal``, ``cache``, ``citations`` and ``opaque`` are there only if they are set."""
        content, kind = self.content, self.type
        shown: dict[str, JsonValue] = {
            "channel": self.channel.value,
            "type": kind.value,
            _KEYS[kind]: content if isinstance(content, str) else content.to_dict(),
        }
        if self.thought_signature is not None:
            shown["thoughtSignature"] = self.thought_signature
        if self.refusal:
            shown["refusal"] = True
        if self.cache is not None:
            shown["cache"] = self.cache.to_dict()
        if self.citations:
            shown["citations"] = thaw(self.citations)
        if self.opaque is not None:
            shown["opaque"] = thaw(self.opaque)
        return shown

    @classmethod
    def from_dict(cls, data: JsonObject) -> Self:
        """By the key that holds the content; the word in ``type`` decides nothing."""
        held = fields(data, cls.__name__)
        channel = held.get("channel")
        return cls(
            _content(held),
            Channel.CONTENT if channel is None else word(Channel, channel, "channel"),
            optional(held, "thoughtSignature", string),
            optional(held, "refusal", boolean) or False,
            optional(held, "cache", nested(CacheMarker.from_dict)),
            optional(held, "citations", tuple_of(lambda value, key: thaw(value))) or (),
            optional(held, "opaque", json_object),
        )

    @staticmethod
    def json_schema() -> dict[str, JsonValue]:
        return {
            "oneOf": [
                _schema(PartType.TEXT, {"type": "string"}),
                _schema(PartType.FILE, File.json_schema()),
                _schema(PartType.FUNCTION_CALL, FunctionCall.json_schema()),
                _schema(PartType.FUNCTION_RESPONSE, FunctionResponse.json_schema()),
            ]
        }


_check_parts = field_types.tuple_of(MessagePart)


def text_part(text: str) -> MessagePart:
    """A plain text part."""
    return MessagePart(text)


def _content(held: JsonObject) -> Content:
    text = optional(held, "text", string)
    if text is not None:
        return text
    found = (
        optional(held, "file", nested(File.from_dict))
        or optional(held, "functionCall", nested(FunctionCall.from_dict))
        or optional(held, "functionResponse", nested(FunctionResponse.from_dict))
    )
    if found is not None:
        return found
    raise InvalidArgument(f"MessagePart lacks one of {', '.join(_KEYS.values())}.", param="text")


def _schema(kind: PartType, content: JsonObject) -> dict[str, JsonValue]:
    return {
        "type": "object",
        "properties": {
            "channel": {"type": "string", "enum": [each.value for each in Channel]},
            "type": {"type": "string", "const": kind.value},
            _KEYS[kind]: dict(content),
            "thoughtSignature": {"type": "string"},
            "refusal": {"type": "boolean"},
            "cache": CacheMarker.json_schema(),
            "citations": {"type": "array"},
            "opaque": {"type": "object", "additionalProperties": True},
        },
        "required": ["type", _KEYS[kind]],
        "additionalProperties": False,
    }


def _identity(call_id: str | None, name: str | None) -> dict[str, JsonValue]:
    return {key: said for key, said in (("id", call_id), ("name", name)) if said is not None}


def _identified(held: Mapping[str, JsonValue], owner: str) -> tuple[str | None, str | None]:
    said = optional(held, "id", string), optional(held, "name", string)
    if said == (None, None):
        raise InvalidArgument(f"{owner} lacks id or name; one of them has to be there.", param="id")
    return said


def _check_names(call_id: object, name: object) -> None:
    if call_id is not None:
        string(call_id, "id")
    if name is not None:
        string(name, "name")


def _compact(value: JsonValue) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _not_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
