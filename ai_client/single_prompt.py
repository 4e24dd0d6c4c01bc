"""Prompts that are no conversation: one text with its files, as images, speech and videos take.

What else a request may say is for conversations. A feature among it is refused, mere tuning is
left out and named in ``WireRequest.warnings``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from ai_client.errors import InvalidRequest, UnsupportedFeature
from ai_client.messages import File, GenerationRequest, JsonValue, ModelConfig, Role
from ai_client.wire import Target

_FEATURES: Final[Mapping[str, str]] = {
    "system_instruction": "a system instruction",
    "function_declarations": "functions",
    "output_schema": "a JSON schema",
    "web_search": "web search",
    "output_media_orientation": "an orientation",
    "output_media_aspect_ratio": "an aspect ratio",
}
_TUNING: Final = (
    "max_tokens",
    "temperature",
    "top_p",
    "top_k",
    "stop_sequences",
    "presence_penalty",
    "frequency_penalty",
    "seed",
    "logprobs",
    "top_logprobs",
    "tool_choice",
    "parallel_tool_calls",
    "output_file_type",
    "output_speech_voice",
    "dimensions",
    "reasoning",
    "end_user",
)


@dataclass(frozen=True, slots=True)
class SinglePrompt:
    """What is asked for: a text, which may be empty, and the files that go with it."""

    text: str
    files: tuple[File, ...] = ()


def read_prompt(request: GenerationRequest) -> SinglePrompt:
    """The one user message of a request: its texts, joined by line ends, and its files.

    Thoughts are left out. ``InvalidRequest`` where there are more messages, none of a user, or one
    without a text.
    """
    if len(request.messages) != 1 or request.messages[0].role is not Role.USER:
        raise InvalidRequest("This takes a single message of a user.", param="messages")
    parts = [part.content for part in request.messages[0].parts if not part.is_thought]
    said = [content for content in parts if isinstance(content, str)]
    files = tuple(content for content in parts if isinstance(content, File))
    if len(said) + len(files) < len(parts):
        raise InvalidRequest("A function call or result cannot stand here.", param="messages[0]")
    if not said:
        raise InvalidRequest("The message has no text.", param="messages[0]")
    return SinglePrompt("\n".join(said), files)


def left_out(
    request: GenerationRequest, target: Target, says: Collection[str] = ()
) -> tuple[str, ...]:
    """Warnings for the tuning that is left out; ``UnsupportedFeature`` for what cannot be.

    ``says`` are the fields of the configuration that the dialect has words for.
    """
    config = request.config
    provider = target.provider or "This connection"
    if request.untranslatable:
        raise UnsupportedFeature(
            f"{provider} cannot be asked for {', '.join(request.untranslatable)}: that is said in"
            " another format. Leave it out or use a connection of that format.",
            param=request.untranslatable[0],
        )
    for name, word in _FEATURES.items():
        if name not in says and _is_set(config, name):
            raise UnsupportedFeature(
                f"{provider} cannot be asked for {word} here; leave it out or use another model.",
                param=name,
            )
    if "candidate_count" not in says and (config.candidate_count or 1) > 1:
        raise UnsupportedFeature(
            f"{provider} gives one result at a time; ask several times.", param="candidate_count"
        )
    unsaid = [name for name in _TUNING if name not in says and _is_set(config, name)]
    return tuple(f"{name} was left out" for name in (*request.dropped, *unsaid))


def with_custom_options(
    body: dict[str, JsonValue], options: Mapping[str, JsonValue]
) -> dict[str, JsonValue]:
    """``body`` with a caller's own fields; ``InvalidRequest`` for one that it holds already."""
    for name in options:
        if name in body:
            raise InvalidRequest(
                f"The custom option {name!r} is already set by the request itself.",
                param=f"custom_options.{name}",
            )
    return {**body, **options}


def _is_set(config: ModelConfig, name: str) -> bool:
    value = getattr(config, name)
    return value is not None and value != ()
