"""JSON in and out: fast, and complete where the fast way is not."""

from __future__ import annotations

import json
from typing import Any

import orjson

_DIGITS_AS_ZERO = bytes(0x30 if chr(byte).isdigit() and byte < 128 else 0x20 for byte in range(256))
_PERHAPS_OVER_64_BITS = b"0" * 19


def load(text: bytes) -> Any:
    """The value of ``text``; ``json.JSONDecodeError`` where it is not JSON in UTF-8.

    orjson rounds integers over 64 bits to floats; where there may be one, the standard library
    reads the text once more.
    """
    value = orjson.loads(text)
    if _PERHAPS_OVER_64_BITS not in text.translate(_DIGITS_AS_ZERO):
        return value
    try:
        return json.loads(text.decode())
    except (ValueError, RecursionError) as error:
        # Python reads no integer of more than 4,300 digits.
        raise json.JSONDecodeError("number or nesting too long", "", 0) from error


def dump(value: Any) -> bytes:
    """``value`` as JSON. orjson refuses integers over 64 bits and lone surrogates; then the
    standard library does it.
    """
    try:
        return orjson.dumps(value)
    except TypeError:
        text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
        return text.encode()
