"""What a model may use while it answers: functions of the caller's, the web."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

from ai_client.capabilities import JsonValue, thaw
from ai_client.errors import InvalidArgument
from ai_client.messages import field_types
from ai_client.messages.parts import CacheMarker
from ai_client.messages.reading import (
    JsonObject,
    boolean,
    fields,
    json_object,
    nested,
    optional,
    string,
    tuple_of,
    unicode_text,
)

_STRINGS: JsonObject = {"type": "array", "items": {"type": "string"}}
_check_domains = field_types.tuple_of(str)


@dataclass(frozen=True, slots=True)
class FunctionDeclaration:
    """A function the model may ask for; ``parameters`` is a JSON schema.

    Raises InvalidArgument for values of other types.
    """

    name: str
    description: str = ""
    parameters: JsonObject | None = None
    strict: bool | None = None
    cache: CacheMarker | None = None

    def __post_init__(self) -> None:
        string(self.name, "name")
        string(self.description, "description")
        if self.parameters is not None:
            field_types.mapping(self.parameters, "parameters")

    def to_dict(self) -> dict[str, JsonValue]:
        """``strict`` and ``cache`` are there only if they are set."""
        shown: dict[str, JsonValue] = {"name": self.name, "description": self.description}
        if self.parameters is not None:
            shown["parameters"] = thaw(self.parameters)
        if self.strict is not None:
            shown["strict"] = self.strict
        if self.cache is not None:
            shown["cache"] = self.cache.to_dict()
        return shown

    @classmethod
    def from_dict(cls, data: JsonObject) -> Self:
        held = fields(data, cls.__name__, "name", "description")
        return cls(
            string(held["name"], "name"),
            string(held["description"], "description"),
            optional(held, "parameters", json_object),
            optional(held, "strict", boolean),
            optional(held, "cache", nested(CacheMarker.from_dict)),
        )

    @staticmethod
    def json_schema() -> dict[str, JsonValue]:
        return {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "description": {"type": "string"},
                "parameters": {"type": "object", "additionalProperties": True},
                "strict": {"type": "boolean"},
                "cache": CacheMarker.json_schema(),
            },
            "required": ["name", "description"],
        }


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """``auto``, ``none``, ``required`` (any function), or ``function`` with its name."""

    mode: Literal["auto", "none", "required", "function"]
    name: str | None = None

    def to_dict(self) -> dict[str, JsonValue]:
        return {"mode": self.mode} if self.name is None else {"mode": self.mode, "name": self.name}

    @classmethod
    def from_dict(cls, data: JsonObject) -> Self:
        held = fields(data, cls.__name__, "mode")
        name = optional(held, "name", string)
        match held["mode"]:
            case ("auto" | "none" | "required" | "function") as mode:
                return cls(mode, name)
            case other:
                raise InvalidArgument(
                    f"mode is {other!r}; it is one of: auto, none, required, function.",
                    param="mode",
                )

    @staticmethod
    def json_schema() -> dict[str, JsonValue]:
        return {
            "type": "object",
            "properties": {
                "mode": {"type": "string", "enum": ["auto", "none", "required", "function"]},
                "name": {"type": "string"},
            },
            "required": ["mode"],
        }


@dataclass(frozen=True, slots=True)
class WebSearch:
    """The model may look things up on the web; domains narrow that down.

    Raises InvalidArgument for domains that are no tuples of texts.
    """

    allowed_domains: tuple[str, ...] = ()
    disallowed_domains: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in self.__slots__:
            domains = getattr(self, name)
            _check_domains(domains, name)
            for each in domains:
                unicode_text(each, name)
            # A list that the caller keeps would change the prompt later on.
            object.__setattr__(self, name, tuple(domains))

    def to_dict(self) -> dict[str, JsonValue]:
        return {
            "allowedDomains": list(self.allowed_domains),
            "disallowedDomains": list(self.disallowed_domains),
        }

    @classmethod
    def from_dict(cls, data: JsonObject) -> Self:
        held = fields(data, cls.__name__)
        return cls(
            optional(held, "allowedDomains", tuple_of(string)) or (),
            optional(held, "disallowedDomains", tuple_of(string)) or (),
        )

    @staticmethod
    def json_schema() -> dict[str, JsonValue]:
        return {
            "type": "object",
            "properties": {
                "allowedDomains": dict(_STRINGS),
                "disallowedDomains": dict(_STRINGS),
            },
            "required": [],
        }
