"""What requests of this dialect refer to that only one account holds.

https://platform.openai.com/docs/guides/conversation-state. Files, containers and stores of vectors
belong to a project.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ai_client.kept import Kept, member, objects
from ai_client.messages import JsonObject, JsonValue
from ai_client.wire.openai_responses.vocabulary import ITEM_REFERENCE, REASONING

_KEPT: Final = ("previous_response_id", "conversation", "prompt")
_FILES: Final = ("input_file", "input_image", "computer_screenshot")


def kept_upstream(body: Mapping[str, JsonValue]) -> Kept:
    """How much of the request only the upstream knows that was asked before."""
    if any(body.get(name) for name in _KEPT) or any(map(_uses_kept, objects(body.get("tools")))):
        return Kept.NEEDED
    found = Kept.NOTHING
    for item in objects(body.get("input")):
        if _is_kept(item):
            return Kept.NEEDED
        if item.get("type") == REASONING and _is_without_content(item):
            found = Kept.USEFUL
    return found


def _is_kept(item: JsonObject) -> bool:
    kind = item.get("type")
    if kind == ITEM_REFERENCE or (kind is None and "role" not in item and "id" in item):
        return True
    if kind == "image_generation_call" and not item.get("result"):
        return True
    if kind == "code_interpreter_call" and item.get("container_id"):
        return True
    return any(
        part.get("type") in _FILES and bool(part.get("file_id"))
        for name in ("content", "output")
        for part in (*objects(item.get(name)), member(item, name))
    )


def _is_without_content(item: JsonObject) -> bool:
    """A thought of which there is nothing but its id, under which the upstream keeps it."""
    return not item.get("encrypted_content") and not item.get("content")


def _uses_kept(tool: JsonObject) -> bool:
    container = tool.get("container")
    return bool(
        tool.get("vector_store_ids")
        or isinstance(container, str)
        or member(tool, "container").get("file_ids")
        or member(tool, "input_image_mask").get("file_id")
    )
