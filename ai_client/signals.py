"""Signals of the AI client, for other people's code; receivers get ``event``.

They are sent with ``send_robust``: what a receiver raises is logged and changes nothing. To keep
prompts from being sent, name a function in ``AI_CLIENT["PREVENT_PROMPT"]``.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.db import connections
from django.dispatch import Signal

from ai_client.capabilities import Capability
from ai_client.loops import is_in_loop
from ai_client.messages import AnyResult, Message, ModelConfig


@dataclass(frozen=True, slots=True)
class BeforeGenerate:
    """A prompt is about to be sent.

    ``provider`` (its id), ``connection`` and ``model`` are the first choice; another one may
    answer when it fails. ``request_id`` is that of the request log. ``stream``: whether the answer
    is read as it comes.
    """

    messages: tuple[Message, ...]
    provider: str
    connection: str
    model: str
    capability: Capability
    config: ModelConfig
    caller: str
    request_id: str
    stream: bool = False


@dataclass(frozen=True, slots=True)
class AfterGenerate:
    """A prompt was answered, by the ``provider``, ``connection`` and ``model`` named here."""

    messages: tuple[Message, ...]
    provider: str
    connection: str
    model: str
    capability: Capability
    config: ModelConfig
    caller: str
    request_id: str
    result: AnyResult
    stream: bool = False


class PromptSignal(Signal):
    """A signal that can be sent from everywhere.

    Django's own cannot be sent by blocking code inside a running event loop where a receiver is
    ``async def``. There such receivers of this one are told in a thread, one event after the
    other, and nobody waits for them.
    """

    def __init__(self) -> None:
        super().__init__()
        self._awaited = Signal()

    def connect(self, receiver: Callable[..., Any], *args: Any, **options: Any) -> None:
        """As ``Signal.connect``."""
        if iscoroutinefunction(receiver):
            self._awaited.connect(receiver, *args, **options)
        else:
            super().connect(receiver, *args, **options)

    def disconnect(self, *args: Any, **options: Any) -> bool:
        """As ``Signal.disconnect``."""
        found = super().disconnect(*args, **options)
        return self._awaited.disconnect(*args, **options) or found

    def has_listeners(self, sender: Any = None) -> bool:
        """As ``Signal.has_listeners``."""
        if not self.receivers and not self._awaited.receivers:
            return False
        return super().has_listeners(sender) or self._awaited.has_listeners(sender)

    def send(self, sender: Any, **named: Any) -> list[tuple[Any, Any]]:
        """As ``Signal.send``."""
        return [*super().send(sender, **named), *self._awaited.send(sender, **named)]

    async def asend(self, sender: Any, **named: Any) -> list[tuple[Any, Any]]:
        """As ``Signal.asend``."""
        answers = await super().asend(sender, **named)
        return [*answers, *await self._awaited.asend(sender, **named)]

    def send_robust(self, sender: Any, **named: Any) -> list[tuple[Any, Any]]:
        """As ``Signal.send_robust``, without the answers of receivers that nobody waits for."""
        answers = super().send_robust(sender, **named)
        if not self._awaited.has_listeners(sender):
            return answers
        if not is_in_loop():
            return [*answers, *self._awaited.send_robust(sender, **named)]
        _thread(os.getpid()).submit(_tell, self._awaited, sender, named)
        return answers

    async def asend_robust(self, sender: Any, **named: Any) -> list[tuple[Any, Any]]:
        """As ``Signal.asend_robust``."""
        answers = await super().asend_robust(sender, **named)
        return [*answers, *await self._awaited.asend_robust(sender, **named)]


def _tell(signal: Signal, sender: Any, named: dict[str, Any]) -> None:
    try:
        signal.send_robust(sender, **named)
    finally:
        connections.close_all()


@cache
def _thread(process: int) -> ThreadPoolExecutor:
    """One per process: a fork has the executor of the former one, and not its thread."""
    return ThreadPoolExecutor(1, "ai-client-receivers")


before_generate = PromptSignal()
"""A model was chosen and nothing is sent yet; ``event`` is a ``BeforeGenerate``."""

after_generate = PromptSignal()
"""A prompt was answered; not sent where that failed. ``event`` is an ``AfterGenerate``."""
