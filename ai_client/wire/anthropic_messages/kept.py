"""What requests of this dialect refer to that only one account holds.

Files, containers and skills of one's own belong to a workspace:
https://platform.claude.com/docs/en/build-with-claude/files
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ai_client.kept import Kept, member, objects
from ai_client.messages import JsonObject, JsonValue

_UPLOAD: Final = "container_upload"


def kept_upstream(body: Mapping[str, JsonValue]) -> Kept:
    """How much of the request only the upstream knows that was asked before."""
    container = member(body, "container")
    if isinstance(body.get("container"), str) or container.get("id"):
        return Kept.NEEDED
    if any(skill.get("type") == "custom" for skill in objects(container.get("skills"))):
        return Kept.NEEDED
    for message in objects(body.get("messages")):
        for block in objects(message.get("content")):
            if _is_kept(block) or any(map(_is_kept, objects(block.get("content")))):
                return Kept.NEEDED
    return Kept.NOTHING


def _is_kept(block: JsonObject) -> bool:
    source = member(block, "source")
    if block.get("type") == _UPLOAD or source.get("type") == "file":
        return True
    # A document may be made of blocks itself.
    return any(
        member(each, "source").get("type") == "file" for each in objects(source.get("content"))
    )
