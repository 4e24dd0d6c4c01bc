"""The request log's list in the admin: what it finds, and that no query of it reads the log."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse

from ai_client.key_services import create_gateway_key
from ai_client.log_list import COUNTED_AT_MOST, distinct, periods
from ai_client.models import RequestLog

pytestmark = pytest.mark.django_db

NEWEST = datetime(2026, 5, 4, 12, 0, 0, tzinfo=UTC)
BACK = " \u2039\n"
Query = tuple[str, Any]


@pytest.fixture
def alice() -> Client:
    """The owner of the site."""
    client = Client()
    client.force_login(User.objects.create_superuser("alice"))
    return client


@pytest.fixture
def few() -> list[RequestLog]:
    return rows(6)


@pytest.fixture
def many() -> list[RequestLog]:
    return rows(COUNTED_AT_MOST + 20)


def rows(count: int) -> list[RequestLog]:
    """That many, an hour apart, the newest first: ``req_0000``, ``req_0001``, ..."""
    return RequestLog.objects.bulk_create(
        RequestLog(
            request_id=f"req_{number:04}",
            created=NEWEST - timedelta(hours=number),
            dialect=("openai_chat", "python")[number % 2],
            connection=("primary", "second", "")[number % 3],
            provider=("openai", "anthropic", "")[number % 3],
            stream=number % 2 == 0,
            outcome=("success", "error")[number % 2],
            total_ms=number * 7 % 5,
        )
        for number in range(count)
    )


def page(client: Client, address: str = "", **headers: str) -> str:
    """The list's page by its query string."""
    found = client.get(
        reverse("admin:ai_client_requestlog_changelist") + address, headers=headers or None
    )
    assert found.status_code == 200, f"{address}: {found.status_code}"
    return found.content.decode()


def listed(content: str) -> list[str]:
    """The ids of the requests in the table, from above."""
    return re.findall(r'<td class="field-request_id"><a[^>]*>(\w+)</a></td>', content)


def links(content: str) -> dict[str, str]:
    """The addresses of the page's links by their texts."""
    found = re.findall(r'<a href="([^"]*)"[^>]*>([^<]*)</a>', content)
    return {unescape(text).strip(BACK): unescape(address) for address, text in found}


def queries_of_the_log(ask: Callable[[], object]) -> list[Query]:
    """What is asked of the log's table meanwhile."""
    found: list[Query] = []

    def heard(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        if sql.startswith("SELECT") and RequestLog._meta.db_table in sql:
            found.append((sql, parameters))
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(heard):
        ask()
    return found


def plan(query: Query) -> Iterator[str]:
    """SQLite's steps that touch the log's table."""
    sql, parameters = query
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)
        for *_, step in cursor.fetchall():
            if RequestLog._meta.db_table in step:
                yield step


ADDRESSES = [
    "",
    "?p=2",
    "?p=200",
    "?outcome__exact=error",
    "?connection=second",
    "?provider=anthropic",
    "?provider=nobody",
    "?dialect=python",
    "?stream__exact=1",
    "?stream__exact=0",
    "?gateway_key__id__exact={key}",
    "?created__year=2026&created__month=5",
    "?created__year=2026&created__month=5&created__day=3",
    "?created__lte=2026-05-01T00:00:00%2B00:00",
    "?connection=second&outcome__exact=error",
    "?q=req_0003",
    "?q=req",
    "?q=nothing",
    "?o=6",
    "?_facets=True",
]


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="reads SQLite's plans")
def test_no_query_reads_the_whole_log(alice: Client, many: list[RequestLog]) -> None:
    key, _plain = create_gateway_key("shop")
    RequestLog.objects.filter(outcome="error").update(gateway_key=key)
    for template in ADDRESSES:
        address = template.format(key=key.pk)
        found = queries_of_the_log(lambda at=address: page(alice, at))  # type: ignore[misc]
        assert found
        for query in found:
            for step in plan(query):
                # Without a condition the first rows of an index are the ones that are wanted.
                walks = "USING COVERING INDEX" in step or "USING INDEX" in step
                bounded = "WHERE" not in query[0] and "LIMIT" in query[0] and walks
                assert step.startswith("SEARCH") or bounded, f"{address}: {step}: {query[0]}"


