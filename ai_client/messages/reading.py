"""Reads the dictionaries that ``from_dict`` is given, strictly.

Each function raises ``InvalidArgument`` that names the key. An empty list is taken where a map
belongs, because PHP writes an empty map like that.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, TypeAlias, TypeVar

from ai_client.capabilities import JsonValue, listed, require, thaw
from ai_client.errors import InvalidArgument

JsonObject: TypeAlias = Mapping[str, JsonValue]

_Read = TypeVar("_Read")

_INTEGER_BITS = 4096
"""Far below the 4,300 digits from which on Python writes no integer."""


def fields(data: object, owner: str, *required: str) -> JsonObject:
    """``data`` as the map that ``owner`` is made of; all ``required`` keys are in it."""
    held = _map(data)
    require(data if held is None else held, owner, *required)
    return held or {}


def optional(data: JsonObject, key: str, read: Callable[[JsonValue, str], _Read]) -> _Read | None:
    """What ``read`` makes of the value; None where there is none."""
    value = data.get(key)
    return None if value is None else read(value, key)


def string(value: JsonValue, key: str) -> str:
    if not isinstance(value, str):
        raise _wrong(key, "a string", value)
    return value


def unicode_text(value: object, key: str) -> str:
    """A string that can be sent: UTF-8 has no lone surrogates."""
    if not isinstance(value, str):
        raise _wrong(key, "a string", value)
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise InvalidArgument(
                f"{key} holds half a character (a lone surrogate) at position {error.start}.",
                param=key,
            ) from None
    return value


def json_value(value: object, key: str) -> JsonValue:
    """Any JSON value, copied so that nobody else holds what is in it."""
    try:
        return _json(value, key)
    except RecursionError:
        raise InvalidArgument(f"{key} is nested too deep.", param=key) from None


def boolean(value: JsonValue, key: str) -> bool:
    if not isinstance(value, bool):
        raise _wrong(key, "true or false", value)
    return value


def integer(value: JsonValue, key: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong(key, "an integer", value)
    return value


def number(value: JsonValue, key: str) -> float:
    """Any finite number, as float."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            read = float(value)
        except OverflowError:
            read = math.inf
        if math.isfinite(read):
            return read
    raise _wrong(key, "a finite number", value)


def json_object(value: JsonValue, key: str) -> dict[str, JsonValue]:
    """A map of any JSON values, copied."""
    held = _map(value)
    if held is None:
        raise _wrong(key, "an object", value)
    copied: dict[str, JsonValue] = thaw(held)
    return copied


def tuple_of(
    read: Callable[[JsonValue, str], _Read],
) -> Callable[[JsonValue, str], tuple[_Read, ...]]:
    """A reader of lists, of the reader of a member."""

    def read_all(value: JsonValue, key: str) -> tuple[_Read, ...]:
        return tuple(read(each, f"{key}[{at}]") for at, each in enumerate(listed(value, key)))

    return read_all


def nested(from_dict: Callable[[Any], _Read]) -> Callable[[JsonValue, str], _Read]:
    """A reader of one of our types."""

    def read(value: JsonValue, key: str) -> _Read:
        if _map(value) is None:
            raise _wrong(key, "an object", value)
        return from_dict(value)

    return read


def _map(value: object) -> JsonObject | None:
    if isinstance(value, Mapping):
        return value
    return {} if isinstance(value, list | tuple) and not value else None


def _json(value: object, key: str) -> JsonValue:
    match value:
        case StrEnum():
            return value.value
        case str():
            return unicode_text(value, key)
        case None | bool():
            return value
        case int() if value.bit_length() <= _INTEGER_BITS:
            return value
        case float() if math.isfinite(value):
            return value
        case list() | tuple():
            return [_json(each, key) for each in value]
        case Mapping():
            return {unicode_text(name, key): _json(each, key) for name, each in value.items()}
        case int() | float():
            raise InvalidArgument(f"{key} holds a number that JSON has not.", param=key)
    raise InvalidArgument(
        f"{key} holds a {type(value).__name__}; JSON is made of text, numbers, true, false, null, "
        "lists and objects.",
        param=key,
    )


def _wrong(key: str, wanted: str, value: object) -> InvalidArgument:
    return InvalidArgument(f"{key} has to be {wanted}, not {type(value).__name__}.", param=key)
