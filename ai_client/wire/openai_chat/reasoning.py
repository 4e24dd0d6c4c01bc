"""How thoughts, and what vendors sign or encrypt, travel through this dialect.

Three kinds of fields carry them:

- ``reasoning_content`` (DeepSeek and many others) or ``reasoning`` (OpenRouter, Groq): the text.
- ``reasoning_details`` (OpenRouter): a list of objects with ``type`` (``reasoning.text``,
  ``reasoning.summary``, ``reasoning.encrypted``), ``text``, ``signature``, ``data``, ``format``
  and ``index``. https://openrouter.ai/docs/guides/best-practices/reasoning-tokens
- ``extra_content`` of a tool call or a message, ``{"google": {"thought_signature": ...}}``:
  https://ai.google.dev/gemini-api/docs/thought-signatures

What an upstream of this dialect sent in them is kept in the part's opaque data as it came and goes
back to such upstreams as it came. What another dialect signed is sent to our callers in the same
fields, marked as ours: each thought as one detail with ``format`` ``koneek-v1``, its opaque data as
JSON text in ``data``; opaque data of texts and calls beside Google's in ``extra_content.koneek``.
A caller that sends its history back as it got it so brings back every signature, and
``without_carried`` takes the marked fields out again before an upstream of this dialect, which may
refuse fields that it does not know, sees them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import orjson

from ai_client.json_text import dump
from ai_client.messages import Channel, JsonObject, JsonValue, MessagePart
from ai_client.wire.openai_chat.vocabulary import WIRE

FORMAT: Final = "koneek-v1"
"""Marks the reasoning details that are ours."""

_MARK: Final = "koneek"
_TEXT_FIELDS: Final = ("reasoning_content", "reasoning")
_GROWING: Final = ("text", "summary")

Detail = Mapping[str, JsonValue]


def thought_text(message: Mapping[str, JsonValue]) -> tuple[str, str] | None:
    """The name and the text of the field that holds a message's or delta's thoughts."""
    for name in _TEXT_FIELDS:
        text = message.get(name)
        if isinstance(text, str) and text:
            return name, text
    return None


def details_of(message: Mapping[str, JsonValue]) -> Sequence[Detail]:
    """The reasoning details of a message or delta."""
    details = message.get("reasoning_details")
    return [each for each in details if isinstance(each, dict)] if isinstance(details, list) else []


def is_ours(detail: Detail) -> bool:
    """Whether a detail carries another dialect's thought."""
    return detail.get("format") == FORMAT


def merge_detail(details: list[dict[str, JsonValue]], detail: Detail) -> None:
    """Adds a streamed fragment to the details so far; fragments of one index and type grow."""
    for known in details:
        same = known.get("index") == detail.get("index") and known.get("type") == detail.get("type")
        if same and detail.get("index") is not None:
            for name, value in detail.items():
                if name in _GROWING and isinstance(value, str):
                    known[name] = (known.get(name) or "") + value
                elif value not in (None, ""):
                    known[name] = value
            return
    details.append(dict(detail))


def own_thought(name: str | None, details: Sequence[Detail]) -> JsonObject:
    """The opaque data of a thought that an upstream of this dialect sent."""
    own: dict[str, JsonValue] = {}
    if name is not None:
        own["field"] = name
    if details:
        own["details"] = list(details)
    return {WIRE: own}


def render_carried_thought(
    text: str, signature: str | None, opaque: JsonObject | None, index: int
) -> dict[str, JsonValue]:
    """Another dialect's thought as a detail of ours; ``index`` counts an answer's thoughts."""
    detail: dict[str, JsonValue] = {
        "type": "reasoning.text" if text else "reasoning.encrypted",
        "format": FORMAT,
        "index": index,
    }
    if text:
        detail["text"] = text
    if signature is not None:
        detail["signature"] = signature
    foreign = _foreign(opaque)
    if foreign:
        detail["data"] = dump(foreign).decode()
    return detail


def parse_carried_thought(detail: Detail) -> MessagePart:
    """The thought that a detail of ours carries."""
    text, signature, data = (detail.get(name) for name in ("text", "signature", "data"))
    opaque = None
    if isinstance(data, str):
        try:
            opaque = orjson.loads(data)
        except orjson.JSONDecodeError:
            opaque = None
    return MessagePart(
        text if isinstance(text, str) else "",
        Channel.THOUGHT,
        thought_signature=signature if isinstance(signature, str) else None,
        opaque=opaque if isinstance(opaque, dict) and opaque else None,
    )


