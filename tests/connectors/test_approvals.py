"""Decisions about callers and connectors, and the refusals that ask for them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import Settings

from connectors.approvals import (
    LONGEST_CALLER,
    MAXIMUM_PENDING,
    MAXIMUM_PENDING_IN_ALL,
    Refusal,
    decide,
    forget,
    policy,
    record_refusals,
)
from connectors.checks import check_settings
from connectors.errors import FieldError, UnknownProvider
from connectors.models import Approval, ApprovalState, ConfigurationVersion

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def refusal(
    caller: str = "blog", connector: str = "acme", attempts: int = 1, *, minute: int = 0
) -> Refusal:
    at = NOON + timedelta(minutes=minute)
    return Refusal(caller, connector, attempts, at, at + timedelta(seconds=30))


def test_a_decision_is_kept_and_moves_the_version() -> None:
    before = ConfigurationVersion.current()
    decide(" blog ", "acme", "allowed")
    approval = Approval.objects.get()
    assert (approval.caller, approval.connector, approval.state) == ("blog", "acme", "allowed")
    assert ConfigurationVersion.current() == before + 1
    decide("blog", "acme", "allowed")
    assert ConfigurationVersion.current() == before + 1
    decide("blog", "acme", "denied")
    assert Approval.objects.get().state == "denied"
    assert ConfigurationVersion.current() == before + 2


def test_what_is_wrong_is_refused_by_field() -> None:
    for caller in ("", "  ", "x" * (LONGEST_CALLER + 1), "a\nb"):
        with pytest.raises(FieldError) as caught:
            decide(caller, "acme", "allowed")
        assert caught.value.field == "caller"
    with pytest.raises(FieldError, match="pending, allowed, denied"):
        decide("blog", "acme", "perhaps")
    with pytest.raises(UnknownProvider):
        decide("blog", "nobody", "allowed")
    assert not Approval.objects.exists()


def test_a_connector_that_has_gone_can_still_be_decided_about() -> None:
    record_refusals([refusal(connector="gone")])
    assert decide("blog", "gone", "denied").state == ApprovalState.DENIED


def test_forgetting_leaves_it_to_the_policy_again() -> None:
    decide("blog", "acme", "denied")
    before = ConfigurationVersion.current()
    assert forget("blog", "acme") is True
    assert not Approval.objects.exists()
    assert ConfigurationVersion.current() == before + 1
    assert forget("blog", "acme") is False
    assert ConfigurationVersion.current() == before + 1


def test_refusals_become_pending_and_add_up_without_moving_the_version() -> None:
    before = ConfigurationVersion.current()
    record_refusals([refusal(attempts=2), refusal(connector="any_where")])
    record_refusals([refusal(attempts=3, minute=5)])
    approval = Approval.objects.get(connector="acme")
    assert (approval.state, approval.attempts) == ("pending", 5)
    assert approval.first_seen == NOON
    assert approval.last_seen == NOON + timedelta(minutes=5, seconds=30)
    assert Approval.objects.count() == 2
    assert ConfigurationVersion.current() == before


def test_a_decision_keeps_the_count_and_a_refusal_keeps_the_decision() -> None:
    record_refusals([refusal(attempts=2)])
    decide("blog", "acme", "denied")
    record_refusals([refusal(minute=1)])
    approval = Approval.objects.get()
    assert (approval.state, approval.attempts) == ("denied", 3)


def test_a_caller_has_a_bounded_number_of_open_questions() -> None:
    record_refusals(refusal(connector=f"c{number}") for number in range(MAXIMUM_PENDING + 5))
    assert Approval.objects.count() == MAXIMUM_PENDING
    record_refusals([refusal(connector="c0", minute=1), refusal(caller="other")])
    assert Approval.objects.get(connector="c0").attempts == 2
    assert Approval.objects.filter(caller="other").exists()


def test_all_callers_together_have_a_bounded_number_of_open_questions() -> None:
    Approval.objects.bulk_create(
        Approval(caller=f"caller-{number}", connector="acme")
        for number in range(MAXIMUM_PENDING_IN_ALL)
    )
    record_refusals([refusal(caller="one-more")])
    assert Approval.objects.count() == MAXIMUM_PENDING_IN_ALL


@pytest.mark.parametrize(
    ("given", "meant"),
    [({}, "allow"), ({"APPROVAL": "allow"}, "allow"), ({"APPROVAL": "ask"}, "ask")],
)
def test_the_policy_comes_from_the_settings(
    given: dict[str, str], meant: str, settings: Settings
) -> None:
    settings.CONNECTORS = given
    assert policy() == meant
    assert check_settings() == []


def test_a_policy_that_is_misspelled_lets_nobody_in_and_is_reported(settings: Settings) -> None:
    settings.CONNECTORS = {"APPROVAL": "alow"}
    assert policy() == "ask"
    (message,) = check_settings()
    assert message.id == "connectors.E003"
    assert "'allow' or 'ask'" in message.msg


@pytest.mark.parametrize("name", ["\x00", "blog\x00", "two\nlines"])
def test_what_no_caller_can_be_called_is_known_to_nobody(name: str) -> None:
    assert not forget(name, "openai")
    assert not forget("blog", name)
