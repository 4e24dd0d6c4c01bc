"""Every address of the REST face, every method, every kind of person: who gets in."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from rest_framework.test import APIClient

from connectors.api.base import ConnectorsView
from connectors.api.permissions import StaffWithPermissions
from connectors.models import Connection, Option
from tests.connectors.api.conftest import GRANTS, Api, Login, person, problem

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ALL_VIEWERS = ("viewer", "editor", "keeper", "tester", "opener", "judge", "alice")
ALL_CHANGERS = ("editor", "keeper", "tester", "alice")
ALL_ADDERS = ("editor", "keeper", "opener", "alice")
ALL_KEEPERS = ("keeper", "alice")

OPEN_TO: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("settings", "GET"): ALL_CHANGERS,
    ("settings", "POST"): ALL_KEEPERS,
    ("settings", "PUT"): ALL_KEEPERS,
    ("settings", "PATCH"): ALL_KEEPERS,
    ("schema", "GET"): ALL_VIEWERS,
    ("connections", "GET"): ALL_VIEWERS,
    ("connections", "POST"): ALL_ADDERS,
    ("connection", "GET"): ALL_VIEWERS,
    ("connection", "PUT"): ALL_CHANGERS,
    ("connection", "PATCH"): ALL_CHANGERS,
    ("connection", "DELETE"): ("editor", "alice"),
    ("order", "PUT"): ALL_CHANGERS,
    ("test", "POST"): ("tester", "alice"),
    ("test_unsaved", "POST"): ("opener", "alice"),
    ("models", "GET"): ("tester", "alice"),
    ("models_unsaved", "POST"): ("opener", "alice"),
    ("detect", "POST"): ("opener", "alice"),
    ("presets", "GET"): ALL_VIEWERS,
    ("approvals", "GET"): ALL_VIEWERS,
    ("approvals", "PUT"): ("judge", "alice"),
    ("approvals", "DELETE"): ("judge", "alice"),
    ("import", "POST"): ("keeper", "alice"),
    ("export", "GET"): ALL_VIEWERS,
}
ADDRESSES: Mapping[str, list[str]] = {"nowhere": ["no/such/thing"]}


def patterns(resolver: URLResolver) -> Iterator[URLPattern]:
    for each in resolver.url_patterns:
        if isinstance(each, URLResolver):
            yield from patterns(each)
        else:
            yield each


def our_patterns() -> list[URLPattern]:
    return [
        each
        for each in patterns(get_resolver())
        if not str(each.pattern).startswith("ai/v1/")  # tests/ai_client/api/test_access.py
        and (
            issubclass(getattr(each.callback, "view_class", object), ConnectorsView)
            or (getattr(each.callback, "__module__", "") or "").startswith("connectors.api")
        )
    ]


def view_of(pattern: URLPattern) -> type[ConnectorsView]:
    view: type[ConnectorsView] = pattern.callback.view_class  # type: ignore[attr-defined]
    return view


def served() -> set[tuple[str, str]]:
    """Name and method of everything that some handler answers."""
    return {
        (str(each.name), method)
        for each in our_patterns()
        for method in METHODS
        if hasattr(view_of(each), method.lower())
    }


def address(name: str, connection: Connection) -> str:
    takes = name in ("connection", "test", "models")
    args: list[Any] = [connection.pk] if takes else ADDRESSES.get(name, [])
    return reverse(f"connectors_api:{name}", args=args)


def send(client: APIClient, method: str, path: str) -> Any:
    return client.generic(method, path, "{}", content_type="application/json")


def test_every_route_is_listed_here() -> None:
    assert served() == set(OPEN_TO)
    names = {str(each.name) for each in our_patterns()}
    assert names == {name for name, _ in OPEN_TO} | {"nowhere"}


def test_every_route_is_closed_by_the_same_door() -> None:
    for each in our_patterns():
        view = view_of(each)
        assert issubclass(view, ConnectorsView)
        if each.name != "nowhere":
            assert view.permission_classes == (StaffWithPermissions,), each.name


@pytest.mark.parametrize("login", ["session", "token"])
@pytest.mark.parametrize("name", ["", *GRANTS])
def test_who_gets_in(name: str, login: Login, api: Api, primary: Connection) -> None:
    client = api(name, login)
    for (route, method), people in OPEN_TO.items():
        answer = send(client, method, address(route, primary))
        place = f"{method} {route} as {name or 'nobody'} by {login}: {answer.content!r}"
        if not name:
            assert problem(answer, 401)["code"] == "not_authenticated", place
            assert answer.headers["WWW-Authenticate"], place
        elif name in people:
            assert answer.status_code not in (401, 403, 405, 500), place
        else:
            assert answer.status_code == 403, place
            assert problem(answer, 403)["code"] == "permission_denied"
    assert Connection.objects.get(pk=primary.pk).revision == primary.revision


@pytest.mark.parametrize("login", ["session", "token"])
def test_a_method_that_is_not_served_is_405_for_staff_and_nothing_for_others(
    login: Login, api: Api, primary: Connection
) -> None:
    for pattern in our_patterns():
        name = str(pattern.name)
        if name == "nowhere":
            continue
        for method in METHODS:
            if (name, method) not in OPEN_TO:
                path = address(name, primary)
                problem(send(api("alice", login), method, path), 405)
                problem(send(api("charlie", login), method, path), 403)
                problem(send(api(), method, path), 401)


def test_what_is_nowhere_is_a_problem_too(api: Api) -> None:
    for method in METHODS:
        problem(send(api("newcomer"), method, "/connectors/v1/nothing"), 404)
        problem(send(api("charlie"), method, "/connectors/v1/nothing"), 403)
        problem(send(api(), method, "/connectors/v1/nothing"), 401)


def test_a_deactivated_owner_is_nobody(api: Api) -> None:
    clients = [api("alice", "session"), api("alice", "token")]
    user = person("alice")
    user.is_active = False
    user.save()
    for client in clients:
        problem(client.get("/connectors/v1/connections"), 401)


def test_a_wrong_token_is_refused(api: Api) -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION="Token nonsense")
    assert problem(client.get("/connectors/v1/connections"), 401)["code"] == "authentication_failed"


def test_a_session_needs_the_csrf_token_to_write(api: Api, primary: Connection) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(person("alice"))
    path = f"/connectors/v1/connections/{primary.pk}"
    refused = client.delete(path, headers={"If-Match": "*"})
    assert "CSRF" in problem(refused, 403)["detail"]
    assert Connection.objects.filter(pk=primary.pk).exists()


@pytest.mark.parametrize(
    "change",
    [
        {"api_key": "sk-another-key-of-somebody"},
        {"api_key": None},
        {"api_key": {"env": "ACME_API_KEY"}},
        {"base_url": "https://elsewhere.example"},
        {"provider": "any_where", "base_url": "https://elsewhere.example"},
    ],
)
def test_the_key_and_its_address_need_a_permission_of_their_own(
    change: dict[str, Any], api: Api, primary: Connection
) -> None:
    path = f"/connectors/v1/connections/{primary.pk}"
    refused = api("editor").patch(path, change, format="json", headers={"If-Match": "*"})
    assert "connectors.replace_key" in problem(refused, 403)["detail"]
    assert Connection.objects.get(pk=primary.pk).revision == primary.revision
    taken = api("keeper").patch(path, change, format="json", headers={"If-Match": "*"})
    assert taken.status_code == 200
    assert Connection.objects.get(pk=primary.pk).revision != primary.revision


def test_a_new_connection_with_a_key_needs_that_permission_too(api: Api) -> None:
    new = {"provider": "acme", "api_key": "sk-another-key-of-somebody"}
    path = "/connectors/v1/connections"
    problem(api("editor").post(path, new, format="json"), 403)
    assert api("editor").post(path, {"provider": "acme"}, format="json").status_code == 201
    assert api("keeper").post(path, new, format="json").status_code == 201


def test_trying_a_variable_of_the_server_needs_that_permission_too(
    api: Api, primary: Connection
) -> None:
    sent = {"provider": "acme", "api_key": {"env": "ACME_API_KEY"}}
    for name, route in (
        ("tester", "test"),
        ("opener", "test_unsaved"),
        ("opener", "models_unsaved"),
    ):
        refused = api(name).post(address(route, primary), sent, format="json")
        assert "connectors.replace_key" in problem(refused, 403)["detail"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
@pytest.mark.parametrize("change", [{}, {"connectors_ai_acme_api_key": "sk-another-key"}])
def test_settings_are_keys_and_need_that_permission_too(
    method: str, change: dict[str, str], api: Api
) -> None:
    path, body = reverse("connectors_api:settings"), json.dumps(change)
    refused = api("editor").generic(method, path, body, content_type="application/json")
    assert "connectors.replace_key" in problem(refused, 403)["detail"]
    assert not Option.objects.exists()
    taken = api("keeper").generic(method, path, body, content_type="application/json")
    assert taken.status_code == 200
    assert Option.objects.exists() is bool(change)


def test_an_editor_may_send_back_what_it_got(api: Api, primary: Connection) -> None:
    client = api("editor")
    path = f"/connectors/v1/connections/{primary.pk}"
    seen = client.get(path)
    sent = {**seen.json(), "api_key": seen.json()["key"]["masked"], "model": "m2"}
    answer = client.put(path, sent, format="json", headers={"If-Match": seen["ETag"]})
    assert answer.status_code == 200, answer.content
    changed = Connection.objects.get(pk=primary.pk)
    assert (changed.model, changed.api_key_encrypted) == ("m2", primary.api_key_encrypted)
