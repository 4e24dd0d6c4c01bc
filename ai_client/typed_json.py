"""Python types as JSON schemas, and JSON values read into them.

Types are ``str``, ``int``, ``float``, ``bool``, ``None``, ``Any``, ``Literal``, enums, dates,
``list``, ``tuple``, ``dict`` with text keys, unions, dataclasses, ``TypedDict`` and, where it is
installed, pydantic models. ``Annotated[int, "how many"]`` gives a value its description.

Reading is strict: nothing is converted but whole numbers into ``float``, nothing missing or
surplus passes, and what does not fit is said with its place.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import itertools
import json
import math
import types
import typing
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, NotRequired, Required, Union

from ai_client.errors import InvalidArgument
from ai_client.messages import JsonObject, JsonValue

_SCALARS: Mapping[object, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    type(None): "null",
}
_DATES: Mapping[object, str] = {dt.datetime: "date-time", dt.date: "date"}
_LISTS = (list, Sequence)
_MAPS = (dict, Mapping)


class DoesNotFit(ValueError):
    """A JSON value is not of the type: ``place`` as ``items[0].price``, and what is wrong."""

    def __init__(self, place: str, problem: str) -> None:
        super().__init__(f"{place or 'the value'}: {problem}")
        self.place = place


@dataclasses.dataclass(frozen=True, slots=True)
class Member:
    """A key of an object: its type, and whether it may be left out."""

    hint: Any
    required: bool
    description: str = ""


def is_object_type(hint: object) -> bool:
    """Whether the type's JSON is an object with named members."""
    return _is_pydantic(hint) or _is_dataclass(hint) or typing.is_typeddict(hint)


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
        if hint is None or hint in _SCALARS:
            return {"type": _SCALARS[type(None) if hint is None else hint]}
        if hint in _DATES:
            return {"type": "string", "format": _DATES[hint]}
        if origin is Literal:
            return _choices(arguments)
        if isinstance(hint, type) and issubclass(hint, enum.Enum):
            return _choices([each.value for each in hint])
        if origin in (Union, types.UnionType):
            return self._union(arguments)
        kind = origin or hint
        if kind in _LISTS:
            return {"type": "array", **({"items": self.of(arguments[0])} if arguments else {})}
        if kind is tuple:
            return self._tuple(hint, arguments)
        if kind in _MAPS:
            return self._map(hint, arguments)
        if _is_pydantic(hint):
            return self._pydantic(hint)
        if is_object_type(hint):
            return self._named(hint)
        raise InvalidArgument(
            f"There is no JSON for the type {_name(hint)}. Use text, numbers, bool, None, Literal, "
            "an Enum, dates, list, dict, a dataclass, a TypedDict or a pydantic model."
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
        if _is_empty_tuple(hint):
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
            raise InvalidArgument(f"{_name(hint)} has no JSON: the keys of an object are text.")
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
        raise InvalidArgument(f"{_name(hint)} has no JSON schema: {problem}") from error
    definitions = {f"{name}{ending}": each for name, each in schema.get("$defs", {}).items()}
    return {**schema, "$defs": definitions}


def members_of(hint: Any) -> dict[str, Member]:
    """The members of a dataclass or TypedDict."""
    try:
        hints = typing.get_type_hints(hint, include_extras=True)
    except Exception as error:
        # Annotations are code: a name that is not defined, or anything else.
        raise InvalidArgument(f"The type hints of {_name(hint)} cannot be read: {error}") from error
    if typing.is_typeddict(hint):
        return {
            name: Member(each, _is_required(each, name in hint.__required_keys__))
            for name, each in hints.items()
        }
    # Unlike ``fields``, this table holds what ``__post_init__`` alone gets, too.
    table: Mapping[str, dataclasses.Field[Any]] = hint.__dataclass_fields__
    stored = {each.name for each in dataclasses.fields(hint)}
    return {
        name: Member(
            _without_init_var(hints[name]),
            field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING,
            str(field.metadata.get("description", "")),
        )
        for name, field in table.items()
        if field.init and (name in stored or _is_init_var(hints[name]))
    }


def _is_init_var(hint: Any) -> bool:
    return hint is dataclasses.InitVar or isinstance(hint, dataclasses.InitVar)


def _without_init_var(hint: Any) -> Any:
    if hint is dataclasses.InitVar:
        return Any
    return hint.type if isinstance(hint, dataclasses.InitVar) else hint


def _is_required(hint: Any, total: bool) -> bool:
    # Where annotations are strings, Python's own table of keys does not see these two.
    marks = {Required: True, NotRequired: False}
    return marks.get(typing.get_origin(hint), total)


def read(hint: Any, value: JsonValue, place: str = "") -> Any:
    """The JSON value as one of the type; ``DoesNotFit`` says what is wrong and where."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Annotated, Required, NotRequired):
        return read(arguments[0], value, place)
    if hint is Any or hint is object:
        return value
    if hint is None or hint in _SCALARS:
        return _scalar(type(None) if hint is None else hint, value, place)
    if hint in _DATES:
        return _date(hint, value, place)
    if origin is Literal:
        return _chosen({json.dumps(each): each for each in arguments}, value, place)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return _chosen({json.dumps(each.value): each for each in hint}, value, place)
    if origin in (Union, types.UnionType):
        return _any_of(arguments, value, place)
    kind = origin or hint
    if kind in _LISTS or kind is tuple:
        return _items(hint, kind, arguments, value, place)
    if kind in _MAPS:
        given = _mapping(value, place)
        of = arguments[1] if arguments else Any
        return {name: read(of, each, _below(place, name)) for name, each in given.items()}
    if _is_pydantic(hint):
        return _pydantic_model(hint, value, place)
    if is_object_type(hint):
        found = read_members(members_of(hint), value, place)
        return found if typing.is_typeddict(hint) else hint(**found)
    raise InvalidArgument(f"There is no JSON for the type {_name(hint)}.")


def read_members(
    members: Mapping[str, Member], value: JsonValue, place: str = ""
) -> dict[str, Any]:
    """The members that the object has, each as its type."""
    given = _mapping(value, place)
    for name, member in members.items():
        if member.required and name not in given:
            raise DoesNotFit(_below(place, name), "is missing.")
    for name in given:
        if name not in members:
            raise DoesNotFit(_below(place, name), "is not asked for.")
    return {
        name: read(members[name].hint, each, _below(place, name)) for name, each in given.items()
    }


def as_json(value: object) -> JsonValue:
    """A Python value as JSON; ``TypeError`` where it has none."""
    if isinstance(value, enum.Enum):
        return as_json(value.value)
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    if _is_pydantic(type(value)):
        return typing.cast("Any", value).model_dump(mode="json")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: as_json(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        if not all(isinstance(name, str) for name in value):
            raise TypeError("The keys of a JSON object are text.")
        return {name: as_json(each) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [as_json(each) for each in value]
    raise TypeError(f"There is no JSON for the type {_name(type(value))}.")


def _scalar(hint: Any, value: JsonValue, place: str) -> Any:
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise DoesNotFit(place, "the number is too large.")
    if isinstance(value, hint) and not (isinstance(value, bool) and hint is not bool):
        return value
    words = {"string": "text", "integer": "a whole number", "number": "a number"}
    wanted = words.get(_SCALARS[hint], _SCALARS[hint])
    raise DoesNotFit(place, f"expected {wanted}, not {_kind(value)}.")


def _date(hint: Any, value: JsonValue, place: str) -> Any:
    if isinstance(value, str):
        try:
            return hint.fromisoformat(value)
        except ValueError:
            pass
    wanted = "a date and time" if hint is dt.datetime else "a date"
    raise DoesNotFit(place, f"expected {wanted} as in ISO 8601, not {_kind(value)}.")


def _chosen(choices: Mapping[str, Any], value: JsonValue, place: str) -> Any:
    key = json.dumps(value)
    if key not in choices:
        raise DoesNotFit(place, f"expected one of {', '.join(choices)}.")
    return choices[key]


def _any_of(arguments: tuple[Any, ...], value: JsonValue, place: str) -> Any:
    problems = []
    own: list[Exception] = []
    for each in arguments:
        try:
            return read(each, value, place)
        except DoesNotFit as error:
            problems.append(error)
        except (InvalidArgument, RecursionError):
            raise
        except Exception as error:
            # A class that checks its own values.
            own.append(error)
    if own:
        raise own[0]
    # The furthest reading says most about what was meant.
    raise max(problems, key=lambda error: len(error.place))


def _items(hint: Any, kind: Any, arguments: tuple[Any, ...], value: JsonValue, place: str) -> Any:
    if not isinstance(value, list):
        raise DoesNotFit(place, f"expected a list, not {_kind(value)}.")
    if _is_empty_tuple(hint) or (kind is tuple and arguments and arguments[-1] is not Ellipsis):
        if len(value) != len(arguments):
            raise DoesNotFit(place, f"expected {len(arguments)} items, not {len(value)}.")
        hints: Sequence[Any] = arguments
    else:
        hints = [arguments[0] if arguments else Any] * len(value)
    found = [
        read(hint, each, f"{place}[{index}]")
        for index, (hint, each) in enumerate(zip(hints, value, strict=True))
    ]
    return tuple(found) if kind is tuple else found


def _pydantic_model(hint: Any, value: JsonValue, place: str) -> Any:
    try:
        return hint.model_validate_json(json.dumps(value), strict=True)
    except ValueError as error:
        listed: Any = getattr(error, "errors", None)
        first = listed()[0] if callable(listed) else {}
        where = place
        for step in first.get("loc", ()):
            where = f"{where}[{step}]" if isinstance(step, int) else _below(where, step)
        raise DoesNotFit(where, f"{first.get('msg', 'does not fit')}.") from None


def _mapping(value: JsonValue, place: str) -> JsonObject:
    if not isinstance(value, Mapping):
        raise DoesNotFit(place, f"expected an object, not {_kind(value)}.")
    return value


def _choices(values: Sequence[JsonValue]) -> dict[str, JsonValue]:
    kinds = dict.fromkeys(_SCALARS.get(type(each), "") for each in values)
    if not kinds:
        raise InvalidArgument("An Enum without members has no JSON.")
    if "" in kinds:
        raise InvalidArgument("The values of a Literal or Enum have to be text, numbers or bool.")
    return {"type": [*kinds] if len(kinds) > 1 else next(iter(kinds)), "enum": list(values)}


def _described(schema: dict[str, JsonValue], extras: tuple[Any, ...]) -> dict[str, JsonValue]:
    text = next((each for each in extras if isinstance(each, str)), None)
    return schema if text is None else {**schema, "description": text}


def _below(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _is_empty_tuple(hint: Any) -> bool:
    """Whether it is ``tuple[()]``, which has no arguments as the bare ``tuple`` has none."""
    return typing.get_origin(hint) is tuple and getattr(hint, "__args__", None) == ()


def _is_dataclass(hint: object) -> bool:
    return isinstance(hint, type) and dataclasses.is_dataclass(hint)


def _is_pydantic(hint: object) -> bool:
    return isinstance(hint, type) and hasattr(hint, "model_json_schema")


def _name(hint: object) -> str:
    return getattr(hint, "__name__", None) or str(hint)


def _kind(value: JsonValue) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    names = {str: "text", int: "a whole number", float: "a number", list: "a list"}
    return names.get(type(value), "an object")
