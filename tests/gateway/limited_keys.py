"""Keys with limits, asked of in every dialect, with the counts in memory or in Redis."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from redis import Redis

from ai_client import conf
from ai_client.gateway.endpoints import ENDPOINTS, Kind
from ai_client.wire import UnknownWireFormat, gateway_face
from tests.live_site import Site

REDIS_URL = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/9")
STORES = ["memory", pytest.param("redis", marks=pytest.mark.service)]
PRICES = {"*/*": {"input_mtok": 1000, "output_mtok": 1000}}
"""A tenth of a cent per token."""


@dataclass(frozen=True, slots=True)
class Caller:
    """How a dialect asks one thing: its path, its body, the header of its key."""

    path: str
    body: dict[str, Any]
    header: str

    def ask(self, site: Site, key: str, model: str = "auto") -> httpx.Response:
        """A request in the dialect."""
        path, body = self.path, {**self.body, "model": model}
        if "{model}" in path:
            path, body = path.replace("{model}", model), self.body
        value = f"Bearer {key}" if self.header == "authorization" else key
        headers = {self.header: value}
        return httpx.post(
            site.base_url + path, json=body, headers=headers, timeout=30, trust_env=False
        )


_TURN = {"role": "user", "content": "Hello there"}
_CALLERS: dict[str, tuple[dict[str, Any], str]] = {
    "openai_chat": ({"messages": [_TURN]}, "authorization"),
    "openai_responses": ({"input": "Hello there"}, "authorization"),
    "anthropic_messages": ({"messages": [_TURN], "max_tokens": 100}, "x-api-key"),
    "google_generate": ({"contents": [{"parts": [{"text": "Hello there"}]}]}, "x-goog-api-key"),
}


def _is_served(dialect: str) -> bool:
    try:
        gateway_face(dialect)
    except UnknownWireFormat:
        return False
    return True


CALLERS = {
    each.dialect: Caller(each.path, *_CALLERS[each.dialect])
    for each in ENDPOINTS
    if each.kind is Kind.CHAT and not each.stream and _is_served(each.dialect)
}
"""One for each dialect in which conversations are served."""


def counting_in(store: str, settings: Any) -> Iterator[None]:
    """Count in memory or in Redis, which is left as it was found."""
    if store == "memory":
        yield
        return
    settings.AI_CLIENT = {**settings.AI_CLIENT, "REDIS_URL": REDIS_URL}
    forget_counts()
    yield
    forget_counts()


def forget_counts() -> None:
    """Delete what this site has in Redis."""
    with Redis.from_url(REDIS_URL) as redis:
        for name in redis.scan_iter(f"koneek:{conf.site_mark()}:*"):
            redis.delete(name)
