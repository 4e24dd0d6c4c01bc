"""OpenAI's Images API, both faces: https://platform.openai.com/docs/api-reference/images"""

from ai_client.openai_envelope import parse_error
from ai_client.openai_errors import render_error
from ai_client.wire.openai_images.gateway import parse_request, render_result
from ai_client.wire.openai_images.request import forward_request, render_request
from ai_client.wire.openai_images.response import parse_result

__all__ = [
    "forward_request",
    "parse_error",
    "parse_request",
    "parse_result",
    "render_error",
    "render_request",
    "render_result",
]
