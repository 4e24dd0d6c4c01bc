"""Calls of functions that may be blocking or awaiting, inside and outside of an event loop."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, TypeVar

from asgiref.sync import async_to_sync, sync_to_async

_P = ParamSpec("_P")
_T = TypeVar("_T")


def is_in_loop() -> bool:
    """Whether this thread runs an event loop now."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def call(function: Callable[..., object], /, *args: object, **kwargs: object) -> object:
    """What ``function`` returns; what it returns to be awaited is awaited."""
    returned = function(*args, **kwargs)
    return apart(async_to_sync(_awaited), returned) if inspect.isawaitable(returned) else returned


async def acall(function: Callable[..., object], /, *args: object, **kwargs: object) -> object:
    """As ``call``; a function that blocks does so in a thread."""
    if inspect.iscoroutinefunction(function):
        return await function(*args, **kwargs)
    returned = await sync_to_async(partial(_threaded, function, *args, **kwargs))()
    return await returned if inspect.isawaitable(returned) else returned


def apart(function: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """What ``function`` returns, which runs a loop of its own: in a thread where one runs here.

    It is waited for, and this thread's loop with it.
    """
    if not is_in_loop():
        return function(*args, **kwargs)
    with ThreadPoolExecutor(1, "ai-client-apart") as thread:
        return thread.submit(copy_context().run, partial(function, *args, **kwargs)).result()


async def _awaited(returned: Awaitable[object]) -> object:
    return await returned


def _threaded(function: Callable[..., object], /, *args: object, **kwargs: object) -> object:
    try:
        return function(*args, **kwargs)
    except StopIteration as error:
        # No future holds it: what awaits this thread would never go on.
        raise RuntimeError("The function raised StopIteration.") from error
