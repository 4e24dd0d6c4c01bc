"""OpenAI's Images API, both faces: https://platform.openai.com/docs/api-reference/images"""

from functools import partial

from ai_client import openai_errors
from ai_client.openai_envelope import parse_error
from ai_client.wire.openai_images.gateway import PARAMS, parse_request, render_result
from ai_client.wire.openai_images.request import forward_request, render_request
from ai_client.wire.openai_images.response import parse_result

render_error = partial(openai_errors.render_error, names=PARAMS)

__all__ = [
    "forward_request",
    "parse_error",
    "parse_request",
    "parse_result",
    "render_error",
    "render_request",
    "render_result",
]
