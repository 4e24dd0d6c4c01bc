"""When a change of the configuration is in force, and what happens while nobody can read it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from ai_client import conf
from ai_client.key_services import create_gateway_key, revoke_gateway_key
from ai_client.models import GatewayKey, RequestLog
from ai_client.simulator.server import Simulator
from connectors.models import Connection
from connectors.services import set_connection_enabled, update_connection
from tests.gateway.server_process import SiteProcess, database_away, site_process
from tests.gateway.waiting import eventually
from tests.live_site import Site, forget_this_process

HELLO: Any = [{"role": "user", "content": "Hello there"}]
PATIENCE = 5.0
"""Seconds, on a busy machine, for the change that other processes follow within one."""


def ask(site: Site, key: str = "", *, stream: bool = False) -> httpx.Response:
    """A request on a connection of its own, so that any worker may get it."""
    return httpx.post(
        f"{site.base_url}/v1/chat/completions",
        json={"model": "auto", "messages": HELLO, "stream": stream},
        headers={"authorization": f"Bearer {key or site.key}"},
        timeout=30,
    )


def answered_by(site: Site) -> str:
    return str(ask(site).headers.get("x-koneek-connection", ""))


@pytest.fixture
def process(transactional_db: None, simulator: Simulator, tmp_path: Path) -> Iterator[SiteProcess]:
    """A server in a process of its own, polling as it does by default."""
    simulator.clear()
    with site_process(tmp_path) as running:
        yield running


@pytest.fixture
def other(process: SiteProcess, simulator: Simulator) -> Iterator[Site]:
    """The site as that process serves it; what the test writes comes from another process."""
    forget_this_process()
    _, key = create_gateway_key("tests")
    yield Site(process.base_url, key, simulator)
    process.kill()
    forget_this_process()


def test_the_next_request_follows_a_change_made_in_this_process(site: Site) -> None:
    site.connect(site.upstream("openai_chat", name="one"), site.upstream("openai_chat", name="two"))
    assert answered_by(site) == "one"
    set_connection_enabled(Connection.objects.get(name="one"), False)
    assert answered_by(site) == "two"
    update_connection(Connection.objects.get(name="two"), model="gpt-other")
    ask(site)
    assert site.simulator.requests[-1].json["model"] == "gpt-other"  # type: ignore[index]
    site.connect(site.upstream("openai_chat", name="three"))
    assert answered_by(site) == "three"


def test_a_gateway_key_is_honoured_and_refused_from_the_next_request_on(site: Site) -> None:
    site.connect(site.upstream("openai_chat"))
    key, plain = create_gateway_key("another")
    assert ask(site, plain).status_code == 200
    revoke_gateway_key(key)
    assert ask(site, plain).status_code == 401


def test_a_new_key_of_a_connection_is_what_the_upstream_gets(site: Site) -> None:
    site.connect(site.upstream("openai_chat", name="one"))
    ask(site)
    update_connection(Connection.objects.get(name="one"), api_key="sk-the-next-key-0123456789")
    ask(site)
    before, after = (each.headers["authorization"] for each in site.simulator.requests)
    assert before != after
    assert after == "Bearer sk-the-next-key-0123456789"


def test_other_processes_follow_within_a_second(other: Site) -> None:
    other.connect(other.upstream("openai_chat", name="one"))
    eventually(lambda: answered_by(other) == "one")

    other.connect(other.upstream("anthropic_messages", name="two"))
    eventually(lambda: answered_by(other) == "two", PATIENCE)

    key, plain = create_gateway_key("another")
    eventually(lambda: ask(other, plain).status_code == 200, PATIENCE)
    revoke_gateway_key(key)
    eventually(lambda: ask(other, plain).status_code == 401, PATIENCE)
    GatewayKey.objects.get(name="another")


def test_answers_go_on_while_the_database_is_away_and_the_log_catches_up(
    other: Site, process: SiteProcess
) -> None:
    other.connect(other.upstream("openai_chat", name="only"))
    eventually(lambda: answered_by(other) == "only")
    with database_away():
        answered = [ask(other) for _ in range(5)] + [ask(other, stream=True)]
        assert [each.status_code for each in answered] == [200] * 6
        assert ask(other, "kn_wrong").status_code == 401
        # Both have tried by then, and kept what they had.
        eventually(lambda: "log cannot be stored" in process.output.read_text())
        eventually(lambda: "configuration as last read stays" in process.output.read_text())
        assert process.waiting_records() >= 7
        assert ask(other).status_code == 200

    ids = {each.headers["x-request-id"] for each in answered}
    eventually(lambda: stored(ids) == ids)
    eventually(lambda: process.waiting_records() == 0)
    other.connect(other.upstream("google_generate", name="next"))
    eventually(lambda: answered_by(other) == "next")


def test_a_server_that_starts_without_its_database_serves_once_it_is_back(
    transactional_db: None, simulator: Simulator, tmp_path: Path
) -> None:
    forget_this_process()
    _, key = create_gateway_key("tests")
    Site("", key, simulator).connect(Site("", key, simulator).upstream("openai_chat", name="only"))
    with ExitStack() as until_the_end:
        with database_away():
            running = until_the_end.enter_context(site_process(tmp_path))
            site = Site(running.base_url, key, simulator)
            refused = ask(site)
            assert refused.status_code == 503
            assert refused.json()["error"]["code"] == "configuration_unavailable"
            assert refused.headers["retry-after"] == "1"
        eventually(lambda: answered_by(site) == "only")
        ids = {refused.headers["x-request-id"]}
        eventually(lambda: stored(ids) == ids)


def stored(ids: set[str]) -> set[str]:
    rows = RequestLog.objects.filter(request_id__in=ids)
    return set(rows.values_list("request_id", flat=True))


def test_the_spool_lies_where_the_site_says_and_is_never_another_sites(
    settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("AI_CLIENT_SPOOL_DIR")
    settings.AI_CLIENT_SPOOL_DIR = str(tmp_path / "of the site")
    assert conf.spool_directory() == tmp_path / "of the site"
    settings.AI_CLIENT = {"SPOOL_DIR": str(tmp_path / "of the app")}
    assert conf.spool_directory() == tmp_path / "of the app"

    settings.AI_CLIENT, settings.AI_CLIENT_SPOOL_DIR = {}, ""
    unnamed = conf.spool_directory()
    settings.SECRET_KEY = "the key of another site"
    assert conf.spool_directory() not in (unnamed, tmp_path)
