"""``generationConfig`` of the Gemini API: what a model can be set to, and what it is to make.

Source: https://ai.google.dev/api/generate-content#v1beta.GenerationConfig,
https://ai.google.dev/gemini-api/docs/image-generation and .../speech-generation.
"""

from __future__ import annotations

from dataclasses import dataclass

from ai_client.simulator.dialect import JsonObject, number_within, texts
from ai_client.simulator.google_fields import either, object_at, refuse

_VOICE_NAMES = (
    "Zephyr Puck Charon Kore Fenrir Leda Orus Aoede Callirrhoe Autonoe Enceladus Iapetus Umbriel "
    "Algieba Despina Erinome Algenib Rasalgethi Laomedeia Achernar Alnilam Schedar Gacrux "
    "Pulcherrima Achird Zubenelgenubi Vindemiatrix Sadachbia Sadaltager Sulafat"
)
_VOICES = frozenset(_VOICE_NAMES.split())
_RATIOS = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
_MIME_TYPES = (
    "text/plain",
    "application/json",
    "application/xml",
    "application/yaml",
    "text/x.enum",
)
_PICTURE = (16, 16)
_RANGES: tuple[tuple[str, float, float], ...] = (
    ("temperature", 0, 2),
    ("topP", 0, 1),
    ("topK", 1, 1000),
    ("candidateCount", 1, 8),
    ("maxOutputTokens", 1, 10**7),
    ("presencePenalty", -2, 2),
    ("frequencyPenalty", -2, 2),
    ("logprobs", 0, 20),
)


@dataclass(frozen=True, slots=True)
class Output:
    """What is to be made: words, a picture of a size in pixels, sound in a format."""

    words: bool = True
    picture: tuple[int, int] | None = None
    spoken: str = ""


def read_config(config: JsonObject, model: str) -> Output:
    """What the model is to make; raises ``Refused`` for what it cannot be set to."""
    _check_numbers(config)
    mime_type = config.get("responseMimeType")
    if mime_type is not None and mime_type not in _MIME_TYPES:
        refuse(
            "* GenerateContentRequest.generation_config.response_mime_type: allowed mimetypes are "
            + ", ".join(f"`{each}`" for each in _MIME_TYPES)
        )
    image = object_at(config, "imageConfig", "image_config")
    speech = object_at(config, "speechConfig", "speech_config")
    draws, speaks = "-image" in model or "nano-banana" in model, "-tts" in model
    usual = ["AUDIO"] if speaks else ["TEXT", "IMAGE"] if draws else ["TEXT"]
    wanted = {each.upper() for each in texts(config.get("responseModalities"))} or set(usual)
    able = [{"AUDIO"}] if speaks else [{"TEXT"}]
    if draws:
        able += [{"IMAGE"}, {"TEXT", "IMAGE"}]
    if wanted not in able:
        listed = "".join(f"* {', '.join(sorted(each))}\n" for each in able)
        refuse(
            f"The requested combination of response modalities ({', '.join(sorted(wanted))}) is "
            f"not supported by the model. models/{model} accepts the following combinations of "
            f"response modalities:\n{listed}"
        )
    count = config.get("candidateCount")
    if (draws or speaks) and isinstance(count, int) and count > 1:
        refuse(f"Multiple candidates is not enabled for models/{model}")
    if not draws and image:
        refuse(f"Aspect ratio is not enabled for models/{model}")
    _check_voice(speech)
    ratio = str(image.get("aspectRatio") or "1:1")
    if ratio not in _RATIOS:
        refuse(f"Invalid value at 'generation_config.image_config.aspect_ratio': {ratio!r}")
    return Output(
        words="TEXT" in wanted,
        picture=_size(ratio) if "IMAGE" in wanted else None,
        spoken=_format(model) if "AUDIO" in wanted else "",
    )


def _size(ratio: str) -> tuple[int, int]:
    if ratio == "1:1":
        return _PICTURE
    width, height = ratio.split(":")
    return int(width), int(height)


def _format(model: str) -> str:
    # Since Gemini 3.8 with a header, before that bare samples.
    return "wav" if "gemini-3.8" in model else "pcm"


def _check_voice(speech: JsonObject) -> None:
    voice = speech.get("voiceConfig")
    prebuilt = either(voice, "prebuiltVoiceConfig", "prebuilt_voice_config")
    name = either(prebuilt, "voiceName", "voice_name") or either(voice, "voice", "voice")
    if voice is not None and (not isinstance(name, str) or name.capitalize() not in _VOICES):
        known = ", ".join(sorted(_VOICES)).lower()
        refuse(f"Voice name {name} is not supported. Allowed voice names are: {known}")


def _check_numbers(config: JsonObject) -> None:
    for name, least, most in _RANGES:
        value = config.get(name)
        if value is not None and not number_within(value, least, most):
            refuse(
                f"Unable to submit request because {name} must be in the range "
                f"[{least:g}, {most:g}]. The value was {value!r}."
            )
    if len(texts(config.get("stopSequences"))) > 5:
        refuse("The number of stop sequences must be at most 5.")
    if config.get("logprobs") is not None and not config.get("responseLogprobs"):
        refuse("logprobs can only be set if response_logprobs is true.")
    thinking = object_at(config, "thinkingConfig", "thinking_config")
    if "thinkingBudget" in thinking and "thinkingLevel" in thinking:
        refuse("You can only set only one of thinking budget and thinking level.")
    level = thinking.get("thinkingLevel")
    if level is not None and str(level).lower() not in (
        "minimal",
        "low",
        "medium",
        "high",
        "xhigh",
    ):
        refuse(f"Invalid value at 'generation_config.thinking_config.thinking_level': {level!r}")
