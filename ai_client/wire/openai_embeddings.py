"""OpenAI's Embeddings API: https://platform.openai.com/docs/api-reference/embeddings/create

Vectors come as numbers or, where ``encoding_format`` asks for it, as base64 of little-endian
32-bit floats; both are read, since some servers answer so unasked. The MIME type
``application/base64`` asks for the latter. OpenAI's own SDK does unless it is told otherwise, so
callers get what they ask for whatever the upstream sends. Inputs that are tokens already mean
something to OpenAI's models alone.
"""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Final

from ai_client import openai_errors
from ai_client.body_fields import Fields, refuse
from ai_client.capabilities import Capability
from ai_client.errors import EmptyAnswer, InvalidRequest, MalformedAnswer, UnsupportedFeature
from ai_client.json_text import dump
from ai_client.media import decoded
from ai_client.messages import (
    AnyResult,
    EmbeddingResult,
    GenerationRequest,
    JsonValue,
    Message,
    ModelConfig,
    TokenUsage,
    user_message,
)
from ai_client.openai_envelope import parse_error, read_answer
from ai_client.single_prompt import left_out, with_custom_options
from ai_client.wire import RenderContext, Target, WireRequest, WireResponse

__all__ = [
    "forward_request",
    "parse_error",
    "parse_request",
    "parse_result",
    "render_error",
    "render_request",
    "render_result",
]

_PARAMS: Final[Mapping[str, str]] = {
    "messages": "input",
    "end_user": "user",
}
render_error = partial(openai_errors.render_error, names=_PARAMS)

PATH: Final = "embeddings"

_SAYS: Final = frozenset(("dimensions", "end_user"))
_KNOWN: Final = ("id", "model", "data", "usage")
_READ: Final = frozenset(("model", "input", "encoding_format", "dimensions", "user"))
_ENCODINGS: Final = ("float", "base64")
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


def parse_request(body: Mapping[str, JsonValue]) -> GenerationRequest:
    """The caller's request, each input a message; ``InvalidRequest`` where it is malformed.

    Tokens instead of texts are ``untranslatable``.
    """
    fields = Fields(body)
    given = fields.required(fields.get("input"), "input")
    encoding = fields.text("encoding_format")
    if encoding is not None and encoding not in _ENCODINGS:
        raise InvalidRequest("'encoding_format' must be float or base64.", param="encoding_format")
    config = ModelConfig(
        dimensions=fields.integer("dimensions", 1), end_user=fields.text("user") or None
    )
    is_tokens = _is_tokens(given)
    return GenerationRequest(
        () if is_tokens else tuple(_message(*each) for each in _named(given)),
        config,
        capability=Capability.EMBEDDING_GENERATION,
        untranslatable=("input (tokens)",) if is_tokens else (),
        dropped=tuple(
            name for name, value in body.items() if value is not None and name not in _READ
        ),
    )


def render_result(
    result: AnyResult, body: Mapping[str, JsonValue], context: RenderContext
) -> WireResponse:
    """The vectors, encoded as ``body`` asks. OpenAI's SDKs require counts: 0 if there is none."""
    assert isinstance(result, EmbeddingResult)
    encode = _packed if body.get("encoding_format") == "base64" else list
    usage = result.usage or TokenUsage()
    data: list[JsonValue] = [
        {"object": "embedding", "index": index, "embedding": encode(vector)}
        for index, vector in enumerate(result.embeddings)
    ]
    answer: dict[str, JsonValue] = {
        "object": "list",
        "data": data,
        "model": result.model or context.model,
        "usage": {"prompt_tokens": usage.prompt_tokens, "total_tokens": usage.total_tokens},
    }
    return WireResponse(200, dump(answer))


def _is_tokens(given: JsonValue) -> bool:
    """Whether it is a list of numbers, or a list of such lists."""
    if not isinstance(given, list) or not given:
        return False
    lists = given if isinstance(given[0], list) else [given]
    return all(
        isinstance(each, list) and each and all(type(token) is int for token in each)
        for each in lists
    )


def _named(given: JsonValue) -> Iterator[tuple[JsonValue, str]]:
    """Each input with its place in the body."""
    if not isinstance(given, list):
        yield given, "input"
        return
    if not given:
        raise InvalidRequest("'input' is empty.", param="input")
    for number, each in enumerate(given):
        yield each, f"input[{number}]"


def _message(given: JsonValue, path: str) -> Message:
    if not isinstance(given, str):
        raise refuse(path, "a string", given)
    if not given.strip():
        raise InvalidRequest(f"'{path}' is blank.", param=path)
    return user_message(given)


def _packed(vector: tuple[float, ...]) -> str:
    try:
        return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
    except OverflowError:
        raise MalformedAnswer(
            "A number of the upstream's embedding needs more than 32 bits."
        ) from None


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
