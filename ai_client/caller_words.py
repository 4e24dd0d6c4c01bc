"""Our names of settings in the words of a caller's dialect, for the errors that it gets.

A caller's own JSON is refused by its own names where it is read. What is found out later, by the
dialect that it is translated into, is named as the representation names it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_HEAD: Final = re.compile(r"[^.\[]*")
_CUSTOM: Final = "custom_options."
_OF_PARTS: Final = ".parts["


def in_callers_words(param: str | None, names: Mapping[str, str]) -> str | None:
    """``param`` as a caller calls it; ``names`` are the settings that have another name there.

    A part of a message is told as the field with the messages: it is counted otherwise there.
    """
    if param is None:
        return None
    if param.startswith(_CUSTOM):
        return param.removeprefix(_CUSTOM)
    found = _HEAD.match(param)
    head = found[0] if found else param
    if head in names:
        return names[head]
    return head if head == "messages" and _OF_PARTS in param else param
