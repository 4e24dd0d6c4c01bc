"""``manage.py prune_request_log``."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from ai_client.log import retention
from ai_client.models import GatewayKey, RequestLog


def logged(*ages: float) -> None:
    """Requests of these ages in days, named after them."""
    now = datetime.now(UTC)
    RequestLog.objects.bulk_create(
        RequestLog(
            request_id=f"{age}-{number}",
            created=now - timedelta(days=age),
            dialect="openai_chat",
            outcome="success",
        )
        for number, age in enumerate(ages)
    )


def run(*arguments: str) -> str:
    output = io.StringIO()
    call_command("prune_request_log", *arguments, stdout=output)
    return output.getvalue()


def left() -> list[str]:
    names = RequestLog.objects.order_by("-created").values_list("request_id", flat=True)
    return [name.partition("-")[0] for name in names]


@pytest.mark.django_db
def test_what_is_past_the_retention_goes_and_the_rest_stays() -> None:
    logged(0, 29, 31, 400)
    assert run() == "2 requests older than 30 days were deleted.\n"
    assert left() == ["0", "29"]


@pytest.mark.django_db
def test_the_setting_says_how_long() -> None:
    logged(1, 6, 8)
    with override_settings(AI_CLIENT={"LOG_RETENTION_DAYS": 7}):
        run()
    assert left() == ["1", "6"]


@pytest.mark.django_db
def test_the_option_goes_before_the_setting() -> None:
    logged(0.25, 1, 2)
    assert run("--days", "0.5") == "2 requests older than 0.5 days were deleted.\n"
    assert left() == ["0.25"]
    assert "1 requests" in run("--days", "0")
    assert left() == []


@pytest.mark.django_db
def test_a_retention_of_zero_keeps_everything() -> None:
    logged(4000)
    with override_settings(AI_CLIENT={"LOG_RETENTION_DAYS": 0}):
        assert "kept for ever" in run()
    assert left() == ["4000"]


@pytest.mark.django_db
@pytest.mark.parametrize("days", ["-1", "1e30", "nan"])
def test_an_impossible_age_is_refused(days: str) -> None:
    logged(4000)
    with pytest.raises(CommandError, match="--days"):
        run("--days", days)
    assert left() == ["4000"]


@pytest.mark.django_db
def test_rows_go_in_small_batches_oldest_first() -> None:
    logged(*[31] * (2 * retention.BATCH + 5), 400)
    before = datetime.now(UTC) - timedelta(days=30)
    assert retention.delete_batch(before, 1) == 1
    assert "400" not in left()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert f"{2 * retention.BATCH + 5} requests" in run()
    deletes = [query for query in queries.captured_queries if query["sql"].startswith("DELETE")]
    assert len(deletes) == 3
    assert left() == []


@pytest.mark.django_db
def test_gateway_keys_are_not_deleted_with_their_requests() -> None:
    key = GatewayKey.objects.create(name="alice", prefix="kn_alice", digest=b"x")
    logged(400)
    RequestLog.objects.update(gateway_key=key)
    run()
    assert GatewayKey.objects.count() == 1
