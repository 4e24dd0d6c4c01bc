"""The names that may stand for a model, as callers of this dialect are told them.

https://ai.google.dev/api/models#method:-models.list
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Final

from ai_client.errors import InvalidRequest
from ai_client.google_fields import GoogleFields
from ai_client.json_text import dump
from ai_client.messages import JsonValue
from ai_client.wire import ServedModel

_USUAL_SIZE: Final = 50
_LARGEST_SIZE: Final = 1000
# What the gateway serves below each name; whose connection does not do it says so when asked.
_METHODS: Final = (
    "generateContent",
    "countTokens",
    "embedContent",
    "batchEmbedContents",
)


def render_models(models: Sequence[ServedModel], query: Mapping[str, str]) -> bytes:
    """The page of the list that ``pageSize`` and ``pageToken`` ask for."""
    asked = GoogleFields(dict(query))
    size = asked.integer("pageSize", 0) if asked.get("pageSize") else None
    start = _start(asked.text("pageToken") or "")
    end = start + min(size or _USUAL_SIZE, _LARGEST_SIZE)
    page: dict[str, JsonValue] = {"models": [_entry(model) for model in models[start:end]]}
    if end < len(models):
        page["nextPageToken"] = base64.urlsafe_b64encode(str(end).encode()).decode().rstrip("=")
    return dump(page)


def render_model(model: ServedModel) -> bytes:
    """The body of ``GET /v1beta/models/{model}``."""
    return dump(_entry(model))


def _start(token: str) -> int:
    """The place in the list that a page's token names."""
    if not token:
        return 0
    try:
        text = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
    except (binascii.Error, ValueError):
        text = ""
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise InvalidRequest(
            "'pageToken' is not one that a page of this list has given.", param="pageToken"
        )
    return int(text)


def _entry(model: ServedModel) -> dict[str, JsonValue]:
    return {
        "name": f"models/{model.name}",
        "displayName": model.name,
        "description": f"Served by {model.owner}.",
        "supportedGenerationMethods": list(_METHODS),
    }
