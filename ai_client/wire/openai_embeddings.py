"""OpenAI's Embeddings API: https://platform.openai.com/docs/api-reference/embeddings/create

Vectors come as numbers or, where ``encoding_format`` asks for it, as base64 of little-endian
32-bit floats; both are read, since some servers answer so unasked. The MIME type
``application/base64`` asks for the latter.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from typing import Final

from ai_client.errors import EmptyAnswer, InvalidRequest, MalformedAnswer, UnsupportedFeature
from ai_client.media import decoded
from ai_client.messages import (
    EmbeddingResult,
    GenerationRequest,
    JsonValue,
    Message,
    ModelConfig,
    TokenUsage,
)
from ai_client.openai_envelope import parse_error, read_answer
from ai_client.single_prompt import left_out, with_custom_options
from ai_client.wire import Target, WireRequest

__all__ = ["forward_request", "parse_error", "parse_result", "render_request"]

PATH: Final = "embeddings"

_SAYS: Final = frozenset(("dimensions", "end_user"))
_KNOWN: Final = ("id", "model", "data", "usage")
_FLOAT_BYTES: Final = 4


def render_request(request: GenerationRequest, target: Target) -> WireRequest:
    """The request in this dialect, each message an input."""
    warnings = left_out(request, target, _SAYS)
    config = request.config
    if not request.messages:
        raise InvalidRequest("There is nothing to embed.", param="messages")
    inputs = [_text(message, number) for number, message in enumerate(request.messages)]
    body: dict[str, JsonValue] = {
        "model": target.model,
        "input": inputs[0] if len(inputs) == 1 else inputs,
    }
    if config.dimensions is not None:
        body["dimensions"] = config.dimensions
    if (encoding := _encoding(config)) is not None:
        body["encoding_format"] = encoding
    if config.end_user is not None:
        body["user"] = config.end_user
    body = with_custom_options(body, config.custom_options)
    return WireRequest(PATH, body, warnings=warnings, expects={"inputs": len(inputs)})


def forward_request(body: Mapping[str, JsonValue], target: Target, *, stream: bool) -> WireRequest:
    """A caller's body of this dialect, with the connection's model."""
    given = body.get("input")
    many = isinstance(given, list) and bool(given) and isinstance(given[0], str | list)
    count = len(given) if many and isinstance(given, list) else 1
    return WireRequest(PATH, {**body, "model": target.model}, expects={"inputs": count})


def parse_result(body: bytes, content_type: str, sent: WireRequest) -> EmbeddingResult:
    """The vectors in the inputs' order; ``MalformedAnswer`` where they are not as many."""
    data = read_answer(body)
    listed = data.get("data")
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise MalformedAnswer("The upstream's answer has no list of embeddings.")
    if not listed:
        raise EmptyAnswer("The upstream's answer holds no embedding.")
    if all(isinstance(entry.get("index"), int) for entry in listed):
        listed = sorted(listed, key=lambda entry: int(entry["index"]))
    vectors = tuple(_vector(entry.get("embedding")) for entry in listed)
    if len(vectors) != sent.expects.get("inputs", len(vectors)):
        raise MalformedAnswer(
            f"The upstream gave {len(vectors)} embeddings for {sent.expects['inputs']} inputs."
        )
    answer, model = data.get("id"), data.get("model")
    return EmbeddingResult(
        id=answer if isinstance(answer, str) else "",
        model=model if isinstance(model, str) else "",
        embeddings=vectors,
        usage=_usage(data.get("usage")),
        additional_data={name: value for name, value in data.items() if name not in _KNOWN},
    )


def _text(message: Message, number: int) -> str:
    parts = [part.content for part in message.parts if not part.is_thought]
    said = [content for content in parts if isinstance(content, str)]
    if len(said) < len(parts):
        raise UnsupportedFeature(
            "OpenAI's embeddings are of texts; leave the file out or use another connection.",
            param=f"messages[{number}]",
        )
    text = "\n".join(said)
    if not text.strip():
        raise InvalidRequest("An input is blank.", param=f"messages[{number}]")
    return text


def _encoding(config: ModelConfig) -> str | None:
    if config.output_mime_type == "application/base64":
        return "base64"
    if config.output_mime_type in (None, "application/json"):
        return None
    raise UnsupportedFeature(
        f"Embeddings are not given as {config.output_mime_type}.", param="output_mime_type"
    )


def _vector(embedding: JsonValue) -> tuple[float, ...]:
    numbers: tuple[float, ...] = ()
    if isinstance(embedding, str):
        packed = decoded(embedding) or b""
        if len(packed) % _FLOAT_BYTES == 0:
            numbers = struct.unpack(f"<{len(packed) // _FLOAT_BYTES}f", packed)
    elif isinstance(embedding, list) and {type(each) for each in embedding} <= {int, float}:
        numbers = tuple(float(each) for each in embedding)
    if not numbers or not all(map(math.isfinite, numbers)):
        raise MalformedAnswer("An embedding of the upstream's answer is no list of numbers.")
    return numbers


def _usage(usage: JsonValue) -> TokenUsage | None:
    if not isinstance(usage, dict):
        return None
    prompt, total = usage.get("prompt_tokens"), usage.get("total_tokens")
    prompt = prompt if type(prompt) is int else 0
    return TokenUsage(prompt, 0, total if type(total) is int else prompt)
