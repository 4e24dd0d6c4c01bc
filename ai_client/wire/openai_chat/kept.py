"""What requests of this dialect refer to that only one account holds.

Files: https://platform.openai.com/docs/guides/pdf-files; spoken answers, which are kept for an
hour: https://platform.openai.com/docs/guides/audio.
"""

from __future__ import annotations

from collections.abc import Mapping

from ai_client.kept import Kept, member, objects
from ai_client.messages import JsonValue


def kept_upstream(body: Mapping[str, JsonValue]) -> Kept:
    """How much of the request only the upstream knows that was asked before."""
    for message in objects(body.get("messages")):
        if member(message, "audio").get("id"):
            return Kept.NEEDED
        for part in objects(message.get("content")):
            if part.get("type") == "file" and member(part, "file").get("file_id"):
                return Kept.NEEDED
    return Kept.NOTHING
