"""nginx as the upstream: the canned answers at the addresses of ``bench.upstream``, faster."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import canned
from bench.processes import free_port, running

_CONFIGURATION = """
daemon off;
master_process off;
error_log stderr error;
pid {folder}/nginx.pid;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_requests 100000000;
    keepalive_timeout 300s;
    types {{ application/json json; text/event-stream sse; }}
    open_file_cache max=16 inactive=300s;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        root {folder};
{locations}
    }}
}}
"""
# Files are only read by GET, to which an internal redirect turns every method.
_LOCATION = "        location /{dialect}/{kind}/ {{ error_page 418 =200 /{file}; return 418; }}"


def path() -> str | None:
    """Where nginx is; None if it is not installed."""
    return shutil.which("nginx", path=_PATH)


@contextmanager
def running_nginx(folder: Path, on: tuple[int, ...]) -> Iterator[int]:
    """It, and its port on 127.0.0.1. ``folder`` is filled with what it serves."""
    folder.mkdir()
    port = free_port()
    locations = []
    for dialect in canned.DIALECTS:
        answers = {
            "plain": (f"{dialect}.json", canned.body(dialect)),
            "streamed": (f"{dialect}.sse", b"".join(canned.events(dialect))),
        }
        for kind, (file, content) in answers.items():
            (folder / file).write_bytes(content)
            locations.append(_LOCATION.format(dialect=dialect, kind=kind, file=file))
    configuration = folder / "nginx.conf"
    configuration.write_text(
        _CONFIGURATION.format(folder=folder, port=port, locations="\n".join(locations))
    )
    command = [path() or "nginx", "-p", str(folder), "-c", str(configuration)]
    output = folder / "output.txt"
    with running("nginx", command, on=on, env={"PATH": _PATH}, output=output, cwd=folder):
        yield port


_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Debian puts it where only root's shell looks."""
