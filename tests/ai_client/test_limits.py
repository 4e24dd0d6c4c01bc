"""What keys are for, how their counts are kept, and that nothing is counted twice or lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ai_client.connections import load
from ai_client.errors import BudgetExhausted, KeyLimitReached
from ai_client.key_rights import KeyLimits, KeyScope
from ai_client.key_services import create_gateway_key
from ai_client.limits.books import Books, end_of_day, end_of_month
from ai_client.limits.breaker import FIRST_PAUSE, LONGEST_PAUSE, StoreBreaker
from ai_client.limits.keys import LimitedKeys
from ai_client.limits.memory import MemoryStore
from ai_client.limits.shared import Names, SharedStore
from ai_client.log import key_usage, rows
from ai_client.messages import TokenUsage
from ai_client.models import GatewayKey, GatewayKeyUsage
from ai_client.records import Outcome, RequestRecord
from ai_client.snapshot import GatewayKeyConfig
from tests.live_site import refused_address

NOW = datetime(2026, 3, 31, 23, 0, tzinfo=UTC).timestamp()
COST = Decimal("0.03")


@pytest.fixture(autouse=True)
def prices(settings: Any) -> None:
    """A thousandth of a dollar per token."""
    price = {"input_mtok": 1000, "output_mtok": 1000}
    settings.AI_CLIENT = {**settings.AI_CLIENT, "PRICES": {"*/*": price}}


@pytest.fixture
def books() -> Iterator[Books]:
    """Told of what is stored, as the process's own are."""
    found = Books(lambda: NOW)
    key_usage.on_stored(found.stored)
    yield found
    key_usage._listeners.remove(found.stored)


def record(key: int | None, number: int, **values: Any) -> RequestRecord:
    given: dict[str, Any] = {
        "request_id": f"req_{number}",
        "created": NOW,
        "dialect": "openai_chat",
        "outcome": Outcome.SUCCESS,
        "gateway_key_id": key,
        "provider": "openai",
        "model": "m",
        "usage": TokenUsage(10, 20, 30),
    }
    return RequestRecord(**{**given, **values})


def key_with(**limits: Any) -> GatewayKeyConfig:
    return GatewayKeyConfig(7, "shop", "kn_", b"", limits=KeyLimits(**limits))


@pytest.mark.parametrize(
    ("scope", "covered", "not_covered"),
    [
        (KeyScope(("a",)), [("a", "m")], [("b", "m"), ("A", "m")]),
        (KeyScope((), ("gpt-5*",)), [("a", "gpt-5"), ("b", "gpt-5-mini")], [("a", "xgpt-5")]),
        (KeyScope((), ("a/m",)), [("a", "m")], [("b", "m"), ("a", "m2")]),
        (KeyScope(("a",), ("m",)), [("a", "m")], [("b", "m"), ("a", "n")]),
        (KeyScope((), ("*o*",)), [("a", "gpt-4o-mini")], [("b", "x")]),
        (KeyScope((), ("m.1",)), [("a", "m.1")], [("a", "mx1")]),
    ],
)
def test_a_scope_covers_what_it_names(
    scope: KeyScope, covered: list[tuple[str, str]], not_covered: list[tuple[str, str]]
) -> None:
    assert all(scope.covers(*each) for each in covered)
    assert not any(scope.covers(*each) for each in not_covered)


@pytest.mark.django_db
def test_a_request_is_counted_once_whether_it_is_stored_or_not(books: Books) -> None:
    key, _ = create_gateway_key("shop", budget_per_day=Decimal(1))
    snapshot = load()
    books.read(snapshot)
    first, second = record(key.pk, 1), record(key.pk, 2)
    assert books.note(first) == books.note(second) == COST
    assert books.spent(key.pk).day == books.spent(key.pk).month == COST * 2
    rows.insert([first])
    assert books.spent(key.pk).day == COST * 2
    books.read(snapshot)
    assert books.spent(key.pk).day == COST * 2
    rows.insert([first, second, record(key.pk, 3)])  # one is there, one is another process's
    books.read(snapshot)
    assert books.spent(key.pk).day == COST * 3
    assert not books._entries


