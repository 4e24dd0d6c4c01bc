"""Other gateways, from their registries by name, each in its simplest configuration for use.

They are installed into ``bench/.cache``, once, in the versions below. A peer that cannot be
installed or started is left out, and the table says why.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from bench.load import Request
from bench.processes import BenchError, Cores, free_port
from bench.servers import UPSTREAM_KEY, Server, started
from bench.workloads import ALL, PATH, PLAIN, Upstreams, Workload

CACHE = Path(__file__).parent / ".cache"
LITELLM = "1.106.2"
PORTKEY = "1.15.2"
_SECONDS_TO_INSTALL = 600
_MASTER_KEY = "sk-bench-litellm-0123456789"
_LITELLM_NAMES = {"openai": "openai", "anthropic": "anthropic", "google": "gemini"}
# LiteLLM puts Anthropic's version into the path itself, and OpenAI's and Google's not.
_LITELLM_PATHS = {"openai": "/v1", "anthropic": "", "google": "/v1beta"}
_PORTKEY_PATHS = {"openai": "/v1", "anthropic": "/v1", "google": ""}


@contextmanager
def running_litellm(scratch: Path, upstreams: Upstreams, on: Cores) -> Iterator[Server]:
    """LiteLLM's proxy: one worker, a master key, no database.

    https://docs.litellm.ai/docs/proxy/prod
    """
    python = _installed("litellm", LITELLM, _install_litellm) / "bin" / "python"
    configuration = scratch / "litellm.json"  # JSON is YAML
    configuration.write_text(
        json.dumps(
            {
                "model_list": [_litellm_model(each, upstreams) for each in ALL],
                "litellm_settings": {"telemetry": False, "num_retries": 0},
                "general_settings": {"master_key": _MASTER_KEY},
            }
        )
    )
    port = free_port()

    def request(workload: Workload) -> Request:
        headers = {"authorization": f"Bearer {_MASTER_KEY}"}
        return workload.request(f"http://127.0.0.1:{port}{PATH}", workload.name, headers)

    command = [
        *(str(python), "-m", "litellm.proxy.proxy_cli", "--config", str(configuration)),
        *("--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"),
    ]
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(scratch),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_LOG": "ERROR",
        "LITELLM_MODE": "PRODUCTION",
        "NO_PROXY": "127.0.0.1",
    }
    with started("litellm", command, request(PLAIN), on=(on.server,), env=env, scratch=scratch) as (
        process,
        seconds,
    ):
        yield Server("litellm", request, process, seconds)


def _litellm_model(workload: Workload, upstreams: Upstreams) -> dict[str, object]:
    provider = _LITELLM_NAMES[workload.dialect]
    return {
        "model_name": workload.name,
        "litellm_params": {
            "model": f"{provider}/{provider}-simulated",
            "api_base": upstreams.base(workload) + _LITELLM_PATHS[workload.dialect],
            "api_key": UPSTREAM_KEY,
        },
    }


@contextmanager
def running_portkey(scratch: Path, upstreams: Upstreams, on: Cores) -> Iterator[Server]:
    """Portkey's gateway: the upstream is named in each request's headers.

    https://github.com/Portkey-AI/gateway
    """
    node = shutil.which("node")
    if node is None:
        raise BenchError("Portkey's gateway needs Node, and there is none.")
    package = _installed("portkey", PORTKEY, _install_portkey) / "node_modules/@portkey-ai/gateway"
    port = free_port()

    def request(workload: Workload) -> Request:
        headers = {
            "authorization": f"Bearer {UPSTREAM_KEY}",
            "x-portkey-provider": workload.dialect,
            "x-portkey-custom-host": upstreams.base(workload) + _PORTKEY_PATHS[workload.dialect],
        }
        return workload.request(f"http://127.0.0.1:{port}{PATH}", "simulated", headers)

    # It has no option for the address it listens on.
    only_here = str(Path(__file__).with_name("loopback.cjs"))
    command = [
        *(node, "--require", only_here, str(package / "build" / "start-server.js")),
        *(f"--port={port}", "--headless"),
    ]
    env = {"PATH": os.environ["PATH"], "NODE_ENV": "production", "TERM": "dumb"}
    with started("portkey", command, request(PLAIN), on=(on.server,), env=env, scratch=scratch) as (
        process,
        seconds,
    ):
        yield Server("portkey", request, process, seconds)


PEERS: dict[str, Callable[[Path, Upstreams, Cores], AbstractContextManager[Server]]] = {
    "litellm": running_litellm,
    "portkey": running_portkey,
}


def _installed(name: str, version: str, install: Callable[[Path], None]) -> Path:
    """The folder with that version in it, filled now if it has another one or none."""
    folder, mark = CACHE / name, CACHE / f"{name}.version"
    if folder.is_dir() and mark.is_file() and mark.read_text() == version:
        return folder
    print(f"installing {name} {version} into bench/.cache …", file=sys.stderr, flush=True)
    mark.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    install(folder)
    mark.write_text(version)
    return folder


def _install_litellm(folder: Path) -> None:
    _do(sys.executable, "-m", "venv", str(folder))
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    _do(*pip, "--disable-pip-version-check", f"litellm[proxy]=={LITELLM}")


def _install_portkey(folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise BenchError("Portkey's gateway is installed with npm, and there is none.")
    # With a newer one it answers no stream: https://github.com/Portkey-AI/gateway/issues/1389
    pinned = {"overrides": {"@hono/node-server": "1.13.8"}}
    (folder / "package.json").write_text(json.dumps(pinned))
    quiet = ("--no-audit", "--no-fund", "--ignore-scripts", "--loglevel", "error")
    _do(npm, "install", "--prefix", str(folder), *quiet, f"@portkey-ai/gateway@{PORTKEY}")


def _do(*command: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS_TO_INSTALL)
    except subprocess.TimeoutExpired as error:
        raise BenchError(f"It took more than {_SECONDS_TO_INSTALL} s to install.") from error
    if done.returncode:
        raise BenchError(
            f"It could not be installed: {(done.stderr or done.stdout)[-300:].strip()}"
        )
