"""The site in processes of its own, over the test's database, to be changed from outside or killed.

The processes run the site as it is deployed, by its own settings and the environment. They share
the database with the test, which is therefore "another process" to them.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from asgiref.sync import SyncToAsync
from django.conf import settings
from django.db import connection, connections

from tests.live_site import SECONDS_TO_START
from tests.source_tree import ROOT


def database_url() -> str:
    """The test's database, as a DATABASE_URL."""
    now = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{now['NAME']}"
    login = f"{quote(now['USER'], safe='')}:{quote(now['PASSWORD'], safe='')}"
    return f"postgres://{login}@{now['HOST']}:{now['PORT'] or 5432}/{now['NAME']}"


def environment(**more: str) -> dict[str, str]:
    """What a process of the site is told: nothing of the surroundings but the way to Python."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONUNBUFFERED": "1",
        "DJANGO_SETTINGS_MODULE": "koneek_site.settings",
        "SECRET_KEY": settings.SECRET_KEY,
        "HTTPS_ONLY": "false",
        "ALLOWED_HOSTS": "127.0.0.1",
        "KONEEK_ALLOW_PRIVATE_HOSTS": "127.0.0.1",
        "DATABASE_URL": database_url(),
        "AI_CLIENT_SPOOL_DIR": os.environ["AI_CLIENT_SPOOL_DIR"],
        **more,
    }


@dataclass(slots=True)
class SiteProcess:
    """A server of the site. ``spool`` is its spool's folder, ``output`` what it says."""

    base_url: str
    spool: Path
    output: Path
    process: subprocess.Popen[bytes] = field(repr=False)

    def stop(self) -> int:
        """End it as an operator does; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(SECONDS_TO_START)

    def kill(self) -> None:
        """End it and its workers as a crash does: nothing is tidied up."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(SECONDS_TO_START)

    def worker_ids(self) -> set[int]:
        """The processes that have logged something, by the names of their segments."""
        return {int(path.name.split("-")[1]) for path in self.spool.glob("segment-*")}

    def waiting_records(self) -> int:
        """Records in the spool that are not in the database yet, or were not a moment ago."""
        return sum(path.read_bytes().count(b"\n") for path in self.spool.glob("segment-*"))


@contextmanager
def site_process(scratch: Path, *, workers: int = 1, **more: str) -> Iterator[SiteProcess]:
    """The site served by uvicorn; requests that come before it is ready wait in the socket.

    ``scratch`` keeps the spool, so that another process with the same one carries on.
    """
    spool, output = scratch / "spool", scratch / "output.txt"
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listening, output.open("ab") as log:
        port = listening.getsockname()[1]
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "uvicorn", "koneek_site.asgi:application"),
                *("--fd", str(listening.fileno()), "--workers", str(workers), "--ws", "none"),
            ],
            cwd=ROOT,
            env=environment(AI_CLIENT_SPOOL_DIR=str(spool), **more),
            pass_fds=(listening.fileno(),),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    server = SiteProcess(f"http://127.0.0.1:{port}", spool, output, process)
    try:
        yield server
    finally:
        if process.poll() is None:
            server.kill()


@contextmanager
def database_away() -> Iterator[None]:
    """Nobody can connect to the test's database, and who was connected is no more."""
    away = _sqlite_away() if connection.vendor == "sqlite" else _postgresql_away()
    connection.close()
    with away:
        yield


@contextmanager
def _sqlite_away() -> Iterator[None]:
    path = Path(connection.settings_dict["NAME"])
    elsewhere = path.with_suffix(".away")
    path.rename(elsewhere)
    path.mkdir()
    try:
        yield
    finally:
        shutil.rmtree(path)
        elsewhere.rename(path)


@contextmanager
def _postgresql_away() -> Iterator[None]:
    name = connection.ops.quote_name(connection.settings_dict["NAME"])
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false")
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            [connection.settings_dict["NAME"]],
        )
    try:
        yield
    finally:
        with connection._nodb_cursor() as cursor:
            cursor.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true")
        # The thread in which asyncio tests use the database goes on, with a connection that is no
        # more; between requests Django would have closed it.
        SyncToAsync.single_thread_executor.submit(connections.close_all).result()
