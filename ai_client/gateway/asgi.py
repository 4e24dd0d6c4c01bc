"""The door beside Django: a small ASGI application for the gateway's paths.

Django's own handler reads any body before a view runs and costs more than all of the gateway's
work; this one bounds the body in size and time, notices when the caller leaves, and sends events
as they come.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import aclosing
from typing import Any, TypeAlias

from ai_client import conf
from ai_client.errors import (
    AiClientError,
    MethodNotAllowed,
    PayloadTooLarge,
    RequestTimeout,
)
from ai_client.gateway.call import Call
from ai_client.gateway.core import SMALL_BODY_BYTES, Gateway
from ai_client.gateway.default import default_gateway
from ai_client.gateway.dialects import unknown
from ai_client.gateway.endpoints import Found, find, not_served
from ai_client.transport import arun
from ai_client.wire import WireResponse

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

WATCH_AFTER = 0.2
"""Seconds after which it is watched for that the caller leaves. Most answers are there before,
and a task that watches costs as much as a good part of the rest."""


class CallerLeft(Exception):
    """The caller closed its connection while sending its request."""


class GatewayApplication:
    """ASGI application for the gateway's paths; a path it does not serve is a 404 in JSON."""

    def __init__(self, gateway: Gateway | None = None) -> None:
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        gateway = self._gateway or default_gateway()
        path = request_path(scope)
        found = find(path)
        if found is None:
            headers = scope["headers"]
            await _respond(send, gateway.refuse(unknown(path, headers), headers, not_served(path)))
            return
        try:
            opened = await self._open(gateway, found, scope, receive)
        except CallerLeft:
            return
        if isinstance(opened, Call) and opened.is_limited:
            opened = await opened.aadmit() or opened
        if isinstance(opened, WireResponse):
            await _respond(send, opened)
        else:
            await _Conversation(opened, receive, send).run()

    async def _open(
        self, gateway: Gateway, found: Found, scope: Scope, receive: Receive
    ) -> Call | WireResponse:
        endpoint = found.endpoint
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        try:
            if scope["method"] != endpoint.method:
                raise MethodNotAllowed(f"This path takes {endpoint.method}, not {scope['method']}.")
            if not _is_small(headers) and (spared := gateway.spare(found, headers)):
                return spared
            body = await _body(headers, receive)
        except AiClientError as error:
            return gateway.refuse(found, headers, error)
        return gateway.open(found, headers, body, scope.get("query_string", b"").decode("latin-1"))


