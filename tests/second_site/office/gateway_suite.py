"""What the office expects of the gateway below its prefix, asked through its WSGI server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any
from urllib.request import Request, urlopen
from wsgiref.simple_server import WSGIRequestHandler, make_server

from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import TransactionTestCase

from ai_client.key_services import create_gateway_key
from ai_client.log.writer import default_writer
from ai_client.models import RequestLog
from ai_client.simulator import running_simulator
from office.wsgi import application

PAGE = "/back-office/lines/"
KEY = "sk-canary-office-0123456789"


class QuietHandler(WSGIRequestHandler):
    """Keeps requests out of the suite's output."""

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@contextmanager
def served() -> Iterator[str]:
    """The office on a free port of this machine; its origin."""
    with make_server("127.0.0.1", 0, application, handler_class=QuietHandler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class GatewayUnderWsgi(TransactionTestCase):
    """A connection made on the page answers a program outside and code inside."""

    def setUp(self) -> None:
        simulator = self.enterContext(running_simulator(require_key=KEY))
        self.client.force_login(User.objects.create_superuser("alice"))
        typed = {
            "provider": "openai",
            "fields_for": "openai",
            "name": "upstairs",
            "base_url": f"http://127.0.0.1:{simulator.port}/v1",
            "api_key": KEY,
            "model": "gpt-simulated",
            "timeout": "20",
            "enabled": "on",
        }
        answer = self.client.post(f"{PAGE}new/", typed)
        self.assertEqual(answer.status_code, 302, answer.content.decode())

    def ask(self, origin: str, **more: Any) -> bytes:
        """What the gateway answers to a greeting."""
        _, key = create_gateway_key("reception")
        body = {"model": "auto", "messages": [{"role": "user", "content": "Hello there"}], **more}
        request = Request(
            f"{origin}/ai/v1/chat/completions",
            json.dumps(body).encode(),
            {"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        )
        with urlopen(request, timeout=20) as answer:
            self.assertEqual(answer.headers["x-koneek-connection"], "upstairs")
            content: bytes = answer.read()
        return content

    def test_a_request_is_answered_and_logged(self) -> None:
        with served() as origin:
            answer = json.loads(self.ask(origin))
        self.assertEqual(answer["choices"][0]["message"]["content"], "Echo: Hello there")
        default_writer().drain_once()
        row = RequestLog.objects.get()
        self.assertEqual((row.connection, row.status), ("upstairs", 200))

    def test_a_stream_arrives_with_its_end(self) -> None:
        with served() as origin:
            lines = self.ask(origin, stream=True).decode().split("\n\n")
        self.assertIn("data: [DONE]", lines)
        self.assertIn("there", "".join(lines))

    def test_code_of_the_office_asks_without_http_in_between(self) -> None:
        said = StringIO()
        call_command("ask", "Hello there", stdout=said)
        self.assertEqual(said.getvalue().strip(), "Echo: Hello there")

    def test_the_page_says_who_answers(self) -> None:
        answer = self.client.get(PAGE)
        self.assertContains(answer, "<strong>upstairs</strong> answers now, with gpt-simulated.")
        self.assertNotContains(answer, KEY)
