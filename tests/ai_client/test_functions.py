"""Python callables as functions of a model: their declarations, and the loop of calls."""

from __future__ import annotations

import asyncio
import json
from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import pytest

from ai_client import File, FunctionCall, FunctionRefused, PromptBuilder, prompt
from ai_client.errors import InvalidArgument, TurnsExhausted
from ai_client.functions import function_from, response
from ai_client.testing import HttpAnswer
from tests.ai_client.scripted_site import registry_over, said

ENDLESS: list[object] = []
ENDLESS.append(ENDLESS)


class Unit(Enum):
    CELSIUS = "c"
    FAHRENHEIT = "f"


@dataclass
class Place:
    city: str
    country: str = "DE"


class Window(TypedDict):
    days: int
    from_day: NotRequired[int]


def forecast(
    place: Annotated[Place, "where"],
    unit: Unit,
    detail: Literal["short", "long"] = "short",
    window: Window | None = None,
    tags: list[str] | None = None,
    weights: dict[str, float] = {},  # noqa: B006
) -> str:
    """What the weather will be.

    Looks at most ten days ahead.
    """
    return f"{place.city} {place.country} {unit.name} {detail} {window} {tags} {weights}"


def test_hints_docstring_and_defaults_become_the_declaration() -> None:
    declaration = function_from(forecast).declaration
    assert declaration.name == "forecast"
    assert declaration.description == ("What the weather will be.\n\nLooks at most ten days ahead.")
    null = {"type": "null"}
    assert declaration.parameters == {
        "type": "object",
        "properties": {
            "place": {
                "type": "object",
                "properties": {"city": {"type": "string"}, "country": {"type": "string"}},
                "required": ["city"],
                "additionalProperties": False,
                "description": "where",
            },
            "unit": {"type": "string", "enum": ["c", "f"]},
            "detail": {"type": "string", "enum": ["short", "long"]},
            "window": {
                "anyOf": [
                    {
                        "type": "object",
                        "properties": {
                            "days": {"type": "integer"},
                            "from_day": {"type": "integer"},
                        },
                        "required": ["days"],
                        "additionalProperties": False,
                    },
                    null,
                ]
            },
            "tags": {"anyOf": [{"type": "array", "items": {"type": "string"}}, null]},
            "weights": {"type": "object", "additionalProperties": {"type": "number"}},
        },
        "required": ["place", "unit"],
        "additionalProperties": False,
    }


def without_hint(city) -> str:  # type: ignore[no-untyped-def]
    return str(city)


def with_rest(*cities: str) -> str:
    return " ".join(cities)


def by_position(city: str, /) -> str:
    return city


def of_bytes(data: bytes) -> str:
    return str(data)


@pytest.mark.parametrize(
    ("callee", "said_of_it"),
    [
        (without_hint, "'city' of without_hint"),
        (with_rest, "by name only"),
        (by_position, "by name only"),
        (of_bytes, "of_bytes"),
        (lambda: 1, "needs a name"),
        (5, "needs a name"),
    ],
)
def test_what_cannot_be_declared_is_refused(callee: Any, said_of_it: str) -> None:
    with pytest.raises(InvalidArgument, match=said_of_it) as raised:
        prompt("?").using_functions(callee)
    assert raised.value.param == "functions"


def test_two_functions_of_one_name_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="Two functions"):
        prompt("?").using_functions(forecast, forecast)


def turns(*answers: HttpAnswer) -> Any:
    """A script that gives these answers, one after the other."""
    left = list(answers)
    return lambda step: left.pop(0)


def call(name: str, arguments: object, number: int = 1) -> tuple[str, str, str]:
    written = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return (f"c{number}", name, written)


def run(builder: PromptBuilder, way: str, **options: int) -> Any:
    if way == "blocking":
        return builder.run_functions(**options)
    return asyncio.run(builder.arun_functions(**options))


both_ways = pytest.mark.parametrize("way", ["blocking", "awaiting"])


@both_ways
def test_the_model_gets_what_its_calls_returned_until_it_answers(way: str) -> None:
    given = {"place": {"city": "Ulm"}, "unit": "f", "window": {"days": 2}, "weights": {"a": 1}}
    script = turns(
        said(None, calls=[call("forecast", given), call("sunrise", "", 2)]), said("Take a coat.")
    )
    registry, engine = registry_over(script)

    async def sunrise() -> dict[str, int]:
        return {"hour": 6}

    builder = prompt("A coat?", registry=registry).using_functions(forecast, sunrise)
    found = run(builder, way)
    assert (found.to_text(), found.turns) == ("Take a coat.", 2)
    assert [each.role.value for each in found.messages] == ["user", "model", "user", "model"]
    results = [each for each in engine.bodies[1]["messages"] if each["role"] == "tool"]
    assert [each["tool_call_id"] for each in results] == ["c1", "c2"]
    assert results[0]["content"] == "Ulm DE FAHRENHEIT short {'days': 2} None {'a': 1.0}"
    assert json.loads(results[1]["content"]) == {"hour": 6}
    assert [each["function"]["name"] for each in engine.bodies[0]["tools"]] == [
        "forecast",
        "sunrise",
    ]


