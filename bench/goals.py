"""What the gateway is to reach, and what it has."""

from __future__ import annotations

from collections.abc import Iterator

from bench.memory import Soaked
from bench.report import (
    FIRST_TEXT,
    PLAIN_MANY,
    PLAIN_ONE,
    STREAMED_MANY,
    TRANSLATED_MANY,
    TRANSLATED_STREAMED_MANY,
    Comparison,
    Goal,
)
from bench.streams import HELD_STREAMS, OpenStreams
from bench.workers import Scaling

FLAT = 5.0
"""MB; what CPython's allocator moves about without anything being kept."""
NAMES = {"portkey": "Portkey", "litellm": "LiteLLM", "bare": "the bare proxy"}


def goals(
    comparison: Comparison,
    soaked: Soaked | None = None,
    streams: OpenStreams | None = None,
    workers: Scaling | None = None,
) -> list[Goal]:
    """Those of which something was measured."""
    found = list(_compared(comparison))
    if footing := comparison.footings.get("gateway"):
        found.append(at_most("start to first answer, s", 2, footing.start_seconds))
    if soaked:
        found += _soaked(soaked)
    if streams:
        found += _streams(streams)
    if workers:
        found += _workers(workers)
    return found


def at_least(what: str, goal: float, found: float) -> Goal:
    """More is better."""
    return Goal(what, f"≥ {_shown(goal)}", f"{_shown(found)}", found >= goal)


def at_most(what: str, goal: float, found: float) -> Goal:
    """Less is better."""
    return Goal(what, f"≤ {_shown(goal)}", f"{_shown(found)}", found <= goal)


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _compared(comparison: Comparison) -> Iterator[Goal]:
    ratio = comparison.ratio
    for other, wanted in (("portkey", 7.0), ("litellm", 55.0), ("bare", 0.45)):
        times = ratio("gateway", other, PLAIN_MANY)
        if times is not None:
            yield at_least(f"requests/s, times {NAMES[other]}", wanted, times)
    added = comparison.added("gateway", PLAIN_ONE, lambda each: each.p50)
    if added is not None:
        yield at_most("p50 added, one caller, ms", 0.4, added * 1e3)
    plain = comparison.figures("gateway", PLAIN_MANY)
    for measure in TRANSLATED_MANY:
        translated = comparison.figures("gateway", measure)
        if plain and translated:
            what = f"requests/s to {measure.workload.dialect}, of those without translation"
            yield at_least(what, 0.7, translated.rate / plain.rate)
    for measure, wanted in (
        (STREAMED_MANY, 30.0),
        *((each, 12.0) for each in TRANSLATED_STREAMED_MANY),
    ):
        times = ratio("gateway", "litellm", measure)
        if times is not None:
            yield at_least(f"streams/s, {measure.workload.dialect}, times LiteLLM", wanted, times)
    first = comparison.added("gateway", FIRST_TEXT, lambda each: each.first_text)
    if first is not None:
        yield at_most("first text added, ms", 1, first * 1e3)


def _soaked(soaked: Soaked) -> Iterator[Goal]:
    megabytes = soaked.resident / 1e6
    yield at_most(f"resident after {soaked.requests:,} requests, MB", 130, megabytes)
    grown = (soaked.resident - soaked.early) / 1e6
    yield at_most(f"grown since {soaked.early_requests:,} requests, MB", FLAT, grown)


def _streams(streams: OpenStreams) -> Iterator[Goal]:
    ended = streams.ended
    yield at_least("streams open at once", HELD_STREAMS, ended.most)
    yield at_most("resident for each of them, kB", 60, streams.bytes_each / 1e3)
    yield at_most("of them with an event lost or out of place", 0, ended.broken)


def _workers(workers: Scaling) -> Iterator[Goal]:
    what = "requests/s of two workers on two cores, times one"
    if workers.shared:
        yield at_least(
            f"{what}, by CPU time (the load has no core of its own)", 1.8, workers.per_cpu
        )
    else:
        yield at_least(what, 1.8, workers.rate)
