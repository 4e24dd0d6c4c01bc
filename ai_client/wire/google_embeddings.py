"""Google's embeddings: https://ai.google.dev/api/embeddings, both faces.

One input is asked for by ``embedContent``, several by ``batchEmbedContents``; a body with
``requests`` is one of the latter. What a vector is for is a custom option: ``taskType``
(``RETRIEVAL_QUERY``, say) and ``title``, said of every input. Since ``gemini-embedding-2``
pictures, sound, videos and PDF have vectors too.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import partial
from typing import Final

from ai_client import google_errors
from ai_client.capabilities import Capability, FileType
from ai_client.errors import EmptyAnswer, InvalidRequest, MalformedAnswer, UnsupportedFeature
from ai_client.google_envelope import parse_error, read_answer, resource_name, with_custom_options
from ai_client.google_fields import GoogleFields
from ai_client.json_text import dump
from ai_client.messages import (
    AnyResult,
    EmbeddingResult,
    File,
    GenerationRequest,
    JsonValue,
    Message,
    MessagePart,
    ModelConfig,
    Role,
    TokenUsage,
)
from ai_client.single_prompt import left_out
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
    "messages": "content",
    "dimensions": "outputDimensionality",
}
render_error = partial(google_errors.render_error, names=_PARAMS)

_SAYS: Final = frozenset(("dimensions", "output_file_type"))
_KNOWN: Final = ("embedding", "embeddings", "usageMetadata")
_READ: Final = frozenset(("model", "content", "outputDimensionality", "embedContentConfig"))
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


def parse_request(body: Mapping[str, JsonValue]) -> GenerationRequest:
    """The caller's inputs, each a message; ``InvalidRequest`` naming the field that is malformed.

    ``taskType`` and ``title``, which other vendors do not ask for, are named in ``dropped``.
    """
    fields = GoogleFields(body)
    asked = fields.objects("requests") if "requests" in fields else [fields]
    if not asked:
        raise InvalidRequest("'requests' must hold at least one request.", param="requests")
    dropped: dict[str, None] = {}
    sizes = [_size(each, dropped) for each in asked]
    untranslatable: list[str] = []
    if len(set(sizes)) > 1:
        # Others give all vectors of a request one length.
        untranslatable.append("requests[].outputDimensionality (several)")
    return GenerationRequest(
        messages=tuple(_input(each, untranslatable) for each in asked),
        config=ModelConfig(dimensions=sizes[0]),
        capability=Capability.EMBEDDING_GENERATION,
        untranslatable=tuple(untranslatable),
        dropped=tuple(dropped),
    )


def render_result(
    result: AnyResult, body: Mapping[str, JsonValue], context: RenderContext
) -> WireResponse:
    """The vectors, as ``embeddings`` where ``requests`` asked for them, else as ``embedding``."""
    if not isinstance(result, EmbeddingResult):
        raise TypeError(f"{type(result).__name__} holds no embeddings.")
    vectors = [{"values": list(vector)} for vector in result.embeddings]
    answer: dict[str, JsonValue]
    answer = {"embeddings": vectors} if "requests" in body else {"embedding": vectors[0]}
    if result.usage is not None:
        answer["usageMetadata"] = {"promptTokenCount": result.usage.prompt_tokens}
    return WireResponse(200, dump(answer))


def _size(asked: GoogleFields, dropped: dict[str, None]) -> int | None:
    """The length asked for; ``dropped`` gets the names of what else is said of one input."""
    config = asked.object("embedContentConfig")
    for holder in (asked, config):
        for name in () if holder is None else holder.values:
            if holder is not None and name in holder and name not in _READ:
                dropped[name] = None
    found = asked.integer("outputDimensionality", 1)
    return found if found is not None or config is None else config.integer("outputDimensionality")


def _input(asked: GoogleFields, untranslatable: list[str]) -> Message:
    content = asked.required(asked.object("content"), "content")
    parts = []
    for part in content.objects("parts"):
        text, blob, data = part.text("text"), part.object("inlineData"), part.object("fileData")
        if text is not None:
            parts.append(MessagePart(text))
        elif blob is not None:
            kind = blob.required(blob.text("mimeType") or None, "mimeType")
            encoded = blob.required(blob.bytes("data") or None, "data")
            parts.append(MessagePart(File(kind, base64_data=encoded)))
        elif data is not None:
            untranslatable.append(part.at("fileData"))
        else:
            raise InvalidRequest(f"'{part.path}' must hold text or inlineData.", param=part.path)
    if not parts and not untranslatable:
        raise InvalidRequest(
            f"'{content.at('parts')}' must hold at least one part.", param=content.at("parts")
        )
    return Message(Role.USER, tuple(parts))


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
