"""``/wp/v2/settings`` for staff, colleagues and strangers: what is shown, kept, refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from pytest_django import Settings
from rest_framework.authtoken.models import Token

from connectors import settings_group
from connectors.models import ConfigurationVersion, Option
from connectors.probing import ModelEntry, ProbeFailed, Step, Target
from connectors.registry import registry
from connectors.services import get_option, set_option
from connectors.settings_group import RegisteredSetting
from connectors.values import ConnectorType
from tests.connectors.conftest import ACME

pytestmark = pytest.mark.django_db

URL = "/wp/v2/settings"
NAME = "connectors_ai_acme_api_key"
REMOTE = "connectors_content_source_remote_wp_application_password"
GOOD, OTHER = "good-key-1234", "other-key-5678"
MASKED = "\N{BULLET}" * 9 + "1234"
DOTS = "\N{BULLET}" * 16


class Probe:
    """Takes the keys that it is told to take, and remembers what it was asked."""

    def __init__(self) -> None:
        self.valid = {GOOD, OTHER}
        self.error: Exception | None = None
        self.asked: list[Target] = []

    def steps(self, target: Target) -> Iterator[Step]:
        raise AssertionError("nobody tests here")

    def models(self, target: Target) -> list[ModelEntry]:
        raise AssertionError("nobody lists models here")

    def accepts_key(self, target: Target) -> bool:
        self.asked.append(target)
        if self.error is not None:
            raise self.error
        return target.api_key in self.valid


@pytest.fixture
def probe(vendors: None) -> Probe:
    """Acme with a probe, and a remote site that takes application passwords."""
    found = Probe()
    registry.amend(replace(ACME, probe=found))
    return found


@pytest.fixture(autouse=True)
def remote() -> Iterator[None]:
    registry.register(
        "remote-wp",
        {
            "name": "Remote WP",
            "type": "content_source",
            "authentication": {"method": "application_password", "env_var_name": "REMOTE_WP"},
        },
    )
    yield
    registry.unregister("remote-wp")


KEEPER = ("change_connection", "replace_key")


def person(name: str, *permissions: str, staff: bool = True) -> User:
    user = User.objects.create_user(name, is_staff=staff)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


@pytest.fixture
def alice() -> User:
    """Staff, and may change connections and their keys."""
    return person("alice", *KEEPER)


@pytest.fixture
def client(alice: User) -> Client:
    """Alice's browser."""
    found = Client()
    found.force_login(alice)
    return found


def send(client: Client, values: Any, method: str = "POST") -> dict[str, Any]:
    answer = client.generic(method, URL, json.dumps(values), content_type="application/json")
    assert answer.status_code == 200, answer.content
    body: dict[str, Any] = answer.json()
    return body


def test_a_key_is_stored_and_comes_back_masked(client: Client, probe: Probe) -> None:
    assert send(client, {NAME: f"  {GOOD} \n"})[NAME] == MASKED
    assert get_option(NAME) == GOOD
    assert GOOD not in Option.objects.get(name=NAME).value
    assert client.get(URL).json()[NAME] == MASKED
    (asked,) = probe.asked
    assert (asked.provider, asked.base_url) == ("acme", "https://api.acme.example/v1")
    assert asked.api_key == GOOD
    assert GOOD not in repr(asked)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_an_invalid_key_is_dropped_and_the_good_one_stays(
    client: Client, probe: Probe, method: str
) -> None:
    set_option(NAME, GOOD)
    body = send(client, {NAME: "mistyped-key-9999"}, method)
    assert body[NAME] == MASKED
    (error,) = body["_errors"]
    assert (error["field"], error["code"]) == (NAME, "key_rejected")
    assert "9999" not in json.dumps(body)
    assert get_option(NAME) == GOOD


def test_an_invalid_key_is_dropped_where_none_was_stored(client: Client, probe: Probe) -> None:
    body = send(client, {NAME: "mistyped-key-9999"})
    assert body[NAME] == ""
    assert body["_errors"]
    assert not Option.objects.filter(name=NAME).exists()


