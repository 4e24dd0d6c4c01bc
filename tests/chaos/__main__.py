"""``python -m tests.chaos --streams N --seed S``: upstreams that break, and what callers get."""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from collections import Counter
from collections.abc import Sequence

from tests.chaos.many import in_processes

_SHOWN = 5


def main(arguments: Sequence[str] | None = None) -> int:
    """The process's exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--streams", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    parser.add_argument("--only", type=int, help="carry out the stream of this number alone")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    given = parser.parse_args(arguments)
    numbers = range(given.streams) if given.only is None else range(given.only, given.only + 1)
    print(f"seed {given.seed}", flush=True)
    counts: Counter[str] = Counter()
    failures: list[str] = []
    for done, failed in in_processes(given.seed, numbers, given.processes):
        counts += done
        failures += failed
    for failure in failures[:_SHOWN]:
        print(failure)
    print(", ".join(f"{name}: {count}" for name, count in sorted(counts.items())))
    print(f"{len(numbers)} streams, {len(failures)} wrong")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
