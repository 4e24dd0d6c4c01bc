"""How a stored key is shown, and what a submitted one means. Pure."""

from __future__ import annotations

import re
from enum import Enum
from typing import assert_never

from connectors.values import Unset

BULLET = "\u2022"
_MASK = re.compile(f"{BULLET}+[^{BULLET}]{{0,4}}")


class KeyChange(Enum):
    """What a write does to the stored key."""

    KEEP = "keep"
    CLEAR = "clear"
    REPLACE = "replace"


def mask(key: str) -> str:
    """WordPress's mask: up to 16 bullets, then the last four BYTES. Four bytes or fewer stay."""
    octets = key.encode("utf-8", "replace")
    if len(octets) <= 4:
        return key
    return BULLET * min(len(octets) - 4, 16) + octets[-4:].decode("utf-8", "replace")


def is_masked(text: str) -> bool:
    """Whether the text has the look of a mask, of whichever key."""
    return _MASK.fullmatch(text) is not None


def merge(stored: str, submitted: str | Unset | None) -> KeyChange:
    """Omitted keeps, null and blank clear, text replaces; the mask of the stored key keeps it.

    ``stored`` is blank where nothing is stored or where it cannot be read.
    """
    match submitted:
        case Unset.UNSET:
            return KeyChange.KEEP
        case None | "":
            return KeyChange.CLEAR
        case str():
            same = stored != "" and submitted in (stored, mask(stored))
            return KeyChange.KEEP if same else KeyChange.REPLACE
        case _:
            assert_never(submitted)