@pytest.mark.parametrize("error", [ProbeFailed("Acme was not reached."), ValueError(OTHER)])
def test_a_key_that_cannot_be_checked_is_not_stored(
    client: Client, probe: Probe, error: Exception
) -> None:
    set_option(NAME, GOOD)
    probe.error = error
    body = send(client, {NAME: OTHER})
    assert body[NAME] == MASKED
    assert body["_errors"][0]["code"] == "key_not_checked"
    assert OTHER not in json.dumps(body)
    assert get_option(NAME) == GOOD


def test_the_mask_of_the_stored_key_keeps_it_and_asks_nobody(client: Client, probe: Probe) -> None:
    set_option(NAME, GOOD)
    version = ConfigurationVersion.current()
    assert send(client, client.get(URL).json())[NAME] == MASKED
    assert get_option(NAME) == GOOD
    assert probe.asked == []
    assert ConfigurationVersion.current() == version


def test_the_mask_of_another_key_is_refused_without_asking(client: Client, probe: Probe) -> None:
    set_option(NAME, GOOD)
    body = send(client, {NAME: "\N{BULLET}" * 10 + "5678"})
    assert (body[NAME], body["_errors"][0]["code"]) == (MASKED, "masked_key")
    assert probe.asked == []


@pytest.mark.parametrize("empty", [None, "", "   "])
def test_nothing_removes_the_key(client: Client, probe: Probe, empty: str | None) -> None:
    set_option(NAME, GOOD)
    assert send(client, {NAME: empty})[NAME] == ""
    assert not Option.objects.filter(name=NAME).exists()


def test_what_is_not_submitted_is_not_touched(client: Client, probe: Probe) -> None:
    set_option(NAME, GOOD)
    probe.valid.clear()
    send(client, {"title": "New", REMOTE: {"username": "alice", "password": "abcd efgh"}}, "PUT")
    assert get_option(NAME) == GOOD
    assert probe.asked == []


def test_one_bad_value_does_not_keep_the_good_ones_from_being_stored(
    client: Client, probe: Probe
) -> None:
    body = send(client, {NAME: "bad-key-9999", REMOTE: {"username": "a", "password": "p"}})
    assert body[REMOTE] == {"username": "a", "password": DOTS}
    assert [error["field"] for error in body["_errors"]] == [NAME]


def test_an_application_password_keeps_its_name_in_sight_and_survives_its_mask(
    client: Client,
) -> None:
    assert client.get(URL).json()[REMOTE] == {"username": "", "password": ""}
    shown = send(client, {REMOTE: {"username": "alice", "password": "abcd efgh"}})[REMOTE]
    assert shown == {"username": "alice", "password": DOTS}
    assert "abcd" not in Option.objects.get(name=REMOTE).value
    assert send(client, {REMOTE: {"username": "bob", "password": DOTS}})[REMOTE] == {
        "username": "bob",
        "password": DOTS,
    }
    assert json.loads(get_option(REMOTE) or "") == {"username": "bob", "password": "abcd efgh"}
    assert send(client, {REMOTE: {"username": ""}})[REMOTE] == {"username": "", "password": ""}
    assert not Option.objects.filter(name=REMOTE).exists()


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({NAME: 5}, NAME),
        ({NAME: ["x"]}, NAME),
        ({REMOTE: "u:p"}, REMOTE),
        ({REMOTE: {"username": 5}}, f"{REMOTE}.username"),
        ({REMOTE: {"token": "x"}}, REMOTE),
    ],
)
def test_a_value_of_the_wrong_type_is_a_problem_and_nothing_is_stored(
    client: Client, probe: Probe, value: dict[str, Any], field: str
) -> None:
    submitted = {NAME: GOOD, **value}
    answer = client.post(URL, submitted, content_type="application/json")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == 400
    assert problem["errors"][0]["field"] == field
    assert not Option.objects.exists()


