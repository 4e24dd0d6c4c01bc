"""Answers that are not heard to their end cost their keys what was asked and received."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, aclosing, closing, contextmanager
from decimal import Decimal
from typing import Any, cast

import httpx
import pytest
from channels.db import database_sync_to_async

from ai_client import prompt
from ai_client.client import default_client
from ai_client.key_services import create_gateway_key
from ai_client.limits.books import default_books
from ai_client.models import GatewayKey, RequestLog
from tests.gateway.doors import DOORS, serving_door
from tests.gateway.limited_keys import CALLERS, PRICES, STORES, counting_in
from tests.gateway.waiting import eventually
from tests.live_site import Site

WORD = "x" * 50
TEXT = " ".join([WORD] * 8)
"""Eight words, which the simulator counts as eight tokens, of a hundred tokens' length."""
SOON = "hang-midstream-6"
"""Six events, so five of these words at least."""
HEARD = 5 * len(WORD)
LIMIT = 60
"""Tokens: more than the simulator counts, less than what is left was worth."""
CALLER = pytest.mark.parametrize("caller", CALLERS)
UPSTREAMS: dict[str, dict[str, Any]] = {
    "openai_chat": {"dialect": "openai_chat"},
    "openai_responses": {"dialect": "openai_chat", "model": "gpt-simulated-pro"},
    "anthropic_messages": {"dialect": "anthropic_messages"},
    "google_generate": {"dialect": "google_generate"},
}
UPSTREAM = pytest.mark.parametrize("upstream", UPSTREAMS)
BODIES: dict[str, dict[str, Any]] = {
    "openai_chat": {"messages": [{"role": "user", "content": TEXT}]},
    "openai_responses": {"input": TEXT},
    "anthropic_messages": {"messages": [{"role": "user", "content": TEXT}], "max_tokens": 100},
    "google_generate": {"contents": [{"parts": [{"text": TEXT}]}]},
}


@pytest.fixture(params=STORES)
def counted(request: Any, settings: Any) -> Iterator[str]:
    """Where the counts are kept. Before ``site``, which begins with them."""
    yield from (request.param for _ in counting_in(request.param, settings))


@pytest.fixture
def priced(settings: Any) -> None:
    """A tenth of a cent per token."""
    settings.AI_CLIENT = {**settings.AI_CLIENT, "PRICES": PRICES}


def connect(site: Site, upstream: str, failure: str) -> None:
    site.connect(site.upstream(failure=failure, name="up", **UPSTREAMS[upstream]))


def asked(site: Site, caller: str, key: str, *, stream: bool = True) -> dict[str, Any]:
    """What httpx is told, to ask for ``TEXT`` back."""
    body, path = BODIES[caller], CALLERS[caller].path
    if "{model}" in path:
        path = path.replace("{model}", "auto")
        if stream:
            path = path.replace(":generateContent", ":streamGenerateContent?alt=sse")
    else:
        body = {"model": "auto", **body, **({"stream": True} if stream else {})}
    headers = {"authorization": f"Bearer {key}"}
    return {"method": "POST", "url": site.base_url + path, "json": body, "headers": headers}


def heard_of(site: Site, caller: str, key: str) -> int:
    """The status of a stream that is left as soon as ``HEARD`` characters of it are there."""
    with (
        httpx.Client(timeout=30, trust_env=False) as client,
        client.stream(**asked(site, caller, key)) as answer,
    ):
        heard = 0
        for data in answer.iter_raw():
            heard += data.count(b"x")
            if heard >= HEARD:
                break
    return answer.status_code


def row_of(site: Site) -> RequestLog:
    """The row of the key's one request, which comes a moment after that has ended."""
    (row,) = eventually(lambda: [each for each in site.rows() if each.gateway_key_name != "tests"])
    return row


def assert_estimated(row: RequestLog, heard: int = HEARD) -> None:
    assert row.prompt_tokens
    assert row.completion_tokens is not None
    assert row.completion_tokens >= heard / 4
    assert row.total_tokens == row.prompt_tokens + row.completion_tokens
    assert row.cost == row.total_tokens * Decimal("0.001")
    assert [each for each in row.warnings if each.startswith("usage_estimated: up ")]


