"""An upstream that answers as a test tells it, in all dialects, and remembers what it was sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.live_site import DIALECTS, UPSTREAM_KEY


@dataclass(slots=True)
class Told:
    """``answers`` are given in order, then refusals that say nothing is planned."""

    origin: str = ""
    answers: list[tuple[int, Any]] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)

    def will_say(self, status: int, body: Any) -> None:
        """The next answer."""
        self.answers.append((status, body))

    def connection(self, dialect: str, name: str, **more: Any) -> dict[str, Any]:
        """A connection to it."""
        provider, path, model = DIALECTS[dialect]
        return {
            "name": name,
            "provider": provider,
            "base_url": f"{self.origin}{path}",
            "api_key": UPSTREAM_KEY,
            "model": model,
            **more,
        }


@contextmanager
def told_upstream() -> Iterator[Told]:
    """It, running."""
    told = Told()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            told.bodies.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            status, body = told.answers.pop(0) if told.answers else (418, {"error": "unplanned"})
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), name="told")
        thread.start()
        told.origin = f"http://127.0.0.1:{server.server_port}"
        try:
            yield told
        finally:
            server.shutdown()
            thread.join()
