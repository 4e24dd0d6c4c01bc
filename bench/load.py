"""Load: the same request again and again from so many callers at once, and what came of it.

``wrk`` where it is installed (https://github.com/wg/wrk), else ``bench.closed_loop``. Both are
processes of their own, on the cores that do not serve, and end after a time that they are given.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.processes import ROOT, BenchError, Cores, pinned

_SECONDS_TO_FINISH = 60
_MARK = "RESULT "


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of one server for one measurement."""

    url: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Result:
    """One run. ``p50`` and ``p99`` are seconds from the request to the end of its answer.

    ``first_text`` is the median time to the first text; only ``closed_loop`` measures it.
    """

    requests: int
    seconds: float
    p50: float
    p99: float
    failed: int = 0
    first_text: float = 0.0

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of ``values`` that ``share`` of them do not exceed (nearest rank)."""
    if not values:
        raise ValueError("There are no values.")
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)), 1) - 1]


def parse_result(output: str) -> Result:
    """The result in a load generator's output; ``BenchError`` quotes an output without one."""
    for line in output.splitlines():
        if line.startswith(_MARK):
            return Result(**json.loads(line.removeprefix(_MARK)))
    raise BenchError(f"The load generator gave no result:\n{output[-1000:]}")


def print_result(result: Result) -> None:
    """What ``parse_result`` reads."""
    names = ("requests", "seconds", "p50", "p99", "failed", "first_text")
    print(_MARK + json.dumps({name: getattr(result, name) for name in names}))


def has_wrk() -> bool:
    """Whether wrk is installed."""
    return shutil.which("wrk") is not None


def load(request: Request, *, callers: int, seconds: float, on: Cores) -> Result:
    """``callers`` ask for ``seconds``. ``BenchError`` if an answer was not a success."""
    if has_wrk():
        command = [
            *("wrk", "--threads", "1", "--connections", str(callers), "--timeout", "30s"),
            *("--duration", f"{max(math.ceil(seconds), 1)}s"),
            *("--script", str(Path(__file__).with_name("wrk.lua")), request.url),
        ]
        return _run(request, command, seconds, on)
    return closed_loop(request, callers=callers, seconds=seconds, on=on)


def closed_loop(request: Request, *, callers: int, seconds: float, on: Cores) -> Result:
    """As ``load`` with our own generator, which also measures the time to the first text."""
    command = [sys.executable, "-m", "bench.closed_loop", request.url, str(callers), str(seconds)]
    return _run(request, command, seconds, on)


def _run(request: Request, command: list[str], seconds: float, on: Cores) -> Result:
    try:
        done = subprocess.run(
            pinned(command, on.load),
            cwd=ROOT,
            env={
                "PATH": os.environ["PATH"],
                "BENCH_BODY": request.body.decode(),
                "BENCH_HEADERS": "\n".join(
                    f"{name}: {value}" for name, value in request.headers.items()
                ),
            },
            capture_output=True,
            text=True,
            timeout=seconds + _SECONDS_TO_FINISH,
        )
    except subprocess.TimeoutExpired as error:
        raise BenchError(f"{request.url} kept the load generator waiting.") from error
    result = parse_result(done.stdout + done.stderr)
    if result.failed or not result.requests:
        raise BenchError(f"{result.failed} of {result.requests} requests to {request.url} failed.")
    return result
