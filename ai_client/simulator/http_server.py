"""A small HTTP/1.1 server over asyncio streams that can also break the rules.

It reads requests (keep-alive, ``Content-Length`` and chunked bodies, ``Expect: 100-continue``) and
hands each to one coroutine as an ``Exchange``, which writes the answer piece by piece and may stop,
hang, close or reset the socket at any byte. No framework in between would let it.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import socket
import struct
import termios
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qsl, unquote

MAX_HEAD_BYTES = 64 * 1024
MAX_BODY_BYTES = 256 * 1024 * 1024

log = logging.getLogger(__name__)


class ClientLeft(Exception):
    """The client closed its side before the answer was complete."""


class _Malformed(Exception):
    """The bytes received are not an HTTP/1.1 request."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request as it came. ``path`` is percent-decoded; header names are lower case."""

    method: str
    target: str
    path: str
    query: dict[str, str]
    headers: tuple[tuple[str, str], ...]
    body: bytes
    version: str = "HTTP/1.1"

    def header(self, name: str) -> str:
        """The first value of a header, or an empty string."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key == wanted), "")


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete answer: status, body and headers beyond the framing."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


class _Socket(asyncio.StreamReaderProtocol):
    """A stream protocol that tells when the other side has gone."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    ) -> None:
        super().__init__(reader, serve)
        self.gone = asyncio.Event()
        self.gone_at = 0.0

    def eof_received(self) -> bool | None:
        self._mark()
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._mark()
        super().connection_lost(exc)

    def _mark(self) -> None:
        if not self.gone.is_set():
            self.gone_at = time.monotonic()
            self.gone.set()


class Exchange:
    """One request on a socket, and the means to answer it well or badly."""

    def __init__(
        self, request: HttpRequest, writer: asyncio.StreamWriter, watch: _Socket, number: int
    ) -> None:
        self.request = request
        self.number = number
        """Which request on this socket it is, from 1."""
        self.started = False
        self.closing = False
        self.bytes_sent = 0
        self.status = 0
        self.received_at = time.monotonic()
        self._writer = writer
        self._watch = watch
        self._chunked = False
        self._keep_alive = _wants_keep_alive(request)

    @property
    def keep_alive(self) -> bool:
        """Whether the socket serves another request after this one."""
        return self._keep_alive and not self.closing and not self._watch.gone.is_set()

    @property
    def left_after_ms(self) -> float:
        """How long after the request the client went away, in milliseconds."""
        return (self._watch.gone_at - self.received_at) * 1000

    async def reply(self, reply: Reply) -> None:
        """Sends a complete answer with its length."""
        await self.begin(
            reply.status, reply.content_type, headers=reply.headers, length=len(reply.body)
        )
        await self.send(reply.body)

    async def begin(
        self,
        status: int,
        content_type: str,
        *,
        headers: Iterable[tuple[str, str]] = (),
        length: int | None = None,
    ) -> None:
        """Sends the status line and headers; without ``length`` the body is chunked."""
        self.started = True
        self.status = status
        lines = [f"HTTP/1.1 {status} {_phrase(status)}", f"Content-Type: {content_type}"]
        lines += [f"{name}: {value}" for name, value in headers]
        if length is not None:
            lines.append(f"Content-Length: {length}")
        elif self.request.version == "HTTP/1.1":
            self._chunked = True
            lines.append("Transfer-Encoding: chunked")
        else:
            self._keep_alive = False
        lines.append(f"Connection: {'keep-alive' if self._keep_alive else 'close'}")
        await self.raw("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n")

    async def send(self, data: bytes) -> None:
        """Sends a piece of the body and waits until the kernel has it.

        Raises ``ClientLeft`` when there is nobody to send to.
        """
        if not data:
            return
        self.bytes_sent += len(data)
        await self.raw(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)

    async def finish(self) -> None:
        """Ends a chunked body properly."""
        if self._chunked:
            await self.raw(b"0\r\n\r\n")

    async def raw(self, data: bytes) -> None:
        """Sends bytes that belong to no framing."""
        if self._watch.gone.is_set():
            raise ClientLeft
        self._writer.write(data)
        try:
            await self._writer.drain()
        except OSError:
            raise ClientLeft from None

    async def pause(self, seconds: float) -> None:
        """Waits, and raises ``ClientLeft`` as soon as the client goes away."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._watch.gone.wait(), seconds)
            raise ClientLeft

    async def hang(self) -> None:
        """Does nothing until the client goes away, then raises ``ClientLeft``."""
        await self._watch.gone.wait()
        raise ClientLeft

    async def delivered(self) -> None:
        """Waits until the other side's kernel has acknowledged all that was sent (on Linux)."""
        connection = self._writer.get_extra_info("socket")
        with contextlib.suppress(OSError):
            for _ in range(1000):
                waiting = fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, b"\0\0\0\0")
                if struct.unpack("i", waiting)[0] == 0:
                    return
                await self.pause(0.001)

    def close(self) -> None:
        """Closes the socket after what was sent (FIN), whatever the framing promised."""
        self.closing = True
        self._writer.close()

    def reset(self) -> None:
        """Resets the socket (RST)."""
        self.closing = True
        connection = self._writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


