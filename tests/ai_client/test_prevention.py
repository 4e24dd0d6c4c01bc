"""AI off, prompts prevented, and the signals around those that are sent."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import FrozenInstanceError
from typing import Any

import openai
import pytest
from django.conf import settings as django_settings
from pytest_django import Settings

from ai_client import Prompt, PromptBuilder, prompt
from ai_client.client import default_client
from ai_client.errors import AiDisabled, InvalidRequest, UnsupportedFeature
from ai_client.messages import GenerationRequest, GenerativeAiResult, user_message
from ai_client.signals import AfterGenerate, BeforeGenerate, after_generate, before_generate
from ai_client.testing import HttpAnswer
from connectors import sentinel
from connectors.registry import ConnectorRegistry, announce
from connectors.services import create_connection
from connectors.values import ConnectorType
from tests.ai_client.scripted_site import answer, registry_over
from tests.live_site import Site

Events = list[BeforeGenerate | AfterGenerate]


def prevents_secrets(asked: Prompt) -> bool | str:
    """No prompt with the word in it."""
    return "Secrets stay here." if "secret" in asked.messages[-1].text() else False


async def prevents_everything(asked: Prompt) -> bool:
    """Nothing at all."""
    return True


def breaks(asked: Prompt) -> bool:
    """A mistake of the site."""
    raise LookupError("the site's own mistake")


def breaks_with_stop_iteration(asked: Prompt) -> bool:
    """A mistake that no future can hold."""
    return bool(next(iter(())))


class PreventsEverything:
    """An object that is called, and awaits."""

    async def __call__(self, asked: Prompt) -> bool:
        return True


prevents_as_an_object = PreventsEverything()


def prevents_by_another(asked: Prompt) -> Any:
    """Returns what is to be awaited."""
    return prevents_everything(asked)


SWITCHES = [
    ({"ENABLED": False}, {}),
    ({"ENABLED": 0}, {}),
    ({"ENABLED": None}, {}),
    ({"ENABLED": ""}, {}),
    ({"ENABLED": "False"}, {}),
    ({"ENABLED": " off"}, {}),
    ({}, {"AI_ENABLED": False}),
    ({}, {"AI_ENABLED": "no"}),
    ({}, {"AI_ENABLED": 0}),
    ({"ENABLED": True}, {"AI_ENABLED": False}),
]


def attempts(builder: PromptBuilder) -> Iterator[Any]:
    async def streamed() -> list[str]:
        return [each async for each in builder.astream_text()]

    yield builder.generate_text
    yield lambda: asyncio.run(builder.agenerate_text())
    yield lambda: list(builder.stream_text())
    yield lambda: asyncio.run(streamed())
    yield builder.start_video
    yield lambda: asyncio.run(builder.astart_video())


@pytest.mark.parametrize(("ours", "theirs"), SWITCHES)
def test_either_switch_keeps_python_from_asking(
    settings: Settings, ours: dict[str, object], theirs: dict[str, object]
) -> None:
    registry, engine = registry_over()
    builder = prompt("hello", registry=registry)
    assert builder.is_supported()
    settings.AI_CLIENT = {**settings.AI_CLIENT, **ours}
    settings.CONNECTORS = theirs
    for attempt in attempts(builder):
        with pytest.raises(AiDisabled) as raised:
            attempt()
        assert (raised.value.status, raised.value.code) == (503, "prompt_prevented")
    assert not builder.is_supported()
    assert not asyncio.run(builder.ais_supported())
    with pytest.raises(AiDisabled):
        default_client().generate(GenerationRequest((user_message("hello"),)))
    assert engine.sent == []


@pytest.mark.parametrize(("ours", "theirs"), SWITCHES)
def test_either_switch_keeps_the_gateway_from_asking(
    site: Site, settings: Settings, ours: dict[str, object], theirs: dict[str, object]
) -> None:
    site.connect(site.upstream("openai_chat"))
    settings.AI_CLIENT = {**settings.AI_CLIENT, **ours}
    settings.CONNECTORS = theirs
    with site.sdk() as sdk:
        for ask in (
            lambda: sdk.chat.completions.create(
                model="auto", messages=[{"role": "user", "content": "Hello"}]
            ),
            sdk.models.list,
        ):
            with pytest.raises(openai.InternalServerError) as caught:
                ask()
            assert (caught.value.status_code, caught.value.code) == (503, "prompt_prevented")
    assert site.simulator.requests == []


@pytest.mark.django_db
def test_our_switch_takes_the_providers_off_the_page_too(settings: Settings) -> None:
    settings.AI_CLIENT = {**settings.AI_CLIENT, "ENABLED": False}
    own = ConnectorRegistry(announce)
    assert own.register(ConnectorType("any", "Any")) is None
    assert own.get("koneek") is None


@pytest.mark.django_db
def test_our_switch_tells_other_apps_that_nothing_is_usable(settings: Settings) -> None:
    create_connection(provider="ollama", base_url="https://any.example", model="m")
    assert sentinel.something_is_usable()
    settings.AI_CLIENT = {**settings.AI_CLIENT, "ENABLED": False}
    assert not sentinel.something_is_usable()


def test_the_site_may_prevent_a_prompt_and_say_why(settings: Settings) -> None:
    settings.AI_CLIENT = {**settings.AI_CLIENT, "PREVENT_PROMPT": f"{__name__}.prevents_secrets"}
    registry, engine = registry_over()
    assert prompt("hello", registry=registry).generate_text() == "ok"
    refused = prompt("the secret", registry=registry)
    for attempt in attempts(refused):
        with pytest.raises(AiDisabled, match="Secrets stay here"):
            attempt()
    assert not refused.is_supported()
    assert len(engine.sent) == 1


@pytest.mark.parametrize(
    "name", ["prevents_everything", "prevents_as_an_object", "prevents_by_another"]
)
def test_what_prevents_may_be_awaited(settings: Settings, name: str) -> None:
    settings.AI_CLIENT = {**settings.AI_CLIENT, "PREVENT_PROMPT": f"{__name__}.{name}"}
    registry, engine = registry_over()
    for attempt in attempts(prompt("hello", registry=registry)):
        with pytest.raises(AiDisabled):
            attempt()
    assert engine.sent == []


async def prevents_interns(asked: Prompt) -> bool:
    """Who may not, and awaits to know it."""
    await asyncio.sleep(0)
    return asked.caller == "intern"


def test_what_awaits_is_heard_by_blocking_prompts_inside_a_loop(settings: Settings) -> None:
    settings.AI_CLIENT = {**settings.AI_CLIENT, "PREVENT_PROMPT": f"{__name__}.prevents_interns"}
    registry, engine = registry_over()

    async def block() -> str:
        intern = prompt("hello", registry=registry, caller="intern")
        assert not intern.is_supported()
        for ask in (intern.generate_text, lambda: list(intern.stream_text())):
            with pytest.raises(AiDisabled):
                ask()
        allowed = prompt("hello", registry=registry, caller="shop")
        assert allowed.is_supported()
        return allowed.generate_text() + "".join(allowed.stream_text())

    assert asyncio.run(block()) == "okok"
    assert len(engine.sent) == 2


def switches_ai_off(asked: Prompt) -> bool:
    """Nothing, but meanwhile somebody switches AI off."""
    site: Any = django_settings
    site.AI_CLIENT = {**site.AI_CLIENT, "ENABLED": False}
    return False


def changes_who_asks(asked: Prompt) -> bool:
    """Nothing, and would be somebody else."""
    changed: Any = asked
    changed.caller = "trusted"
    return False


@pytest.mark.parametrize(
    ("name", "error"),
    [("switches_ai_off", AiDisabled), ("changes_who_asks", FrozenInstanceError)],
)
def test_what_looks_at_prompts_lets_none_through_that_may_not_be_sent(
    settings: Settings, name: str, error: type[Exception]
) -> None:
    preventing = {**settings.AI_CLIENT, "PREVENT_PROMPT": f"{__name__}.{name}"}
    registry, engine = registry_over()
    for attempt in attempts(prompt("hello", registry=registry)):
        settings.AI_CLIENT = preventing
        with pytest.raises(error):
            attempt()
    assert engine.sent == []


def test_a_mistake_that_no_future_holds_is_raised_as_another(settings: Settings) -> None:
    path = f"{__name__}.breaks_with_stop_iteration"
    settings.AI_CLIENT = {**settings.AI_CLIENT, "PREVENT_PROMPT": path}
    registry, engine = registry_over()
    builder = prompt("hello", registry=registry)

    async def awaited() -> None:
        async with asyncio.timeout(20):
            assert not await builder.ais_supported()
            with pytest.raises(RuntimeError, match="StopIteration"):
                await builder.agenerate_text()

    asyncio.run(awaited())
    assert engine.sent == []


def test_a_mistake_in_what_prevents_lets_nothing_through(settings: Settings) -> None:
    settings.AI_CLIENT = {**settings.AI_CLIENT, "PREVENT_PROMPT": f"{__name__}.breaks"}
    registry, engine = registry_over()
    for attempt in attempts(prompt("hello", registry=registry)):
        with pytest.raises(LookupError):
            attempt()
    builder = prompt("hello", registry=registry)
    assert not builder.is_supported()
    assert not asyncio.run(builder.ais_supported())
    assert engine.sent == []


@pytest.fixture
def told() -> Iterator[Events]:
    events: Events = []

    def receive(event: BeforeGenerate | AfterGenerate, **_: object) -> None:
        events.append(event)

    before_generate.connect(receive)
    after_generate.connect(receive)
    yield events
    before_generate.disconnect(receive)
    after_generate.disconnect(receive)


def failing_first(step: Any) -> HttpAnswer:
    down = step.url.startswith("https://first.")
    return HttpAnswer.json({"error": {"message": "down"}}, 500) if down else answer(step)


WAYS: dict[str, Callable[[PromptBuilder], Any]] = {
    "blocking": lambda builder: builder.generate_text(),
    "awaiting": lambda builder: asyncio.run(builder.agenerate_text()),
    "streamed": lambda builder: list(builder.stream_text()),
    "awaiting, streamed": lambda builder: asyncio.run(_read(builder)),
}


async def _read(builder: PromptBuilder) -> list[str]:
    return [each async for each in builder.astream_text()]


@pytest.mark.parametrize("way", WAYS)
def test_receivers_hear_who_was_to_answer_and_who_did(way: str, told: Events) -> None:
    registry, _ = registry_over(failing_first)
    WAYS[way](prompt("hello", registry=registry, caller="shop").using_seed(1))
    before, after = told
    assert isinstance(before, BeforeGenerate)
    assert isinstance(after, AfterGenerate)
    assert (before.provider, before.connection, before.model) == ("first", "first", "first-chat")
    assert (after.provider, after.connection, after.model) == ("second", "second", "second-chat")
    for each in told:
        assert each.messages == (user_message("hello"),)
        assert (each.capability.value, each.caller) == ("text_generation", "shop")
        assert each.config.seed == 1
        assert each.stream == ("streamed" in way)
    assert before.request_id == after.request_id
    assert before.request_id.startswith("req_")
    assert isinstance(after.result, GenerativeAiResult)
    assert after.result.to_text() == "ok"
    assert after.result.provider_metadata is not None
    assert after.result.provider_metadata.id == "second"


@pytest.mark.parametrize("way", WAYS)
def test_after_a_failure_nothing_is_told(way: str, told: Events) -> None:
    registry, _ = registry_over(lambda step: HttpAnswer.json({"error": {"message": "bad"}}, 400))
    with pytest.raises(InvalidRequest):
        WAYS[way](prompt("hello", registry=registry))
    assert [type(each) for each in told] == [BeforeGenerate]


def test_a_receiver_that_fails_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def fail(**_: object) -> None:
        raise RuntimeError("theirs")

    registry, _ = registry_over()
    before_generate.connect(fail)
    after_generate.connect(fail)
    try:
        with caplog.at_level(logging.ERROR, "django.dispatch"):
            for ask in WAYS.values():
                assert "".join(ask(prompt("hello", registry=registry))) == "ok"
    finally:
        before_generate.disconnect(fail)
        after_generate.disconnect(fail)
    assert len(caplog.records) == 2 * len(WAYS)


class Awaiting:
    """A receiver that awaits, and keeps what it is told and where that was."""

    def __init__(self) -> None:
        self.events: Events = []
        self.threads: set[int] = set()
        self.is_done = threading.Event()

    async def receive(self, event: BeforeGenerate | AfterGenerate, **_: object) -> None:
        await asyncio.sleep(0)
        self.events.append(event)
        self.threads.add(threading.get_ident())
        if isinstance(event, AfterGenerate):
            self.is_done.set()
            raise RuntimeError("theirs")


@pytest.fixture
def awaiting() -> Iterator[Awaiting]:
    found = Awaiting()
    before_generate.connect(found.receive)
    after_generate.connect(found.receive)
    yield found
    assert before_generate.disconnect(found.receive)
    assert after_generate.disconnect(found.receive)


@pytest.mark.parametrize("way", WAYS)
def test_receivers_that_await_are_told_too(way: str, awaiting: Awaiting, told: Events) -> None:
    registry, _ = registry_over()
    assert "".join(WAYS[way](prompt("hello", registry=registry))) == "ok"
    assert awaiting.events == told
    assert len(told) == 2


@pytest.mark.parametrize("way", ["blocking", "streamed"])
def test_inside_a_loop_no_answer_waits_for_receivers_that_await(
    way: str, awaiting: Awaiting, told: Events
) -> None:
    registry, _ = registry_over()

    async def block() -> str:
        return "".join(WAYS[way](prompt("hello", registry=registry)))

    assert asyncio.run(block()) == "ok"
    assert len(told) == 2
    assert awaiting.is_done.wait(10)
    assert awaiting.events == told
    assert threading.get_ident() not in awaiting.threads


def test_a_receiver_that_never_ends_holds_no_blocking_answer_up_inside_a_loop() -> None:
    begun, release = threading.Event(), threading.Event()

    async def hang(**_: object) -> None:
        begun.set()
        await asyncio.to_thread(release.wait, 10)

    async def block() -> str:
        return prompt("hello", registry=registry).generate_text()

    registry, _ = registry_over()
    before_generate.connect(hang)
    try:
        assert asyncio.run(block()) == "ok"
        assert begun.wait(10)
    finally:
        release.set()
        before_generate.disconnect(hang)


def test_signals_can_be_sent_by_others_as_djangos_can(awaiting: Awaiting, told: Events) -> None:
    sent: Any = object()
    assert len(before_generate.send(None, event=sent)) == 2
    assert len(asyncio.run(before_generate.asend(None, event=sent))) == 2
    assert len(told) == len(awaiting.events) == 2
    assert before_generate.has_listeners()


def test_a_video_is_told_of_when_it_is_there(told: Events) -> None:
    registry, _ = registry_over()
    prompt("waves", registry=registry).start_video()
    assert [type(each) for each in told] == [BeforeGenerate, AfterGenerate]
    assert told[0].capability.value == "video_generation"


def test_a_prompt_that_no_dialect_can_say_is_not_told_as_answered(told: Events) -> None:
    registry, engine = registry_over()
    builder = prompt("?", registry=registry).with_file("https://files.example/a.zip", "video/mp4")
    with pytest.raises(UnsupportedFeature):
        builder.generate_text()
    assert [type(each) for each in told] == [BeforeGenerate]
    assert engine.sent == []
