"""Answers of one JSON document a line (application/x-ndjson), each sent as soon as it is known."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.translation import get_language, override

MEDIA_TYPE: Final = "application/x-ndjson"


def lines_response(
    request: HttpRequest, documents: Iterable[Mapping[str, object]]
) -> StreamingHttpResponse:
    """The documents as lines, in the language of the request.

    Django hands an asynchronous server a synchronous iterator's lines all at once, at its end, so
    each server gets the kind that it can send piece by piece:
    https://docs.djangoproject.com/en/5.2/ref/request-response/#streaminghttpresponse-objects
    """
    lines = _in_language(
        get_language(),
        (json.dumps(each, ensure_ascii=False).encode() + b"\n" for each in documents),
    )
    content: Any = _one_by_one(lines) if isinstance(request, ASGIRequest) else lines
    response = StreamingHttpResponse(content, content_type=MEDIA_TYPE)
    # A proxy that collects the answer would hold the steps back until the last one.
    response.headers["X-Accel-Buffering"] = "no"
    return response


def _in_language(language: str | None, lines: Iterator[bytes]) -> Iterator[bytes]:
    """Each line is made when it is asked for: then the request is over, and so is its language."""
    line: bytes | None = b""
    while line is not None:
        with override(language):
            line = next(lines, None)
        if line is not None:
            yield line


async def _one_by_one(lines: Iterator[bytes]) -> AsyncIterator[bytes]:
    following = sync_to_async(lambda: next(lines, b""), thread_sensitive=False)
    while line := await following():
        yield line
