"""Many streams open at once: what each costs, and whether each event arrives, in its place.

    BENCH_STREAMS='[{"url": …, "body": …, "headers": …}]' python -m bench.streams COUNT

opens them, in turn of each request, and prints what came of them. ``open_streams`` runs it beside
the gateway and watches the gateway's memory meanwhile.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, cast

from bench.closed_loop import fast_loop, request_bytes
from bench.load import Request, load
from bench.processes import ROOT, BenchError, Cores, pinned
from bench.servers import Gateway
from bench.upstream import HELD_EVENTS, HELD_EVERY
from bench.workloads import PLAIN, STREAMED

HELD_STREAMS = 2000
_OPENED_PER_SECOND = 500
_SECONDS_AT_MOST = 90.0
_MARK = "STREAMS "
_CHUNK = re.compile(rb"([0-9a-fA-F]+)\r\n")
_NUMBER = re.compile(rb'"content":\s*"(\d+);"')


@dataclass(frozen=True, slots=True)
class Ended:
    """What came of the streams. ``most`` is how many were open at one time.

    ``broken``: how many lacked an event, had one out of place or did not come to their end.
    """

    streams: int
    most: int
    broken: int


@dataclass(frozen=True, slots=True)
class OpenStreams:
    """``Ended``, and what the gateway's memory grew by for each, in bytes."""

    ended: Ended
    bytes_each: float


def is_in_order(answer: bytes, events: int = HELD_EVENTS) -> bool:
    """Whether a whole HTTP answer in chunks holds all numbered events, each in its place."""
    head, _, rest = answer.partition(b"\r\n\r\n")
    body = joined_chunks(rest)
    numbers = [int(number) for number in _NUMBER.findall(body)]
    return (
        head[9:12] == b"200"
        and numbers == list(range(events))
        and body.endswith(b"data: [DONE]\n\n")
    )


def joined_chunks(data: bytes) -> bytes:
    """The body that came in these chunks; empty if its end is missing."""
    parts: list[bytes] = []
    at = 0
    while size := _CHUNK.match(data, at):
        length = int(size[1], 16)
        if not length:
            return b"".join(parts)
        parts.append(data[size.end() : size.end() + length])
        at = size.end() + length + 2
    return b""


class _Stream(asyncio.Protocol):
    def __init__(self, request: bytes, changed: Callable[[int], None]) -> None:
        self._request = request
        self._changed = changed
        self._begun = False
        self.answer = bytearray()
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's by class.
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self.answer += data
        if not self._begun and b"data:" in self.answer:
            self._begun = True
            self._changed(1)
        if self.answer.endswith(b"\r\n0\r\n\r\n") or not self.answer.startswith(b"HTTP/1.1 200"):
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if self._begun:
            self._changed(-1)
        if not self.ended.done():
            self.ended.set_result(None)


def _same(stream: _Stream) -> _Stream:
    return stream


async def _hold(requests: list[dict[str, Any]], count: int) -> Ended:
    loop = asyncio.get_running_loop()
    now = most = 0

    def changed(by: int) -> None:
        nonlocal now, most
        now += by
        most = max(most, now)

    sent = [request_bytes(each["url"], each["body"], each["headers"]) for each in requests]
    streams: list[_Stream] = []
    begin = loop.time()
    for number in range(count):
        host, port, request = sent[number % len(sent)]
        stream = _Stream(request, changed)
        await loop.create_connection(partial(_same, stream), host, port)
        streams.append(stream)
        await asyncio.sleep(begin + (number + 1) / _OPENED_PER_SECOND - loop.time())
    async with asyncio.timeout(_SECONDS_AT_MOST):
        await asyncio.gather(*(stream.ended for stream in streams))
    broken = sum(not is_in_order(bytes(stream.answer)) for stream in streams)
    return Ended(count, most, broken)


def open_streams(gateway: Gateway, on: Cores, count: int = HELD_STREAMS) -> OpenStreams:
    """Open them, wait for their end; what they were and what they took."""
    assert gateway.process is not None
    # What any first requests leave behind in memory is not the streams'.
    for workload in (PLAIN, STREAMED):
        request = gateway.request(workload)
        assert request is not None
        load(request, callers=32, seconds=2, on=on)
    before = most = gateway.process.resident_bytes()
    with subprocess.Popen(
        pinned([sys.executable, "-m", "bench.streams", str(count)], on.load),
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "BENCH_STREAMS": _as_json(gateway.held)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            until = time.monotonic() + _SECONDS_AT_MOST + count / _OPENED_PER_SECOND
            while process.poll() is None and time.monotonic() < until:
                most = max(most, gateway.process.resident_bytes())
                time.sleep(HELD_EVERY / 2)
        finally:
            process.kill()
        said = process.stdout.read() if process.stdout else ""
    for line in said.splitlines():
        if line.startswith(_MARK):
            ended = Ended(**json.loads(line.removeprefix(_MARK)))
            return OpenStreams(ended, (most - before) / max(ended.most, 1))
    raise BenchError(f"The streams did not come to their end:\n{said[-1000:]}")


def _as_json(requests: list[Request]) -> str:
    return json.dumps(
        [
            {"url": each.url, "body": each.body.decode(), "headers": each.headers}
            for each in requests
        ]
    )


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=fast_loop) as runner:
        given = json.loads(os.environ["BENCH_STREAMS"])
        print(_MARK + json.dumps(asdict(runner.run(_hold(given, int(sys.argv[1]))))))
