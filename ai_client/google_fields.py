"""Reads the fields of what callers of Google's APIs send.

As in every JSON mapping of protocol buffers, names come in camel or snake case, numbers may be
strings, and one message may stand where a list is expected:
https://protobuf.dev/programming-guides/json/. Refusals name a field in camel case.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping, Sequence
from typing import Self

from ai_client.body_fields import Fields, refuse
from ai_client.errors import InvalidRequest
from ai_client.messages import JsonValue

_LATER_WORD = re.compile(r"_+([a-zA-Z0-9])")
_TO_STANDARD = str.maketrans("-_", "+/", "\n\r \t")


class GoogleFields(Fields):
    """A message of the body, its fields under their names in camel case."""

    __slots__ = ()

    def __init__(self, values: Mapping[str, JsonValue], path: str = "") -> None:
        super().__init__({camel_case(name): value for name, value in values.items()}, path)

    def object(self, name: str) -> Self | None:
        """A message."""
        value = self.values.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise refuse(self.at(name), "an object", value)
        return type(self)(value, self.at(name))

    def list(self, name: str) -> Sequence[JsonValue] | None:
        """A list of whatever it holds; what is none is the only element of one."""
        value = self.values.get(name)
        return [value] if value is not None and not isinstance(value, list) else value

    def objects(self, name: str) -> Sequence[Self]:
        """A list of messages; empty where the field is absent."""
        found = []
        for number, value in enumerate(self.list(name) or ()):
            path = f"{self.at(name)}[{number}]"
            if not isinstance(value, dict):
                raise refuse(path, "an object", value)
            found.append(type(self)(value, path))
        return found

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings; empty where the field is absent."""
        found = []
        for number, value in enumerate(self.list(name) or ()):
            if not isinstance(value, str):
                raise refuse(f"{self.at(name)}[{number}]", "a string", value)
            found.append(value)
        return tuple(found)

    def word(self, name: str) -> str | None:
        """One of the words of an enumeration, in upper case; None for the one that says nothing."""
        value = self.text(name)
        said = value.upper() if value else None
        return None if said is None or said.endswith("_UNSPECIFIED") else said

    def integer(self, name: str, low: int | None = None, high: int | None = None) -> int | None:
        """A whole number within the bounds, which are included; ``8.0`` and ``"8"`` are one."""
        value = self._number(name)
        if isinstance(value, float) and not value.is_integer():
            raise InvalidRequest(f"'{self.at(name)}' must be an integer.", param=self.at(name))
        return None if value is None else self._within(name, int(value), low, high)

    def number(self, name: str, low: float, high: float) -> float | None:
        """A number within the bounds, which are included."""
        value = self._number(name)
        return None if value is None else self._within(name, value, low, high)

    def bytes(self, name: str) -> str | None:
        """Bytes in base64, in its standard alphabet whichever they came in.

        The ``google-genai`` SDK sends the other one, which is safe in addresses.
        """
        value = self.text(name)
        if value is None:
            return None
        data = value.translate(_TO_STANDARD).rstrip("=")
        data += "=" * (-len(data) % 4)
        try:
            binascii.a2b_base64(data, strict_mode=True)
        except (ValueError, binascii.Error):
            raise InvalidRequest(
                f"'{self.at(name)}' is not valid base64.", param=self.at(name)
            ) from None
        return data

    def _number(self, name: str) -> int | float | None:
        value = self.values.get(name)
        if isinstance(value, str):
            try:
                value = float(value) if set(value) & set(".eE") else int(value)
            except ValueError:
                raise refuse(self.at(name), "a number", value) from None
        if value is None:
            return None
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise refuse(self.at(name), "a number", value)
        return value


def camel_case(name: str) -> str:
    """A field's name as Google's reference writes it."""
    return _LATER_WORD.sub(lambda found: found[1].upper(), name) if "_" in name else name