@both_ways
@pytest.mark.parametrize(
    ("called", "problem"),
    [
        (call("nothing", {}), "There is no such function. Known: divide."),
        (call("divide", "{"), "not a JSON object"),
        (call("divide", [1]), "not a JSON object"),
        (call("divide", {"number": "1"}), "number: expected a number, not text."),
        (call("divide", {}), "number: is missing."),
        (call("divide", {"number": 1, "x": 2}), "x: is not asked for."),
        (call("divide", {"number": 0}), "The function failed."),
        (call("divide", {"number": -1}), "Only what is positive."),
    ],
)
def test_what_goes_wrong_is_told_to_the_model_without_a_trace(
    way: str, called: tuple[str, str, str], problem: str, caplog: pytest.LogCaptureFixture
) -> None:
    registry, engine = registry_over(turns(said(None, calls=[called]), said("Sorry.")))

    def divide(number: float) -> float:
        """The inverse."""
        if number < 0:
            raise FunctionRefused("Only what is positive.")
        secret = "sk-secret"
        if number == 0:
            raise ZeroDivisionError(secret)
        return 1 / number

    found = run(prompt("?", registry=registry).using_functions(divide), way)
    assert found.to_text() == "Sorry."
    (result,) = [each for each in engine.bodies[1]["messages"] if each["role"] == "tool"]
    assert problem in result["content"]
    assert "sk-secret" not in result["content"]
    assert "Traceback" not in result["content"]
    logged = [each for each in caplog.records if each.name == "ai_client.generation"]
    assert len(logged) == (1 if problem == "The function failed." else 0)


@both_ways
def test_a_model_that_never_stops_asking_is_stopped(way: str) -> None:
    registry, engine = registry_over(lambda step: said(None, calls=[call("tick", {})]))
    ticks = []

    def tick() -> None:
        """Ticks."""
        ticks.append(1)

    builder = prompt("?", registry=registry).using_functions(tick)
    with pytest.raises(TurnsExhausted):
        run(builder, way, max_turns=3)
    assert (len(engine.sent), len(ticks)) == (3, 2)
    with pytest.raises(InvalidArgument):
        run(builder, way, max_turns=0)


def test_what_no_model_can_be_told_is_a_mistake_of_the_program() -> None:
    registry, _ = registry_over(lambda step: said(None, calls=[call("thing", {})]))

    def thing() -> object:
        """A thing."""
        return object()

    with pytest.raises(InvalidArgument, match=r"thing\(\) returned"):
        prompt("?", registry=registry).using_functions(thing).run_functions()


def test_values_of_programs_are_results() -> None:
    script = turns(said(None, calls=[call("places", {})]), said("Nice."))
    registry, engine = registry_over(script)

    def places() -> list[Place]:
        """Places."""
        return [Place("Ulm")]

    prompt("?", registry=registry).using_functions(places).run_functions()
    result = engine.bodies[1]["messages"][2]["content"]
    assert json.loads(result) == [{"city": "Ulm", "country": "DE"}]


def test_a_file_is_a_result_of_one_part() -> None:
    picture = File.from_base64("AAAA", "image/png")
    found = response(FunctionCall("c", "picture"), picture)
    assert [each.content for each in found.parts] == [picture]


def test_a_function_that_awaits_is_called_by_blocking_code_inside_a_loop() -> None:
    language: ContextVar[str] = ContextVar("language", default="none")

    async def weather(city: str) -> str:
        """The weather."""
        await asyncio.sleep(0)
        return f"{city}, in {language.get()}"

    script = turns(said(None, calls=[call("weather", {"city": "Paris"})]), said("Sunny."))
    registry, engine = registry_over(script)

    async def block() -> str:
        language.set("French")
        builder = prompt("?", registry=registry).using_functions(weather)
        return builder.run_functions().to_text()

    assert asyncio.run(block()) == "Sunny."
    assert engine.bodies[1]["messages"][-1]["content"] == "Paris, in French"


@dataclass
class Branch:
    below: list[Branch]


@dataclass
class Below:
    zero: int

    def __post_init__(self) -> None:
        assert self.zero < 0


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("climb", '{"branch": ' + '{"below": [' * 900 + "]}" * 900 + "}"),
        ("climb", '{"branch": ' + '{"below": [' * 300 + "]}" * 300 + "}"),
        ("sink", '{"below": {"zero": 1}}'),
        ("sink", '{"below": {"zero": ' + "9" * 5000 + "}}"),
    ],
)
@both_ways
def test_hostile_arguments_are_refused(way: str, name: str, arguments: str) -> None:
    registry, engine = registry_over(turns(said(None, calls=[("c", name, arguments)]), said("No.")))

    def climb(branch: Branch) -> None:
        """Climbs."""

    def sink(below: Below) -> None:
        """Sinks."""

    found = run(prompt("?", registry=registry).using_functions(climb, sink), way)
    assert found.to_text() == "No."
    (result,) = [each for each in engine.bodies[1]["messages"] if each["role"] == "tool"]
    assert "The arguments" in result["content"]


def tariff(city: str) -> NowhereDefined:  # type: ignore[name-defined]  # noqa: F821
    """What a city asks for."""
    return city


def of_nowhere(city: NowhereDefined) -> str:  # type: ignore[name-defined]  # noqa: F821
    return str(city)


def test_only_the_hints_of_arguments_have_to_be_known() -> None:
    parameters: Any = function_from(tariff).declaration.parameters
    assert parameters["properties"] == {"city": {"type": "string"}}
    with pytest.raises(InvalidArgument, match=r"hints of of_nowhere\(\) cannot be read") as raised:
        prompt("?").using_functions(of_nowhere)
    assert raised.value.param == "functions"


@pytest.mark.parametrize("returned", [float("nan"), "\ud800", ENDLESS, {"a": object()}])
def test_a_result_that_is_no_json_is_a_mistake_of_the_program(returned: object) -> None:
    registry, engine = registry_over(lambda step: said(None, calls=[call("thing", {})]))

    def thing() -> object:
        """A thing."""
        return returned

    with pytest.raises(InvalidArgument, match=r"thing\(\) returned"):
        prompt("?", registry=registry).using_functions(thing).run_functions()
    assert len(engine.sent) == 1
