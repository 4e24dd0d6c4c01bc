"""Keys that may only so much: refused in each dialect, and never counted wrong."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import openai
import pytest

from ai_client.configuration import configuration
from ai_client.key_services import create_gateway_key, update_gateway_key
from ai_client.limits.books import default_books
from ai_client.models import GatewayKey, GatewayKeyUsage
from connectors.approvals import decide
from tests.gateway.limited_keys import CALLERS, PRICES, STORES, Caller, counting_in
from tests.gateway.waiting import eventually
from tests.live_site import Site

CALLS = 200
CALLER = pytest.mark.parametrize("caller", CALLERS.values(), ids=CALLERS.keys())


@pytest.fixture(params=STORES)
def counted(request: Any, settings: Any) -> Iterator[str]:
    """Where the counts are kept. Before ``site``, which begins with them."""
    settings.AI_CLIENT = {**settings.AI_CLIENT, "PRICES": PRICES}
    yield from (request.param for _ in counting_in(request.param, settings))


@pytest.fixture
def limited(counted: str, site: Site) -> Site:
    """A site with one connection, whose counts are kept as the test says."""
    site.connect(site.upstream("openai_chat", name="first"))
    return site


def new_key(**values: Any) -> str:
    return create_gateway_key("limited", **values)[1]


def refusal(response: httpx.Response, status: int) -> str:
    """What a refusal says, in whatever dialect; its whole body."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    return response.text


def all_at_once(site: Site, key: str, **body: Any) -> list[httpx.Response]:
    """As many answers as ``CALLS``, asked for at the same time."""

    async def ask_all() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=CALLS)
        async with httpx.AsyncClient(limits=limits, timeout=60, trust_env=False) as client:
            given = {"model": "auto", "messages": [{"role": "user", "content": "Hi"}], **body}
            url, headers = f"{site.base_url}/v1/chat/completions", {"x-api-key": key}
            calls = (client.post(url, json=given, headers=headers) for _ in range(CALLS))
            return await asyncio.gather(*calls)

    return asyncio.run(ask_all())


@CALLER
def test_a_key_at_its_requests_per_minute_is_refused(limited: Site, caller: Caller) -> None:
    key = new_key(requests_per_minute=2)
    left = [caller.ask(limited, key).headers["x-ratelimit-remaining-requests"] for _ in range(2)]
    assert left == ["1", "0"]
    refused = caller.ask(limited, key)
    assert "2 requests per minute" in refusal(refused, 429)
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert refused.headers["x-ratelimit-limit-requests"] == "2"
    assert refused.headers["x-ratelimit-remaining-requests"] == "0"
    assert 0 < int(refused.headers["x-ratelimit-reset-requests"].removesuffix("s")) <= 60
    assert [row.outcome for row in limited.rows()] == ["success", "success", "refused"]
    assert caller.ask(limited, limited.key).status_code == 200, "Another key goes on."


@CALLER
def test_a_key_at_its_tokens_per_minute_is_refused(limited: Site, caller: Caller) -> None:
    key = new_key(tokens_per_minute=1)
    first = caller.ask(limited, key)
    assert first.status_code == 200, first.text
    assert first.headers["x-ratelimit-remaining-tokens"] == "1"
    refused = caller.ask(limited, key)
    assert "1 tokens per minute" in refusal(refused, 429)
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert refused.headers["x-ratelimit-remaining-tokens"] == "0"


@CALLER
@pytest.mark.parametrize("period", ["day", "month"])
def test_a_key_over_its_budget_is_refused(limited: Site, caller: Caller, period: str) -> None:
    key = new_key(**{f"budget_per_{period}": Decimal("0.001")})
    assert caller.ask(limited, key).status_code == 200
    refused = caller.ask(limited, key)
    assert f"0.001 US dollars per {period}" in refusal(refused, 429)
    assert refused.headers["x-should-retry"] == "false"
    longest = {"day": timedelta(days=1), "month": timedelta(days=31)}[period]
    assert 0 < int(refused.headers["retry-after"]) <= longest.total_seconds()
    more: Any = {f"budget_per_{period}": Decimal(100)}
    update_gateway_key(GatewayKey.objects.get(name="limited"), **more)
    assert caller.ask(limited, key).status_code == 200


@CALLER
def test_a_key_with_as_many_requests_running_as_may_is_refused(
    limited: Site, caller: Caller
) -> None:
    limited.connect(limited.upstream("openai_chat", name="hangs", failure="hang"))
    key = new_key(concurrency=1)
    hanging = {"model": "auto", "messages": [{"role": "user", "content": "Hi"}], "stream": True}

    async def ask_beside_another() -> httpx.Response:
        async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
            url, headers = f"{limited.base_url}/v1/chat/completions", {"x-api-key": key}
            running = asyncio.create_task(client.post(url, json=hanging, headers=headers))
            await asyncio.to_thread(eventually, lambda: limited.simulator.requests)
            refused = await asyncio.to_thread(caller.ask, limited, key)
            running.cancel()
            return refused

    refused = asyncio.run(ask_beside_another())
    assert "1 requests running at the same time" in refusal(refused, 429)
    assert refused.headers["retry-after"] == "1"
    limited.connect(limited.upstream("openai_chat", name="works"))
    # Whoever has left has left its place, too.
    eventually(lambda: caller.ask(limited, key).status_code == 200)


