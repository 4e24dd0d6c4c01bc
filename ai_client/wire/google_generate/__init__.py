"""Google's Gemini API, ``models.generateContent`` and ``models.streamGenerateContent``: both faces.

https://ai.google.dev/api/generate-content. The model stands in the path, a stream is another
method, and the key travels only in the ``x-goog-api-key`` header, which the provider adds.
``carrying`` tells how what other vendors sign travels through this dialect.
"""

import re
from functools import partial

from ai_client import google_errors
from ai_client.google_envelope import parse_error
from ai_client.wire.google_generate.fields import PARAMS
from ai_client.wire.google_generate.gateway_models import render_model, render_models
from ai_client.wire.google_generate.gateway_request import parse_request, wants_usage
from ai_client.wire.google_generate.gateway_response import render_response
from ai_client.wire.google_generate.gateway_stream import StreamRenderer, framing
from ai_client.wire.google_generate.kept import kept_upstream
from ai_client.wire.google_generate.models import models_request, parse_models
from ai_client.wire.google_generate.request import forward_request, render_request
from ai_client.wire.google_generate.response import parse_response
from ai_client.wire.google_generate.stream import StreamParser

TOOL_NAMES = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}")
render_error = partial(google_errors.render_error, names=PARAMS)

__all__ = [
    "TOOL_NAMES",
    "StreamParser",
    "StreamRenderer",
    "forward_request",
    "framing",
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
