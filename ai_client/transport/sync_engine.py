"""The blocking engine: httpx behind the address guard.

The guard sits in the network backend, so the pool below still knows origins by name: a TLS
connection is verified for, and reused for, the host it was opened to, whatever its address.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from time import monotonic
from typing import Any

import httpcore
import httpx

from ai_client.errors import (
    BadContent,
    ConnectFailed,
    ConnectionReset,
    ConnectTimedOut,
    HeadersTimedOut,
    MalformedAnswer,
    PoolExhausted,
    StaleSocket,
    TlsFailed,
    UpstreamError,
    WriteReset,
)
from ai_client.exchange import Chunk, End, Open, Opened, ReadTimedOut, Reply
from ai_client.transport.guard import Guard

CONNECTIONS = 200
KEPT_ALIVE = 50
KEEP_ALIVE_SECONDS = 30.0
ADDRESSES_TRIED = 3
_END = End()
_HEAD_END = b"\r\n\r\n"


@dataclass(slots=True)
class SocketPatience:
    """How long the next socket read may take; one exchange changes it between reads."""

    seconds: float | None = None


_headers_due: ContextVar[float | None] = ContextVar("_headers_due", default=None)
"""When the headers that this thread waits for must be there: httpcore's timeouts are for a single
read or write, which a header that comes byte by byte never exceeds."""


def _until_headers(timeout: float | None, over: type[httpcore.TimeoutException]) -> float | None:
    """``timeout``, cut to what is left until the headers are due; ``over`` once nothing is."""
    due = _headers_due.get()
    if due is None:
        return timeout
    left = due - monotonic()
    if left <= 0:
        raise over
    return left if timeout is None else min(timeout, left)


class PatientStream(httpcore.NetworkStream):
    """A socket whose read timeout can be changed while a response is being read.

    It minds what comes with a response and beyond its end, which httpcore would take for the
    beginning of the answer to the next request, whosever that is.
    """

    def __init__(self, stream: httpcore.NetworkStream, patience: SocketPatience) -> None:
        self._stream = stream
        self.patience = patience
        self.body_length: int | None = None
        """Bytes that the body is said to have; None where its own form shows its end."""
        self._head: bytes | None = b""
        self._body_read = 0
        self._last = b""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        chosen = self.patience.seconds
        if chosen is None:
            chosen = _until_headers(timeout, httpcore.ReadTimeout)
        data = self._stream.read(max_bytes, chosen)
        self._note(data)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._head, self._body_read, self._last = b"", 0, b""
        self._stream.write(buffer, _until_headers(timeout, httpcore.WriteTimeout))

    def _note(self, data: bytes) -> None:
        self._last = (self._last + data)[-6:]
        if self._head is None:
            self._body_read += len(data)
            return
        self._head += data
        end = self._head.find(_HEAD_END)
        if end >= 0:
            self._body_read = len(self._head) - end - len(_HEAD_END)
            self._head = None

    def _has_surplus(self) -> bool:
        """Whether more was read than the response, as far as its length or last bytes show."""
        if self.body_length is None:
            return not self._last.endswith(_HEAD_END) or self._last == b"\r\n\r\n\r\n"
        return self._body_read != self.body_length

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, timeout)
        return PatientStream(stream, self.patience)

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable" and self._has_surplus():
            # As an idle socket is on which something comes unasked: it is not used again.
            return True
        return self._stream.get_extra_info(info)


class _GuardedBackend(httpcore.NetworkBackend):
    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception | None = None
        for address in self._guard.resolve(host, port)[:ADDRESSES_TRIED]:
            left = _until_headers(timeout, httpcore.ConnectTimeout)
            try:
                stream = self._sockets.connect_tcp(
                    address, port, left, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return PatientStream(stream, SocketPatience())
        raise failure or httpcore.ConnectError()


class _GuardedTransport(httpx.BaseTransport):
    """httpx's transport interface over a pool whose sockets the guard opens."""

    def __init__(self, backend: httpcore.NetworkBackend) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=CONNECTIONS,
            max_keepalive_connections=KEPT_ALIVE,
            keepalive_expiry=KEEP_ALIVE_SECONDS,
            network_backend=backend,
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        assert isinstance(response.stream, Iterable)
        return httpx.Response(
            response.status,
            headers=response.headers,
            stream=_Body(response.stream),
            extensions=response.extensions,
        )

    def close(self) -> None:
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, stream: Iterable[bytes]) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        yield from self._stream

    def close(self) -> None:
        close = getattr(self._stream, "close", None)
        if close is not None:
            close()


