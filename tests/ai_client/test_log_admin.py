"""Gateway keys and the request log in the admin: who sees what, and what is shown once."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from ai_client.connections import load
from ai_client.gateway_keys import authenticate
from ai_client.key_services import create_gateway_key, peppers
from ai_client.models import GatewayKey, RequestLog

pytestmark = pytest.mark.django_db

KEY = re.compile(r"kn_[A-Za-z0-9_-]{43}")


def address(model: str, page: str, *arguments: object) -> str:
    return reverse(f"admin:ai_client_{model}_{page}", args=arguments)


def let_in(plain: str) -> str:
    return authenticate([("x-api-key", plain)], load().gateway_keys, peppers(), 0.0).name


@pytest.fixture
def alice() -> Client:
    """The owner of the site."""
    client = Client()
    client.force_login(User.objects.create_superuser("alice"))
    return client


@pytest.fixture
def bob() -> Client:
    """A colleague who may look."""
    user = User.objects.create_user("bob", is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(codename__in=["view_gatewaykey", "view_requestlog"])
    )
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def charlie() -> Client:
    """Staff who must not see any of it."""
    client = Client()
    client.force_login(User.objects.create_user("charlie", is_staff=True))
    return client


@pytest.fixture
def row() -> RequestLog:
    return RequestLog.objects.create(
        request_id="req_shown",
        created=datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC),
        dialect="openai_chat",
        connection="primary",
        outcome="success",
        attempts=[
            {
                "connection": "broken",
                "model": "gpt-4o",
                "class": "upstream_error",
                "error": "ServerFailed",
                "status": 500,
                "ms": 11.5,
                "message": "<script>alert(1)</script>",
            },
            {"connection": "primary", "model": "m", "class": "ok", "status": None, "ms": 99.0},
        ],
        attempt_count=2,
    )


def test_a_new_key_is_shown_once_and_works(alice: Client) -> None:
    answer = alice.post(
        address("gatewaykey", "add"), {"name": "shop", "allow_fallback": "on"}, follow=False
    )
    assert answer.status_code == 200
    (plain,) = set(KEY.findall(answer.content.decode()))
    assert let_in(plain) == "shop"
    for page in (
        address("gatewaykey", "changelist"),
        address("gatewaykey", "change", GatewayKey.objects.get().pk),
        address("gatewaykey", "history", GatewayKey.objects.get().pk),
        reverse("admin:index"),
    ):
        content = alice.get(page).content.decode()
        assert plain not in content
        assert not KEY.search(content)


def test_a_new_key_is_left_neither_in_the_browser_nor_in_a_table(alice: Client) -> None:
    answer = alice.post(address("gatewaykey", "add"), {"name": "shop"})
    (plain,) = set(KEY.findall(answer.content.decode()))
    assert "no-store" in answer.headers["Cache-Control"]
    assert plain not in str(alice.cookies)
    assert not any(plain in str(session.get_decoded()) for session in Session.objects.all())
    assert not any(plain in entry.change_message for entry in LogEntry.objects.all())
    assert LogEntry.objects.get().object_id == str(GatewayKey.objects.get().pk)


def test_the_form_makes_the_key_it_describes(alice: Client) -> None:
    alice.post(
        address("gatewaykey", "add"),
        {"name": "shop", "expires_at_0": "2999-01-02", "expires_at_1": "03:04:05"},
    )
    key = GatewayKey.objects.get()
    assert key.allow_fallback is False
    assert key.enabled is True
    assert key.expires_at == datetime(2999, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "form",
    [
        {"name": ""},
        {"name": "taken"},
        {"name": "late", "expires_at_0": "2001-01-01", "expires_at_1": "00:00"},
    ],
)
def test_a_form_that_cannot_be_makes_no_key(alice: Client, form: dict[str, str]) -> None:
    create_gateway_key("taken")
    answer = alice.post(address("gatewaykey", "add"), form)
    assert answer.status_code == 200
    assert "errorlist" in answer.content.decode()
    assert not KEY.search(answer.content.decode())
    assert GatewayKey.objects.count() == 1


def test_a_key_is_changed_through_its_form_and_stays_the_key(alice: Client) -> None:
    key, plain = create_gateway_key("shop")
    version = load().version
    alice.post(
        address("gatewaykey", "change", key.pk), {"name": "store", "enabled": "on", "prefix": "x"}
    )
    assert let_in(plain) == "store"
    assert load().version > version
    alice.post(address("gatewaykey", "change", key.pk), {"name": "store"})
    assert GatewayKey.objects.get().enabled is False


def test_keys_are_revoked_from_the_list(alice: Client) -> None:
    keys = [create_gateway_key(name)[0] for name in ("one", "two", "three")]
    chosen = [key.pk for key in keys[:2]]
    alice.post(
        address("gatewaykey", "changelist"), {"action": "revoke", "_selected_action": chosen}
    )
    assert list(GatewayKey.objects.filter(enabled=True)) == [keys[2]]
    said = alice.get(address("gatewaykey", "changelist")).content.decode()
    assert "2 gateway keys were revoked." in said


def test_keys_are_deleted_one_by_one_and_from_the_list(alice: Client, row: RequestLog) -> None:
    keys = [create_gateway_key(name)[0] for name in ("one", "two", "three")]
    RequestLog.objects.update(gateway_key=keys[0], gateway_key_name="one")
    version = load().version
    alice.post(address("gatewaykey", "delete", keys[0].pk), {"post": "yes"})
    assert load().version > version
    version = load().version
    alice.post(
        address("gatewaykey", "changelist"),
        {"action": "delete_selected", "_selected_action": [keys[1].pk], "post": "yes"},
    )
    assert load().version > version
    assert list(GatewayKey.objects.all()) == [keys[2]]
    row.refresh_from_db()
    assert (row.gateway_key, row.gateway_key_name) == (None, "one")


def test_a_colleague_sees_prefixes_and_makes_no_key(bob: Client) -> None:
    key, plain = create_gateway_key("shop")
    content = bob.get(address("gatewaykey", "changelist")).content.decode()
    assert key.prefix in content
    assert plain not in content
    assert bob.post(address("gatewaykey", "add"), {"name": "mine"}).status_code == 403
    assert bob.post(address("gatewaykey", "change", key.pk), {"name": "x"}).status_code == 403
    assert bob.post(address("gatewaykey", "delete", key.pk), {"post": "yes"}).status_code == 403
    bob.post(
        address("gatewaykey", "changelist"), {"action": "revoke", "_selected_action": [key.pk]}
    )
    key.refresh_from_db()
    assert (key.name, key.enabled) == ("shop", True)


def test_the_log_is_listed_and_read(bob: Client, row: RequestLog) -> None:
    content = bob.get(address("requestlog", "changelist")).content.decode()
    assert "req_shown" in content
    found = bob.get(address("requestlog", "changelist"), {"q": "req_shown", "outcome": "success"})
    assert "req_shown" in found.content.decode()
    gone = bob.get(address("requestlog", "changelist"), {"outcome": "error"})
    assert "req_shown" not in gone.content.decode()
    assert bob.get(address("requestlog", "changelist"), {"created__year": 2026}).status_code == 200


def test_the_list_begins_with_what_tells_a_request(bob: Client, row: RequestLog) -> None:
    content = bob.get(address("requestlog", "changelist")).content.decode()
    shown = re.findall(r'<t[dh] class="field-(\w+)', content)
    assert shown[:9] == [
        *("began", "outcome", "status", "connection", "model"),
        *("key_name", "took", "tokens", "shown_cost"),
    ]
    assert shown[-1] == "request_id"
    change = address("requestlog", "change", row.pk)
    assert f'<a href="{change}">2026-05-04 03:02:01</a>' in content
    assert f'<a href="{change}">req_shown</a>' in content
    assert "1 request\n" in content


def test_numbers_in_the_list_are_short(bob: Client, row: RequestLog) -> None:
    RequestLog.objects.update(total_ms=1370.20000000000005, total_tokens=12345, cost="0.0012000000")
    content = bob.get(address("requestlog", "changelist")).content.decode()
    for column, shown in (("took", "1,370"), ("tokens", "12,345"), ("shown_cost", "0.0012")):
        assert f'<td class="field-{column}">{shown}</td>' in content


@pytest.mark.parametrize(("cost", "said"), [(None, False), ("0.5", True)])
def test_how_a_cost_was_found_is_said_where_there_is_one(
    bob: Client, row: RequestLog, cost: str | None, said: bool
) -> None:
    RequestLog.objects.update(cost=cost)
    content = bob.get(address("requestlog", "change", row.pk)).content.decode()
    assert ("Cost is estimate" in content) is said


def test_attempts_are_a_table_and_text_of_others_is_only_text(bob: Client, row: RequestLog) -> None:
    content = bob.get(address("requestlog", "change", row.pk)).content.decode()
    for cell in ("broken", "upstream_error", "ServerFailed", "500", "11.5", "ok", "99.0"):
        assert f"<td>{cell}</td>" in content
    assert "<script>alert(1)" not in content
    assert "&lt;script&gt;alert(1)" in content
    assert "<td>None</td>" not in content


def test_a_request_that_was_never_tried_has_no_table(bob: Client, row: RequestLog) -> None:
    RequestLog.objects.update(attempts=[], attempt_count=0)
    content = bob.get(address("requestlog", "change", row.pk)).content.decode()
    assert re.search(r'Attempts:</label>\s*<div class="readonly">-</div>', content)


def test_nobody_writes_history(alice: Client, row: RequestLog) -> None:
    before = RequestLog.objects.values().get()
    assert alice.get(address("requestlog", "add")).status_code == 403
    assert alice.post(address("requestlog", "add"), {"request_id": "x"}).status_code == 403
    assert alice.post(address("requestlog", "change", row.pk), {"caller": "x"}).status_code == 403
    assert alice.post(address("requestlog", "delete", row.pk), {"post": "yes"}).status_code == 403
    alice.post(
        address("requestlog", "changelist"),
        {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"},
    )
    assert RequestLog.objects.values().get() == before


def test_charlie_sees_nothing(charlie: Client, row: RequestLog) -> None:
    key, _ = create_gateway_key("shop")
    for page in (
        address("gatewaykey", "changelist"),
        address("gatewaykey", "add"),
        address("gatewaykey", "change", key.pk),
        address("requestlog", "changelist"),
        address("requestlog", "change", row.pk),
    ):
        assert charlie.get(page).status_code == 403
        assert Client().get(page).status_code == 302


def test_the_admin_is_german_for_whom_prefers_it(alice: Client, row: RequestLog) -> None:
    german = {"accept-language": "de"}
    form = {"name": "<shop>", "allow_fallback": "on"}
    late = {**form, "expires_at_0": "01.01.2001", "expires_at_1": "00:00"}
    refused = alice.post(address("gatewaykey", "add"), late, headers=german).content.decode()
    for words in (
        "Der Ablauf liegt in der Vergangenheit. Bitte einen künftigen Zeitpunkt wählen.",
        "Ausweichen erlauben",
        "KI-Client",
    ):
        assert words in refused
    made = alice.post(address("gatewaykey", "add"), form, headers=german).content.decode()
    (plain,) = set(KEY.findall(made))
    assert f"„&lt;shop&gt;“ wurde angelegt: <code>{plain}</code>" in made
    changelist = address("gatewaykey", "changelist")
    assert f'<a href="{changelist}">Alle Gateway-Schlüssel</a>' in made
    listed = alice.get(changelist, headers=german).content.decode()
    assert "Ausgewählte Gateway-Schlüssel widerrufen" in listed
    shown = alice.get(address("requestlog", "change", row.pk), headers=german).content.decode()
    for words in ("Anfrageprotokoll", '<th scope="col">Meldung</th>', "Erfolg"):
        assert words in shown
    for words in ("Request log", '<th scope="col">message</th>', "Success"):
        assert words not in shown
