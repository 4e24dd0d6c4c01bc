"""OpenAI's token counting: https://platform.openai.com/docs/api-reference/responses/input-tokens

A prompt is said as the Responses API says it, which ``openai_responses`` knows; what concerns the
answer alone is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from ai_client.errors import MalformedAnswer
from ai_client.messages import GenerationRequest, JsonValue, TokenCount
from ai_client.openai_envelope import parse_error, read_answer
from ai_client.prompt_tokens import countable
from ai_client.wire import Target, WireRequest, allowed_tool_names, client_face

__all__ = ["forward_request", "parse_error", "parse_result", "render_request"]

_SAID_IN: Final = "openai_responses"
TOOL_NAMES = allowed_tool_names(_SAID_IN)
_PATH: Final = "responses/input_tokens"
_COUNTED: Final[tuple[str, ...]] = (
    "model",
    "input",
    "instructions",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "reasoning",
    "text",
    "truncation",
)


def render_request(request: GenerationRequest, target: Target) -> WireRequest:
    """The request whose prompt is to be counted."""
    asked, left_out = countable(request)
    said = client_face(_SAID_IN).render_request(asked, target)
    body = {name: said.body[name] for name in _COUNTED if name in said.body}
    return replace(said, path=_PATH, body=body, warnings=(*said.warnings, *left_out))


def forward_request(body: Mapping[str, JsonValue], target: Target, *, stream: bool) -> WireRequest:
    """A body of this dialect as it came, with the target's model."""
    forwarded = client_face(_SAID_IN).forward_request(body, target, stream=False)
    return replace(forwarded, path=_PATH)


def parse_result(body: bytes, content_type: str, sent: WireRequest) -> TokenCount:
    """The count; ``MalformedAnswer`` where there is none."""
    counted = read_answer(body).get("input_tokens")
    if type(counted) is not int or counted < 0:
        raise MalformedAnswer("OpenAI's answer holds no number of tokens.")
    return TokenCount(counted)
