"""An upstream in a process of its own, which answers with canned bytes and does little else.

The first two parts of a path say what: the dialect (``openai``, ``anthropic``, ``google``) and how,

``plain``     a complete answer,
``streamed``  its 102 events at once,
``paced``     what there is up to the first text at once, the others ``PACE`` seconds later,
``held``      numbered events, one each ``HELD_EVERY`` seconds.

The last two are OpenAI's only. Any other path is answered with OpenAI's complete answer. nginx,
where it is, takes over the first two, so that the upstream is never what limits.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bench import canned
from bench.canned import TEXT
from bench.processes import ROOT

__all__ = ["TEXT", "running_upstream"]

PACE = 0.02
"""Seconds; long enough that a server which holds events back cannot hide it."""
HELD_EVENTS = 24
HELD_EVERY = 0.5

_JSON_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
_SSE_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)
_LAST_CHUNK = b"0\r\n\r\n"


def held_piece(number: int) -> str:
    """The text of a held stream's event."""
    return f"{number};"


def _complete(dialect: canned.Dialect) -> bytes:
    body = canned.body(dialect)
    return _JSON_HEAD % len(body) + body


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


ANSWER = _complete("openai")
_PLAIN: dict[str, bytes] = {dialect: _complete(dialect) for dialect in canned.DIALECTS}
_STREAMED: dict[str, bytes] = {
    dialect: _SSE_HEAD + _chunk(b"".join(canned.events(dialect))) + _LAST_CHUNK
    for dialect in canned.DIALECTS
}
_PACED = [b"".join(part) for part in canned.up_to_first_text(canned.events("openai"))]
_HELD = canned.openai_events([held_piece(number) for number in range(HELD_EVENTS)])


class _Answering(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._waiting = b""

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        while (size := _size_of_first(self._waiting)) and size <= len(self._waiting):
            first, self._waiting = self._waiting[:size], self._waiting[size:]
            self._answer(first.partition(b" ")[2].partition(b" ")[0].decode("ascii", "replace"))

    def _answer(self, path: str) -> None:
        _, dialect, kind, *_ = f"{path}///".split("/")
        match kind:
            case "streamed":
                self._transport.write(_STREAMED.get(dialect, ANSWER))
            case "paced":
                self._write_later(_PACED, PACE)
            case "held":
                # The role and the first number go out together, the end with the last number.
                texts = _HELD[1 : 1 + HELD_EVENTS]
                begin, end = _HELD[0] + texts[0], texts[-1] + b"".join(_HELD[1 + HELD_EVENTS :])
                self._write_later([begin, *texts[1:-1], end], HELD_EVERY)
            case _:
                self._transport.write(_PLAIN.get(dialect, ANSWER))

    def _write_later(self, pieces: list[bytes], pause: float) -> None:
        """A stream, its first piece now."""
        loop = asyncio.get_running_loop()
        begin = loop.time()
        self._transport.write(_SSE_HEAD + _chunk(pieces[0]))
        last = len(pieces) - 1
        for number, piece in enumerate(pieces[1:], start=1):
            data = _chunk(piece) + (_LAST_CHUNK if number == last else b"")
            loop.call_at(begin + pause * number, self._transport.write, data)


def _size_of_first(data: bytes) -> int:
    """Bytes of the first request with its body; 0 while its headers are not complete."""
    head, end, _ = data.partition(b"\r\n\r\n")
    if not end:
        return 0
    _, _, rest = head.lower().partition(b"\r\ncontent-length:")
    return len(head) + len(end) + int(rest.partition(b"\r\n")[0] or 0)


async def _serve(count: int) -> None:
    loop = asyncio.get_running_loop()
    servers = [
        await loop.create_server(_Answering, "127.0.0.1", 0, backlog=1024) for _ in range(count)
    ]
    print(*(server.sockets[0].getsockname()[1] for server in servers), flush=True)
    # Its parent has gone when there is nothing more to read.
    await asyncio.to_thread(sys.stdin.read)
    for server in servers:
        server.close()


@contextmanager
def running_upstreams(count: int, wrapped: list[str] | None = None) -> Iterator[list[int]]:
    """One process that listens on several ports of 127.0.0.1; ``wrapped`` goes before it."""
    with subprocess.Popen(
        [*(wrapped or ()), sys.executable, "-m", "bench.upstream", str(count)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # Ctrl-C is for whoever measures; this ends when its standard input does.
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        yield [int(port) for port in process.stdout.readline().split()]


@contextmanager
def running_upstream() -> Iterator[int]:
    """It, running; its port on 127.0.0.1."""
    with running_upstreams(1) as (port,):
        yield port


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
