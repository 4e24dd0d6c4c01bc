"""Prompts whose answers are vectors and videos, by whichever way they are asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from ai_client import GenerativeAiResult, aoperation, operation, prompt
from ai_client.errors import InvalidArgument
from tests.ai_client.scripted_site import registry_over

both_ways = pytest.mark.parametrize("way", ["blocking", "awaiting"])


@both_ways
def test_several_inputs_have_more_than_one_vector(way: str) -> None:
    registry, engine = registry_over()
    builder = prompt(["a", "bb"], registry=registry)
    ask: Callable[[], object] = {
        "blocking": builder.generate_embedding,
        "awaiting": lambda: asyncio.run(builder.agenerate_embedding()),
    }[way]
    with pytest.raises(InvalidArgument, match=r"2 inputs.*generate_embeddings\(\)") as raised:
        ask()
    assert raised.value.param == "prompt"
    assert engine.sent == []


@pytest.mark.parametrize("way", ["wait", "await", "refresh", "arefresh", "operation", "aoperation"])
def test_a_video_says_who_made_it(way: str) -> None:
    registry, _ = registry_over()
    asked = prompt("waves", registry=registry)

    async def awaited() -> GenerativeAiResult:
        return await (await asked.astart_video()).await_result(pause=0)

    def of(found: GenerativeAiResult | None) -> GenerativeAiResult:
        assert found is not None
        return found

    started = asked.start_video()
    ways: dict[str, Callable[[], GenerativeAiResult]] = {
        "wait": lambda: asked.start_video().wait(pause=0),
        "await": lambda: asyncio.run(awaited()),
        "refresh": lambda: of(started.refresh().operation.result),
        "arefresh": lambda: of(asyncio.run(started.arefresh()).operation.result),
        "operation": lambda: of(operation(started.id, registry=registry).operation.result),
        "aoperation": lambda: of(
            asyncio.run(aoperation(started.id, registry=registry)).operation.result
        ),
    }
    result = ways[way]()
    assert result.model == "first-video"
    assert result.provider_metadata is not None
    assert result.provider_metadata.id == "first"
    assert result.model_metadata is not None
    assert result.model_metadata.id == "first-video"
