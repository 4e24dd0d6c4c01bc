"""Lists of models: asked for once, served while a newer one comes, never shared between keys."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.locmem import LocMemCache

from ai_client import model_directory, providers
from ai_client.client import default_client
from ai_client.errors import (
    ConnectFailed,
    KeyRejected,
    QuotaExhausted,
    RateLimited,
    ServerFailed,
    UpstreamError,
    UpstreamModelMissing,
)
from ai_client.health import CONSECUTIVE_FAILURES
from ai_client.model_directory import ModelDirectory, default_directory
from ai_client.providers import ModelMetadata, Provider
from ai_client.simulator.server import Simulator
from ai_client.snapshot import ConnectionConfig
from ai_client.testing import HttpAnswer, ScriptedTransport, SentRequest
from connectors.probing import ProbeFailed, Target
from connectors.registry import registry
from tests.ai_client.vectors import Row, rows
from tests.upstreams import KEY, locked_simulator

__all__ = ["locked_simulator"]

KEYS = ("sk-canary-one-0123456789", "sk-canary-two-0123456789")
FAKE = Provider(slug="fake", name="Fake", wire="openai_chat", base_url="https://api.example.com/v1")
URL = "https://api.example.com/v1"
CONNECTION = ConnectionConfig("1", "one", FAKE, "own", URL, api_key=KEYS[0])


class NotingCache(LocMemCache):
    """Remembers what was put into it, and for how many seconds."""

    def __init__(self) -> None:
        super().__init__("model-directory", {})
        self.held: dict[str, object] = {}
        self.seconds: list[float] = []

    def set(self, key: str, value: object, timeout: Any = 300, version: int | None = None) -> None:
        self.held[key] = value
        self.seconds.append(timeout)
        super().set(key, value, timeout, version)


class World:
    """A directory with its upstream, its clock, its cache, and the refreshes it wants done."""

    def __init__(self, cache: NotingCache) -> None:
        self.now = 1_000_000.0
        self.answer: HttpAnswer | UpstreamError = HttpAnswer.json({"data": [{"id": "a"}]})
        self.transport = ScriptedTransport(lambda step: self.answer)
        self.cache = cache
        self.refreshes: list[Callable[[], None]] = []
        self.directory = self.another()

    def another(self) -> ModelDirectory:
        """What another process has: the same cache, and a memory of its own."""
        return ModelDirectory(
            engine=lambda: self.transport.engine,
            cache=self.cache,
            clock=lambda: self.now,
            background=self.refreshes.append,
        )

    def refresh(self) -> None:
        for work in self.refreshes:
            work()
        self.refreshes.clear()

    def ids(self, connection: ConnectionConfig = CONNECTION) -> list[str]:
        return [each.id for each in self.directory.models(connection)]

    @property
    def asked(self) -> list[SentRequest]:
        return self.transport.sent


@pytest.fixture
def world() -> Iterator[World]:
    cache = NotingCache()
    yield World(cache)
    cache.clear()


def test_a_list_is_asked_for_once_an_hour(world: World) -> None:
    assert world.ids() == ["own", "a"]
    world.now += model_directory.FRESH - 1
    assert world.ids() == ["own", "a"]
    assert len(world.asked) == 1
    assert world.refreshes == []


def test_an_older_list_is_served_while_one_refresh_runs(world: World) -> None:
    world.ids()
    world.now += model_directory.FRESH
    world.answer = HttpAnswer.json({"data": [{"id": "b"}]})
    others = world.another()
    assert world.ids() == ["own", "a"]
    assert world.ids() == ["own", "a"]
    assert [each.id for each in others.models(CONNECTION)] == ["own", "a"]
    assert len(world.refreshes) == 1
    world.refresh()
    assert world.ids() == ["own", "b"]
    assert len(world.asked) == 2


def test_after_a_day_a_list_is_worth_nothing(world: World) -> None:
    world.ids()
    world.now += model_directory.KEPT
    world.answer = HttpAnswer.json({"data": [{"id": "b"}]})
    assert world.ids() == ["own", "b"]
    assert world.refreshes == []


def test_a_failed_refresh_leaves_the_older_list_and_the_upstream_alone(world: World) -> None:
    world.ids()
    world.now += model_directory.FRESH
    world.answer = ConnectFailed("down")
    assert world.ids() == ["own", "a"]
    world.refresh()
    assert world.ids() == ["own", "a"]
    assert world.refreshes == []


@pytest.mark.parametrize(
    "answer",
    [
        ConnectFailed("down"),
        HttpAnswer(b"{}", status=401),
        HttpAnswer(b"<html>", content_type="text/html"),
    ],
)
def test_a_failure_is_not_kept_but_the_upstream_is_left_alone_for_a_while(
    world: World, answer: HttpAnswer | UpstreamError
) -> None:
    good, world.answer = world.answer, answer
    assert world.ids() == ["own"]
    assert [each.id for each in world.another().models(CONNECTION)] == ["own"]
    assert len(world.asked) == 1
    # What the cache does after PAUSE seconds.
    world.cache.delete_many(world.cache.held)
    world.answer = good
    assert world.ids() == ["own"]
    world.now += model_directory.PAUSE
    assert world.ids() == ["own", "a"]


def test_a_failure_pauses_for_a_minute_and_a_list_is_kept_for_a_day(world: World) -> None:
    good, world.answer = world.answer, ConnectFailed("down")
    world.ids()
    world.cache.clear()
    world.now += model_directory.PAUSE
    world.answer = good
    world.ids()
    assert world.cache.seconds == [60.0, 24 * 3600.0]


def test_keys_share_nothing_and_are_in_no_cache(world: World) -> None:
    other = replace(CONNECTION, api_key=KEYS[1])
    world.ids()
    world.answer = HttpAnswer.json({"error": {"message": "bad key"}}, status=401)
    assert world.ids(other) == ["own"]
    assert world.ids() == ["own", "a"]
    held = repr(world.cache.held)
    assert held.count("ai_client:models:") == 2
    assert not any(key in held for key in KEYS)


class BrokenCache(LocMemCache):
    """Nobody reaches it, and what it says holds a password."""

    def __init__(self) -> None:
        super().__init__("model-directory-broken", {})
        self.is_broken = True

    def _broken(self) -> None:
        if self.is_broken:
            raise ConnectionError("redis://:canary-password@cache is down")

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        self._broken()
        return super().get(key, default, version)

    def set(self, key: Any, value: Any, timeout: Any = 300, version: int | None = None) -> None:
        self._broken()
        super().set(key, value, timeout, version)

    def add(self, key: Any, value: Any, timeout: Any = 300, version: int | None = None) -> bool:
        self._broken()
        return super().add(key, value, timeout, version)

    def delete(self, key: Any, version: int | None = None) -> bool:
        self._broken()
        return super().delete(key, version)


def over(world: World, cache: BaseCache, **more: Any) -> ModelDirectory:
    return ModelDirectory(
        engine=lambda: world.transport.engine,
        cache=cache,
        clock=lambda: world.now,
        background=world.refreshes.append,
        **more,
    )


def listed(directory: ModelDirectory, *patience: float) -> list[str]:
    return [each.id for each in directory.models(CONNECTION, *patience)]


@pytest.mark.parametrize("kind", [BrokenCache, lambda: DummyCache("", {})])
def test_a_failure_pauses_where_the_cache_keeps_nothing(
    world: World, kind: Callable[[], BaseCache]
) -> None:
    directory = over(world, kind())
    good, world.answer = world.answer, ConnectFailed("down")
    assert [listed(directory) for _ in range(3)] == [["own"]] * 3
    assert len(world.asked) == 1
    world.answer = good
    world.now += model_directory.PAUSE
    assert listed(directory) == ["own", "a"]


def test_a_cache_that_is_down_is_no_failure(world: World, caplog: pytest.LogCaptureFixture) -> None:
    cache = BrokenCache()
    directory = over(world, cache)
    assert listed(directory) == ["own", "a"]
    world.now += 2 * 60
    assert listed(directory) == ["own", "a"]
    assert len(world.asked) == 1
    world.now += model_directory.FRESH
    assert [listed(directory), listed(directory)] == [["own", "a"]] * 2
    assert len(world.refreshes) == 1
    world.refresh()
    directory.forget(CONNECTION)
    cache.is_broken = False
    assert listed(directory) == ["own", "a"]
    told = [each.getMessage() for each in caplog.records if each.levelname == "WARNING"]
    assert told == ["The site's cache is down (ConnectionError)."]


def test_a_caller_says_how_long_it_waits(world: World) -> None:
    assert listed(world.directory, 0.0) == ["own"]
    assert world.asked == []
    assert listed(world.directory, 1.5) == ["own", "a"]
    (asked,) = world.asked
    assert max(asked.timeout, asked.connect_timeout) <= 1.5
    assert listed(world.directory, 0.0) == ["own", "a"]


def test_nobody_waits_longer_than_for_ten_seconds(world: World) -> None:
    world.directory.models(CONNECTION, 600.0)
    assert world.asked[0].timeout <= model_directory.PATIENCE


def test_what_was_too_slow_for_one_caller_comes_later_for_others(world: World) -> None:
    good, world.answer = world.answer, HttpAnswer.json({}, after=3.0)
    assert listed(world.directory, 1.0) == ["own"]
    # While somebody waits for it, nobody else does.
    assert listed(world.directory) == ["own"]
    assert (len(world.asked), len(world.refreshes)) == (1, 1)
    world.answer = good
    world.refresh()
    assert listed(world.directory, 1.0) == ["own", "a"]


def test_who_refuses_a_caller_in_a_hurry_is_left_alone_all_the_same(world: World) -> None:
    world.answer = ConnectFailed("down")
    assert [listed(world.directory, 1.0), listed(world.directory)] == [["own"]] * 2
    assert (len(world.asked), world.refreshes) == (1, [])


def test_whom_requests_leave_alone_is_not_asked_for_a_list_either(world: World) -> None:
    shunned: list[ConnectionConfig] = []
    directory = over(world, world.cache, is_shunned=shunned.__contains__)
    shunned.append(CONNECTION)
    assert listed(directory) == ["own"]
    assert world.asked == []
    shunned.clear()
    assert listed(directory) == ["own", "a"]
    shunned.append(CONNECTION)
    world.now += model_directory.FRESH
    assert listed(directory) == ["own", "a"]
    assert world.refreshes == []


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (KeyRejected("no"), True),
        (QuotaExhausted("empty"), True),
        (ConnectFailed("down"), True),
        (ServerFailed("broken"), True),
        (UpstreamModelMissing("gone"), False),
        (RateLimited("later"), False),
    ],
)
def test_requests_leave_alone_what_is_off_or_looks_broken(
    failure: UpstreamError, expected: bool
) -> None:
    mine = replace(CONNECTION, id="shunned", revision=type(failure).__name__)
    client = default_client()
    assert not model_directory.is_shunned(mine)
    for _ in range(CONSECUTIVE_FAILURES):
        client.health.fail(mine.id, mine.revision, mine.model, failure, client.clock())
    assert model_directory.is_shunned(mine) is expected
    assert not model_directory.is_shunned(replace(mine, revision="another"))


def test_with_ai_off_no_key_leaves(world: World, settings: Any) -> None:
    settings.AI_CLIENT = {**settings.AI_CLIENT, "ENABLED": False}
    assert world.ids() == ["own"]
    settings.AI_CLIENT = {**settings.AI_CLIENT, "ENABLED": True}
    assert len(world.asked) == 0
    world.ids()
    settings.AI_CLIENT = {**settings.AI_CLIENT, "ENABLED": False}
    world.now += model_directory.FRESH
    assert world.ids() == ["own", "a"]
    assert world.refreshes == []


@pytest.mark.parametrize(
    "changed",
    [
        replace(CONNECTION, base_url="https://other.example.com/v1"),
        replace(CONNECTION, provider=replace(FAKE, slug="other")),
    ],
)
def test_addresses_and_providers_share_nothing(world: World, changed: ConnectionConfig) -> None:
    world.ids()
    world.ids(changed)
    assert len(world.asked) == 2


def test_connections_of_one_provider_address_and_key_share_their_list(world: World) -> None:
    world.ids()
    twin = replace(CONNECTION, id="2", name="two", model="a", models=("own-2",))
    assert world.ids(twin) == ["a", "own-2"]
    assert len(world.asked) == 1


def test_only_what_this_process_knows_is_at_hand(world: World) -> None:
    assert world.directory.peek(CONNECTION) is None
    world.ids()
    found = world.directory.peek(CONNECTION)
    assert found is not None
    assert [each.id for each in found] == ["own", "a"]
    assert world.another().peek(CONNECTION) is None
    world.now += 60
    assert world.directory.peek(CONNECTION) is None
    world.ids()
    assert world.directory.peek(CONNECTION) == found
    assert len(world.asked) == 1


@pytest.mark.parametrize(
    "connection",
    [
        replace(CONNECTION, unusable="The key cannot be read."),
        replace(CONNECTION, base_url=""),
        replace(CONNECTION, provider=replace(FAKE, models=(ModelMetadata("own", "Own"),))),
    ],
)
def test_who_has_no_list_is_not_asked(world: World, connection: ConnectionConfig) -> None:
    assert world.ids(connection) == ["own"]
    assert world.directory.peek(connection) == world.directory.models(connection)
    assert world.asked == []


def test_a_list_stands_in_the_order_of_the_providers_table(world: World) -> None:
    openai = next(each for each in providers.scan(providers) if each.slug == "openai")
    listed = ["gpt-3.5-turbo", "dall-e-2", "gpt-4o", "gpt-image-1"]
    world.answer = HttpAnswer.json({"data": [{"id": each} for each in listed]})
    found = world.ids(replace(CONNECTION, provider=openai, model=""))
    assert found == ["gpt-image-1", "dall-e-2", "gpt-4o", "gpt-3.5-turbo"]


class Clients:
    """The steps of a case, done here."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._connection = replace(CONNECTION, model="", api_key="k1")

    def do(self, step: dict[str, Any]) -> dict[str, Any] | None:
        match step["do"]:
            case "answer":
                said = step["response"]
                self._world.answer = HttpAnswer(said["body"].encode(), status=said["statusCode"])
            case "list":
                return {"list": self._world.ids(self._connection)}
            case "invalidate":
                self._world.directory.forget(self._connection)
            case "new_instance":
                self._world.directory = self._world.another()
        return None


