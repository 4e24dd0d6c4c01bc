"""JSON without a schema, which OpenAI's APIs refuse unless the messages ask for it in words.

https://platform.openai.com/docs/guides/structured-outputs#json-mode
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from ai_client.messages import GenerationRequest, MessagePart, text_part

_WORD: Final = "json"
_ASKED: Final = "Answer in JSON."


def is_json_of_any_shape(request: GenerationRequest) -> bool:
    """Whether JSON is wanted, but no schema is given."""
    return request.config.output_schema is None and request.config.wants_json


def asking_for_json(request: GenerationRequest) -> GenerationRequest:
    """``request``; where it wants JSON of any shape but does not say so, its system prompt does."""
    if not is_json_of_any_shape(request) or _is_said(request):
        return request
    config = request.config
    system = (*config.system_instruction, text_part(_ASKED))
    return replace(request, config=replace(config, system_instruction=system))


def _is_said(request: GenerationRequest) -> bool:
    if _is_in(request.config.system_instruction):
        return True
    return any(_is_in(message.parts) for message in request.messages)


def _is_in(parts: Iterable[MessagePart]) -> bool:
    return any(
        isinstance(part.content, str)
        and not part.is_thought
        and not part.refusal
        and _WORD in part.content.lower()
        for part in parts
    )
