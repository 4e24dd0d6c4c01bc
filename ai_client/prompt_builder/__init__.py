"""The prompt builder: what to ask, of whom and how, one word after the other.

::

    prompt("Explain gravity").using_temperature(0.2).generate_text()

``Prompt`` is what a builder has gathered, ``Door`` answers it. Methods are named as in the PHP AI
Client, in snake_case; those that wait have an awaiting twin with an ``a`` in front.
"""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from types import MappingProxyType

from ai_client.prompt_builder import arguments
from ai_client.prompt_builder.answering import Answering
from ai_client.prompt_builder.asked import (
    PATIENCE,
    PAUSE,
    Door,
    Finished,
    Model,
    Prompt,
    StartedOperation,
    capability_of,
    config_of_kind,
    is_over,
    result_of,
)
from ai_client.prompt_builder.awaiting import Awaiting
from ai_client.prompt_builder.content import messages_from

__all__ = [
    "PATIENCE",
    "PAUSE",
    "Door",
    "Finished",
    "Model",
    "Prompt",
    "PromptBuilder",
    "StartedOperation",
    "capability_of",
    "config_of_kind",
    "is_over",
    "result_of",
]


class PromptBuilder(Answering, Awaiting):
    """A prompt in the making, with the answers to it. Immutable: each method returns another."""

    __slots__ = ()

    @classmethod
    def of(cls, door: Door, prompt: object = None, *, caller: str = "") -> PromptBuilder:
        """A builder for a prompt in any of its forms; ``InvalidArgument`` for what is none."""
        said = {"messages": messages_from(prompt), "caller": arguments.text(caller, "caller")}
        return cls(door, MappingProxyType(said))

    def __setattr__(self, name: str, value: object) -> None:
        raise FrozenInstanceError(f"A prompt does not change: {name} cannot be set.")

    def __delattr__(self, name: str) -> None:
        raise FrozenInstanceError(f"A prompt does not change: {name} cannot be deleted.")
