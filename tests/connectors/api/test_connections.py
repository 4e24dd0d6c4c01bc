"""Connections through REST: what is stored, what is shown, and who was faster."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from connectors.credentials import Credential, resolve
from connectors.models import Connection
from connectors.services import (
    create_connection,
    reorder_connections,
    set_option,
    update_connection,
)
from tests.connectors.api.conftest import KEY, OTHER_ORIGIN, problem, wrong_fields

LIST = "/connectors/v1/connections"


def path_of(connection: Connection) -> str:
    return f"{LIST}/{connection.pk}"


def stored(connection: Connection) -> Connection:
    return Connection.objects.get(pk=connection.pk)


def key_in_force(connection: Connection) -> str:
    found = resolve(stored(connection)).credential
    return found.value if isinstance(found, Credential) else ""


def test_a_connection_is_created_read_changed_and_deleted(alice: APIClient) -> None:
    made = alice.post(
        LIST,
        {"provider": "acme", "api_key": KEY, "model": "m1", "fields": {"region": "us"}},
        format="json",
    )
    assert made.status_code == 201, made.content
    body = made.json()
    assert (body["name"], body["fields"], body["enabled"]) == ("acme", {"region": "us"}, True)
    assert made["Location"] == f"{LIST}/{body['id']}"
    assert made["ETag"] == f'"{body["revision"]}.{body["priority"]}"'
    assert KEY not in made.content.decode()
    assert body["key"] == {
        "source": "database",
        "name": "",
        "masked": "\u2022" * 16 + KEY[-4:],
        "problem": "",
    }
    assert body["address"] == {"base_url": "https://api.acme.example/v1", "source": "default"}

    path = made["Location"]
    assert alice.get(path).json() == body
    changed = alice.patch(
        path, {"enabled": False}, format="json", headers={"If-Match": made["ETag"]}
    )
    assert changed.status_code == 200
    assert changed.json()["enabled"] is False
    assert changed["ETag"] != made["ETag"]
    assert key_in_force(Connection.objects.get()) == KEY

    gone = alice.delete(path, headers={"If-Match": changed["ETag"]})
    assert gone.status_code == 204
    problem(alice.get(path), 404)
    assert alice.get(LIST).json() == {"connections": []}


def test_put_replaces_all_but_the_key(alice: APIClient, primary: Connection) -> None:
    update_connection(primary, models=["m7"], fields={"region": "us"}, enabled=False)
    put = {"name": "renamed", "provider": "acme", "priority": 4, "timeout": 7}
    answer = alice.put(path_of(primary), put, format="json", headers={"If-Match": "*"})
    assert answer.status_code == 200, answer.content
    now = stored(primary)
    assert (now.name, now.model, now.models, now.fields) == ("renamed", "", [], {})
    assert (now.priority, now.timeout, now.enabled) == (4, 7.0, True)
    assert key_in_force(primary) == KEY
    for missing in put:
        without = {name: value for name, value in put.items() if name != missing}
        refused = alice.put(path_of(primary), without, format="json", headers={"If-Match": "*"})
        assert wrong_fields(refused) == [f"#/{missing}"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"timeout": 0}, "#/timeout"),
        ({"name": "two words"}, "#/name"),
        ({"provider": "nobody"}, "#/provider"),
        ({"base_url": "ftp://acme.example"}, "#/base_url"),
        ({"fields": {"region": "mars"}}, "#/fields/region"),
        ({"models": "m1"}, "#/models"),
        ({"enabled": 1}, "#/enabled"),
        ({"api_key": {"env": "HOME"}}, "#/api_key"),
        ({"api_key": 5}, "#/api_key"),
        ({"api_key": "\u2022\u2022\u2022\u2022abcd"}, "#/api_key"),
        ({"modell": "m1"}, "#/modell"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
)
def test_a_wrong_value_is_pointed_at(
    body: dict[str, Any], pointer: str, alice: APIClient, primary: Connection
) -> None:
    for refused in (
        alice.patch(path_of(primary), body, format="json", headers={"If-Match": "*"}),
        alice.post(LIST, {"provider": "acme", **body}, format="json"),
    ):
        assert wrong_fields(refused) == [pointer]
    assert list(Connection.objects.all()) == [primary]
    assert stored(primary).revision == primary.revision


def test_a_body_that_is_no_json_object_is_refused(alice: APIClient) -> None:
    problem(alice.post(LIST, [1], format="json"), 400)
    problem(alice.post(LIST, b"{", content_type="application/json"), 400)
    problem(alice.post(LIST, b"a=b", content_type="application/x-www-form-urlencoded"), 415)
    assert not Connection.objects.exists()


def test_a_change_without_if_match_is_asked_for_it(alice: APIClient, primary: Connection) -> None:
    put = {"name": "x", "provider": "acme", "priority": 1, "timeout": 1}
    for answer in (
        alice.patch(path_of(primary), {"model": "m9"}, format="json"),
        alice.put(path_of(primary), put, format="json"),
        alice.delete(path_of(primary)),
    ):
        assert problem(answer, 428)["code"] == "if_match_required"
    assert stored(primary).revision == primary.revision


def test_the_slower_of_two_editors_is_shown_what_the_faster_one_stored(
    alice: APIClient, primary: Connection
) -> None:
    seen = alice.get(path_of(primary))["ETag"]
    update_connection(primary, model="of-bob")
    put = {"name": "x", "provider": "acme", "priority": 1, "timeout": 1}
    for answer in (
        alice.patch(
            path_of(primary), {"model": "of-alice"}, format="json", headers={"If-Match": seen}
        ),
        alice.put(path_of(primary), put, format="json", headers={"If-Match": seen}),
        alice.delete(path_of(primary), headers={"If-Match": seen}),
    ):
        body = problem(answer, 412)
        assert body["code"] == "stale"
        assert body["current"] == alice.get(path_of(primary)).json()
        assert body["current"]["model"] == "of-bob"
        assert KEY not in answer.content.decode()
    again = alice.patch(
        path_of(primary), {"model": "of-alice"}, format="json", headers={"If-Match": answer["ETag"]}
    )
    assert again.status_code == 200
    assert stored(primary).model == "of-alice"


def test_if_match_may_list_tags_and_weak_ones(alice: APIClient, primary: Connection) -> None:
    tags = f'"other", W/{alice.get(path_of(primary))["ETag"]}'
    answer = alice.patch(
        path_of(primary), {"model": "m2"}, format="json", headers={"If-Match": tags}
    )
    assert answer.status_code == 200
    nonsense = alice.patch(
        path_of(primary),
        {"model": "m3"},
        format="json",
        headers={"If-Match": stored(primary).revision},
    )
    problem(nonsense, 412)


def test_a_replacement_made_before_the_order_changed_is_refused(
    alice: APIClient, primary: Connection
) -> None:
    other = create_connection(provider="acme")
    seen = alice.get(path_of(primary))
    reorder_connections([other.pk, primary.pk])
    put = {"name": "x", "provider": "acme", "priority": 1, "timeout": 1}
    answer = alice.put(path_of(primary), put, format="json", headers={"If-Match": seen["ETag"]})
    problem(answer, 412)


def test_the_order_is_changed_at_once(alice: APIClient) -> None:
    ids = [str(create_connection(provider="acme").pk) for _ in range(4)]
    wanted = [ids[2], ids[0], ids[3], ids[1]]
    answer = alice.put("/connectors/v1/order", {"ids": wanted}, format="json")
    assert answer.status_code == 200
    assert [each["id"] for each in answer.json()["connections"]] == wanted
    assert [str(each.pk) for each in Connection.objects.all()] == wanted


@pytest.mark.parametrize("kind", ["too few", "twice", "stranger"])
def test_an_order_of_another_set_changes_nothing(kind: str, alice: APIClient) -> None:
    ids = [str(create_connection(provider="acme").pk) for _ in range(3)]
    backwards = ids[::-1]
    sent = {
        "too few": backwards[:2],
        "twice": [*backwards, ids[0]],
        "stranger": [*backwards[:2], "8f6e2f5e-0000-4000-8000-000000000000"],
    }[kind]
    refused = problem(alice.put("/connectors/v1/order", {"ids": sent}, format="json"), 409)
    assert refused["current"] == ids
    assert [str(each.pk) for each in Connection.objects.all()] == ids
    broken = alice.put("/connectors/v1/order", {"ids": [ids[0], "x"]}, format="json")
    assert wrong_fields(broken) == ["#/ids/1"]


def test_another_address_costs_the_stored_key(alice: APIClient, primary: Connection) -> None:
    answer = alice.patch(
        path_of(primary), {"base_url": OTHER_ORIGIN}, format="json", headers={"If-Match": "*"}
    )
    assert answer.json()["key"]["source"] == "none"
    assert stored(primary).api_key_encrypted == ""
    back = alice.patch(path_of(primary), {"base_url": ""}, format="json", headers={"If-Match": "*"})
    assert back.json()["key"]["source"] == "none"
    assert key_in_force(primary) == ""


def test_the_mask_of_the_key_does_not_bring_it_along_to_another_address(
    alice: APIClient, primary: Connection
) -> None:
    masked = alice.get(path_of(primary)).json()["key"]["masked"]
    alice.patch(
        path_of(primary),
        {"base_url": OTHER_ORIGIN, "api_key": masked},
        format="json",
        headers={"If-Match": "*"},
    )
    assert key_in_force(primary) == ""


def test_a_key_of_the_provider_is_shown_with_its_source_and_masked(
    alice: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = create_connection(provider="acme")
    set_option("connectors_ai_acme_api_key", "sk-of-the-option-wxyz")
    assert alice.get(path_of(connection)).json()["key"] == {
        "source": "database",
        "name": "connectors_ai_acme_api_key",
        "masked": "\u2022" * 16 + "wxyz",
        "problem": "",
    }
    monkeypatch.setenv("ACME_API_KEY", "abcd")
    shown = alice.get(path_of(connection)).json()["key"]
    assert (shown["source"], shown["name"]) == ("env", "ACME_API_KEY")
    assert shown["masked"] == "\u2022" * 4


def test_an_unreadable_key_is_told_of(alice: APIClient, primary: Connection, settings: Any) -> None:
    settings.KONEEK_ENCRYPTION_KEYS = "another-ring-of-32-characters-or-more"
    shown = alice.get(path_of(primary)).json()
    assert shown["key"]["source"] == "unreadable"
    assert shown["unusable"]


def test_each_connection_is_told_its_name_in_wordpress(alice: APIClient) -> None:
    for name in ("", "lab", ""):
        create_connection(provider="acme", name=name)
    shown = {each["name"]: each["option_name"] for each in alice.get(LIST).json()["connections"]}
    assert shown == {
        "acme": "koneek_api_key_acme",
        "lab": "koneek_api_key_acme_lab",
        "acme-2": "koneek_api_key_acme_2",
    }


def test_a_connection_is_looked_up_by_its_name_in_wordpress(
    alice: APIClient, primary: Connection
) -> None:
    create_connection(provider="acme")

    def named(option: str) -> list[str]:
        answer = alice.get(LIST, {"option_name": option})
        assert answer.status_code == 200
        assert KEY not in answer.content.decode()
        return [each["name"] for each in answer.json()["connections"]]

    assert named("koneek_api_key_acme_primary") == ["primary"]
    for nobody in ("koneek_api_key_acme_2", "primary", "", "koneek_api_key_acme\0"):
        assert named(nobody) == []


def test_a_name_in_wordpress_is_given_and_not_written(alice: APIClient) -> None:
    taken = {"option_name": "koneek_api_key_mine"}
    made = alice.post(LIST, {"provider": "acme", "name": "lab", **taken}, format="json")
    assert made.json()["option_name"] == "koneek_api_key_acme_lab"
    changed = alice.patch(
        made["Location"], {"name": "work", **taken}, format="json", headers={"If-Match": "*"}
    )
    assert (changed.json()["name"], changed.json()["option_name"]) == (
        "work",
        "koneek_api_key_acme_lab",
    )


def test_the_list_asks_the_database_as_often_for_many_as_for_one(
    alice: APIClient, django_assert_num_queries: Any
) -> None:
    from django.db import connection as database
    from django.test.utils import CaptureQueriesContext

    create_connection(provider="acme")
    with CaptureQueriesContext(database) as few:
        alice.get(LIST)
    for _ in range(12):
        create_connection(provider="acme")
    with django_assert_num_queries(len(few)):
        assert len(alice.get(LIST).json()["connections"]) == 13


def test_nothing_may_be_kept_by_a_cache(alice: APIClient) -> None:
    assert alice.get(LIST)["Cache-Control"] == "no-store"


def test_the_key_stays_in_a_variable_of_the_provider(
    alice: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACME_API_KEY_TWO", "sk-second-of-acme-0002")
    new = {"provider": "acme", "api_key": {"env": "ACME_API_KEY_TWO"}}
    answer = alice.post(LIST, new, format="json")
    assert answer.status_code == 201, answer.content
    shown = answer.json()["key"]
    assert (shown["source"], shown["name"]) == ("env", "ACME_API_KEY_TWO")
    assert "sk-second" not in answer.content.decode()
    row = Connection.objects.get()
    assert key_in_force(row) == "sk-second-of-acme-0002"
    monkeypatch.delenv("ACME_API_KEY_TWO")
    key = alice.get(path_of(row)).json()["key"]
    assert (key["source"], key["name"]) == ("none", "ACME_API_KEY_TWO")
    assert "is not set" in key["problem"]


@pytest.mark.parametrize(
    "new",
    [
        {"provider": "acme", "api_key": {"env": "MY_ACME_KEY"}},
        {"provider": "acme", "api_key": {"env": "ACME_API_KEYS"}},
        {"provider": "acme", "api_key": {"env": "ACME_API_KEY"}, "base_url": OTHER_ORIGIN},
        {"provider": "any_where", "api_key": {"env": "ANYWHERE_API_KEY"}, "base_url": OTHER_ORIGIN},
        {"provider": "acme", "api_key": {"env": "ACME_API_KEY", "more": 1}},
        {"provider": "acme", "api_key": {"env": None}},
    ],
)
def test_no_other_variable_of_the_server_is_sent_anywhere(
    new: dict[str, Any], alice: APIClient, primary: Connection
) -> None:
    assert wrong_fields(alice.post(LIST, new, format="json")) == ["#/api_key"]
    refused = alice.patch(path_of(primary), new, format="json", headers={"If-Match": "*"})
    assert wrong_fields(refused) == ["#/api_key"]
    assert list(Connection.objects.all()) == [primary]
    assert stored(primary).revision == primary.revision
