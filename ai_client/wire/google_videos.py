"""Veo's ``predictLongRunning``: https://ai.google.dev/gemini-api/docs/video

A video is started, its operation asked for until it is done, and its file fetched. Google's own SDK
asks another API for videos since its version 3; servers that resemble Google's speak this. How long
a video is to be, how sharp, what is not to be seen are custom options:
``{"parameters": {"durationSeconds": 8, "resolution": "1080p", "negativePrompt": "rain"}}``.

A finished operation names its file by an absolute address. Of that only the file's id is used: it
is asked for at the connection's own address, so that the key goes nowhere else. Field names as in
https://github.com/googleapis/python-genai/blob/main/google/genai/models.py
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

import orjson

from ai_client.capabilities import FileType, MediaOrientation
from ai_client.errors import BadContent, InvalidRequest, MalformedAnswer, UnsupportedFeature
from ai_client.failures import clean_message
from ai_client.google_envelope import parse_error, read_answer, resource_name, with_custom_options
from ai_client.media import file_of, file_of_bytes
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
from ai_client.single_prompt import left_out, read_prompt
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

_SAYS: Final = frozenset(
    ("output_file_type", "output_media_orientation", "output_media_aspect_ratio")
)
_RATIOS: Final = ("16:9", "9:16")
_BY_ORIENTATION: Final[Mapping[MediaOrientation, str]] = {
    MediaOrientation.LANDSCAPE: "16:9",
    MediaOrientation.PORTRAIT: "9:16",
}
_SEGMENT: Final = r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}"
_NAME = re.compile(rf"(?:(?:models|tunedModels)/{_SEGMENT}/)?operations/{_SEGMENT}", re.ASCII)
_FILE = re.compile(
    r"https?://[^?#]*/files/([A-Za-z0-9_-]{1,64})(?::download)?(?:[?#]|\Z)", re.ASCII
)
_CANCELLED: Final = 1
"""``google.rpc.Code``: https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto"""
_MIME_TYPE: Final = "video/mp4"


def render_request(request: GenerationRequest, target: Target) -> WireRequest:
    """The request in this dialect; ``UnsupportedFeature`` for what it cannot say."""
    warnings = left_out(request, target, _SAYS)
    config = request.config
    prompt = read_prompt(request)
    if config.output_mime_type not in (None, _MIME_TYPE):
        raise UnsupportedFeature(
            f"Google's videos are {_MIME_TYPE}, not {config.output_mime_type}.",
            param="output_mime_type",
        )
    if config.output_file_type is FileType.REMOTE:
        raise UnsupportedFeature(
            "The address of a video of Google's opens with the connection's key only.",
            param="output_file_type",
        )
    body: dict[str, JsonValue] = {
        "instances": [{"prompt": prompt.text, **_beginning(prompt.files)}],
    }
    if (ratio := _ratio(config)) is not None:
        body["parameters"] = {"aspectRatio": ratio}
    return _sent(with_custom_options(body, config.custom_options), target, warnings)


def forward_request(body: Mapping[str, JsonValue], target: Target, *, stream: bool) -> WireRequest:
    """A caller's body of this dialect; the model stands in the path."""
    return _sent(body, target, ())


def parse_result(body: bytes, content_type: str, sent: WireRequest) -> GenerativeAiOperation:
    """The operation that has been started."""
    started = parse_operation(body)
    if started.state is not OperationState.PROCESSING:
        return started
    return replace(started, state=OperationState.STARTING)


def operation_request(operation_id: str) -> WireRequest:
    """Asks how far it is. ``InvalidRequest`` for what is no operation's name."""
    if not _NAME.fullmatch(operation_id):
        raise InvalidRequest("This is no id of a video's operation.", param="operation_id")
    return WireRequest(operation_id, {}, method="GET")


def parse_operation(body: bytes) -> GenerativeAiOperation:
    """How far it is. The result of one that is done names its files until they are fetched."""
    operation = _operation(body)
    name = operation["name"]
    if operation.get("done") is not True:
        return GenerativeAiOperation(name, OperationState.PROCESSING)
    error = operation.get("error")
    if isinstance(error, Mapping):
        is_cancelled = error.get("code") == _CANCELLED
        state = OperationState.CANCELED if is_cancelled else OperationState.FAILED
        message = error.get("message")
        return GenerativeAiOperation(
            name, state, error=clean_message(message) if isinstance(message, str) else ""
        )
    made = _object(_object(operation, "response"), "generateVideoResponse")
    candidates = tuple(_candidates(made))
    if not candidates:
        return GenerativeAiOperation(name, OperationState.FAILED, error=_reason(made))
    more = {field: value for field, value in made.items() if field != "generatedSamples"}
    result = GenerativeAiResult(name, "", candidates, additional_data=more)
    return GenerativeAiOperation(name, OperationState.SUCCEEDED, result)


