"""OpenAI's Responses API: both faces.

Reference: https://platform.openai.com/docs/api-reference/responses. Requests of our own store
nothing upstream; ``carried`` tells how what other dialects sign travels through this one.
"""

import re
from functools import partial

from ai_client import openai_errors
from ai_client.openai_models import models_request, parse_models
from ai_client.wire.openai_responses.errors import parse_error
from ai_client.wire.openai_responses.gateway_request import parse_request, wants_usage
from ai_client.wire.openai_responses.gateway_response import render_response
from ai_client.wire.openai_responses.gateway_stream import StreamRenderer
from ai_client.wire.openai_responses.kept import kept_upstream
from ai_client.wire.openai_responses.request import forward_request, render_request
from ai_client.wire.openai_responses.response import parse_response
from ai_client.wire.openai_responses.stream import StreamParser
from ai_client.wire.openai_responses.vocabulary import PARAMS

TOOL_NAMES = re.compile(r"[a-zA-Z0-9_-]{1,64}")
render_error = partial(openai_errors.render_error, names=PARAMS)

__all__ = [
    "TOOL_NAMES",
    "StreamParser",
    "StreamRenderer",
    "forward_request",
    "kept_upstream",
    "models_request",
    "parse_error",
    "parse_models",
    "parse_request",
    "parse_response",
    "render_error",
    "render_request",
    "render_response",
    "wants_usage",
]