@UPSTREAM
@CALLER
def test_whoever_leaves_streams_reaches_the_budget(
    priced: None, site: Site, caller: str, upstream: str
) -> None:
    connect(site, upstream, SOON)
    _, key = create_gateway_key("limited", budget_per_day=Decimal(LIMIT) / 1000)
    assert heard_of(site, caller, key) == 200
    row = row_of(site)
    assert row.outcome == "client_closed"
    assert_estimated(row)
    refused = httpx.request(**asked(site, caller, key))
    assert refused.status_code == 429
    assert "US dollars per day" in refused.text


@UPSTREAM
def test_whoever_leaves_streams_reaches_the_tokens_per_minute(
    counted: str, priced: None, site: Site, upstream: str
) -> None:
    connect(site, upstream, SOON)
    _, key = create_gateway_key("limited", tokens_per_minute=LIMIT)
    assert heard_of(site, "openai_chat", key) == 200
    row_of(site)
    refused = httpx.request(**asked(site, "openai_chat", key))
    assert refused.status_code == 429
    assert f"{LIMIT} tokens per minute" in refused.text


@pytest.mark.parametrize("door", DOORS)
def test_every_door_counts_what_was_left(
    priced: None, site: Site, settings: Any, door: str
) -> None:
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    # A server of WSGI notices at its next write that nobody reads.
    connect(site, "openai_chat", "slow-20")
    _, key = create_gateway_key("limited", budget_per_month=Decimal(10))
    with serving_door(door) as origin:
        behind = Site(origin, key, site.simulator)
        assert heard_of(behind, "anthropic_messages", key) == 200
        assert_estimated(row_of(site))
    of = GatewayKey.objects.get(name="limited").pk
    assert default_books().spent(of).month == row_of(site).cost


@UPSTREAM
@pytest.mark.parametrize("failure", ["close-midstream-6", "sse-error-later-6", "truncated-6"])
def test_a_stream_that_breaks_off_costs_what_was_received(
    priced: None, site: Site, upstream: str, failure: str
) -> None:
    failure = failure.removesuffix("-6") if "error" in failure else failure
    connect(site, upstream, failure)
    _, key = create_gateway_key("limited", budget_per_day=Decimal(10))
    answer = httpx.request(**asked(site, "openai_chat", key))
    assert answer.status_code == 200
    row = row_of(site)
    assert row.outcome == "error"
    assert_estimated(row, answer.content.count(b"x"))


@UPSTREAM
def test_a_caller_that_leaves_before_the_answer_pays_for_the_prompt(
    priced: None, site: Site, upstream: str
) -> None:
    connect(site, upstream, "hang")
    _, key = create_gateway_key("limited", budget_per_day=Decimal(10))
    with pytest.raises(httpx.ReadTimeout):
        httpx.request(
            **asked(site, "openai_chat", key, stream=False), timeout=httpx.Timeout(30, read=0.3)
        )
    row = row_of(site)
    assert (row.outcome, row.connection, row.provider != "") == ("client_closed", "", True)
    assert row.prompt_tokens
    assert row.prompt_tokens >= len(TEXT) / 4
    assert row.completion_tokens == 0
    assert row.cost == row.prompt_tokens * Decimal("0.001")


@pytest.mark.parametrize("failure", ["status-500", "reset"])
def test_what_fails_before_the_answer_costs_nothing(priced: None, site: Site, failure: str) -> None:
    connect(site, "openai_chat", failure)
    _, key = create_gateway_key("limited", budget_per_day=Decimal(10))
    assert httpx.request(**asked(site, "openai_chat", key)).status_code >= 500
    row = row_of(site)
    assert (row.total_tokens, row.cost, row.provider) == (None, None, "")


@UPSTREAM
@pytest.mark.parametrize("stream", [False, True])
def test_what_the_upstream_has_counted_is_not_estimated(
    priced: None, site: Site, upstream: str, stream: bool
) -> None:
    connect(site, upstream, "")
    _, key = create_gateway_key("limited", budget_per_day=Decimal(10))
    assert httpx.request(**asked(site, "openai_chat", key, stream=stream)).status_code == 200
    row = row_of(site)
    assert (row.prompt_tokens, row.completion_tokens) == (8, 9)
    assert row.warnings == []


@pytest.mark.parametrize("stream", [False, True])
def test_a_whole_answer_that_nobody_counted_is_estimated(
    priced: None, site: Site, stream: bool
) -> None:
    fields = {"stream_usage": False}
    site.connect(
        site.upstream("openai_chat", name="up", provider="openai-compatible", fields=fields)
    )
    _, key = create_gateway_key("limited", budget_per_day=Decimal(10))
    answer = httpx.request(**asked(site, "anthropic_messages", key, stream=stream))
    assert answer.status_code == 200
    row = row_of(site)
    if stream:
        assert_estimated(row, len(TEXT))
    else:
        assert row.warnings == [], "It was counted: only streams are not."