def test_as_much_is_asked_of_a_long_log_as_of_a_short_one(alice: Client) -> None:
    rows(120)
    # The count, the page, the first and the last row, and a step per value and filter.
    steps = (3 + 1) + (3 + 1) + (2 + 1)
    assert len(queries_of_the_log(lambda: page(alice))) == 4 + steps
    RequestLog.objects.all().delete()
    rows(COUNTED_AT_MOST + 20)
    for address in ("", "?p=200"):
        asked = queries_of_the_log(lambda at=address: page(alice, at))  # type: ignore[misc]
        assert len(asked) == 4 + steps


def test_a_short_log_is_counted(alice: Client, few: list[RequestLog]) -> None:
    content = page(alice)
    assert listed(content) == [row.request_id for row in few]
    assert "6 requests" in content
    assert "Older requests" not in content


def test_a_long_log_is_paged_and_its_oldest_requests_are_a_link_away(
    alice: Client, many: list[RequestLog]
) -> None:
    content = page(alice)
    assert "more than 10,000 requests" in content
    assert "10000 results" not in content
    assert "Older requests" not in content
    last = page(alice, links(content)["200"])
    assert "more than 10,000 requests" in last
    assert listed(last) == [row.request_id for row in many[9950:10000]]
    address = reverse("admin:ai_client_requestlog_changelist")
    assert alice.get(f"{address}?p=201").headers["Location"] == f"{address}?e=1"
    older = page(alice, links(last)["Older requests"])
    assert listed(older) == [row.request_id for row in many[9999:]]
    newest = page(alice, links(older)["Newest requests"])
    assert listed(newest) == [row.request_id for row in many[:50]]
    assert "Newest requests" not in newest


def test_filters_offer_what_the_log_holds(alice: Client, few: list[RequestLog]) -> None:
    found = links(page(alice))
    for name, column in (
        ("primary", "connection"),
        ("anthropic", "provider"),
        ("python", "dialect"),
    ):
        assert f"{column}={name}" in found[name]
        wanted = [row.request_id for row in few if getattr(row, column) == name]
        assert listed(page(alice, found[name])) == wanted
    assert listed(page(alice, found["-"])) == ["req_0002", "req_0005"]
    assert listed(page(alice, "?stream__exact=1")) == ["req_0000", "req_0002", "req_0004"]
    assert listed(page(alice, "?stream__exact=0&connection=second")) == ["req_0001"]


def test_a_filter_that_cannot_be_leads_back_to_the_list(
    alice: Client, few: list[RequestLog]
) -> None:
    address = reverse("admin:ai_client_requestlog_changelist")
    for wrong in ("stream__exact=x", "created__year=x", "created__lte=x"):
        assert alice.get(f"{address}?{wrong}").headers["Location"] == f"{address}?e=1"


def test_values_are_found_in_their_order_and_bounded(few: list[RequestLog]) -> None:
    assert distinct(RequestLog.objects.all(), "connection", 100) == ["", "primary", "second"]
    assert distinct(RequestLog.objects.all(), "connection", 2) == ["", "primary"]
    assert distinct(RequestLog.objects.none(), "connection", 2) == []


def test_a_request_is_found_by_its_id_and_by_how_it_begins(alice: Client) -> None:
    rows(12)
    RequestLog.objects.create(request_id="reqx0003", created=NEWEST, outcome="error")
    assert listed(page(alice, "?q=+req_0003+")) == ["req_0003"]
    assert listed(page(alice, "?q=req_001")) == ["req_0010", "req_0011"]
    assert listed(page(alice, "?q=req_001&outcome__exact=error")) == ["req_0011"]
    for other in ("?q=eq_0003", "?q=REQ_0003", "?q=req%25", "?q=req_0003x"):
        assert listed(page(alice, other)) == []
    assert len(listed(page(alice, "?q=+"))) == 13


