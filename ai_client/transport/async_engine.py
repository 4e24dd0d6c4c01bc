"""The awaiting engine: aiohttp behind the address guard.

One client session per event loop. No redirects, no cookies, no proxies from the environment, no
decompression (``encoding.py`` does that, with a bound).
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncGenerator
from functools import lru_cache
from io import BytesIO
from weakref import WeakSet

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from yarl import URL

from ai_client.errors import (
    BadContent,
    ConnectFailed,
    ConnectionReset,
    ConnectTimedOut,
    HeadersTimedOut,
    MalformedAnswer,
    NameNotResolved,
    PoolExhausted,
    StaleSocket,
    TlsFailed,
    UpstreamError,
    WriteReset,
)
from ai_client.exchange import Chunk, End, Open, Opened, ReadTimedOut, Reply
from ai_client.transport.guard import Guard

CONNECTIONS_PER_ORIGIN = 500
KEEP_ALIVE_SECONDS = 30.0
DNS_CACHE_SECONDS = 30
LARGE_BODY_BYTES = 512 * 1024
"""A body over this is handed over in pieces, so that writing it does not stop the event loop."""
_AUTO_HEADERS = ("user-agent", "accept", "accept-encoding", "content-type")
_END = End()


class _GuardedResolver(AbstractResolver):
    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in await self._guard.aresolve(host, port)
        ]

    async def close(self) -> None:
        """Nothing is held open."""


class _Pool:
    """One event loop's sockets, with a bound per origin that we can wait for.

    A request on ``fresh`` gets a socket of its own. ``used`` knows the sockets of ``connector`` on
    which a request was sent before.
    """

    def __init__(self, guard: Guard) -> None:
        self.connector = aiohttp.TCPConnector(
            resolver=_GuardedResolver(guard),
            limit=0,
            ttl_dns_cache=DNS_CACHE_SECONDS,
            keepalive_timeout=KEEP_ALIVE_SECONDS,
        )
        self.fresh = aiohttp.TCPConnector(
            resolver=_GuardedResolver(guard), limit=0, force_close=True
        )
        self.used: WeakSet[ResponseHandler] = WeakSet()
        self._slots: dict[str, asyncio.Semaphore] = {}
        self.keeper: AsyncGenerator[None, None] | None = None

    def slots(self, origin: str) -> asyncio.Semaphore:
        found = self._slots.get(origin)
        if found is None:
            found = self._slots[origin] = asyncio.Semaphore(CONNECTIONS_PER_ORIGIN)
        return found

    async def close(self) -> None:
        await self.connector.close()
        await self.fresh.close()


class _Sending:
    """One request on its way, and how far it has come.

    Below aiohttp's client session: what that does besides, redirects, cookies, proxies, retries of
    its own, is not wanted here, and it takes a third of the time of a request.
    """

    def __init__(self, pool: _Pool, step: Open) -> None:
        self._pool = pool
        self._step = step
        self.connected = False
        self.reused = False

    async def response(self, url: URL) -> aiohttp.ClientResponse:
        """The response, once its headers are there."""
        step = self._step
        request = aiohttp.ClientRequest(
            step.method,
            url,
            headers=step.headers,
            skip_auto_headers=[each for each in _AUTO_HEADERS if each not in step.headers] or None,
            data=_payload(step.body),
            loop=asyncio.get_running_loop(),
            response_class=aiohttp.ClientResponse,
        )
        try:
            connection = await self._connect(request)
            step.leaving()
            try:
                response = await request.send(connection)
                try:
                    return await response.start(connection)
                except BaseException:
                    response.close()
                    raise
            except BaseException:
                connection.close()
                raise
        except (aiohttp.ClientError, TimeoutError):
            raise
        except OSError as error:
            raise aiohttp.ClientOSError(*error.args) from error

    async def _connect(self, request: aiohttp.ClientRequest) -> Connection:
        pool, step = self._pool, self._step
        connector = pool.fresh if step.fresh else pool.connector
        connection = await connector.connect(
            request, traces=[], timeout=_connecting_within(step.connect_timeout)
        )
        self.connected = True
        protocol = connection.protocol
        assert protocol is not None
        protocol.set_response_params(read_until_eof=True, auto_decompress=False)
        if not step.fresh:
            self.reused = protocol in pool.used
            if not self.reused:
                pool.used.add(protocol)
        return connection


class AiohttpExchange:
    """One open response over aiohttp."""

    def __init__(self, response: aiohttp.ClientResponse, slot: asyncio.Semaphore) -> None:
        self._response = response
        self._slot: asyncio.Semaphore | None = slot
        self.opened = Opened(
            response.status, {name.lower(): value for name, value in response.headers.items()}
        )

    async def read(self, timeout: float) -> Reply:
        content = self._response.content
        try:
            data = content.read_nowait()
            # What is there already needs no timer.
            if not data and not content.at_eof():
                async with asyncio.timeout(timeout):
                    data = await content.readany()
        except TimeoutError:
            return ReadTimedOut()
        except (aiohttp.ClientError, OSError) as error:
            return _caused(ConnectionReset("The upstream broke its answer off."), error)
        return Chunk(data, content.at_eof()) if data else _END

    def close(self) -> None:
        if self._slot is not None:
            self._slot.release()
            self._slot = None
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()


class AiohttpEngine:
    """Opens requests with aiohttp."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._pools: dict[asyncio.AbstractEventLoop, _Pool] = {}

    async def open(self, step: Open) -> AiohttpExchange | UpstreamError:
        pool = await self._pool()
        scheme, _, rest = step.url.partition("://")
        slot = pool.slots(f"{scheme}://{rest.partition('/')[0]}")
        if slot.locked():
            try:
                async with asyncio.timeout(step.pool_timeout):
                    await slot.acquire()
            except TimeoutError:
                return PoolExhausted("All connections to this upstream are busy.")
        else:
            await slot.acquire()
        sending = _Sending(pool, step)
        try:
            response = await self._send(sending, step)
        except UpstreamError as error:
            slot.release()
            return error.with_traceback(None)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            slot.release()
            if type(error) is TimeoutError and not sending.connected:
                return _caused(_not_connected_in_time(), error)
            return _failure(error, reused=sending.reused)
        except BaseException:
            slot.release()
            raise
        return AiohttpExchange(response, slot)

    async def _send(self, sending: _Sending, step: Open) -> aiohttp.ClientResponse:
        url = URL(step.url, encoded=True)
        if url.host is None or url.port is None or url.scheme not in ("http", "https"):
            raise ConnectFailed("The base URL has no host.")
        self._guard.check_literal(url.host, url.port)
        async with asyncio.timeout(step.timeout):
            return await sending.response(url)

    async def _pool(self) -> _Pool:
        loop = asyncio.get_running_loop()
        pool = self._pools.get(loop)
        if pool is None:
            for other in list(self._pools):
                if other.is_closed():
                    self._pools.pop(other, None)
            pool = self._pools[loop] = _Pool(self._guard)
            pool.keeper = self._until_the_loop_ends(loop, pool)
            await anext(pool.keeper)
        return pool

    async def _until_the_loop_ends(
        self, loop: asyncio.AbstractEventLoop, pool: _Pool
    ) -> AsyncGenerator[None, None]:
        """Closes the pool with its loop: ``asyncio.run`` closes the generators that are left.

        https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.loop.shutdown_asyncgens
        """
        try:
            yield
        finally:
            self._pools.pop(loop, None)
            await pool.close()

    async def close(self) -> None:
        """Close the running loop's sockets; those of a loop that ends are closed with it."""
        pool = self._pools.get(asyncio.get_running_loop())
        if pool is not None and pool.keeper is not None:
            await pool.keeper.aclose()


