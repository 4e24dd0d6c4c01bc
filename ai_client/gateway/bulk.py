"""How much of a body there would be to translate: pure.

Translating takes microseconds for each part, during which nobody else is answered by the process,
and millions of parts fit into a body of the permitted size.
"""

from __future__ import annotations

from collections.abc import Mapping

from ai_client.errors import TooManyParts
from ai_client.messages import JsonValue

_HOLDING = (dict, list)
_NUMBERS = (int, float)


def require_translatable(body: Mapping[str, JsonValue], most: int) -> None:
    """Raise ``TooManyParts``, which names the fullest field, if there are more parts than that.

    What counts as a part: each object, and each text in a list. The counting stops at ``most``.
    """
    counts: dict[str, int] = {}
    total = 0
    for name, value in body.items():
        if not isinstance(value, _HOLDING):
            continue
        counts[name] = _parts(value, most - total)
        total += counts[name]
        if total > most:
            field = max(counts, key=lambda each: counts[each])
            raise TooManyParts(
                f"The request has more than {most} messages and parts, most of them in {field!r}, "
                "which is more than is translated into another dialect. Send fewer of them, ask a "
                "connection that speaks this dialect, or have the owner of this site raise "
                "AI_CLIENT['MAX_PARTS'].",
                param=field,
            )


def _parts(value: JsonValue, enough: int) -> int:
    """How many there are in ``value``; no more are counted once there are more than ``enough``."""
    total = 0
    waiting: list[JsonValue] = [value]
    while waiting and total <= enough:
        holder = waiting.pop()
        if isinstance(holder, dict):
            held = [each for each in holder.values() if isinstance(each, _HOLDING)]
            total += sum(isinstance(each, dict) for each in held)
        elif isinstance(holder, list) and holder and not isinstance(holder[0], _NUMBERS):
            total += len(holder)
            if total > enough:
                break
            held = [each for each in holder if isinstance(each, _HOLDING)]
        else:
            # Vectors and tokens go on as they are.
            continue
        waiting += held
    return total
