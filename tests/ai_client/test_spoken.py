"""In which wire format a route is asked: the caller's own where it can be, or the provider's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ai_client.capabilities import Capability, Option
from ai_client.model_catalog import metadata, ordered
from ai_client.providers import Operation, Provider
from ai_client.providers.anthropic import PROVIDER as ANTHROPIC
from ai_client.providers.azure_ai_foundry import PROVIDER as AZURE
from ai_client.providers.google import PROVIDER as GOOGLE
from ai_client.providers.openai import PROVIDER as OPENAI
from ai_client.providers.openai_compatible import PROVIDER as COMPATIBLE
from ai_client.requirements import TUNING
from ai_client.router import Route, in_own_wire, spoken
from ai_client.snapshot import ConnectionConfig

CHAT, RESPONSES = "openai_chat", "openai_responses"


def route(provider: Provider, model: str = "gpt-4o", wire: str = "", **options: str) -> Route:
    connection = ConnectionConfig(
        "1", "main", provider, model, "https://a.example", options=options
    )
    return Route(connection, model, wire)


@pytest.mark.parametrize(
    ("given", "dialect", "wire"),
    [
        (route(OPENAI), RESPONSES, RESPONSES),
        (route(OPENAI), CHAT, CHAT),
        (route(OPENAI), "anthropic_messages", CHAT),
        (route(OPENAI), None, CHAT),
        (route(OPENAI, "gpt-5-pro"), CHAT, RESPONSES),
        (route(OPENAI, "gpt-5.3-codex"), None, RESPONSES),
        (route(OPENAI, "o3-deep-research-2025-06-26"), None, RESPONSES),
        (route(OPENAI, "o3-pro-2025-06-10"), None, RESPONSES),
        (route(OPENAI, "gpt-4o", "openai_images"), RESPONSES, "openai_images"),
        (route(COMPATIBLE), RESPONSES, CHAT),
        (route(COMPATIBLE, "gpt-5-pro"), None, CHAT),
        (route(AZURE), RESPONSES, CHAT),
        (route(AZURE, surface="v1"), RESPONSES, RESPONSES),
        (route(AZURE, surface="v1"), CHAT, CHAT),
    ],
)
def test_a_route_is_asked_in_the_callers_dialect_or_the_providers(
    given: Route, dialect: str | None, wire: str
) -> None:
    (found,) = spoken([given], dialect)
    assert found.wire == wire
    assert replace(found, wire="", without=()) == replace(given, wire="")


@pytest.mark.parametrize(
    ("provider", "model", "refused"),
    [
        (OPENAI, "o3", TUNING),
        (OPENAI, "gpt-5.2", {Option.TOP_K, Option.PRESENCE_PENALTY, Option.FREQUENCY_PENALTY}),
        (OPENAI, "gpt-4o", {Option.TOP_K}),
        (OPENAI, "a-model-to-come", set()),
        (COMPATIBLE, "o3", set()),
        (AZURE, "o3", TUNING),
        (AZURE, "our-own-name", set()),
        (ANTHROPIC, "claude-opus-4-8", TUNING),
        (ANTHROPIC, "claude-sonnet-4-5", {Option.PRESENCE_PENALTY, Option.FREQUENCY_PENALTY}),
        (GOOGLE, "gemini-2.5-pro", {Option.PRESENCE_PENALTY, Option.FREQUENCY_PENALTY}),
        (GOOGLE, "gemini-2.0-flash", set()),
        (GOOGLE, "gemini-of-some-kind", set()),
        (ANTHROPIC, "claude-of-some-kind", set()),
        (OPENAI, "gpt-image-1", set()),
    ],
)
def test_a_route_is_without_the_tuning_that_its_model_is_known_to_refuse(
    provider: Provider, model: str, refused: set[Option]
) -> None:
    (found,) = spoken([route(provider, model)], "anthropic_messages")
    assert set(found.without) == refused
    said = route(provider, model, wire="openai_chat")
    assert spoken([said], None) == (said,)


def test_a_route_that_does_not_say_is_asked_as_its_model_is() -> None:
    assert route(OPENAI, "gpt-5-pro").wire_format == RESPONSES
    assert route(OPENAI).wire_format == CHAT


def test_only_what_was_asked_in_the_callers_dialect_can_be_asked_in_its_own() -> None:
    own = in_own_wire(route(OPENAI, wire=RESPONSES))
    assert own is not None
    assert own.wire == CHAT
    assert in_own_wire(own) is None
    assert in_own_wire(route(OPENAI, "gpt-5-pro", RESPONSES)) is None
    assert in_own_wire(route(OPENAI, wire="openai_images")) is None


def test_models_of_another_wire_format_stand_behind_all_others() -> None:
    names = ("gpt-5-pro", "gpt-5.3-codex", "gpt-4", "gpt-5.4-mini")
    found = ordered(OPENAI, [metadata(OPENAI, name) for name in names])
    assert [each.id for each in found] == ["gpt-5.4-mini", "gpt-4", "gpt-5-pro", "gpt-5.3-codex"]


def test_a_site_may_declare_such_models_for_a_provider_of_its_own() -> None:
    own = replace(
        COMPATIBLE,
        operations=(Operation(Capability.TEXT_GENERATION, RESPONSES, ("open-*",)),),
    )
    assert [each.wire for each in spoken([route(own, "open-1"), route(own)], CHAT)] == [
        RESPONSES,
        CHAT,
    ]
