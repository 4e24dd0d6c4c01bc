"""OpenAI's text to speech: https://platform.openai.com/docs/api-reference/audio/createSpeech

The text is said as it stands. A system instruction says how (``instructions``; the ``tts-1``
models have none). The answer is the audio itself; as server-sent events it is not served.

OpenAI's own voices are known to nobody else, so upstreams of other dialects speak with their
default in place of one; any other name of a voice is handed on. Bare samples (``pcm``) are taken
out of the WAV file that such an upstream gives: 24 kHz, 16 bits, mono, as OpenAI's are.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from functools import partial
from typing import Final

from ai_client import openai_errors
from ai_client.body_fields import Fields, refuse
from ai_client.capabilities import Capability
from ai_client.errors import BadContent, EmptyAnswer, InvalidRequest, UnsupportedFeature
from ai_client.media import decoded, file_of_bytes
from ai_client.messages import (
    AnyResult,
    Candidate,
    File,
    FinishReason,
    GenerationRequest,
    GenerativeAiResult,
    JsonValue,
    Message,
    MessagePart,
    ModelConfig,
    Role,
    user_message,
)
from ai_client.openai_envelope import parse_error, read_answer
from ai_client.single_prompt import left_out, read_prompt, with_custom_options
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
    "messages": "input",
    "output_speech_voice": "voice",
    "output_mime_type": "response_format",
    "system_instruction": "instructions",
}
render_error = partial(openai_errors.render_error, names=_PARAMS)

PATH: Final = "audio/speech"
DEFAULT_VOICE: Final = "alloy"
"""A voice has to be named; this is one that every model has."""

_SAYS: Final = frozenset(("output_speech_voice", "system_instruction"))
_NO_INSTRUCTIONS = re.compile(r"(?:.*/)?tts-1")
_FORMATS: Final[Mapping[str, str]] = {
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/ogg": "opus",
    "audio/opus": "opus",
    "audio/aac": "aac",
    "audio/flac": "flac",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/pcm": "pcm",
}
_MIME_TYPES: Final[Mapping[str, str]] = {
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}
_READ: Final = frozenset(
    ("model", "input", "voice", "instructions", "response_format", "stream", "stream_format")
)
_VOICES: Final = frozenset(
    (
        "alloy", "ash", "ballad", "cedar", "coral", "echo", "fable", "marin", "nova", "onyx",
        "sage", "shimmer", "verse",
    )
)  # fmt: skip
_SAMPLES: Final = (1, 1, 24_000, 16)
"""Uncompressed, one channel, samples a second, bits a sample."""
_ACCEPT: Final[Mapping[str, str]] = {"accept": "application/octet-stream"}


def render_request(request: GenerationRequest, target: Target) -> WireRequest:
    """The request in this dialect; ``UnsupportedFeature`` for what it cannot say."""
    warnings = left_out(request, target, _SAYS)
    config = request.config
    prompt = read_prompt(request)
    if prompt.files:
        raise UnsupportedFeature("Speech is made from a text alone.", param="messages[0]")
    body: dict[str, JsonValue] = {"model": target.model, "input": prompt.text}
    if config.output_speech_voice is not None:
        body["voice"] = config.output_speech_voice
    elif "voice" not in config.custom_options:
        # A voice of one's own is an object, which only a custom option can say.
        body["voice"] = DEFAULT_VOICE
    if (instructions := _instructions(config, target)) is not None:
        body["instructions"] = instructions
    if (output := _format(config)) is not None:
        body["response_format"] = output
    body = with_custom_options(body, config.custom_options)
    return _sent(body, warnings)


def forward_request(body: Mapping[str, JsonValue], target: Target, *, stream: bool) -> WireRequest:
    """A caller's body of this dialect, with the connection's model; the audio comes whole."""
    _refuse_events(body)
    forwarded = {name: value for name, value in body.items() if name != "stream_format"}
    return _sent({**forwarded, "model": target.model}, ())


def parse_result(body: bytes, content_type: str, sent: WireRequest) -> GenerativeAiResult:
    """The audio, by the type that the answer says, else the one that was asked for."""
    if content_type == "application/json":
        read_answer(body)
        raise BadContent("The upstream answered with JSON where audio was asked for.")
    if content_type.startswith("text/"):
        raise BadContent(f"The upstream answered with {content_type}, not with audio.")
    expected = sent.expects.get("mime_type")
    mime_type = expected if isinstance(expected, str) else _MIME_TYPES["mp3"]
    if content_type.startswith("audio/"):
        # "audio/mp3" is no registered type, and some send it.
        mime_type = _MIME_TYPES.get(_FORMATS.get(content_type, ""), content_type)
    part = MessagePart(file_of_bytes(body, mime_type))
    candidate = Candidate(Message(Role.MODEL, (part,)), FinishReason.STOP)
    return GenerativeAiResult("", "", (candidate,))


def parse_request(body: Mapping[str, JsonValue]) -> GenerationRequest:
    """The caller's request; ``InvalidRequest`` naming the field where it is malformed.

    A voice of one's own is ``untranslatable``; ``speed`` is tuning.
    """
    _refuse_events(body)
    fields = Fields(body)
    text = fields.required(fields.text("input"), "input")
    if not text.strip():
        raise InvalidRequest("'input' is blank.", param="input")
    instructions = fields.text("instructions")
    dropped = [name for name, value in body.items() if value is not None and name not in _READ]
    if fields.number("speed", 0.25, 4) == 1:
        dropped.remove("speed")
    voice, own = _voice(fields)
    if voice in _VOICES:
        dropped.append("voice")
    return GenerationRequest(
        (user_message(text),),
        ModelConfig(
            system_instruction=(MessagePart(instructions),) if instructions else (),
            output_mime_type=_wanted(fields),
            output_speech_voice=None if voice in _VOICES else voice,
        ),
        capability=Capability.TEXT_TO_SPEECH_CONVERSION,
        untranslatable=("voice (id)",) if own else (),
        dropped=tuple(dropped),
    )


def render_result(
    result: AnyResult, body: Mapping[str, JsonValue], context: RenderContext
) -> WireResponse:
    """The audio itself; ``EmptyAnswer`` where there is none."""
    assert isinstance(result, GenerativeAiResult)
    sounds = (file for message in result.to_messages() for file in message.files())
    sound = next((file for file in sounds if file.is_audio), None)
    data = None if sound is None else decoded(sound.base64_data or "")
    if sound is None or not data:
        raise EmptyAnswer("The upstream answered without audio.")
    if body.get("response_format") == "pcm":
        return _response(_samples(sound, data), _MIME_TYPES["pcm"])
    return _response(data, sound.mime_type)


def _response(data: bytes, mime_type: str) -> WireResponse:
    return WireResponse(200, data, {"content-type": mime_type})


def _samples(sound: File, data: bytes) -> bytes:
    """The samples of a WAV file: http://soundfile.sapp.org/doc/WaveFormat/"""
    place, form = len(b"RIFFsizeWAVE"), None
    while sound.mime_type == _MIME_TYPES["wav"] and place + 8 <= len(data):
        name, (size,) = data[place : place + 4], struct.unpack_from("<I", data, place + 4)
        chunk = data[place + 8 : place + 8 + size]
        if name == b"fmt " and len(chunk) >= 16:
            coding, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", chunk)
            form = coding, channels, rate, bits
        if name == b"data" and form == _SAMPLES:
            return chunk
        place += 8 + size + size % 2
    raise BadContent(f"The upstream's {sound.mime_type} holds no samples as pcm has them.")


