"""One upstream reached step by step, so that each step can be timed and told apart.

The name is resolved once, by the guard; the socket goes to an address that passed, and the request
goes out on that very socket: what was tested is what is used.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import httpcore

from ai_client.addresses import literal
from ai_client.errors import ConnectFailed, NameNotResolved
from ai_client.transport.guard import Guard
from ai_client.transport.sync_engine import (
    ADDRESSES_TRIED,
    HttpxEngine,
    PatientStream,
    SocketPatience,
    failure_of,
)

_PORTS = {"http": 80, "https": 443}


class Approach:
    """Call ``resolve``, ``connect`` and, for https, ``secure`` in this order; close it at last.

    Each raises the ``UpstreamError`` that fits. ``timeout`` bounds each of them, in seconds. Then
    ``engine`` sends one request on the socket.
    """

    def __init__(self, guard: Guard, base_url: str, timeout: float) -> None:
        parts = urlsplit(base_url)
        self.host = parts.hostname or ""
        self.port = parts.port or _PORTS.get(parts.scheme, 443)
        self.is_encrypted = parts.scheme == "https"
        self._guard = guard
        self._timeout = timeout
        self._addresses: list[str] = []
        self._stream: httpcore.NetworkStream | None = None
        self._secured: httpcore.NetworkStream | None = None
        # Made beforehand: reading all certificates takes longer than many a handshake.
        self._context = ssl.create_default_context()
        self._context.set_alpn_protocols(["http/1.1"])
        self._arrived = _Arrived()
        self.engine = HttpxEngine(guard, self._arrived)

    @property
    def has_name(self) -> bool:
        """Whether there is a name to look up; an address needs none."""
        return literal(self.host) is None

    def resolve(self) -> None:
        """Find the addresses, and check that they may be sent to."""
        if not self.host:
            raise NameNotResolved("The base URL has no host.")
        self._addresses = self._guard.resolve(self.host, self.port)[:ADDRESSES_TRIED]

    def connect(self) -> None:
        """Open a socket to the first address that takes it."""
        failure: Exception = httpcore.ConnectError()
        for address in self._addresses:
            try:
                stream = httpcore.SyncBackend().connect_tcp(address, self.port, self._timeout)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                self._stream = PatientStream(stream, SocketPatience())
                self._arrived.stream = self._stream
                return
        raise failure_of(failure)

    def secure(self) -> None:
        """Shake hands and check the certificate for the host."""
        assert self._stream is not None
        try:
            self._secured = self._stream.start_tls(self._context, self.host, self._timeout)
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
            raise failure_of(error) from None
        self._arrived.stream = _Ready(self._stream, self._secured)

    def close(self) -> None:
        """Close the socket, whatever became of it."""
        self.engine.close()
        for stream in (self._secured, self._stream):
            if stream is not None:
                stream.close()


class _Arrived(httpcore.NetworkBackend):
    """Hands out a socket that is open already, once."""

    def __init__(self) -> None:
        self.stream: httpcore.NetworkStream | None = None

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        stream, self.stream = self.stream, None
        if stream is None:
            raise ConnectFailed("The upstream closed the connection that was being tested.")
        return stream


class _Ready(httpcore.NetworkStream):
    """A plain socket whose handshake has been made."""

    def __init__(self, stream: httpcore.NetworkStream, secured: httpcore.NetworkStream) -> None:
        self._stream = stream
        self._secured = secured

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, timeout)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        return self._secured

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
