"""Plays every scenario for every upstream in every way; ``REFUSED`` says who cannot play which."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

import pytest
from django.core.management import call_command
from pytest_django import DjangoDbBlocker

from ai_client.errors import AiClientError, CapabilityUnsupported, NoModelFound, UnsupportedFeature
from ai_client.simulator import running_simulator
from ai_client.simulator.azure import AzureSimulator
from ai_client.simulator.server import running
from tests.ai_client.scenarios import choosing, conversations, failures, function_calls, media
from tests.ai_client.scenarios.scenario import Refusal, Scenario, told
from tests.ai_client.scenarios.stage import Stand, standing
from tests.ai_client.scenarios.upstreams import (
    ANTHROPIC,
    AZURE,
    BY_SLUG,
    GOOGLE,
    KEY,
    UPSTREAMS,
    Upstream,
)

SCENARIOS: tuple[Scenario, ...] = (
    *conversations.scenario.all,
    *function_calls.scenario.all,
    *media.scenario.all,
    *failures.scenario.all,
    *choosing.scenario.all,
)


def nobody_here(*says: str) -> Refusal:
    """None of the connection's models can; the message says what is lacking and who has it."""
    return Refusal(NoModelFound, "model", says)


_AUDIO = nobody_here("inputModalities text + audio", "OpenAI (gpt-audio*", "Google (gemini-")
_IMAGE = nobody_here("image_generation", "OpenAI (gpt-image-*", "Google (gemini-*-image*")
_IMAGE_OF_IMAGE = nobody_here("inputModalities text + image", "OpenAI (gpt-image-*", "Google (")
_AMONG_WORDS = nobody_here("outputModalities image + text", "Google (gemini-*-image*")
_VECTOR = nobody_here("embedding_generation", "OpenAI (text-embedding-*", "Google (gemini-embed")
_ALOUD = nobody_here("text_to_speech_conversion", "OpenAI (gpt-*-tts*", "Google (gemini-*-tts*")
_SPEECH = nobody_here("speech_generation", "OpenAI (gpt-audio*", "Google (gemini-*-tts*")
_SPEECH_AMONG_WORDS = nobody_here("outputModalities audio + text", "OpenAI (gpt-audio*")
_VIDEO = nobody_here("video_generation", "OpenAI (sora-*", "Google (veo-*")
_SEARCH = nobody_here("webSearch", "Anthropic (claude-", "Google (gemini-", "OpenAI (*-search")
_IN_TURNS = nobody_here("image_generation", "chat_history", "Google (gemini-*-image*")
_LOGPROBS = nobody_here("logprobs", "OpenAI (gpt-5")

_SOUND = Refusal(UnsupportedFeature, "messages", ("no audio/wav", "it takes images and PDF"))
_REMOTE_DOCUMENT = Refusal(
    UnsupportedFeature, "messages[0]", ("not application/pdf by URL", "send the file inline")
)

_FOR_TEXT = Refusal(
    CapabilityUnsupported, "model", ("is for text_generation, chat_history, not for image_gen",)
)

