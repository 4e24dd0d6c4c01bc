"""Records on the local disk, between the answer and the database.

A process writes to a segment file of its own and holds an ``flock`` on it for as long as it
lives, so that other processes see which segments have lost their owner. A record is one line and
one ``write`` without a sync: it survives the death of the process, not of the machine. Nothing in
here raises into a request. POSIX only.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import secrets
import threading
import time
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

logger = logging.getLogger(__name__)

MAX_BYTES = 1 << 30
"""How large a spool may grow while the database is away."""

SEGMENT_BYTES = 64 << 20
"""A segment over this size is closed even if older ones have not been stored yet."""

REJECTED = "rejected.jsonl"
"""The file for records that can never be stored."""

_PATTERN = "segment-*.jsonl"
_READ_BYTES = 1 << 20


class MinuteLog:
    """Says a thing at most once a minute, and how often it happened meanwhile."""

    def __init__(self, log: logging.Logger, level: int = logging.ERROR) -> None:
        self._log = log
        self._level = level
        self._next = 0.0
        self._unsaid = 0

    def __call__(self, message: str, *args: object, exc_info: bool = False) -> None:
        """Log ``message % args`` unless that was done less than a minute ago."""
        self._unsaid += 1
        now = time.monotonic()
        if now < self._next:
            return
        times, self._unsaid, self._next = self._unsaid, 0, now + 60
        text = f"{message} (%d times since this was last said)"
        self._log.log(self._level, text, *args, times, exc_info=exc_info)


@dataclass(frozen=True, slots=True)
class Segment:
    """One file of records. ``descriptor`` is open and holds its lock; ``orphan``: by another
    process, now dead.
    """

    path: Path
    descriptor: int
    orphan: bool = False

    def lines(self) -> Iterator[tuple[bytes, bool]]:
        """Each line, and whether its end was there; without it the line may be cut."""
        rest = b""
        offset = 0
        while chunk := os.pread(self.descriptor, _READ_BYTES, offset):
            offset += len(chunk)
            *complete, rest = (rest + chunk).split(b"\n")
            for line in complete:
                if line:
                    yield line, True
        if rest:
            yield rest, False


class Spool:
    """The segments of one process in a directory shared by all.

    ``append`` is for requests; ``seal``, ``adopt`` and ``remove`` are for the one writer.
    """

    _active: Segment | None
    _sealed: list[Segment]
    _active_bytes: int
    _used: int
    _torn: bool
    _lock: threading.Lock

    def __init__(
        self,
        directory: str | os.PathLike[str],
        *,
        max_bytes: int = MAX_BYTES,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> None:
        self.directory = Path(directory)
        self.dropped = 0
        """Records that could not be kept, since this process began."""
        self._max_bytes = max_bytes
        self._segment_bytes = segment_bytes
        self._sequence = 0
        self._reset()
        self._complain_full = MinuteLog(logger)
        self._complain_failed = MinuteLog(logger)
        _spools.add(self)

    def append(self, record: bytes) -> bool:
        """Keep one record (a line without its end). False if it was dropped; never raises.

        The lock is held for the write alone; only a process's first record opens its segment.
        """
        line = record + b"\n"
        if self._used + len(line) > self._max_bytes:
            self.dropped += 1
            self._complain_full(
                "The request log's spool %s is full (%d bytes): new records are dropped until "
                "the database takes the old ones.",
                self.directory,
                self._max_bytes,
            )
            return False
        try:
            with self._lock:
                if self._active is None:
                    self._active = self._open()
                self._write(self._active.descriptor, line)
        except OSError as error:
            self.dropped += 1
            self._complain_failed(
                "The request log's spool %s cannot be written: %s. Records are dropped.",
                self.directory,
                error.strerror or error,
            )
            return False
        return True

    def seal(self) -> tuple[Segment, ...]:
        """Close the active segment for writing and return all closed ones.

        While closed segments wait for the database the active one goes on being used, so that an
        outage does not make a file a second.
        """
        backlog = bool(self._sealed)
        if self._active_bytes > (self._segment_bytes if backlog else 0):
            fresh: Segment | None = None
            with contextlib.suppress(OSError):
                fresh = self._open()
            with self._lock:
                sealed, self._active = self._active, fresh
                self._active_bytes = 0
                self._torn = False
            if sealed is not None:
                self._sealed.append(sealed)
        return tuple(self._sealed)

    def adopt(self) -> int:
        """Take over segments whose process has died; how many. Measures the spool as well."""
        adopted = 0
        used = 0
        held = {segment.path for segment in self._sealed}
        for path in sorted(self.directory.glob(_PATTERN)):
            with contextlib.suppress(FileNotFoundError):
                used += path.stat().st_size
                if path not in held and (segment := _take(path)) is not None:
                    self._sealed.append(segment)
                    adopted += 1
        self._used = used
        return adopted

    def remove(self, segment: Segment) -> None:
        """Delete a segment whose records are all in the database."""
        size = os.fstat(segment.descriptor).st_size
        segment.path.unlink(missing_ok=True)
        self._sealed.remove(segment)
        os.close(segment.descriptor)
        self._used = max(0, self._used - size)

    def reject(self, lines: list[bytes]) -> None:
        """Put lines that are not records, or that the database refuses, aside for a human."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self.directory / REJECTED, flags, 0o600)
        try:
            _write_all(descriptor, b"".join(line + b"\n" for line in lines))
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Let go of all segments. What is in them is stored by whoever adopts them."""
        with self._lock:
            if self._active is not None and os.fstat(self._active.descriptor).st_size == 0:
                self._active.path.unlink(missing_ok=True)
            self._release()

    def after_fork(self) -> None:
        """In a child: forget the parent's segments, whose locks it would otherwise keep alive."""
        self._release()
        self._reset()

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._active = None
        self._active_bytes = 0
        self._sealed = []
        self._torn = False
        self._used = 0

    def _release(self) -> None:
        segments = [*self._sealed, *([self._active] if self._active is not None else [])]
        self._active = None
        self._active_bytes = 0
        self._sealed = []
        self._torn = False
        for segment in segments:
            os.close(segment.descriptor)

    def _write(self, descriptor: int, line: bytes) -> None:
        # After a line that was cut (a full disk) the next one must not continue it.
        data = b"\n" + line if self._torn else line
        self._torn = True
        size = len(data)
        written = os.write(descriptor, data)
        if written < size:
            _write_all(descriptor, data[written:])
        self._torn = False
        self._active_bytes += size
        self._used += size

    def _open(self) -> Segment:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        while True:
            self._sequence += 1
            name = f"segment-{os.getpid()}-{secrets.token_hex(4)}-{self._sequence:08d}.jsonl"
            path = self.directory / name
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            # Taken for an orphan between its making and its lock, it is deleted: then another.
            if (segment := _locked(path, os.open(path, flags, 0o600))) is not None:
                return segment


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _take(path: Path) -> Segment | None:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    return _locked(path, descriptor, orphan=True)


def _locked(path: Path, descriptor: int, *, orphan: bool = False) -> Segment | None:
    """A segment if its lock is free and the file still has its name; else it is closed."""
    locked = False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        locked = os.fstat(descriptor).st_nlink > 0
    except BlockingIOError:
        return None
    finally:
        if not locked:
            os.close(descriptor)
    return Segment(path, descriptor, orphan) if locked else None


_spools: weakref.WeakSet[Spool] = weakref.WeakSet()


def _after_fork() -> None:
    for spool in list(_spools):
        spool.after_fork()


os.register_at_fork(after_in_child=_after_fork)
