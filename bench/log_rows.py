"""The pages of the request log with a million rows in it.

    python -m bench.log_rows [--rows 1000000] [--times 40] [--write]

On SQLite, and on PostgreSQL as well where DATABASE_URL names one whose user may create databases:
each in a database of its own, which is gone afterwards. Pages are asked for through Django's test
client: all of the site but the socket.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from bench.load import percentile
from bench.machine import machine, package_versions
from bench.processes import ROOT, BenchError, ended_by_signals
from bench.report import table, write

ROWS = 1_000_000
GOAL_MS = 100
_POSTGRESQL = ("postgres", "postgresql", "psql", "pgsql")
_SECONDS_AT_MOST = 1800
_MARK = "PAGES "


def main() -> None:
    """Measures on each database in a process of its own, prints, writes."""
    parser = argparse.ArgumentParser(prog="python -m bench.log_rows")
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--times", type=int, default=40, help="each page is asked for")
    parser.add_argument("--write", action="store_true", help="into docs/performance.md as well")
    given = parser.parse_args()
    found: dict[str, dict[str, list[float]]] = {}
    with ended_by_signals(), tempfile.TemporaryDirectory(prefix="koneek-bench-") as folder:
        found["SQLite"] = _measured(f"sqlite:///{Path(folder) / 'log.sqlite3'}", given)
        url = os.environ.get("DATABASE_URL", "")
        if urlsplit(url).scheme in _POSTGRESQL:
            with _database_beside(url) as own:
                found["PostgreSQL"] = _measured(own, given)
    text = rendered(found, given.rows)
    print(text)
    if given.write and given.rows < ROWS:
        print("A smaller log's table is only printed.", file=sys.stderr)
    elif given.write:
        write(text, "bench-log")


def rendered(found: dict[str, dict[str, list[float]]], rows: int) -> str:
    """The table: a row per page, two columns per database. Times are given in seconds."""
    head = [""]
    for database in found:
        head += [f"{database}, p50", "p95", f"≤ {GOAL_MS}"]
    lines = []
    for page in next(iter(found.values())):
        line = [page]
        for times in (pages[page] for pages in found.values()):
            late = percentile(times, 0.95) * 1e3
            met = "yes" if late <= GOAL_MS else "**no**"
            line += [f"{percentile(times, 0.5) * 1e3:.0f}", f"{late:.0f}", met]
        lines.append(line)
    about = f"Pages over a request log of {rows:,} rows, in milliseconds:"
    return "\n\n".join(
        [about, table(head, lines), f"Measured on {machine()}: {package_versions()}."]
    )


def _measured(database_url: str, given: argparse.Namespace) -> dict[str, list[float]]:
    command = [sys.executable, "-m", "bench.log_pages", str(given.rows), str(given.times)]
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "DATABASE_URL": database_url},
            stdout=subprocess.PIPE,
            text=True,
            timeout=_SECONDS_AT_MOST,
        )
    except subprocess.TimeoutExpired as error:
        raise BenchError(f"It took more than {_SECONDS_AT_MOST} s.") from error
    for line in done.stdout.splitlines():
        if line.startswith(_MARK):
            pages: dict[str, list[float]] = json.loads(line.removeprefix(_MARK))
            return pages
    raise BenchError("The pages could not be measured; the reason is above.")


@contextmanager
def _database_beside(url: str) -> Iterator[str]:
    """The URL of a new database on the same server; it is dropped at the end."""
    import psycopg
    from psycopg import sql

    name = f"koneek_bench_{os.getpid()}"
    parts = urlsplit(url)
    server = urlunsplit(("postgresql", *parts[1:]))
    with closing(psycopg.connect(server, autocommit=True)) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield urlunsplit(parts._replace(path=f"/{name}"))
    finally:
        with closing(psycopg.connect(server, autocommit=True)) as connection:
            drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
            connection.execute(drop.format(sql.Identifier(name)))


if __name__ == "__main__":
    try:
        main()
    except BenchError as error:
        sys.exit(f"bench: {error}")
