"""A site with ``USE_TZ = False``: its columns hold the site's own time, callers get moments."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from pytest_django import Settings
from rest_framework.test import APIClient

from ai_client.connections import load
from ai_client.errors import AuthenticationFailed
from ai_client.gateway_keys import authenticate
from ai_client.key_services import create_gateway_key, peppers
from ai_client.log.spool import Spool
from ai_client.log.writer import LogWriter
from ai_client.models import GatewayKey, RequestLog
from ai_client.records import RequestRecord
from ai_client.refusals import Refusals
from connectors.models import Approval
from connectors.moments import in_utc
from connectors.services import create_connection
from tests.ai_client.request_records import a_record

pytestmark = pytest.mark.django_db

NOON = 1_768_478_400.0
"""2026-01-15 12:00 UTC, when it is 7 in New York."""
SEVEN = datetime.fromisoformat("2026-01-15T07:00")
SEVEN_THEN = datetime.fromisoformat("2999-01-15T07:00")

Store = Callable[[RequestRecord], RequestLog]


@pytest.fixture(autouse=True)
def new_york(settings: Settings) -> None:
    settings.TIME_ZONE = "America/New_York"
    settings.USE_TZ = False


@pytest.fixture
def store(tmp_path: Path) -> Store:
    def through(record: RequestRecord) -> RequestLog:
        writer = LogWriter(Spool(tmp_path / "spool"), threaded=False, retention_days=lambda: 100)
        writer.append(record)
        assert writer.drain_once() == 1
        return RequestLog.objects.get(request_id=record.request_id)

    return through


@pytest.fixture
def owner() -> User:
    return User.objects.create_superuser("alice")


def test_the_log_is_written_shown_and_pruned(store: Store, owner: User) -> None:
    row = store(a_record(created=NOON))
    assert row.created == SEVEN
    page = Client()
    page.force_login(owner)
    listed = page.get(reverse("admin:ai_client_requestlog_changelist"))
    assert "2026-01-15 07:00:00" in listed.content.decode()
    narrowed = {"created__year": 2026, "created__month": 1, "created__day": 15}
    found = page.get(reverse("admin:ai_client_requestlog_changelist"), narrowed)
    assert row.request_id in found.content.decode()
    shown = page.get(reverse("admin:ai_client_requestlog_change", args=[row.pk]))
    assert shown.status_code == 200
    call_command("prune_request_log", "--days", "1", stdout=io.StringIO())
    assert not RequestLog.objects.exists()


def test_the_writer_prunes(store: Store, tmp_path: Path) -> None:
    store(a_record(created=NOON))
    writer = LogWriter(Spool(tmp_path / "other"), threaded=True, retention_days=lambda: 1)
    writer._delete_old(0.0)
    assert not RequestLog.objects.exists()


def test_keys_expire_at_moments_and_tell_them_in_utc(store: Store, owner: User) -> None:
    client = APIClient()
    client.force_login(owner)
    given = {"name": "shop", "expires_at": "2999-01-15T13:00:00+01:00"}
    made = client.post("/ai/v1/keys", given, format="json")
    assert made.status_code == 201, made.content
    assert made.json()["expires_at"] == "2999-01-15T12:00:00+00:00"
    key = GatewayKey.objects.get()
    assert key.expires_at == SEVEN_THEN
    store(a_record(created=NOON, gateway_key_id=key.pk, gateway_key_name=key.name))
    used = client.get(f"/ai/v1/keys/{key.pk}").json()
    assert used["last_used"] == "2026-01-15T12:00:00+00:00"
    assert used["created"].endswith("+00:00")
    output = io.StringIO()
    call_command("gateway_keys", stdout=output)
    assert "on until 2999-01-15 12:00 UTC" in output.getvalue()
    assert "2026-01-15 12:00 UTC" in output.getvalue()


def test_a_key_without_an_offset_expires_in_the_sites_time() -> None:
    output = io.StringIO()
    call_command("create_gateway_key", "shop", "--expires", "2999-01-15T07:00", stdout=output)
    key = GatewayKey.objects.get()
    assert key.expires_at == SEVEN_THEN
    (known,) = load().gateway_keys.values()
    assert known.expires_at is not None
    assert datetime.fromtimestamp(known.expires_at, UTC).isoformat() == "2999-01-15T12:00:00+00:00"


ZONES = ("America/New_York", "Europe/Berlin", "Asia/Tokyo")
LAST = "9999-12-31T23:59:59"


@pytest.mark.parametrize("uses_zones", [False, True])
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("offset", ["", "Z", "-12:00"])
def test_an_expiry_beyond_the_calendar_is_refused_by_name(
    settings: Settings, owner: User, uses_zones: bool, zone: str, offset: str
) -> None:
    settings.TIME_ZONE, settings.USE_TZ = zone, uses_zones
    client = APIClient()
    client.force_login(owner)
    given = {"name": "shop", "expires_at": LAST + offset}
    refused = client.post("/ai/v1/keys", given, format="json")
    assert refused.status_code == 400, refused.content
    assert [each["pointer"] for each in refused.json()["errors"]] == ["#/expires_at"]
    with pytest.raises(CommandError, match=r"--expires.*Choose an earlier one"):
        call_command("create_gateway_key", "shop", "--expires", LAST + offset)
    page = Client()
    page.force_login(owner)
    form = {"name": "shop", "expires_at_0": "9999-12-31", "expires_at_1": "23:59:59"}
    shown = page.post(reverse("admin:ai_client_gatewaykey_add"), form)
    assert "Choose an earlier one" in shown.content.decode()
    assert not GatewayKey.objects.exists()


@pytest.mark.parametrize("zone", ZONES)
def test_a_row_beyond_the_calendar_holds_nothing_else_up(
    settings: Settings, owner: User, zone: str
) -> None:
    settings.TIME_ZONE = zone
    key, plain = create_gateway_key("shop")
    GatewayKey.objects.filter(pk=key.pk).update(expires_at=datetime.fromisoformat(LAST))
    assert authenticate([("x-api-key", plain)], load().gateway_keys, peppers(), NOON).name == "shop"
    client = APIClient()
    client.force_login(owner)
    (listed,) = client.get("/ai/v1/keys").json()["keys"]
    assert listed["expires_at"].startswith("9999-12-31T")
    output = io.StringIO()
    call_command("gateway_keys", stdout=output)
    assert "on until 9999-12-31" in output.getvalue()


def test_a_zone_that_is_left_to_the_machine(store: Store, settings: Settings) -> None:
    settings.TIME_ZONE = None
    row = store(a_record(created=NOON))
    assert row.created == datetime.fromtimestamp(NOON)  # noqa: DTZ006
    assert in_utc(row.created).timestamp() == NOON


def test_an_expired_key_does_not_open() -> None:
    key, plain = create_gateway_key("shop")
    GatewayKey.objects.filter(pk=key.pk).update(expires_at=SEVEN)
    before, after = NOON - 1.0, NOON + 1.0
    keys = load().gateway_keys
    assert authenticate([("x-api-key", plain)], keys, peppers(), before).name == "shop"
    with pytest.raises(AuthenticationFailed):
        authenticate([("x-api-key", plain)], keys, peppers(), after)


def test_refusals_are_noted(owner: User) -> None:
    refusals = Refusals(clock=lambda: NOON)
    refusals.note("blog", "openai")
    refusals.write()
    assert Approval.objects.get().first_seen == SEVEN


def test_connections_are_told_in_utc(owner: User) -> None:
    create_connection(name="first", provider="openai", api_key="sk-0123456789")
    client = APIClient()
    client.force_login(owner)
    (shown,) = client.get("/connectors/v1/connections").json()["connections"]
    assert shown["created"].endswith("+00:00")