LISTING = {"directory_invalidate", "directory_psr_cache_is_shared"}


@pytest.mark.parametrize(
    "row",
    [
        each
        for each in rows("http_misc", lambda given: given["op"] == "model_directory")
        if each.id in LISTING
    ],
)
def test_lists_are_kept_as_the_php_client_keeps_them(world: World, row: Row) -> None:
    clients = Clients(world)
    found = [said for step in row["input"]["steps"] if (said := clients.do(step)) is not None]
    assert found == row["expected"]["steps"]
    assert len(world.asked) == row["expected"]["requestsSent"]
    first, expected = world.asked[0], row["expected"]["firstRequest"]
    assert (first.method, first.url) == (expected["method"], expected["uri"])
    assert first.headers["authorization"] == expected["headers"]["Authorization"][0]


@pytest.fixture
def local(settings: Any) -> Iterator[None]:
    settings.AI_CLIENT = {**settings.AI_CLIENT, "ALLOW_PRIVATE_HOSTS": ["127.0.0.1"]}
    yield
    caches["default"].clear()
    default_directory.cache_clear()


def test_a_bad_key_gains_nothing_by_a_good_ones_list(
    local: None, locked_simulator: Simulator
) -> None:
    """PHP's row availability_true_from_cache_with_bad_key says yes to both."""
    connector = registry.get("openai")
    assert connector is not None
    assert connector.probe is not None
    url = locked_simulator.base_url("openai")
    good, bad = (Target("openai", url, key, "m", 5.0) for key in (KEY, "sk-wrong"))
    assert connector.probe.models(good)
    assert connector.probe.accepts_key(good) is True
    assert connector.probe.accepts_key(bad) is False
    with pytest.raises(ProbeFailed):
        connector.probe.models(bad)


def test_what_the_page_has_listed_is_known_to_prompts(
    local: None, locked_simulator: Simulator
) -> None:
    connector = registry.get("openai")
    assert connector is not None
    assert connector.probe is not None
    url = locked_simulator.base_url("openai")
    listed = connector.probe.models(Target("openai", url, KEY, "m", 5.0))
    openai = next(each for each in providers.scan(providers) if each.slug == "openai")
    mine = ConnectionConfig("9", "nine", openai, "", url, api_key=KEY)
    found = default_directory().peek(mine)
    assert found is not None
    assert {each.id for each in found} == {each.id for each in listed}


def test_a_list_comes_over_real_sockets(local: None, locked_simulator: Simulator) -> None:
    for slug in ("openai", "anthropic", "google"):
        provider = next(each for each in providers.scan(providers) if each.slug == slug)
        url = locked_simulator.base_url(slug)
        mine = ConnectionConfig("9", "nine", provider, "", url, api_key=KEY)
        assert default_directory().models(mine), slug
        assert KEY not in json.dumps([each.to_dict() for each in default_directory().models(mine)])
        assert default_directory().models(replace(mine, api_key="sk-wrong")) == ()
