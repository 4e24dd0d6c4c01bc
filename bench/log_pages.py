"""Fills the request log of the database in DATABASE_URL and times its pages; see ``log_rows``."""

from __future__ import annotations

import json
import os
import random
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django.test import Client

_MARK = "PAGES "
_BATCH = 5000
_SECONDS_PER_PAGE = 20.0
"""A page that is slow is asked for less often."""
_DAYS = 30
_CONNECTIONS = (
    ("primary", "openai", "gpt-5.4-mini"),
    ("second", "anthropic", "claude-sonnet-4-6"),
    ("third", "google", "gemini-flash-latest"),
    ("azure", "azure-ai-foundry", "gpt-4o"),
    ("local", "ollama", "llama3.2"),
)
_OUTCOMES = (("success", 200, ""),) * 95 + (
    ("error", 502, "upstream_unreachable"),
    ("error", 429, "rate_limited"),
    ("error", 504, "upstream_timeout"),
    ("client_closed", None, ""),
    ("refused", 401, "invalid_key"),
)


def main(rows: int, times: int) -> None:
    """Sets Django up, fills the table, prints seconds per page."""
    with tempfile.TemporaryDirectory(prefix="koneek-bench-") as spool:
        os.environ.update(
            DJANGO_SETTINGS_MODULE="koneek_site.settings",
            AI_CLIENT_SPOOL_DIR=spool,
            KONEEK_ENCRYPTION_KEYS=secrets.token_urlsafe(32),
            SECRET_KEY=secrets.token_urlsafe(48),
            ALLOWED_HOSTS="testserver",
            HTTPS_ONLY="false",
            DEBUG="false",
        )
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0, skip_checks=True)
        begin = time.perf_counter()
        fill(rows)
        print(
            f"  {rows:,} rows in {time.perf_counter() - begin:.0f} s", file=sys.stderr, flush=True
        )
        print(_MARK + json.dumps(timed_pages(times)))


def fill(count: int) -> None:
    """That many rows over the last thirty days, as traffic would have left them."""
    from django.db import connection, transaction

    from ai_client.models import GatewayKey, RequestLog

    keys = GatewayKey.objects.bulk_create(
        GatewayKey(name=f"key {number}", prefix=f"kn_{number:05}", digest=b"\0" * 32)
        for number in range(20)
    )
    fields = [each for each in RequestLog._meta.concrete_fields if not each.primary_key]
    quote = connection.ops.quote_name
    names = ", ".join(quote(str(each.column)) for each in fields)
    places = ", ".join(["%s"] * len(fields))
    statement = f"INSERT INTO {quote(RequestLog._meta.db_table)} ({names}) VALUES ({places})"  # noqa: S608
    made = (
        [each.get_db_prep_save(getattr(row, each.attname), connection) for each in fields]
        for row in _rows(count, [key.pk for key in keys])
    )
    while batch := list(islice(made, _BATCH)):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.executemany(statement, batch)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _rows(count: int, keys: list[int]) -> Iterator[Any]:
    from ai_client.models import RequestLog

    chance = random.Random(5)  # noqa: S311 the same rows in every run
    begin = datetime.now(UTC) - timedelta(days=_DAYS)
    step = timedelta(days=_DAYS) / count
    for number in range(count):
        name, provider, model = chance.choice(_CONNECTIONS)
        outcome, status, code = chance.choice(_OUTCOMES)
        key = chance.randrange(len(keys))
        prompt, completion = chance.randrange(10, 4000), chance.randrange(1, 2000)
        milliseconds = chance.expovariate(1 / 2000)
        attempt = {"connection": name, "model": model, "class": code, "ms": milliseconds}
        yield RequestLog(
            request_id=f"req_{number:032x}",
            created=begin + step * number,
            gateway_key_id=keys[key],
            gateway_key_name=f"key {key}",
            dialect=chance.choice(("openai_chat", "anthropic_messages", "python")),
            requested_model="auto",
            stream=chance.random() < 0.5,
            connection=name,
            connection_uuid=f"{name:0<36}",
            provider=provider,
            model=model,
            attempts=[attempt],
            attempt_count=1,
            prompt_tokens=prompt,
            completion_tokens=completion,
            total_tokens=prompt + completion,
            cost=Decimal(prompt + 4 * completion) / 10_000_000,
            first_event_ms=milliseconds / 4,
            total_ms=milliseconds,
            outcome=outcome,
            status=status,
            error_code=code,
            finish_reason="stop" if outcome == "success" else "",
        )


def pages() -> dict[str, str]:
    """The addresses that are asked for, by what is there."""
    from django.urls import reverse

    from ai_client.models import RequestLog

    log = reverse("admin:ai_client_requestlog_changelist")
    newest = RequestLog.objects.order_by("-created")[0]
    day = newest.created - timedelta(days=_DAYS // 2)
    return {
        "the log, newest first": log,
        "its page 100": f"{log}?p=100",
        "one outcome": f"{log}?outcome__exact=error",
        "one connection": f"{log}?connection=second",
        "one gateway key": f"{log}?gateway_key__id__exact={newest.gateway_key_id}",
        "one day": f"{log}?created__year={day.year}&created__month={day.month}"
        f"&created__day={day.day}",
        "one request by its id": f"{log}?q=req_{RequestLog.objects.count() // 2:032x}",
        "one request": reverse("admin:ai_client_requestlog_change", args=[newest.pk]),
        "REST: logs": "/ai/v1/logs",
        "REST: summary": "/ai/v1/summary",
    }


def timed_pages(times: int) -> dict[str, list[float]]:
    """Seconds of each asking, by page; what the site does not serve is left out, and said to be."""
    from django.contrib.auth import get_user_model
    from django.test import Client

    user = get_user_model()._default_manager.create_superuser(
        username="bench", email="", password=secrets.token_urlsafe(16)
    )
    client = Client()
    client.force_login(user)
    found: dict[str, list[float]] = {}
    for name, address in pages().items():
        status = client.get(address).status_code
        if status == 404:
            print(f"  {name}: {address} is not there", file=sys.stderr, flush=True)
            continue
        assert status == 200, f"{address}: {status}"
        taken = found[name] = list[float]()
        begin = time.perf_counter()
        while len(taken) < times and time.perf_counter() - begin < _SECONDS_PER_PAGE:
            taken.append(_seconds(client, address))
    return found


def _seconds(client: Client, address: str) -> float:
    begin = time.perf_counter()
    response = client.get(address)
    took = time.perf_counter() - begin
    assert response.status_code == 200, f"{address}: {response.status_code}"
    return took


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
