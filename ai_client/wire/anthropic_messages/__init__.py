"""Anthropic's Messages API: both faces.

Reference: https://platform.claude.com/docs/en/api/messages, under version 2023-06-01 of the API.
The path is ``messages``, relative to a base URL that ends with ``/v1``.

- ``request``: the representation as a body; ``conversation`` its messages, ``generation`` what
  each generation of models takes for thinking and sampling.
- ``response``: complete answers and errors; ``stream``, ``stream_blocks``: streamed answers.
- ``gateway_…``: the same for callers of this dialect; ``carried`` tells how what other dialects
  sign travels through this one.
"""

import re

from ai_client.wire.anthropic_messages.gateway_errors import render_error
from ai_client.wire.anthropic_messages.gateway_models import render_model, render_models
from ai_client.wire.anthropic_messages.gateway_request import parse_request, wants_usage
from ai_client.wire.anthropic_messages.gateway_response import render_response
from ai_client.wire.anthropic_messages.gateway_stream import StreamRenderer
from ai_client.wire.anthropic_messages.kept import kept_upstream
from ai_client.wire.anthropic_messages.models import models_request, parse_models
from ai_client.wire.anthropic_messages.request import forward_request, render_request
from ai_client.wire.anthropic_messages.response import parse_error, parse_response
from ai_client.wire.anthropic_messages.stream import StreamParser

PASSED_HEADERS = frozenset((b"anthropic-beta",))
REQUEST_ID_HEADERS = ("request-id",)
TOOL_NAMES = re.compile(r"[a-zA-Z0-9_-]{1,128}")

__all__ = [
    "PASSED_HEADERS",
    "REQUEST_ID_HEADERS",
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
    "render_model",
    "render_models",
    "render_request",
    "render_response",
    "wants_usage",
]
