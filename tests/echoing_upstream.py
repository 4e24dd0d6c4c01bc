"""An upstream that repeats the credentials it got in everything it says, in all three dialects."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CREDENTIALS = ("authorization", "x-api-key", "x-goog-api-key")

WAYS = (
    *("400", "401", "403", "404", "409", "413", "422", "429", "500", "503"),
    *("text", "html", "redirect", "inside-200", "first-event", "later-event", "not-json", "cut"),
)
"""How it says it; the first part of the path."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        said = " ".join(self.headers.get(name, "") for name in CREDENTIALS).strip()
        key = said.removeprefix("Bearer ")
        way = self.path.split("/")[1]
        error = {
            "type": f"invalid {key}",
            "code": f"key {key}",
            "param": key,
            "message": f"The key {key} ({said}) is bad, https://host/?key={key} says.",
            "status": key,
        }
        body = json.dumps({"type": "error", "error": error})
        match way:
            case "text":
                self._say(400, "text/plain", f"Bad {said}")
            case "html":
                self._say(200, "text/html", f"<html><p>{said}</p></html>")
            case "redirect":
                self._say(302, "text/plain", said, location=f"http://127.0.0.1:9/?key={key}")
            case "inside-200":
                self._say(200, "application/json", body)
            case "first-event":
                self._say(200, "text/event-stream", f"event: error\ndata: {body}\n\n")
            case "later-event":
                content = _CONTENT + f"event: error\ndata: {body}\n\n"
                self._say(200, "text/event-stream", content)
            case "not-json":
                self._say(200, "application/json", said)
            case "cut":
                self._say(200, "application/json", body[:-2])
            case status:
                self._say(int(status), "application/json", body)

    def _say(self, status: int, content_type: str, text: str, **more: str) -> None:
        said = " ".join(self.headers.get(name, "") for name in CREDENTIALS).strip()
        data = text.encode()
        self.send_response(status, said)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(data)))
        self.send_header("x-request-id", said)
        self.send_header("retry-after", said)
        for name, value in more.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Nothing."""


# The beginning of an answer in each dialect; a dialect passes over what is none of its own.
_CONTENT = 'data: {"choices": [{"index": 0, "delta": {"content": "Hi"}}]}\n\n'


@contextmanager
def echoing_upstream() -> Iterator[str]:
    """It, running; its origin."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), name="echo")
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