@lru_cache(maxsize=64)
def _connecting_within(seconds: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, sock_connect=seconds)


def _payload(body: bytes) -> bytes | BytesIO | None:
    return BytesIO(body) if len(body) > LARGE_BODY_BYTES else body or None


def _failure(error: Exception, *, reused: bool) -> UpstreamError:
    match error:
        case aiohttp.ClientConnectorDNSError():
            cause = error.os_error
            if isinstance(cause, UpstreamError):
                return cause.with_traceback(None)
            return _caused(
                NameNotResolved("The host name in the base URL cannot be resolved."), error
            )
        case aiohttp.ConnectionTimeoutError():
            return _caused(_not_connected_in_time(), error)
        case aiohttp.ClientSSLError() | ssl.SSLError():
            return _caused(
                TlsFailed("The upstream's TLS certificate or handshake was not accepted."), error
            )
        case aiohttp.ClientConnectorError():
            return _caused(ConnectFailed("The upstream refuses connections."), error)
        case TimeoutError():
            return _caused(HeadersTimedOut("The upstream did not answer in time."), error)
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError() if reused:
            return _caused(StaleSocket("The upstream had closed an idle connection."), error)
        case aiohttp.ClientOSError() if isinstance(error, BrokenPipeError) or error.errno == 32:
            return _caused(WriteReset("The upstream closed while it was written to."), error)
        case aiohttp.ClientResponseError():
            return _caused(BadContent("The upstream's answer is not HTTP."), error)
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError() | OSError():
            return _caused(ConnectionReset("The upstream closed without an answer."), error)
        case aiohttp.InvalidURL():
            return _caused(ConnectFailed("The base URL is not valid."), error)
        case _:
            return _caused(MalformedAnswer("The upstream's answer cannot be read."), error)


def _not_connected_in_time() -> ConnectTimedOut:
    return ConnectTimedOut("The upstream cannot be connected to in time.")


def _caused(failure: UpstreamError, cause: Exception) -> UpstreamError:
    # Its words, not itself: its frames and request hold headers, which error pages print.
    failure.add_note(f"{type(cause).__qualname__}: {cause}")
    return failure
