"""A caller that leaves takes its upstream call with it, and nobody is blamed: row 37."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator
from contextlib import closing
from typing import cast

import pytest

from ai_client.client import default_client
from ai_client.errors import QuotaExhausted
from ai_client.events import Event, PartDelta
from ai_client.health import OFF_PROBE_SECONDS, Standing
from ai_client.messages import GenerationRequest, user_message
from ai_client.models import RequestLog
from tests.gateway.asking import NEXT, asked, calling, connection, health_left, standing
from tests.gateway.failure_table import MODES, STREAM
from tests.gateway.waiting import eventually
from tests.live_site import Site

REQUEST = GenerationRequest((user_message("Hello there"),))
DIALECT = pytest.mark.parametrize("dialect", list(NEXT))


def chain(site: Site, dialect: str, failure: str) -> None:
    site.connect(
        site.upstream(dialect, name="first", failure=failure),
        site.upstream(NEXT[dialect], name="second"),
    )


def assert_left(site: Site, failure: str, left_at: float) -> RequestLog:
    """The upstream was let go within a second, nobody else asked, and nothing held against it."""
    record = site.simulator.wait_for(lambda request: request.left_early)
    assert record.left_after_ms is not None
    assert record.received_at + record.left_after_ms / 1000 - left_at < 1.0
    (row,) = eventually(site.rows)
    assert row.outcome == "client_closed"
    (attempt,) = row.attempts
    assert (attempt["connection"], attempt["class"]) == ("first", "given_up")
    assert asked(site) == [failure]
    assert health_left("first") == "untouched"
    return row


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("failure", ["hang", "hang-after-headers"])
@DIALECT
def test_before_there_is_content(shared_site: Site, dialect: str, failure: str, mode: str) -> None:
    chain(shared_site, dialect, failure)
    with calling(shared_site, mode):
        shared_site.simulator.wait_for(lambda request: request.failure == failure)
    row = assert_left(shared_site, failure, time.time())
    assert row.stream is (mode == STREAM)
    assert row.connection == ""


@DIALECT
def test_in_the_middle_of_a_stream(shared_site: Site, dialect: str) -> None:
    chain(shared_site, dialect, "hang-midstream")
    with calling(shared_site, STREAM) as caller:
        received = b""
        while b"Hello" not in received:
            received += caller.recv(65536)
    row = assert_left(shared_site, "hang-midstream", time.time())
    assert row.connection == "first"
    # What the upstream has said of the prompt counts; OpenAI's says it at the end only.
    assert row.prompt_tokens == (7 if dialect == "openai_chat" else 2)
    assert any(each.startswith("usage_estimated: first ") for each in row.warnings)


@DIALECT
def test_in_the_middle_of_a_plain_answer(shared_site: Site, dialect: str) -> None:
    chain(shared_site, dialect, "hang-midstream")
    with calling(shared_site, "plain"):
        shared_site.simulator.wait_for(lambda request: request.failure == "hang-midstream")
    assert_left(shared_site, "hang-midstream", time.time())


@DIALECT
def test_python_code_that_closes_its_stream(shared_site: Site, dialect: str) -> None:
    chain(shared_site, dialect, "hang-midstream")
    events = cast("Generator[Event]", default_client().stream(REQUEST))
    with closing(events):
        assert any(isinstance(event, PartDelta) for event in events)
    assert_left(shared_site, "hang-midstream", time.time())


@pytest.mark.parametrize("mode", MODES)
@DIALECT
def test_python_code_whose_task_is_cancelled(shared_site: Site, dialect: str, mode: str) -> None:
    chain(shared_site, dialect, "hang")
    client = default_client()

    async def wait_for_ever() -> None:
        if mode == STREAM:
            async for _ in client.astream(REQUEST):
                pass
        else:
            await client.agenerate(REQUEST)

    async def leave() -> float:
        task = asyncio.create_task(wait_for_ever())
        arrived = shared_site.simulator.wait_for
        await asyncio.to_thread(arrived, lambda request: request.failure == "hang")
        task.cancel()
        left_at = time.time()
        with pytest.raises(asyncio.CancelledError):
            await task
        await client.async_engine.close()
        return left_at

    assert_left(shared_site, "hang", asyncio.run(leave()))


def test_a_caller_that_leaves_a_second_attempt_spares_the_third_connection(
    shared_site: Site,
) -> None:
    shared_site.connect(
        shared_site.upstream("openai_chat", name="first", failure="status-500"),
        shared_site.upstream("google_generate", name="second", failure="hang"),
        shared_site.upstream("anthropic_messages", name="third"),
    )
    with calling(shared_site, STREAM):
        shared_site.simulator.wait_for(lambda request: request.failure == "hang")
    shared_site.simulator.wait_for(lambda request: request.left_early)
    (row,) = eventually(shared_site.rows)
    assert [each["class"] for each in row.attempts] == ["upstream_error", "given_up"]
    assert asked(shared_site) == ["status-500", "hang"]


def test_a_caller_that_leaves_a_probe_leaves_the_next_one_a_probe(shared_site: Site) -> None:
    chain(shared_site, "openai_chat", "hang")
    first, long_ago = connection("first"), time.monotonic() - 2 * OFF_PROBE_SECONDS
    empty = QuotaExhausted("The account is empty.")
    default_client().health.fail(first.id, first.revision, first.model, empty, long_ago)
    assert standing("first") is Standing.PROBE
    with calling(shared_site, STREAM):
        shared_site.simulator.wait_for(lambda request: request.failure == "hang")
        assert standing("first") is Standing.OFF
    eventually(shared_site.rows)
    assert standing("first") is Standing.PROBE
