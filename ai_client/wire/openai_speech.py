"""OpenAI's text to speech: https://platform.openai.com/docs/api-reference/audio/createSpeech

The text is said as it stands. A system instruction says how (``instructions``; the ``tts-1``
models have none). The answer is the audio itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from ai_client.errors import BadContent, UnsupportedFeature
from ai_client.media import file_of_bytes
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
from ai_client.openai_envelope import parse_error, read_answer
from ai_client.single_prompt import left_out, read_prompt, with_custom_options
from ai_client.wire import Target, WireRequest

__all__ = ["forward_request", "parse_error", "parse_result", "render_request"]

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
