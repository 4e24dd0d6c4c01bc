"""Each row that the PHP AI Client's builder made, asked through ``prompt()`` here."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from ai_client import Model, PromptBuilder, ProviderRegistry, prompt
from ai_client.capabilities import Capability, FileType, MediaOrientation, Modality, ModelMetadata
from ai_client.errors import AiClientError, InvalidArgument, UnsupportedFeature
from ai_client.messages import (
    File,
    FunctionDeclaration,
    FunctionResponse,
    GenerativeAiResult,
    Message,
    ModelConfig,
    RequestOptions,
    WebSearch,
)
from ai_client.prompt_builder import Prompt
from ai_client.providers import Operation, Provider
from ai_client.registry import Transporter
from ai_client.signals import AfterGenerate, BeforeGenerate, after_generate, before_generate
from ai_client.testing import HttpAnswer, ScriptedTransport, SentRequest
from tests.ai_client.php_differences import chat_body

DATA = Path(__file__).parent / "data"
ROWS = json.loads((DATA / "prompt_builder.json").read_text())
WORLDS = json.loads((DATA / "ref_prompt_builder_providers.json").read_text())

DTOS = {
    each.__name__: each
    for each in (Message, FunctionResponse, FunctionDeclaration, ModelConfig, WebSearch)
} | {"RequestOptions": RequestOptions}
ENUMS = {
    "CapabilityEnum": Capability,
    "FileTypeEnum": FileType,
    "MediaOrientationEnum": MediaOrientation,
    "ModalityEnum": Modality,
}

REFUSED_BEFORE = {
    "using_model_image_for_text_rejected",
    "using_model_text_for_image_rejected",
    "using_model_text_for_video_rejected",
}
"""A model that is not for what is asked is refused while models are chosen, so no receiver hears
of a prompt that is never sent. There the event before comes first."""

RESULTS_BESIDE_TEXT = {"with_function_response_appends"}
"""The result of a function beside text goes out as two messages. There it is refused."""

SEARCH_IS_A_FEATURE = {"every_using"}
"""A search that the format cannot narrow down is refused. There it is left out without a word."""

SEEN: list[Prompt] = []


def see(asked: Prompt) -> bool:
    """What AI_CLIENT["PREVENT_PROMPT"] names here: sees every prompt and prevents none."""
    SEEN.append(asked)
    return False


def answer(step: SentRequest) -> HttpAnswer:
    if step.url.endswith("/images/generations"):
        return HttpAnswer.json({"id": "chatcmpl-oracle", "data": [{"b64_json": "aW1n"}]})
    message = {"role": "assistant", "content": "ok"}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return HttpAnswer.json(
        {"id": "chatcmpl-oracle", "object": "chat.completion", "choices": [choice]}
    )


def world(name: str, engine: ScriptedTransport) -> ProviderRegistry:
    registry = ProviderRegistry()
    registry.set_transporter(Transporter(engine.engine, engine.async_engine))
    for each in WORLDS[name]:
        slug = each["metadata"]["id"]
        images = tuple(
            model["id"]
            for model in each["models"]
            if "image_generation" in model["supportedCapabilities"]
        )
        registry.register(
            Provider(
                slug=slug,
                name=each["metadata"]["name"],
                wire="openai_chat",
                base_url="https://api.example.com/v1",
                operations=(Operation(Capability.IMAGE_GENERATION, "openai_images", images),),
                models=tuple(map(ModelMetadata.from_dict, each["models"])),
            )
        )
        if each["configured"]:
            registry.set_authentication(slug, f"key-{slug}")
    return registry


def decoded(value: Any) -> Any:
    if isinstance(value, list):
        return [decoded(each) for each in value]
    if not isinstance(value, dict):
        return value
    if "$dto" in value:
        return DTOS[value["$dto"]].from_dict(value["data"])
    if "$enum" in value:
        return ENUMS[value["$enum"]](value["value"])
    if "$model" in value:
        provider, model, *config = value["$model"]
        return Model(provider, model, ModelConfig.from_dict(config[0] if config else {}))
    return value


def snake(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", lambda found: f"_{found[1].lower()}", name)


def called(builder: PromptBuilder, step: dict[str, Any]) -> Any:
    return getattr(builder, snake(step["method"]))(*decoded(step["args"]))


def encoded(value: Any) -> Any:
    return value.to_dict() if isinstance(value, File) else value


def as_there(event: BeforeGenerate | AfterGenerate) -> dict[str, Any]:
    shown = {
        "event": f"{type(event).__name__}ResultEvent",
        "provider": event.provider,
        "model": event.model,
        "capability": event.capability.value,
        "messageCount": len(event.messages),
    }
    if isinstance(event, AfterGenerate):
        assert isinstance(event.result, GenerativeAiResult)
        shown["resultId"] = event.result.id
    return shown


@pytest.fixture(autouse=True)
def _watched(settings: Settings) -> None:
    SEEN.clear()
    settings.AI_CLIENT = {**settings.AI_CLIENT, "PREVENT_PROMPT": f"{__name__}.see"}


@pytest.fixture
def told() -> Any:
    events: list[BeforeGenerate | AfterGenerate] = []

    def receive(event: BeforeGenerate | AfterGenerate, **_: object) -> None:
        events.append(event)

    before_generate.connect(receive)
    after_generate.connect(receive)
    yield events
    before_generate.disconnect(receive)
    after_generate.disconnect(receive)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row["name"]))
def test_the_builder_does_what_the_php_builder_does(
    row: dict[str, Any], told: list[BeforeGenerate | AfterGenerate]
) -> None:
    name, given, expected = row["name"], row["input"], row["expected"]
    engine = ScriptedTransport(answer)
    registry = world(given["providersRef"], engine)

    def build() -> PromptBuilder:
        builder = prompt(decoded(given.get("prompt")), registry=registry)
        for step in given["steps"]:
            builder = called(builder, step)
        return builder

    refused = expected.get("exception")
    if refused and "messages" not in expected:
        with pytest.raises(InvalidArgument) as raised:
            build()
        assert raised.value.param
        return
    builder = build()
    assert [each.to_dict() for each in builder.messages] == expected["messages"]

    if name in SEARCH_IS_A_FEATURE:
        with pytest.raises(UnsupportedFeature, match="domains"):
            called(builder, given["terminal"])
        assert engine.sent == []
    elif name in RESULTS_BESIDE_TEXT:
        called(builder, given["terminal"])
        assert [each["role"] for each in engine.bodies[0]["messages"]] == ["tool", "user"]
    elif refused:
        kind = InvalidArgument if refused["type"] == "InvalidArgumentException" else AiClientError
        with pytest.raises(kind):
            called(builder, given["terminal"])
        assert engine.sent == []
    else:
        returned = called(builder, given["terminal"])
        if "returns" in expected:
            found = [*map(encoded, returned)] if isinstance(returned, list) else encoded(returned)
            assert found == expected["returns"]
        if "chosen" in expected:
            assert returned.provider_metadata.id == expected["chosen"]["provider"]
            assert returned.model_metadata.id == expected["chosen"]["model"]
        if "request" in expected:
            (asked,) = engine.sent
            wanted = expected["request"]
            assert (asked.method, asked.url) == (wanted["method"], wanted["uri"])
            assert asked.headers["authorization"] == wanted["headers"]["Authorization"][0]
            assert chat_body(engine.bodies[0]) == chat_body(wanted["bodyJson"])
            timeout = (wanted.get("options") or {}).get("timeout")
            assert timeout is None or asked.timeout <= timeout

    config = SEEN[-1].config if SEEN else builder.config
    said = dict(expected["modelConfig"])
    if not SEEN and given["terminal"]["method"] != "generateResult":
        # What an answer is made for is said when everything else is known to be right.
        said.pop("outputModalities", None)
    assert config.to_dict() == said

    if name in REFUSED_BEFORE:
        assert told == []
    elif name in SEARCH_IS_A_FEATURE:
        assert [type(each) for each in told] == [BeforeGenerate]
    elif name not in RESULTS_BESIDE_TEXT:
        assert list(map(as_there, told)) == expected["events"]


def test_the_differences_are_of_rows_that_exist() -> None:
    names = {row["name"] for row in ROWS}
    assert names >= REFUSED_BEFORE | RESULTS_BESIDE_TEXT | SEARCH_IS_A_FEATURE
