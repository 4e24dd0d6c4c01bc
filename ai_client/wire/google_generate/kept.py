"""What requests of this dialect refer to that only one account holds.

Caches and uploaded files belong to a project: https://ai.google.dev/gemini-api/docs/files
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from ai_client.google_fields import camel_case
from ai_client.kept import Kept, member, objects
from ai_client.messages import JsonObject, JsonValue

_KEPT: Final = frozenset(("cachedContent", "continuationToken"))
_FILE = re.compile(r"(?:https?://generativelanguage\.googleapis\.com/|files/)", re.IGNORECASE)


def kept_upstream(body: Mapping[str, JsonValue]) -> Kept:
    """How much of the request only the upstream knows that was asked before."""
    if any(value and camel_case(name) in _KEPT for name, value in body.items()):
        return Kept.NEEDED
    contents = body.get("contents")
    said = contents if isinstance(contents, list) else [contents]
    system = member(body, "systemInstruction") or member(body, "system_instruction")
    for content in objects([*said, system]):
        parts = content.get("parts")
        for part in objects(parts if isinstance(parts, list) else [parts]):
            if _is_kept(part):
                return Kept.NEEDED
    if any(map(_searches_files, objects(body.get("tools")))):
        return Kept.NEEDED
    return Kept.NOTHING


def _searches_files(tool: JsonObject) -> bool:
    """Stores of files: https://ai.google.dev/gemini-api/docs/file-search"""
    search = member(tool, "fileSearch") or member(tool, "file_search")
    return bool(search.get("fileSearchStoreNames") or search.get("file_search_store_names"))


def _is_kept(part: JsonObject) -> bool:
    data = member(part, "fileData") or member(part, "file_data")
    uri = data.get("fileUri") or data.get("file_uri")
    return isinstance(uri, str) and bool(_FILE.match(uri))
