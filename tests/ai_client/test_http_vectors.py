"""How requests are made and failures told, beside what the PHP AI Client does.

Where we differ the row is in ``DIFFERENT``, with what is done here instead.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from ai_client.addresses import AllowList
from ai_client.endpoints import endpoint, upstream_headers
from ai_client.errors import ConnectFailed, UpstreamError
from ai_client.exchange import Chunk, End, Open
from ai_client.messages import RequestOptions
from ai_client.providers import Provider
from ai_client.snapshot import ConnectionConfig
from ai_client.transport.guard import Guard
from ai_client.transport.sync_engine import HttpxEngine
from ai_client.wire import WireRequest, client_face
from tests.ai_client.vectors import Row, rows
from tests.upstreams import refused_port

DIFFERENT = {
    "get_data_becomes_query": "a query holds texts; there are no nested ones",
    "post_without_content_type_is_form": "bodies are JSON",
    "post_form": "bodies are JSON",
    "post_empty_data_json": "an empty object is {}",
    "post_null_body": "bodies are JSON",
    "delete_drops_body": "nothing is deleted upstream",
    "delete_data_is_not_query": "nothing is deleted upstream",
    "put_patch_have_body": "the vendors' APIs take POST",
    "header_lookup_case_insensitive": "a comma does not split a header, so a key may have one",
    "transport_options_ignored_by_plain_client": "a timeout always holds",
    "provider_url_3": "a slash at the end of the base URL is not doubled",
    "provider_url_4": "a connection without an address is never asked",
    "extract_error_3": "an empty explanation is replaced by words of our own",
    "extract_error_7": "an explanation that is a list is shown as it came",
    "extract_error_10": "an empty explanation is replaced by words of our own",
}


def of(*operations: str) -> list[Any]:
    return rows("http_misc", lambda given: given["op"] in operations)


def connection(base_url: str, key: str = "k1", **headers: str) -> ConnectionConfig:
    provider = Provider(slug="fake", name="Fake", wire="openai_chat", headers=headers)
    return ConnectionConfig("1", "one", provider, "m", base_url, api_key=key)


def test_every_difference_is_of_a_row() -> None:
    assert DIFFERENT.keys() <= {each["name"] for row in of(*_operations()) for each in row.values}


def _operations() -> set[str]:
    return {each["input"]["op"] for row in rows("http_misc", bool) for each in row.values}


@pytest.mark.parametrize("row", of("request"))
def test_a_request_is_json_or_a_question(row: Row) -> None:
    given, expected = row["input"], row["expected"]
    data = given.get("data")
    base, _, path = given["uri"].rpartition("/")
    if given["method"] == "GET":
        texts = {key: value for key, value in data.items() if isinstance(value, str)}
        asked = endpoint(connection(base), WireRequest(path, {}, query=texts, method="GET"))
        assert asked.startswith(given["uri"])
        # In the words of PHP as far as it goes: a space is a plus.
        assert set(urlsplit(asked).query.split("&")) <= set(
            urlsplit(expected["uri"]).query.split("&")
        )
        assert dict(parse_qsl(urlsplit(asked).query)) == texts
        return
    body = data if isinstance(data, dict) else {}
    wire = WireRequest(path, body)
    assert endpoint(connection(base), wire) == given["uri"]
    assert upstream_headers(connection(base), wire)["content-type"] == "application/json"
    if row["name"] not in DIFFERENT:
        assert wire.method == given["method"]
        assert json.loads(expected["body"]) == wire.body


@pytest.mark.parametrize("row", of("merge_options"))
def test_a_request_has_options_in_one_place(row: Row) -> None:
    """PHP merges two, the call's winning; who asks here says it once."""
    given = row["input"].get("parameter") or row["input"].get("request")
    made = RequestOptions.from_dict(given).to_dict() if given else None
    assert made == row["expected"]["merged"]


@pytest.mark.parametrize("row", of("header"))
def test_a_header_is_sent_as_it_is(row: Row) -> None:
    (value,) = row["input"]["headers"].values()
    sent = upstream_headers(connection("https://e.com", key=value), WireRequest("a", {}))
    assert sent["authorization"] == f"Bearer {row['expected']['asString']}"


@pytest.mark.parametrize("row", of("provider_url"))
def test_an_address_is_put_together(row: Row) -> None:
    base, path = row["input"]["base"], row["input"]["path"]
    made = endpoint(connection(base), WireRequest(path, {}, method="GET"))
    assert made == f"{base.rstrip('/')}/{path}"


@pytest.mark.parametrize("row", of("extract_error"))
def test_an_upstreams_explanation_is_found(row: Row) -> None:
    expected = row["expected"]["message"]
    body = json.dumps(row["input"]["data"]).encode()
    error = client_face("openai_chat").parse_error(400, {}, body)
    nothing = client_face("openai_chat").parse_error(400, {}, b"{}")
    if row["name"] == "extract_error_7":
        assert error.message == '["x"]'
    elif expected:
        assert error.message.endswith(expected)
    else:
        assert error.message == nothing.message
        assert error.message


class _Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        server: Any = self.server
        body = self.rfile.read(int(self.headers["content-length"]))
        server.asked.append((self.path, dict(self.headers.items()), body))
        said = server.said["body"].encode()
        self.send_response(server.said["statusCode"])
        for name, values in server.said.get("headers", {}).items():
            for value in values:
                self.send_header(name, value)
        self.send_header("content-length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: object) -> None:
        return None


@contextmanager
def answering(said: dict[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    """An upstream that says this, and what it was asked."""
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), _Answering)
    server.asked, server.said = [], said
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", server.asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def guard() -> Guard:
    return Guard(lambda: AllowList.parse(("127.0.0.1",)))


def step(base: str, request: dict[str, Any]) -> Open:
    headers = {name.lower(): ", ".join(values) for name, values in request["headers"].items()}
    path = urlsplit(request["uri"]).path
    options = request.get("options", {})
    return Open(
        request["method"],
        base + path,
        headers,
        request["body"].encode(),
        timeout=options.get("timeout", 10.0),
        connect_timeout=5.0,
        pool_timeout=5.0,
    )


@pytest.mark.parametrize("row", of("transport"))
def test_bytes_are_moved(row: Row) -> None:
    given, expected = row["input"], row["expected"]
    if "fail" in given:
        with refused_port() as port, closing(HttpxEngine(guard())) as engine:
            failed = engine.open(step(f"http://127.0.0.1:{port}", given["request"]))
        assert isinstance(failed, ConnectFailed)
        return
    with answering(given["answer"]) as (base, asked), closing(HttpxEngine(guard())) as engine:
        exchange = engine.open(step(base, given["request"]))
        assert not isinstance(exchange, UpstreamError)
        body = b""
        while not isinstance(reply := exchange.read(5.0), End):
            assert isinstance(reply, Chunk)
            body += reply.data
        exchange.close()
    ((path, headers, sent),) = asked
    assert path == urlsplit(expected["sent"]["uri"]).path
    assert sent.decode() == expected["sent"]["body"]
    received = {name.lower(): value for name, value in headers.items()}
    for name, values in expected["sent"]["headers"].items():
        if name != "Host":
            assert received[name.lower()] == ", ".join(values)
    assert exchange.opened.status == expected["response"]["statusCode"]
    assert body.decode() == expected["response"]["body"]
