"""Every address of the Connectors page, every method, every kind of person: who gets in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from connectors.models import Connection
from connectors.registry import registry
from connectors.services import create_connection
from connectors.urls import urlpatterns
from connectors.values import ConnectorType

pytestmark = pytest.mark.django_db

NEEDED: Mapping[str, tuple[str, ...]] = {
    "index": (),
    "new": ("add_connection",),
    "test_new": ("test_connection", "add_connection"),
    "models_new": ("test_connection", "add_connection"),
    "fields": (),
    "approvals": (),
    "order": ("change_connection",),
    "undo": ("delete_connection",),
    "service": ("change_connection", "replace_key"),
    "connection": (),
    "test": ("test_connection", "change_connection"),
    "models": ("test_connection", "change_connection"),
    "enable": ("change_connection",),
    "move": ("change_connection",),
    "delete": ("delete_connection",),
}
"""What each address needs besides ``view_connection``; a new one fails here until somebody has
thought about it."""

SIGNED_OUT = [None, "charlie", "gone"]


@pytest.fixture(autouse=True)
def vault() -> Iterator[None]:
    """A service, for its own address."""
    registry.register(ConnectorType("vault", "Vault", type="storage"))
    yield
    registry.unregister("vault")


@pytest.fixture
def row() -> Connection:
    return create_connection(provider="acme", name="primary", api_key="sk-canary-0123456789")


def address(name: str, row: Connection) -> str:
    if name == "service":
        return reverse("connectors_page:service", args=["vault"])
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


@pytest.mark.parametrize(
    ("name", "missing"),
    [(name, each) for name, needed in NEEDED.items() for each in ("view_connection", *needed)],
)
def test_staff_without_one_of_the_permissions_is_turned_away(
    client: Client, row: Connection, name: str, missing: str
) -> None:
    bob = User.objects.create_user("bob", is_staff=True)
    others = Permission.objects.exclude(codename=missing)
    bob.user_permissions.set(others.filter(content_type__app_label="connectors"))
    client.force_login(bob)
    answers = (client.get(address(name, row)), client.post(address(name, row)))
    assert {answer.status_code for answer in answers} <= {403, 405}
    assert 403 in {answer.status_code for answer in answers}
    assert Connection.objects.get().revision == row.revision


@pytest.mark.parametrize("name", NEEDED)
def test_staff_with_all_of_them_gets_in(client: Client, row: Connection, name: str) -> None:
    bob = User.objects.create_user("bob", is_staff=True)
    wanted = ("view_connection", *NEEDED[name])
    bob.user_permissions.set(Permission.objects.filter(codename__in=wanted))
    client.force_login(bob)
    answers = (client.get(address(name, row)), client.post(address(name, row)))
    assert {answer.status_code for answer in answers} - {403, 405}
