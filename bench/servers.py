"""What is compared: the upstream alone, the bare proxy, and the gateway as it is deployed."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench import nginx
from bench.load import Request
from bench.processes import ROOT, BenchError, Cores, Running, free_port, pinned, running
from bench.upstream import running_upstreams
from bench.workloads import ALL, HELD, PATH, PLAIN, Upstreams, Workload

HELD_ORIGINS = 5
"""The gateway has at most 500 connections to one origin, so open streams are spread over these."""
UPSTREAM_KEY = "sk-canned-upstream-key-0123456789"
_SECONDS_TO_START = 60.0
_PROVIDERS = {"openai": "/v1", "anthropic": "", "google": ""}
"""Each dialect's provider bears its name; what its base URL ends in."""


@dataclass(slots=True)
class Server:
    """One of what is compared. ``request`` gives None for what it cannot do.

    ``start_seconds``: from its start as a process to its first answer. The upstream has no
    ``process``, because nothing is measured of it but its answers.
    """

    name: str
    request: Callable[[Workload], Request | None]
    process: Running | None = None
    start_seconds: float = 0.0


@dataclass(slots=True)
class Gateway(Server):
    """The gateway. ``held`` is one request per upstream that holds streams open."""

    held: list[Request] = field(default_factory=list)
    database: Path = Path()

    def rows(self) -> int:
        """Rows of its request log."""
        with closing(sqlite3.connect(self.database, timeout=20)) as database:
            found: int = database.execute("SELECT count(*) FROM ai_client_requestlog").fetchone()[0]
            return found


def ask(request: Request, timeout: float = 30.0) -> tuple[int, bytes]:
    """Ask once; the status and the whole answer."""
    target = urlsplit(request.url)
    with closing(http.client.HTTPConnection(target.netloc, timeout=timeout)) as connection:
        headers = {"content-type": "application/json", **request.headers}
        connection.request("POST", target.path, request.body, headers)
        response = connection.getresponse()
        return response.status, response.read()


@contextmanager
def started(
    name: str,
    command: Sequence[str],
    first: Request,
    *,
    on: Sequence[int],
    env: Mapping[str, str],
    scratch: Path,
) -> Iterator[tuple[Running, float]]:
    """The process once it has answered ``first``, and how long that took."""
    begin = time.perf_counter()
    output = scratch / f"{name}.txt"
    with running(name, command, on=on, env=env, output=output) as process:
        _wait_for_answer(process, first)
        yield process, time.perf_counter() - begin


def _wait_for_answer(process: Running, request: Request) -> None:
    until = time.perf_counter() + _SECONDS_TO_START
    said = "nobody listens"
    while time.perf_counter() < until:
        process.require()
        try:
            status, body = ask(request)
        except (OSError, http.client.HTTPException) as error:
            said = str(error)
        else:
            if status == 200:
                return
            said = f"{status} {body[:500].decode(errors='replace')}"
        time.sleep(0.01)
    raise BenchError(f"{process.name} does not answer: {said}")


@contextmanager
def running_upstream_servers(scratch: Path, on: Cores) -> Iterator[tuple[Server, Upstreams]]:
    """nginx where it is, ours where it is not and for what takes its time."""
    with ExitStack() as stack:
        ports = stack.enter_context(running_upstreams(HELD_ORIGINS, pinned([], on.load)))
        origins = tuple(f"http://127.0.0.1:{port}" for port in ports)
        fast = origins[0]
        if nginx.path() is not None:
            port = stack.enter_context(nginx.running_nginx(scratch / "nginx", on.load))
            fast = f"http://127.0.0.1:{port}"
        upstreams = Upstreams(fast, origins)

        def request(workload: Workload) -> Request | None:
            if workload.dialect != "openai":
                return None
            return workload.request(upstreams.base(workload) + PATH, "gpt-4o-mini")

        yield Server("upstream", request), upstreams


