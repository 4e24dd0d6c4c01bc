"""The names that may stand for a model, as callers of this dialect are told them.

https://platform.openai.com/docs/api-reference/models. The list comes whole: OpenAI's has no pages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson

from ai_client.messages import JsonValue
from ai_client.wire import ServedModel


def render_models(models: Sequence[ServedModel], query: Mapping[str, str]) -> bytes:
    """The body of ``GET /v1/models``."""
    return orjson.dumps({"object": "list", "data": [_entry(model) for model in models]})


def render_model(model: ServedModel) -> bytes:
    """The body of ``GET /v1/models/{model}``."""
    return orjson.dumps(_entry(model))


def _entry(model: ServedModel) -> dict[str, JsonValue]:
    return {
        "id": model.name,
        "object": "model",
        "created": model.created,
        "owned_by": model.owner,
    }
