"""How thoughts, and what other dialects sign, travel through this one to our callers and back.

The dialect has one field for what only its vendor can read: ``encrypted_content`` of a reasoning
item, which callers hand back with the item. What an upstream of this dialect put there is kept as
it came. Of another dialect's part its signature and opaque data are packed into it, marked as ours:
a thought is a reasoning item with its text as summary, always marked; a signed text or call is
followed by a reasoning item without summary that belongs to the item before it (``of_previous``).
``without_carried`` takes the marked items out again before an upstream of this dialect, which could
not decrypt them, sees them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ai_client.json_text import dump, load
from ai_client.messages import JsonObject, JsonValue
from ai_client.wire.openai_responses.vocabulary import REASONING, WIRE

FORMAT: Final = "koneek-v1."
"""What ``encrypted_content`` of ours begins with."""


@dataclass(frozen=True, slots=True)
class Carried:
    """What another dialect left on a part. ``of_previous``: the part before it, not a thought.

    ``call_id`` names the call whose it is, where it is a call's.
    """

    signature: str | None = None
    opaque: JsonObject | None = None
    of_previous: bool = False
    call_id: str | None = None


def pack(carried: Carried) -> str:
    """The ``encrypted_content`` of a reasoning item of ours; this dialect's own data is left out.

    There is one for a thought without any signature too, so that it is known to be ours.
    """
    opaque = {name: value for name, value in (carried.opaque or {}).items() if name != WIRE}
    said: dict[str, JsonValue] = {}
    if carried.signature is not None:
        said["signature"] = carried.signature
    if opaque:
        said["opaque"] = opaque
    if carried.of_previous:
        said["of_previous"] = True
    if carried.call_id is not None:
        said["call_id"] = carried.call_id
    return FORMAT + dump(said).decode()


def unpack(encrypted: JsonValue) -> Carried | None:
    """What an ``encrypted_content`` carries, nothing where damaged; None where it is not ours."""
    if not isinstance(encrypted, str) or not encrypted.startswith(FORMAT):
        return None
    try:
        said = load(encrypted.removeprefix(FORMAT).encode())
    except ValueError:
        return Carried()
    if not isinstance(said, dict):
        return Carried()
    signature, opaque, call_id = (said.get(name) for name in ("signature", "opaque", "call_id"))
    return Carried(
        signature if isinstance(signature, str) else None,
        opaque if isinstance(opaque, dict) and opaque else None,
        said.get("of_previous") is True,
        call_id if isinstance(call_id, str) else None,
    )


def without_carried(items: list[JsonValue]) -> list[JsonValue]:
    """A caller's input as upstreams of this dialect may know it."""
    return [item for item in items if not (isinstance(item, dict) and is_ours(item))]


def is_ours(item: Mapping[str, JsonValue]) -> bool:
    """Whether an item of the input is a reasoning item that carries another dialect's data."""
    encrypted = item.get("encrypted_content")
    return (
        item.get("type") == REASONING
        and isinstance(encrypted, str)
        and encrypted.startswith(FORMAT)
    )
