"""What callers of this dialect send, and what they get from upstreams of another one.

A size in pixels is asked for as the ratio of its sides, since other vendors' models know no other
sizes; the pixels are named as left out. Where the caller does not say how, images come inline, as
those of OpenAI's current models always do.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final

from ai_client.body_fields import Fields
from ai_client.capabilities import Capability, FileType
from ai_client.errors import ContentFiltered, EmptyAnswer, InvalidRequest
from ai_client.json_text import dump
from ai_client.messages import (
    AnyResult,
    File,
    FinishReason,
    GenerationRequest,
    GenerativeAiResult,
    JsonValue,
    ModelConfig,
    TokenUsage,
    user_message,
)
from ai_client.wire import RenderContext, WireResponse

PARAMS: Final[Mapping[str, str]] = {
    "messages": "prompt",
    "candidate_count": "n",
    "output_mime_type": "output_format",
    "output_file_type": "response_format",
    "output_media_aspect_ratio": "size",
    "output_media_orientation": "size",
    "end_user": "user",
}
"""The fields in which callers say our settings, where they have other names."""

MOST_IMAGES: Final = 10
"""Images of one request."""

_READ: Final = frozenset(
    (
        "model", "prompt", "n", "size", "response_format", "output_format", "background", "stream",
        "user", "safety_identifier",
    )
)  # fmt: skip
_SIZE: Final = re.compile(r"([1-9]\d{0,4})x([1-9]\d{0,4})")
_RATIOS: Final[Mapping[tuple[int, int], str]] = {
    # DALL-E's own sizes are what others call 16:9.
    (7, 4): "16:9",
    (4, 7): "9:16",
}
_FILE_TYPES: Final[Mapping[str, FileType]] = {
    "url": FileType.REMOTE,
    "b64_json": FileType.INLINE,
}
_MIME_TYPES: Final[Mapping[str, str]] = {
    "png": "image/png",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
    "svg": "image/svg+xml",
}
_BACKGROUNDS: Final = ("transparent", "opaque", "auto")


def parse_request(body: Mapping[str, JsonValue]) -> GenerationRequest:
    """The caller's request; ``InvalidRequest`` naming the field where it is malformed.

    A transparent background is a feature of this dialect alone, what else is beyond ``_READ``
    (``quality``, ``style``, ``moderation``…) tuning.
    """
    fields = Fields(body)
    prompt = fields.required(fields.text("prompt"), "prompt")
    if not prompt.strip():
        raise InvalidRequest("'prompt' is blank.", param="prompt")
    fields.boolean("stream")
    dropped = [name for name, value in body.items() if value is not None and name not in _READ]
    ratio = _ratio(fields)
    if ratio is not None:
        dropped.append("size (pixels)")
    config = ModelConfig(
        candidate_count=fields.integer("n", 1, MOST_IMAGES),
        output_file_type=_FILE_TYPES.get(_word(fields, "response_format", _FILE_TYPES)),
        output_mime_type=_MIME_TYPES.get(_word(fields, "output_format", _MIME_TYPES)),
        output_media_aspect_ratio=ratio,
        end_user=fields.text("safety_identifier") or fields.text("user"),
    )
    is_transparent = _word(fields, "background", _BACKGROUNDS) == "transparent"
    return GenerationRequest(
        (user_message(prompt),),
        config,
        capability=Capability.IMAGE_GENERATION,
        untranslatable=("background (transparent)",) if is_transparent else (),
        dropped=tuple(dropped),
    )


def render_result(
    result: AnyResult, body: Mapping[str, JsonValue], context: RenderContext
) -> WireResponse:
    """All images of all candidates.

    Where there is none, ``ContentFiltered`` if a filter says it was that, else ``EmptyAnswer``.
    """
    assert isinstance(result, GenerativeAiResult)
    images = [file for message in result.to_messages() for file in message.files() if file.is_image]
    if not images:
        raise _without_image(result)
    answer: dict[str, JsonValue] = {
        "created": context.created,
        "data": [
            {"url": each.url} if each.url else {"b64_json": each.base64_data} for each in images
        ],
    }
    if (output := _output_format(images)) is not None:
        answer["output_format"] = output
    if result.usage is not None:
        answer["usage"] = _usage(result.usage)
    return WireResponse(200, dump(answer))


def _image(file: File) -> dict[str, JsonValue]:
    return {"url": file.url} if file.url else {"b64_json": file.base64_data}


def _word(fields: Fields, name: str, allowed: Mapping[str, object] | tuple[str, ...]) -> str:
    word = fields.text(name)
    if word is not None and word not in allowed:
        raise InvalidRequest(f"'{name}' must be {', '.join(allowed)}.", param=name)
    return word or ""


def _ratio(fields: Fields) -> str | None:
    size = fields.text("size")
    if size is None or size == "auto":
        return None
    found = _SIZE.fullmatch(size)
    if found is None:
        raise InvalidRequest("'size' must be auto or WIDTHxHEIGHT in pixels.", param="size")
    width, height = int(found[1]), int(found[2])
    shared = math.gcd(width, height)
    sides = width // shared, height // shared
    return _RATIOS.get(sides, f"{sides[0]}:{sides[1]}")


def _without_image(result: GenerativeAiResult) -> ContentFiltered | EmptyAnswer:
    if any(each.finish_reason is FinishReason.CONTENT_FILTER for each in result.candidates):
        return ContentFiltered("The upstream's filter kept the image back.")
    return EmptyAnswer("The upstream answered without an image.")


def _output_format(images: list[File]) -> str | None:
    kinds = {each.mime_type for each in images}
    return next((name for name, mime_type in _MIME_TYPES.items() if kinds == {mime_type}), None)


def _usage(usage: TokenUsage) -> dict[str, JsonValue]:
    # Nothing but text goes into a generation.
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {"text_tokens": usage.prompt_tokens, "image_tokens": 0},
        "output_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
    }
