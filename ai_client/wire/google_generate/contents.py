"""Messages as ``contents``: turns of parts, https://ai.google.dev/api/caching#Content."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias, assert_never
from urllib.parse import urlsplit

import orjson

from ai_client.errors import UnsupportedFeature
from ai_client.messages import (
    File,
    FunctionCall,
    FunctionResponse,
    JsonValue,
    Message,
    MessagePart,
    Role,
)
from ai_client.wire.google_generate.model import Model

WIRE: Final = "google_generate"
"""The name under which parts keep this dialect's opaque data.

``thoughtSignature`` is echoed on the same part, ``part`` is echoed whole, ``generatedId`` marks
a call whose id is ours and not Google's. Its presence says that the part came from Google.
"""

# https://ai.google.dev/gemini-api/docs/thought-signatures, its FAQ: for calls that Gemini did
# not make itself. Without any signature Gemini 3 refuses the history.
FOREIGN_CALL_SIGNATURE: Final = "skip_thought_signature_validator"

# https://ai.google.dev/gemini-api/docs/image-understanding lists what it reads; these it does not.
_UNREADABLE_IMAGES: Final = ("image/gif", "image/svg+xml")

_TYPES_BY_SUFFIX: Final = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
    "heic": "image/heic",
    "heif": "image/heif",
    "pdf": "application/pdf",
    "mp3": "audio/mp3",
    "wav": "audio/wav",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "webm": "video/webm",
    "txt": "text/plain",
    "md": "text/markdown",
    "csv": "text/csv",
    "html": "text/html",
}

# https://ai.google.dev/gemini-api/docs/video-understanding#youtube: pages, not files of a type.
_YOUTUBE = re.compile(r"https?://(?:(?:www|m)\.)?(?:youtu\.be|youtube\.com)/", re.IGNORECASE)
# What the Files API keeps; only the key that stored it opens it.
_STORED = re.compile(r"https?://generativelanguage\.googleapis\.com/", re.IGNORECASE)

# What a caller says in parts of its own, checked there; opaque data is no second way to say it.
_SAID_OTHERWISE: Final = frozenset(
    ("text", "inlineData", "fileData", "functionCall", "functionResponse")
)

_Part: TypeAlias = dict[str, JsonValue]
_Calls: TypeAlias = dict[str, tuple[FunctionCall, bool]]


def render_contents(messages: Sequence[Message], model: Model) -> list[dict[str, JsonValue]]:
    """The turns. ``UnsupportedFeature`` for what Google's parts cannot say.

    Results of functions stand in a turn of their own, all results of one turn together, as
    Google counts them against the calls.
    """
    turns: list[dict[str, JsonValue]] = []
    calls: _Calls = {}
    results: list[_Part] | None = None
    for message in messages:
        parts: list[_Part] = []
        new_results: list[_Part] = []
        for part in message.parts:
            if isinstance(part.content, FunctionResponse):
                new_results.append(_result(part.content, calls, model))
                continue
            if isinstance(part.content, FunctionCall) and part.content.id:
                calls[part.content.id] = part.content, _id_is_ours(part)
            rendered = _part(part, model)
            if rendered is not None:
                parts.append(rendered)
        if new_results:
            if results is None:
                results = []
                turns.append({"role": "user", "parts": results})
            results += new_results
        if parts:
            results = None
            if message.role is Role.MODEL and model.signs_calls:
                _sign_first_call(parts)
            turns.append({"role": message.role.value, "parts": parts})
    if not turns:
        raise UnsupportedFeature(
            f"{model.provider} takes no request without a message of the user; add one.",
            param="messages",
        )
    return turns


def is_page_of_google(url: str) -> bool:
    """Whether only Google reads what is at an address: a YouTube video, a file in its keeping."""
    return bool(_YOUTUBE.match(url) or _STORED.match(url))


def render_system(parts: Sequence[MessagePart], model: Model) -> dict[str, JsonValue] | None:
    """The system prompt, text only; None where there is none."""
    rendered: list[_Part] = []
    for part in parts:
        if not isinstance(part.content, str):
            raise UnsupportedFeature(
                f"{model.provider} takes only text as system prompt.", param="system_instruction"
            )
        if part.content:
            rendered.append({"text": part.content})
    return {"parts": rendered} if rendered else None


def _own(part: MessagePart) -> Mapping[str, JsonValue] | None:
    own = part.opaque_for(WIRE)
    return own if isinstance(own, Mapping) else None


def _id_is_ours(part: MessagePart) -> bool:
    own = _own(part)
    return own is not None and bool(own.get("generatedId"))


def _signature(part: MessagePart) -> str | None:
    own = _own(part)
    if own is not None:
        signature = own.get("thoughtSignature")
        return signature if isinstance(signature, str) else None
    return part.thought_signature


def _part(part: MessagePart, model: Model) -> _Part | None:
    own = _own(part)
    whole = None if own is None else own.get("part")
    if isinstance(whole, Mapping) and not _SAID_OTHERWISE & whole.keys():
        return dict(whole)
    if part.is_thought and own is None:
        # Another vendor's, whose signature Google would call corrupted. Content only Google signs.
        return None
    rendered: _Part
    signature = _signature(part)
    match part.content:
        case str() as text:
            if not text and signature is None:
                return None
            rendered = {"text": text}
            if part.is_thought:
                rendered["thought"] = True
        case File() as file:
            rendered = _file(file, model)
        case FunctionCall() as call:
            rendered = {"functionCall": _call(call, model, with_id=not _id_is_ours(part))}
        case FunctionResponse():
            raise AssertionError("Results of functions are rendered by their own function.")
        case _:
            assert_never(part.content)
    if signature is not None:
        rendered["thoughtSignature"] = signature
    return rendered


def _file(file: File, model: Model) -> _Part:
    mime_type = mime_type_of(file)
    if mime_type in _UNREADABLE_IMAGES:
        raise UnsupportedFeature(
            f"{model.provider} does not read {mime_type}; send the image as PNG, JPEG or WebP.",
            param="messages",
        )
    if file.base64_data is not None:
        return {
            "inlineData": {
                "mimeType": mime_type or "application/octet-stream",
                "data": file.base64_data,
            }
        }
    url = file.url or ""
    scheme = urlsplit(url).scheme.lower()
    # https://ai.google.dev/gemini-api/docs/file-input-methods: the Files API, registered Cloud
    # Storage objects, and public or signed URLs all stand in fileUri.
    if scheme not in ("https", "http", "gs"):
        raise UnsupportedFeature(
            f"{model.provider} reads files from https and gs URLs only; send the file inline.",
            param="messages",
        )
    if _YOUTUBE.match(url):
        return {"fileData": {"fileUri": url}}
    if not model.fetches_urls:
        raise UnsupportedFeature(
            f"{model.provider}'s model {model.id} does not fetch files from URLs;"
            " send the file inline.",
            param="messages",
        )
    data: _Part = {"fileUri": url}
    if mime_type:
        data["mimeType"] = mime_type
    return {"fileData": data}


def mime_type_of(file: File) -> str:
    """The file's type, guessed from the URL where it says nothing definite; may be empty."""
    mime_type = file.mime_type.strip().lower()
    if mime_type == "image/jpg":
        return "image/jpeg"
    if "/" in mime_type and "*" not in mime_type and mime_type != "application/octet-stream":
        return mime_type
    suffix = urlsplit(file.url or "").path.rpartition(".")[2].lower()
    return _TYPES_BY_SUFFIX.get(suffix, "")