def request_path(scope: Scope) -> str:
    """The path of a request below the address at which the server mounts this site."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def _is_small(headers: list[tuple[bytes, bytes]]) -> bool:
    """Whether a body is announced, and as one that strangers may send before their key is read."""
    lengths = [value for name, value in headers if name == b"content-length"]
    if not lengths:
        return not any(name == b"transfer-encoding" for name, _ in headers)
    return lengths[0].isdigit() and int(lengths[0]) <= SMALL_BODY_BYTES


async def _body(headers: list[tuple[bytes, bytes]], receive: Receive) -> bytes:
    settings = conf.current()
    maximum = settings.MAX_BODY_BYTES
    for name, value in headers:
        if name == b"content-length" and value.isdigit() and int(value) > maximum:
            raise _too_large(maximum)
    message = await _received(receive, settings.BODY_TIMEOUT)
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        if len(body) > maximum:
            raise _too_large(maximum)
        return body
    parts = [body]
    size = len(body)
    until = asyncio.get_running_loop().time() + settings.BODY_TIMEOUT
    while message.get("more_body"):
        message = await _received(receive, until - asyncio.get_running_loop().time())
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > maximum:
            raise _too_large(maximum)
    return b"".join(parts)


async def _received(receive: Receive, timeout: float) -> Message:
    try:
        async with asyncio.timeout(timeout):
            message = await receive()
    except TimeoutError:
        raise RequestTimeout("The request's body did not arrive in time.") from None
    if message["type"] == "http.disconnect":
        raise CallerLeft
    return message


def _too_large(maximum: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"The request's body is larger than {maximum // 1024} KiB.")


async def _respond(send: Send, response: WireResponse) -> None:
    await _start(
        send, response.status, {**response.headers, "content-length": str(len(response.body))}
    )
    await send({"type": "http.response.body", "body": response.body})


async def _start(send: Send, status: int, headers: Mapping[str, str]) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [
                (name.encode("latin-1"), value.encode("latin-1", "replace"))
                for name, value in headers.items()
            ],
        }
    )


class _Conversation:
    """One call with its caller: answers it, and ends it when the caller leaves."""

    def __init__(self, call: Call, receive: Receive, send: Send) -> None:
        self._call = call
        self._receive = receive
        self._send = send
        self._started = False
        self._content_sent = False
        self._left = False
        self._watching: asyncio.Task[None] | None = None
        self._keeping_alive = asyncio.Lock()

    async def run(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        loop = asyncio.get_running_loop()
        timer = loop.call_later(WATCH_AFTER, self._begin_to_watch, task)
        try:
            if self._call.stream:
                await self._stream()
            else:
                await self._plain()
        except asyncio.CancelledError:
            self._call.leave()
            if not self._left:
                raise
            task.uncancel()
        finally:
            timer.cancel()
            if self._watching is not None:
                self._watching.cancel()

    def _begin_to_watch(self, task: asyncio.Task[Any]) -> None:
        self._watching = task.get_loop().create_task(self._watch(task))

    async def _watch(self, task: asyncio.Task[Any]) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._left = True
        task.cancel()

    async def _plain(self) -> None:
        call = self._call
        try:
            async with aclosing(arun(call.session, call.client.async_engine)) as outputs:
                async for output in outputs:
                    response = call.complete(output)
        except AiClientError as error:
            response = call.fail(error)
        except Exception as error:
            response = call.fail(call.unexpected(error))
        await _respond(self._send, response)

    async def _stream(self) -> None:
        call = self._call
        loop = asyncio.get_running_loop()
        waiting: list[asyncio.Task[None]] = []

        def keep_alive() -> None:
            waiting.append(loop.create_task(self._keep_alive()))
            waiting[0].add_done_callback(_let_go)

        timer = loop.call_later(conf.current().KEEP_ALIVE_AFTER, keep_alive)
        try:
            async with aclosing(arun(call.session, call.client.async_engine)) as outputs:
                async for output in outputs:
                    data = call.piece(output)
                    if not self._content_sent:
                        timer.cancel()
                        await self._stop_keeping_alive()
                    await self._start_stream()
                    if data:
                        await self._chunk(data)
        except AiClientError as error:
            await self._fail_stream(error)
            return
        except Exception as error:
            await self._fail_stream(call.unexpected(error))
            return
        finally:
            timer.cancel()
            for task in waiting:
                task.cancel()
        await self._chunk(call.end(), more=False)

    async def _fail_stream(self, error: AiClientError) -> None:
        await self._stop_keeping_alive()
        if self._started:
            await self._chunk(self._call.break_off(error), more=False)
        else:
            await _respond(self._send, self._call.fail(error))

    async def _start_stream(self) -> None:
        if not self._started:
            self._started = True
            await _start(self._send, 200, self._call.stream_headers())

    async def _chunk(self, data: bytes, *, more: bool = True) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": more})

    async def _keep_alive(self) -> None:
        while True:
            async with self._keeping_alive:
                if self._content_sent:
                    return
                await self._start_stream()
                await self._chunk(self._call.keep_alive)
            await asyncio.sleep(conf.current().KEEP_ALIVE_AFTER)

    async def _stop_keeping_alive(self) -> None:
        """Headers and comments that are on their way get there before anything else is sent."""
        async with self._keeping_alive:
            self._content_sent = True


def _let_go(task: asyncio.Task[None]) -> None:
    """What a server says that cannot send, it says of the answer too; there it is raised."""
    if not task.cancelled():
        task.exception()
