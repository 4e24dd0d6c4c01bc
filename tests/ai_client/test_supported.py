"""Whether a prompt is supported: told as it would be answered."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ai_client import PromptBuilder, ProviderRegistry, prompt
from ai_client.errors import NoModelFound, UnsupportedFeature
from ai_client.providers import Provider
from ai_client.providers.anthropic import PROVIDER as ANTHROPIC
from ai_client.providers.openai import PROVIDER as OPENAI
from ai_client.registry import Transporter
from ai_client.testing import HttpAnswer, ScriptedTransport, SentRequest
from tests.ai_client.scripted_site import answer


def openai() -> ProviderRegistry:
    return registry_of(OPENAI)


def registry_of(*providers: Provider) -> ProviderRegistry:
    """A registry of providers; OpenAI's answers."""

    def answers(step: SentRequest) -> HttpAnswer:
        return HttpAnswer.json({"data": []}) if step.method == "GET" else answer(step)

    engine = ScriptedTransport(answers)
    registry = ProviderRegistry(providers)
    for slug in registry.ids():
        registry.set_authentication(slug, "key")
    registry.set_transporter(Transporter(engine.engine, engine.async_engine))
    return registry


def supported(asked: PromptBuilder) -> bool:
    """What all ways of asking say."""
    (said,) = {asked.is_supported(), asyncio.run(asked.ais_supported())}
    return said


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("using_top_k", 5),
        ("using_temperature", 0.5),
        ("using_top_p", 0.5),
        ("using_presence_penalty", 0.5),
        ("using_frequency_penalty", 0.5),
    ],
)
def test_tuning_that_is_left_out_is_no_reason(name: str, value: Any) -> None:
    asked: PromptBuilder = getattr(prompt("hello", registry=openai()), name)(value)
    assert supported(asked)
    assert asked.generate_text() == "ok"


def test_what_cannot_be_left_out_is_one() -> None:
    asked = prompt("hello", registry=openai()).using_top_k(5).as_output_modalities("text", "video")
    assert not supported(asked)
    with pytest.raises(NoModelFound):
        asked.generate_text()


def test_what_the_only_dialect_cannot_say_is_not() -> None:
    asked = prompt("hello", registry=registry_of(ANTHROPIC)).as_json_response()
    assert not supported(asked)
    with pytest.raises(UnsupportedFeature):
        asked.generate_text()
    assert supported(asked.as_output_schema({"type": "object", "additionalProperties": False}))


def test_what_the_first_dialect_cannot_say_another_may() -> None:
    asked = prompt("hello", registry=registry_of(ANTHROPIC, OPENAI)).as_json_response()
    assert supported(asked)
    assert asked.generate_text() == "ok"
    assert not supported(asked.using_provider("anthropic"))
    assert not supported(asked.without_fallback())


def test_without_a_text_the_models_alone_count() -> None:
    assert supported(prompt(registry=registry_of(ANTHROPIC)).as_json_response())


def test_a_model_for_something_else_is_no_support() -> None:
    asked = prompt("hello", registry=openai()).using_model("openai/text-embedding-3-small")
    assert not asked.is_supported_for_text_generation()
    assert not asyncio.run(asked.ais_supported_for_text_generation())