@pytest.mark.parametrize("body", ["[1]", '"text"', "{", "null"])
def test_a_body_that_is_no_object_is_a_problem(client: Client, body: str) -> None:
    answer = client.post(URL, body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("place", ["env", "constant"])
def test_what_environment_or_settings_hold_is_shown_with_its_source_and_read_only(
    client: Client,
    probe: Probe,
    place: str,
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
) -> None:
    set_option(NAME, GOOD)
    if place == "env":
        monkeypatch.setenv("ACME_API_KEY", OTHER)
    else:
        settings.CONNECTORS = {"ACME_API_KEY": OTHER}
    body = client.get(URL).json()
    assert body[NAME] == MASKED
    assert body["_sources"] == {
        NAME: {
            "source": place,
            "name": "ACME_API_KEY",
            "value": "\N{BULLET}" * 10 + "5678",
            "readOnly": True,
        }
    }
    refused = send(client, {NAME: OTHER})
    assert refused["_errors"][0]["code"] == "read_only"
    assert get_option(NAME) == GOOD
    assert probe.asked == []
    schema = client.options(URL).json()["schema"]["properties"][NAME]
    assert schema["readOnly"] is True
    assert "_errors" not in send(client, {NAME: MASKED})


def test_an_application_password_in_the_environment_is_shown_without_its_password(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REMOTE_WP", "carol:abcd efgh")
    source = client.get(URL).json()["_sources"][REMOTE]
    assert source["value"] == {"username": "carol", "password": DOTS}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (f"_fields={NAME}", {NAME: ""}),
        (f"_fields[]={NAME}&_fields[]=title", {NAME: ""}),
        (f"_fields={NAME}, {REMOTE}.username", {NAME: "", REMOTE: {"username": ""}}),
        ("_fields=title", {}),
        (f"_fields={NAME}.part", {}),
    ],
)
def test_fields_choose_members(client: Client, query: str, expected: dict[str, Any]) -> None:
    assert client.get(f"{URL}?{query}").json() == expected


def test_fields_never_hide_that_a_value_was_refused(client: Client, probe: Probe) -> None:
    answer = client.post(f"{URL}?_fields=title", {NAME: "bad"}, content_type="application/json")
    assert list(answer.json()) == ["_errors"]


def test_a_stored_key_that_cannot_be_read_is_shown_as_nothing(client: Client) -> None:
    set_option(NAME, GOOD)
    Option.objects.filter(name=NAME).update(origin="https://elsewhere.example:443")
    answer = client.get(URL)
    assert answer.json()[NAME] == ""
    assert b"kn1$" not in answer.content


def test_the_setting_of_an_app_is_encrypted_and_masked(client: Client) -> None:
    own = RegisteredSetting("vault_token", "Vault", "The token of the vault.")
    hidden = replace(own, name="vault_internal", show_in_rest=False)
    for setting in (own, hidden):
        settings_group.register_setting(setting)
    try:
        body = send(client, {"vault_token": "vault-token-1234", "vault_internal": "x"})
        assert body["vault_token"] == "\N{BULLET}" * 12 + "1234"
        assert "vault_internal" not in body
    finally:
        for setting in (own, hidden):
            settings_group.unregister_setting(setting.name)
    assert "vault-token" not in Option.objects.get(name="vault_token").value
    assert get_option("vault_token") == "vault-token-1234"
    assert get_option("vault_internal") is None


def test_an_inactive_connector_and_one_without_authentication_have_no_setting(
    client: Client,
) -> None:
    quiet = ConnectorType("quiet", "Quiet", is_active=lambda: False)
    registry.register(quiet)
    registry.register(ConnectorType("local", "Local", method="none"))
    try:
        body = client.get(URL).json()
        assert quiet.setting_name not in body
        assert not any("local" in name for name in body)
    finally:
        registry.unregister("quiet")
        registry.unregister("local")


def test_settings_are_described(client: Client) -> None:
    answer = client.options(URL).json()
    assert answer["methods"] == ["GET", "POST", "PUT", "PATCH"]
    described = answer["schema"]["properties"]
    assert described[NAME] == {
        "type": "string",
        "title": "Acme API Key",
        "description": "API key for the Acme connector.",
        "default": "",
    }
    assert described[REMOTE]["type"] == "object"
    assert described[REMOTE]["additionalProperties"] is False


