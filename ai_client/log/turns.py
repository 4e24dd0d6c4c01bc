"""Work beside the requests in which they have their turn."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")

_IN_A_ROW = 25


def in_turns(items: Iterable[Item]) -> Iterator[Item]:
    """The items; between some and the next ones Python's lock is let go.

    A thread that has work keeps the lock for five milliseconds else, and a request that is ready
    waits for it as long as that: ``sys.setswitchinterval``.
    """
    for number, item in enumerate(items):
        if number % _IN_A_ROW == 0:
            time.sleep(0)
        yield item
