"""What of a request its prompt's tokens are counted of: the conversation, and what it may call."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ai_client.errors import InvalidRequest
from ai_client.messages import GenerationRequest, JsonValue

_UNCOUNTED: Final = (
    "candidate_count",
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
    "end_user",
)
"""Settings of the answer alone, which endpoints that count refuse."""


def countable(request: GenerationRequest) -> tuple[GenerationRequest, tuple[str, ...]]:
    """The request without what its prompt does not hold, and the settings left out, by name.

    ``InvalidRequest`` where there is no message.
    """
    if not request.messages:
        raise InvalidRequest("There is nothing to count the tokens of.", param="messages")
    config = request.config
    named = [name for name in _UNCOUNTED if getattr(config, name) is not None]
    unsaid: dict[str, JsonValue] = dict.fromkeys(named)
    if config.custom_options:
        named.append("custom_options")
        unsaid["custom_options"] = {}
    return replace(request, config=replace(config, **unsaid), stream=False), tuple(named)
