"""Several worker processes of one server: they share configuration, keys and log."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ai_client.key_services import create_gateway_key, revoke_gateway_key
from ai_client.models import RequestLog
from ai_client.simulator.server import Simulator
from tests.gateway.load import HELLO, under_load
from tests.gateway.server_process import SiteProcess, site_process
from tests.gateway.waiting import eventually
from tests.live_site import Site, forget_this_process

IN_A_ROW = 12
"""So many answers alike, each on a connection of its own, that every worker is among them."""


@pytest.fixture
def workers(transactional_db: None, simulator: Simulator, tmp_path: Path) -> Iterator[SiteProcess]:
    """A server with two workers."""
    simulator.clear()
    with site_process(tmp_path, workers=2) as running:
        yield running
        if running.process.poll() is None:
            running.kill()


@pytest.fixture
def site(workers: SiteProcess, simulator: Simulator) -> Site:
    """The site as the workers serve it, with one connection."""
    forget_this_process()
    _, key = create_gateway_key("tests")
    site = Site(workers.base_url, key, simulator)
    site.connect(site.upstream("openai_chat", name="first"))
    return site


def ask(site: Site, key: str = "") -> httpx.Response:
    """A request on a connection of its own."""
    return httpx.post(
        f"{site.base_url}/v1/chat/completions",
        json={"model": "auto", "messages": HELLO},
        headers={"x-api-key": key or site.key},
        timeout=30,
    )


def all_say(site: Site, status: int, connection: str = "", key: str = "") -> bool:
    answers = (ask(site, key) for _ in range(IN_A_ROW))
    return all(
        each.status_code == status and each.headers.get("x-koneek-connection", "") == connection
        for each in answers
    )


def test_two_workers_share_configuration_keys_and_log(site: Site, workers: SiteProcess) -> None:
    eventually(lambda: ask(site).status_code == 200 and len(workers.worker_ids()) == 2)
    site.connect(site.upstream("google_generate", name="second"))
    eventually(lambda: all_say(site, 200, "second"))
    key, plain = create_gateway_key("another")
    eventually(lambda: all_say(site, 200, "second", plain))
    revoke_gateway_key(key)
    eventually(lambda: all_say(site, 401, key=plain))

    RequestLog.objects.all().delete()
    with under_load(site.base_url, site.key, callers=4, requests=60) as load:
        load.wait_for(60)
    eventually(lambda: logged() >= set(load.answered))
    assert len(load.answered) == len(set(load.answered)) == 60

    victim = workers.worker_ids().pop()
    with under_load(site.base_url, site.key, callers=4, requests=100) as load:
        load.wait_for(30)
        os.kill(victim, signal.SIGKILL)
    # The other worker, or the one that takes the dead one's place, stores what it left behind.
    eventually(lambda: logged() >= set(load.answered))
    workers.stop()
    assert not list(workers.spool.glob("segment-*"))
    ids = RequestLog.objects.values_list("request_id", flat=True)
    assert len(ids) == len(set(ids))


def logged() -> set[str]:
    return set(RequestLog.objects.values_list("request_id", flat=True))
