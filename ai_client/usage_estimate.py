"""How many tokens an answer took of which its upstream has not said it, or not in the end.

A stream that its caller leaves, or that breaks off, ends before the upstream's final count. It is
billed all the same, so what it took is estimated: four bytes of UTF-8 a token, which is what
vendors say of English and near enough for other scripts. What was received is all that is known of
the completion: thoughts that an upstream keeps to itself are not in it. A file counts
``FILE_TOKENS``, be it small or large, sent or received; signatures count nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from ai_client.json_text import dump
from ai_client.messages import JsonValue, TokenUsage

BYTES_A_TOKEN: Final = 4
FILE_TOKENS: Final = 1000
"""About a picture of a megapixel, or a page or two of a document."""

_MOST_VALUES: Final = 100_000
"""More of a body's values are not looked at one by one, which would take too long."""
_TEXTS: Final = frozenset(("input", "instructions", "prompt", "system"))
"""Texts at the top of a body that belong to the prompt; others are settings."""
_SETTINGS: Final = frozenset(("metadata", "stream_options"))
_FILE_TYPES: Final = frozenset(
    (
        *("image", "document", "image_url", "input_image", "input_file", "file"),
        *("input_audio", "input_video", "video_url"),
    )
)
_FILE_MEMBERS: Final = ("inlineData", "inline_data", "fileData", "file_data")
_TYPED_BY: Final = ("media_type", "mimeType", "mime_type", "format")
_SIGNATURES: Final = frozenset(
    ("signature", "thoughtSignature", "thought_signature", "encrypted_content")
)


def estimated(said: TokenUsage | None, sent: Mapping[str, JsonValue], received: int) -> TokenUsage:
    """The usage of an answer that ended before its upstream's final count.

    ``said`` is what the upstream has said so far; no count is less than that. ``sent`` is the body
    of the request, ``received`` the size of what came back, added up with ``size_of``.
    """
    known = said or TokenUsage()
    prompt = known.prompt_tokens or prompt_tokens(sent)
    completion = max(known.completion_tokens, _tokens(received))
    total = max(known.total_tokens, prompt + completion)
    return replace(known, prompt_tokens=prompt, completion_tokens=completion, total_tokens=total)


def size_of(text: str) -> int:
    """Bytes of a text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def prompt_tokens(sent: Mapping[str, JsonValue]) -> int:
    """Tokens of what a request's body, in whatever dialect, has the model read."""
    size = files = looked_at = 0
    waiting: list[JsonValue] = []
    for name, value in sent.items():
        if isinstance(value, str):
            size += size_of(value) if name in _TEXTS else 0
        elif isinstance(value, list | dict) and name not in _SETTINGS:
            waiting.append(value)
    while waiting:
        if looked_at > _MOST_VALUES:
            size += len(dump(waiting))
            break
        looked_at += 1
        match waiting.pop():
            case str() as text:
                size += size_of(text)
            case dict() as members:
                files += _is_file(members)
                for name, value in members.items():
                    size += size_of(name)
                    if not _is_data(name, value, members):
                        waiting.append(value)
            case list() as values:
                waiting += values
            case bool() | None:
                pass
            case _:
                size += BYTES_A_TOKEN
    return _tokens(size) + files * FILE_TOKENS


def _tokens(size: int) -> int:
    return -(-size // BYTES_A_TOKEN)


def _is_file(members: Mapping[str, JsonValue]) -> bool:
    """Whether a part of a message is a file, whichever dialect it is in."""
    kind = members.get("type")
    if isinstance(kind, str) and kind in _FILE_TYPES:
        return True
    return any(isinstance(members.get(name), dict) for name in _FILE_MEMBERS)


def _is_data(name: str, value: JsonValue, members: Mapping[str, JsonValue]) -> bool:
    """Whether a member is no text: base64, of which no dialect has a blank in it."""
    if not isinstance(value, str) or " " in value:
        return False
    if name == "data":
        return any(each in members for each in _TYPED_BY) and members.get("type") != "text"
    return name in _SIGNATURES or (value.startswith("data:") and name not in ("text", "content"))
