"""Google's Gemini API, ``models.generateContent`` and ``models.streamGenerateContent``.

https://ai.google.dev/api/generate-content. The model stands in the path, a stream is another
method, and the key travels only in the ``x-goog-api-key`` header, which the provider adds.
"""

from ai_client.google_envelope import parse_error
from ai_client.wire.google_generate.models import models_request, parse_models
from ai_client.wire.google_generate.request import forward_request, render_request
from ai_client.wire.google_generate.response import parse_response
from ai_client.wire.google_generate.stream import StreamParser

__all__ = [
    "StreamParser",
    "forward_request",
    "models_request",
    "parse_error",
    "parse_models",
    "parse_response",
    "render_request",
]
