"""Every address of the Connectors page, every method, every kind of person: who gets in."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from connectors.models import Connection
from connectors.services import create_connection
from connectors.urls import urlpatterns

pytestmark = pytest.mark.django_db

NEEDED: Mapping[str, str] = {
    "index": "view_connection",
    "new": "add_connection",
    "test_new": "test_connection",
    "models_new": "test_connection",
    "fields": "view_connection",
    "approvals": "view_connection",
    "order": "change_connection",
    "undo": "delete_connection",
    "connection": "view_connection",
    "test": "test_connection",
    "models": "test_connection",
    "enable": "change_connection",
    "move": "change_connection",
    "delete": "delete_connection",
}
"""What each address needs at least; a new one fails here until somebody has thought about it."""

SIGNED_OUT = [None, "charlie", "gone"]


@pytest.fixture
def row() -> Connection:
    return create_connection(provider="acme", name="primary", api_key="sk-canary-0123456789")


def address(name: str, row: Connection) -> str:
    takes_a_row = any(each.name == name and "uuid" in str(each.pattern) for each in urlpatterns)
    return reverse(f"connectors_page:{name}", args=[row.pk] if takes_a_row else [])


def test_every_address_of_the_page_is_listed() -> None:
    assert {each.name for each in urlpatterns} == set(NEEDED)


@pytest.mark.parametrize("name", NEEDED)
@pytest.mark.parametrize("who", SIGNED_OUT)
def test_nobody_gets_in_without_being_active_staff(
    client: Client, row: Connection, name: str, who: str | None
) -> None:
    if who is not None:
        user = User.objects.create_user(who, is_staff=who != "charlie", is_active=who != "gone")
        client.force_login(user)
    for answer in (client.get(address(name, row)), client.post(address(name, row))):
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith(reverse("admin:login"))
    assert Connection.objects.get().revision == row.revision


@pytest.mark.parametrize("name", NEEDED)
def test_staff_without_the_permission_is_turned_away(
    client: Client, row: Connection, name: str
) -> None:
    bob = User.objects.create_user("bob", is_staff=True)
    others = Permission.objects.exclude(codename=NEEDED[name])
    bob.user_permissions.set(others.filter(content_type__app_label="connectors"))
    client.force_login(bob)
    answers = (client.get(address(name, row)), client.post(address(name, row)))
    assert {answer.status_code for answer in answers} <= {403, 405}
    assert 403 in {answer.status_code for answer in answers}
    assert Connection.objects.get().revision == row.revision
