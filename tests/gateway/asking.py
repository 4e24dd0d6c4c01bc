"""Asking the gateway through the official SDK, and finding out what that left behind."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import openai
import orjson

from ai_client.client import default_client
from ai_client.errors import ConnectFailed, RequestConflict
from ai_client.health import Health, Standing
from ai_client.snapshot import ConnectionConfig
from tests.gateway.failure_table import STREAM
from tests.live_site import UPSTREAM_KEY, Site

HELLO: Any = [{"role": "user", "content": "Hello there"}]
ECHO = "Echo: Hello there"

NEXT = {
    "openai_chat": "anthropic_messages",
    "anthropic_messages": "google_generate",
    "google_generate": "openai_chat",
}
"""The dialect of the second connection, which always is another one."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A whole answer: its text, and what the gateway's headers say of it."""

    text: str
    attempts: str | None
    connection: str | None


def ask(sdk: openai.OpenAI, mode: str, *, model: str = "auto", messages: Any = HELLO) -> Answered:
    """The answer, read to its end; the SDK's exception where there is none."""
    create = sdk.chat.completions.with_raw_response.create
    if mode == STREAM:
        streamed = create(model=model, messages=messages, stream=True)
        text = "".join(
            choice.delta.content or "" for chunk in streamed.parse() for choice in chunk.choices
        )
        headers = streamed.headers
    else:
        whole = create(model=model, messages=messages)
        text = whole.parse().choices[0].message.content or ""
        headers = whole.headers
    return Answered(text, headers.get("x-koneek-attempts"), headers.get("x-koneek-connection"))


@contextmanager
def calling(site: Site, mode: str) -> Iterator[socket.socket]:
    """A call that is not waited for: the caller's socket, closed when the block ends."""
    body = orjson.dumps({"model": "auto", "messages": HELLO, "stream": mode == STREAM})
    url = urlsplit(site.base_url)
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: {url.netloc}\r\n"
        f"authorization: Bearer {site.key}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((url.hostname, url.port), timeout=30) as caller:
        caller.sendall(head.encode() + body)
        yield caller


def asked(site: Site) -> list[str]:
    """The failures that the simulator was asked for, "" where it should just work."""
    return [request.failure for request in site.simulator.requests]


def connection(name: str) -> ConnectionConfig:
    """The connection of that name as requests see it."""
    found = [each for each in default_client().snapshot().connections if each.name == name]
    return found[0]


def standing(name: str, model: str = "") -> Standing:
    """How a connection stands with one of its models, its own if none is named."""
    of = connection(name)
    return (
        default_client()
        .health.admission(of.id, of.revision, model or of.model, time.monotonic())
        .standing
    )


def health_left(name: str) -> str:
    """What a connection's attempts left of its health, in the words of ``failure_table.Health``.

    Failures that are only counted do not show at once: how many more it takes to open the breaker
    tells how many there were. Afterwards the connection's health is spoilt.
    """
    own, other = standing(name), standing(name, "another-model")
    if own is not Standing.READY:
        words = {Standing.COOLING: "cooling", Standing.OFF: "off"}
        return words[own] + (" for all models" if other is own else "")
    health, of = default_client().health, connection(name)
    of_model = _until_open(health, of, of.model, RequestConflict("half a failure"))
    of_all = _until_open(health, of, "another-model", ConnectFailed("a failure of the whole"))
    counted = {(10, 5): "untouched", (8, 5): "counted", (9, 5): "counted half"}
    counted[10, 4] = "counted for all models"
    return counted[of_model, of_all]


def _until_open(
    health: Health, of: ConnectionConfig, model: str, failure: RequestConflict | ConnectFailed
) -> int:
    now = time.monotonic()
    for count in range(1, 20):
        health.fail(of.id, of.revision, model, failure, now)
        if health.admission(of.id, of.revision, model, now).standing is Standing.OPEN:
            return count
    raise AssertionError("The breaker never opens.")


def assert_safe(text: str) -> None:
    """Nothing in ``text`` that a caller must not see."""
    assert UPSTREAM_KEY not in text
    for forbidden in ("127.0.0.1", "http://", "https://", "Traceback", 'File "', "/fail/"):
        assert forbidden not in text