@contextmanager
def running_bare(scratch: Path, upstreams: Upstreams, on: Cores) -> Iterator[Server]:
    """The bare proxy over the gateway's engine, on one core."""
    port = free_port()

    def request(workload: Workload) -> Request | None:
        if workload.dialect != "openai":
            return None
        base = upstreams.base(workload)
        path = base.removeprefix(upstreams.fast).removeprefix(upstreams.paced[0])
        return workload.request(f"http://127.0.0.1:{port}{path}{PATH}", "any")

    env = {
        "PATH": os.environ["PATH"],
        "BENCH_FAST": upstreams.fast,
        "BENCH_PACED": upstreams.paced[0],
    }
    first = request(PLAIN)
    assert first is not None
    command = uvicorn("bench.bare_proxy:application", port)
    with started("bare", command, first, on=(on.server,), env=env, scratch=scratch) as (process, s):
        yield Server("bare", request, process, s)


@contextmanager
def running_gateway(
    scratch: Path, upstreams: Upstreams, on: Sequence[int], *, workers: int = 1
) -> Iterator[Gateway]:
    """The site as README says to deploy it, with everything on, over a database of its own."""
    folder = scratch / f"gateway-{secrets.token_hex(4)}"
    folder.mkdir()
    env = _site_environment(folder)
    _manage(env, "migrate", "--verbosity", "0")
    _manage(env, "apply_connections", "-", given=json.dumps({"connections": _chain(upstreams)}))
    key = _manage(env, "create_gateway_key", "bench", "--plain").strip()
    port = free_port()
    headers = {"authorization": f"Bearer {key}"}

    def asked(workload: Workload, model: str) -> Request:
        return workload.request(f"http://127.0.0.1:{port}{PATH}", model, headers)

    def request(workload: Workload) -> Request:
        return asked(workload, workload.name)

    command = [*uvicorn("koneek_site.asgi:application", port), "--workers", str(workers)]
    held = [asked(HELD, f"held-{number}") for number in range(len(upstreams.paced))]
    with started(f"gateway-{workers}", command, request(PLAIN), on=on, env=env, scratch=folder) as (
        process,
        seconds,
    ):
        yield Gateway("gateway", request, process, seconds, held, folder / "site.sqlite3")


def uvicorn(application: str, port: int) -> list[str]:
    """The command that serves ``application`` on 127.0.0.1."""
    return [
        *(sys.executable, "-m", "uvicorn", application),
        *("--host", "127.0.0.1", "--port", str(port), "--ws", "none"),
        *("--loop", "uvloop", "--http", "httptools"),
        *("--no-access-log", "--log-level", "warning"),
    ]


def _site_environment(folder: Path) -> dict[str, str]:
    """What the site is told: nothing of the surroundings but the way to Python."""
    return {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "koneek_site.settings",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "KONEEK_ENCRYPTION_KEYS": secrets.token_urlsafe(32),
        "KONEEK_ALLOW_PRIVATE_HOSTS": "127.0.0.1",
        "ALLOWED_HOSTS": "127.0.0.1",
        "HTTPS_ONLY": "false",
        "DATABASE_URL": f"sqlite:///{folder / 'site.sqlite3'}",
        "AI_CLIENT_SPOOL_DIR": str(folder / "spool"),
    }


def _chain(upstreams: Upstreams) -> list[dict[str, Any]]:
    """A connection for each workload and for each upstream that holds streams open."""
    bases = {
        workload.name: (workload.dialect, upstreams.base(workload) + _PROVIDERS[workload.dialect])
        for workload in ALL
    }
    for number, origin in enumerate(upstreams.paced):
        bases[f"held-{number}"] = ("openai", f"{origin}/openai/held/v1")
    return [
        {
            "name": name,
            "provider": provider,
            "base_url": base_url,
            "api_key": UPSTREAM_KEY,
            "model": f"{provider}-simulated",
            "priority": priority,
        }
        for priority, (name, (provider, base_url)) in enumerate(bases.items(), start=1)
    ]


def _manage(env: Mapping[str, str], *arguments: str, given: str = "") -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=dict(env),
        input=given,
        capture_output=True,
        text=True,
        timeout=_SECONDS_TO_START,
    )
    if done.returncode:
        raise BenchError(f"manage.py {arguments[0]} failed:\n{done.stderr[-2000:]}")
    return done.stdout