@CALLER
def test_an_expired_key_is_refused(site: Site, caller: Caller) -> None:
    site.connect(site.upstream("openai_chat", name="first"))
    key = new_key(expires_at=datetime.now(UTC) + timedelta(hours=1))
    assert caller.ask(site, key).status_code == 200
    GatewayKey.objects.filter(name="limited").update(expires_at=datetime.now(UTC))
    configuration().refresh()
    assert "expired" in refusal(caller.ask(site, key), 401)


@CALLER
def test_a_key_of_another_scope_is_refused(site: Site, caller: Caller) -> None:
    site.connect(
        site.upstream("openai_chat", name="first", models=["gpt-other"]),
        site.upstream("anthropic_messages", name="second"),
    )
    of_second = create_gateway_key("second", allowed_connections=["second"])[1]
    assert caller.ask(site, of_second).headers["x-koneek-connection"] == "second"
    for model in ("first", "gpt-simulated", "first/gpt-simulated"):
        assert "the connections second" in refusal(caller.ask(site, of_second, model), 403)
    of_model = create_gateway_key("model", allowed_models=["gpt-o*"])[1]
    assert caller.ask(site, of_model, "gpt-other").headers["x-koneek-connection"] == "first"
    for model in ("auto", "first", "second", "claude-simulated"):
        assert "the models gpt-o*" in refusal(caller.ask(site, of_model, model), 403)
    assert {row.outcome for row in site.rows() if row.status == 403} == {"refused"}


def test_what_a_key_is_not_for_is_not_listed_to_it(site: Site) -> None:
    site.connect(
        site.upstream("openai_chat", name="first", models=["gpt-other"]),
        site.upstream("anthropic_messages", name="second"),
    )
    scoped = new_key(allowed_connections=["first"], allowed_models=["gpt-o*"])
    with site.sdk(api_key=scoped) as client:
        listed = {model.id for model in client.models.list()}
        assert listed == {"auto", "gpt-other", "first/gpt-other"}
        with pytest.raises(openai.NotFoundError) as caught:
            client.chat.completions.create(model="nothing", messages=[])
    assert "gpt-other" in str(caught.value)
    assert "second" not in str(caught.value)
    assert "claude" not in str(caught.value)


def test_keys_of_one_caller_share_their_approvals(site: Site, settings: Any) -> None:
    settings.CONNECTORS = {"APPROVAL": "ask"}
    site.connect(site.upstream("openai_chat", name="first"))
    keys = [create_gateway_key(name, caller="web")[1] for name in ("one", "two")]
    assert [ask(site, key) for key in keys] == [403, 403]
    decide("gateway:web", "openai", "allowed")
    assert [ask(site, key) for key in keys] == [200, 200]


def test_of_200_calls_as_many_are_let_in_as_the_minute_has(limited: Site) -> None:
    key = new_key(requests_per_minute=50)
    statuses = Counter(each.status_code for each in all_at_once(limited, key))
    assert statuses == {200: 50, 429: 150}
    assert len(limited.simulator.requests) == 50


def test_of_200_calls_as_many_run_as_may(limited: Site) -> None:
    limited.connect(limited.upstream("openai_chat", name="hangs", failure="hang", timeout=3))
    key = new_key(concurrency=20)
    statuses = Counter(each.status_code for each in all_at_once(limited, key))
    assert statuses == {504: 20, 429: 180}
    limited.connect(limited.upstream("openai_chat", name="works"))
    assert [ask(limited, key) for _ in range(30)] == [200] * 30, "Every place is free again."


@pytest.mark.parametrize("stream", [False, True])
def test_of_200_calls_each_is_paid_once(limited: Site, stream: bool) -> None:
    key = new_key(budget_per_day=Decimal(1_000_000), budget_per_month=Decimal(1_000_000))
    answers = all_at_once(limited, key, stream=stream)
    assert Counter(each.status_code for each in answers) == {200: CALLS}
    of = GatewayKey.objects.get(name="limited").pk
    spent = default_books().spent(of)
    costs = [row.cost for row in limited.rows()]
    assert len(costs) == CALLS
    total = sum((cost for cost in costs if cost), Decimal(0))
    assert total > 0
    assert spent.day == spent.month == total
    assert default_books().spent(of) == spent, "It is stored now, and counted once all the same."
    configuration().refresh()
    assert default_books().spent(of) == spent
    usage = GatewayKeyUsage.objects.get(gateway_key=of)
    assert (usage.requests, usage.cost) == (CALLS, total)
    budget = (total + total / CALLS / 2).quantize(Decimal("1e-4"))
    update_gateway_key(GatewayKey.objects.get(pk=of), budget_per_day=budget)
    assert [ask(limited, key) for _ in range(3)] == [200, 429, 429]


def test_tokens_of_200_calls_are_added_up(limited: Site) -> None:
    limit = 1_000_000
    key = new_key(tokens_per_minute=limit)
    assert Counter(each.status_code for each in all_at_once(limited, key)) == {200: CALLS}
    used = sum(row.total_tokens or 0 for row in limited.rows())
    assert used > 0
    answer = httpx.post(
        f"{limited.base_url}/v1/chat/completions",
        json={"model": "auto", "messages": [{"role": "user", "content": "Hi"}]},
        headers={"x-api-key": key},
    )
    assert answer.headers["x-ratelimit-remaining-tokens"] == str(limit - used)


def ask(site: Site, key: str) -> int:
    """The status of one request."""
    return CALLERS["openai_chat"].ask(site, key).status_code
