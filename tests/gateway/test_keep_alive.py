"""The order of what the ASGI door sends, with a server whose ``send`` waits."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from ai_client.client import AiClient
from ai_client.errors import ConnectFailed
from ai_client.exchange import Open
from ai_client.gateway.asgi import GatewayApplication, Message
from ai_client.gateway.core import Gateway
from ai_client.providers import Provider
from ai_client.records import Outcome, RequestRecord
from ai_client.snapshot import ConnectionConfig, Snapshot

BODY = b'{"model":"auto","stream":true,"messages":[{"role":"user","content":"Hello"}]}'
SCOPE: dict[str, Any] = {
    "type": "http",
    "method": "POST",
    "path": "/v1/chat/completions",
    "headers": [],
}
CONNECTION = ConnectionConfig(
    id="1",
    name="one",
    provider=Provider(slug="openai", name="OpenAI", wire="openai_chat"),
    model="m",
    base_url="https://one.example/v1",
)


class Refusing:
    """An engine to which every upstream is down, once ``until`` is true."""

    def __init__(self, until: Callable[[], bool]) -> None:
        self._until = until

    async def open(self, step: Open) -> ConnectFailed:
        while not self._until():  # noqa: ASYNC110  what it waits for is the state of the loop
            await asyncio.sleep(0)
        return ConnectFailed("refused")

    async def close(self) -> None:
        """Nothing is held."""


class Caller:
    """Sends one request, stays, and takes each message only some turns of the loop later."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.taken: list[Message] = []
        self._asked = False

    async def receive(self) -> Message:
        if self._asked:
            await asyncio.Event().wait()
        self._asked = True
        return {"type": "http.request", "body": BODY, "more_body": False}

    async def send(self, message: Message) -> None:
        self.begun.append(message["type"])
        for _ in range(5 if message["type"] == "http.response.start" else 2):
            await asyncio.sleep(0)
        self.taken.append(message)

    @property
    def types(self) -> list[str]:
        return [message["type"].removeprefix("http.response.") for message in self.taken]


async def converse(caller: Caller, until: Callable[[], bool]) -> list[RequestRecord]:
    records: list[RequestRecord] = []
    client = AiClient(
        snapshot=lambda: Snapshot(connections=(CONNECTION,)),
        engine=None,  # type: ignore[arg-type]
        async_engine=Refusing(until),
        record=records.append,
    )
    gateway = Gateway(lambda: client, lambda: (), lambda: False)
    async with asyncio.timeout(30):
        await GatewayApplication(gateway)(SCOPE, caller.receive, caller.send)
        # What was left running would still send now.
        for _ in range(20):
            await asyncio.sleep(0)
    return records


@pytest.fixture(autouse=True)
def at_once(settings: Any) -> None:
    settings.AI_CLIENT = {**settings.AI_CLIENT, "KEEP_ALIVE_AFTER": 0.0}


async def test_an_error_that_meets_the_first_keep_alive_is_one_answer() -> None:
    caller = Caller()
    (record,) = await converse(caller, lambda: True)
    assert caller.begun == ["http.response.start", "http.response.body"]
    assert caller.taken[0]["status"] == 502
    assert record.outcome is Outcome.ERROR


async def test_an_error_waits_for_headers_that_are_on_their_way() -> None:
    caller = Caller()
    await converse(caller, lambda: bool(caller.begun))
    assert caller.types[:2] == ["start", "body"]
    assert caller.types.count("start") == 1
    assert caller.taken[0]["status"] == 200
    assert b"error" in caller.taken[-1]["body"]
    assert not caller.taken[-1]["more_body"]


async def test_a_server_that_cannot_send_any_more_leaves_no_task_behind(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken(Caller):
        async def send(self, message: Message) -> None:
            self.begun.append(message["type"])
            raise OSError("gone")

    caller = Broken()
    with suppress(OSError):
        await converse(caller, lambda: bool(caller.begun))
    gc.collect()
    assert caller.begun == ["http.response.start", "http.response.body"]
    assert "never retrieved" not in caplog.text
