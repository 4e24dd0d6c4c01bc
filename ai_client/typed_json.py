"""JSON values read into Python types, and Python values as JSON; ``json_types`` says which types.

Reading is strict: nothing is converted but whole numbers into ``float``, nothing missing or
surplus passes, and what does not fit is said with its place.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import json
import math
import types
import typing
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
from ai_client.messages import JsonObject, JsonValue


class DoesNotFit(ValueError):
    """A JSON value is not of the type: ``place`` as ``items[0].price``, and what is wrong."""

    def __init__(self, place: str, problem: str) -> None:
        super().__init__(f"{place or 'the value'}: {problem}")
        self.place = place


def read(hint: Any, value: JsonValue, place: str = "") -> Any:
    """The JSON value as one of the type; ``DoesNotFit`` says what is wrong and where."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Annotated, Required, NotRequired):
        return read(arguments[0], value, place)
    if hint is Any or hint is object:
        return value
    if hint is None or hint in SCALARS:
        return _scalar(type(None) if hint is None else hint, value, place)
    if hint in DATES:
        return _date(hint, value, place)
    if origin is Literal:
        return _chosen({json.dumps(each): each for each in arguments}, value, place)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return _chosen({json.dumps(each.value): each for each in hint}, value, place)
    if origin in (Union, types.UnionType):
        return _any_of(arguments, value, place)
    kind = origin or hint
    if kind in LISTS or kind is tuple:
        return _items(hint, kind, arguments, value, place)
    if kind in MAPS:
        given = _mapping(value, place)
        of = arguments[1] if arguments else Any
        return {name: read(of, each, _below(place, name)) for name, each in given.items()}
    if is_pydantic(hint):
        return _pydantic_model(hint, value, place)
    if is_object_type(hint):
        found = read_members(members_of(hint), value, place)
        return found if typing.is_typeddict(hint) else hint(**found)
    raise InvalidArgument(f"There is no JSON for the type {name_of(hint)}.")


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
    if is_pydantic(type(value)):
        return typing.cast("Any", value).model_dump(mode="json")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: as_json(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        if not all(isinstance(name, str) for name in value):
            raise TypeError("The keys of a JSON object are text.")
        return {name: as_json(each) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [as_json(each) for each in value]
    raise TypeError(f"There is no JSON for the type {name_of(type(value))}.")


def _scalar(hint: Any, value: JsonValue, place: str) -> Any:
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise DoesNotFit(place, "the number is too large.")
    if isinstance(value, hint) and not (isinstance(value, bool) and hint is not bool):
        return value
    words = {"string": "text", "integer": "a whole number", "number": "a number"}
    wanted = words.get(SCALARS[hint], SCALARS[hint])
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
    if is_empty_tuple(hint) or (kind is tuple and arguments and arguments[-1] is not Ellipsis):
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


def _below(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _kind(value: JsonValue) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    names = {str: "text", int: "a whole number", float: "a number", list: "a list"}
    return names.get(type(value), "an object")