class HttpServer:
    """Serves ``handle`` on a port. ``handle`` gets an ``Exchange`` and may raise ``ClientLeft``."""

    def __init__(self, handle: Callable[[Exchange], Awaitable[None]]) -> None:
        self._handle = handle
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        self.sockets_accepted = 0

    async def start(self, host: str, port: int) -> None:
        """Binds; port 0 takes a free one, which ``port`` then names."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._socket, host, port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stops listening and drops every open socket."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _socket(self) -> asyncio.Protocol:
        return _Socket(asyncio.StreamReader(limit=MAX_HEAD_BYTES), self._serve)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        watch = writer.transport.get_protocol()
        if task is None or not isinstance(watch, _Socket):
            raise RuntimeError("A socket is served only by the task that its protocol starts.")
        self._tasks.add(task)
        self.sockets_accepted += 1
        writer.transport.set_write_buffer_limits(high=0)
        try:
            await self._requests(reader, writer, watch)
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _requests(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, watch: _Socket
    ) -> None:
        number = 0
        while True:
            try:
                request = await _read_request(reader, writer)
            except _Malformed as error:
                writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n")
                writer.write(b"Content-Type: text/plain\r\n\r\n" + str(error).encode())
                return
            except (OSError, asyncio.IncompleteReadError):
                return
            number += 1
            exchange = Exchange(request, writer, watch, number)
            try:
                await self._handle(exchange)
            except ClientLeft:
                return
            except Exception:
                log.exception("The simulator failed on %s %s", request.method, request.path)
                if not exchange.started:
                    with contextlib.suppress(ClientLeft):
                        await exchange.reply(
                            Reply(500, b"defect in the simulator", content_type="text/plain")
                        )
                return
            if not exchange.keep_alive:
                return


async def _read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> HttpRequest:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        raise _Malformed(f"The head is over {MAX_HEAD_BYTES} bytes.") from None
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    parts = first.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise _Malformed("The request line is not HTTP/1.1.")
    method, target, version = parts
    headers = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise _Malformed("A header line has no valid name.")
        headers.append((name.lower(), value.strip()))
    path, _, query = target.partition("?")
    request = HttpRequest(
        method, target, unquote(path), dict(parse_qsl(query)), tuple(headers), b"", version
    )
    if request.header("expect").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = await _read_body(reader, request)
    return HttpRequest(method, target, request.path, request.query, request.headers, body, version)


async def _read_body(reader: asyncio.StreamReader, request: HttpRequest) -> bytes:
    if request.header("transfer-encoding").lower() == "chunked":
        return await _read_chunks(reader)
    length = request.header("content-length") or "0"
    if not (length.isascii() and length.isdigit()) or int(length) > MAX_BODY_BYTES:
        raise _Malformed("The Content-Length is not a number of bytes that is accepted here.")
    return await reader.readexactly(int(length))


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while True:
        line = await reader.readuntil(b"\r\n")
        try:
            size = int(line.split(b";")[0].strip(), 16)
        except ValueError:
            raise _Malformed("A chunk has no size.") from None
        if size < 0 or len(body) + size > MAX_BODY_BYTES:
            raise _Malformed("A chunk has a size that is not accepted here.")
        if size == 0:
            while await reader.readuntil(b"\r\n") != b"\r\n":
                pass
            return bytes(body)
        body += await reader.readexactly(size)
        if await reader.readexactly(2) != b"\r\n":
            raise _Malformed("A chunk does not end where its size says.")


def _wants_keep_alive(request: HttpRequest) -> bool:
    connection = request.header("connection").lower()
    if request.version == "HTTP/1.0":
        return connection == "keep-alive"
    return connection != "close"


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return {520: "Web Server Returned an Unknown Error", 529: "Overloaded"}.get(status, "Error")
