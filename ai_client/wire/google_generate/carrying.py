"""How thoughts that other vendors signed travel through Google's dialect.

A part has one place for what its reader does not understand and has to send back:
``thoughtSignature``, bytes in base64. Google's own signatures stand in it as they came. What
another dialect signed, or attached to a part, is sent to our callers in the same place: our mark,
and behind it JSON with the foreign ``signature`` and ``opaque`` data. Thoughts and calls of other
vendors are marked even where there is nothing to carry, which tells them from Google's own.

A caller that sends its history back as it got it so brings everything back. Streams have the
signature in a part of its own after the text it belongs to; ``joined`` says how many characters
before it are that text.

``without_carried`` takes the marked signatures out again before Google, which would call them
corrupted, sees them. https://ai.google.dev/gemini-api/docs/thought-signatures
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ai_client.json_text import dump, load
from ai_client.messages import JsonObject, JsonValue
from ai_client.wire.google_generate.contents import FOREIGN_CALL_SIGNATURE, WIRE
from ai_client.wire.google_generate.model import Model

# Nine bytes, so that the mark is the same twelve signs whatever follows it.
_MARK: Final = base64.b64encode(b"koneek-v1").decode()
_SIGNATURES: Final = ("thoughtSignature", "thought_signature")
_CALLS: Final = ("functionCall", "function_call")


@dataclass(frozen=True, slots=True)
class Carried:
    """What a marked signature holds; ``joined`` counts characters of the parts before it.

    ``refusal``: the text is one, which Google's dialect does not tell from others.
    """

    signature: str | None = None
    opaque: JsonObject | None = None
    joined: int = 0
    refusal: bool = False


def render_signature(
    signature: str | None,
    opaque: JsonObject | None,
    *,
    marked: bool = False,
    joined: int = 0,
    refusal: bool = False,
) -> str | None:
    """The ``thoughtSignature`` of a part for a caller; None where the part needs none.

    ``marked``: whether another vendor's part needs one although there is nothing to carry.
    """
    own = (opaque or {}).get(WIRE)
    if isinstance(own, Mapping):
        given = own.get("thoughtSignature")
        return given if isinstance(given, str) else None
    if not marked and not refusal and signature is None and not opaque:
        return None
    held: dict[str, JsonValue] = {}
    if signature is not None:
        held["signature"] = signature
    if opaque:
        held["opaque"] = opaque
    if joined:
        held["joined"] = joined
    if refusal:
        held["refusal"] = True
    return _MARK + base64.b64encode(dump(held)).decode()


def is_ours(signature: JsonValue) -> bool:
    """Whether a ``thoughtSignature`` is one of ours."""
    return isinstance(signature, str) and signature.startswith(_MARK)


def parse_signature(signature: str) -> Carried:
    """What a signature of ours holds; nothing where it came back damaged."""
    data = signature.removeprefix(_MARK).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        held = load(base64.b64decode(data + "=" * (-len(data) % 4), validate=True))
    except (binascii.Error, json.JSONDecodeError, ValueError):
        return Carried()
    if not isinstance(held, dict):
        return Carried()
    signature_held, opaque, joined = (held.get(name) for name in ("signature", "opaque", "joined"))
    foreign = (
        {name: value for name, value in opaque.items() if name != WIRE}
        if isinstance(opaque, dict)
        else None
    )
    return Carried(
        signature_held if isinstance(signature_held, str) else None,
        foreign or None,
        joined if type(joined) is int and joined > 0 else 0,
        held.get("refusal") is True,
    )


def without_carried(body: Mapping[str, JsonValue], model: Model) -> Mapping[str, JsonValue]:
    """A caller's body as Google may see it; itself if nothing in it is ours.

    Thoughts of other vendors go. Of their calls the first of a turn gets the signature with which
    Google takes foreign calls, where the model asks for one.
    """
    contents = body.get("contents")
    if not isinstance(contents, list):
        return body
    cleaner = _Cleaner(model.signs_calls)
    # Backwards, as a mark at the end of a text says how much before it belongs to it.
    changed = [cleaner.clean(content) for content in reversed(contents)][::-1]
    if all(new is old for new, old in zip(changed, contents, strict=True)):
        return body
    return {**body, "contents": [content for content in changed if content is not None]}


class _Cleaner:
    """Takes marks out, turn by turn from the last to the first."""

    def __init__(self, signs_calls: bool) -> None:
        self._signs_calls = signs_calls
        self._foreign = 0
        """Characters of thoughts further up that are another vendor's."""

    def clean(self, content: JsonValue) -> JsonValue:
        """The turn without what is ours; None where nothing else was in it."""
        parts = content.get("parts") if isinstance(content, dict) else None
        if not isinstance(content, dict) or not isinstance(parts, list):
            return content
        changed = [self._part(part) for part in reversed(parts)][::-1]
        if all(new is old for new, old in zip(changed, parts, strict=True)):
            return content
        kept = [part for part in changed if part is not None]
        calls = [position for position, part in enumerate(kept) if _is_call(part)]
        if self._signs_calls and calls and not any(_signature(kept[each]) for each in calls):
            first = kept[calls[0]]
            kept[calls[0]] = {**first, "thoughtSignature": FOREIGN_CALL_SIGNATURE}
        return {**content, "parts": kept} if kept else None

    def _part(self, part: JsonValue) -> JsonValue:
        if not isinstance(part, dict):
            return part
        signature, thinks = _signature(part), part.get("thought") is True
        if is_ours(signature):
            self._foreign = parse_signature(signature).joined if thinks else 0
            if thinks:
                return None
            rest = {name: value for name, value in part.items() if name not in _SIGNATURES}
            return None if rest == {"text": ""} else rest
        text = part.get("text")
        if (
            thinks
            and signature is None
            and isinstance(text, str)
            and 0 < len(text) <= self._foreign
        ):
            self._foreign -= len(text)
            return None
        self._foreign = 0
        return part


def _is_call(part: JsonValue) -> bool:
    return isinstance(part, dict) and any(name in part for name in _CALLS)


def _signature(part: JsonValue) -> JsonValue:
    if not isinstance(part, dict):
        return None
    return next((part[name] for name in _SIGNATURES if name in part), None)
