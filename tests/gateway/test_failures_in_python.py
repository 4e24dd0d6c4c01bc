"""The same table for Python code of the site: both engines, blocking and awaiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from ai_client.client import AiClient, default_client
from ai_client.errors import AiClientError
from ai_client.events import collect
from ai_client.messages import GenerationRequest, GenerativeAiResult, user_message
from tests.gateway.asking import ECHO, NEXT
from tests.gateway.failure_table import PLAIN, STREAM, Case, one_dialect_each
from tests.live_site import Site

REQUEST = GenerationRequest((user_message("Hello there"),))

REPRESENTATIVE = {
    "rate-limit",
    "status-401",
    "status-404",
    "status-500",
    "status-400",
    "redirect",
    "hang",
    "hang-after-headers",
    "hang-midstream-0",
    "reset",
    "close",
    "bad-http",
    "html",
    "cut-json",
    "sse-error-first",
    "close-midstream-0",
    "reset-midbody",
    "malformed-event-first",
    "huge-event",
    "gzip-bomb",
    "drip-20",
}
"""What also runs through the awaiting engine, which the gateway's tests run through anyway."""


def blocking(mode: str) -> GenerativeAiResult:
    """The answer by way of the blocking engine."""
    client = default_client()
    return collect(client.stream(REQUEST)) if mode == STREAM else client.generate(REQUEST)


def awaiting(mode: str) -> GenerativeAiResult:
    """The answer by way of the awaiting engine, in a loop of its own."""

    async def answer(client: AiClient) -> GenerativeAiResult:
        try:
            if mode == STREAM:
                return collect([event async for event in client.astream(REQUEST)])
            return await client.agenerate(REQUEST)
        finally:
            await client.async_engine.close()

    return asyncio.run(answer(default_client()))


Door = Callable[[str], GenerativeAiResult]


def answers_or_raises(site: Site, case: Case, door: Door, settings: Any) -> None:
    """The next connection's answer, or the table's class of error and no other connection."""
    settings.AI_CLIENT = {**settings.AI_CLIENT, **case.row.limits}
    second = site.upstream(NEXT[case.dialect], name="second")
    for mode in case.modes:
        ending, row = case.ending(mode), case.row
        first = site.upstream(
            case.dialect, name=f"first-{mode}", failure=row.failure, timeout=row.timeout
        )
        site.connect(first, second)
        if ending.falls_back:
            assert door(mode).to_text() == ECHO
        else:
            with pytest.raises(ending.error):
                door(mode)
        logged = site.rows()[-1]
        assert [each["class"] for each in logged.attempts] == (
            [ending.code, "ok"] if ending.falls_back else [ending.code]
        )
        expected = ending.error if isinstance(ending.error, tuple) else (ending.error,)
        assert logged.attempts[0]["error"] in {each.__name__ for each in expected}
        assert (logged.dialect, logged.stream) == ("python", mode == STREAM)


@pytest.mark.parametrize("case", one_dialect_each(), ids=str)
def test_the_blocking_engine_fails_as_the_table_says(
    shared_site: Site, settings: Any, case: Case
) -> None:
    answers_or_raises(shared_site, case, blocking, settings)


@pytest.mark.parametrize(
    "case", [each for each in one_dialect_each() if each.row.failure in REPRESENTATIVE], ids=str
)
def test_the_awaiting_engine_fails_as_the_table_says(
    shared_site: Site, settings: Any, case: Case
) -> None:
    answers_or_raises(shared_site, case, awaiting, settings)


@pytest.mark.parametrize("door", [blocking, awaiting])
@pytest.mark.parametrize("dialect", list(NEXT))
def test_after_the_first_content_the_error_is_raised_and_nobody_else_asked(
    shared_site: Site, door: Door, dialect: str
) -> None:
    shared_site.connect(
        shared_site.upstream(dialect, name="first", failure="close-midstream"),
        shared_site.upstream(NEXT[dialect], name="second"),
    )
    with pytest.raises(AiClientError) as caught:
        door(STREAM)
    assert caught.value.code == "stream_truncated"
    assert [each["connection"] for each in shared_site.row().attempts] == ["first"]


def test_a_socket_that_went_stale_is_replaced_within_the_same_attempt(shared_site: Site) -> None:
    shared_site.connect(shared_site.upstream("openai_chat", failure="reset-on-reuse"))
    for mode in (PLAIN, STREAM):
        assert blocking(mode).to_text() == ECHO
    assert [row.attempt_count for row in shared_site.rows()] == [1, 1]
    assert [each.socket_request for each in shared_site.simulator.requests] == [1, 2, 1]
