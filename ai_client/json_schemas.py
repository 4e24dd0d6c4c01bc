"""Python types as JSON schemas; ``json_types`` says which types."""

from __future__ import annotations

import enum
import itertools
import types
import typing
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, NotRequired, Required, Union

from ai_client.errors import InvalidArgument
from ai_client.json_types import (
    DATES,
    LISTS,
    MAPS,
    SCALARS,
    Member,
    is_empty_tuple,
    is_object_type,
    is_pydantic,
    members_of,
    name_of,
)
from ai_client.messages import JsonValue


def schema_of(hint: Any) -> dict[str, JsonValue]:
    """The JSON schema of a type; ``InvalidArgument`` for a type that has none here."""
    schemas = _Schemas()
    schema = schemas.of(hint)
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/$defs/"):
        # Upstreams want an object at the top, not a reference to one.
        schema = dict(schemas.definitions[reference.removeprefix("#/$defs/")])
    return {**schema, "$defs": schemas.definitions} if schemas.definitions else schema


def object_schema(members: Mapping[str, Member]) -> dict[str, JsonValue]:
    """The schema of an object with these members and no others."""
    schemas = _Schemas()
    schema = schemas.object(members)
    return {**schema, "$defs": schemas.definitions} if schemas.definitions else schema


class _Schemas:
    """Builds one schema; types that contain themselves become definitions."""

    def __init__(self) -> None:
        self.definitions: dict[str, JsonValue] = {}
        self._open: list[type] = []
        self._recursive: dict[type, str] = {}
        self._members: defaultdict[type, set[type]] = defaultdict(set)

    def of(self, hint: Any) -> dict[str, JsonValue]:
        origin, arguments = typing.get_origin(hint), typing.get_args(hint)
        if origin is Annotated:
            return _described(self.of(arguments[0]), arguments[1:])
        if origin in (Required, NotRequired):
            return self.of(arguments[0])
        if hint is Any or hint is object:
            return {}
        if hint is None or hint in SCALARS:
            return {"type": SCALARS[type(None) if hint is None else hint]}
        if hint in DATES:
            return {"type": "string", "format": DATES[hint]}
        if origin is Literal:
            return _choices(arguments)
        if isinstance(hint, type) and issubclass(hint, enum.Enum):
            return _choices([each.value for each in hint])
        if origin in (Union, types.UnionType):
            return self._union(arguments)
        kind = origin or hint
        if kind in LISTS:
            return {"type": "array", **({"items": self.of(arguments[0])} if arguments else {})}
        if kind is tuple:
            return self._tuple(hint, arguments)
        if kind in MAPS:
            return self._map(hint, arguments)
        if is_pydantic(hint):
            return self._pydantic(hint)
        if is_object_type(hint):
            return self._named(hint)
        raise InvalidArgument(
            f"There is no JSON for the type {name_of(hint)}. Use text, numbers, bool, None, "
            "Literal, an Enum, dates, list, dict, a dataclass, a TypedDict or a pydantic model."
        )

    def object(self, members: Mapping[str, Member]) -> dict[str, JsonValue]:
        properties = {}
        for name, member in members.items():
            schema = self.of(member.hint)
            if member.description:
                schema = {**schema, "description": member.description}
            properties[name] = schema
        return {
            "type": "object",
            "properties": properties,
            "required": [name for name, member in members.items() if member.required],
            "additionalProperties": False,
        }

    def _union(self, arguments: tuple[Any, ...]) -> dict[str, JsonValue]:
        return {"anyOf": [self.of(each) for each in arguments]}

    def _tuple(self, hint: Any, arguments: tuple[Any, ...]) -> dict[str, JsonValue]:
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return {"type": "array", "items": self.of(arguments[0])}
        if is_empty_tuple(hint):
            return {"type": "array", "maxItems": 0}
        if not arguments:
            return {"type": "array"}
        return {
            "type": "array",
            "prefixItems": [self.of(each) for each in arguments],
            "minItems": len(arguments),
            "maxItems": len(arguments),
        }

    def _map(self, hint: Any, arguments: tuple[Any, ...]) -> dict[str, JsonValue]:
        if not arguments:
            return {"type": "object"}
        if arguments[0] is not str:
            raise InvalidArgument(f"{name_of(hint)} has no JSON: the keys of an object are text.")
        return {"type": "object", "additionalProperties": self.of(arguments[1])}

    def _pydantic(self, hint: Any) -> dict[str, JsonValue]:
        schema = _pydantic_schema(hint)
        numbers = itertools.count(2)
        while self._is_taken(schema["$defs"]):
            schema = _pydantic_schema(hint, str(next(numbers)))
        self.definitions.update(schema.pop("$defs"))
        return schema

    def _is_taken(self, definitions: Mapping[str, JsonValue]) -> bool:
        """Whether one of the names stands for something else already."""
        taken = {**dict.fromkeys(self._recursive.values()), **self.definitions}
        return any(name in taken and taken[name] != each for name, each in definitions.items())

    def _named(self, hint: type) -> dict[str, JsonValue]:
        if self._open:
            self._members[self._open[-1]].add(hint)
        if hint in self._open or hint in self._recursive:
            return self._reference(hint)
        self._open.append(hint)
        schema = self.object(members_of(hint))
        self._open.pop()
        if hint not in self._recursive and not self._is_within_itself(hint):
            return schema
        reference = self._reference(hint)
        self.definitions[self._recursive[hint]] = schema
        return reference

    def _reference(self, hint: type) -> dict[str, JsonValue]:
        if hint not in self._recursive:
            self._recursive[hint] = self._free_name(hint.__name__)
        return {"$ref": f"#/$defs/{self._recursive[hint]}"}

    def _is_within_itself(self, hint: type) -> bool:
        """Whether it holds, at any depth, one of the types that it is being described in."""
        found: set[type] = set()
        left = {hint}
        while left:
            found |= left
            left = {each for holder in left for each in self._members[holder]} - found
        return not found.isdisjoint(self._open)

    def _free_name(self, name: str) -> str:
        taken = {*self.definitions, *self._recursive.values()}
        number = 2
        free = name
        while free in taken:
            free, number = f"{name}{number}", number + 1
        return free


def _pydantic_schema(hint: Any, ending: str = "") -> dict[str, Any]:
    """The model's schema, with definitions whose names have that ending."""
    options = {"ref_template": f"#/$defs/{{model}}{ending}"} if ending else {}
    try:
        schema = hint.model_json_schema(**options)
    except Exception as error:
        # A member that JSON does not know, a name that is not defined, or anything of the model's.
        problem = getattr(error, "message", error)
        raise InvalidArgument(f"{name_of(hint)} has no JSON schema: {problem}") from error
    definitions = {f"{name}{ending}": each for name, each in schema.get("$defs", {}).items()}
    return {**schema, "$defs": definitions}


def _choices(values: Sequence[JsonValue]) -> dict[str, JsonValue]:
    kinds = dict.fromkeys(SCALARS.get(type(each), "") for each in values)
    if not kinds:
        raise InvalidArgument("An Enum without members has no JSON.")
    if "" in kinds:
        raise InvalidArgument("The values of a Literal or Enum have to be text, numbers or bool.")
    return {"type": [*kinds] if len(kinds) > 1 else next(iter(kinds)), "enum": list(values)}


def _described(schema: dict[str, JsonValue], extras: tuple[Any, ...]) -> dict[str, JsonValue]:
    text = next((each for each in extras if isinstance(each, str)), None)
    return schema if text is None else {**schema, "description": text}
