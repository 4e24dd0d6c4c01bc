"""Requests to upstreams: https://platform.openai.com/docs/api-reference/images/create

With images in the prompt it is an edit, sent as JSON, which GPT image models take
(https://platform.openai.com/docs/api-reference/images/createEdit); DALL-E's edits would be a form.
GPT image models always answer inline and refuse ``response_format``; DALL-E has sizes of its own
and no ``output_format``. A model of any other name is asked in the words of all of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from ai_client.capabilities import FileType, MediaOrientation
from ai_client.errors import UnsupportedFeature
from ai_client.messages import (
    File,
    GenerationRequest,
    JsonValue,
    ModelConfig,
)
from ai_client.single_prompt import left_out, read_prompt, with_custom_options
from ai_client.wire import Target, WireRequest

PATH: Final = "images/generations"
EDIT_PATH: Final = "images/edits"

_GPT_IMAGE = re.compile(r"(?:.*/)?(?:chatgpt-|gpt-)image(?:-|$)")
_DALL_E = re.compile(r"(?:.*/)?dall-e-(\d)")
_SAYS: Final = frozenset(
    (
        "candidate_count",
        "output_file_type",
        "output_media_orientation",
        "output_media_aspect_ratio",
        "end_user",
    )
)
_BY_RATIO: Final[Mapping[str, str]] = {
    "1:1": "1024x1024",
    "3:2": "1536x1024",
    "7:4": "1792x1024",
    "2:3": "1024x1536",
    "4:7": "1024x1792",
}
_BY_ORIENTATION: Final[Mapping[MediaOrientation, str]] = {
    MediaOrientation.SQUARE: "1024x1024",
    MediaOrientation.LANDSCAPE: "1536x1024",
    MediaOrientation.PORTRAIT: "1024x1536",
}
_DALL_E_3: Final[Mapping[MediaOrientation, str]] = {
    MediaOrientation.SQUARE: "1024x1024",
    MediaOrientation.LANDSCAPE: "1792x1024",
    MediaOrientation.PORTRAIT: "1024x1792",
}


def render_request(request: GenerationRequest, target: Target) -> WireRequest:
    """The request in this dialect; ``UnsupportedFeature`` for what it cannot say."""
    warnings = left_out(request, target, _SAYS)
    prompt = read_prompt(request)
    config = request.config
    body: dict[str, JsonValue] = {"model": target.model, "prompt": prompt.text}
    if prompt.files:
        body["images"] = [_input(file, target) for file in prompt.files]
    if config.candidate_count is not None:
        body["n"] = config.candidate_count
    if (how := _response_format(config, target)) is not None:
        body["response_format"] = how
    if (output := _output_format(config, target)) is not None:
        body["output_format"] = output
    if (size := _size(config, target)) is not None:
        body["size"] = size
    if config.end_user is not None:
        body["user"] = config.end_user
    body = with_custom_options(body, config.custom_options)
    return WireRequest(_path(body), body, warnings=warnings, expects=_expected(body))


def forward_request(body: Mapping[str, JsonValue], target: Target, *, stream: bool) -> WireRequest:
    """A caller's body of this dialect, with the connection's model; the answer comes whole."""
    forwarded = {name: value for name, value in body.items() if name != "stream"}
    forwarded["model"] = target.model
    return WireRequest(_path(forwarded), forwarded, expects=_expected(forwarded))


def _input(file: File, target: Target) -> dict[str, JsonValue]:
    if not _GPT_IMAGE.match(target.model):
        raise UnsupportedFeature(
            f"{target.model} takes no image in its prompt; ask one of OpenAI's GPT image models.",
            param="messages[0]",
        )
    if not file.is_image:
        raise UnsupportedFeature(
            f"An image is made from a text and images, not from {file.mime_type}.",
            param="messages[0]",
        )
    return {"image_url": file.url or file.data_uri()}


def _path(body: Mapping[str, JsonValue]) -> str:
    return EDIT_PATH if "images" in body else PATH


def _expected(body: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    output = body.get("output_format")
    return {"mime_type": f"image/{output}" if isinstance(output, str) and output else "image/png"}


def _response_format(config: ModelConfig, target: Target) -> str | None:
    remote = config.output_file_type is FileType.REMOTE
    if _GPT_IMAGE.match(target.model):
        if remote:
            raise UnsupportedFeature(
                f"{target.model} answers with images themselves, not with addresses.",
                param="output_file_type",
            )
        return None
    return "url" if remote else "b64_json"


def _output_format(config: ModelConfig, target: Target) -> str | None:
    wanted = config.output_mime_type
    if wanted is None:
        return None
    kind = wanted.removeprefix("image/")
    dall_e = _DALL_E.match(target.model)
    if kind == wanted or (dall_e and kind != "png"):
        raise UnsupportedFeature(
            f"{target.model} makes no {wanted}; images are image/png"
            + ("." if dall_e else ", image/jpeg or image/webp."),
            param="output_mime_type",
        )
    return None if dall_e else kind


def _size(config: ModelConfig, target: Target) -> str | None:
    ratio = config.output_media_aspect_ratio
    if ratio is not None:
        if ratio not in _BY_RATIO:
            raise UnsupportedFeature(
                f"Images have no aspect ratio of {ratio} here, but {', '.join(_BY_RATIO)}.",
                param="output_media_aspect_ratio",
            )
        return _BY_RATIO[ratio]
    if config.output_media_orientation is None:
        return None
    dall_e = _DALL_E.match(target.model)
    sizes = _DALL_E_3 if dall_e and dall_e[1] == "3" else _BY_ORIENTATION
    return sizes[config.output_media_orientation]
