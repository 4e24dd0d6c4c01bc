"""Anthropic's token counting: https://platform.claude.com/docs/en/api/messages-count-tokens

A prompt is said as the Messages API says it, which ``anthropic_messages`` knows; what concerns the
answer alone is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import orjson

from ai_client.errors import AiClientError, MalformedAnswer
from ai_client.messages import AnyResult, GenerationRequest, JsonValue, TokenCount
from ai_client.openai_envelope import read_answer
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
    passed_headers,
)

_SAID_IN: Final = "anthropic_messages"
TOOL_NAMES = allowed_tool_names(_SAID_IN)
_PATH: Final = "messages/count_tokens"
_COUNTED: Final[tuple[str, ...]] = (
    "model",
    "messages",
    "system",
    "tools",
    "tool_choice",
    "thinking",
    "output_config",
)

PASSED_HEADERS = passed_headers(_SAID_IN)
kept_upstream = kept_reader(_SAID_IN)


def render_request(request: GenerationRequest, target: Target) -> WireRequest:
    """The request whose prompt is to be counted."""
    asked, left_out = countable(request)
    said = client_face(_SAID_IN).render_request(asked, target)
    body = {name: said.body[name] for name in _COUNTED if name in said.body}
    return replace(said, path=_PATH, body=body, warnings=(*said.warnings, *left_out))


def forward_request(body: Mapping[str, JsonValue], target: Target, *, stream: bool) -> WireRequest:
    """A caller's body as it came, with the target's model."""
    forwarded = client_face(_SAID_IN).forward_request(body, target, stream=False)
    return replace(forwarded, path=_PATH)


def parse_result(body: bytes, content_type: str, sent: WireRequest) -> TokenCount:
    """The count; ``MalformedAnswer`` where there is none."""
    counted = read_answer(body).get("input_tokens")
    if type(counted) is not int or counted < 0:
        raise MalformedAnswer("Anthropic's answer holds no number of tokens.")
    return TokenCount(counted)


def parse_error(status: int, headers: Mapping[str, str], body: bytes) -> AiClientError:
    """As Anthropic's Messages API tells errors."""
    return client_face(_SAID_IN).parse_error(status, headers, body)


def parse_request(body: Mapping[str, JsonValue]) -> GenerationRequest:
    """The caller's request, which says no ``max_tokens``."""
    request = gateway_face(_SAID_IN).parse_request({**body, "max_tokens": 1})
    return replace(request, config=replace(request.config, max_tokens=None))


def render_result(
    result: AnyResult, body: Mapping[str, JsonValue], context: RenderContext
) -> WireResponse:
    """The count as the dialect's callers read it."""
    assert isinstance(result, TokenCount)
    return WireResponse(200, orjson.dumps({"input_tokens": result.tokens}))


def render_error(error: AiClientError, request_id: str) -> WireResponse:
    """As the Messages API tells errors."""
    return gateway_face(_SAID_IN).render_error(error, request_id)
