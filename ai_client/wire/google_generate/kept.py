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
    for content in objects(contents if isinstance(contents, list) else [contents]):
        parts = content.get("parts")
        for part in objects(parts if isinstance(parts, list) else [parts]):
            if _is_kept(part):
                return Kept.NEEDED
    return Kept.NOTHING


def _is_kept(part: JsonObject) -> bool:
    data = member(part, "fileData") or member(part, "file_data")
    uri = data.get("fileUri") or data.get("file_uri")
    return isinstance(uri, str) and bool(_FILE.match(uri))
