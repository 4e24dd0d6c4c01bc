"""Ids of requests: one for each, in the order of time."""

from __future__ import annotations

import os
import random
import time

# Of our own: a site that seeds ``random`` must not get the same ids twice. Ids are no secrets.
_random = random.Random()  # noqa: S311
os.register_at_fork(after_in_child=_random.seed)


def new_request_id() -> str:
    """A fresh id: ``req_``, the Unix time in milliseconds and 80 random bits, in hexadecimal.

    Ids that grow with time keep the log's index small to write: new ones stand at its end.
    """
    return f"req_{time.time_ns() // 1_000_000:012x}{_random.getrandbits(80):020x}"
