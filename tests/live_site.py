"""The site on a real socket, with the simulator behind it: what tests of the whole use.

``site`` is a running server with an empty configuration and a gateway key; ``site.connect`` sets
its chain, ``site.rows`` reads its request log. The server runs in a thread of this process, the
simulator in another.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import openai
import pytest
import uvicorn

from ai_client.client import site_client
from ai_client.configuration import configuration
from ai_client.gateway.default import default_gateway
from ai_client.key_services import create_gateway_key
from ai_client.limits.books import default_books
from ai_client.limits.default import close_limits, default_limits
from ai_client.log.writer import default_writer
from ai_client.models import RequestLog
from ai_client.refusals import default_refusals
from ai_client.simulator.server import Simulator, running_simulator
from connectors.services import apply_connections

UPSTREAM_KEY = "sk-canary-upstream-key-0123456789abcdef"
SECONDS_TO_START = 60.0

DIALECTS = {
    "openai_chat": ("openai", "/v1", "gpt-simulated"),
    "anthropic_messages": ("anthropic", "", "claude-simulated"),
    "google_generate": ("google", "", "gemini-simulated"),
}
"""Per upstream dialect: provider, path of the base URL at the simulator, model."""


@dataclass(slots=True)
class Site:
    """A running site. ``base_url`` is its origin, ``key`` a valid gateway key."""

    base_url: str
    key: str
    simulator: Simulator
    clients: ExitStack = field(default_factory=ExitStack)
    """The SDK clients handed out, to be closed with the site."""

    def upstream(
        self, dialect: str, *, name: str = "", failure: str = "", **more: Any
    ) -> dict[str, Any]:
        """A connection to the simulator in ``dialect``, failing as ``failure`` says."""
        provider, path, model = DIALECTS[dialect]
        prefix = f"/fail/{failure}" if failure else ""
        return {
            "name": name or f"{provider}-{failure or 'works'}".replace("@", "-").replace(".", "-"),
            "provider": provider,
            "base_url": f"http://127.0.0.1:{self.simulator.port}{prefix}{path}",
            "api_key": UPSTREAM_KEY,
            "model": model,
            **more,
        }

    def connect(self, *chain: dict[str, Any]) -> None:
        """Make ``chain`` the site's connections, in this order of priority."""
        ordered = [{**each, "priority": place} for place, each in enumerate(chain, start=1)]
        apply_connections(ordered, prune=True)

    def rows(self) -> list[RequestLog]:
        """The request log, oldest first."""
        default_writer().drain_once()
        return list(RequestLog.objects.order_by("id"))

    def row(self) -> RequestLog:
        """The one request that was logged."""
        (row,) = self.rows()
        return row

    def sdk(self, **options: Any) -> openai.OpenAI:
        """The official SDK, pointed at this site; retries off unless asked for."""
        client = openai.DefaultHttpxClient(verify=False)
        given = {"http_client": client, **self._options(options)}
        return self.clients.enter_context(openai.OpenAI(**given))

    def async_sdk(self, **options: Any) -> openai.AsyncOpenAI:
        """As ``sdk``, awaiting."""
        client = openai.DefaultAsyncHttpxClient(verify=False)
        return openai.AsyncOpenAI(**{"http_client": client, **self._options(options)})

    def _options(self, options: dict[str, Any]) -> dict[str, Any]:
        # There is no TLS here; without ``verify`` each client would read all certificates.
        given = {"base_url": f"{self.base_url}/v1", "api_key": self.key, "max_retries": 0}
        return given | options


class _PromptServer(uvicorn.Server):
    """Ends at once: uvicorn's own looks and waits in steps of a tenth of a second."""

    async def main_loop(self) -> None:
        # ``should_exit`` is set by another thread, so there is no event to wait for.
        while not await self.on_tick(0):  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        while self.server_state.connections or self.server_state.tasks:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        await self.lifespan.shutdown()


@contextmanager
def serving(application: Any) -> Iterator[str]:
    """An ASGI application on a free port of this machine; its origin."""
    server = _PromptServer(
        uvicorn.Config(application, host="127.0.0.1", port=0, log_config=None, ws="none")
    )
    thread = threading.Thread(target=server.run, name="site", daemon=True)
    thread.start()
    until = time.monotonic() + SECONDS_TO_START
    while not server.started:
        assert thread.is_alive(), "The server ended before it began."
        assert time.monotonic() < until, "The server did not start."
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(SECONDS_TO_START)


def forget_this_process() -> None:
    """A process that has just begun: no snapshot, no health states, no client."""
    configuration().forget()
    site_client.cache_clear()
    default_refusals.cache_clear()
    default_gateway.cache_clear()
    close_limits()
    default_limits.cache_clear()
    default_books.cache_clear()


@pytest.fixture(scope="session")
def simulator() -> Iterator[Simulator]:
    """Stand-in upstreams in all dialects."""
    with running_simulator() as running:
        yield running


@pytest.fixture
def allow_local(settings: Any) -> None:
    """Let upstreams be on this machine."""
    settings.AI_CLIENT = {**settings.AI_CLIENT, "ALLOW_PRIVATE_HOSTS": ["127.0.0.1"]}


@pytest.fixture
def site(transactional_db: None, allow_local: None, simulator: Simulator) -> Iterator[Site]:
    """The site, served by uvicorn through its own ASGI application."""
    from koneek_site.asgi import application

    simulator.clear()
    forget_this_process()
    default_writer().drain_once()
    RequestLog.objects.all().delete()
    _, key = create_gateway_key("tests")
    with serving(application) as base_url:
        site = Site(base_url, key, simulator)
        with site.clients:
            yield site
    forget_this_process()


@contextmanager
def refused_address() -> Iterator[str]:
    """``host:port`` on which nobody listens, kept from others meanwhile."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{reserved.getsockname()[1]}"
