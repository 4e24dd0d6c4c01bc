"""All servers under the same load, in turn; the table of docs/performance.md.

    python -m bench [--quick] [--only gateway,bare] [--rounds 3] [--seconds 3] [--write]

``--quick`` takes one short round of each and leaves out what takes its time. Tables are printed;
``--write`` puts them into docs/performance.md as well.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from bench.goals import goals
from bench.machine import machine, node_version, versions
from bench.measuring import measured
from bench.memory import Soaked, soak
from bench.peers import LITELLM, PEERS, PORTKEY
from bench.processes import BenchError, Cores, cores, ended_by_signals, raise_file_limit
from bench.report import LABELS, MEASURES, Comparison, Footing, rendered, write
from bench.servers import (
    Server,
    running_bare,
    running_gateway,
    running_upstream_servers,
)
from bench.streams import HELD_STREAMS, open_streams
from bench.workers import Scaling, scaling
from bench.workloads import Upstreams

_PEER_VERSIONS = {"litellm": f"LiteLLM {LITELLM}", "portkey": f"Portkey's gateway {PORTKEY}"}


def main() -> None:
    """Measures, prints, writes."""
    given = _arguments()
    on = cores()
    raise_file_limit(HELD_STREAMS)
    with (
        ended_by_signals(),
        tempfile.TemporaryDirectory(prefix="koneek-bench-") as folder,
        running_upstream_servers(Path(folder), on) as (upstream, upstreams),
    ):
        comparison = _compared(given, Path(folder), upstream, upstreams, on)
    text = rendered(comparison)
    print(text)
    if given.write:
        write(text, "bench")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of a second of each")
    parser.add_argument(
        "--only", default=",".join(LABELS), help="some of " + ",".join(LABELS), metavar="NAMES"
    )
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=int, help="of each run")
    parser.add_argument("--write", action="store_true", help="into docs/performance.md as well")
    given = parser.parse_args()
    given.only = given.only.split(",")
    if unknown := set(given.only) - set(LABELS):
        parser.error(f"--only: there is no {', '.join(unknown)}, but {', '.join(LABELS)}")
    if given.write and (given.quick or set(given.only) != set(LABELS)):
        print("Part of the table is only printed.", file=sys.stderr)
        given.write = False
    given.rounds = given.rounds or (1 if given.quick else 3)
    given.seconds = given.seconds or (1 if given.quick else 3)
    return given


def _compared(
    given: argparse.Namespace, scratch: Path, upstream: Server, upstreams: Upstreams, on: Cores
) -> Comparison:
    """Each server, and where ``--quick`` is not given, what is only measured of the gateway."""
    comparison = _turns(given, scratch, upstream, upstreams, on)
    soaked = streams = workers = None
    if "gateway" in comparison.servers and not given.quick:
        with running_gateway(scratch, upstreams, (on.server,)) as gateway:
            soaked = soak(gateway, on)
        with running_gateway(scratch, upstreams, (on.server,)) as gateway:
            streams = open_streams(gateway, on)
        workers = scaling(scratch, upstreams, on, rounds=given.rounds, seconds=given.seconds)
    comparison.goals += goals(comparison, soaked, streams, workers)
    comparison.notes += [*_more(soaked, workers), f"Measured on {machine()}: {_versions(given)}."]
    return comparison


def _turns(
    given: argparse.Namespace, scratch: Path, upstream: Server, upstreams: Upstreams, on: Cores
) -> Comparison:
    """The servers that were asked for, side by side, of which one is asked at a time."""
    notes = []
    with ExitStack() as stack:
        servers = [upstream]
        if "bare" in given.only:
            servers.append(stack.enter_context(running_bare(scratch, upstreams, on)))
        if "gateway" in given.only:
            servers.append(stack.enter_context(running_gateway(scratch, upstreams, (on.server,))))
        for name, peer in PEERS.items():
            if name in given.only:
                try:
                    servers.append(stack.enter_context(peer(scratch, upstreams, on)))
                except BenchError as error:
                    notes.append(f"{LABELS[name]} took no part. {error}")
        found, missing = measured(
            servers, MEASURES, rounds=given.rounds, seconds=given.seconds, on=on
        )
        comparison = Comparison([server.name for server in servers], found, notes=notes + missing)
        for server in servers:
            if server.process:
                comparison.footings[server.name] = Footing(
                    server.start_seconds,
                    server.process.resident_bytes(),
                    sum(each.requests for (name, _), each in found.items() if name == server.name),
                )
    return comparison


def _more(soaked: Soaked | None, workers: Scaling | None) -> list[str]:
    """What explains the figures about the gateway."""
    notes = []
    if soaked:
        notes.append(
            f"When the last of {soaked.requests:,} requests was answered, {soaked.waiting:,} of "
            "their rows were in the log's spool and not yet in its table; "
            f"{soaked.seconds_to_store:.1f} s later all were."
        )
    if workers and workers.shared:
        notes.append(
            "Two workers, the load and the upstream shared the two cores, where they answered "
            f"{workers.rate:.2f} times as many requests a second as one worker on a core of its "
            f"own; for a second of CPU time {workers.per_cpu / 2:.2f} times as many."
        )
    return notes


def _versions(given: argparse.Namespace) -> str:
    others = [shown for name, shown in _PEER_VERSIONS.items() if name in given.only]
    return versions([*others, node_version()] if "portkey" in given.only else others)


if __name__ == "__main__":
    try:
        main()
    except BenchError as error:
        sys.exit(f"bench: {error}")
