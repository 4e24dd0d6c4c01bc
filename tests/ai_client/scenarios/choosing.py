"""Scenarios of who may answer, and who does."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.test import override_settings

from ai_client import PromptBuilder, prompt
from ai_client.errors import AiDisabled, ConnectorNotApproved, NoModelFound
from connectors.approvals import decide
from connectors.models import ApprovalState
from tests.ai_client.scenarios.scenario import Scenarios, seen, told
from tests.ai_client.scenarios.stage import Stage
from tests.ai_client.scenarios.ways import WHOLE

scenario = Scenarios(alone=False)


@scenario
def ai_is_switched_off(stage: Stage) -> object:
    stage.connect(stage.own())
    with (
        override_settings(AI_CLIENT={**settings.AI_CLIENT, "ENABLED": False}),
        pytest.raises(AiDisabled) as caught,
    ):
        stage.way.text(prompt("Hello"))
    with (
        override_settings(CONNECTORS={"AI_ENABLED": False}),
        pytest.raises(AiDisabled),
    ):
        stage.way.text(prompt("Hello"))
    assert not stage.requests
    assert caught.value.status == 503
    return told(caught.value)


@scenario
def a_caller_that_is_not_approved(stage: Stage) -> object:
    stage.connect(stage.own())
    with override_settings(CONNECTORS={"APPROVAL": "ask"}):
        decide("blog", stage.upstream.slug, ApprovalState.ALLOWED)
        stage.begin_again()
        with pytest.raises(ConnectorNotApproved) as caught:
            stage.way.text(prompt("Hello", caller="shop"))
        assert not stage.requests
        assert stage.way.text(prompt("Hello", caller="blog")) == "Echo: Hello"
    assert stage.upstream.slug in caught.value.message
    assert caught.value.status == 403
    return told(caught.value)


@scenario
def a_caller_gets_the_connector_that_it_may_use(stage: Stage) -> object:
    stage.connect(stage.own(), stage.other())
    decide("shop", stage.upstream.slug, ApprovalState.DENIED)
    result = stage.way.result(prompt("Hello", caller="shop"))
    assert result.model == stage.stand_in.model
    return seen(result)


@scenario
def a_provider_is_chosen(stage: Stage) -> object:
    stage.connect(stage.other(), stage.own())
    result = stage.way.result(prompt("Hello").using_provider(stage.upstream.slug))
    by_name = stage.way.result(prompt("Hello").using_provider(str(stage.own()["name"])))
    assert result.model == by_name.model == stage.upstream.model
    return seen(result), seen(by_name)


@scenario
def a_provider_that_is_chosen_answers_alone(stage: Stage) -> object:
    stage.connect(stage.own(), stage.other())
    builder = prompt("Hello").using_provider("ollama")
    with pytest.raises(NoModelFound) as caught:
        stage.way.text(builder)
    assert caught.value.param == "provider"
    assert stage.upstream.slug in caught.value.message
    assert not stage.requests
    return told(caught.value)


@scenario
def a_preferred_model_answers(stage: Stage) -> object:
    stage.connect(stage.other(), stage.own())
    upstream = stage.upstream

    def preferring(*models: str | tuple[str, str]) -> PromptBuilder:
        return prompt("Hello").using_model_preference(*models)

    result = stage.way.result(preferring("a-model-of-nobody", upstream.model))
    assert result.model == upstream.model
    with_provider = stage.way.result(preferring((upstream.slug, upstream.model)))
    assert with_provider.model == upstream.model
    # Where nobody has it, somebody else answers.
    other = stage.way.result(preferring((upstream.slug, "a-model-of-nobody")))
    assert other.model == stage.stand_in.model
    return seen(result), seen(with_provider), seen(other)


@scenario
def a_preferred_model_that_fails(stage: Stage) -> object:
    stage.connect(stage.other(), stage.own("overloaded"))
    stage.clear_log()
    result = stage.way.result(prompt("Hello").using_model_preference(stage.upstream.model))
    assert result.model == stage.stand_in.model
    names = [name for name, _ in stage.attempts()]
    assert names == [stage.own()["name"], stage.other()["name"]]
    return seen(result)


@scenario
def a_model_that_is_named(stage: Stage) -> object:
    stage.connect(stage.other(), stage.own())
    upstream = stage.upstream
    ways = (upstream.model, (upstream.slug, upstream.model), str(stage.own()["name"]))
    found = [stage.way.result(prompt("Hello").using_model(each)) for each in ways]
    assert {each.model for each in found} == {upstream.model}
    return [seen(each) for each in found]


@scenario
def a_connection_that_names_no_model(stage: Stage) -> object:
    """The upstream is asked what it has."""
    stage.connect(stage.own(**stage.upstream.without_models()))
    result = stage.way.result(prompt("Hello"))
    assert result.to_text() == "Echo: Hello"
    assert result.model
    return seen(result)


@scenario.in_ways(*WHOLE)
def a_model_that_is_for_something_else(stage: Stage) -> object:
    """Upstreams say of such a request that the model or the key is wrong, which neither is."""
    stage.connect(stage.own())
    upstream = stage.upstream
    drawn = prompt("A parrot").using_model((upstream.slug, upstream.model)).without_fallback()
    return seen(stage.way.images(drawn))


@scenario
def a_model_that_nobody_has(stage: Stage) -> object:
    stage.connect(stage.own())
    with pytest.raises(NoModelFound) as caught:
        stage.way.text(prompt("Hello").using_model("a-model-of-nobody"))
    assert caught.value.param == "model"
    assert "a-model-of-nobody" in caught.value.message
    return told(caught.value)


@scenario
def a_feature_is_asked_of_who_has_it(stage: Stage) -> object:
    """Who cannot do it is not even tried."""
    stage.connect(stage.own(), stage.other())
    stage.clear_log()
    builder = prompt("Hello")
    match stage.upstream.slug:
        case "anthropic":
            builder = builder.using_candidate_count(2)
        case "google":
            builder = builder.using_top_logprobs(1)
        case _:
            builder = builder.using_web_search()
    result = stage.way.result(builder)
    assert result.model == stage.stand_in.model
    assert stage.attempts() == [(stage.other()["name"], "ok")]
    return seen(result)