def test_a_beginning_of_many_ids_is_said_to_be_short(alice: Client) -> None:
    rows(200)
    assert "Type more of the id" not in page(alice, "?q=req")
    RequestLog.objects.create(request_id="req_more", created=NEWEST, outcome="error")
    assert "More than 200 ids begin so" in page(alice, "?q=req")


def test_few_requests_are_sorted_and_many_are_not(alice: Client, many: list[RequestLog]) -> None:
    content = page(alice, "?o=-6")
    assert "too many to sort" in content
    assert listed(content) == [row.request_id for row in many[:50]]
    assert "o=-6" not in links(content)["2"]
    day = "?created__year=2026&created__month=5&created__day=4"
    sorted_day = page(alice, f"{day}&o=-6")
    assert "too many to sort" not in sorted_day
    of_the_day = [row for row in many if row.created.date() == NEWEST.date()]
    slowest = sorted(of_the_day, key=lambda row: (-row.total_ms, -row.pk))
    assert listed(sorted_day) == [row.request_id for row in slowest]


def test_days_lead_to_their_requests(alice: Client, few: list[RequestLog]) -> None:
    RequestLog.objects.filter(request_id="req_0005").update(created=NEWEST - timedelta(days=2))
    RequestLog.objects.filter(request_id="req_0004").update(created=NEWEST - timedelta(days=400))
    years = links(page(alice))
    month = links(page(alice, years["2026"]))
    days = links(page(alice, month["May 2026"]))
    assert {"May 2", "May 3", "May 4", "2026"} <= set(days)
    assert "May 1" in days
    assert "May 5" not in days
    content = page(alice, days["May 2"])
    assert listed(content) == ["req_0005"]
    assert listed(page(alice, links(content)["May 2026"])) == [
        row.request_id for row in (*few[:4], few[5])
    ]
    assert listed(page(alice, years["2025"])) == ["req_0004"]


@pytest.mark.parametrize(
    ("first", "last", "chosen", "back", "titles"),
    [
        (date(2026, 5, 30), date(2026, 5, 31), (), None, ["May 30", "May 31"]),
        (date(2026, 5, 31), date(2026, 6, 1), (), None, ["May 2026", "June 2026"]),
        (date(2025, 5, 31), date(2026, 6, 1), (), None, ["2025", "2026"]),
        (
            date(2025, 11, 9),
            date(2026, 6, 1),
            (2025,),
            "All dates",
            ["November 2025", "December 2025"],
        ),
        (date(2025, 11, 9), date(2026, 2, 2), (2026, 2), "2026", ["February 1", "February 2"]),
        (date(2026, 5, 1), date(2026, 5, 9), (2026, 5, 3), "May 2026", ["May 3"]),
        (date(2026, 5, 1), date(2026, 5, 9), (2024,), "All dates", []),
    ],
)
def test_periods(
    first: date, last: date, chosen: tuple[int, ...], back: str | None, titles: list[str]
) -> None:
    found = periods(first, last, chosen, lambda to: str(sorted(to.items())))
    assert [choice["title"] for choice in found.choices] == titles
    assert (found.back and found.back["title"]) == back


def test_an_empty_log_is_a_page(alice: Client) -> None:
    assert "0 requests" in page(alice)


def test_the_list_is_german_for_whom_prefers_it(alice: Client, many: list[RequestLog]) -> None:
    content = page(alice, "?o=6&p=200", **{"accept-language": "de"})
    for words in (
        "mehr als 10.000 Anfragen",
        "Ältere Anfragen",
        "Eine Anfrage-ID oder ihr Anfang.",
        "sind zu viele zum Sortieren",
    ):
        assert words in content
