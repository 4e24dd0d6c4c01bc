"""OpenAI's Videos API: https://platform.openai.com/docs/api-reference/videos

A video is started, asked for until it is completed, and fetched. It is sent as JSON, one of the
two forms that the API takes. How long it is to be is a custom option: ``seconds``, a string. OpenAI
ended its own service in September 2026; other servers speak the dialect.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import orjson

from ai_client.capabilities import MediaOrientation
from ai_client.errors import BadContent, InvalidRequest, MalformedAnswer, UnsupportedFeature
from ai_client.failures import clean_message
from ai_client.media import file_of_bytes
from ai_client.messages import (
    Candidate,
    File,
    FinishReason,
    GenerationRequest,
    GenerativeAiOperation,
    GenerativeAiResult,
    JsonValue,
    Message,
    MessagePart,
    ModelConfig,
    OperationState,
    Role,
)
from ai_client.openai_envelope import parse_error, read_answer
from ai_client.single_prompt import left_out, read_prompt, with_custom_options
from ai_client.wire import Target, WireRequest

__all__ = [
    "content_request",
    "forward_request",
    "operation_request",
    "parse_content",
    "parse_error",
    "parse_operation",
    "parse_result",
    "render_request",
]

PATH: Final = "videos"

_SAYS: Final = frozenset(("output_media_orientation", "output_media_aspect_ratio"))
_BY_RATIO: Final[Mapping[str, str]] = {
    "9:16": "720x1280",
    "16:9": "1280x720",
    "4:7": "1024x1792",
    "7:4": "1792x1024",
}
_BY_ORIENTATION: Final[Mapping[MediaOrientation, str]] = {
    MediaOrientation.PORTRAIT: "720x1280",
    MediaOrientation.LANDSCAPE: "1280x720",
}
_STATES: Final[Mapping[str, OperationState]] = {
    "queued": OperationState.STARTING,
    "in_progress": OperationState.PROCESSING,
    "completed": OperationState.SUCCEEDED,
    "failed": OperationState.FAILED,
    # Words of compatible servers.
    "cancelled": OperationState.CANCELED,
    "canceled": OperationState.CANCELED,
}
_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.:-]{0,255}", re.ASCII)
_MIME_TYPE: Final = "video/mp4"
_ACCEPT: Final[Mapping[str, str]] = {"accept": "application/binary"}


def render_request(request: GenerationRequest, target: Target) -> WireRequest:
    """The request in this dialect; ``UnsupportedFeature`` for what it cannot say."""
    warnings = left_out(request, target, _SAYS)
    config = request.config
    prompt = read_prompt(request)
    body: dict[str, JsonValue] = {"model": target.model, "prompt": prompt.text}
    if prompt.files:
        body["input_reference"] = _reference(prompt.files)
    if config.output_mime_type not in (None, _MIME_TYPE):
        raise UnsupportedFeature(
            f"OpenAI's videos are {_MIME_TYPE}, not {config.output_mime_type}.",
            param="output_mime_type",
        )
    if (size := _size(config)) is not None:
        body["size"] = size
    body = with_custom_options(body, config.custom_options)
    return WireRequest(PATH, body, warnings=warnings)


def forward_request(body: Mapping[str, JsonValue], target: Target, *, stream: bool) -> WireRequest:
    """A caller's body of this dialect, with the connection's model."""
    return WireRequest(PATH, {**body, "model": target.model})


def parse_result(body: bytes, content_type: str, sent: WireRequest) -> GenerativeAiOperation:
    """The operation that has been started; one that is complete already has still to be fetched."""
    begun = parse_operation(body)
    if begun.state is OperationState.SUCCEEDED:
        return replace(begun, state=OperationState.PROCESSING)
    return begun


def operation_request(operation_id: str) -> WireRequest:
    """Asks how far a video is. ``InvalidRequest`` for what cannot be a video's id."""
    return WireRequest(f"{PATH}/{_checked(operation_id)}", {}, method="GET")


def parse_operation(body: bytes) -> GenerativeAiOperation:
    """How far a video is. A completed one has its result once its content was fetched."""
    data = _video(body)
    status, progress = data.get("status"), data.get("progress")
    state = _STATES.get(status) if isinstance(status, str) else None
    if state is None:
        raise MalformedAnswer("The upstream's video has a status that is not known.")
    error = data.get("error")
    reason = error.get("message") or error.get("code") if isinstance(error, dict) else error
    return GenerativeAiOperation(
        id=data["id"],
        state=state,
        error=clean_message(reason) if isinstance(reason, str) else "",
        progress=progress if type(progress) is int else None,
    )


def content_request(operation: GenerativeAiOperation) -> WireRequest | None:
    """Fetches the video."""
    if operation.result is not None:
        return None
    path = f"{PATH}/{_checked(operation.id)}/content"
    return WireRequest(path, {}, headers=_ACCEPT, method="GET")


def parse_content(
    operation: GenerativeAiOperation, body: bytes, content_type: str
) -> GenerativeAiOperation:
    """The operation with its video."""
    if content_type == "application/json":
        read_answer(body)
    if content_type == "application/json" or content_type.startswith("text/"):
        raise BadContent(f"The upstream answered with {content_type}, not with a video.")
    video = file_of_bytes(body, content_type if content_type.startswith("video/") else _MIME_TYPE)
    candidate = Candidate(Message(Role.MODEL, (MessagePart(video),)), FinishReason.STOP)
    return replace(operation, result=GenerativeAiResult(operation.id, "", (candidate,)))


def _video(body: bytes) -> dict[str, JsonValue]:
    # A failed video carries an "error" in a proper answer; only what is no video is an error body.
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        found = None
    data = found if isinstance(found, dict) and "status" in found else read_answer(body)
    if not isinstance(data.get("id"), str) or not _ID.fullmatch(data["id"]):
        raise MalformedAnswer("The upstream's video has no id.")
    return data


def _checked(operation_id: str) -> str:
    if not _ID.fullmatch(operation_id):
        raise InvalidRequest("This is no id of a video.", param="operation_id")
    return operation_id


def _reference(files: tuple[File, ...]) -> dict[str, JsonValue]:
    if len(files) > 1 or not files[0].is_image:
        raise UnsupportedFeature(
            "OpenAI's videos are made from a text and at most one image.", param="messages[0]"
        )
    return {"image_url": files[0].url or files[0].data_uri()}


def _size(config: ModelConfig) -> str | None:
    ratio, orientation = config.output_media_aspect_ratio, config.output_media_orientation
    found = None
    if ratio is not None:
        found = _BY_RATIO.get(ratio)
    elif orientation is not None:
        found = _BY_ORIENTATION.get(orientation)
    else:
        return None
    if found is None:
        raise UnsupportedFeature(
            f"OpenAI's videos are upright or wide ({', '.join(_BY_RATIO)}), not"
            f" {ratio or orientation}.",
            param="output_media_aspect_ratio" if ratio else "output_media_orientation",
        )
    return found
