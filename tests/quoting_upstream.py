"""An upstream that refuses every prompt and repeats it, as servers do that validate their input."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

STATUSES = (400, 422, 413, 429, 500, 503, 200)
"""As what it refuses; 200 is an error inside a stream or an answer. The path's first part."""

WAYS = ("text", "json", "repr", "param", "code")
"""How it repeats it; the path's second part."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        _, status, way, *_ = self.path.split("/")
        text = _prompt(body)
        said = {"json": json.dumps(body["messages"]), "repr": repr(body["messages"])}
        error = {
            "type": "server_error" if status >= "429" else "invalid_request_error",
            "message": f"Sorry, this is no good: {said.get(way, text)}",
            "param": text if way == "param" else None,
            "code": text if way == "code" else None,
        }
        answer = json.dumps({"type": "error", "error": error})
        streams = status == "200" and body.get("stream")
        kind = "text/event-stream" if streams else "application/json"
        data = (f"event: error\ndata: {answer}\n\n" if streams else answer).encode()
        self.send_response(int(status))
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Nothing."""


def _prompt(body: dict[str, Any]) -> str:
    content = body["messages"][-1]["content"]
    return content if isinstance(content, str) else str(content[0]["text"])


@contextmanager
def quoting_upstream() -> Iterator[str]:
    """It, running; its origin."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), name="quote")
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
