"""The fields in which callers of this dialect say our settings, where they have other names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_SETTINGS: Final[Mapping[str, str]] = {
    "candidate_count": "candidateCount",
    "max_tokens": "maxOutputTokens",
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "stop_sequences": "stopSequences",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
    "seed": "seed",
    "logprobs": "responseLogprobs",
    "top_logprobs": "logprobs",
    "output_schema": "responseJsonSchema",
    "output_mime_type": "responseMimeType",
    "output_modalities": "responseModalities",
    "output_speech_voice": "speechConfig",
    "output_media_aspect_ratio": "imageConfig",
    "output_media_orientation": "imageConfig",
    "reasoning": "thinkingConfig",
}

PARAMS: Final[Mapping[str, str]] = {
    **{ours: f"generationConfig.{theirs}" for ours, theirs in _SETTINGS.items()},
    "messages": "contents",
    "system_instruction": "systemInstruction",
    "function_declarations": "tools",
    "web_search": "tools",
    "tool_choice": "toolConfig",
}
