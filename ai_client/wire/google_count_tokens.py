"""Google's token counting: https://ai.google.dev/api/tokens

A prompt is said as ``generateContent`` says it, which ``google_generate`` knows. Only as a whole
``generateContentRequest`` do its system prompt and its functions count; ``contents`` alone are what
Google's own SDK sends.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import orjson

from ai_client.errors import AiClientError, InvalidRequest, MalformedAnswer
from ai_client.google_envelope import parse_error, read_answer, resource_name
from ai_client.kept import Kept
from ai_client.messages import AnyResult, GenerationRequest, JsonValue, TokenCount
from ai_client.prompt_tokens import countable
from ai_client.wire import (
    RenderContext,
    Target,
    WireRequest,
    WireResponse,
    allowed_tool_names,
    client_face,
    gateway_face,
    kept_reader,
)

__all__ = [
    "forward_request",
    "kept_upstream",
    "parse_error",
    "parse_request",
    "parse_result",
    "render_error",
    "render_request",
    "render_result",
]

_SAID_IN: Final = "google_generate"
TOOL_NAMES = allowed_tool_names(_SAID_IN)
_WHOLE: Final = "generateContentRequest"


def render_request(request: GenerationRequest, target: Target) -> WireRequest:
    """The request whose prompt is to be counted."""
    asked, left_out = countable(request)
    said = client_face(_SAID_IN).render_request(asked, target)
    return _sent({_WHOLE: said.body}, target, (*said.warnings, *left_out))


def forward_request(body: Mapping[str, JsonValue], target: Target, *, stream: bool) -> WireRequest:
    """A caller's body as it came, with the target's model."""
    whole = body.get(_WHOLE)
    forward = client_face(_SAID_IN).forward_request
    if not isinstance(whole, dict):
        return _sent(forward(body, target, stream=False).body, target, ())
    kept = {name: value for name, value in body.items() if name != "model"}
    return _sent({**kept, _WHOLE: forward(whole, target, stream=False).body}, target, ())


def kept_upstream(body: Mapping[str, JsonValue]) -> Kept:
    """How much of the request only the upstream knows that was asked before."""
    whole = body.get(_WHOLE)
    return kept_reader(_SAID_IN)(whole if isinstance(whole, dict) else body)


def parse_result(body: bytes, content_type: str, sent: WireRequest) -> TokenCount:
    """The count; ``MalformedAnswer`` where there is none. Google leaves zeros out."""
    answer = read_answer(body)
    cached = answer.get("cachedContentTokenCount")
    counted = answer.get("totalTokens", 0 if "promptTokensDetails" in answer else None)
    return TokenCount(_number(counted), None if cached is None else _number(cached))


def parse_request(body: Mapping[str, JsonValue]) -> GenerationRequest:
    """The caller's request: ``contents``, or a whole ``generateContentRequest``."""
    whole = body.get(_WHOLE)
    if whole is None:
        return gateway_face(_SAID_IN).parse_request(body)
    if not isinstance(whole, dict):
        raise InvalidRequest(f"'{_WHOLE}' must be an object.", param=_WHOLE)
    if body.get("contents"):
        raise InvalidRequest(f"Give 'contents' or '{_WHOLE}', not both.", param="contents")
    return gateway_face(_SAID_IN).parse_request({**whole, "model": body.get("model")})


def render_result(
    result: AnyResult, body: Mapping[str, JsonValue], context: RenderContext
) -> WireResponse:
    """The count as the dialect's callers read it."""
    assert isinstance(result, TokenCount)
    counted: dict[str, JsonValue] = {"totalTokens": result.tokens}
    if result.cached is not None:
        counted["cachedContentTokenCount"] = result.cached
    return WireResponse(200, orjson.dumps(counted))


def render_error(error: AiClientError, request_id: str) -> WireResponse:
    """As ``generateContent`` tells errors."""
    return gateway_face(_SAID_IN).render_error(error, request_id)


def _number(counted: JsonValue) -> int:
    if not isinstance(counted, int) or isinstance(counted, bool) or counted < 0:
        raise MalformedAnswer("Google's answer holds no number of tokens.")
    return counted


def _sent(body: Mapping[str, JsonValue], target: Target, warnings: tuple[str, ...]) -> WireRequest:
    name = resource_name(target.model, target.provider or "Google")
    said = dict(body)
    whole = said.get(_WHOLE)
    if isinstance(whole, Mapping):
        # It has to name the model of the path again.
        said[_WHOLE] = {**whole, "model": name}
    return WireRequest(f"{name}:countTokens", said, warnings=warnings)
