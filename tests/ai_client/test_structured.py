"""Answers read into types, and what is said of those that do not fit."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from dataclasses import InitVar, dataclass, field
from enum import Enum
from typing import Annotated, Any, Literal, NotRequired, Required, TypedDict

import jsonschema  # type: ignore[import-untyped]
import pydantic
import pytest

from ai_client import prompt
from ai_client.errors import InvalidArgument, MalformedAnswer
from ai_client.json_schemas import schema_of
from ai_client.typed_json import DoesNotFit, as_json, read
from tests.ai_client.scripted_site import registry_over, said


class Nothing(Enum):
    pass


class Course(Enum):
    MAIN = "main"
    DESSERT = "dessert"


@dataclass
class Ingredient:
    name: str
    grams: Annotated[float, "per person"]


@dataclass
class Recipe:
    title: str
    course: Course
    ingredients: list[Ingredient]
    vegan: bool = False
    minutes: int | None = field(default=None, metadata={"description": "of work"})


class Note(TypedDict, total=False):
    text: Required[str]
    stars: Literal[1, 2, 3]


@dataclass
class Tree:
    value: int
    children: list[Tree]


@dataclass
class Cost:
    price: float

    def __post_init__(self) -> None:
        assert self.price >= 0


class Person(pydantic.BaseModel):
    name: str
    age: int


class Shelf(TypedDict):
    people: list[Person]
    size: tuple[int, str]
    codes: NotRequired[tuple[int, ...]]


@dataclass(slots=True)
class Price:
    """What only ``__post_init__`` gets is asked for as well."""

    amount: float
    currency: InitVar[Literal["EUR", "USD"]]
    rounded: InitVar[bool] = False
    text: str = field(init=False)

    def __post_init__(self, currency: str, rounded: bool) -> None:
        self.text = f"{self.amount:.{0 if rounded else 2}f} {currency}"


SOUP = {
    "title": "Soup",
    "course": "main",
    "ingredients": [{"name": "leek", "grams": 200}],
    "minutes": 20,
}


def answering(text: str, **more: Any) -> Any:
    registry, engine = registry_over(lambda step: said(text, **more))
    return prompt("?", registry=registry), engine


def test_an_answer_becomes_a_dataclass() -> None:
    builder, engine = answering(json.dumps(SOUP))
    soup = Recipe("Soup", Course.MAIN, [Ingredient("leek", 200.0)], minutes=20)
    assert builder.generate_object(Recipe) == soup
    assert asyncio.run(builder.agenerate_object(Recipe)) == soup
    asked = engine.bodies[0]["response_format"]["json_schema"]
    assert (asked["name"], asked["schema"]) == ("Recipe", schema_of(Recipe))


def test_what_a_dataclass_is_made_of_but_does_not_keep_is_asked_for() -> None:
    schema: Any = schema_of(Price)
    assert list(schema["properties"]) == ["amount", "currency", "rounded"]
    assert schema["required"] == ["amount", "currency"]
    builder, _ = answering('{"amount": 2.5, "currency": "EUR", "rounded": false}')
    assert builder.generate_object(Price).text == "2.50 EUR"
    with pytest.raises(DoesNotFit, match=r'price\.currency: expected one of "EUR"'):
        read(Price, {"amount": 2.5, "currency": "CHF"}, "price")


def test_the_empty_tuple_is_not_any_tuple() -> None:
    hint = tuple[()]
    assert read(hint, []) == ()
    with pytest.raises(DoesNotFit, match="expected 0 items, not 1"):
        read(hint, [1])
    jsonschema.validate([], schema_of(hint))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate([1], schema_of(hint))
    assert read(tuple, [1, "a"]) == (1, "a")
    jsonschema.validate([1, "a"], schema_of(tuple))


def test_an_answer_becomes_a_typed_dict_or_a_pydantic_model() -> None:
    builder, engine = answering('{"text": "Good.", "stars": 3}')
    assert builder.generate_object(Note) == {"text": "Good.", "stars": 3}
    builder, engine = answering('{"name": "Ada", "age": 36}')
    assert builder.generate_object(Person) == Person(name="Ada", age=36)
    assert engine.bodies[0]["response_format"]["json_schema"]["schema"]["required"] == [
        "name",
        "age",
    ]


@pytest.mark.parametrize(
    ("kind", "text", "problem"),
    [
        (Recipe, "Here it is: {}", "is no JSON"),
        (Recipe, "[]", "the value: expected an object, not a list."),
        (Recipe, json.dumps({**SOUP, "title": 5}), "title: expected text, not a whole number."),
        (Recipe, json.dumps({**SOUP, "course": "tea"}), 'course: expected one of "main"'),
        (Recipe, json.dumps({**SOUP, "minutes": "20"}), "minutes: expected"),
        (Recipe, json.dumps({**SOUP, "minutes": True}), "minutes: expected"),
        (Recipe, json.dumps({**SOUP, "vegan": 1}), "vegan: expected boolean"),
        (Recipe, json.dumps({**SOUP, "price": 1}), "price: is not asked for."),
        (
            Recipe,
            json.dumps({**SOUP, "ingredients": [{"name": "leek"}]}),
            "ingredients[0].grams: is missing.",
        ),
        (Note, '{"stars": 3}', "text: is missing."),
        (Note, '{"text": "", "stars": 4}', "stars: expected one of 1, 2, 3."),
        (Person, '{"name": "Ada", "age": "36"}', "age: "),
    ],
)
def test_what_does_not_fit_is_said_with_its_place(kind: Any, text: str, problem: str) -> None:
    builder, _ = answering(text)
    with pytest.raises(MalformedAnswer) as raised:
        builder.generate_object(kind)
    assert problem in raised.value.message
    assert kind.__name__ in raised.value.message


def test_an_answer_that_was_cut_off_is_said_to_be() -> None:
    builder, _ = answering('{"title": "So', finish="length")
    with pytest.raises(MalformedAnswer, match="cut off"):
        builder.generate_object(Recipe)


def test_a_type_that_checks_its_own_values_is_heard() -> None:
    @dataclass
    class Share:
        percent: int

        def __post_init__(self) -> None:
            if self.percent > 100:
                raise ValueError("More than all.")

    builder, _ = answering('{"percent": 101}')
    with pytest.raises(MalformedAnswer, match=r"More than all\."):
        builder.generate_object(Share)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Tree, '{"value": 1, "children": [' * 1500 + "]}" * 1500),
        (Tree, '{"value": 1, "children": [' * 400 + "]}" * 400),
        (Cost, '{"price": NaN}'),
        (Cost, '{"price": -Infinity}'),
        (Cost, '{"price": 1e999}'),
        (Cost, '{"price": ' + "9" * 400 + "}"),
        (Cost, '{"price": ' + "9" * 5000 + "}"),
        (Cost, '{"price": -1}'),
    ],
)
def test_a_hostile_answer_is_a_malformed_one(kind: Any, text: str) -> None:
    builder, _ = answering(text)
    with pytest.raises(MalformedAnswer, match=kind.__name__):
        builder.generate_object(kind)


@pytest.mark.parametrize("kind", [int, list[int], "Recipe", None])
def test_only_objects_are_asked_for(kind: Any) -> None:
    builder, engine = answering("{}")
    with pytest.raises(InvalidArgument):
        builder.as_output_schema(kind)
    assert engine.sent == []


FITTING: list[tuple[Any, Any]] = [
    (Recipe, SOUP),
    (Note, {"text": ""}),
    (Tree, {"value": 1, "children": [{"value": 2, "children": []}]}),
    (Shelf, {"people": [{"name": "Ada", "age": 36}], "size": [1, "m"], "codes": [1, 2]}),
    (dict[str, int | None], {"a": 1, "b": None}),
    (dt.date, "2026-01-31"),
    (dt.datetime, "2026-01-31T12:00:00+00:00"),
    (list[Any], [1, "a", None]),
]


@pytest.mark.parametrize(("kind", "value"), FITTING)
def test_the_schema_and_the_reader_agree(kind: Any, value: Any) -> None:
    schema = schema_of(kind)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(value, schema)
    found = read(kind, value)
    assert read(kind, as_json(found)) == found


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Tree, {"value": 1, "children": [{"value": "2", "children": []}]}),
        (Shelf, {"people": [{"name": "Ada", "age": "36"}], "size": [1, "m"]}),
        (Shelf, {"people": [], "size": [1]}),
        (list[int], [1.5]),
        (dict[str, int], {"a": "1"}),
        (None, 0),
    ],
)
def test_the_schema_and_the_reader_refuse_alike(kind: Any, value: Any) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(value, schema_of(kind))
    with pytest.raises(DoesNotFit):
        read(kind, value)


@pytest.mark.parametrize("kind", [bytes, set[int], dict[int, str], Literal[b"a"], complex, Nothing])
def test_a_type_without_json_is_refused(kind: Any) -> None:
    with pytest.raises(InvalidArgument):
        schema_of(kind)