def content_request(operation: GenerativeAiOperation) -> WireRequest | None:
    """Fetches the first file that is still only named; None where there is none left."""
    name = next((name for _, name in _named(operation)), None)
    if name is None:
        return None
    return WireRequest(f"files/{name}:download", {}, query={"alt": "media"}, method="GET")


def parse_content(
    operation: GenerativeAiOperation, body: bytes, content_type: str
) -> GenerativeAiOperation:
    """The operation with the file that was fetched in place of its name."""
    if content_type == "application/json":
        read_answer(body)
    if content_type == "application/json" or content_type.startswith("text/"):
        raise BadContent(f"Google answered with {content_type}, not with a video.")
    result = operation.result
    number = next((number for number, _ in _named(operation)), None)
    if result is None or number is None:
        return operation
    video = file_of_bytes(body, content_type if content_type.startswith("video/") else _MIME_TYPE)
    candidates = list(result.candidates)
    candidates[number] = _candidate(video)
    return replace(operation, result=replace(result, candidates=tuple(candidates)))


def _sent(body: Mapping[str, JsonValue], target: Target, warnings: tuple[str, ...]) -> WireRequest:
    name = resource_name(target.model, target.provider or "Google")
    sent = {field: value for field, value in body.items() if field != "model"}
    return WireRequest(f"{name}:predictLongRunning", sent, warnings=warnings)


def _beginning(files: tuple[File, ...]) -> dict[str, JsonValue]:
    """What the video is to begin with: a picture, or a video that goes on."""
    if not files:
        return {}
    file = files[0]
    if len(files) > 1 or not (file.is_image or file.is_video):
        raise UnsupportedFeature(
            "Google's videos are made from a text and at most one picture or video.",
            param="messages[0]",
        )
    if file.is_video:
        if file.url is not None:
            return {"video": {"uri": file.url}}
        return {"video": {"encodedVideo": file.base64_data, "encoding": file.mime_type}}
    if file.base64_data is None:
        raise UnsupportedFeature(
            "Google does not fetch the picture that a video begins with; send it inline.",
            param="messages[0]",
        )
    return {"image": {"bytesBase64Encoded": file.base64_data, "mimeType": file.mime_type}}


def _ratio(config: ModelConfig) -> str | None:
    ratio, orientation = config.output_media_aspect_ratio, config.output_media_orientation
    if ratio is None and orientation is None:
        return None
    found = _BY_ORIENTATION.get(orientation) if ratio is None and orientation else ratio
    if found not in _RATIOS:
        raise UnsupportedFeature(
            f"Google's videos are upright or wide ({', '.join(_RATIOS)}), not"
            f" {ratio or orientation}.",
            param="output_media_aspect_ratio" if ratio else "output_media_orientation",
        )
    return found


def _operation(body: bytes) -> dict[str, JsonValue]:
    # A failed operation carries an "error" in a proper answer; without a name it is an error body.
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        found = None
    operation = found if isinstance(found, dict) and "name" in found else read_answer(body)
    name = operation.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise MalformedAnswer("Google's operation has no name.")
    return operation


def _object(holder: Mapping[str, JsonValue], name: str) -> Mapping[str, JsonValue]:
    held = holder.get(name)
    if not isinstance(held, Mapping):
        raise MalformedAnswer(f"Google's operation is done and has no {name}.")
    return held


def _candidates(made: Mapping[str, JsonValue]) -> Iterator[Candidate]:
    samples = made.get("generatedSamples", [])
    if not isinstance(samples, list):
        raise MalformedAnswer("Google's operation has no list of samples.")
    for sample in samples:
        yield _candidate(_video(sample))


def _video(sample: JsonValue) -> File:
    video = sample.get("video") if isinstance(sample, Mapping) else None
    if isinstance(video, Mapping):
        mime_type, uri = video.get("encoding") or _MIME_TYPE, video.get("uri")
        if isinstance(mime_type, str) and isinstance(uri, str) and uri:
            return File(mime_type, url=uri)
        held = video.get("encodedVideo")
        if isinstance(mime_type, str) and isinstance(held, str):
            return file_of(held, mime_type)
    raise MalformedAnswer("A sample of Google's operation is no video.")


def _candidate(video: File) -> Candidate:
    return Candidate(Message(Role.MODEL, (MessagePart(video),)), FinishReason.STOP)


def _reason(made: Mapping[str, JsonValue]) -> str:
    reasons = made.get("raiMediaFilteredReasons")
    said = [each for each in reasons if isinstance(each, str)] if isinstance(reasons, list) else []
    return clean_message(" ".join(said)) if said else "Google made no video and does not say why."


def _named(operation: GenerativeAiOperation) -> Iterator[tuple[int, str]]:
    """The files of a result that are still to be fetched: candidate and the file's id."""
    if operation.result is None:
        return
    for number, candidate in enumerate(operation.result.candidates):
        for part in candidate.message.parts:
            url = part.content.url if isinstance(part.content, File) else None
            found = _FILE.match(url) if url else None
            if found:
                yield number, found[1]