@UPSTREAM
def test_python_code_that_leaves_its_stream_is_counted(
    priced: None, site: Site, upstream: str
) -> None:
    connect(site, upstream, SOON)
    with closing(cast("Any", prompt(TEXT).stream_text())) as pieces:
        leave_after(pieces)
    assert_estimated(row_of(site))


@UPSTREAM
async def test_awaiting_code_that_leaves_its_stream_is_counted(
    priced: None, site: Site, upstream: str
) -> None:
    await database_sync_to_async(connect)(site, upstream, SOON)
    heard = 0
    async with aclosing(cast("Any", prompt(TEXT).astream_text())) as pieces:
        async for piece in pieces:
            heard += piece.count("x")
            if heard >= HEARD:
                break
    await default_client().async_engine.close()
    assert_estimated(await database_sync_to_async(row_of)(site))


def leave_after(pieces: Iterator[str]) -> None:
    heard = 0
    for piece in pieces:
        heard += piece.count("x")
        if heard >= HEARD:
            return
    raise AssertionError("The stream has ended.")


@contextmanager
def nobody_accepts() -> Iterator[int]:
    """The port of a server whose queue is full: whoever connects waits."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        yield server.getsockname()[1]


def test_what_never_left_costs_nothing(priced: None, site: Site) -> None:
    _, key = create_gateway_key("limited", budget_per_day=Decimal("0.05"))
    with nobody_accepts() as port:
        upstream = site.upstream("openai_chat", name="up")
        site.connect({**upstream, "base_url": f"http://127.0.0.1:{port}/v1"})
        with pytest.raises(httpx.ReadTimeout):
            httpx.request(
                **asked(site, "openai_chat", key, stream=False), timeout=1, trust_env=False
            )
        row = row_of(site)
    assert (row.outcome, row.total_tokens, row.cost) == ("client_closed", None, None)
    assert row.warnings == []


Speak = Callable[[Site, str], httpx.Response]


def chat(site: Site, key: str) -> httpx.Response:
    return httpx.request(**asked(site, "openai_chat", key, stream=False))


def speech(site: Site, key: str) -> httpx.Response:
    body = {"model": "tts-1", "input": "Hi", "voice": "alloy"}
    url, headers = f"{site.base_url}/v1/audio/speech", {"x-api-key": key}
    return httpx.post(url, json=body, headers=headers)


@pytest.mark.parametrize("ask", [chat, speech])
def test_what_has_no_price_is_said_to_be_outside_the_budget(
    site: Site, caplog: pytest.LogCaptureFixture, ask: Speak
) -> None:
    site.connect(site.upstream("openai_chat", name="up", models=["tts-1"]))
    _, key = create_gateway_key("limited", budget_per_day=Decimal(10))
    with caplog.at_level(logging.WARNING, "ai_client.limits"):
        for _ in range(3):
            assert ask(site, key).status_code == 200
    rows = [each for each in site.rows() if each.gateway_key_name == "limited"]
    assert [row.cost for row in rows] == [None] * 3
    for row in rows:
        assert [each for each in row.warnings if each.startswith("unpriced: ")]
    (said,) = [each.getMessage() for each in caplog.records if "unpriced" in each.getMessage()]
    assert "'limited'" in said
    assert "'up'" in said


@pytest.mark.parametrize("ask", [chat, speech])
def test_nothing_is_said_to_keys_without_a_budget(
    site: Site, caplog: pytest.LogCaptureFixture, ask: Speak
) -> None:
    site.connect(site.upstream("openai_chat", name="up", models=["tts-1"]))
    _, key = create_gateway_key("limited", requests_per_minute=10)
    assert ask(site, key).status_code == 200
    assert row_of(site).warnings == []
    assert "unpriced" not in caplog.text


def test_counting_tokens_is_free(site: Site) -> None:
    site.connect(site.upstream("anthropic_messages", name="up"))
    _, key = create_gateway_key("limited", budget_per_day=Decimal(10))
    url, headers = f"{site.base_url}/v1/messages/count_tokens", {"x-api-key": key}
    body = {"model": "auto", "messages": [{"role": "user", "content": "Hi"}]}
    assert httpx.post(url, json=body, headers=headers).status_code == 200
    assert row_of(site).warnings == []
