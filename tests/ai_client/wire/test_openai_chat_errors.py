"""OpenAI's chat dialect: the official SDK, over a socket, raises the class that an error is."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import openai
import pytest
from openai import OpenAI

from ai_client import errors
from ai_client.errors import AiClientError
from ai_client.events import PartDelta, PartKind, PartStart
from ai_client.wire import GatewayFace, RenderContext, WireResponse, openai_chat

GATEWAY: GatewayFace = openai_chat
CONTEXT = RenderContext("req-1", "auto", 1_770_000_000)


class _Server(ThreadingHTTPServer):
    answer = WireResponse(200, b"")
    asked = 0


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        self.server.asked += 1
        self.rfile.read(int(self.headers["content-length"]))
        answer = self.server.answer
        self.send_response(answer.status)
        for name, value in {"content-type": "application/json", **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@contextmanager
def serving() -> Iterator[tuple[_Server, OpenAI]]:
    with _Server(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/v1"
        try:
            with OpenAI(api_key="k", base_url=url, max_retries=1, timeout=30) as client:
                yield server, client
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[_Server, OpenAI]]:
    with serving() as pair:
        yield pair


def ask(client: OpenAI) -> object:
    return client.chat.completions.create(
        model="auto", messages=[{"role": "user", "content": "Hi"}]
    )


ROWS: list[tuple[AiClientError, type[openai.APIStatusError], int, str]] = [
    (errors.InvalidRequest("a", param="n"), openai.BadRequestError, 400, "invalid_request_error"),
    (errors.ContextTooLong("a"), openai.BadRequestError, 400, "invalid_request_error"),
    (errors.UnsupportedFeature("a"), openai.BadRequestError, 400, "invalid_request_error"),
    (errors.ContentFiltered("a"), openai.BadRequestError, 400, "invalid_request_error"),
    (errors.PayloadTooLarge("a"), openai.APIStatusError, 413, "invalid_request_error"),
    (errors.AuthenticationFailed("a"), openai.AuthenticationError, 401, "authentication_error"),
    (errors.PermissionRefused("a"), openai.PermissionDeniedError, 403, "permission_error"),
    (errors.ModelNotFound("a"), openai.NotFoundError, 404, "invalid_request_error"),
    (errors.UpstreamModelMissing("a"), openai.NotFoundError, 404, "invalid_request_error"),
    (errors.QuotaExhausted("a"), openai.RateLimitError, 429, "rate_limit_error"),
    (errors.KeyRejected("a"), openai.InternalServerError, 502, "server_error"),
    (errors.RedirectRefused("a"), openai.InternalServerError, 502, "server_error"),
    (errors.NoConnection("a"), openai.InternalServerError, 503, "server_error"),
]


@pytest.mark.parametrize(("error", "kind", "status", "word"), ROWS)
def test_the_sdk_raises_the_class_and_does_not_ask_again(
    served: tuple[_Server, OpenAI],
    error: AiClientError,
    kind: type[openai.APIStatusError],
    status: int,
    word: str,
) -> None:
    server, client = served
    server.asked, server.answer = 0, GATEWAY.render_error(error, "req-1")
    with pytest.raises(kind) as caught:
        ask(client)
    found = caught.value
    assert type(found) is kind
    assert (found.status_code, found.type, found.code) == (status, word, error.code)
    assert (found.param, found.request_id) == (error.param, "req-1")
    assert found.message.endswith("a")
    assert server.asked == 1


@pytest.mark.parametrize(
    ("error", "kind", "status"),
    [
        (errors.RateLimited("a", retry_after=0.01), openai.RateLimitError, 429),
        (errors.RequestConflict("a"), openai.ConflictError, 409),
        (errors.ServerFailed("a"), openai.InternalServerError, 502),
        (errors.GatewayTimedOut("a"), openai.InternalServerError, 504),
        (errors.Overloaded("a"), openai.InternalServerError, 503),
        (errors.PoolExhausted("a"), openai.InternalServerError, 503),
        (errors.RequestTimeout("a"), openai.APIStatusError, 408),
    ],
)
def test_the_sdk_asks_again_where_that_may_help(
    error: AiClientError, kind: type[openai.APIStatusError], status: int
) -> None:
    answer = GATEWAY.render_error(error, "req-1")
    assert answer.status == status
    assert "x-should-retry" not in answer.headers
    with serving() as (server, client):
        server.answer = WireResponse(answer.status, answer.body, {"retry-after-ms": "1"})
        with pytest.raises(kind):
            ask(client)
        assert server.asked == 2


@pytest.mark.parametrize(("wait", "header"), [(0.2, "1"), (1.0, "1"), (7.01, "8"), (None, None)])
def test_the_wait_is_in_whole_seconds(wait: float | None, header: str | None) -> None:
    answer = GATEWAY.render_error(errors.RateLimited("a", retry_after=wait), "req-1")
    assert answer.headers.get("retry-after") == header


def test_an_unknown_model_is_answered_with_those_that_exist() -> None:
    error = errors.ModelNotFound("There is no model 'x'.", available=("auto", "primary"))
    message = json.loads(GATEWAY.render_error(error, "req-1").body)["error"]["message"]
    assert message == "There is no model 'x'. There is: auto, primary."
    told = errors.ModelNotFound("No 'x', but auto and primary.", available=("auto", "primary"))
    message = json.loads(GATEWAY.render_error(told, "req-1").body)["error"]["message"]
    assert message == "No 'x', but auto and primary."


def test_an_error_in_a_stream_raises_instead_of_ending_it(served: tuple[_Server, OpenAI]) -> None:
    server, client = served
    renderer = GATEWAY.StreamRenderer(CONTEXT)
    body = renderer.feed(PartStart(0, PartKind.TEXT)) + renderer.feed(PartDelta(0, "Hel"))
    body += renderer.error(errors.StreamTruncated("The stream broke."))
    server.answer = WireResponse(200, body, {"content-type": "text/event-stream"})
    stream = client.chat.completions.create(
        model="auto", messages=[{"role": "user", "content": "Hi"}], stream=True
    )
    assert next(stream).choices[0].delta.content == "Hel"
    with pytest.raises(openai.APIError) as caught:
        next(stream)
    assert caught.value.message == "The stream broke."
    assert (caught.value.code, caught.value.type) == ("stream_truncated", "server_error")
    stream.close()
