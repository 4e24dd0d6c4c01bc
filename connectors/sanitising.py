"""What is left of a text that somebody submits for a setting. Pure.

What WordPress's ``sanitize_text_field`` leaves, so that a key that is pasted here and there is the
same. https://developer.wordpress.org/reference/functions/sanitize_text_field/
"""

from __future__ import annotations

import re

_BLANKS = " \t\n\r\0\x0b"
_INVISIBLE = re.compile(r"<(script|style)\b[^>]*>.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_OCTET = re.compile(r"%[a-f0-9]{2}", re.IGNORECASE)
_LONGEST = 5_000


def sanitize_text_field(value: object) -> str:
    """Text on one line without tags, runs of blanks and percent-encoded octets; else blank.

    Octets like ``%2B`` are removed, not decoded. Numbers become text. Anything that is longer
    than 5,000 characters is no setting, and becomes blank.
    """
    if isinstance(value, bool):
        value = "1" if value else ""
    if isinstance(value, int | float):
        value = str(value)
    if not isinstance(value, str) or len(value) > _LONGEST:
        return ""
    text = value
    if "<" in text:
        text = _TAG.sub("", _INVISIBLE.sub("", text)).replace("<", "&lt;")
    text = re.sub(r"[\r\n\t ]+", " ", text).strip(_BLANKS)
    # A removed octet can leave another one behind: %4%311 becomes %41.
    bare = _OCTET.sub("", text)
    while bare != text:
        text, bare = bare, _OCTET.sub("", bare)
    return re.sub(" +", " ", text).strip(_BLANKS)