@pytest.mark.django_db
@pytest.mark.parametrize("read_before", [False, True])
def test_a_log_that_is_faster_than_the_requests_end_counts_once(
    books: Books, read_before: bool
) -> None:
    key, _ = create_gateway_key("shop", budget_per_day=Decimal(1))
    rows.insert([record(key.pk, 1)])
    if read_before:
        books.read(load())
    books.note(record(key.pk, 1))
    assert books.spent(key.pk).day == COST
    books.read(load())
    assert books.spent(key.pk).day == COST


@pytest.mark.django_db
def test_a_reading_that_fails_changes_nothing(books: Books, monkeypatch: Any) -> None:
    key, _ = create_gateway_key("shop", budget_per_day=Decimal(1))
    snapshot = load()
    books.note(record(key.pk, 1))
    rows.insert([record(key.pk, 1)])
    with monkeypatch.context() as patch:
        patch.setattr(GatewayKeyUsage._meta, "db_table", "gone")
        with pytest.raises(Exception, match="gone"):
            books.read(snapshot)
    assert books.spent(key.pk).day == COST


@pytest.mark.django_db
def test_a_day_and_a_month_begin_at_midnight_utc() -> None:
    now = NOW
    books = Books(lambda: now)
    key, _ = create_gateway_key("shop", budget_per_day=Decimal(1))
    rows.insert([record(key.pk, 1), record(key.pk, 2, created=NOW - 86_400)])
    books.note(record(key.pk, 3))
    books.read(load())
    assert (books.spent(key.pk).day, books.spent(key.pk).month) == (COST * 2, COST * 3)
    now = NOW + 3600
    assert (books.spent(key.pk).day, books.spent(key.pk).month) == (Decimal(0), Decimal(0))
    books.read(load())
    assert (books.spent(key.pk).day, books.spent(key.pk).month) == (Decimal(0), Decimal(0))


def test_periods_end_where_the_calendar_says() -> None:
    assert end_of_day(date(2026, 12, 31)) == datetime(2027, 1, 1, tzinfo=UTC).timestamp()
    assert end_of_month(date(2026, 12, 5)) == datetime(2027, 1, 1, tzinfo=UTC).timestamp()
    assert end_of_month(date(2026, 2, 5)) == datetime(2026, 3, 1, tzinfo=UTC).timestamp()


@pytest.mark.django_db
def test_use_is_added_up_by_day_once_per_request() -> None:
    key, _ = create_gateway_key("shop")
    refused = record(key.pk, 3, outcome=Outcome.REFUSED, usage=None, created=NOW + 5)
    batch = [record(key.pk, 1), record(key.pk, 1), record(key.pk, 2, created=NOW - 86_400), refused]
    rows.insert(batch)
    rows.insert(batch)
    used = GatewayKeyUsage.objects.order_by("day").values_list("day", "requests", "tokens", "cost")
    assert list(used) == [
        (date(2026, 3, 30), 1, 30, COST),
        (date(2026, 3, 31), 1, 30, COST),
    ]
    key.refresh_from_db()
    assert key.last_used == datetime.fromtimestamp(NOW + 5, UTC)
    rows.insert([record(key.pk, 4, created=NOW - 10)])
    key.refresh_from_db()
    assert key.last_used == datetime.fromtimestamp(NOW + 5, UTC), "It does not go back."


@pytest.mark.django_db
def test_a_batch_writes_once_per_key(django_assert_max_num_queries: Any) -> None:
    keys = [create_gateway_key(name)[0].pk for name in ("one", "two")]
    rows.insert([record(key, number) for number, key in enumerate(keys)])
    with django_assert_max_num_queries(9):
        rows.insert([record(keys[n % 2], 100 + n) for n in range(50)])
    assert [each.requests for each in GatewayKeyUsage.objects.all()] == [26, 26]


@pytest.mark.django_db
def test_a_deleted_keys_requests_are_stored_all_the_same() -> None:
    rows.insert([record(10**9, 1), record(None, 2)])
    assert not GatewayKeyUsage.objects.exists()


@pytest.fixture
def memory(db: None) -> LimitedKeys:
    books = Books(lambda: NOW)
    return LimitedKeys(books, MemoryStore(books, lambda: 600), clock=lambda: NOW)


