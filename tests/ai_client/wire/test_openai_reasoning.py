"""How much OpenAI's models are told to think, in both formats they are asked in."""

from __future__ import annotations

from typing import Any

import pytest

from ai_client.messages import GenerationRequest, ModelConfig, Reasoning, user_message
from ai_client.wire import Target, WireRequest, client_face

FORMATS = ("openai_chat", "openai_responses")
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
PREFIXES = ("openai/", "ft:", "proxy/openai/", "openai/ft:")
LEFT_OUT = "reasoning was left out: this model does not reason"

# A model of each row of the table, what it is asked for at least, and at most.
MODELS: tuple[tuple[str, str | None, str | None], ...] = (
    ("gpt-4o", None, None),
    ("gpt-3.5-turbo", None, None),
    ("chatgpt-4o-latest", None, None),
    ("gpt-audio", None, None),
    ("gpt-5.1-chat-latest", None, None),
    ("o1-mini", None, None),
    ("gpt-5-pro", "high", "high"),
    ("gpt-5.2-pro", "medium", "xhigh"),
    ("o3", "low", "high"),
    ("codex-mini-latest", "low", "high"),
    ("gpt-5-codex", "low", "high"),
    ("gpt-5.1-codex", "low", "high"),
    ("gpt-5.1-codex-max", "low", "xhigh"),
    ("gpt-5.3-codex", "low", "xhigh"),
    ("gpt-5", "minimal", "high"),
    ("gpt-5-mini-2025-08-07", "minimal", "high"),
    ("gpt-5.1", "none", "high"),
    ("gpt-5.4", "none", "xhigh"),
    ("some-other", "none", "max"),
)


def asked(wire: str, model: str, reasoning: Reasoning) -> WireRequest:
    config = ModelConfig(reasoning=reasoning, temperature=0.5)
    return client_face(wire).render_request(
        GenerationRequest((user_message("Hi"),), config), Target(model)
    )


def effort_of(request: WireRequest) -> Any:
    assert isinstance(request.body, dict)
    reasoning = request.body.get("reasoning", {})
    assert isinstance(reasoning, dict)
    return request.body.get("reasoning_effort", reasoning.get("effort"))


@pytest.mark.parametrize("wire", FORMATS)
@pytest.mark.parametrize(("model", "least", "most"), MODELS)
def test_a_model_is_asked_for_efforts_that_it_knows(
    wire: str, model: str, least: str | None, most: str | None
) -> None:
    assert effort_of(asked(wire, model, Reasoning(effort="none"))) == least
    assert effort_of(asked(wire, model, Reasoning(effort="max"))) == most


@pytest.mark.parametrize("wire", FORMATS)
@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("model", [model for model, *_ in MODELS])
def test_what_stands_before_a_models_name_changes_nothing(
    wire: str, prefix: str, model: str
) -> None:
    for reasoning in (*(Reasoning(effort=each) for each in EFFORTS), Reasoning()):
        plain, prefixed = (asked(wire, each, reasoning) for each in (model, prefix + model))
        assert isinstance(plain.body, dict)
        assert prefixed.body == {**plain.body, "model": prefix + model}
        assert prefixed.warnings == plain.warnings


@pytest.mark.parametrize("wire", FORMATS)
@pytest.mark.parametrize("reasoning", [Reasoning(), Reasoning(effort="low")])
@pytest.mark.parametrize("model", ["gpt-4o", "gpt-audio", "openai/gpt-5-chat-latest"])
def test_a_model_that_does_not_think_is_not_told_to(
    wire: str, reasoning: Reasoning, model: str
) -> None:
    request = asked(wire, model, reasoning)
    assert isinstance(request.body, dict)
    assert not {"reasoning", "reasoning_effort", "include"} & set(request.body)
    assert LEFT_OUT in request.warnings


def test_thoughts_are_summed_up_where_a_model_thinks_as_it_likes() -> None:
    request = asked("openai_responses", "gpt-5", Reasoning())
    assert isinstance(request.body, dict)
    assert request.body["reasoning"] == {"summary": "auto"}
    assert request.warnings == ()