class HttpxExchange:
    """One open response over httpx."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self._chunks = response.iter_raw()
        headers = {name.lower(): value for name, value in response.headers.items()}
        self.opened = Opened(response.status_code, headers)
        # Bytes of the body to come, where their number is told and counts (RFC 9112, 6.3).
        length = "" if "transfer-encoding" in headers else headers.get("content-length", "")
        self._left = int(length) if length.isdecimal() else None
        stream = response.extensions.get("network_stream")
        if isinstance(stream, PatientStream):
            self._patience = stream.patience
            stream.body_length = self._left
        else:
            self._patience = SocketPatience()

    def read(self, timeout: float) -> Reply:
        self._patience.seconds = timeout
        try:
            for data in self._chunks:
                if data:
                    return Chunk(data, self._was_last(data))
        except httpcore.ReadTimeout:
            return ReadTimedOut()
        except (httpcore.NetworkError, httpcore.ProtocolError, httpx.StreamError) as error:
            return _caused(ConnectionReset("The upstream broke its answer off."), error)
        finally:
            self._patience.seconds = None
        return _END

    def _was_last(self, data: bytes) -> bool:
        """Whether the body is complete; then the socket is made free for the next request."""
        if self._left is None:
            return False
        self._left -= len(data)
        if self._left:
            return False
        for _ in self._chunks:
            pass
        return True

    def close(self) -> None:
        self._response.close()


class HttpxEngine:
    """Opens requests with httpx. Safe to share between threads.

    ``backend`` opens the sockets; without one the guard does.
    """

    def __init__(self, guard: Guard, backend: httpcore.NetworkBackend | None = None) -> None:
        self._backend = backend or _GuardedBackend(guard)
        self._client = self._make()
        self._process = os.getpid()

    def _make(self) -> httpx.Client:
        return httpx.Client(
            transport=_GuardedTransport(self._backend), trust_env=False, follow_redirects=False
        )

    def open(self, step: Open) -> HttpxExchange | UpstreamError:
        due = _headers_due.set(monotonic() + step.timeout)
        try:
            return self._open(step)
        finally:
            _headers_due.reset(due)

    def _open(self, step: Open) -> HttpxExchange | UpstreamError:
        trace = _Trace(step.leaving)
        request = httpx.Request(
            step.method,
            step.url,
            headers=dict(step.headers),
            content=step.body or None,
            extensions={
                "timeout": {
                    "connect": step.connect_timeout,
                    "read": step.timeout,
                    "write": step.timeout,
                    "pool": step.pool_timeout,
                },
                "trace": trace,
            },
        )
        try:
            if step.fresh:
                return self._on_a_fresh_socket(request)
            return HttpxExchange(self._own_client().send(request, stream=True))
        except UpstreamError as error:
            return error.with_traceback(None)
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
            return failure_of(error, reused=trace.reused and not step.fresh)
        except httpx.InvalidURL as error:
            return _caused(ConnectFailed("The base URL is not valid."), error)

    def _own_client(self) -> httpx.Client:
        """After a fork a new one: the parent goes on talking on the sockets of the old one."""
        if self._process != os.getpid():
            self._client, self._process = self._make(), os.getpid()
        return self._client

    def _on_a_fresh_socket(self, request: httpx.Request) -> HttpxExchange:
        client = self._make()
        try:
            return _LoneExchange(client.send(request, stream=True), client)
        except BaseException:
            client.close()
            raise

    def close(self) -> None:
        """Close all sockets."""
        self._own_client().close()


class _LoneExchange(HttpxExchange):
    """An exchange whose pool holds nothing else and ends with it."""

    def __init__(self, response: httpx.Response, client: httpx.Client) -> None:
        super().__init__(response)
        self._client = client

    def close(self) -> None:
        super().close()
        self._client.close()


class _Trace:
    """Told by httpcore what happens: when a request leaves, and whether on a socket used before."""

    __slots__ = ("_leaving", "reused")

    def __init__(self, leaving: Callable[[], object]) -> None:
        self._leaving = leaving
        self.reused = True

    def __call__(self, event: str, info: Mapping[str, object]) -> None:
        if event == "connection.connect_tcp.started":
            self.reused = False
        elif event == "http11.send_request_headers.started":
            self._leaving()


def failure_of(error: Exception, *, reused: bool = False) -> UpstreamError:
    """The class of failure that an error of the HTTP library is."""
    match error:
        case httpcore.PoolTimeout():
            return _caused(PoolExhausted("All connections to upstreams are busy."), error)
        case httpcore.ConnectTimeout():
            return _caused(ConnectTimedOut("The upstream cannot be connected to in time."), error)
        case httpcore.ConnectError() if _is_tls(error):
            return _caused(
                TlsFailed("The upstream's TLS certificate or handshake was not accepted."), error
            )
        case httpcore.ConnectError():
            return _caused(ConnectFailed("The upstream refuses connections."), error)
        case httpcore.ReadTimeout() | httpcore.WriteTimeout():
            return _caused(HeadersTimedOut("The upstream did not answer in time."), error)
        case _ if reused and _closed(error):
            return _caused(StaleSocket("The upstream had closed an idle connection."), error)
        case httpcore.WriteError():
            return _caused(WriteReset("The upstream closed while it was written to."), error)
        case httpcore.RemoteProtocolError() if not _closed(error):
            return _caused(BadContent("The upstream's answer is not HTTP."), error)
        case httpcore.ReadError() | httpcore.RemoteProtocolError():
            return _caused(ConnectionReset("The upstream closed without an answer."), error)
        case _:
            return _caused(MalformedAnswer("The upstream's answer cannot be read."), error)


def _is_tls(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def _closed(error: Exception) -> bool:
    if isinstance(error, (httpcore.ReadError, httpcore.WriteError)):
        return True
    # h11's word for a socket that ended before a response began.
    return isinstance(error, httpcore.RemoteProtocolError) and "disconnected" in str(error)


def _caused(failure: UpstreamError, cause: Exception) -> UpstreamError:
    # Its words, not itself: its frames and request hold headers, which error pages print.
    failure.add_note(f"{type(cause).__qualname__}: {cause}")
    return failure
