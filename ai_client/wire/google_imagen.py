"""Imagen's ``predict``: https://ai.google.dev/gemini-api/docs/imagen

Google itself has switched Imagen off in August 2026
(https://ai.google.dev/gemini-api/docs/deprecations) in favour of Gemini's image models, which are
asked by ``generateContent``; servers that resemble Google's speak this still. Size and the like are
custom options: ``{"parameters": {"sampleImageSize": "2K", "personGeneration": "dont_allow"}}``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from ai_client.capabilities import FileType, MediaOrientation
from ai_client.errors import ContentFiltered, EmptyAnswer, MalformedAnswer, UnsupportedFeature
from ai_client.failures import clean_message
from ai_client.google_envelope import parse_error, read_answer, resource_name, with_custom_options
from ai_client.media import file_of
from ai_client.messages import (
    Candidate,
    FinishReason,
    GenerationRequest,
    GenerativeAiResult,
    JsonValue,
    Message,
    MessagePart,
    ModelConfig,
    Role,
)
from ai_client.single_prompt import left_out, read_prompt
from ai_client.wire import Target, WireRequest

__all__ = ["forward_request", "parse_error", "parse_result", "render_request"]

MOST_IMAGES: Final = 4
"""Images of one request."""

_SAYS: Final = frozenset(
    (
        "candidate_count",
        "output_file_type",
        "output_media_orientation",
        "output_media_aspect_ratio",
    )
)
_RATIOS: Final = ("1:1", "3:4", "4:3", "9:16", "16:9")
_BY_ORIENTATION: Final[Mapping[MediaOrientation, str]] = {
    MediaOrientation.SQUARE: "1:1",
    MediaOrientation.LANDSCAPE: "16:9",
    MediaOrientation.PORTRAIT: "9:16",
}
_MIME_TYPES: Final = ("image/png", "image/jpeg")


def render_request(request: GenerationRequest, target: Target) -> WireRequest:
    """The request in this dialect; ``UnsupportedFeature`` for what it cannot say."""
    warnings = left_out(request, target, _SAYS)
    config = request.config
    prompt = read_prompt(request)
    if prompt.files:
        raise UnsupportedFeature(
            "Imagen draws from a text alone; ask one of Gemini's image models.", param="messages[0]"
        )
    if config.output_file_type is FileType.REMOTE:
        raise UnsupportedFeature(
            "Imagen answers with images themselves, not with addresses.", param="output_file_type"
        )
    parameters: dict[str, JsonValue] = {"sampleCount": _count(config)}
    if (ratio := _ratio(config)) is not None:
        parameters["aspectRatio"] = ratio
    if config.output_mime_type is not None:
        if config.output_mime_type not in _MIME_TYPES:
            raise UnsupportedFeature(
                f"Imagen makes no {config.output_mime_type}, but {' and '.join(_MIME_TYPES)}.",
                param="output_mime_type",
            )
        parameters["outputOptions"] = {"mimeType": config.output_mime_type}
    body: dict[str, JsonValue] = {
        "instances": [{"prompt": prompt.text}],
        "parameters": parameters,
    }
    return _sent(with_custom_options(body, config.custom_options), target, warnings)


def forward_request(body: Mapping[str, JsonValue], target: Target, *, stream: bool) -> WireRequest:
    """A caller's body of this dialect; the model stands in the path."""
    return _sent(body, target, ())


def parse_result(body: bytes, content_type: str, sent: WireRequest) -> GenerativeAiResult:
    """The images, each a candidate.

    ``ContentFiltered`` where a filter kept all of them back and says so, ``EmptyAnswer`` where
    there is none for no reason.
    """
    answer = read_answer(body)
    # An empty list is an empty object: https://protobuf.dev/programming-guides/json/.
    predictions = answer.get("predictions", None if answer else [])
    if not isinstance(predictions, list):
        raise MalformedAnswer("Google's answer has no list of predictions.")
    candidates = tuple(_candidates(predictions))
    filtered = [reason for each in predictions if (reason := _filtered(each))]
    if not candidates:
        if filtered:
            raise ContentFiltered(f"Google kept the image back: {clean_message(filtered[0])}")
        raise EmptyAnswer("Google's answer holds no image; its filter may have taken them out.")
    more = {name: value for name, value in answer.items() if name != "predictions"}
    if filtered:
        more["raiFilteredReasons"] = filtered
    return GenerativeAiResult("", "", candidates, additional_data=more)


def _sent(body: Mapping[str, JsonValue], target: Target, warnings: tuple[str, ...]) -> WireRequest:
    name = resource_name(target.model, target.provider or "Google")
    sent = {field: value for field, value in body.items() if field != "model"}
    return WireRequest(f"{name}:predict", sent, warnings=warnings)


def _count(config: ModelConfig) -> int:
    count = 1 if config.candidate_count is None else config.candidate_count
    if not 1 <= count <= MOST_IMAGES:
        raise UnsupportedFeature(
            f"Imagen draws one to {MOST_IMAGES} images at a time, not {count}.",
            param="candidate_count",
        )
    return count


def _ratio(config: ModelConfig) -> str | None:
    ratio, orientation = config.output_media_aspect_ratio, config.output_media_orientation
    if ratio is None:
        return None if orientation is None else _BY_ORIENTATION[orientation]
    if ratio not in _RATIOS:
        raise UnsupportedFeature(
            f"Imagen has no aspect ratio of {ratio}, but {', '.join(_RATIOS)}.",
            param="output_media_aspect_ratio",
        )
    return ratio


def _candidates(predictions: list[JsonValue]) -> Iterator[Candidate]:
    for prediction in predictions:
        if _filtered(prediction):
            continue
        held = mime_type = None
        if isinstance(prediction, dict):
            held = prediction.get("bytesBase64Encoded") or prediction.get("url")
            mime_type = prediction.get("mimeType", "image/png")
        if not isinstance(held, str) or not isinstance(mime_type, str):
            raise MalformedAnswer("An entry of Google's predictions is no image.")
        part = MessagePart(file_of(held, mime_type))
        yield Candidate(Message(Role.MODEL, (part,)), FinishReason.STOP)


def _filtered(prediction: JsonValue) -> str:
    reason = prediction.get("raiFilteredReason") if isinstance(prediction, dict) else None
    return reason if isinstance(reason, str) else ""
