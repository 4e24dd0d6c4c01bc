"""The least that a gateway in Python can be: parse, forward, parse, answer.

An ASGI application over the gateway's own engine, without keys, routes, health, limits or a log.
What the gateway adds to it is the price of those. ``BENCH_PACED`` is where it sends paths of
paced answers, ``BENCH_FAST`` where all others go.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import aiohttp
import orjson

Message = MutableMapping[str, Any]

_JSON = [(b"content-type", b"application/json")]
_SSE = [(b"content-type", b"text/event-stream; charset=utf-8")]


class BareProxy:
    """Sends a request's body on to the same path of the upstream."""

    def __init__(self, fast: str, paced: str) -> None:
        self._fast = fast
        self._paced = paced
        self._session: aiohttp.ClientSession | None = None

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        assert self._session is not None
        parts = []
        more = True
        while more:
            message = await receive()
            parts.append(message.get("body", b""))
            more = message.get("more_body", False)
        asked = orjson.loads(b"".join(parts))
        asked["model"] = "gpt-4o-mini"
        async with self._session.post(
            (self._paced if "/paced/" in scope["path"] else self._fast) + scope["path"],
            data=orjson.dumps(asked),
            headers={"content-type": "application/json", "authorization": "Bearer sk-bare"},
        ) as response:
            start = {"type": "http.response.start", "status": response.status}
            if asked.get("stream"):
                await send({**start, "headers": _SSE})
                async for data in response.content.iter_any():
                    await send({"type": "http.response.body", "body": data, "more_body": True})
                await send({"type": "http.response.body", "body": b""})
            else:
                body = orjson.dumps(orjson.loads(await response.read()))
                length = [(b"content-length", b"%d" % len(body))]
                await send({**start, "headers": _JSON + length})
                await send({"type": "http.response.body", "body": body})

    async def _live(
        self,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
            elif self._session is not None:
                await self._session.close()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return


application = BareProxy(os.environ.get("BENCH_FAST", ""), os.environ.get("BENCH_PACED", ""))
