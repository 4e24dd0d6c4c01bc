"""Schemas of types: recursion, pydantic's models, unions, and OpenAI's strict mode."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass, field, make_dataclass
from typing import Annotated, Any, Literal, TypedDict

import jsonschema  # type: ignore[import-untyped]
import pydantic
import pytest

from ai_client import PromptBuilder, prompt
from ai_client.errors import InvalidArgument, MalformedAnswer
from ai_client.json_schemas import schema_of
from ai_client.typed_json import DoesNotFit, read
from tests.ai_client.scripted_site import registry_over, said


def entangled(count: int) -> list[Any]:
    """Dataclasses each of which holds every one of them."""
    names = [f"Kind{number}" for number in range(count)]
    members = [(name.lower(), f"list[{name}]") for name in names]
    kinds = [make_dataclass(name, members) for name in names]
    for kind in kinds:
        # Where the names in its hints are looked up.
        kind.__module__ = __name__
    globals().update(zip(names, kinds, strict=True))
    return kinds


def test_types_that_hold_each_other_are_defined_once_each() -> None:
    first, *_ = entangled(9)
    schema: Any = schema_of(first)
    assert sorted(schema["$defs"]) == [f"Kind{number}" for number in range(9)]
    assert len(json.dumps(schema)) < 10_000
    empty: dict[str, Any] = {f"kind{number}": [] for number in range(9)}
    value = {**empty, "kind3": [{**empty, "kind7": [empty]}]}
    jsonschema.validate(value, schema)
    assert read(first, value).kind3[0].kind7[0].kind1 == []
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**empty, "kind3": [{"kind7": []}]}, schema)


def test_types_that_lead_back_to_the_first_are_defined_once_each() -> None:
    names = [f"Link{number}" for number in range(20)]
    for number, name in enumerate(names):
        following = [*names[number + 1 :], names[0]]
        link = make_dataclass(name, [(each.lower(), f"list[{each}]") for each in following])
        link.__module__ = __name__
        globals()[name] = link
    schema: Any = schema_of(globals()["Link0"])
    assert sorted(schema["$defs"]) == sorted(names)
    assert all(len(json.dumps(each)) < 4_000 for each in schema["$defs"].values())
    jsonschema.Draft202012Validator.check_schema(schema)


def holder(name: str, member: Any) -> Any:
    """A model with an ``Item`` of its own below it."""
    item = pydantic.create_model("Item", code=member)
    return pydantic.create_model(name, item=item, more=list[item])  # type: ignore[valid-type]


def test_models_below_two_models_may_share_a_name() -> None:
    members = [("numbers", holder("Numbers", int)), ("texts", holder("Texts", str))]
    members += [("flags", holder("Flags", bool)), ("again", members[0][1])]
    schema: Any = schema_of(make_dataclass("All", members))
    value: dict[str, Any] = {
        "numbers": {"item": {"code": 1}, "more": []},
        "texts": {"item": {"code": "a"}, "more": [{"code": "b"}]},
        "flags": {"item": {"code": True}, "more": []},
        "again": {"item": {"code": 2}, "more": []},
    }
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(value, schema)
    for name, wrong in [("numbers", "a"), ("texts", 1), ("flags", 1), ("again", True)]:
        other = {**value, name: {"item": {"code": wrong}, "more": []}}
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(other, schema)
    assert len(schema["$defs"]) == 3


@dataclass
class Item:
    below: list[Item]
    numbers: holder("Numbers", int)  # type: ignore[valid-type]


def test_a_model_below_a_dataclass_may_share_its_name() -> None:
    schema = schema_of(Item)
    leaf = {"below": [], "numbers": {"item": {"code": 1}, "more": []}}
    jsonschema.validate({**leaf, "below": [leaf]}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**leaf, "below": [{"code": 1}]}, schema)


class Called(pydantic.BaseModel):
    back: Callable[[int], int]


class Unfinished(pydantic.BaseModel):
    other: NowhereDefined  # type: ignore[name-defined]  # noqa: F821


@dataclass
class Around:
    inner: Called


@pytest.mark.parametrize("kind", [Called, Unfinished, Around])
def test_a_model_without_a_schema_is_refused(kind: Any) -> None:
    def take(value: Any) -> None:
        """Takes one."""

    take.__annotations__["value"] = kind
    attempts: list[tuple[str, Callable[[], object]]] = [
        ("kind", lambda: prompt("?").generate_object(kind)),
        ("kind", lambda: asyncio.run(prompt("?").agenerate_object(kind))),
        ("schema", lambda: prompt("?").as_output_schema(kind)),
        ("functions", lambda: prompt("?").using_functions(take)),
    ]
    for param, attempt in attempts:
        with pytest.raises(InvalidArgument, match="has no JSON schema") as raised:
            attempt()
        assert raised.value.param == param
        assert "errors.pydantic.dev" not in raised.value.message


@dataclass
class Even:
    number: int

    def __post_init__(self) -> None:
        if self.number % 2:
            raise ValueError("It is odd.")


@dataclass
class Odd:
    number: int

    def __post_init__(self) -> None:
        if not self.number % 2:
            raise ValueError("It is even.")


@dataclass
class Named:
    name: str


@dataclass
class Parity:
    of: Even | Odd | Named


@dataclass
class MaybeEven:
    of: Even | None


def test_of_a_union_the_type_is_taken_that_takes_the_value() -> None:
    assert read(Parity, {"of": {"number": 2}}) == Parity(Even(2))
    assert read(Parity, {"of": {"number": 3}}) == Parity(Odd(3))
    assert read(Parity, {"of": {"name": "pi"}}) == Parity(Named("pi"))
    with pytest.raises(DoesNotFit, match=r"of\.number: expected a whole number"):
        read(Parity, {"of": {"number": "3"}})
    registry, _ = registry_over(lambda step: said('{"of": {"number": 3}}'))
    builder = prompt("?", registry=registry)
    assert builder.generate_object(Parity) == Parity(Odd(3))
    with pytest.raises(MalformedAnswer, match=r"The answer is no MaybeEven: It is odd\."):
        builder.generate_object(MaybeEven)


@dataclass
class Line:
    article: str
    kind: Literal["lamp", "bulb"]
    price: float | None


@dataclass
class Order:
    lines: list[Line]
    note: Annotated[str, "for the courier"]


class Closed(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")
    name: str
    parts: list[Closed]


@dataclass
class Branch:
    below: list[Branch]


@dataclass
class WithDefault:
    name: str
    grams: int = 0


@dataclass
class WithAnything:
    value: Any


@dataclass
class WithMap:
    prices: dict[str, float]


@dataclass
class WithPair:
    pair: tuple[int, str]


@dataclass
class WithList:
    items: list  # type: ignore[type-arg]


@dataclass
class WithDate:
    day: dt.date


@dataclass
class WithDescribedBranch:
    branch: Branch = field(metadata={"description": "the first"})


class Partial(TypedDict, total=False):
    name: str


class Open(pydantic.BaseModel):
    name: str


class Bounded(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")
    stars: int = pydantic.Field(ge=1)


Wide = make_dataclass("Wide", [(f"member{number}", int) for number in range(101)])
Deep: Any = Line
for _ in range(5):
    Deep = make_dataclass("Deep", [("below", Deep)])

STRICT = [Order, Closed, Branch]
NOT_STRICT = [
    *(WithDefault, WithAnything, WithMap, WithPair, WithList, WithDate, WithDescribedBranch),
    *(Partial, Open, Bounded, Wide, Deep),
]


def described(builder: PromptBuilder, engine: Any) -> Any:
    builder.generate_text()
    return engine.bodies[-1]["response_format"]["json_schema"]


@pytest.mark.parametrize(
    ("kind", "strict"), [(each, True) for each in STRICT] + [(each, None) for each in NOT_STRICT]
)
def test_a_type_is_asked_for_strictly_where_that_is_possible(kind: Any, strict: object) -> None:
    registry, engine = registry_over()
    builder = prompt("?", registry=registry)
    assert described(builder.as_output_schema(kind), engine).get("strict") is strict
    attempts: list[Callable[[], object]] = [
        lambda: builder.generate_object(kind),
        lambda: asyncio.run(builder.agenerate_object(kind)),
    ]
    for attempt in attempts:
        with pytest.raises(MalformedAnswer):
            attempt()
        sent = engine.bodies[-1]["response_format"]["json_schema"]
        assert (sent.get("strict"), sent["schema"]) == (strict, schema_of(kind))


def test_a_schema_of_the_callers_is_as_strict_as_they_say() -> None:
    registry, engine = registry_over()
    builder = prompt("?", registry=registry)
    schema = schema_of(Order)
    assert "strict" not in described(builder.as_output_schema(schema), engine)
    after_a_type = builder.as_output_schema(Order).as_output_schema(schema)
    assert "strict" not in described(after_a_type, engine)
    for strict in (True, False):
        said_so = builder.using_model_config({"outputSchemaStrict": strict})
        assert described(said_so.as_output_schema(schema), engine)["strict"] is strict
        assert described(said_so.as_output_schema(Order), engine)["strict"] is strict
