"""An upstream in a process of its own, which answers every request with the same chat completion.

It does as little as it can, so that what is measured is the side that asks.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TEXT = "Gravity is the curvature of space and time that mass and energy bring about. " * 5

_BODY = json.dumps(
    {
        "id": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
        "object": "chat.completion",
        "created": 1741569952,
        "model": "gpt-simulated",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": TEXT, "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 19,
            "completion_tokens": 84,
            "total_tokens": 103,
            "prompt_tokens_details": {"cached_tokens": 0},
        },
        "service_tier": "default",
    }
).encode()
ANSWER = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(_BODY)
) + _BODY


class _Answering(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._waiting = b""

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        while (size := _size_of_first(self._waiting)) and size <= len(self._waiting):
            self._waiting = self._waiting[size:]
            self._transport.write(ANSWER)


def _size_of_first(data: bytes) -> int:
    """Bytes of the first request with its body; 0 while its headers are not complete."""
    head, end, _ = data.partition(b"\r\n\r\n")
    if not end:
        return 0
    _, _, rest = head.lower().partition(b"\r\ncontent-length:")
    return len(head) + len(end) + int(rest.partition(b"\r\n")[0] or 0)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Answering, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    # Its parent has gone when there is nothing more to read.
    await asyncio.to_thread(sys.stdin.read)
    server.close()


@contextmanager
def running_upstream() -> Iterator[int]:
    """It, running; its port on 127.0.0.1."""
    with subprocess.Popen(
        [sys.executable, "-m", "bench.upstream"],
        cwd=Path(__file__).parent.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())


if __name__ == "__main__":
    asyncio.run(_serve())
