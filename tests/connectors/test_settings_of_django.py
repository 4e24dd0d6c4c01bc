"""The apps' settings are those of now, however they were changed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.test import override_settings

from ai_client.conf import ai_enabled, limits
from connectors.conf import declared, setting

ABSENT = "KONEEK_TESTS_HAVE_NO_SUCH_SETTING"


@pytest.fixture
def given_back() -> Iterator[None]:
    """What is assigned to Django's settings themselves is theirs again."""
    before = settings.AI_CLIENT
    yield
    settings.AI_CLIENT = before


def test_tests_of_other_people_override_them() -> None:
    for seconds in (5.0, 7.0):
        with override_settings(AI_CLIENT={"DEADLINE": seconds}, CONNECTORS={"APPROVAL": "ask"}):
            assert limits().deadline == seconds
            assert declared() == {"APPROVAL": "ask"}
    assert limits().deadline not in (5.0, 7.0)


def test_a_switch_may_be_thrown_in_place_or_by_assignment(given_back: None) -> None:
    assert ai_enabled()
    settings.AI_CLIENT = {"ENABLED": False}
    assert not ai_enabled()
    settings.AI_CLIENT["ENABLED"] = True
    assert ai_enabled()


def test_settings_that_are_absent_or_taken_away_are_none() -> None:
    assert setting(ABSENT) is None
    assert setting(ABSENT, 3) == 3
    with override_settings(**{ABSENT: "there"}):
        assert setting(ABSENT) == "there"
    assert setting(ABSENT) is None
    with override_settings():
        del settings.CONNECTORS
        assert declared() == {}
