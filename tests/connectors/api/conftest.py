"""People with different permissions, and a connector whose probe remembers what it was given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

import pytest
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from connectors.models import Connection
from connectors.probing import ModelEntry, ProbeFailed, Step, Target
from connectors.registry import registry
from connectors.services import create_connection

KEY = "sk-canary-0123456789-abcdefgh"
OTHER_ORIGIN = "https://elsewhere.example/v1"

Login: TypeAlias = Literal["session", "token"]
Api: TypeAlias = Callable[..., APIClient]

GRANTS: Mapping[str, tuple[str, ...]] = {
    "charlie": (),
    "newcomer": (),
    "viewer": ("view_connection",),
    "editor": ("view_connection", "add_connection", "change_connection", "delete_connection"),
    "keeper": ("view_connection", "change_connection", "add_connection", "replace_key"),
    "tester": ("view_connection", "change_connection", "test_connection"),
    "opener": ("view_connection", "add_connection", "test_connection"),
    "judge": ("view_connection", "decide_approval"),
    "alice": (),
}
"""Charlie is not staff but has every permission; Alice is the owner, a superuser."""


@dataclass
class RememberingProbe:
    """Answers like a provider would, and keeps every target that it was handed."""

    targets: list[Target] = field(default_factory=list)
    failure: str = ""

    def steps(self, target: Target) -> Iterator[Step]:
        self.targets.append(target)
        yield Step("dns", "ok", 1.5, "api.acme.example was found.")
        if self.failure:
            raise ProbeFailed(self.failure)
        yield Step("auth", "failed", 3.0, "Acme does not take the key.", "Type it again.")
        yield Step("model", "skipped")

    def models(self, target: Target) -> list[ModelEntry]:
        self.targets.append(target)
        if self.failure:
            raise ProbeFailed(self.failure)
        return [ModelEntry("acme-1", "Acme One"), ModelEntry("acme-2")]

    def accepts_key(self, target: Target) -> bool:
        self.targets.append(target)
        return True


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture(autouse=True)
def probe(vendors: None) -> RememberingProbe:
    """Acme's probe."""
    remembering = RememberingProbe()
    registry.register(replace(registry.unregister("acme"), probe=remembering))
    return remembering


@pytest.fixture
def api(db: None) -> Api:
    """A client of that person, logged in by session or token; of nobody without a name."""

    def client_of(name: str = "", login: Login = "session") -> APIClient:
        client = APIClient(raise_request_exception=False)
        if not name:
            return client
        user = person(name)
        if login == "session":
            client.force_login(user)
        else:
            token, _ = Token.objects.get_or_create(user=user)
            client.credentials(HTTP_AUTHORIZATION=f"Token {token.key}")
        return client

    return client_of


@pytest.fixture
def alice(api: Api) -> APIClient:
    """The owner, by session."""
    return api("alice")


@pytest.fixture
def primary(db: None) -> Connection:
    """A connection with a key of its own."""
    return create_connection(name="primary", provider="acme", api_key=KEY, model="m1")


def person(name: str) -> User:
    """The user of that name with its permissions, made when first asked for."""
    user, is_new = User.objects.get_or_create(
        username=name, defaults={"is_staff": name != "charlie", "is_superuser": name == "alice"}
    )
    if is_new:
        ours = Permission.objects.filter(content_type__app_label="connectors")
        wanted = ours if name == "charlie" else ours.filter(codename__in=GRANTS[name])
        user.user_permissions.set(wanted)
    return user


def problem(response: Any, status: int) -> dict[str, Any]:
    """The problem document of an answer, which has this status."""
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["status"] == status
    assert {"type", "title", "code", "detail"} <= body.keys()
    return body


def wrong_fields(response: Any) -> list[str]:
    """The JSON pointers of a 400."""
    return [each["pointer"] for each in problem(response, 400)["errors"]]