REFUSED: dict[str, dict[str, Refusal]] = {
    "audio_input": {"anthropic": _AUDIO, "azure-ai-foundry": _AUDIO},
    "audio_input_for_a_model_that_is_named": {"anthropic": _SOUND},
    "several_candidates": {
        "anthropic": nobody_here("candidateCount", "OpenAI (", "Google (gemini-")
    },
    "several_candidates_of_a_model_that_is_named": {
        "anthropic": Refusal(
            UnsupportedFeature,
            "candidate_count",
            ("one candidate per request, not 2", "ask several times"),
        )
    },
    "log_probabilities": {"anthropic": _LOGPROBS, "google": _LOGPROBS},
    "web_search": {"openai": _SEARCH, "azure-ai-foundry": _SEARCH, "openai-compatible": _SEARCH},
    "an_image": {"anthropic": _IMAGE},
    "an_image_that_is_wide": {"anthropic": _IMAGE},
    "several_images": {
        "anthropic": nobody_here("image_generation", "OpenAI (gpt-image-*", "Google (imagen-*")
    },
    "an_image_of_an_image": {"anthropic": _IMAGE_OF_IMAGE, "azure-ai-foundry": _IMAGE_OF_IMAGE},
    "an_image_that_is_changed_in_the_next_turn": {
        each.slug: _IN_TURNS for each in UPSTREAMS if each.slug != "google"
    },
    "what_a_dialect_cannot_say": {
        "openai": _REMOTE_DOCUMENT,
        "anthropic": _SOUND,
        "google": Refusal(
            UnsupportedFeature, "messages", ("does not read image/gif", "send the image as PNG")
        ),
        "azure-ai-foundry": _REMOTE_DOCUMENT,
        "openai-compatible": _REMOTE_DOCUMENT,
    },
    # Of a model that only a compatible server has, nothing is known, so that is asked.
    "a_model_that_is_for_something_else": {
        "openai": _FOR_TEXT,
        "anthropic": Refusal(CapabilityUnsupported, "model", ("image_generation", "another prov")),
        "google": _FOR_TEXT,
        "azure-ai-foundry": _FOR_TEXT,
    },
    "json_of_any_shape": {
        "anthropic": Refusal(UnsupportedFeature, "output_schema", ("only for a JSON schema",))
    },
    "a_picture_among_words": {
        each.slug: _AMONG_WORDS for each in UPSTREAMS if each.slug != "google"
    },
    "one_vector": {"anthropic": _VECTOR},
    "many_vectors": {"anthropic": _VECTOR},
    "vectors_of_a_length": {"anthropic": _VECTOR},
    "text_read_aloud": {"anthropic": _ALOUD},
    "text_read_aloud_by_anybody": {"anthropic": _ALOUD},
    "text_read_aloud_in_a_format": {
        "anthropic": nobody_here("text_to_speech_conversion", "OpenAI (gpt-*-tts*"),
        "google": nobody_here("outputMimeType audio/mpeg", "OpenAI (gpt-*-tts*"),
    },
    "text_read_aloud_twice": {
        each.slug: nobody_here("candidateCount", "text_to_speech_conversion") for each in UPSTREAMS
    },
    "text_read_aloud_as_wav": {"anthropic": _ALOUD},
    "a_spoken_answer": {"anthropic": _SPEECH},
    "a_spoken_answer_among_words": {
        each.slug: _SPEECH_AMONG_WORDS for each in (ANTHROPIC, GOOGLE, AZURE)
    },
    "a_video": {"anthropic": _VIDEO, "azure-ai-foundry": _VIDEO},
    "a_video_that_another_process_fetches": {"anthropic": _VIDEO, "azure-ai-foundry": _VIDEO},
    "a_video_that_fails": {"anthropic": _VIDEO, "azure-ai-foundry": _VIDEO},
}
"""Scenarios that an upstream cannot play, with what it says; all others it plays."""


@pytest.fixture(scope="module")
def db(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The database without transactions around tests: other threads read what is written.

    Emptying it after each test would take longer than the scenarios do: ``standing`` cleans up in
    between, and what is left over goes after the last one.
    """
    with django_db_blocker.unblock():
        yield
        call_command("flush", verbosity=0, interactive=False)


@pytest.fixture(scope="module")
def stand(db: None) -> Iterator[Stand]:
    """A site with the simulators behind it, for all scenarios."""
    azure = AzureSimulator(KEY, deployments={name: name for name in (AZURE.model, *AZURE.others)})
    with (
        running_simulator(require_key=KEY) as simulator,
        running(azure),
        standing(simulator, azure) as ready,
    ):
        yield ready


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.name)
@pytest.mark.parametrize("upstream", UPSTREAMS, ids=lambda each: each.slug)
def test_scenario(scenario: Scenario, upstream: Upstream, stand: Stand) -> None:
    refusal = REFUSED.get(scenario.name, {}).get(upstream.slug)
    seen: dict[str, object] = {}
    sent: dict[str, list[object]] = {}
    for way in scenario.ways:
        with stand.stage(upstream, way) as stage:
            if scenario.alone:
                stage.connect(stage.own())
            if refusal is None:
                seen[way] = scenario.play(stage)
            else:
                with pytest.raises(AiClientError) as caught:
                    scenario.play(stage)
                refusal.check(caught.value)
                assert not stage.prompts, "it is refused before anything is sent"
                seen[way] = told(caught.value)
            sent[way] = _without_repetition(
                (each.method, each.target, each.json) for each in stage.requests
            )
    first = scenario.ways[0]
    for way in scenario.ways:
        assert seen[way] == seen[first], f"{way} differs from {first}"
    if first == "blocking":
        assert sent["awaiting"] == sent["blocking"]


def _without_repetition(requests: Iterable[object]) -> list[object]:
    """A request that found a socket of before closed is sent again."""
    return [each for each, _ in groupby(requests)]


def test_the_table_speaks_of_what_there_is() -> None:
    names = [each.name for each in SCENARIOS]
    assert len(set(names)) == len(names)
    assert set(REFUSED) <= set(names)
    assert {slug for row in REFUSED.values() for slug in row} <= set(BY_SLUG)
