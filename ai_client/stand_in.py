"""What stands in for this process's client, registry and clock while a test says so.

``default_client`` and ``default_registry`` ask here first. Only ``ai_client.testing`` puts
something in; elsewhere nothing is ever present.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ai_client.client import AiClient
    from ai_client.registry import ProviderRegistry


@dataclass(frozen=True, slots=True)
class StandIn:
    """Used in place of the process's own. ``clock`` is monotonic seconds."""

    client: AiClient
    registry: ProviderRegistry
    clock: Callable[[], float]
    sleep: Callable[[float], object]
    asleep: Callable[[float], Awaitable[object]]


_present: list[StandIn] = []


def present() -> StandIn | None:
    """Who stands in at the moment; None: nobody."""
    return _present[-1] if _present else None


@contextmanager
def standing_in(stand_in: StandIn) -> Iterator[None]:
    """Have it stand in for the whole process, all threads, until the block ends."""
    _present.append(stand_in)
    try:
        yield
    finally:
        _present.remove(stand_in)


def clock() -> float:
    """Monotonic seconds."""
    found = present()
    return time.monotonic() if found is None else found.clock()


def sleep(seconds: float) -> None:
    """Wait."""
    found = present()
    (time.sleep if found is None else found.sleep)(seconds)


async def asleep(seconds: float) -> None:
    """As ``sleep``, awaiting."""
    found = present()
    await (asyncio.sleep if found is None else found.asleep)(seconds)
