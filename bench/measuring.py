"""Who is asked what, how often: rounds in which the servers take turns."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from statistics import median

from bench.canned import is_whole
from bench.load import Result, closed_loop, load
from bench.processes import BenchError, Cores
from bench.servers import Server, ask
from bench.workloads import Workload

MANY = 32
"""Callers at once."""
MANY_STREAMS = 4
"""Streams at once: enough to keep a core busy, and few enough for the slowest server to end some
in a short run."""
SECONDS_OF_STREAMS = 2
"""At least."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One column: a workload from so many callers, timed to its end or to its first text."""

    workload: Workload
    callers: int
    first_text: bool = False


@dataclass(slots=True)
class Figures:
    """What one server gave for one measure, a value per round.

    ``cpu`` is the server's CPU time per request in seconds, the kernel's work for it included.
    """

    results: list[Result] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Requests per second; the median of the rounds, as everything here."""
        return median(each.rate for each in self.results)

    @property
    def p50(self) -> float:
        """Seconds."""
        return median(each.p50 for each in self.results)

    @property
    def p99(self) -> float:
        """Seconds."""
        return median(each.p99 for each in self.results)

    @property
    def first_text(self) -> float:
        """Seconds."""
        return median(each.first_text for each in self.results)

    @property
    def cpu_per_request(self) -> float:
        """Seconds."""
        return median(self.cpu)

    @property
    def requests(self) -> int:
        """Of all rounds."""
        return sum(each.requests for each in self.results)


Found = dict[tuple[str, Measure], Figures]
"""By server's name and measure; what a server cannot do is missing."""


def measured(
    servers: Sequence[Server],
    measures: Iterable[Measure],
    *,
    rounds: int,
    seconds: float,
    on: Cores,
) -> tuple[Found, list[str]]:
    """All measures of all servers, in turn, and what could not be measured and why.

    Each server is warmed up and its answer checked first.
    """
    found: Found = {}
    missing = []
    for measure in measures:
        taking_part = []
        for server in servers:
            try:
                if _warm_up(server, measure, on):
                    taking_part.append(server)
            except BenchError as error:
                missing.append(f"{server.name}, {measure.workload.name}: {error}")
        for number in range(rounds):
            # Who is first changes, so that a drift of the machine hits nobody more than others.
            turn = number % max(len(taking_part), 1)
            for server in (*taking_part[turn:], *taking_part[:turn]):
                try:
                    result, cpu = run(server, measure, seconds, on)
                except BenchError as error:
                    missing.append(f"{server.name}, {measure.workload.name}: {error}")
                    continue
                figures = found.setdefault((server.name, measure), Figures())
                figures.results.append(result)
                figures.cpu.append(cpu / result.requests)
                note(f"{measure.workload.name} x{measure.callers} {server.name}", result)
    return found, missing


def note(what: str, result: Result) -> None:
    """A line of progress."""
    print(
        f"  {what}: {result.rate:,.0f}/s, p50 {result.p50 * 1e3:.2f} ms, "
        f"p99 {result.p99 * 1e3:.2f} ms",
        file=sys.stderr,
        flush=True,
    )


def run(server: Server, measure: Measure, seconds: float, on: Cores) -> tuple[Result, float]:
    """One run, and the CPU seconds that the server has used for it."""
    request = server.request(measure.workload)
    assert request is not None
    if measure.workload.stream:
        seconds = max(seconds, SECONDS_OF_STREAMS)
    generator = closed_loop if measure.first_text else load
    before = server.process.cpu_seconds() if server.process else 0.0
    result = generator(request, callers=measure.callers, seconds=seconds, on=on)
    after = server.process.cpu_seconds() if server.process else 0.0
    return result, after - before


def _warm_up(server: Server, measure: Measure, on: Cores) -> bool:
    """Whether it can do it at all, and does it right."""
    request = server.request(measure.workload)
    if request is None:
        return False
    status, body = ask(request)
    if status != 200 or not is_answer(body, measure.workload):
        said = body[:300].decode(errors="replace")
        raise BenchError(f"not an answer: {status} {said}")
    # The slowest ends no stream within the second.
    with suppress(BenchError):
        load(request, callers=measure.callers, seconds=1, on=on)
    return True


def is_answer(body: bytes, workload: Workload) -> bool:
    """Whether that is the canned answer, in the dialect of the question."""
    if workload.stream:
        return is_whole(body, workload.dialect)
    return b'"choices"' in body and b"Gravity is the curvature" in body
