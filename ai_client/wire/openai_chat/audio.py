"""Answers that are spoken: how they are asked for, and how they come, whole and streamed.

https://platform.openai.com/docs/guides/audio. An answer says its words (``transcript``) and sounds
them (``data``, base64); it does not say in which format, so the first bytes tell. In later turns
the words stand for it: the vendor keeps the sound for an hour only, and for one account.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Final

from ai_client.capabilities import Modality
from ai_client.errors import MalformedAnswer, UnsupportedFeature
from ai_client.media import audio_type, decoded
from ai_client.messages import File, JsonObject, JsonValue, MessagePart, ModelConfig
from ai_client.wire.openai_chat.vocabulary import WIRE

DEFAULT_VOICE: Final = "alloy"
"""A voice has to be named; this is one that every model has."""

_SAMPLES: Final = "audio/pcm"
_RATE: Final = 24_000
"""Of the samples without a header, ``pcm16``."""

_KEPT: Final = ("id", "expires_at")
_MODALITIES: Final = (Modality.TEXT, Modality.IMAGE, Modality.AUDIO)
_FORMATS: Final[Mapping[str, str]] = {
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/aac": "aac",
    "audio/flac": "flac",
    "audio/ogg": "opus",
    "audio/opus": "opus",
    "audio/pcm": "pcm16",
}


def is_spoken(config: ModelConfig) -> bool:
    """Whether the answer is to have sound."""
    return Modality.AUDIO in (config.output_modalities or ())


def render_modalities(config: ModelConfig, *, stream: bool) -> dict[str, JsonValue]:
    """``modalities`` and ``audio``; nothing where text is all that is asked for.

    Text always comes along: no model of this dialect answers in sound or images alone.
    """
    wanted = config.output_modalities or ()
    if wanted.count(Modality.TEXT) == len(wanted):
        return {}
    for modality in wanted:
        if modality not in _MODALITIES:
            raise UnsupportedFeature(
                f"OpenAI's chat format answers in text, images or audio, not in {modality}.",
                param="output_modalities",
            )
    said: dict[str, JsonValue] = {"modalities": [each.value for each in wanted]}
    if Modality.TEXT not in wanted:
        said["modalities"].insert(0, Modality.TEXT.value)
    if is_spoken(config) and "audio" not in config.custom_options:
        voice = config.output_speech_voice or DEFAULT_VOICE
        said["audio"] = {"voice": voice, "format": _format(config, stream=stream)}
    return said


def parse_audio(audio: JsonValue) -> Iterator[MessagePart]:
    """The words and the sound of a complete answer's ``audio``."""
    if not isinstance(audio, dict):
        return
    transcript = audio.get("transcript")
    if isinstance(transcript, str) and transcript:
        yield MessagePart(transcript)
    sound = Sound()
    sound.add(audio)
    if sound:
        yield MessagePart(sound.file(), opaque=sound.opaque())


def is_said_in_words(part: MessagePart) -> bool:
    """Whether a part is sound of this dialect, whose words stand beside it."""
    own = part.opaque_for(WIRE)
    return isinstance(own, dict) and "audio" in own


class Sound:
    """The sound of an answer as it grows; each piece is base64 by itself."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._kept: dict[str, JsonValue] = {}

    def __bool__(self) -> bool:
        return bool(self._pieces)

    def add(self, audio: Mapping[str, JsonValue]) -> None:
        """One delta, or all of it. ``MalformedAnswer`` for what is no base64."""
        self._kept.update({name: audio[name] for name in _KEPT if audio.get(name)})
        data = audio.get("data")
        if not data:
            return
        piece = decoded(data) if isinstance(data, str) else None
        if piece is None:
            raise MalformedAnswer("The upstream sent audio that is not base64.")
        self._pieces.append(piece)

    def file(self) -> File:
        """All of it."""
        sound = b"".join(self._pieces)
        kind = audio_type(sound)
        if kind == _SAMPLES:
            kind = f"{kind};rate={_RATE}"
        return File(kind, base64_data=base64.b64encode(sound).decode())

    def opaque(self) -> JsonObject:
        """What the vendor calls it, and until when it does."""
        return {WIRE: {"audio": dict(self._kept)}}


def _format(config: ModelConfig, *, stream: bool) -> str:
    wanted = config.output_mime_type
    if wanted is None or not wanted.startswith("audio/"):
        # Only samples without a header can be streamed.
        return "pcm16" if stream else "wav"
    found = _FORMATS.get(wanted.lower())
    if found is None:
        raise UnsupportedFeature(
            f"OpenAI's chat format makes no {wanted}; ask for audio/wav or audio/mpeg.",
            param="output_mime_type",
        )
    return found