def parse_thoughts(message: Mapping[str, JsonValue]) -> list[MessagePart]:
    """The thoughts of a complete message, ours unpacked."""
    details = details_of(message)
    if not details and thought_text(message) is None:
        return []
    ours = [each for each in details if is_ours(each)]
    others = [each for each in details if not is_ours(each)]
    parts = [parse_carried_thought(each) for each in ours]
    named = None if ours else thought_text(message)
    if named is not None or others:
        name, text = named or (None, "")
        parts.append(MessagePart(text, Channel.THOUGHT, opaque=own_thought(name, others)))
    return parts


def render_thoughts(parts: Iterable[MessagePart], *, carry: bool) -> dict[str, JsonValue]:
    """The fields of a complete message for its thoughts.

    With ``carry`` (to our callers) all of them; without (to upstreams) only what came from an
    upstream of this dialect.
    """
    name = None
    texts: list[str] = []
    details: list[JsonValue] = []
    carried = 0
    for part in parts:
        if not part.is_thought or not isinstance(part.content, str):
            continue
        own = part.opaque_for(WIRE)
        if isinstance(own, dict):
            field = own.get("field")
            name = name or (field if field in _TEXT_FIELDS else None)
            texts.append(part.content)
            kept = own.get("details")
            details += kept if isinstance(kept, list) else []
        elif carry:
            texts.append(part.content)
            details.append(
                render_carried_thought(part.content, part.thought_signature, part.opaque, carried)
            )
            carried += 1
    fields: dict[str, JsonValue] = {}
    if any(texts):
        fields[name or _TEXT_FIELDS[0]] = "".join(texts)
    if details:
        fields["reasoning_details"] = details
    return fields


def parse_extra(extra: JsonValue) -> tuple[str | None, JsonObject | None]:
    """The signature and the opaque data in an ``extra_content``."""
    if not isinstance(extra, dict):
        return None, None
    google = extra.get("google")
    signature = google.get("thought_signature") if isinstance(google, dict) else None
    marked = extra.get(_MARK)
    own = {WIRE: {"extra_content": extra}}
    opaque = marked.get("opaque") if isinstance(marked, dict) else own
    return (
        signature if isinstance(signature, str) else None,
        opaque if isinstance(opaque, dict) and opaque else None,
    )


def render_extra(
    signature: str | None, opaque: JsonObject | None, *, carry: bool
) -> dict[str, JsonValue] | None:
    """The ``extra_content`` of a text or a call, or None; ``carry`` as in ``render_thoughts``."""
    own = (opaque or {}).get(WIRE)
    extra = own.get("extra_content") if isinstance(own, dict) else None
    if isinstance(extra, dict):
        return extra
    foreign = _foreign(opaque)
    if not carry or (signature is None and not foreign):
        return None
    rendered: dict[str, JsonValue] = {_MARK: {"opaque": foreign} if foreign else {}}
    if signature is not None:
        rendered["google"] = {"thought_signature": signature}
    return rendered


def without_carried(message: JsonValue) -> JsonValue:
    """A caller's message as upstreams of this dialect may know it; itself if nothing is ours."""
    if not isinstance(message, dict) or message.get("role") != "assistant":
        return message
    changed = dict(message)
    details = details_of(message)
    if any(is_ours(each) for each in details):
        for name in (*_TEXT_FIELDS, "reasoning_details"):
            changed.pop(name, None)
        others = [each for each in details if not is_ours(each)]
        if others:
            changed["reasoning_details"] = others
    if _is_marked(message):
        del changed["extra_content"]
    calls = message.get("tool_calls")
    if isinstance(calls, list) and any(_is_marked(call) for call in calls):
        changed["tool_calls"] = [
            {name: value for name, value in call.items() if name != "extra_content"}
            if _is_marked(call)
            else call
            for call in calls
        ]
    return changed if len(changed) != len(message) or changed != message else message


def _is_marked(holder: JsonValue) -> bool:
    extra = holder.get("extra_content") if isinstance(holder, dict) else None
    return isinstance(extra, dict) and _MARK in extra


def _foreign(opaque: JsonObject | None) -> dict[str, JsonValue]:
    return {name: value for name, value in (opaque or {}).items() if name != WIRE}
