"""Import, export and presets through REST."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from rest_framework.test import APIClient

from connectors.credentials import Credential, resolve
from connectors.models import Connection, Option
from connectors.registry import registry
from connectors.services import apply_connections, create_connection, get_option
from tests.connectors.api.conftest import KEY, OTHER_ORIGIN, wrong_fields

IMPORT = "/connectors/v1/import"
EXPORT = "/connectors/v1/export"
DUMP = [
    {"option_name": "blogname", "option_value": "Of Alice"},
    {"option_name": "koneek_api_key_acme", "option_value": KEY},
    {"option_name": "koneek_api_key_acme_lab", "option_value": "\u2022" * 16 + "abcd"},
    {"option_name": "connectors_ai_acme_api_key", "option_value": "sk-of-the-provider"},
]


def post(client: APIClient, document: object, **more: object) -> Any:
    return client.post(IMPORT, {"document": document, **more}, format="json")


def test_a_dump_of_wordpress_comes_in(alice: APIClient) -> None:
    answer = post(alice, DUMP)
    assert answer.status_code == 200, answer.content
    report = answer.json()
    assert [(each["name"], each["action"]) for each in report["connections"]] == [
        ("acme", "created")
    ]
    assert report["options"] == [{"name": "connectors_ai_acme_api_key", "action": "updated"}]
    assert [each["name"] for each in report["skipped"]] == ["koneek_api_key_acme_lab"]
    assert "mask" in report["skipped"][0]["reason"]
    assert report["unknown"] == ["blogname"]
    assert KEY not in answer.content.decode()
    found = resolve(Connection.objects.get()).credential
    assert isinstance(found, Credential)
    assert found.value == KEY
    assert get_option("connectors_ai_acme_api_key") == "sk-of-the-provider"


def test_a_dry_run_says_the_same_and_writes_nothing(alice: APIClient) -> None:
    said = post(alice, DUMP, dry_run=True).json()
    assert not Connection.objects.exists()
    assert not Option.objects.exists()
    assert said == {**post(alice, DUMP).json(), "dry_run": True}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#/document"),
        ({"document": 5}, "#/document"),
        ({"document": [{"name": "x"}]}, "#/document/0"),
        ({"document": [], "dry_run": "no"}, "#/dry_run"),
        ({"document": {"connections": [{"provider": "nobody"}]}},
         "#/document/connections/0/provider"),
        ({"document": {"connections": [{"provider": "acme", "timeout": -1}]}},
         "#/document/connections/0/timeout"),
        ({"document": {"connections": [{"provider": "acme", "api_key": "\u2022\u2022abcd"}]}},
         "#/document/connections/0/api_key"),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_export_is_pointed_at(
    body: dict[str, object], pointer: str, alice: APIClient
) -> None:
    assert wrong_fields(alice.post(IMPORT, body, format="json")) == [pointer]
    assert not Connection.objects.exists()


def test_an_export_has_no_key_and_comes_in_again(
    alice: APIClient, primary: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_KEY", "sk-of-the-environment")
    apply_connections(
        [{"name": "backup", "provider": "acme", "api_key": {"env": "SOME_KEY"}, "model": "m2"}]
    )
    answer = alice.get(EXPORT)
    assert KEY not in answer.content.decode()
    document = answer.json()
    assert [each["name"] for each in document["connections"]] == ["primary", "backup"]
    report = post(alice, document).json()
    assert {each["action"] for each in report["connections"]} == {"unchanged"}
    document["connections"][0]["model"] = "m9"
    report = post(alice, document).json()
    assert report["connections"][0]["changed"] == ["model"]
    found = resolve(Connection.objects.get(name="primary")).credential
    assert isinstance(found, Credential)
    assert found.value == KEY


@pytest.mark.parametrize(
    "entry",
    [
        {"name": "new", "provider": "acme", "api_key": {"env": "SOME_KEY"}},
        {"name": "backup", "provider": "acme", "api_key": {"env": "HOME"}},
        {
            "name": "backup",
            "provider": "acme",
            "api_key": {"env": "SOME_KEY"},
            "base_url": OTHER_ORIGIN,
        },
    ],
)
def test_an_import_sends_no_variable_of_the_server_anywhere(
    entry: dict[str, object], alice: APIClient
) -> None:
    apply_connections([{"name": "backup", "provider": "acme", "api_key": {"env": "SOME_KEY"}}])
    before = Connection.objects.get().revision
    refused = post(alice, {"connections": [entry]})
    assert wrong_fields(refused) == ["#/document/connections/0/api_key"]
    assert Connection.objects.get().revision == before


def test_an_import_does_not_send_a_stored_key_elsewhere(
    alice: APIClient, primary: Connection
) -> None:
    post(
        alice, {"connections": [{"name": "primary", "provider": "acme", "base_url": OTHER_ORIGIN}]}
    )
    found = resolve(Connection.objects.get()).credential
    assert not isinstance(found, Credential) or found.value == ""


def test_presets_are_the_registered_connectors_with_their_forms(alice: APIClient) -> None:
    registry.register(replace(registry.unregister("any_where"), hidden=True))
    presets = {
        each["provider"]: each for each in alice.get("/connectors/v1/presets").json()["presets"]
    }
    assert "any_where" not in presets
    assert set(presets) == {each.slug for each in registry.all() if not each.hidden}
    acme = presets["acme"]
    assert acme["credentials_url"] == "https://acme.example/keys"
    assert acme["base_url"] == "https://api.acme.example/v1"
    assert acme["can_be_tested"] is True
    assert acme["fields"][0] == {
        "name": "region",
        "label": "Region",
        "kind": "choice",
        "required": False,
        "default": "eu",
        "choices": ["eu", "us"],
        "help": "",
    }
    assert presets["openrouter"]["model"] == "openrouter/auto"


def test_what_cannot_be_stored_is_skipped_and_the_rest_comes_in(alice: APIClient) -> None:
    create_connection(name="lab", provider="any_where", base_url=OTHER_ORIGIN)
    report = post(
        alice,
        {
            "koneek_api_key_acme_lab": KEY,
            "koneek_api_key_any_where": KEY,
            "koneek_api_key_acme_fine": KEY,
        },
    ).json()
    assert [each["name"] for each in report["connections"]] == ["fine"]
    reasons = {each["name"]: each["reason"] for each in report["skipped"]}
    assert "any_where" in reasons["koneek_api_key_acme_lab"]
    assert "base_url" in reasons["koneek_api_key_any_where"]
    assert Connection.objects.get(name="lab").provider == "any_where"
