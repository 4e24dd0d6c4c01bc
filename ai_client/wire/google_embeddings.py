"""Google's embeddings: https://ai.google.dev/api/embeddings

One input is asked for by ``embedContent``, several by ``batchEmbedContents``. What a vector is for
is a custom option: ``taskType`` (``RETRIEVAL_QUERY``, say) and ``title``, said of every input.
Since ``gemini-embedding-2`` pictures, sound, videos and PDF have vectors too.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final

from ai_client.capabilities import FileType
from ai_client.errors import EmptyAnswer, InvalidRequest, MalformedAnswer, UnsupportedFeature
from ai_client.google_envelope import parse_error, read_answer, resource_name, with_custom_options
from ai_client.messages import (
    EmbeddingResult,
    File,
    GenerationRequest,
    JsonValue,
    Message,
    TokenUsage,
)
from ai_client.single_prompt import left_out
from ai_client.wire import Target, WireRequest

__all__ = ["forward_request", "parse_error", "parse_result", "render_request"]

_SAYS: Final = frozenset(("dimensions", "output_file_type"))
_KNOWN: Final = ("embedding", "embeddings", "usageMetadata")
_TEXTS_ONLY = re.compile(r"(?:models/)?(?:gemini-embedding-(?:001|exp)|text-embedding|embedding)")


def render_request(request: GenerationRequest, target: Target) -> WireRequest:
    """The request in this dialect, each message an input."""
    warnings = left_out(request, target, _SAYS)
    config = request.config
    if config.output_mime_type not in (None, "application/json"):
        raise UnsupportedFeature(
            f"Embeddings are not given as {config.output_mime_type}.", param="output_mime_type"
        )
    if config.output_file_type is FileType.REMOTE:
        raise UnsupportedFeature(
            "Embeddings are numbers, not files behind an address.", param="output_file_type"
        )
    if not request.messages:
        raise InvalidRequest("There is nothing to embed.", param="messages")
    wanted: list[dict[str, JsonValue]] = []
    for number, message in enumerate(request.messages):
        one: dict[str, JsonValue] = {"content": {"parts": _parts(message, number, target)}}
        if config.dimensions is not None:
            one["outputDimensionality"] = config.dimensions
        wanted.append(with_custom_options(one, config.custom_options))
    body = wanted[0] if len(wanted) == 1 else {"requests": wanted}
    return _sent(body, target, warnings)


def forward_request(body: Mapping[str, JsonValue], target: Target, *, stream: bool) -> WireRequest:
    """A caller's body of this dialect, with the connection's model."""
    return _sent(body, target, ())


def parse_result(body: bytes, content_type: str, sent: WireRequest) -> EmbeddingResult:
    """The vectors in the inputs' order; ``MalformedAnswer`` where they are not as many."""
    answer = read_answer(body)
    single = answer.get("embedding")
    listed = answer.get("embeddings") if single is None else [single]
    if not isinstance(listed, list):
        raise MalformedAnswer("Google's answer has no list of embeddings.")
    if not listed:
        raise EmptyAnswer("Google's answer holds no embedding.")
    vectors = tuple(map(_vector, listed))
    if len(vectors) != sent.expects.get("inputs", len(vectors)):
        raise MalformedAnswer(
            f"Google gave {len(vectors)} embeddings for {sent.expects['inputs']} inputs."
        )
    return EmbeddingResult(
        id="",
        model="",
        embeddings=vectors,
        usage=_usage(answer.get("usageMetadata")),
        additional_data={name: value for name, value in answer.items() if name not in _KNOWN},
    )


def _sent(body: Mapping[str, JsonValue], target: Target, warnings: tuple[str, ...]) -> WireRequest:
    name = resource_name(target.model, target.provider or "Google")
    several = body.get("requests")
    if isinstance(several, list):
        # Each of them has to name the model of the path again.
        named = [{**each, "model": name} if isinstance(each, Mapping) else each for each in several]
        path, inputs = f"{name}:batchEmbedContents", len(several)
        whole: dict[str, JsonValue] = {**body, "requests": named}
    else:
        path, inputs = f"{name}:embedContent", 1
        whole = {field: value for field, value in body.items() if field != "model"}
    return WireRequest(path, whole, warnings=warnings, expects={"inputs": inputs})


def _parts(message: Message, number: int, target: Target) -> list[JsonValue]:
    parts: list[JsonValue] = []
    for part in message.parts:
        if part.is_thought:
            continue
        if isinstance(part.content, str):
            if part.content.strip():
                parts.append({"text": part.content})
        elif isinstance(part.content, File):
            parts.append(_file(part.content, number, target))
        else:
            raise InvalidRequest(
                "A function call or result has no embedding.", param=f"messages[{number}]"
            )
    if not parts:
        raise InvalidRequest("An input is blank.", param=f"messages[{number}]")
    return parts


def _file(file: File, number: int, target: Target) -> JsonValue:
    if _TEXTS_ONLY.match(target.model):
        raise UnsupportedFeature(
            f"{target.model} embeds texts only; ask gemini-embedding-2.",
            param=f"messages[{number}]",
        )
    if file.base64_data is None:
        raise UnsupportedFeature(
            "Google does not fetch what is to be embedded; send the file inline.",
            param=f"messages[{number}]",
        )
    return {"inlineData": {"mimeType": file.mime_type, "data": file.base64_data}}


def _vector(embedding: JsonValue) -> tuple[float, ...]:
    values = embedding.get("values") if isinstance(embedding, dict) else None
    if (
        not isinstance(values, list)
        or not values
        or not {type(each) for each in values} <= {int, float}
        or not all(map(math.isfinite, values))
    ):
        raise MalformedAnswer("An embedding of Google's answer is no list of numbers.")
    return tuple(map(float, values))


def _usage(metadata: JsonValue) -> TokenUsage | None:
    # Models before gemini-embedding-2 do not count.
    counted = metadata.get("promptTokenCount") if isinstance(metadata, dict) else None
    return TokenUsage(counted, 0, counted) if type(counted) is int else None
