"""What blocking code does about awaiting code where an event loop runs already."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")


def is_in_loop() -> bool:
    """Whether this thread runs an event loop now."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def apart(function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """What ``function`` returns, which runs a loop of its own: in a thread where one runs here.

    It is waited for, and this thread's loop with it.
    """
    if not is_in_loop():
        return function(*args, **kwargs)
    with ThreadPoolExecutor(1, "ai-client-apart") as thread:
        return thread.submit(copy_context().run, partial(function, *args, **kwargs)).result()
