"""Approvals through REST."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from connectors.approvals import Refusal, record_refusals
from tests.connectors.api.conftest import problem, wrong_fields

PATH = "/connectors/v1/approvals"
MOMENT = datetime(2026, 5, 4, 3, 2, tzinfo=UTC)


def test_what_was_refused_is_listed_decided_and_forgotten(
    alice: APIClient, settings: Settings
) -> None:
    settings.CONNECTORS = {"APPROVAL": "ask"}
    record_refusals([Refusal("blog", "acme", 3, MOMENT, MOMENT)])
    listed = alice.get(PATH).json()
    assert listed["policy"] == "ask"
    assert listed["callers"] == ["blog"]
    assert "acme" in listed["connectors"]
    (pending,) = listed["approvals"]
    assert (pending["state"], pending["attempts"]) == ("pending", 3)
    assert datetime.fromisoformat(pending["last_seen"]) == MOMENT

    decision = {"caller": "blog", "connector": "acme", "state": "allowed"}
    answer = alice.put(PATH, decision, format="json")
    assert answer.status_code == 200
    assert answer.json() == {**pending, "state": "allowed"}
    assert alice.put(PATH, decision, format="json").json() == answer.json()

    gone = alice.delete(f"{PATH}?caller=blog&connector=acme")
    assert gone.status_code == 204
    assert alice.get(PATH).json()["approvals"] == []
    problem(alice.delete(f"{PATH}?caller=blog&connector=acme"), 404)


def test_a_pair_can_be_decided_before_it_asks(alice: APIClient) -> None:
    decision = {"caller": "gateway:mobile", "connector": "acme", "state": "denied"}
    assert alice.put(PATH, decision, format="json").status_code == 200
    (only,) = alice.get(PATH).json()["approvals"]
    assert only == {**decision, "attempts": 0, "first_seen": None, "last_seen": None}


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"state": "maybe"}, "#/state"),
        ({"caller": " "}, "#/caller"),
        ({"connector": "nobody"}, "#/connector"),
        ({"connector": None}, "#/connector"),
        ({"why": "so"}, "#/why"),
    ],
)
def test_a_wrong_decision_is_pointed_at(
    wrong: dict[str, object], pointer: str, alice: APIClient
) -> None:
    decision = {"caller": "blog", "connector": "acme", "state": "allowed", **wrong}
    assert wrong_fields(alice.put(PATH, decision, format="json")) == [pointer]
    assert alice.get(PATH).json()["approvals"] == []


def test_the_hidden_connector_is_nothing_to_decide_about(alice: APIClient) -> None:
    decision = {"caller": "blog", "connector": "koneek", "state": "allowed"}
    answer = alice.put(PATH, decision, format="json")
    assert wrong_fields(answer) == ["#/connector"]
    assert alice.get(PATH).json()["approvals"] == []
