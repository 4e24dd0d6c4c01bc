"""From a model name to routes."""

from __future__ import annotations

import pytest

from ai_client.errors import (
    KeyRejected,
    KeyUnreadable,
    ModelNotFound,
    NoConnection,
    RateLimited,
    ServerFailed,
)
from ai_client.health import Health
from ai_client.providers import Provider
from ai_client.router import Route, admit, available, resolve
from ai_client.snapshot import ConnectionConfig, Snapshot

PROVIDER = Provider(slug="openai", name="OpenAI", wire="openai_chat")


def connection(
    name: str, model: str, *, models: tuple[str, ...] = (), unusable: str = ""
) -> ConnectionConfig:
    return ConnectionConfig(
        id=f"id-{name}",
        name=name,
        provider=PROVIDER,
        model=model,
        models=models,
        base_url="https://api.example.com/v1",
        unusable=unusable,
    )


CHAIN = Snapshot(
    connections=(
        connection("primary", "gpt-a", models=("gpt-b",)),
        connection("second", "claude-a"),
        connection("router", "vendor/gpt-b", models=("gpt-b", "vendor/other")),
        connection("listless", ""),
    )
)


def names(routes: tuple[Route, ...]) -> list[str]:
    return [f"{route.connection.name}:{route.model}" for route in routes]


def test_auto_is_the_whole_chain_each_with_its_own_model() -> None:
    assert names(resolve(CHAIN, "auto")) == [
        "primary:gpt-a",
        "second:claude-a",
        "router:vendor/gpt-b",
    ]


def test_a_connection_comes_first_and_then_the_rest_of_the_chain() -> None:
    assert names(resolve(CHAIN, "second")) == [
        "second:claude-a",
        "primary:gpt-a",
        "router:vendor/gpt-b",
    ]


def test_connection_slash_model_asks_that_model_there_first() -> None:
    assert names(resolve(CHAIN, "second/claude-new"))[0] == "second:claude-new"
    assert names(resolve(CHAIN, "listless/anything"))[0] == "listless:anything"


def test_a_model_id_asks_every_connection_that_lists_it_by_priority_and_then_the_rest() -> None:
    assert names(resolve(CHAIN, "gpt-b")) == [
        "primary:gpt-b",
        "router:gpt-b",
        "second:claude-a",
    ]


def test_a_model_id_with_a_slash_is_not_taken_for_a_connection() -> None:
    assert names(resolve(CHAIN, "vendor/other"))[0] == "router:vendor/other"


def test_without_fallback_only_what_was_named_is_asked() -> None:
    assert names(resolve(CHAIN, "second", allow_fallback=False)) == ["second:claude-a"]
    assert names(resolve(CHAIN, "auto", allow_fallback=False)) == ["primary:gpt-a"]
    assert names(resolve(CHAIN, "gpt-b", allow_fallback=False)) == ["primary:gpt-b", "router:gpt-b"]


def test_an_unknown_name_lists_what_exists() -> None:
    with pytest.raises(ModelNotFound) as caught:
        resolve(CHAIN, "gpt-zzz")
    assert "'gpt-zzz'" in caught.value.message
    for name in ("auto", "primary", "second", "gpt-b", "vendor/other"):
        assert name in caught.value.available
        assert name in caught.value.message


def test_nothing_configured_says_how_to_begin() -> None:
    with pytest.raises(NoConnection, match="apply_connections"):
        resolve(Snapshot(), "auto")


def test_available_names_are_unique() -> None:
    assert len(set(available(CHAIN))) == len(available(CHAIN))


def health_with(**failures: tuple[Exception, int]) -> Health:
    health = Health(lambda: 0.0)
    for name, (error, times) in failures.items():
        route = next(each for each in resolve(CHAIN, "auto") if each.connection.name == name)
        assert isinstance(error, ServerFailed | RateLimited | KeyRejected)
        for _ in range(times):
            health.fail(route.connection.id, "", route.model, error, 0.0)
    return health


def test_a_connection_that_cools_down_is_passed_over() -> None:
    health = health_with(primary=(RateLimited("429", retry_after=60), 1))
    assert names(admit(resolve(CHAIN, "auto"), health, 1.0))[0] == "second:claude-a"


def test_when_every_breaker_is_open_the_one_that_opens_first_is_asked() -> None:
    health = health_with(
        primary=(ServerFailed("500"), 5),
        second=(ServerFailed("500"), 5),
        router=(ServerFailed("500"), 5),
    )
    health.fail("id-primary", "", "gpt-a", ServerFailed("500"), 11.0)
    assert names(admit(resolve(CHAIN, "auto"), health, 5.0)) == ["second:claude-a"]


def test_when_all_were_told_to_wait_the_smallest_wait_is_told_on() -> None:
    health = health_with(
        primary=(RateLimited("429", retry_after=60), 1),
        second=(RateLimited("429", retry_after=20), 1),
        router=(KeyRejected("401"), 1),
    )
    with pytest.raises(RateLimited) as caught:
        admit(resolve(CHAIN, "auto"), health, 5.0)
    assert caught.value.retry_after == 15.0


def test_an_open_breaker_is_preferred_to_one_whose_key_was_rejected() -> None:
    health = health_with(
        primary=(KeyRejected("401"), 1),
        second=(ServerFailed("500"), 5),
        router=(KeyRejected("401"), 1),
    )
    assert names(admit(resolve(CHAIN, "auto"), health, 1.0)) == ["second:claude-a"]


def test_an_unreadable_key_is_never_tried_and_its_reason_is_told() -> None:
    only = Snapshot(connections=(connection("broken", "m", unusable="The stored key is lost."),))
    with pytest.raises(KeyUnreadable, match=r"The stored key is lost\."):
        admit(resolve(only, "auto"), Health(lambda: 0.0), 0.0)
