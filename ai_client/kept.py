"""What a caller's body refers to and does not say, because an upstream keeps it: pure.

The answer before, a file, a cache: only the account that made such a thing knows it. Another one
would say that it does not exist, which is not true.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from itertools import islice
from typing import Final

from ai_client.messages import JsonObject, JsonValue

MOST: Final = 20_000
"""Parts of a body that are looked at. Of a larger one everything counts as kept."""


class Kept(Enum):
    """How much of a request is kept by an upstream of its dialect."""

    NOTHING = "nothing"
    USEFUL = "useful"
    """Another dialect does without it, another account of this one cannot."""
    NEEDED = "needed"
    """Nobody else can answer."""


def objects(value: JsonValue) -> Iterator[JsonObject]:
    """The objects of a list, no more than ``MOST``; none of what is no list."""
    if isinstance(value, list):
        yield from (each for each in islice(value, MOST) if isinstance(each, Mapping))


def member(holder: JsonObject, name: str) -> JsonObject:
    """An object within another one; an empty one where there is none."""
    value = holder.get(name)
    return value if isinstance(value, Mapping) else {}
