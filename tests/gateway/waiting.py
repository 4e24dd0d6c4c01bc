"""Waiting for what another thread or process is about to do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

SECONDS = 60.0
"""More than anything that works needs on a busy machine."""


def eventually(look: Callable[[], T | None], seconds: float = SECONDS) -> T:
    """What ``look`` finds as soon as that is truthy; AssertionError once ``seconds`` are over."""
    until = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < until, f"After {seconds} s it still is {found!r}."
        time.sleep(0.02)
    return found
