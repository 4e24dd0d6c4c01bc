"""Which snapshot is in force in this process, and how it gets replaced.

A write in this process replaces it at its commit; those of other processes are noticed by a thread
that reads one number every half second, off the requests' way. When the database is down the
snapshot keeps serving.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
import weakref
from collections.abc import Callable
from functools import cache

from django.db import DatabaseError, InterfaceError, close_old_connections
from django.db import connections as databases

from ai_client import conf, connections
from ai_client.errors import ConfigurationUnavailable
from ai_client.limits.books import default_books
from ai_client.log.key_usage import on_stored
from ai_client.log.redaction import REDACTOR
from ai_client.refusals import default_refusals
from ai_client.snapshot import Snapshot
from connectors.sentinel import keep_up

logger = logging.getLogger(__name__)

_RENEW_EVERY = 60.0
"""Seconds for which the poller keeps its connection; to make one costs more than to poll."""

_UNREACHABLE = (DatabaseError, InterfaceError, OSError)


class Configuration:
    """Holds the current snapshot. ``load`` reads all, ``version`` the one number that moves."""

    def __init__(self, load: Callable[[], Snapshot], version: Callable[[], int]) -> None:
        self._load = load
        self._version = version
        self._snapshot: Snapshot | None = None
        self._started = False
        self._loading = threading.Lock()
        self._watchers: list[Callable[[Snapshot], None]] = []
        self._chores: list[Callable[[], None]] = []
        self._first_chores: list[Callable[[], None]] = []
        self._database_down = False
        self._polling = False
        _configurations.add(self)

    def current(self) -> Snapshot:
        """The snapshot in force; only a process's very first call reads the database.

        ``ConfigurationUnavailable`` while there is none because the database is away.
        """
        snapshot = self._snapshot
        if snapshot is None or not self._started:
            return self._first()
        return snapshot

    def refresh(self) -> Snapshot:
        """Read everything now."""
        with self._loading:
            snapshot = self._load()
            self._put(snapshot)
            return snapshot

    def watch(self, watcher: Callable[[Snapshot], None]) -> None:
        """Call ``watcher`` with each new snapshot, and with the current one if there is one."""
        self._watchers.append(watcher)
        if self._snapshot is not None:
            watcher(self._snapshot)

    def at_each_poll(self, chore: Callable[[], None]) -> None:
        """Call ``chore`` with each poll, in the poller's thread: for writes that can wait."""
        self._chores.append(chore)

    def at_first_reading(self, chore: Callable[[], None]) -> None:
        """Call ``chore`` when this process has read the configuration for the first time."""
        self._first_chores.append(chore)

    def forget(self) -> None:
        """Drop the snapshot; the next request reads it anew."""
        self._snapshot = None

    def poll(self) -> None:
        """Take over what another process has changed; a database that is away changes nothing."""
        snapshot = self._snapshot
        try:
            if snapshot is None or self._version() != snapshot.version:
                self.refresh()
        except _UNREACHABLE as error:
            self._missing(error)
        else:
            if self._database_down:
                self._database_down = False
                logger.warning("The database can be read again.")
            for chore in self._chores:
                chore()

    def changed(self) -> None:
        """Take over what this process has changed; as ``poll`` where the database has just gone."""
        try:
            self.refresh()
        except _UNREACHABLE as error:
            self._missing(error)

    def after_fork(self) -> None:
        """In a child: only the parent has the poller, and the thread that may hold the lock."""
        self._loading = threading.Lock()
        self._started = False

    def _missing(self, error: Exception) -> None:
        if not self._database_down:
            self._database_down = True
            logger.warning(
                "The database cannot be read (%s); the configuration as last read stays in force.",
                type(error).__name__,
            )

    def _put(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        for watcher in self._watchers:
            watcher(snapshot)

    def _first(self) -> Snapshot:
        """The first snapshot of this process, and the start of its poller."""
        if self._database_down and self._polling and self._started:
            # The poller goes on trying; a request would only wait for the same.
            raise _unavailable()
        with self._loading:
            if not self._started:
                self._started = True
                self._start_polling()
            if self._snapshot is None:
                try:
                    self._put(_outside_the_loop(self._load_first))
                except _UNREACHABLE as error:
                    self._missing(error)
                    raise _unavailable() from error
            assert self._snapshot is not None
            return self._snapshot

    def _load_first(self) -> Snapshot:
        snapshot = self._load()
        for chore in self._first_chores:
            chore()
        return snapshot

    def _start_polling(self) -> None:
        seconds = conf.current().CONFIGURATION_POLL
        self._polling = seconds > 0
        if self._polling:
            stop = threading.Event()
            threading.Thread(
                target=self._keep_polling,
                args=(seconds, stop),
                name="koneek-configuration",
                daemon=True,
            ).start()

    def _keep_polling(self, seconds: float, stop: threading.Event) -> None:
        renewal = time.monotonic() + _RENEW_EVERY
        while not stop.wait(seconds):
            is_sound = False
            try:
                self.poll()
                is_sound = not self._database_down
            except Exception:
                logger.exception("The configuration cannot be read; it stays as it was.")
            now = time.monotonic()
            if not is_sound or now >= renewal:
                renewal = now + _RENEW_EVERY
                close_old_connections()


def _outside_the_loop(load: Callable[[], Snapshot]) -> Snapshot:
    """``load()``, in a thread of its own where an event loop runs in this one.

    Django refuses the database to code under a running loop. This happens once per process, and
    not at all where the server runs the lifespan protocol.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return load()
    result: list[Snapshot] = []
    errors: list[Exception] = []

    def work() -> None:
        try:
            result.append(load())
        except Exception as error:
            errors.append(error)
        finally:
            databases.close_all()

    thread = threading.Thread(target=work, name="koneek-first-configuration")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return result[0]


_configurations: weakref.WeakSet[Configuration] = weakref.WeakSet()


def _after_fork() -> None:
    for each in list(_configurations):
        each.after_fork()


os.register_at_fork(after_in_child=_after_fork)


def _load() -> Snapshot:
    """The site's configuration, and with it what keys with a budget have spent."""
    snapshot = connections.load()
    default_books().read(snapshot)
    return snapshot


@cache
def configuration() -> Configuration:
    """This process's configuration, over the site's database."""
    found = Configuration(_load, connections.version)
    found.watch(lambda snapshot: REDACTOR.set_known(connections.secrets(snapshot)))
    found.at_each_poll(lambda: default_refusals().write())
    found.at_each_poll(lambda: default_books().read(found.current()))
    on_stored(lambda ids: default_books().stored(ids))
    found.at_first_reading(keep_up)
    return found


def on_change(**_: object) -> None:
    """Receiver of ``connectors.signals.configuration_changed``: in force at once, here."""
    configuration().changed()


def _unavailable() -> ConfigurationUnavailable:
    return ConfigurationUnavailable(
        "The site's database cannot be read, and with it the configuration. It has to be there "
        "and migrated ('python manage.py migrate')."
    )
