"""What a request says in its headers, its address and its body: pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TypeAlias
from urllib.parse import parse_qsl

from ai_client.errors import InvalidRequest, UnsupportedFeature
from ai_client.gateway.endpoints import Endpoint, Found, Kind
from ai_client.gateway_keys import authenticate
from ai_client.json_text import load
from ai_client.messages import JsonValue
from ai_client.router import AUTO
from ai_client.snapshot import GatewayKeyConfig, Snapshot
from ai_client.wire import passed_headers

Headers: TypeAlias = Iterable[tuple[bytes, bytes]]

LONGEST_MODEL = 400
"""Characters; the longest ``connection/model`` that can be stored has 301."""
NO_FALLBACK_HEADER = b"x-koneek-fallback"


def caller(
    headers: Headers, snapshot: Snapshot, peppers: tuple[bytes, ...], now: float
) -> GatewayKeyConfig:
    """Whose request it is; ``AuthenticationFailed`` without a key in force."""
    return authenticate(headers, snapshot.gateway_keys, peppers, now)


def query_of(query: str) -> Mapping[str, str]:
    """What stands behind the question mark of the address, by name."""
    return dict(parse_qsl(query, keep_blank_values=True)) if query else {}


def json_object(body: bytes) -> dict[str, JsonValue]:
    """The body's members; ``InvalidRequest`` where it is something else."""
    try:
        payload = load(body)
    except json.JSONDecodeError as error:
        raise InvalidRequest(f"The body is not valid JSON: {error.msg} (at {error.pos}).") from None
    if not isinstance(payload, dict):
        raise InvalidRequest("The body must be a JSON object.")
    return payload


def model_of(found: Found, payload: Mapping[str, JsonValue]) -> str:
    """The name that is asked for, by the path or else by the body."""
    model = found.model or payload.get("model", AUTO)
    if not isinstance(model, str) or not model:
        raise InvalidRequest(
            f"'model' must be a non-empty string; {AUTO!r} asks the whole chain.", param="model"
        )
    if len(model) > LONGEST_MODEL:
        raise InvalidRequest(
            f"'model' must have at most {LONGEST_MODEL} characters.", param="model"
        )
    return model


def is_streamed(endpoint: Endpoint, payload: Mapping[str, JsonValue]) -> bool:
    """Whether the answer is to come as a stream."""
    if endpoint.stream is not None:
        return endpoint.stream
    stream = payload.get("stream")
    if stream is None:
        return False
    if not isinstance(stream, bool):
        raise InvalidRequest("'stream' must be true or false.", param="stream")
    if stream and endpoint.kind is not Kind.CHAT:
        raise UnsupportedFeature(
            f"{endpoint.path} answers in one piece only; leave 'stream' out.", param="stream"
        )
    return stream


def passed_on(endpoint: Endpoint, headers: Headers) -> Mapping[str, str] | None:
    """The headers of the caller's dialect; of those that came in several lines, one with all."""
    names = passed_headers(endpoint.dialect)
    if not names:
        return None
    passed: dict[str, str] = {}
    for line, value in headers:
        name = line.lower()
        if name in names:
            told, said = name.decode("latin-1"), value.decode("latin-1")
            passed[told] = f"{passed[told]},{said}" if told in passed else said
    return passed


def allows_fallback(key: GatewayKeyConfig | None, headers: Headers) -> bool:
    """Whether others may stand in, as far as the key and the caller say."""
    return (key is None or key.allow_fallback) and not _forbids_fallback(headers)


def _forbids_fallback(headers: Headers) -> bool:
    for name, value in headers:
        if name.lower() == NO_FALLBACK_HEADER:
            word = value.decode("latin-1").strip().lower()
            if word in ("false", "0", "no", "off"):
                return True
            if word not in ("true", "1", "yes", "on"):
                raise InvalidRequest("x-koneek-fallback must be 'true' or 'false'.")
    return False
