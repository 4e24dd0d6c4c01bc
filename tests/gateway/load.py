"""Many callers at once, who note which answers they got to their end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

HELLO: Any = [{"role": "user", "content": "Hello there"}]


class Load:
    """``callers`` threads send ``requests`` in all, every second one streamed.

    ``answered`` holds the ids of complete answers: a 200 whose body is all there, or a stream with
    its ``[DONE]``. A caller stops at the first request that the server does not survive.
    """

    def __init__(self, base_url: str, key: str, *, callers: int, requests: int) -> None:
        self._url = f"{base_url}/v1/chat/completions"
        self._key = key
        self._left = requests
        self._changed = threading.Condition()
        self._threads = [threading.Thread(target=self._call) for _ in range(callers)]
        self.sent = 0
        self.plain: list[str] = []
        self.streamed: list[str] = []

    @property
    def answered(self) -> list[str]:
        """The ids of all complete answers."""
        return [*self.plain, *self.streamed]

    def wait_for(self, count: int, timeout: float = 60) -> None:
        """Until ``count`` answers are complete."""
        with self._changed:
            enough = self._changed.wait_for(lambda: len(self.answered) >= count, timeout)
            assert enough, f"Only {len(self.answered)} answers of {self.sent} requests."

    def join(self) -> None:
        """Until every caller has stopped."""
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()

    def start(self) -> None:
        """Send everybody off."""
        for thread in self._threads:
            thread.start()

    def _call(self) -> None:
        with httpx.Client(
            headers={"authorization": f"Bearer {self._key}"}, timeout=30, trust_env=False
        ) as client:
            while (number := self._next()) is not None:
                try:
                    self._ask(client, stream=bool(number % 2))
                except httpx.HTTPError:
                    return

    def _next(self) -> int | None:
        with self._changed:
            if not self._left:
                return None
            self._left -= 1
            self.sent += 1
            return self._left

    def _ask(self, client: httpx.Client, *, stream: bool) -> None:
        body = {"model": "auto", "messages": HELLO, "stream": stream}
        with client.stream("POST", self._url, json=body) as response:
            text = response.read()
        assert response.status_code == 200, text
        if stream:
            assert text.endswith(b"data: [DONE]\n\n"), text
        with self._changed:
            (self.streamed if stream else self.plain).append(response.headers["x-request-id"])
            self._changed.notify_all()


@contextmanager
def under_load(base_url: str, key: str, *, callers: int, requests: int) -> Iterator[Load]:
    """``Load``, running; joined at the end."""
    load = Load(base_url, key, callers=callers, requests=requests)
    load.start()
    try:
        yield load
    finally:
        load.join()
