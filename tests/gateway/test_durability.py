"""What was answered is in the log, once, however the process ended."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from ai_client.key_services import create_gateway_key
from ai_client.models import RequestLog
from ai_client.simulator.server import Simulator
from tests.gateway.load import HELLO, under_load
from tests.gateway.server_process import site_process
from tests.gateway.waiting import eventually
from tests.live_site import Site, forget_this_process

REQUESTS = 300
ENOUGH = 120
"""Answers before the process is killed."""
CALLERS = 6


@pytest.fixture
def site(transactional_db: None, simulator: Simulator) -> Site:
    """The configuration of a site that is yet to be served: one connection, one key."""
    simulator.clear()
    forget_this_process()
    _, key = create_gateway_key("tests")
    site = Site("", key, simulator)
    site.connect(site.upstream("anthropic_messages", name="only"))
    return site


def logged() -> list[str]:
    return list(RequestLog.objects.values_list("request_id", flat=True))


def test_what_a_killed_process_had_answered_is_in_the_log_once(site: Site, tmp_path: Path) -> None:
    with (
        site_process(tmp_path) as running,
        under_load(running.base_url, site.key, callers=CALLERS, requests=REQUESTS) as load,
    ):
        load.wait_for(ENOUGH)
        running.kill()
    assert load.sent < REQUESTS, "It was killed after the load."
    answered = set(load.answered)
    assert len(answered) == len(load.answered) >= ENOUGH

    with site_process(tmp_path) as restarted:
        eventually(lambda: answered <= set(logged()))
        with httpx.Client() as client:
            again = client.post(
                f"{restarted.base_url}/v1/chat/completions",
                json={"model": "auto", "messages": HELLO},
                headers={"x-api-key": site.key},
            )
        eventually(lambda: again.headers["x-request-id"] in logged())
        restarted.stop()

    ids = logged()
    assert len(ids) == len(set(ids))
    # Beyond what the callers saw there are only requests that were cut off on their way back.
    assert len(ids) <= load.sent + 1
    successes = RequestLog.objects.filter(request_id__in=answered, outcome="success")
    assert successes.count() == len(answered)
    assert successes.filter(stream=True).count() == len(load.streamed)
    assert not list(restarted.spool.glob("segment-*"))
    assert not (restarted.spool / "rejected.jsonl").exists()


def test_a_process_that_is_asked_to_end_finishes_its_streams_and_writes_its_log(
    site: Site, tmp_path: Path
) -> None:
    site.connect(
        site.upstream("openai_chat", name="slow", failure="slow-50"),
        site.upstream("openai_chat", name="quick"),
    )
    with site_process(tmp_path) as running, httpx.Client(timeout=30) as client:
        url = f"{running.base_url}/v1/chat/completions"
        headers = {"x-api-key": site.key}
        ids = set()
        for _ in range(20):
            body = {"model": "quick", "messages": HELLO}
            ids.add(client.post(url, json=body, headers=headers).headers["x-request-id"])
        body = {"model": "slow", "messages": HELLO, "stream": True}
        with client.stream("POST", url, json=body, headers=headers) as response:
            lines = response.iter_lines()
            next(line for line in lines if line)
            running.process.terminate()
            assert [line for line in lines if line][-1] == "data: [DONE]"
        ids.add(response.headers["x-request-id"])
        running.process.wait(30)

    assert set(logged()) == ids
    assert RequestLog.objects.filter(outcome="success").count() == 21
    assert list(running.spool.iterdir()) == []
