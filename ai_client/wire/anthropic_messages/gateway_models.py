"""The names that may stand for a model, as callers of this dialect are told them, page by page.

https://platform.claude.com/docs/en/api/models-list
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import orjson

from ai_client.errors import InvalidRequest
from ai_client.messages import JsonValue
from ai_client.wire import ServedModel

USUAL_LIMIT: Final = 20
"""Models on a page where the caller does not say how many."""

LARGEST_LIMIT: Final = 1000


def render_models(models: Sequence[ServedModel], query: Mapping[str, str]) -> bytes:
    """A page: ``limit`` models after the one in ``after_id``, or before that in ``before_id``."""
    limit = _limit(query.get("limit", ""))
    after, before = query.get("after_id", ""), query.get("before_id", "")
    if after and before:
        raise InvalidRequest("Give after_id or before_id, not both.", param="before_id")
    if before:
        preceding = models[: _position(models, before, "before_id")]
        page, has_more = preceding[-limit:], len(preceding) > limit
    else:
        following = models[_position(models, after, "after_id") + 1 :] if after else models
        page, has_more = following[:limit], len(following) > limit
    listed: dict[str, JsonValue] = {
        "data": [_entry(model) for model in page],
        "has_more": has_more,
        "first_id": page[0].name if page else None,
        "last_id": page[-1].name if page else None,
    }
    return orjson.dumps(listed)


def render_model(model: ServedModel) -> bytes:
    """The body of ``GET /v1/models/{model}``."""
    return orjson.dumps(_entry(model))


def _limit(given: str) -> int:
    if not given:
        return USUAL_LIMIT
    limit = int(given) if given.isascii() and given.isdigit() and len(given) < 9 else 0
    if not 1 <= limit <= LARGEST_LIMIT:
        raise InvalidRequest(
            f"'limit' must be a whole number between 1 and {LARGEST_LIMIT}.", param="limit"
        )
    return limit


def _position(models: Sequence[ServedModel], name: str, parameter: str) -> int:
    for position, model in enumerate(models):
        if model.name == name:
            return position
    raise InvalidRequest(f"'{parameter}' names no model of this list.", param=parameter)


def _entry(model: ServedModel) -> dict[str, JsonValue]:
    created = datetime.fromtimestamp(model.created, UTC)
    return {
        "type": "model",
        "id": model.name,
        "display_name": model.name,
        "created_at": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "lifecycle": "active",
    }
