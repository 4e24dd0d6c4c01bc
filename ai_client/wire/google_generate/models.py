"""The list of models: https://ai.google.dev/api/models#method:-models.list."""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from ai_client.errors import BadContent
from ai_client.google_envelope import error_in, inner_error
from ai_client.messages import JsonValue
from ai_client.wire import ListedModel, ModelPage, WireRequest

MODELS_PER_PAGE = 1000
"""The most that Google gives at once."""

_METHODS = frozenset(
    ("generateContent", "embedContent", "batchEmbedContents", "predict", "predictLongRunning")
)
"""What is asked of models here; one for speech sessions alone, say, is of no use."""


def models_request(cursor: str) -> WireRequest:
    """The request for the page with the token ``cursor``, blank for the first page."""
    query = {"pageSize": str(MODELS_PER_PAGE)} | ({"pageToken": cursor} if cursor else {})
    return WireRequest("models", {}, query=query, method="GET")


def parse_models(body: bytes) -> ModelPage:
    """The models of a page that generate content, pictures or videos, or embed.

    ``BadContent`` for what is no page, the error that an error body says it is.
    """
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadContent("Google's list of models is not JSON.") from error
    if found := error_in(answer):
        raise inner_error(found)
    if not isinstance(answer, dict):
        raise BadContent("Google's JSON is not a list of models.")
    # An empty list is an empty object: https://protobuf.dev/programming-guides/json/.
    listed = answer.get("models", [] if not answer else None)
    if not isinstance(listed, list):
        raise BadContent("Google's JSON is not a list of models.")
    token = answer.get("nextPageToken")
    return ModelPage(tuple(_models(listed)), token if isinstance(token, str) else "")


def _models(listed: list[JsonValue]) -> Iterator[ListedModel]:
    for each in listed:
        if not isinstance(each, dict):
            continue
        resource, name = each.get("name"), each.get("displayName")
        methods = each.get("supportedGenerationMethods")
        if isinstance(methods, list) and _METHODS.isdisjoint(map(str, methods)):
            continue
        if isinstance(resource, str) and (identifier := resource.removeprefix("models/")):
            yield ListedModel(identifier, name if isinstance(name, str) else "")
