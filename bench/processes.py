"""Processes of a measurement: started on a core of their own, ended with the measurement, by id.

Linux only: what a process has used is read from /proc.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parent.parent
SECONDS_TO_END = 10.0
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class BenchError(Exception):
    """Something cannot be measured; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Cores:
    """Which cores do what. With one core they share it."""

    server: int
    load: tuple[int, ...]

    @property
    def all(self) -> tuple[int, ...]:
        """Every core there is."""
        return tuple(sorted({self.server, *self.load}))


def cores() -> Cores:
    """The first core serves, all the others ask."""
    first, *others = sorted(os.sched_getaffinity(0))
    return Cores(first, tuple(others) or (first,))


def pinned(command: Sequence[str], on: Sequence[int]) -> list[str]:
    """``command`` on these cores only, where taskset is there to see to it."""
    if shutil.which("taskset") is None:
        return list(command)
    return ["taskset", "-c", ",".join(map(str, on)), *command]


@dataclass(slots=True)
class Running:
    """A process and those it has started. ``output`` is what they say."""

    name: str
    output: Path
    process: subprocess.Popen[bytes] = field(repr=False)

    @property
    def pids(self) -> list[int]:
        """It and its descendants, as long as they run."""
        return _tree(self.process.pid)

    def cpu_seconds(self) -> float:
        """CPU time of them all since they were started, the kernel's work for them included."""
        return sum(_cpu_ticks(pid) for pid in self.pids) / _TICKS

    def resident_bytes(self) -> int:
        """Memory of them all; pages that they share are counted for each."""
        return sum(_resident_pages(pid) for pid in self.pids) * _PAGE

    def require(self) -> None:
        """``BenchError`` with its last words if it has ended."""
        if self.process.poll() is not None:
            words = self.output.read_text(errors="replace")[-2000:]
            raise BenchError(f"{self.name} ended with {self.process.returncode}:\n{words}")


@contextmanager
def running(
    name: str,
    command: Sequence[str],
    *,
    on: Sequence[int],
    env: Mapping[str, str],
    output: Path,
    cwd: Path = ROOT,
) -> Iterator[Running]:
    """``command`` in a process group of its own, which ends with the block in any case."""
    with output.open("ab") as log:
        process = subprocess.Popen(
            pinned(command, on),
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield Running(name, output, process)
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """The group is asked to end, and made to."""
    _signal_group(process.pid, signal.SIGTERM)
    try:
        with suppress(subprocess.TimeoutExpired):
            process.wait(SECONDS_TO_END)
    finally:
        # What its leader has left behind is in the group still.
        _signal_group(process.pid, signal.SIGKILL)
        process.wait()


def _signal_group(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, number)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP unwind the program as Ctrl-C does, so that no process is left behind."""
    before = {each: signal.signal(each, _leave) for each in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def raise_file_limit(connections: int) -> None:
    """So many connections on either side are to be open at once, in this process's children."""
    wanted = 3 * connections + 1000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise BenchError(f"At most {hard} files may be open here; the bench needs {wanted}.")
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def free_port() -> int:
    """A port of this machine on which nobody listens at the moment."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def _tree(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        try:
            tasks = list(Path(f"/proc/{parent}/task").iterdir())
        except OSError:
            continue
        for task in tasks:
            try:
                found += map(int, (task / "children").read_text().split())
            except OSError:
                continue
    return found


def _cpu_ticks(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    # The name, in brackets, may hold anything; proc(5) counts the fields after it from 3.
    fields = text.rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def _resident_pages(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0
