"""System checks of AI_CLIENT: every mistake has an id and a way out."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import checks
from django.core.checks import Error

from ai_client.checks import check_settings
from ai_client.conf import AiClientSettings, allowed_private_hosts


def found(settings: Any, value: object) -> list[checks.CheckMessage]:
    settings.AI_CLIENT = value
    return check_settings(None)


def test_the_defaults_and_the_tests_own_settings_are_fine(settings: Any) -> None:
    assert check_settings(None) == []
    assert found(settings, {}) == []


def test_every_default_is_of_the_type_that_is_declared(settings: Any) -> None:
    defaults = AiClientSettings()
    given = {
        name: getattr(defaults, name)
        for name in AiClientSettings.__slots__
        if name != "REQUIRE_GATEWAY_KEY"
    }
    assert found(settings, given | {"CONFIGURATION_POLL": 0, "LOG_WRITER": "thread"}) == []


def test_what_is_no_dictionary_is_said_to_be_none(settings: Any) -> None:
    assert found(settings, ["DEADLINE"]) == [
        Error(
            "AI_CLIENT is not a dictionary.",
            hint='Write AI_CLIENT = {"DEADLINE": 600} or leave it out.',
            id="ai_client.E001",
        )
    ]


def test_an_unknown_name_is_told_with_the_one_that_was_meant(settings: Any) -> None:
    assert found(settings, {"DEADLIN": 5}) == [
        Error(
            "AI_CLIENT has no setting 'DEADLIN'.",
            hint="Did you mean 'DEADLINE'?",
            id="ai_client.E002",
        )
    ]
    (far_off,) = found(settings, {"COLOUR": "red"})
    assert "IDLE_TIMEOUT" in str(far_off.hint)


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("DEADLINE", "600", "It takes a number."),
        ("DEADLINE", True, "It takes a number."),
        ("FIRST_EVENT_TIMEOUT", "soon", "It takes a number or None."),
        ("MAX_ATTEMPTS", 2.5, "It takes a whole number."),
        ("REQUIRE_GATEWAY_KEY", "no", "It takes True or False."),
        ("ENABLED", "no", "It takes True or False."),
        ("PREVENT_PROMPT", 5, "It takes text."),
        ("IDLE_TIMEOUT", 0, "It takes a number above zero."),
        ("MAX_BODY_BYTES", -1, "It takes a number above zero."),
        ("MAX_PARTS", 0, "It takes a number above zero."),
        ("LOG_WRITER", "process", "It takes 'thread' or 'manual'."),
    ],
)
def test_a_wrong_value_is_told_with_what_it_takes(
    settings: Any, name: str, value: object, hint: str
) -> None:
    assert found(settings, {name: value}) == [
        Error(f"AI_CLIENT[{name!r}] is {value!r}.", hint=hint, id="ai_client.E003")
    ]


def test_a_malformed_private_host_is_named(settings: Any) -> None:
    (message,) = found(settings, {"ALLOW_PRIVATE_HOSTS": ["ollama", "http://ollama"]})
    assert message.id == "ai_client.E004"
    assert "'http://ollama'" in message.msg


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("prevent", "doesn't look like a module path"),
        ("tests.nowhere.prevent", "No module named"),
        ("tests.settings.STATIC_ROOT", "It is no function"),
    ],
)
def test_what_prevents_prompts_has_to_be_a_function(settings: Any, path: str, problem: str) -> None:
    (message,) = found(settings, {"PREVENT_PROMPT": path})
    assert message.id == "ai_client.E005"
    assert problem in message.msg
    assert message.hint
    assert found(settings, {"PREVENT_PROMPT": "tests.ai_client.test_checks.found"}) == []


def test_a_gateway_open_to_all_is_warned_of(settings: Any) -> None:
    (message,) = found(settings, {"REQUIRE_GATEWAY_KEY": False})
    assert (message.id, message.level) == ("ai_client.W001", checks.WARNING)


def test_private_hosts_come_from_the_app_setting_then_the_site_then_the_environment(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KONEEK_ALLOW_PRIVATE_HOSTS", "from-environment")
    settings.AI_CLIENT = {}
    del settings.KONEEK_ALLOW_PRIVATE_HOSTS
    assert allowed_private_hosts().covers("from-environment", 80)
    settings.KONEEK_ALLOW_PRIVATE_HOSTS = ["from-site"]
    assert allowed_private_hosts().covers("from-site", 80)
    settings.AI_CLIENT = {"ALLOW_PRIVATE_HOSTS": "from-app,other:8080"}
    assert allowed_private_hosts().covers("from-app", 80)
    assert allowed_private_hosts().covers("other", 8080)
    assert not allowed_private_hosts().covers("from-site", 80)
