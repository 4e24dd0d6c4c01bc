"""What ``from ai_client import …`` gives: lazily, typed, and with the short forms of prompts."""

from __future__ import annotations

import ast
import asyncio
import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import ai_client
from ai_client import Model, ModelConfig, aoperation, is_configured, operation, prompt
from ai_client.capabilities import Capability
from ai_client.errors import (
    AiDisabled,
    DeadlineExceeded,
    InvalidArgument,
    KeyRejected,
    Overloaded,
    ServerFailed,
)
from ai_client.generation import SiteDoor
from ai_client.prompt_builder import PromptBuilder
from ai_client.testing import HttpAnswer, SentRequest
from tests.ai_client.scripted_site import AUDIO, PICTURE, VIDEO, answer, registry_over
from tests.source_tree import ROOT

DATA = Path(__file__).parent / "data"
ROWS = [
    row
    for row in json.loads((DATA / "validation_errors.json").read_text())
    if row["input"]["op"] in ("ai_client_generate", "ai_client_is_configured")
]


def run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_prompts_can_be_written_before_the_apps_are_ready() -> None:
    """At the head of a models.py, say."""
    run(
        "import os, django\n"
        "os.environ['DJANGO_SETTINGS_MODULE'] = 'tests.settings'\n"
        "from django.apps import apps\n"
        "from ai_client import prompt, File, PromptBuilder\n"
        "builder = prompt('hello').using_temperature(0.1)\n"
        "assert not apps.ready and isinstance(builder, PromptBuilder)\n"
        "django.setup()\n"
    )


def test_the_package_alone_loads_nothing() -> None:
    loaded = run("import ai_client, sys; print(*[n for n in sys.modules if 'django' in n])")
    assert loaded.strip() == ""


@pytest.mark.parametrize("package", ["ai_client", "ai_client.testing"])
def test_all_names_can_be_had_at_once(package: str) -> None:
    given: dict[str, Any] = {}
    exec(f"from {package} import *", given)
    names = importlib.import_module(package).__all__
    assert {"__builtins__", *names} == set(given)


def test_every_name_that_types_see_is_there_when_it_runs() -> None:
    tree = ast.parse((ROOT / "ai_client/__init__.py").read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = {name.asname for node in block.body for name in node.names}  # type: ignore[attr-defined]
    assert seen == set(ai_client._HOME_OF)
    assert seen <= set(dir(ai_client))
    assert seen == set(ai_client.__all__)
    for name in seen:
        assert getattr(ai_client, name).__name__ == name
    with pytest.raises(AttributeError):
        _ = ai_client.nothing_of_the_kind


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row["name"]))
def test_wrong_arguments_are_refused_as_there(row: dict[str, Any]) -> None:
    registry, engine = registry_over()
    given, expected = row["input"], row["expected"]
    if given["op"] == "ai_client_generate":
        with pytest.raises(InvalidArgument) as raised:
            ai_client.generate_text_result("x", given["modelOrConfig"], registry=registry)
        assert raised.value.param == "model_or_config"
        assert engine.sent == []
    elif "exception" in expected:
        with pytest.raises(InvalidArgument):
            is_configured(given["value"], registry=registry)
    else:
        assert is_configured(given["value"], registry=registry) is expected["value"]


def test_the_short_forms_ask_as_the_builder_does() -> None:
    registry, engine = registry_over()
    given: dict[str, Any] = {"registry": registry}
    assert ai_client.generate_text_result("x", **given).to_text() == "ok"
    config = ModelConfig(temperature=0.5)
    assert ai_client.generate_result("x", config, **given).to_text() == "ok"
    model = Model("second", "second-chat", ModelConfig(temperature=0.7))
    assert ai_client.generate_result("x", model, **given).to_text() == "ok"
    image = ai_client.generate_result("x", None, capability=Capability.IMAGE_GENERATION, **given)
    assert image.to_file().base64_data == PICTURE
    assert ai_client.generate_image_result("x", **given).to_file().base64_data == PICTURE
    speech = ai_client.convert_text_to_speech_result("x", **given)
    assert speech.to_file().as_bytes() == AUDIO
    assert [each.get("temperature") for each in engine.bodies[:3]] == [None, 0.5, 0.7]
    assert engine.sent[2].url.startswith("https://second.example/")


