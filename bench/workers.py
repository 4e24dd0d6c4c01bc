"""Two workers on two cores against one on one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.load import load
from bench.measuring import note
from bench.processes import Cores
from bench.servers import Gateway, running_gateway
from bench.workloads import PLAIN, Upstreams

CALLERS = 64
WORKERS = 2


@dataclass(frozen=True, slots=True)
class Scaling:
    """``rate``: two workers' requests per second over one's.

    ``per_cpu``: two workers' requests per second of their CPU time, doubled, over one's: what the
    rate would be if the load had cores of its own. ``shared``: whether it had none.
    """

    rate: float
    per_cpu: float
    shared: bool


def scaling(
    scratch: Path, upstreams: Upstreams, on: Cores, *, rounds: int, seconds: float
) -> Scaling:
    """One and two workers in turn, over the same load."""
    serving = on.all[:WORKERS]
    others = on.all[WORKERS:]
    beside_one = Cores(on.server, others or on.load)
    beside_two = Cores(on.server, others or on.all)
    with (
        running_gateway(scratch, upstreams, serving[:1]) as one,
        running_gateway(scratch, upstreams, serving, workers=WORKERS) as two,
    ):
        found = [
            (_run(one, seconds, beside_one), _run(two, seconds, beside_two)) for _ in range(rounds)
        ]
    rates = _ratios([(first[0], second[0]) for first, second in found])
    per_cpu = _ratios([(first[1], second[1]) for first, second in found])
    return Scaling(rates, WORKERS * per_cpu, not others)


def _ratios(pairs: Sequence[tuple[float, float]]) -> float:
    return median(second / first for first, second in pairs)


def _run(gateway: Gateway, seconds: float, on: Cores) -> tuple[float, float]:
    """Requests per second, and per second of the gateway's CPU time."""
    request = gateway.request(PLAIN)
    assert request is not None
    assert gateway.process is not None
    load(request, callers=CALLERS, seconds=1, on=on)
    before = gateway.process.cpu_seconds()
    result = load(request, callers=CALLERS, seconds=seconds, on=on)
    used = gateway.process.cpu_seconds() - before
    note(gateway.process.name, result)
    return result.rate, result.requests / used
