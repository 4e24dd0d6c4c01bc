"""Limits of keys where several processes serve them, and of answers that are not heard out."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from ai_client.key_services import create_gateway_key
from ai_client.limits.books import default_books
from ai_client.models import GatewayKey, GatewayKeyUsage, RequestLog
from ai_client.simulator.server import Simulator
from tests.gateway.limited_keys import CALLERS, REDIS_URL, forget_counts
from tests.gateway.server_process import SiteProcess, site_process
from tests.gateway.waiting import eventually
from tests.live_site import Site, forget_this_process

HELLO = [{"role": "user", "content": "Hello there"}]


@pytest.fixture
def workers(transactional_db: None, simulator: Simulator, tmp_path: Path) -> Iterator[SiteProcess]:
    """A server with two workers that share Redis."""
    simulator.clear()
    forget_counts()
    with site_process(tmp_path, workers=2, REDIS_URL=REDIS_URL) as running:
        yield running
        if running.process.poll() is None:
            running.kill()
    forget_counts()


def all_at_once(base_url: str, key: str, calls: int) -> Counter[int]:
    """The statuses of as many calls, each on a connection of its own."""

    async def ask_all() -> Counter[int]:
        limits = httpx.Limits(max_connections=calls, max_keepalive_connections=0)
        async with httpx.AsyncClient(limits=limits, timeout=60, trust_env=False) as client:
            url, headers = f"{base_url}/v1/chat/completions", {"x-api-key": key}
            body = {"model": "auto", "messages": HELLO}
            answers = (client.post(url, json=body, headers=headers) for _ in range(calls))
            return Counter(each.status_code for each in await asyncio.gather(*answers))

    return asyncio.run(ask_all())


@pytest.mark.service
def test_two_processes_count_together(workers: SiteProcess, simulator: Simulator) -> None:
    forget_this_process()
    _, limited = create_gateway_key("limited", requests_per_minute=50)
    _, key = create_gateway_key("tests")
    site = Site(workers.base_url, key, simulator)
    site.connect(site.upstream("openai_chat", name="first"))
    caller = CALLERS["openai_chat"]

    def both_know_the_keys() -> bool:
        # Who knows the later one knows the earlier one too; enough are asked to meet both.
        answers = [caller.ask(site, key).status_code for _ in range(30)]
        return set(answers) == {200} and len(workers.worker_ids()) == 2

    eventually(both_know_the_keys)
    assert caller.ask(site, limited).status_code == 200
    asked = all_at_once(workers.base_url, limited, 200)
    eventually(lambda: RequestLog.objects.filter(gateway_key_name="limited").count() >= 201)
    let_in = RequestLog.objects.filter(gateway_key_name="limited", outcome="success").count()
    assert set(asked) == {200, 429}
    assert let_in == 50


def test_processes_without_redis_hear_of_each_others_spending(
    transactional_db: None, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.clear()
    forget_this_process()
    _, key = create_gateway_key("tests", budget_per_day=Decimal(1))
    with site_process(tmp_path) as running:
        site = Site(running.base_url, key, simulator)
        site.connect(site.upstream("openai_chat", name="first"))
        caller = CALLERS["openai_chat"]
        eventually(lambda: caller.ask(site, key).status_code == 200)
        eventually(lambda: GatewayKeyUsage.objects.filter(requests__gte=1).exists())
        GatewayKeyUsage.objects.update(cost=Decimal(1))  # as another process would have it
        eventually(lambda: caller.ask(site, key).status_code == 429)


def test_a_stream_that_is_left_is_paid(settings: object, site: Site) -> None:
    prices = {"*/*": {"input_mtok": 1000, "output_mtok": 1000}}
    settings.AI_CLIENT = {**settings.AI_CLIENT, "PRICES": prices}  # type: ignore[attr-defined]
    site.connect(site.upstream("anthropic_messages", name="up", failure="hang-midstream"))
    _, key = create_gateway_key("limited", budget_per_day=Decimal(1), concurrency=1)
    of = GatewayKey.objects.get(name="limited").pk
    body = {"model": "auto", "messages": HELLO, "stream": True}
    url, headers = f"{site.base_url}/v1/chat/completions", {"x-api-key": key}
    with (
        httpx.Client(timeout=30, trust_env=False) as client,
        client.stream("POST", url, json=body, headers=headers) as response,
    ):
        assert response.status_code == 200
        next(response.iter_bytes())
    eventually(lambda: default_books().spent(of).day)
    (row,) = [each for each in site.rows() if each.gateway_key_name == "limited"]
    assert row.outcome == "client_closed"
    assert default_books().spent(of).day == row.cost
