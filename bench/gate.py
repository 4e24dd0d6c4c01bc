"""Has the gateway become slower? Ratios against the bounds in bounds.toml; 1 if one is missed.

    python -m bench.gate [--rounds 7] [--seconds 2]

A ratio is of CPU time per request, of the gateway and what it is compared with in turn, so that
neither the machine nor what else it does matters much. The median of the rounds counts.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.measuring import Figures, Found, Measure, measured
from bench.processes import BenchError, cores, ended_by_signals
from bench.report import (
    PLAIN_MANY,
    STREAMED_MANY,
    TRANSLATED_MANY,
    TRANSLATED_STREAMED_MANY,
)
from bench.servers import running_bare, running_gateway, running_upstream_servers

BOUNDS = Path(__file__).with_name("bounds.toml")


@dataclass(frozen=True, slots=True)
class Ratio:
    """``over``: whose figure for ``base`` the gateway's for ``measure`` is divided by."""

    measure: Measure
    over: str
    base: Measure


RATIOS = {
    "plain over the bare proxy": Ratio(PLAIN_MANY, "bare", PLAIN_MANY),
    "streamed over the bare proxy": Ratio(STREAMED_MANY, "bare", STREAMED_MANY),
    **{
        f"plain to {each.workload.dialect}": Ratio(each, "gateway", PLAIN_MANY)
        for each in TRANSLATED_MANY
    },
    **{
        f"streamed to {each.workload.dialect}": Ratio(each, "gateway", STREAMED_MANY)
        for each in TRANSLATED_STREAMED_MANY
    },
}


def ratios(rounds: list[Found]) -> dict[str, float]:
    """Requests per CPU second over those of what is compared, the median of the rounds."""
    return {
        name: median(
            _cpu(found, ratio.over, ratio.base) / _cpu(found, "gateway", ratio.measure)
            for found in rounds
        )
        for name, ratio in RATIOS.items()
    }


def _cpu(found: Found, server: str, measure: Measure) -> float:
    figures = found.get((server, measure), Figures())
    if not figures.cpu:
        raise BenchError(f"{server} did not answer {measure.workload.name}.")
    return figures.cpu_per_request


def missed(found: Mapping[str, float], bounds: Mapping[str, float]) -> list[str]:
    """A sentence for each bound that is not kept, or is about nothing that was measured."""
    return [
        f"{name}: {found[name]:.3f}, and at least {bound:.3f} is demanded."
        if name in found
        else f"{name}: nothing of that name is measured; see RATIOS in bench/gate.py."
        for name, bound in bounds.items()
        if found.get(name, float("-inf")) < bound
    ]


def main() -> None:
    """Measures, prints, judges."""
    parser = argparse.ArgumentParser(prog="python -m bench.gate")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=2)
    given = parser.parse_args()
    bounds = tomllib.loads(BOUNDS.read_text(encoding="utf-8"))
    on = cores()
    measures = dict.fromkeys(
        each for ratio in RATIOS.values() for each in (ratio.measure, ratio.base)
    )
    rounds = []
    with ended_by_signals(), tempfile.TemporaryDirectory(prefix="koneek-bench-") as folder:
        scratch = Path(folder)
        with (
            running_upstream_servers(scratch, on) as (_, upstreams),
            running_bare(scratch, upstreams, on) as bare,
            running_gateway(scratch, upstreams, (on.server,)) as gateway,
        ):
            for _ in range(given.rounds):
                found, missing = measured(
                    [bare, gateway], measures, rounds=1, seconds=given.seconds, on=on
                )
                if missing:
                    raise BenchError("\n".join(missing))
                rounds.append(found)
    result = ratios(rounds)
    for name, value in result.items():
        print(f"{name:32} {value:.3f}   at least {bounds.get(name, 0.0):.3f}")
    if sentences := missed(result, bounds):
        sys.exit("\n".join(["bench-gate: slower than it was.", *sentences]))


if __name__ == "__main__":
    try:
        main()
    except BenchError as error:
        sys.exit(f"bench: {error}")
