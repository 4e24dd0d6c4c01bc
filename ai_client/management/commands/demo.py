"""The main job, shown on this machine: a chain whose first two connections fail."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from importlib.util import find_spec
from typing import Any

import orjson
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, no_translations

from ai_client.configuration import configuration
from ai_client.key_services import create_gateway_key
from ai_client.log.writer import default_writer
from ai_client.management.local_site import allow_private_hosts, asgi_path
from ai_client.models import RequestLog
from ai_client.simulator.server import running_simulator
from connectors.models import Connection
from connectors.services import apply_connections

QUESTION = "Why is the sky blue?"
SECONDS_TO_START = 20.0


class Command(BaseCommand):
    """``python manage.py demo``; ``make demo`` gives it a database of its own."""

    help = (
        "Run a request through a chain of simulated upstreams: the first refuses connections, the "
        "second answers 500, the third speaks another dialect and answers."
    )

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        if find_spec("uvicorn") is None:
            raise CommandError("demo needs uvicorn: pip install 'uvicorn[standard]'")
        logging.getLogger("uvicorn").setLevel(logging.WARNING)
        call_command("migrate", verbosity=0, skip_checks=True)
        if Connection.objects.exists():
            raise CommandError(
                "This database has connections of its own, which the demo would mix with. Run "
                "'make demo', or give it another one: DATABASE_URL=sqlite:////tmp/demo.sqlite3"
            )
        with running_simulator() as simulator, refusing_address() as refusing:
            upstream = f"127.0.0.1:{simulator.port}"
            allow_private_hosts(upstream, refusing)
            apply_connections(chain(upstream, refusing))
            _, key = create_gateway_key("demo")
            with served() as port:
                self._show_chain()
                self._ask(port, key, stream=False)
                self._ask(port, key, stream=True)

    def _show_chain(self) -> None:
        self.stdout.write("The chain, by priority:")
        for each in configuration().current().connections:
            self.stdout.write(
                f"  {each.priority}. {each.name:<9} {each.provider.name:<10} "
                f"{each.provider.wire:<19} model {each.model}"
            )

    def _ask(self, port: int, key: str, *, stream: bool) -> None:
        self.stdout.write(
            f"\nPOST /v1/chat/completions  {'streamed' if stream else 'plain'}: {QUESTION!r}"
        )
        body = {
            "model": "auto",
            "stream": stream,
            "messages": [{"role": "user", "content": QUESTION}],
        }
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        caller = HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            caller.request("POST", "/v1/chat/completions", orjson.dumps(body), headers)
            response = caller.getresponse()
            if response.status != 200:
                raise CommandError(f"{response.status}: {response.read().decode()}")
            text = _streamed(response) if stream else _plain(response.read())
        finally:
            caller.close()
        self._show_attempts(response.headers["x-request-id"])
        self.stdout.write(f"  answer: {text}")

    def _show_attempts(self, request_id: str) -> None:
        default_writer().flush()
        row = RequestLog.objects.get(request_id=request_id)
        for number, attempt in enumerate(row.attempts, start=1):
            reason = "answered" if attempt["class"] == "ok" else attempt["message"]
            self.stdout.write(
                f"  attempt {number}: {attempt['connection']:<9} {attempt['ms']:>8.1f} ms  "
                f"{attempt['class']:<20} {reason}"
            )
        self.stdout.write(
            f"  in all: {row.total_ms:.1f} ms, {row.prompt_tokens} + {row.completion_tokens} tokens"
        )


def chain(upstream: str, refusing: str) -> list[dict[str, Any]]:
    """Three connections: nobody listens, a server error, and an answer in Anthropic's dialect."""
    return [
        {
            "name": "first",
            "provider": "openai",
            "base_url": f"http://{refusing}/v1",
            "api_key": "simulated-key",
            "model": "gpt-simulated",
            "priority": 1,
        },
        {
            "name": "second",
            "provider": "google",
            "base_url": f"http://{upstream}/fail/status-500",
            "api_key": "simulated-key",
            "model": "gemini-simulated",
            "priority": 2,
        },
        {
            "name": "third",
            "provider": "anthropic",
            "base_url": f"http://{upstream}",
            "api_key": "simulated-key",
            "model": "claude-simulated",
            "priority": 3,
        },
    ]


@contextmanager
def refusing_address() -> Iterator[str]:
    """An address on which nobody listens, kept from others meanwhile."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{reserved.getsockname()[1]}"


@contextmanager
def served() -> Iterator[int]:
    """The site on a free port of this machine: the port."""
    import uvicorn

    server = uvicorn.Server(
        uvicorn.Config(asgi_path(), host="127.0.0.1", port=0, log_config=None, ws="none")
    )
    thread = threading.Thread(target=server.run, name="demo-site", daemon=True)
    thread.start()
    until = time.monotonic() + SECONDS_TO_START
    while not server.started:
        if not thread.is_alive() or time.monotonic() > until:
            raise CommandError("The site did not start.")
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield port
    finally:
        server.should_exit = True
        thread.join(SECONDS_TO_START)


def _plain(body: bytes) -> str:
    text: str = orjson.loads(body)["choices"][0]["message"]["content"]
    return text


def _streamed(lines: Iterable[bytes]) -> str:
    """The pieces of the answer as they came, a bar between two."""
    chunks = [
        orjson.loads(data)
        for line in lines
        if (data := line.strip().removeprefix(b"data: ")).startswith(b"{")
    ]
    pieces = [choice["delta"].get("content") for chunk in chunks for choice in chunk["choices"]]
    return "|".join(piece for piece in pieces if piece)
