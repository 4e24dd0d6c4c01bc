"""Our own load generator: callers that ask again as soon as they are answered.

    BENCH_BODY=… BENCH_HEADERS=… python -m bench.closed_loop URL CALLERS SECONDS

It knows as much of HTTP as it needs: one answer at a time on each connection, with a length or in
chunks. Besides wrk's figures it gives the time to the first text of a stream.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import cast
from urllib.parse import urlsplit

from bench.canned import FIRST_TEXT
from bench.load import Result, percentile, print_result

_LAST_CHUNK = b"\r\n0\r\n\r\n"


class AnswerReader:
    """One answer, fed as it arrives. ``status`` is 0 until its head is complete.

    ``has_text``: whether the first text of a stream has come.
    """

    def __init__(self) -> None:
        self._head = b""
        self._left = -1
        self._tail = b""
        self.status = 0
        self.has_text = False

    def feed(self, data: bytes) -> bool:
        """Whether the answer is complete."""
        if not self.status:
            self._head += data
            head, end, data = self._head.partition(b"\r\n\r\n")
            if not end:
                return False
            self.status = int(head[9:12])
            self._left = _length(head.lower())
        recent = self._tail + data
        self.has_text = self.has_text or FIRST_TEXT in recent
        self._tail = recent[-len(FIRST_TEXT) :]
        if self._left >= 0:
            self._left -= len(data)
            return self._left <= 0
        return recent.endswith(_LAST_CHUNK) or recent == _LAST_CHUNK[2:]


def _length(head: bytes) -> int:
    """What the head announces; -1 for chunks."""
    _, found, rest = head.partition(b"\r\ncontent-length:")
    return int(rest.partition(b"\r\n")[0]) if found else -1


class _Caller(asyncio.Protocol):
    def __init__(self, request: bytes, until: float, ended: Callable[[], None]) -> None:
        self._request = request
        self._until = until
        self._ended = ended
        self.times: list[float] = []
        self.first_texts: list[float] = []
        self.failed = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's by class.
        self._transport = cast(asyncio.Transport, transport)
        self._ask()

    def _ask(self) -> None:
        self._reader = AnswerReader()
        self._began = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        reader = self._reader
        waited = not reader.has_text
        complete = reader.feed(data)
        now = time.perf_counter()
        if waited and reader.has_text:
            self.first_texts.append(now - self._began)
        if not complete:
            return
        self.times.append(now - self._began)
        self.failed += reader.status != 200
        if now < self._until:
            self._ask()
        else:
            self._until = 0.0
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        self.failed += bool(self._until)
        self._ended()


def request_bytes(url: str, body: str, headers: Mapping[str, str]) -> tuple[str, int, bytes]:
    """Host and port, and what is sent there."""
    target = urlsplit(url)
    lines = [
        f"POST {target.path} HTTP/1.1",
        f"host: {target.netloc}",
        "content-type: application/json",
        f"content-length: {len(body.encode())}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    assert target.hostname is not None
    return target.hostname, target.port or 80, "\r\n".join([*lines, "", body]).encode()


async def ask(url: str, callers: int, seconds: float) -> Result:
    """Ask for so long; what came of it."""
    loop = asyncio.get_running_loop()
    lines = os.environ.get("BENCH_HEADERS", "").splitlines()
    headers = dict(line.split(": ", 1) for line in lines)
    host, port, request = request_bytes(url, os.environ["BENCH_BODY"], headers)
    left = callers
    all_ended = loop.create_future()

    def ended() -> None:
        nonlocal left
        left -= 1
        if not left:
            all_ended.set_result(None)

    begin = time.perf_counter()
    protocols = []
    for _ in range(callers):
        _, protocol = await loop.create_connection(
            lambda: _Caller(request, begin + seconds, ended), host, port
        )
        protocols.append(protocol)
    await all_ended
    took = time.perf_counter() - begin
    times = [each for protocol in protocols for each in protocol.times] or [0.0]
    firsts = [each for protocol in protocols for each in protocol.first_texts] or [0.0]
    return Result(
        requests=sum(len(protocol.times) for protocol in protocols),
        seconds=took,
        p50=percentile(times, 0.5),
        p99=percentile(times, 0.99),
        failed=sum(protocol.failed for protocol in protocols),
        first_text=percentile(firsts, 0.5),
    )


def fast_loop() -> asyncio.AbstractEventLoop:
    """uvloop's where it is installed."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=fast_loop) as runner:
        print_result(runner.run(ask(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))))
