"""Anthropic's dialect: the official SDK, over a socket, raises the class that an error is."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import anthropic
import pytest

from ai_client import errors
from ai_client.errors import AiClientError
from ai_client.wire import (
    ClientFace,
    GatewayFace,
    WireResponse,
    anthropic_messages,
    result_gateway_face,
)

GATEWAY: GatewayFace = anthropic_messages
CLIENT: ClientFace = anthropic_messages


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
def serving() -> Iterator[tuple[_Server, anthropic.Anthropic]]:
    with _Server(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        try:
            with anthropic.Anthropic(
                api_key="k", base_url=url, max_retries=1, timeout=30
            ) as client:
                yield server, client
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[_Server, anthropic.Anthropic]]:
    with serving() as pair:
        yield pair


def ask(client: anthropic.Anthropic) -> object:
    return client.messages.create(
        model="auto", max_tokens=1, messages=[{"role": "user", "content": "Hi"}]
    )


def every_kind(kind: type[AiClientError] = AiClientError) -> Iterator[type[AiClientError]]:
    yield kind
    for each in kind.__subclasses__():
        if each.__module__ == errors.__name__:
            yield from every_kind(each)


CLASSES: dict[int, type[anthropic.APIStatusError]] = {
    400: anthropic.BadRequestError,
    401: anthropic.AuthenticationError,
    403: anthropic.PermissionDeniedError,
    404: anthropic.NotFoundError,
    405: anthropic.APIStatusError,
    408: anthropic.RequestTimeoutError,
    409: anthropic.ConflictError,
    413: anthropic.ContentTooLargeError,
    429: anthropic.RateLimitError,
    500: anthropic.InternalServerError,
    502: anthropic.InternalServerError,
    503: anthropic.ServiceUnavailableError,
    504: anthropic.GatewayTimeoutError,
}
OWN_TYPES = {
    errors.AuthenticationFailed: "authentication_error",
    errors.PermissionRefused: "permission_error",
    errors.ModelNotFound: "not_found_error",
    errors.KeyLimitReached: "rate_limit_error",
    errors.BudgetExhausted: "rate_limit_error",
    errors.RateLimited: "rate_limit_error",
    errors.QuotaExhausted: "billing_error",
    errors.Overloaded: "overloaded_error",
    errors.NoConnection: "api_error",
    errors.KeyRejected: "api_error",
    errors.RequestTimeout: "timeout_error",
    errors.HeadersTimedOut: "timeout_error",
    errors.PayloadTooLarge: "request_too_large",
    errors.ContentFiltered: "invalid_request_error",
    errors.RequestConflict: "conflict_error",
}


def made(kind: type[AiClientError]) -> AiClientError:
    if issubclass(kind, errors.KeyLimitReached):
        return kind("a", retry_after=0.01)
    return kind("a")


@pytest.mark.parametrize("kind", list(dict.fromkeys(every_kind())), ids=lambda kind: kind.__name__)
def test_the_sdk_raises_the_class_of_every_error(
    served: tuple[_Server, anthropic.Anthropic], kind: type[AiClientError]
) -> None:
    server, client = served
    error = made(kind)
    answer = GATEWAY.render_error(error, "req-1")
    assert answer.headers["x-request-id"] == "req-1"
    server.asked, server.answer = 0, answer
    with pytest.raises(anthropic.APIStatusError) as caught:
        ask(client.with_options(max_retries=0))
    found = caught.value
    assert type(found) is CLASSES[error.status]
    assert (found.status_code, found.error_code) == (error.status, error.code)
    assert (found.request_id, found.api_message) == ("req-1", "a")
    if kind in OWN_TYPES:
        assert found.type == OWN_TYPES[kind]


@pytest.mark.parametrize(
    ("error", "asked"),
    [
        (errors.InvalidRequest("a"), 1),
        (errors.QuotaExhausted("a"), 1),
        (errors.KeyRejected("a"), 1),
        (errors.NoConnection("a"), 1),
        (errors.BudgetExhausted("a", retry_after=0.01), 1),
        (errors.KeyLimitReached("a", retry_after=3600), 1),
        (errors.KeyLimitReached("a", retry_after=0.01), 2),
        (errors.RateLimited("a"), 2),
        (errors.ServerFailed("a"), 2),
    ],
)
def test_the_sdk_asks_again_only_where_that_may_help(error: AiClientError, asked: int) -> None:
    answer = GATEWAY.render_error(error, "req-1")
    quickly = {name: value for name, value in answer.headers.items() if name != "retry-after"}
    with serving() as (server, client):
        server.answer = WireResponse(answer.status, answer.body, {**quickly, "retry-after-ms": "1"})
        with pytest.raises(anthropic.APIStatusError):
            ask(client)
        assert server.asked == asked


def test_limits_of_a_key_are_told_in_headers() -> None:
    error = errors.KeyLimitReached(
        "Too many.", retry_after=12.3, headers={"x-ratelimit-remaining-requests": "0"}
    )
    for face in (GATEWAY, result_gateway_face("anthropic_count_tokens")):
        headers = face.render_error(error, "req-1").headers
        assert headers["retry-after"] == "13"
        assert headers["x-ratelimit-remaining-requests"] == "0"
        assert "x-should-retry" not in headers


def test_a_model_that_is_not_there_is_told_with_those_that_are() -> None:
    error = errors.ModelNotFound("No 'x'.", available=("auto", "claude"))
    body = json.loads(GATEWAY.render_error(error, "req-1").body)
    assert body["error"]["message"] == "No 'x'. There is: auto, claude."
    assert body["error"]["details"] == {"error_code": "model_not_found", "param": "model"}


@pytest.mark.parametrize(
    "kind",
    [
        errors.ContextTooLong,
        errors.ContentFiltered,
        errors.QuotaExhausted,
        errors.RateLimited,
        errors.Overloaded,
    ],
)
def test_a_gateway_behind_this_one_is_understood(kind: type[AiClientError]) -> None:
    answer = GATEWAY.render_error(kind("Why."), "req-1")
    error = CLIENT.parse_error(answer.status, answer.headers, answer.body)
    assert type(error) is kind
    assert "Why." in error.message
