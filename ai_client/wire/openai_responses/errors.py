"""Errors of upstreams that are asked in this dialect, which not all of OpenAI's likes have.

A server that has chat completions only says so with a bare 404 or 405, and a vendor of a model that
it answers for there only. Neither is a model that is missing, and neither says anything against the
connection: the same question can be asked in the other format.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from ai_client.errors import (
    AiClientError,
    EndpointMissing,
    InvalidRequest,
    UpstreamError,
)
from ai_client.openai_envelope import parse_error as parse_enveloped_error

_NO_SUCH_PAGE: Final = (404, 405, 501)
_OF_MODELS: Final = frozenset(
    ("model_not_found", "deploymentnotfound", "unknown_model", "model_decommissioned")
)
_OTHER_API: Final = "operationnotsupported"
"""Azure's word for a deployment that answers by another API."""

_NOT_BY_THIS_API = re.compile(
    r"\bnot\b[^.]{0,60}(?:v1/responses|responses api|responses endpoint)", re.IGNORECASE
)
_MODEL_TEXT = re.compile(
    r"model\b[^.]{0,120}(?:not found|not exist|not have access)", re.IGNORECASE
)


def parse_error(status: int, headers: Mapping[str, str], body: bytes) -> AiClientError:
    """The class and a cleaned message for an answer with an error status.

    ``EndpointMissing`` where it is this API that the server, or the model there, does not have.
    """
    error = parse_enveloped_error(status, headers, body)
    if not isinstance(error, UpstreamError | InvalidRequest):
        return error
    code = error.upstream_code if isinstance(error, UpstreamError) else None
    word = (code or "").lower()
    if word == _OTHER_API or (status in (400, 404) and _NOT_BY_THIS_API.search(error.message)):
        return _missing(error, status, code)
    if status not in _NO_SUCH_PAGE or word in _OF_MODELS or _MODEL_TEXT.search(error.message):
        return error
    if isinstance(error, InvalidRequest):
        # It is about something that this API, which is there, was to have kept.
        return error
    return _missing(error, status, code)


def _missing(error: AiClientError, status: int, code: str | None) -> EndpointMissing:
    return EndpointMissing(
        f"The upstream does not answer this by its Responses API (HTTP {status}): {error.message}",
        upstream_status=status,
        upstream_code=code,
    )
