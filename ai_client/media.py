"""Media in upstreams' answers: from text or bytes to a file whose kind is known."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from ai_client.errors import EmptyAnswer, MalformedAnswer
from ai_client.messages import File

_REMOTE: Final = ("https://", "http://")
_BEGINNINGS: Final = (
    # The first bytes of each format, by its own specification.
    (b"RIFF", "audio/wav"),
    (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"OggS", "audio/ogg"),
    (b"\xff\xf1", "audio/aac"),
    (b"\xff\xf9", "audio/aac"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf3", "audio/mpeg"),
    (b"\xff\xf2", "audio/mpeg"),
)


def file_of(held: str, mime_type: str) -> File:
    """The file that a field of an answer holds: an address, a data URI or base64.

    ``MalformedAnswer`` for what is none of them, and for an empty one.
    """
    if held.startswith(_REMOTE):
        return File(mime_type, url=held)
    if held.startswith("data:"):
        head, _, held = held[len("data:") :].partition(",")
        mime_type = head.partition(";")[0].strip().lower() or mime_type
    if not held or decoded(held) is None:
        raise MalformedAnswer("The upstream sent a file that is neither an address nor base64.")
    return File(mime_type, base64_data=held)


def file_of_bytes(data: bytes, mime_type: str) -> File:
    """Media that came as the body itself; ``EmptyAnswer`` where there is none."""
    if not data:
        raise EmptyAnswer("The upstream's answer is an empty file.")
    return File(mime_type, base64_data=base64.b64encode(data).decode())


def decoded(text: str) -> bytes | None:
    """The bytes of a base64 text, or None where it is none."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def audio_type(data: bytes) -> str:
    """The MIME type of audio by its first bytes; samples without a header are ``audio/pcm``."""
    return next((kind for start, kind in _BEGINNINGS if data.startswith(start)), "audio/pcm")
