"""The list of models of OpenAI's APIs: https://platform.openai.com/docs/api-reference/models/list.

It comes whole. Compatible servers send it as a bare array too, and some name their models.
"""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from ai_client.errors import BadContent
from ai_client.messages import JsonValue
from ai_client.openai_envelope import error_inside, error_within
from ai_client.wire import ListedModel, ModelPage, WireRequest


def models_request(cursor: str) -> WireRequest:
    """The request for the whole list; there is no page to ask for."""
    return WireRequest("models", {}, method="GET")


def parse_models(body: bytes) -> ModelPage:
    """The list. ``BadContent`` for what is none, the error that an error body says it is."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadContent("The upstream's list of models is not JSON.") from error
    if isinstance(answer, dict):
        if found := error_within(answer):
            raise error_inside(found)
        answer = answer.get("data")
    if not isinstance(answer, list):
        raise BadContent("The upstream's JSON is not a list of models.")
    return ModelPage(tuple(_models(answer)))


def _models(listed: list[JsonValue]) -> Iterator[ListedModel]:
    for each in listed:
        identifier = each.get("id") if isinstance(each, dict) else None
        if isinstance(each, dict) and isinstance(identifier, str) and identifier:
            name = each.get("name")
            yield ListedModel(identifier, name if isinstance(name, str) else "")
