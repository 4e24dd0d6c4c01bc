"""How functions of a model are called: blocking, awaiting, and inside a loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from ai_client import FunctionRefused, FunctionRun, PromptBuilder, prompt
from ai_client.errors import InvalidArgument
from ai_client.testing import HttpAnswer
from tests.ai_client.scripted_site import registry_over, said


def blocking(builder: PromptBuilder) -> FunctionRun:
    return builder.run_functions()


def awaiting(builder: PromptBuilder) -> FunctionRun:
    async def awaited() -> FunctionRun:
        # What hangs is to fail.
        return await asyncio.wait_for(builder.arun_functions(), 20)

    return asyncio.run(awaited())


def blocking_inside_a_loop(builder: PromptBuilder) -> FunctionRun:
    async def block() -> FunctionRun:
        return builder.run_functions()

    return asyncio.run(block())


every_way = pytest.mark.parametrize("way", [blocking, awaiting, blocking_inside_a_loop])
Way = Callable[[PromptBuilder], FunctionRun]


def once(name: str, arguments: str = "{}") -> Callable[[Any], HttpAnswer]:
    """A script that asks for the function, and answers when it got a result."""
    left = [said(None, calls=[("c1", name, arguments)]), said("Done.")]
    return lambda step: left.pop(0)


def told(engine: Any) -> str:
    """The result that the model was told."""
    (result,) = [each for each in engine.bodies[1]["messages"] if each["role"] == "tool"]
    return str(result["content"])


@every_way
def test_a_function_that_raises_stop_iteration_failed(way: Way) -> None:
    def first() -> str:
        """The first of none."""
        return str(next(iter(())))

    registry, engine = registry_over(once("first"))
    assert way(prompt("?", registry=registry).using_functions(first)).to_text() == "Done."
    assert "The function failed." in told(engine)


def blocking_names(self: str, function: str) -> str:
    """Takes names that methods take."""
    return f"{self} {function}"


async def awaiting_names(self: str, function: str) -> str:
    """Takes names that methods take."""
    return f"{self} {function}"


@every_way
@pytest.mark.parametrize("function", [blocking_names, awaiting_names])
def test_arguments_may_be_called_as_those_of_methods(way: Way, function: Any) -> None:
    arguments = '{"self": "a", "function": "b"}'
    registry, engine = registry_over(once(function.__name__, arguments))
    way(prompt("?", registry=registry).using_functions(function))
    assert told(engine) == "a b"


@every_way
def test_what_a_blocking_function_returns_to_be_awaited_is_awaited(way: Way) -> None:
    async def count() -> int:
        await asyncio.sleep(0)
        return 3

    def stock() -> Any:
        """How many there are."""
        return count()

    registry, engine = registry_over(once("stock"))
    way(prompt("?", registry=registry).using_functions(stock))
    assert told(engine) == "3"


class Counter:
    """Counts what is there."""

    def __init__(self, name: str) -> None:
        self.__name__ = name

    def __call__(self, article: str) -> str:
        return f"3 {article}"


class AwaitingCounter(Counter):
    """Counts what is there, and awaits."""

    async def __call__(self, article: str) -> str:  # type: ignore[override]
        return f"3 {article}"


@every_way
@pytest.mark.parametrize("kind", [Counter, AwaitingCounter])
def test_an_object_with_a_name_is_a_function(way: Way, kind: type[Counter]) -> None:
    registry, engine = registry_over(once("stock", '{"article": "lamps"}'))
    way(prompt("?", registry=registry).using_functions(kind("stock")))
    assert told(engine) == "3 lamps"
    (declared,) = [each["function"] for each in engine.bodies[0]["tools"]]
    assert declared["description"].startswith("Counts what is there")


def test_an_object_without_a_name_is_told_how_to_get_one() -> None:
    counter = Counter("stock")
    del counter.__name__
    with pytest.raises(InvalidArgument, match="a __name__"):
        prompt("?").using_functions(counter)


@every_way
def test_what_is_no_unicode_in_a_refusal_is_replaced(way: Way) -> None:
    def order() -> str:
        """Orders."""
        raise FunctionRefused("Not \ud800 today.")

    registry, engine = registry_over(once("order"))
    assert way(prompt("?", registry=registry).using_functions(order)).to_text() == "Done."
    assert "Not ? today." in told(engine)


@every_way
@pytest.mark.parametrize(
    ("mode", "wanted"),
    [
        ("required", "required"),
        ("order", {"type": "function", "function": {"name": "order"}}),
        ("auto", "auto"),
    ],
)
def test_a_call_is_required_once(way: Way, mode: str, wanted: object) -> None:
    orders = []

    def order() -> None:
        """Orders."""
        orders.append(1)

    registry, engine = registry_over(once("order"))
    asking = prompt("?", registry=registry).using_functions(order)
    assert way(asking.using_tool_choice(mode)).turns == 2
    first, second = engine.bodies
    assert first["tool_choice"] == wanted
    assert second.get("tool_choice") == ("auto" if mode == "auto" else None)
    assert second["tools"] == first["tools"]
    assert orders == [1]


def test_the_choice_of_none_stays() -> None:
    def order() -> None:
        """Orders."""

    registry, engine = registry_over(once("order"))
    prompt("?", registry=registry).using_functions(order).using_tool_choice("none").run_functions()
    assert [each["tool_choice"] for each in engine.bodies] == ["none", "none"]
