"""Reads the fields of a caller's body; each refusal names the field by its path.

``null`` counts as absent, as it does for OpenAI.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from ai_client.errors import InvalidRequest
from ai_client.messages import JsonValue

Found = TypeVar("Found")
Number = TypeVar("Number", int, float)


def refuse(path: str, expected: str, value: JsonValue) -> InvalidRequest:
    """The error for a field that is not what it must be."""
    return InvalidRequest(f"'{path}' must be {expected}, not {_kind(value)}.", param=path)


def missing(path: str) -> InvalidRequest:
    """The error for a field that must be there."""
    return InvalidRequest(f"'{path}' is missing.", param=path)


class Fields:
    """An object of the body. ``path`` is empty for the body itself."""

    __slots__ = ("path", "values")

    def __init__(self, values: Mapping[str, JsonValue], path: str = "") -> None:
        self.values = values
        self.path = path

    def __contains__(self, name: str) -> bool:
        return self.values.get(name) is not None

    def get(self, name: str) -> JsonValue:
        """The field as it is."""
        return self.values.get(name)

    def at(self, name: str) -> str:
        """The path of a field."""
        return f"{self.path}.{name}" if self.path else name

    def required(self, value: Found | None, name: str) -> Found:
        """``value``, which was read from ``name``; refused where it is absent."""
        if value is None:
            raise missing(self.at(name))
        return value

    def text(self, name: str) -> str | None:
        """A string."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, str):
            raise refuse(self.at(name), "a string", value)
        return value

    def boolean(self, name: str) -> bool | None:
        """True or false."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, bool):
            raise refuse(self.at(name), "true or false", value)
        return value

    def integer(self, name: str, low: int | None = None, high: int | None = None) -> int | None:
        """A whole number within the bounds, which are included."""
        value = self.values.get(name)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool):
            raise refuse(self.at(name), "an integer", value)
        return self._within(name, value, low, high)

    def number(self, name: str, low: float, high: float) -> float | None:
        """A number within the bounds, which are included."""
        value = self.values.get(name)
        if value is None:
            return None
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise refuse(self.at(name), "a number", value)
        return self._within(name, value, low, high)

    def object(self, name: str) -> Fields | None:
        """An object."""
        value = self.values.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise refuse(self.at(name), "an object", value)
        return Fields(value, self.at(name))

    def list(self, name: str) -> Sequence[JsonValue] | None:
        """A list of whatever it holds."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, list):
            raise refuse(self.at(name), "a list", value)
        return value

    def objects(self, name: str) -> Sequence[Fields]:
        """A list of objects; empty where the field is absent."""
        found = []
        for number, value in enumerate(self.list(name) or ()):
            path = f"{self.at(name)}[{number}]"
            if not isinstance(value, dict):
                raise refuse(path, "an object", value)
            found.append(Fields(value, path))
        return found

    def _within(self, name: str, value: Number, low: float | None, high: float | None) -> Number:
        if (low is not None and value < low) or (high is not None and value > high):
            bounds = f"at least {low}" if high is None else f"between {low} and {high}"
            raise InvalidRequest(f"'{self.at(name)}' must be {bounds}.", param=self.at(name))
        return value


def _kind(value: JsonValue) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "a list"
        case _:
            return "an object"