def _call(call: FunctionCall, model: Model, *, with_id: bool) -> _Part:
    if not call.name:
        raise UnsupportedFeature(
            f"{model.provider} needs the name of every function called.", param="messages"
        )
    try:
        arguments = orjson.loads(call.arguments.strip() or "{}")
    except orjson.JSONDecodeError:
        arguments = None
    if not isinstance(arguments, dict):
        raise UnsupportedFeature(
            f"{model.provider} takes a function's arguments as a JSON object only; those of the"
            f" earlier call of {call.name} are none.",
            param="messages",
        )
    rendered: _Part = {"name": call.name, "args": arguments}
    if call.id and with_id:
        rendered["id"] = call.id
    return rendered


def _result(result: FunctionResponse, calls: _Calls, model: Model) -> _Part:
    call, id_is_ours = calls.get(result.id or "", (None, False))
    name = result.name or (call.name if call is not None else None)
    if not name:
        raise UnsupportedFeature(
            f"{model.provider} needs the name of the function with its result, and no earlier"
            " call has the id of this one.",
            param="messages",
        )
    rendered: _Part = {"name": name, "response": _result_object(result)}
    if result.id and not id_is_ours:
        rendered["id"] = result.id
    files = [part.content for part in result.parts if isinstance(part.content, File)]
    if files:
        if not model.sees_function_results or any(not file.is_inline for file in files):
            raise UnsupportedFeature(
                f"{model.provider}'s model {model.id} takes files in a function's result"
                " only inline and only since Gemini 3.",
                param="messages",
            )
        rendered["parts"] = [_file(file, model) for file in files]
    return {"functionResponse": rendered}


def _result_object(result: FunctionResponse) -> dict[str, JsonValue]:
    value = result.as_text() if result.parts else result.response
    if result.is_error:
        return {"error": value}
    return dict(value) if isinstance(value, Mapping) else {"result": value}


def _sign_first_call(parts: list[_Part]) -> None:
    """Of parallel calls only the first is signed; a turn without any was not made by Gemini."""
    calls = [part for part in parts if "functionCall" in part]
    if calls and not any("thoughtSignature" in part for part in calls):
        calls[0]["thoughtSignature"] = FOREIGN_CALL_SIGNATURE