def _refuse_events(body: Mapping[str, JsonValue]) -> None:
    if body.get("stream_format") not in (None, "audio"):
        raise UnsupportedFeature(
            "Speech comes as audio here, not as events; leave 'stream_format' out, or say 'audio'.",
            param="stream_format",
        )


def _voice(fields: Fields) -> tuple[str | None, bool]:
    """The voice's name, and whether it is one of the caller's own instead."""
    voice = fields.required(fields.get("voice"), "voice")
    if isinstance(voice, Mapping):
        return None, True
    if not isinstance(voice, str):
        raise refuse("voice", "a string", voice)
    return voice, False


def _wanted(fields: Fields) -> str | None:
    wanted = fields.text("response_format")
    if wanted is None:
        return None
    if wanted not in _MIME_TYPES:
        raise InvalidRequest(
            f"'response_format' must be {', '.join(_MIME_TYPES)}.", param="response_format"
        )
    return _MIME_TYPES["wav" if wanted == "pcm" else wanted]


def _sent(body: dict[str, JsonValue], warnings: tuple[str, ...]) -> WireRequest:
    expected = _MIME_TYPES.get(str(body.get("response_format") or "mp3"), _MIME_TYPES["mp3"])
    return WireRequest(
        PATH, body, headers=_ACCEPT, warnings=warnings, expects={"mime_type": expected}
    )


def _instructions(config: ModelConfig, target: Target) -> str | None:
    said = [part.content for part in config.system_instruction if isinstance(part.content, str)]
    text = "\n".join(said)
    if not text:
        return None
    if _NO_INSTRUCTIONS.match(target.model):
        raise UnsupportedFeature(
            f"{target.model} takes no instructions; use gpt-4o-mini-tts.",
            param="system_instruction",
        )
    return text


def _format(config: ModelConfig) -> str | None:
    wanted = config.output_mime_type
    if wanted is None:
        return None
    found = _FORMATS.get(wanted.lower())
    if found is None:
        raise UnsupportedFeature(
            f"OpenAI makes no speech as {wanted}, but as {', '.join(_MIME_TYPES.values())}.",
            param="output_mime_type",
        )
    return found
