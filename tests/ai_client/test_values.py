"""Values that every request makes many of: as Python's frozen dataclasses, only sooner made."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, asdict, dataclass, field, fields, replace
from typing import Any

import pytest

from ai_client import Prompt
from ai_client.events import PartDelta
from ai_client.messages import (
    GenerationRequest,
    Message,
    MessagePart,
    ModelConfig,
    Role,
    TokenUsage,
)
from ai_client.values import guarded, value

Decorator = Callable[..., Any]


def made(decorator: Decorator) -> type[Any]:
    @decorator(frozen=True, slots=True)
    class Sample:
        """A sample."""

        name: str
        size: int = 3
        notes: list[str] = field(default_factory=list)
        secret: str = field(default="hidden", repr=False)

        def __post_init__(self) -> None:
            object.__setattr__(self, "name", self.name.strip())

    return Sample


@pytest.mark.parametrize("decorator", [guarded, value])
def test_they_are_like_dataclasses(decorator: Decorator) -> None:
    ours, theirs = made(decorator), made(dataclass)
    for sample in (ours, theirs):
        one = sample(" a ", notes=["x"])
        assert (one.name, one.size, one.notes, one.secret) == ("a", 3, ["x"], "hidden")
        assert one == sample("a", 3, ["x"], "hidden")
        assert one != sample("b", 3, ["x"])
        assert replace(one, size=4).size == 4
        assert asdict(one) == {"name": "a", "size": 3, "notes": ["x"], "secret": "hidden"}
        assert copy.deepcopy(one) == one
        assert repr(one).endswith("Sample(name='a', size=3, notes=['x'])")
        # Each gets a list of its own.
        assert sample("a").notes is not sample("a").notes
        assert not hasattr(one, "__dict__")
    assert inspect.signature(ours).parameters.keys() == inspect.signature(theirs).parameters.keys()
    wrong: tuple[tuple[Any, ...], ...] = ((), ("a", 1, [], "", "too many"))
    for arguments in wrong:
        with pytest.raises(TypeError, match="__init__"):
            ours(*arguments)


def test_what_callers_hold_cannot_be_changed() -> None:
    sample = made(guarded)("a")
    for name in ("name", "size"):
        with pytest.raises(FrozenInstanceError):
            setattr(sample, name, "b")
    with pytest.raises(FrozenInstanceError):
        del sample.name
    asked = (Prompt(), GenerationRequest(()))
    for shared in (MessagePart(""), TokenUsage(), PartDelta(0, "text"), ModelConfig(), *asked):
        with pytest.raises(FrozenInstanceError):
            setattr(shared, fields(shared)[0].name, None)


def test_what_callers_derive_is_made_as_dataclasses_are() -> None:
    class Answer(Message):
        role = Role.MODEL
        seen = ()

    @dataclass(frozen=True, slots=True)
    class Signed(MessagePart):
        by: str = ""

    assert Answer(Role.USER, ()).role is Role.USER
    assert Signed("Hello", by="alice") == Signed("Hello", by="alice") != Signed("Hello", by="bob")
    sample = made(guarded)
    assert type("Derived", (sample,), {})(" a ").notes == []


def test_they_travel_between_processes() -> None:
    part = MessagePart("Hello", refusal=True)
    assert pickle.loads(pickle.dumps(part)) == part
    assert hash(TokenUsage(1, 2, 3)) == hash(TokenUsage(1, 2, 3))
