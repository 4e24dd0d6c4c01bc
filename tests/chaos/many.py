"""Carries out many requests, here or in processes of their own."""

from __future__ import annotations

import asyncio
import logging
import os
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeAlias

import django

Judged: TypeAlias = tuple[Counter[str], list[str]]
"""Counts of what was met, and each failure with its plan."""

_BATCH = 500


async def carried_out(seed: int, numbers: Iterable[int]) -> Judged:
    """Carry out these requests of a run, one after the other."""
    # Django's settings have to be there before the gateway is imported.
    from tests.chaos.run import carry_out, plan_request

    counts: Counter[str] = Counter()
    failures = []
    for number in numbers:
        plan = plan_request(seed, number)
        try:
            counts += await carry_out(plan)
        except Exception:
            failures.append(f"stream {number}: {plan}\n{traceback.format_exc(limit=-2)}")
    return counts, failures


def in_processes(seed: int, numbers: range, processes: int | None) -> Iterator[Judged]:
    """The same by so many processes, a part of the requests after the other."""
    parts = [numbers[start : start + _BATCH] for start in range(0, len(numbers), _BATCH)]
    with ProcessPoolExecutor(processes, get_context("spawn"), _begin) as pool:
        yield from pool.map(_part, [seed] * len(parts), parts)


def _part(seed: int, numbers: range) -> Judged:
    return asyncio.run(carried_out(seed, numbers))


def _begin() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    logging.disable(logging.CRITICAL)
