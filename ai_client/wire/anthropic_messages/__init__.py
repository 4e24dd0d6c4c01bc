"""Anthropic's Messages API, client face.

Reference: https://platform.claude.com/docs/en/api/messages, under version 2023-06-01 of the API.
The path is ``messages``, relative to a base URL that ends with ``/v1``.

- ``request``: the representation as a body; ``conversation`` its messages, ``generation`` what
  each generation of models takes for thinking and sampling.
- ``response``: complete answers and errors; ``stream``: streamed answers.
"""

from ai_client.wire.anthropic_messages.models import models_request, parse_models
from ai_client.wire.anthropic_messages.request import forward_request, render_request
from ai_client.wire.anthropic_messages.response import parse_error, parse_response
from ai_client.wire.anthropic_messages.stream import StreamParser

__all__ = [
    "StreamParser",
    "forward_request",
    "models_request",
    "parse_error",
    "parse_models",
    "parse_response",
    "render_request",
]
