"""What was measured on, without anything by which the machine could be found."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from bench import nginx

_PACKAGES = ("django", "uvicorn", "uvloop", "httptools", "aiohttp", "orjson")


def machine() -> str:
    """Cores, CPU, system and Python."""
    count = len(os.sched_getaffinity(0))
    return (
        f"{count} cores of {_cpu()}, {platform.system()}, "
        f"{platform.python_implementation()} {platform.python_version()}"
    )


def package_versions() -> str:
    """Our own packages'."""
    return ", ".join(f"{name} {version(name)}" for name in _PACKAGES)


def versions(others: Iterable[str] = ()) -> str:
    """What took part, our own packages first."""
    tools = [_tool("nginx", nginx.path(), "-v"), _tool("wrk", shutil.which("wrk"), "-v")]
    return ", ".join([package_versions(), *tools, *others])


def node_version() -> str:
    """Node's, with its name."""
    return _tool("Node", shutil.which("node"), "--version")


def _tool(name: str, path: str | None, option: str) -> str:
    if path is None:
        return f"no {name}"
    done = subprocess.run([path, option], capture_output=True, text=True, timeout=10)
    found = re.search(r"\d+(\.\d+)+", done.stdout + done.stderr)
    return f"{name} {found[0]}" if found else name


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()
