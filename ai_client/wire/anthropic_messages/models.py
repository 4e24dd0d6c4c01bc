"""The list of models: https://platform.claude.com/docs/en/api/models-list."""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from ai_client.errors import BadContent
from ai_client.messages import JsonValue
from ai_client.wire import ListedModel, ModelPage, WireRequest
from ai_client.wire.anthropic_messages.request import API_HEADERS
from ai_client.wire.anthropic_messages.response import error_in

MODELS_PER_PAGE = 1000
"""The most that the vendor gives at once."""


def models_request(cursor: str) -> WireRequest:
    """The request for the page after the model ``cursor``, blank for the first page."""
    query = {"limit": str(MODELS_PER_PAGE)} | ({"after_id": cursor} if cursor else {})
    return WireRequest("models", {}, API_HEADERS, query, method="GET")


def parse_models(body: bytes) -> ModelPage:
    """A page. ``BadContent`` for what is none, the error that an error body says it is."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadContent("The upstream's list of models is not JSON.") from error
    if isinstance(answer, dict) and (answer.get("type") == "error" or "error" in answer):
        raise error_in(answer, 200, {})
    listed = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(listed, list):
        raise BadContent("The upstream's JSON is not a list of models.")
    last = answer.get("last_id") if answer.get("has_more") is True else None
    return ModelPage(tuple(_models(listed)), last if isinstance(last, str) else "")


def _models(listed: list[JsonValue]) -> Iterator[ListedModel]:
    for each in listed:
        identifier = each.get("id") if isinstance(each, dict) else None
        if isinstance(each, dict) and isinstance(identifier, str) and identifier:
            name = each.get("display_name")
            yield ListedModel(identifier, name if isinstance(name, str) else "")