def test_a_place_is_given_back_once_however_the_request_ends(memory: LimitedKeys) -> None:
    key = key_with(concurrency=2)
    first, second = memory.admit(key), memory.admit(key)
    with pytest.raises(KeyLimitReached):
        memory.admit(key)
    first.settle(record(key.id, 1, outcome=Outcome.CLIENT_CLOSED, usage=None))
    first.settle(record(key.id, 1))
    third = memory.admit(key)
    with pytest.raises(KeyLimitReached):
        memory.admit(key)
    for each in (second, third):
        each.settle(record(key.id, 2))
    memory.admit(key)


def test_a_place_that_nobody_gives_back_ends_by_itself(db: None) -> None:
    books = Books(lambda: NOW)
    keys = LimitedKeys(books, MemoryStore(books, lambda: -1))
    key = key_with(concurrency=1)
    keys.admit(key)
    keys.admit(key)


def test_what_is_refused_uses_nothing_up(memory: LimitedKeys) -> None:
    key = key_with(requests_per_minute=2, concurrency=1)
    held = memory.admit(key)
    for _ in range(5):
        with pytest.raises(KeyLimitReached, match="running"):
            memory.admit(key)
    held.settle(record(key.id, 1))
    memory.admit(key).settle(record(key.id, 2))
    for _ in range(2):
        with pytest.raises(KeyLimitReached, match="per minute"):
            memory.admit(key)
    memory.admit(replace(key, id=8))  # no other key is concerned


def test_an_aborted_answer_is_paid_by_what_is_known_of_it(memory: LimitedKeys) -> None:
    key = key_with(budget_per_day=COST, tokens_per_minute=100)
    memory.admit(key).settle(record(key.id, 1, outcome=Outcome.CLIENT_CLOSED, usage=None))
    lease = memory.admit(key)
    lease.settle(record(key.id, 2, outcome=Outcome.CLIENT_CLOSED))
    with pytest.raises(BudgetExhausted, match="2026-04-01 00:00 UTC") as caught:
        memory.admit(key)
    assert caught.value.retry_after == timedelta(hours=1).total_seconds()


def test_a_key_without_limits_is_not_asked_about(memory: LimitedKeys) -> None:
    assert not memory.applies_to(GatewayKeyConfig(1, "free", "kn_", b""))
    assert memory.applies_to(key_with(concurrency=1))


async def test_no_request_fails_because_redis_is_away(db: None, caplog: Any) -> None:
    with refused_address() as nobody:
        books = Books(lambda: NOW)
        shared = SharedStore(f"redis://{nobody}/0", Names("t"), books, lambda: 600)
        keys = LimitedKeys(books, MemoryStore(books, lambda: 600), shared, lambda: NOW)
        key = key_with(concurrency=2, requests_per_minute=3, tokens_per_minute=1000)
        first = await keys.aadmit(key)
        second = keys.admit(key)
        for admit in (keys.admit, keys.admit):
            with pytest.raises(KeyLimitReached):
                admit(key)
        first.settle(record(key.id, 1))
        second.settle(record(key.id, 2))
        assert (await keys.aadmit(key)).headers()["x-ratelimit-remaining-tokens"] == "940"
        keys.close()
    assert caplog.text.count("Redis does not answer") == 1


def test_the_breaker_lets_one_try_after_each_pause() -> None:
    breaker = StoreBreaker()
    assert breaker.allows(0)
    assert breaker.failed(0)
    assert not breaker.allows(FIRST_PAUSE / 2)
    assert breaker.allows(FIRST_PAUSE)
    assert not breaker.allows(FIRST_PAUSE), "One tries, the others go on without."
    now = FIRST_PAUSE
    for _ in range(10):
        assert not breaker.failed(now)
        now += LONGEST_PAUSE
        assert breaker.allows(now)
    assert breaker.succeeded()
    assert not breaker.succeeded()
    assert breaker.allows(now)


@pytest.mark.django_db
def test_a_key_keeps_the_name_of_a_connection_that_is_gone() -> None:
    GatewayKey.objects.create(
        name="old", prefix="kn_old", digest=b"x", allowed_connections=["gone"]
    )
    (config,) = load().gateway_keys.values()
    assert config.scope is not None
    assert not config.scope.covers("other", "m"), "It does not become a key for everything."
