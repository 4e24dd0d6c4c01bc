"""Requests as Azure takes them: the deployment in the path, the API version in the query.

Sources: https://learn.microsoft.com/azure/ai-foundry/openai/reference-preview and
https://learn.microsoft.com/rest/api/aifoundry/modelinference/.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import quote

from ai_client.providers import Call, JsonValue, UnsupportedFeature, WireRequest
from ai_client.providers.azure_ai_foundry.endpoint import Endpoint, Surface

_INFERRED: Final = ("chat/completions", "embeddings")
"""What the Model Inference API has of OpenAI's paths."""

_RESPONSES: Final = "responses"
"""https://learn.microsoft.com/azure/ai-foundry/openai/how-to/responses"""

_WITHOUT_MODEL: Final = ("images/generations", "embeddings")
"""Where a deployment's body does not repeat its name."""

_SPEEDS: Final = (0.25, 4.0)
_PASS_ON: Final = {"extra-parameters": "pass-through"}
"""Model Inference refuses what it does not know unless it is told to hand it to the model."""


def address(call: Call) -> WireRequest:
    """The request with the path, query and body that this endpoint takes."""
    wire, endpoint = call.request, Endpoint.of(call.base_url, call.options)
    if wire.path == "images/edits":
        raise UnsupportedFeature(
            "Azure AI Foundry makes images from a text alone here; leave the image out or use "
            "another connection.",
            param="messages[0]",
        )
    if wire.path == _RESPONSES and endpoint.surface is not Surface.V1:
        raise UnsupportedFeature(
            "Azure AI Foundry has the Responses API on its v1 surface only; choose that in the "
            "connection, or ask in another format."
        )
    if wire.path not in _INFERRED and endpoint.has_single_model:
        raise UnsupportedFeature(
            "An endpoint with a single model answers with text or embeddings; use the endpoint of "
            "a resource."
        )
    body = _body(wire, call.model)
    if endpoint.has_single_model or _is_inferred(endpoint, wire):
        folder = "" if endpoint.has_single_model else "/models"
        return replace(
            wire,
            path=f"{endpoint.prefix}{folder}/{wire.path}",
            query=endpoint.inference_query,
            body=_with_old_limit(body),
            headers={**wire.headers, **_PASS_ON},
        )
    if endpoint.surface is Surface.V1:
        query = {"api-version": endpoint.version} if endpoint.version else {}
        return replace(
            wire, path=f"{endpoint.prefix}/openai/v1/{wire.path}", query=query, body=body
        )
    if wire.path in _WITHOUT_MODEL:
        body.pop("model", None)
    return replace(
        wire,
        path=f"{endpoint.prefix}{deployment_path(call.model)}/{wire.path}",
        query=endpoint.openai_query,
        body=body,
    )


def deployment_path(name: str) -> str:
    """Where a deployment is; its name may hold anything."""
    return f"/openai/deployments/{quote(name, safe='')}"


def _is_inferred(endpoint: Endpoint, wire: WireRequest) -> bool:
    return endpoint.surface is Surface.MODEL_INFERENCE and wire.path in _INFERRED


def _body(wire: WireRequest, model: str) -> dict[str, JsonValue]:
    body = dict(wire.body)
    match wire.path:
        case "images/generations":
            # GPT image models always answer inline, and a deployment's name tells no DALL-E.
            if not model.lower().startswith("dall-e"):
                body.pop("response_format", None)
        case "embeddings":
            body.setdefault("encoding_format", "float")
        case "audio/speech":
            body.setdefault("response_format", "mp3")
            if not _is_speed(body.get("speed", 1)):
                del body["speed"]
    return body


def _is_speed(value: JsonValue) -> bool:
    least, most = _SPEEDS
    return type(value) in (int, float) and least <= value <= most


def _with_old_limit(body: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Model Inference calls the limit of an answer ``max_tokens`` only."""
    limit = body.get("max_completion_tokens")
    renamed = {name: value for name, value in body.items() if name != "max_completion_tokens"}
    return renamed if limit is None else {"max_tokens": limit, **renamed}
