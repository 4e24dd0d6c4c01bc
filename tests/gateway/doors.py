"""Servers for Django's own handlers, which know nothing of the gateway's ASGI door."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from ai_client.client import default_client
from ai_client.gateway.lifespan import Lifespan
from tests.live_site import serving

DOORS = ("own", "asgi", "wsgi")
"""The gateway's ASGI door, and Django's view under ASGI and under WSGI."""


class ThreadedServer(ThreadingMixIn, WSGIServer):
    """wsgiref's server, with a thread per connection."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that left is no news."""


class QuietHandler(WSGIRequestHandler):
    """Keeps requests out of the test's output."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Nothing."""

    def get_stderr(self) -> Any:
        return io.StringIO()


@contextmanager
def serving_wsgi(application: Any) -> Iterator[str]:
    """A WSGI application on a free port of this machine; its origin."""
    with make_server("127.0.0.1", 0, application, ThreadedServer, QuietHandler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), name="wsgi-site")
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


async def django_until_shutdown(scope: Any, receive: Any, send: Any) -> None:
    """Django's handler, which has no end of its own, so that the test closes its sockets."""
    from koneek_site.asgi import django_application

    if scope["type"] == "lifespan":
        await Lifespan()(scope, receive, send)
    else:
        await django_application(scope, receive, send)


@contextmanager
def serving_door(door: str) -> Iterator[str]:
    """The site behind one of the doors; its origin."""
    if door == "wsgi":
        from koneek_site.wsgi import application as wsgi

        with serving_wsgi(wsgi) as origin:
            yield origin
        default_client().engine.close()
        return
    from koneek_site.asgi import application

    with serving(application if door == "own" else django_until_shutdown) as origin:
        yield origin
