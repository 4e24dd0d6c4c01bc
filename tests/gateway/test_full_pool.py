"""Our own connections to an upstream are all busy: row 4."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from typing import Any, cast

import openai
import pytest

from ai_client.client import default_client
from ai_client.errors import PoolExhausted
from ai_client.events import Event
from ai_client.messages import GenerationRequest, user_message
from ai_client.simulator import running_simulator
from ai_client.transport import async_engine, sync_engine
from tests.gateway.asking import ECHO, ask, calling, health_left
from tests.gateway.failure_table import MODES, PLAIN
from tests.live_site import Site

REQUEST = GenerationRequest((user_message("Hello there"),))


@pytest.mark.parametrize("mode", MODES)
def test_a_full_pool_leaves_the_request_to_the_next_connection_once(
    site: Site, monkeypatch: pytest.MonkeyPatch, settings: Any, mode: str
) -> None:
    monkeypatch.setattr(async_engine, "CONNECTIONS_PER_ORIGIN", 1)
    settings.AI_CLIENT = {**settings.AI_CLIENT, "POOL_TIMEOUT": 0.1}
    with running_simulator() as other, site.sdk() as sdk, held(site):
        elsewhere = site.upstream("anthropic_messages", name="second") | {
            "base_url": f"http://127.0.0.1:{other.port}"
        }
        site.connect(site.upstream("openai_chat", name="first"), elsewhere)
        answer = ask(sdk, mode)
        assert (answer.text, answer.connection) == (ECHO, "second")
        assert health_left("first") == "untouched"

        chain = [site.upstream("openai_chat", name=name) for name in ("first", "second", "third")]
        site.connect(*chain, elsewhere | {"name": "fourth"})
        with pytest.raises(openai.InternalServerError) as caught:
            ask(sdk, mode)
    error = caught.value
    assert (error.status_code, error.code) == (503, "pool_exhausted")
    assert error.response.headers["retry-after"] == "1"
    assert error.response.headers["x-koneek-attempts"] == "2"
    assert "x-should-retry" not in error.response.headers


def test_a_full_pool_of_the_blocking_engine_is_told_as_that(
    site: Site, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.setattr(sync_engine, "CONNECTIONS", 1)
    settings.AI_CLIENT = {**settings.AI_CLIENT, "POOL_TIMEOUT": 0.1}
    site.connect(site.upstream("openai_chat", name="holder", failure="hang-midstream"))
    events = cast(Generator[Event], default_client().stream(REQUEST))
    with closing(events) as holder:
        next(holder)
        site.connect(site.upstream("openai_chat", name="first"))
        with pytest.raises(PoolExhausted):
            default_client().generate(REQUEST)
        assert health_left("first") == "untouched"
    assert default_client().generate(REQUEST).to_text() == ECHO


@contextmanager
def held(site: Site) -> Iterator[None]:
    """The one socket to the simulator, taken by a call that hangs until the block ends."""
    site.connect(site.upstream("openai_chat", name="holder", failure="hang"))
    with calling(site, PLAIN):
        site.simulator.wait_for(lambda request: request.failure == "hang")
        yield
