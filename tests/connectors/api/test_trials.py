"""Tests and model lists through REST: where the key goes, and what comes back."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse
from django.test import AsyncClient
from rest_framework.test import APIClient

from connectors.models import Connection
from connectors.registry import registry
from connectors.services import create_connection, set_option, update_connection
from tests.connectors.api.conftest import (
    KEY,
    OTHER_ORIGIN,
    RememberingProbe,
    person,
    problem,
    wrong_fields,
)

UNSAVED = "/connectors/v1/connections/test"
LINES = {"Accept": "application/x-ndjson"}
TYPED = "sk-typed-in-the-same-call"


def path_of(connection: Connection, what: str = "test") -> str:
    return f"/connectors/v1/connections/{connection.pk}/{what}"


def test_a_stored_connection_is_tried_as_it_is(
    alice: APIClient, primary: Connection, probe: RememberingProbe
) -> None:
    answer = alice.post(path_of(primary), {}, format="json")
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert body["ok"] is False
    assert [(each["name"], each["state"]) for each in body["steps"]] == [
        ("dns", "ok"),
        ("auth", "failed"),
        ("model", "skipped"),
    ]
    assert body["steps"][1]["advice"] == "Type it again."
    (target,) = probe.targets
    assert (target.api_key, target.base_url) == (KEY, "https://api.acme.example/v1")
    assert (target.model, target.fields) == ("m1", {"region": "eu"})
    assert KEY not in answer.content.decode()


def test_what_is_sent_is_tried_and_not_stored(
    alice: APIClient, primary: Connection, probe: RememberingProbe
) -> None:
    sent = {"model": "m9", "api_key": TYPED, "base_url": OTHER_ORIGIN, "timeout": 3}
    assert alice.post(path_of(primary), sent, format="json").status_code == 200
    (target,) = probe.targets
    assert (target.api_key, target.base_url, target.model) == (TYPED, OTHER_ORIGIN, "m9")
    assert target.timeout == 3
    assert Connection.objects.get(pk=primary.pk).revision == primary.revision


@pytest.mark.parametrize(
    "sent",
    [
        {"base_url": OTHER_ORIGIN},
        {"base_url": OTHER_ORIGIN, "api_key": "\u2022" * 16 + KEY[-4:]},
        {"base_url": "http://api.acme.example/v1"},
        {"base_url": "https://api.acme.example:8443/v1"},
        {"provider": "any_where", "base_url": OTHER_ORIGIN},
    ],
)
def test_the_stored_key_is_not_tried_at_another_address(
    sent: dict[str, Any], alice: APIClient, primary: Connection, probe: RememberingProbe
) -> None:
    assert wrong_fields(alice.post(path_of(primary), sent, format="json")) == ["#/api_key"]
    assert not probe.targets


def test_the_providers_key_is_not_tried_at_another_address(
    alice: APIClient, monkeypatch: pytest.MonkeyPatch, probe: RememberingProbe
) -> None:
    set_option("connectors_ai_acme_api_key", KEY)
    new = {"provider": "acme"}
    assert alice.post(UNSAVED, new, format="json").status_code == 200
    assert probe.targets.pop().api_key == KEY
    for _ in range(2):
        elsewhere = alice.post(UNSAVED, {**new, "base_url": OTHER_ORIGIN}, format="json")
        assert wrong_fields(elsewhere) == ["#/api_key"]
        monkeypatch.setenv("ACME_API_KEY", KEY)
    assert not probe.targets


def test_a_row_that_was_moved_by_hand_is_not_tried(
    alice: APIClient, primary: Connection, probe: RememberingProbe
) -> None:
    Connection.objects.update(base_url=OTHER_ORIGIN)
    assert wrong_fields(alice.post(path_of(primary), {}, format="json")) == ["#/api_key"]
    problem(alice.get(path_of(primary, "models")), 400)
    assert not probe.targets


def test_the_servers_variables_cannot_be_tried(
    alice: APIClient, primary: Connection, probe: RememberingProbe
) -> None:
    sent = {"api_key": {"env": "SECRET_KEY"}, "base_url": OTHER_ORIGIN}
    assert wrong_fields(alice.post(path_of(primary), sent, format="json")) == ["#/api_key"]
    assert not probe.targets


def test_an_unsaved_connection_is_checked_like_a_saved_one(alice: APIClient) -> None:
    assert wrong_fields(alice.post(UNSAVED, {}, format="json")) == ["#/provider"]
    without = {"provider": "any_where", "api_key": TYPED}
    assert wrong_fields(alice.post(UNSAVED, without, format="json")) == ["#/base_url"]
    untested = {**without, "base_url": OTHER_ORIGIN}
    assert wrong_fields(alice.post(UNSAVED, untested, format="json")) == ["#/provider"]
    assert not Connection.objects.exists()


def test_steps_come_line_by_line(alice: APIClient, primary: Connection) -> None:
    answer = cast(Any, alice.post(path_of(primary), {}, format="json", headers=LINES))
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in answer.getvalue().splitlines()]
    assert [line.get("name") for line in lines] == ["dns", "auth", "model", None]
    assert lines[-1] == {"ok": False}


def test_what_goes_wrong_before_the_first_line_is_a_problem(
    alice: APIClient, primary: Connection
) -> None:
    sent = {"base_url": OTHER_ORIGIN}
    answer = alice.post(path_of(primary), sent, format="json", headers=LINES)
    assert wrong_fields(answer) == ["#/api_key"]


def test_a_test_that_breaks_off_says_so(
    alice: APIClient, primary: Connection, probe: RememberingProbe
) -> None:
    probe.failure = "Acme could not be understood."
    body = problem(alice.post(path_of(primary), {}, format="json"), 502)
    assert (body["code"], body["detail"]) == ("upstream_failed", probe.failure)
    answer = cast(Any, alice.post(path_of(primary), {}, format="json", headers=LINES))
    lines = [json.loads(line) for line in answer.getvalue().splitlines()]
    assert lines[0]["name"] == "dns"
    assert lines[-1]["ok"] is False
    assert lines[-1]["problem"]["detail"] == probe.failure


@pytest.mark.django_db(transaction=True)
async def test_an_asynchronous_server_sends_lines_too(probe: RememberingProbe) -> None:
    def prepare() -> tuple[AsyncClient, str]:
        made = create_connection(provider="acme", api_key=KEY)
        client = AsyncClient()
        client.force_login(person("alice"))
        return client, path_of(made)

    client, path = await sync_to_async(prepare)()
    answer = await client.post(path, b"{}", content_type="application/json", headers=LINES)
    assert isinstance(answer, StreamingHttpResponse)
    assert answer.is_async
    chunks = [each async for each in cast(AsyncIterator[bytes], answer.streaming_content)]
    assert [json.loads(each).get("name") for each in chunks] == ["dns", "auth", "model", None]


def test_models_are_asked_once_for_a_revision(
    alice: APIClient, primary: Connection, probe: RememberingProbe
) -> None:
    path = path_of(primary, "models")
    listed = {"models": [{"id": "acme-1", "name": "Acme One"}, {"id": "acme-2", "name": "acme-2"}]}
    assert alice.get(path).json() == listed
    assert alice.get(path).json() == listed
    assert len(probe.targets) == 1
    assert alice.get(path, {"refresh": "true"}).json() == listed
    assert len(probe.targets) == 2
    update_connection(primary, api_key=TYPED)
    alice.get(path)
    assert [each.api_key for each in probe.targets] == [KEY, KEY, TYPED]


def test_a_failed_listing_is_not_kept(
    alice: APIClient, primary: Connection, probe: RememberingProbe
) -> None:
    probe.failure = "Acme is not reached."
    assert problem(alice.get(path_of(primary, "models")), 502)["detail"] == probe.failure
    probe.failure = ""
    assert alice.get(path_of(primary, "models")).status_code == 200


def test_models_of_what_is_not_stored(alice: APIClient, probe: RememberingProbe) -> None:
    sent = {"provider": "acme", "api_key": TYPED, "base_url": OTHER_ORIGIN}
    path = "/connectors/v1/connections/models"
    assert len(alice.post(path, sent, format="json").json()["models"]) == 2
    assert probe.targets[0].api_key == TYPED
    del sent["api_key"]
    assert wrong_fields(alice.post(path, sent, format="json")) == ["#/api_key"]


def test_a_connection_of_nobodys_provider_is_told(alice: APIClient, primary: Connection) -> None:
    registry.unregister("acme")
    assert wrong_fields(alice.post(path_of(primary), {}, format="json")) == ["#/provider"]
