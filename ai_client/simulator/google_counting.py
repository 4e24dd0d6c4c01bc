"""The Gemini API's token counting as a server sees it: words, as everywhere here.

Source: https://ai.google.dev/api/tokens. It takes ``contents`` alone, or a whole request.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from ai_client.simulator.answers import answer
from ai_client.simulator.dialect import Media, body_of, digest_of, dump
from ai_client.simulator.google_fields import either, refuse, unknown_field
from ai_client.simulator.google_requests import read_request
from ai_client.simulator.http_server import HttpRequest

_METHOD = re.compile(r".*/models/([^/]+):countTokens")
_WHOLE: Final = ("generateContentRequest", "generate_content_request")


def counted(request: HttpRequest) -> Media | None:
    """The count; None where the request is for something else. Raises ``Refused``."""
    found = _METHOD.fullmatch(request.path)
    if request.method != "POST" or found is None:
        return None
    body = body_of(request)
    if body is None:
        refuse("Invalid JSON payload received.")
    for field in body.keys() - {"contents", "model", *_WHOLE}:
        unknown_field(field, "")
    model = found[1]
    whole = either(body, *_WHOLE)
    if whole is not None:
        if "contents" in body or not isinstance(whole, dict):
            refuse("Only one of contents and generate_content_request can be set.")
        if whole.get("model") != f"models/{model}":
            refuse(
                "* CountTokensRequest.generate_content_request.model: model must match the model "
                "of the path\n"
            )
        body = whole
    ask = read_request(replace(request, body=dump(body)), model, stream=False)
    usage = answer(ask).usage
    said: dict[str, object] = {
        "totalTokens": usage.prompt,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": usage.prompt}],
    }
    return Media(dump(said), digest=digest_of(request))
