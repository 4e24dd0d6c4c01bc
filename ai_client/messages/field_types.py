"""Checks what programs put into the fields of a value; an error names the field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from ai_client.errors import InvalidArgument

Check: TypeAlias = Callable[[Any, str], object]


def of(kind: type) -> Check:
    """A check for values of that class."""

    def check(value: object, key: str) -> None:
        if not isinstance(value, kind):
            raise InvalidArgument(f"{key} is a {kind.__name__}, not {_kind(value)}.", param=key)

    return check


def tuple_of(kind: type) -> Check:
    """A check for tuples, or lists, of that class."""

    def check(value: object, key: str) -> None:
        members = value if isinstance(value, tuple | list) else (value,)
        for each in members:
            if members is not value or not isinstance(each, kind):
                raise InvalidArgument(
                    f"{key} is a tuple of {kind.__name__}, not {_kind(value)}.", param=key
                )

    return check


def mapping(value: object, key: str) -> None:
    """Raises InvalidArgument for what is no mapping."""
    if not isinstance(value, Mapping):
        raise InvalidArgument(f"{key} has to be an object, not {_kind(value)}.", param=key)


def _kind(value: object) -> str:
    return type(value).__name__
