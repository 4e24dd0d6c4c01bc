"""Whether a prompt is supported: told as it would be answered."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ai_client import PromptBuilder, ProviderRegistry, prompt
from ai_client.errors import NoModelFound
from ai_client.providers.openai import PROVIDER as OPENAI
from ai_client.registry import Transporter
from ai_client.testing import HttpAnswer, ScriptedTransport, SentRequest
from tests.ai_client.scripted_site import answer


def openai() -> ProviderRegistry:
    def answers(step: SentRequest) -> HttpAnswer:
        return HttpAnswer.json({"data": []}) if step.method == "GET" else answer(step)

    engine = ScriptedTransport(answers)
    registry = ProviderRegistry([OPENAI])
    registry.set_authentication(OPENAI.slug, "key")
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
