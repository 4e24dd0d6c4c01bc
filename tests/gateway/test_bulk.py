"""Requests that would cost everybody's time are turned away before they do."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from ai_client.gateway.strangers import ROWS_A_MINUTE, Strangers
from ai_client.key_services import create_gateway_key
from tests.gateway.limited_keys import CALLERS, PRICES, STORES, counting_in
from tests.gateway.waiting import eventually
from tests.live_site import Site

MOST = 20
TEXT = "Hello there"
MANY: dict[str, tuple[str, Callable[[int], Any]]] = {
    "openai_chat": ("messages", lambda count: [{"role": "user", "content": TEXT}] * count),
    "openai_responses": (
        "input",
        lambda count: [{"role": "user", "content": [{"type": "input_text", "text": TEXT}] * count}],
    ),
    "anthropic_messages": (
        "messages",
        lambda count: [{"role": "user", "content": [{"type": "text", "text": TEXT}] * count}],
    ),
    "google_generate": ("contents", lambda count: [{"parts": [{"text": TEXT}] * count}]),
}
"""Per dialect: the field that holds the conversation, and what makes it long."""
OTHERS = {
    "openai_chat": "anthropic_messages",
    "openai_responses": "google_generate",
    "anthropic_messages": "openai_chat",
    "google_generate": "openai_chat",
}
OWN = {
    "openai_chat": "openai_chat",
    "openai_responses": "openai_chat",
    "anthropic_messages": "anthropic_messages",
    "google_generate": "google_generate",
}


def post(site: Site, dialect: str, count: int, **more: Any) -> httpx.Response:
    caller, (field, many) = CALLERS[dialect], MANY[dialect]
    body = {**caller.body, field: many(count), **more}
    if "{model}" not in caller.path:
        body["model"] = "auto"
    return httpx.post(
        site.base_url + caller.path.replace("{model}", "auto"),
        json=body,
        headers={"x-api-key": site.key},
        timeout=30,
        trust_env=False,
    )


@pytest.fixture
def bounded(site: Site, settings: Any) -> Site:
    """A site that translates little."""
    settings.AI_CLIENT = {**settings.AI_CLIENT, "MAX_PARTS": MOST}
    return site


@pytest.mark.parametrize("dialect", MANY)
def test_what_has_too_many_parts_is_not_translated(bounded: Site, dialect: str) -> None:
    bounded.connect(bounded.upstream(OTHERS[dialect]))
    assert post(bounded, dialect, MOST // 2).status_code == 200
    bounded.simulator.clear()
    refused = post(bounded, dialect, MOST + 1)
    assert refused.status_code == 413
    said = refused.json()["error"]["message"]
    assert f"more than {MOST} messages and parts, most of them in '{MANY[dialect][0]}'" in said
    assert "AI_CLIENT['MAX_PARTS']" in said
    assert bounded.simulator.requests == []
    assert bounded.rows()[-1].error_code == "request_too_large"


@pytest.mark.parametrize("dialect", MANY)
def test_what_needs_no_translation_goes_on(bounded: Site, dialect: str) -> None:
    bounded.connect(
        bounded.upstream(OTHERS[dialect], name="other"), bounded.upstream(OWN[dialect], name="own")
    )
    answer = post(bounded, dialect, MOST + 1)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-koneek-connection"] == "own"


def test_all_that_is_translated_counts(bounded: Site) -> None:
    bounded.connect(bounded.upstream("anthropic_messages"))
    schema = {"type": "object", "properties": {f"p{each}": {} for each in range(MOST)}}
    tool = {"type": "function", "function": {"name": "look", "parameters": schema}}
    refused = post(bounded, "openai_chat", 1, tools=[tool])
    assert refused.status_code == 413
    assert refused.json()["error"]["param"] == "tools"


WIDE = {f"p{each}": each for each in range(MOST * 3)}
CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "look", "arguments": json.dumps([*range(MOST * 3)])},
}
UNCOUNTED_ONCE: dict[str, dict[str, Any]] = {
    "behind a number": {
        "tools": [
            {
                "type": "function",
                "function": {"name": "f", "parameters": {"anyOf": [1, *[{}] * MOST * 2]}},
            }
        ]
    },
    "members that are no objects": {
        "tools": [{"type": "function", "function": {"name": "f", "parameters": WIDE}}]
    },
    "JSON in a text": {
        "messages": [
            {"role": "user", "content": TEXT},
            {"role": "assistant", "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "call_1", "content": TEXT},
        ]
    },
    "unknown fields": WIDE,
}


@pytest.mark.parametrize("more", UNCOUNTED_ONCE.values(), ids=UNCOUNTED_ONCE.keys())
def test_parts_are_counted_wherever_they_stand(bounded: Site, more: dict[str, Any]) -> None:
    bounded.connect(bounded.upstream("anthropic_messages"))
    refused = post(bounded, "openai_chat", 1, **more)
    assert refused.status_code == 413
    assert bounded.simulator.requests == []


def test_vectors_and_tokens_are_no_parts(bounded: Site) -> None:
    bounded.connect(bounded.upstream("anthropic_messages"))
    answer = post(bounded, "openai_chat", 1, logit_bias={}, unknown=[*range(MOST * 100)])
    assert answer.status_code in (200, 400)


def test_names_that_a_caller_makes_up_are_cut(site: Site) -> None:
    site.connect(site.upstream("anthropic_messages"))
    name = "n" * 100_000
    answer = post(site, "openai_chat", 1, **{name: 1})
    row = site.rows()[-1]
    said = [*row.warnings, *(each["message"] for each in row.attempts)]
    assert max(map(len, said), default=0) <= 2_000
    if answer.status_code != 200:
        assert len(answer.json()["error"]["message"]) <= 2_000


def test_as_many_warnings_as_a_caller_likes_are_not_kept(site: Site) -> None:
    site.connect(site.upstream("anthropic_messages"))
    tuning = {f"unknown_{each}": each for each in range(1_000)}
    post(site, "openai_chat", 1, **tuning)
    row = site.rows()[-1]
    assert len(row.warnings) <= 51


LIMITS: dict[str, dict[str, Any]] = {
    "requests": {"requests_per_minute": 1},
    "tokens": {"tokens_per_minute": 1},
    "budget": {"budget_per_day": Decimal("0.0001")},
}


@pytest.fixture
def priced(settings: Any) -> None:
    """Before ``site``, which begins with these prices."""
    settings.AI_CLIENT = {**settings.AI_CLIENT, "PRICES": PRICES}


@pytest.mark.parametrize("limit", LIMITS)
def test_a_key_at_its_limit_is_refused_before_its_body_is_sent(
    priced: None, site: Site, limit: str
) -> None:
    site.connect(site.upstream("openai_chat"))
    _, key = create_gateway_key("limited", **LIMITS[limit])
    assert CALLERS["openai_chat"].ask(site, key).status_code == 200
    assert_refused_unread(site, key)
    assert site.rows()[-1].gateway_key_name == "limited"


@pytest.fixture(params=STORES)
def counted(priced: None, request: pytest.FixtureRequest, settings: Any) -> Iterator[None]:
    """Counts are kept here or in Redis. Before ``site``, which begins with them."""
    yield from counting_in(request.param, settings)


def test_a_spent_budget_is_known_wherever_it_is_counted(counted: None, site: Site) -> None:
    site.connect(site.upstream("openai_chat"))
    _, key = create_gateway_key("limited", **LIMITS["budget"])
    assert CALLERS["openai_chat"].ask(site, key).status_code == 200
    assert_refused_unread(site, key)


def test_a_place_that_is_taken_may_be_free_once_the_body_has_arrived(site: Site) -> None:
    site.connect(site.upstream("openai_chat", failure="hang"))
    _, key = create_gateway_key("limited", concurrency=1)
    asked = json.dumps({**CALLERS["openai_chat"].body, "model": "auto"}).encode()
    large = asked + b" " * 100_000
    with started(site, key, asked) as first:
        eventually(lambda: site.simulator.requests)
        with started(site, key, b"", len(large), "expect: 100-continue\r\n") as later:
            assert later.recv(65536).startswith(b"HTTP/1.1 100 ")
            first.close()
            site.connect(site.upstream("openai_chat"))
            eventually(lambda: CALLERS["openai_chat"].ask(site, key).status_code == 200)
            later.sendall(large)
            assert later.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_a_large_body_whose_key_has_no_place_is_refused(site: Site) -> None:
    site.connect(site.upstream("openai_chat", failure="hang"))
    _, key = create_gateway_key("limited", concurrency=1)
    asked = json.dumps(CALLERS["openai_chat"].body).encode()
    with started(site, key, asked):
        eventually(lambda: site.simulator.requests)
        with started(site, key, asked + b" " * 100_000) as beside:
            assert beside.recv(65536).startswith(b"HTTP/1.1 429 ")


def started(site: Site, key: str, body: bytes, length: int = 0, more: str = "") -> socket.socket:
    """A request that has begun."""
    url = urlsplit(site.base_url)
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: {url.netloc}\r\nx-api-key: {key}\r\n"
        f"content-length: {length or len(body)}\r\n{more}\r\n"
    )
    caller = socket.create_connection((url.hostname, url.port), timeout=30)
    caller.sendall(head.encode() + body)
    return caller


def assert_refused_unread(site: Site, key: str) -> None:
    with started(site, key, b"", length=10_000_000) as caller:
        assert caller.recv(65536).startswith(b"HTTP/1.1 429 ")


def test_strangers_fill_no_log(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    url = f"{site.base_url}/v1/chat/completions"
    with caplog.at_level(logging.WARNING), httpx.Client(trust_env=False) as client:
        for number in range(ROWS_A_MINUTE // 2 + 5):
            assert client.post(url, json={}).status_code == 401
            unknown = client.get(f"{site.base_url}/v1/{number}", headers={"x-api-key": "kn_x"})
            assert unknown.status_code == 404
        own = client.post(url, content=b"{", headers={"x-api-key": site.key})
        assert own.status_code == 400
        wrong_way = client.get(url, headers={"x-api-key": site.key})
        assert wrong_way.status_code == 405
    rows = site.rows()
    assert [row.gateway_key_name for row in rows] == [""] * ROWS_A_MINUTE + ["tests"] * 2
    assert len({row.request_id for row in rows}) == len(rows)
    said = [each.getMessage() for each in caplog.records if "stranger" in each.name]
    assert len(said) == 1
    assert f"{ROWS_A_MINUTE} of them a minute" in said[0]


def test_a_handler_of_the_log_keeps_no_other_stranger_waiting() -> None:
    strangers = Strangers()
    taken: list[bool] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            other = threading.Thread(target=lambda: taken.append(strangers.take_row()), daemon=True)
            other.start()
            other.join(10)

    log = logging.getLogger(Strangers.__module__)
    handler = Handler()
    log.addHandler(handler)
    try:
        assert [strangers.take_row() for _ in range(ROWS_A_MINUTE + 1)][-1] is False
    finally:
        log.removeHandler(handler)
    assert taken == [False]


def test_where_no_key_is_needed_nobody_is_a_stranger(site: Site, settings: Any) -> None:
    settings.AI_CLIENT = {**settings.AI_CLIENT, "REQUIRE_GATEWAY_KEY": False}
    with httpx.Client(trust_env=False) as client:
        for _ in range(ROWS_A_MINUTE + 5):
            client.post(f"{site.base_url}/v1/chat/completions", content=json.dumps([]).encode())
    assert len(site.rows()) == ROWS_A_MINUTE + 5
