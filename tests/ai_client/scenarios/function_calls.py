"""Scenarios of functions that a model asks for."""

from __future__ import annotations

from typing import Any

from ai_client import (
    FunctionDeclaration,
    FunctionRefused,
    FunctionResponse,
    GenerativeAiResult,
    Message,
    PromptBuilder,
    Role,
    prompt,
)
from ai_client.functions import calls_in
from ai_client.messages import FinishReason, MessagePart
from tests.ai_client.scenarios.scenario import Scenarios, seen
from tests.ai_client.scenarios.stage import Stage
from tests.ai_client.scenarios.ways import WHOLE

scenario = Scenarios(alone=True)

_CITY: Any = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}
WEATHER = FunctionDeclaration("weather", "Tells the weather.", _CITY)
POPULATION = FunctionDeclaration("population", "Counts the people.", _CITY)


def weather(city: str) -> str:
    """Tells the weather."""
    return f"rain in {city}"


async def population(city: str) -> dict[str, int]:
    """Counts the people."""
    return {city: 7}


def broken(city: str) -> str:
    """Does not work."""
    raise FunctionRefused(f"nothing is known of {city}")


def _answered(
    asked: PromptBuilder, result: GenerativeAiResult, *responses: FunctionResponse
) -> PromptBuilder:
    """The next turn of the conversation, with the functions' results."""
    said = (*asked.messages, result.to_message())
    message = Message(Role.USER, tuple(MessagePart(each) for each in responses))
    return prompt([*said, message]).using_model_config(asked.config)


@scenario
def a_function_is_called(stage: Stage) -> object:
    asked = prompt("The weather, please").using_function_declarations(WEATHER)
    first = stage.way.result(asked)
    (call,) = calls_in(first.to_message())
    assert (call.name, call.args) == ("weather", {"city": "city"})
    assert first.candidates[0].finish_reason is FinishReason.TOOL_CALLS
    second = stage.way.result(_answered(asked, first, FunctionResponse(call.id, call.name, "rain")))
    assert "rain" in second.to_text()
    assert second.to_text().startswith("Tool result: ")
    return seen(first), seen(second)


@scenario
def functions_are_called_at_once(stage: Stage) -> object:
    asked = prompt("Both in parallel").using_function_declarations(WEATHER, POPULATION)
    first = stage.way.result(asked)
    one, other = calls_in(first.to_message())
    assert [one.name, other.name] == ["weather", "population"]
    second = stage.way.result(
        _answered(
            asked,
            first,
            FunctionResponse(one.id, one.name, "rain"),
            FunctionResponse(other.id, other.name, {"people": 7}),
        )
    )
    assert second.to_text().count("Tool result: ") == 2
    assert second.to_text().index("rain") < second.to_text().index("people")
    return seen(first), seen(second)


@scenario
def results_over_three_turns(stage: Stage) -> object:
    asked = prompt("Ask twice").using_function_declarations(WEATHER)
    first = stage.way.result(asked)
    (call,) = calls_in(first.to_message())
    asked = _answered(asked, first, FunctionResponse(call.id, call.name, "rain"))
    second = stage.way.result(asked)
    (call,) = calls_in(second.to_message())
    asked = _answered(asked, second, FunctionResponse(call.id, call.name, "sun"))
    third = stage.way.result(asked)
    assert not calls_in(third.to_message())
    assert "sun" in third.to_text()
    return seen(first), seen(second), seen(third)


@scenario
def an_error_as_a_functions_result(stage: Stage) -> object:
    asked = prompt("The weather, please").using_function_declarations(WEATHER)
    first = stage.way.result(asked)
    (call,) = calls_in(first.to_message())
    failed = FunctionResponse(call.id, call.name, {"error": "no such city"}, is_error=True)
    second = stage.way.result(_answered(asked, first, failed))
    assert "no such city" in second.to_text()
    assert second.to_text().startswith("Tool error: ") is stage.upstream.marks_errors
    return seen(second)


@scenario
def thoughts_stay_with_calls(stage: Stage) -> object:
    """Vendors that sign thoughts want them back with the results of functions."""
    upstream = stage.upstream
    asked = prompt("Think about the weather").using_function_declarations(WEATHER)
    asked = asked.using_reasoning(budget_tokens=1024).using_model((upstream.slug, upstream.thinker))
    first = stage.way.result(asked)
    (call,) = calls_in(first.to_message())
    again = _answered(asked, first, FunctionResponse(call.id, call.name, "rain"))
    second = stage.way.result(again.using_model((upstream.slug, upstream.thinker)))
    assert "rain" in second.to_text()
    return seen(first), seen(second)


@scenario
def a_call_of_another_vendor(stage: Stage) -> object:
    """A conversation goes on with another dialect in the middle of a call."""
    stage.connect(stage.own(), stage.other())
    asked = prompt("Both in parallel").using_function_declarations(WEATHER, POPULATION)
    first = stage.way.result(asked.using_provider(stage.stand_in.slug))
    one, other = calls_in(first.to_message())
    again = _answered(
        asked,
        first,
        FunctionResponse(one.id, one.name, "rain"),
        FunctionResponse(other.id, other.name, "seven"),
    )
    second = stage.way.result(again.using_provider(stage.upstream.slug))
    assert second.to_text().count("Tool result: ") == 2
    return seen(first), seen(second)


@scenario
def a_function_that_has_to_be_called(stage: Stage) -> object:
    asked = prompt("Hello").using_function_declarations(WEATHER, POPULATION)
    first = stage.way.result(asked.using_tool_choice("population"))
    assert [call.name for call in calls_in(first.to_message())] == ["population"]
    none = stage.way.result(asked.using_tool_choice("none"))
    assert none.to_text() == "Echo: Hello"
    return seen(first), seen(none)


@scenario.in_ways(*WHOLE)
def functions_are_run(stage: Stage) -> object:
    run = stage.way.run_functions(
        prompt("Both in parallel, twice").using_functions(weather, population)
    )
    assert run.turns == 3
    assert run.result.to_text().count("Tool result: ") == 2
    assert "rain in city" in run.result.to_text()
    return run.turns, seen(run.result)


@scenario.in_ways(*WHOLE)
def a_function_that_fails_is_told(stage: Stage) -> object:
    run = stage.way.run_functions(prompt("Try it").using_functions(broken))
    assert "nothing is known of city" in run.result.to_text()
    assert run.result.to_text().startswith("Tool error: ") is stage.upstream.marks_errors
    return run.turns, seen(run.result)
