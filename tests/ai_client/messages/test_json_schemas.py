"""JSON schemas of all types, next to those of the PHP AI Client."""

from __future__ import annotations

from typing import Any

import pytest

from ai_client import capabilities, messages
from ai_client.messages.mime_types import PATTERN
from tests.ai_client.vectors import as_json, load

SCHEMAS = load("ref_json_schemas")
OTHER_NAMES = {"ProviderModelsMetadata": "ProviderModels"}

NO_TYPE_OF_OURS = {
    "Request": "transport-values",
    "Response": "transport-values",
    "ApiKeyRequestAuthentication": "transport-values",
}
BESIDES = {
    "arguments",
    "cache",
    "cacheWriteTokens",
    "cachedTokens",
    "citations",
    "dimensions",
    "endUser",
    "error",
    "isError",
    "logprobs",
    "model",
    "name",
    "opaque",
    "outputSchemaName",
    "outputSchemaStrict",
    "parallelToolCalls",
    "parts",
    "progress",
    "rawFinishReason",
    "reasoning",
    "refusal",
    "seed",
    "strict",
    "systemInstructionParts",
    "toolChoice",
}
"""Keys that are ours: difference ``own-keys``."""

MIME_TYPE = r"^[a-zA-Z0-9][a-zA-Z0-9!#$&\-\^_+.]*\/[a-zA-Z0-9][a-zA-Z0-9!#$&\-\^_+.]*$"


@pytest.mark.parametrize("name", [name for name in SCHEMAS if name not in NO_TYPE_OF_OURS])
def test_the_schema_is_the_same_but_for_our_own_keys(name: str) -> None:
    ours = OTHER_NAMES.get(name, name)
    kind = getattr(messages, ours, None) or getattr(capabilities, ours)
    assert as_json(_alike(kind.json_schema(), SCHEMAS[name])) == as_json(SCHEMAS[name])


@pytest.mark.parametrize("name", NO_TYPE_OF_OURS)
def test_what_travels_is_no_value_with_a_schema(name: str) -> None:
    assert name in SCHEMAS
    assert not hasattr(messages, name)
    assert not hasattr(capabilities, name)


def test_embeddings_have_a_schema_of_their_own() -> None:
    schema = messages.EmbeddingResult.json_schema()
    assert schema["required"][:3] == ["id", "embeddings", "dimensions"]
    assert schema["properties"]["dimensions"] == {"type": "integer", "minimum": 1}


def _alike(ours: Any, theirs: Any) -> Any:
    """Our schema without what is ours alone; anything else that differs stays."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return {
            key: _alike(each, theirs.get(key))
            for key, each in ours.items()
            if key in theirs or key not in BESIDES
        }
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return [_alike(one, other) for one, other in zip(ours, theirs, strict=True)]
    return MIME_TYPE if ours == PATTERN else ours