def test_the_openapi_document_holds_the_settings(client: Client, alice: User) -> None:
    assert client.get("/connectors/v1/schema").status_code == 403
    alice.user_permissions.add(Permission.objects.get(codename="view_connection"))
    answer = client.get("/connectors/v1/schema", headers={"accept": "application/json"})
    assert answer.status_code == 200
    document = json.loads(answer.content)
    assert document["openapi"].startswith("3.")
    methods = document["paths"]["/wp/v2/settings"]
    assert {"get", "post", "put", "patch"} <= methods.keys()
    answers = methods["post"]["responses"]
    body = answers["200"]["content"]["application/json"]["schema"]
    assert body["properties"][NAME]["type"] == "string"
    assert "_errors" in body["properties"]
    assert "application/problem+json" in answers["400"]["content"]
    taken = methods["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert NAME in taken["properties"]
    assert REMOTE in taken["properties"]
    form = methods["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
    assert NAME in form["properties"]
    assert REMOTE not in form["properties"]


def test_a_form_is_read_as_it_is_described(client: Client, probe: Probe) -> None:
    form = "application/x-www-form-urlencoded"
    answer = client.post(URL, f"{NAME}={GOOD}", content_type=form)
    assert answer.json()[NAME] == MASKED
    answer = client.post(URL, f"{REMOTE}=user:password", content_type=form)
    assert answer.status_code == 400


METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("way", ["session", "token"])
@pytest.mark.parametrize(
    ("who", "staff", "permissions"),
    [
        ("alice", True, KEEPER),
        ("bob", True, ("view_connection", "replace_key")),
        ("dave", True, ("change_connection",)),
        ("charlie", False, KEEPER),
    ],
)
def test_only_staff_with_the_permission_get_in(
    method: str, way: str, who: str, staff: bool, permissions: tuple[str, ...]
) -> None:
    user = person(who, *permissions, staff=staff)
    client = Client()
    headers = {}
    if way == "session":
        client.force_login(user)
    else:
        headers["authorization"] = f"Token {Token.objects.create(user=user).key}"
    answer = client.generic(method, URL, "{}", content_type="application/json", headers=headers)
    if method == "DELETE" and staff:
        assert answer.status_code == 405
    else:
        reads = method in ("GET", "HEAD", "OPTIONS")
        gets_in = who == "alice" or (who == "dave" and reads)
        assert answer.status_code == (200 if gets_in else 403)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("authorization", ["", "Token wrong", "Bearer wrong"])
def test_strangers_are_asked_to_log_in(method: str, authorization: str) -> None:
    headers = {"authorization": authorization} if authorization else {}
    answer = Client().generic(method, URL, "{}", content_type="application/json", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Token"


def test_a_person_who_left_gets_in_by_no_way(alice: User) -> None:
    token = Token.objects.create(user=alice)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    answer = Client().get(URL, headers={"authorization": f"Token {token.key}"})
    assert answer.status_code == 401


def test_a_session_needs_its_csrf_token_and_a_token_needs_none(alice: User, probe: Probe) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice)
    answer = browser.post(URL, {NAME: GOOD}, content_type="application/json")
    assert answer.status_code == 403
    assert not Option.objects.exists()
    browser.cookies["csrftoken"] = "a" * 32
    answer = browser.post(
        URL,
        {NAME: GOOD},
        content_type="application/json",
        headers={"x-csrftoken": "a" * 32},
    )
    assert answer.status_code == 200
    program = Client(enforce_csrf_checks=True)
    token = Token.objects.create(user=alice)
    answer = program.post(
        URL,
        {NAME: OTHER},
        content_type="application/json",
        headers={"authorization": f"Token {token.key}"},
    )
    assert answer.json()[NAME].endswith("5678")


def test_nothing_of_it_is_cached(client: Client) -> None:
    assert client.get(URL).headers["Cache-Control"] == "no-store"


def test_reading_takes_one_query_for_all_settings(
    client: Client, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(6):
        client.get(URL)