def test_work_that_was_started_is_found_again_by_its_id() -> None:
    registry, _ = registry_over()
    started = prompt("waves", registry=registry).start_video()
    again = operation(started.id, registry=registry)
    assert again.is_over
    assert again.wait().to_file().as_bytes() == VIDEO
    found = asyncio.run(aoperation(started.id, registry=registry))
    assert found.state == again.state
    assert started.refresh().is_over
    assert asyncio.run(started.arefresh()).is_over
    with pytest.raises(InvalidArgument):
        operation("op_nothing", registry=registry)


class Clock:
    """Goes on while somebody sleeps, and only then."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    async def asleep(self, seconds: float) -> None:
        self.sleep(seconds)


def waiting(script: Any, way: str) -> tuple[Any, Clock]:
    """Waits for a video of ``script``, 12 seconds at most, with a look every 5."""
    clock = Clock()
    registry, _ = registry_over(script)
    door = SiteDoor(registry, clock=clock, sleep=clock.sleep, asleep=clock.asleep)
    started = PromptBuilder.of(door, "waves")
    if way == "blocking":
        return lambda: started.start_video().wait(12, 5), clock

    async def wait() -> Any:
        return await (await started.astart_video()).await_result(12, 5)

    return lambda: asyncio.run(wait()), clock


both_ways = pytest.mark.parametrize("way", ["blocking", "awaiting"])


@both_ways
def test_work_that_takes_too_long_is_left_alone(way: str) -> None:
    def slow(step: SentRequest) -> HttpAnswer:
        return HttpAnswer.json({"id": "v1", "object": "video", "status": "in_progress"})

    wait, clock = waiting(slow, way)
    with pytest.raises(DeadlineExceeded, match=r"operation\(error\.operation_id\)") as caught:
        wait()
    assert clock.slept == [5, 5, 2]
    assert caught.value.operation_id is not None
    registry, _ = registry_over()
    found = operation(caught.value.operation_id, registry=registry)
    assert found.operation.result is not None


@both_ways
def test_work_that_stays_out_of_sight_can_be_looked_for_later(way: str) -> None:
    def script(step: SentRequest) -> HttpAnswer:
        if step.method == "GET":
            return HttpAnswer.json({"error": {"message": "no such key"}}, 401)
        return answer(step)

    wait, _ = waiting(script, way)
    with pytest.raises(KeyRejected) as caught:
        wait()
    assert caught.value.operation_id is not None
    registry, _ = registry_over()
    assert operation(caught.value.operation_id, registry=registry).is_over


@both_ways
def test_work_that_is_out_of_sight_for_a_moment_is_looked_for_again(way: str) -> None:
    looks: list[int] = []

    def script(step: SentRequest) -> HttpAnswer | Overloaded:
        if step.method == "GET" and len(looks) < 1:
            looks.append(1)
            return HttpAnswer.json({"error": {"message": "busy"}}, 503)
        return answer(step)

    wait, clock = waiting(script, way)
    assert wait().to_file().as_bytes() == VIDEO
    assert clock.slept == [5, 5]


@both_ways
def test_work_that_failed_says_why(way: str) -> None:
    def failing(step: SentRequest) -> HttpAnswer:
        failed = {"id": "v1", "object": "video", "status": "failed"}
        return HttpAnswer.json({**failed, "error": {"code": "x", "message": "No waves today."}})

    wait, _ = waiting(failing, way)
    with pytest.raises(ServerFailed, match="No waves today"):
        wait()


def test_work_is_not_looked_at_while_ai_is_off(settings: Any) -> None:
    registry, engine = registry_over()
    started = prompt("waves", registry=registry).start_video()
    settings.AI_CLIENT = {**settings.AI_CLIENT, "ENABLED": False}
    with pytest.raises(AiDisabled):
        started.refresh()
    assert len(engine.sent) == 1
