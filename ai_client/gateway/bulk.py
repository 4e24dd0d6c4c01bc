"""Bodies with more parts than are translated: pure."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

from ai_client.errors import TooManyParts
from ai_client.messages import JsonValue
from ai_client.parts import parts_of


def require_translatable(body: Mapping[str, JsonValue], most: int) -> None:
    """Raise ``TooManyParts``, which names the fullest field, if there are more parts than that."""
    if parts_of(body, most) <= most:
        return
    counts = {name: parts_of({name: value}, most) for name, value in islice(body.items(), most)}
    field = max(counts, key=lambda each: counts[each])
    raise TooManyParts(
        f"The request has more than {most} messages and parts, most of them in {field[:100]!r}, "
        "which is more than is translated into another dialect. Send fewer of them, ask a "
        "connection that speaks this dialect, or have the owner of this site raise "
        "AI_CLIENT['MAX_PARTS'].",
        param=field,
    )
