"""From the spool to the database: a thread beside the requests, one per process.

It starts with the process's first record and after a fork anew. What it cannot store it keeps:
while the database is away segments wait, and a row the database refuses is put aside in the
spool's ``rejected.jsonl``.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import cache

from django.db import DataError, IntegrityError, close_old_connections, connections
from django.utils import timezone

from ai_client import conf
from ai_client.log import retention, rows
from ai_client.log.redaction import REDACTOR, Redactor
from ai_client.log.spool import REJECTED, MinuteLog, Segment, Spool
from ai_client.log.turns import in_turns
from ai_client.records import MalformedRecord, RequestRecord

logger = logging.getLogger(__name__)

BATCH = 1000
"""Records per transaction, and how many wake the writer before its interval is over."""

_LONGEST_PAUSE = 30.0
_RENEW_EVERY = 60.0
_ADOPT_EVERY = 10.0
_RETAIN_EVERY = 3600.0

# What the database or its driver says of a value, as opposed to being away.
_REFUSALS = (DataError, IntegrityError, ValueError, TypeError, OverflowError)


class LogWriter:
    """The request log as requests see it: ``append`` and forget.

    ``threaded``: whether a thread stores what is appended; without, ``drain_once`` does it when
    called. ``interval`` is in seconds. ``retention_days`` is asked anew each hour and rows of
    that age are deleted; 0 keeps them for ever.
    """

    _thread: threading.Thread | None
    _starting: threading.Lock
    _draining: threading.Lock
    _wake: threading.Event
    _round: threading.Condition

    def __init__(
        self,
        spool: Spool,
        *,
        threaded: bool = True,
        interval: float = 0.5,
        retention_days: Callable[[], float] = lambda: 0,
        redactor: Redactor = REDACTOR,
    ) -> None:
        self.spool = spool
        self._threaded = threaded
        self._interval = interval
        self._retention_days = retention_days
        self._redactor = redactor
        self._complain = MinuteLog(logger)
        self._reset()
        _writers.add(self)

    def append(self, record: RequestRecord) -> None:
        """Keep a record on disk. What has to be dropped is counted and logged; never raises."""
        try:
            if not self._redactor.knows_clean(record.texts()):
                record = record.cleaned(self._redactor.redact)
            self.spool.append(record.to_json())
            self._pending += 1
            if self._thread is None:
                self.start()
            elif self._pending >= BATCH:
                self._wake.set()
        except Exception:
            self._complain("A request could not be logged.", exc_info=True)

    def start(self) -> None:
        """Start the thread, if there is to be one, without waiting for the first record.

        It then stores what earlier processes have left behind.
        """
        if not self._threaded:
            return
        with self._starting:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="request-log", daemon=True)
                thread.start()
                self._thread = thread
                atexit.register(self.close)

    def drain_once(self) -> int:
        """Store all that is in the spool and no living process's own; how many records.

        Raises what the database raises; then the records are still in the spool.
        """
        with self._draining:
            self.spool.adopt()
            return self._store_closed()

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until all that was appended is stored; False if ``timeout`` seconds pass first.

        With a thread the caller's own database connection is not used.
        """
        if self._thread is None:
            self.drain_once()
            return True
        with self._round:
            target = self._begun + 1
            self._wake.set()
            return self._round.wait_for(lambda: self._stored >= target, timeout)

    def close(self, timeout: float = 5.0) -> None:
        """Store what can be stored within ``timeout`` seconds and let go of the spool.

        What is left stays on disk for the next process. It blocks: not for an event loop's thread.
        """
        thread = self._thread
        if thread is not None:
            self._stopping = True
            self._wake.set()
            thread.join(timeout)
            atexit.unregister(self.close)
            if thread.is_alive():
                return  # still waiting for the database, with the spool's files in its hands
        self.spool.close()
        self._reset()

    def after_fork(self) -> None:
        """In a child: the thread, and the locks it may have held, are the parent's."""
        self._reset()

    def _reset(self) -> None:
        self._thread = None
        self._starting = threading.Lock()
        self._draining = threading.Lock()
        self._wake = threading.Event()
        self._round = threading.Condition()
        self._begun = 0
        self._stored = 0
        self._pending = 0
        self._stopping = False
        self._next_adoption = 0.0
        self._next_retention = 0.0
        self._next_renewal = 0.0

    def _run(self) -> None:
        pause = self._interval
        last = False
        while not last:
            self._wake.wait(pause)
            self._wake.clear()
            last = self._stopping
            with self._round:
                self._begun += 1
                number = self._begun
            self._pending = 0
            try:
                self._work()
            except Exception as error:
                pause = min(max(pause, self._interval) * 2, _LONGEST_PAUSE)
                self._complain(
                    "The request log cannot be stored, its records wait in %s: %s: %s",
                    self.spool.directory,
                    type(error).__name__,
                    error,
                )
                close_old_connections()
            else:
                pause = self._interval
                with self._round:
                    self._stored = number
                    self._round.notify_all()
            self._renew_connection()
        connections.close_all()

    def _renew_connection(self) -> None:
        """Once a minute, and not each round: to close SQLite's costs more than a batch of rows."""
        now = time.monotonic()
        if now >= self._next_renewal:
            self._next_renewal = now + _RENEW_EVERY
            close_old_connections()

    def _work(self) -> None:
        with self._draining:
            now = time.monotonic()
            if now >= self._next_adoption:
                self.spool.adopt()
                self._next_adoption = now + _ADOPT_EVERY
            self._store_closed()
            if now >= self._next_retention:
                self._delete_old(now)

    def _delete_old(self, now: float) -> None:
        days = self._retention_days()
        before = timezone.now() - timedelta(days=days)
        if days <= 0 or retention.delete_batch(before) < retention.BATCH:
            self._next_retention = now + _RETAIN_EVERY

    def _store_closed(self) -> int:
        count = 0
        for _ in range(2):  # older segments first; then the active one can be closed
            for segment in self.spool.seal():
                count += self._store(segment)
                self.spool.remove(segment)
        return count

    def _store(self, segment: Segment) -> int:
        count = 0
        refused: list[bytes] = []
        batch: list[tuple[bytes, RequestRecord]] = []
        for line, complete in in_turns(segment.lines()):
            try:
                batch.append((line, RequestRecord.from_json(line)))
            except MalformedRecord:
                if complete:
                    refused.append(line)
                else:
                    logger.warning(
                        "The last record of %s was cut when its process died.", segment.path.name
                    )
            if len(batch) == BATCH:
                count += _insert(batch, refused)
                batch = []
        count += _insert(batch, refused)
        if refused:
            self._put_aside(refused)
        return count

    def _put_aside(self, lines: list[bytes]) -> None:
        try:
            self.spool.reject(lines)
        except OSError as error:
            self._complain("%d records are lost: %s", len(lines), error.strerror or error)
        else:
            self._complain(
                "%d records could not be stored and were put aside in %s.",
                len(lines),
                self.spool.directory / REJECTED,
            )


def _insert(batch: Sequence[tuple[bytes, RequestRecord]], refused: list[bytes]) -> int:
    """Store a batch; what the database refuses goes to ``refused``. How many were stored."""
    try:
        rows.insert([record for _, record in batch])
    except _REFUSALS:
        if len(batch) == 1:
            refused.append(batch[0][0])
            return 0
        return sum(_insert([one], refused) for one in batch)
    return len(batch)


@cache
def default_writer() -> LogWriter:
    """This process's writer, as the settings in ``AI_CLIENT`` say."""
    now = conf.current()
    return LogWriter(
        Spool(conf.spool_directory(), max_bytes=now.SPOOL_MAX_BYTES),
        threaded=now.LOG_WRITER == "thread",
        retention_days=lambda: conf.current().LOG_RETENTION_DAYS,
    )


_writers: weakref.WeakSet[LogWriter] = weakref.WeakSet()


def _after_fork() -> None:
    for writer in list(_writers):
        writer.after_fork()


os.register_at_fork(after_in_child=_after_fork)
