"""Gateway keys in REST: who gets in, what is made, changed and refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import get_resolver, reverse
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from ai_client.api.documentation import GatewayKeyChange, GatewayKeyRead
from ai_client.api.representations import GatewayKeyShown
from ai_client.connections import load
from ai_client.gateway_keys import authenticate
from ai_client.key_services import WRITABLE, create_gateway_key, peppers
from ai_client.models import GatewayKey
from connectors.api.permissions import StaffWithPermissions
from connectors.services import create_connection
from tests.connectors.api.test_access import METHODS, patterns, send, view_of

pytestmark = pytest.mark.django_db

validate_schema: Any = import_module("drf_spectacular.validation").validate_schema

KEYS = "/ai/v1/keys"
GRANTS: Mapping[str, tuple[str, ...]] = {
    "charlie": (),
    "viewer": ("view_gatewaykey",),
    "maker": ("view_gatewaykey", "add_gatewaykey"),
    "editor": ("view_gatewaykey", "change_gatewaykey"),
    "remover": ("view_gatewaykey", "delete_gatewaykey"),
    "alice": (),
}
VIEWERS = ("viewer", "maker", "editor", "remover", "alice")
OPEN_TO: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("schema", "GET"): VIEWERS,
    ("keys", "GET"): VIEWERS,
    ("keys", "POST"): ("maker", "alice"),
    ("key", "GET"): VIEWERS,
    ("key", "PATCH"): ("editor", "alice"),
    ("key", "DELETE"): ("remover", "alice"),
    ("rotate", "POST"): ("editor", "alice"),
}


def client_of(name: str = "") -> APIClient:
    """A client of that person; Charlie has every permission and is not staff."""
    client = APIClient(raise_request_exception=False)
    if name:
        user, is_new = User.objects.get_or_create(
            username=name, defaults={"is_staff": name != "charlie", "is_superuser": name == "alice"}
        )
        if is_new:
            ours = Permission.objects.filter(content_type__app_label="ai_client")
            wanted = ours if name == "charlie" else ours.filter(codename__in=GRANTS[name])
            user.user_permissions.set(wanted)
        client.force_login(user)
    return client


@pytest.fixture
def alice() -> APIClient:
    """The owner."""
    return client_of("alice")


def our_patterns() -> list[Any]:
    return [each for each in patterns(get_resolver()) if str(each.pattern).startswith("ai/v1/")]


def address(name: str, key: GatewayKey) -> str:
    args = [key.pk] if name in ("key", "rotate") else []
    return reverse(f"ai_client_api:{name}", args=args)


def problem(response: Any, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    return body


def let_in(plain: str) -> str:
    return authenticate([("x-api-key", plain)], load().gateway_keys, peppers(), 0.0).name


def test_every_route_is_listed_here_and_closed_by_the_same_door() -> None:
    served = {
        (str(each.name), method)
        for each in our_patterns()
        for method in METHODS
        if hasattr(view_of(each), method.lower())
    }
    assert served == set(OPEN_TO)
    for each in our_patterns():
        if each.name != "nowhere":
            assert view_of(each).permission_classes == (StaffWithPermissions,)


@pytest.mark.parametrize("name", ["", *GRANTS])
def test_who_gets_in(name: str) -> None:
    key, _ = create_gateway_key("shop")
    client = client_of(name)
    for (route, method), people in OPEN_TO.items():
        answer = send(client, method, address(route, key))
        place = f"{method} {route} as {name or 'nobody'}"
        if not name:
            assert problem(answer, 401), place
        elif name in people:
            assert answer.status_code not in (401, 403, 405, 500), (place, answer.content)
        else:
            assert problem(answer, 403), place
    assert list(GatewayKey.objects.values_list("prefix", flat=True)) == [key.prefix]


def test_what_is_nowhere_is_a_problem_too(alice: APIClient) -> None:
    problem(alice.get("/ai/v1/nothing"), 404)
    problem(alice.get(f"{KEYS}/999"), 404)
    problem(client_of().get("/ai/v1/nothing"), 401)


def test_a_key_is_made_and_shown_once(alice: APIClient) -> None:
    create_connection(name="first", provider="openai", api_key="sk-0123456789")
    given = {
        "name": "shop",
        "allow_fallback": False,
        "expires_at": "2999-01-31T12:00:00+01:00",
        "caller": "web",
        "allowed_connections": ["first"],
        "allowed_models": ["gpt-*"],
        "requests_per_minute": 10,
        "tokens_per_minute": 2000,
        "concurrency": 3,
        "budget_per_day": "1.50",
        "budget_per_month": 20,
    }
    answer = alice.post(KEYS, given, format="json")
    assert answer.status_code == 201, answer.content
    made = answer.json()
    assert let_in(made["key"]) == "shop"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Location"] == f"{KEYS}/{made['id']}"
    assert {name: made[name] for name in given} == {
        **given,
        "expires_at": "2999-01-31T11:00:00+00:00",
        "budget_per_day": "1.5",
        "budget_per_month": "20",
    }
    for path in (KEYS, answer.headers["Location"]):
        assert made["key"] not in alice.get(path).content.decode()
    (config,) = load().gateway_keys.values()
    assert config.label == "gateway:web"
    assert config.limits is not None
    assert config.limits.concurrency == 3
    assert config.scope is not None
    assert not config.scope.covers("second", "gpt-5")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", 5),
        ("name", "taken"),
        ("name", "x\r\ny"),
        ("name", "x\x1b[2J"),
        ("caller", "x\u2028y"),
        ("requests_per_minute", 0),
        ("requests_per_minute", -1),
        ("requests_per_minute", "10"),
        ("concurrency", True),
        ("tokens_per_minute", 10**12),
        ("budget_per_day", 0),
        ("budget_per_day", "NaN"),
        ("budget_per_day", "much"),
        ("budget_per_month", 10**12),
        ("budget_per_month", "0.00001"),
        ("expires_at", "soon"),
        ("expires_at", "2001-01-01T00:00:00Z"),
        ("allowed_connections", ["nowhere"]),
        ("allowed_connections", "first"),
        ("allowed_models", [""]),
        ("allowed_models", [" a"]),
        ("allowed_models", None),
        ("enabled", "yes"),
        ("requests_per_minutes", 5),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(
    alice: APIClient, field: str, value: object
) -> None:
    create_gateway_key("taken")
    body = problem(alice.post(KEYS, {"name": "shop", field: value}, format="json"), 400)
    assert {each["pointer"] for each in body["errors"]} == {f"#/{field}"}
    assert GatewayKey.objects.count() == 1


def test_a_change_is_made_from_what_was_seen_or_not_at_all(alice: APIClient) -> None:
    key, _ = create_gateway_key("shop", concurrency=2)
    path = f"{KEYS}/{key.pk}"
    seen = alice.get(path)
    problem(alice.patch(path, {"concurrency": 5}, format="json"), 428)
    match = {"If-Match": seen.headers["ETag"]}
    changed = alice.patch(path, {"concurrency": 5}, format="json", headers=match)
    assert changed.json()["concurrency"] == 5
    assert changed.headers["ETag"] != seen.headers["ETag"]
    stale = problem(alice.patch(path, {"concurrency": 9}, format="json", headers=match), 412)
    assert stale["current"]["concurrency"] == 5
    problem(alice.delete(path, headers=match), 412)
    match = {"If-Match": changed.headers["ETag"]}
    back = {**changed.json(), "concurrency": None, "enabled": False}
    assert alice.patch(path, back, format="json", headers=match).json()["concurrency"] is None
    assert not GatewayKey.objects.get(pk=key.pk).enabled
    assert alice.delete(path, headers={"If-Match": "*"}).status_code == 204
    assert not GatewayKey.objects.exists()


def test_use_does_not_change_the_tag(alice: APIClient) -> None:
    key, _ = create_gateway_key("shop")
    before = alice.get(f"{KEYS}/{key.pk}").headers["ETag"]
    GatewayKey.objects.update(last_used="2026-01-01T00:00:00Z")
    after = alice.get(f"{KEYS}/{key.pk}")
    assert after.headers["ETag"] == before
    assert after.json()["last_used"] == "2026-01-01T00:00:00+00:00"


def test_a_rotated_key_opens_and_the_former_does_not(alice: APIClient) -> None:
    key, former = create_gateway_key("shop", concurrency=2)
    answer = alice.post(f"{KEYS}/{key.pk}/rotate", headers={"If-Match": "*"})
    assert answer.status_code == 200, answer.content
    assert let_in(answer.json()["key"]) == "shop"
    assert former[:11] not in load().gateway_keys
    assert GatewayKey.objects.get().concurrency == 2


def test_it_is_described_completely(capsys: pytest.CaptureFixture[str]) -> None:
    GENERATOR_STATS.reset()
    generator: Any = SchemaGenerator
    document = generator(urlconf="ai_client.api.urls").get_schema(request=None, public=True)
    assert not GENERATOR_STATS, capsys.readouterr().err
    validate_schema(document)
    described = {method.upper() for each in document["paths"].values() for method in each}
    assert described == {"GET", "POST", "PATCH", "DELETE"}
    assert sum(len(each) for each in document["paths"].values()) == len(OPEN_TO) - 1
    read: Any = GatewayKeyRead()
    write: Any = GatewayKeyChange()
    assert set(read.fields) == set(GatewayKeyShown.__annotations__)
    assert set(write.fields) == set(WRITABLE)
    for period in ("day", "month"):
        assert "no known price" in write.fields[f"budget_per_{period}"].help_text


def test_the_document_is_served_to_who_may_look(alice: APIClient) -> None:
    answer = alice.get("/ai/v1/schema", headers={"Accept": "application/vnd.oai.openapi+json"})
    assert "/ai/v1/keys" in json.loads(answer.content)["paths"]
