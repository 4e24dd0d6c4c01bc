"""OpenAI's Chat Completions, and what compatible servers made of it: both faces.

Reference: https://platform.openai.com/docs/api-reference/chat. Additions that are read and written
because callers and servers rely on them: ``reasoning_content``, ``reasoning`` and
``reasoning_details`` (https://openrouter.ai/docs/guides/best-practices/reasoning-tokens),
``extra_content`` (https://ai.google.dev/gemini-api/docs/thought-signatures), ``images`` in
answers and ``cache_control`` on parts (OpenRouter). ``reasoning`` tells how what other dialects
sign travels through this one.
"""

import re
from functools import partial

from ai_client import openai_errors
from ai_client.openai_envelope import parse_error
from ai_client.openai_models import models_request, parse_models
from ai_client.wire.openai_chat.gateway_models import render_model, render_models
from ai_client.wire.openai_chat.gateway_request import parse_request, wants_usage
from ai_client.wire.openai_chat.gateway_response import render_response
from ai_client.wire.openai_chat.gateway_stream import StreamRenderer
from ai_client.wire.openai_chat.kept import kept_upstream
from ai_client.wire.openai_chat.request import forward_request, render_request
from ai_client.wire.openai_chat.response import parse_response
from ai_client.wire.openai_chat.stream import StreamParser
from ai_client.wire.openai_chat.vocabulary import PARAMS

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
    "render_model",
    "render_models",
    "render_request",
    "render_response",
    "wants_usage",
]
