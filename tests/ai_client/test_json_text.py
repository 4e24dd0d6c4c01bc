"""JSON in and out: what comes in goes out with the same values, however large its numbers."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from ai_client.json_text import dump, load

LEAVES = (
    some.none()
    | some.booleans()
    | some.integers(min_value=-(10**60), max_value=10**60)
    | some.floats(allow_nan=False, allow_infinity=False)
    | some.text(some.characters(codec="utf-8"))
    | some.from_regex(r"[0-9]{15,30}", fullmatch=True)
)
VALUES = some.recursive(
    LEAVES,
    lambda inner: (
        some.lists(inner, max_size=4)
        | some.dictionaries(
            some.text(some.characters(codec="utf-8"), max_size=5), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(value=VALUES, ascii_only=some.booleans())
def test_values_and_their_types_survive(value: object, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only).encode()
    assert repr(load(text)) == repr(value)
    assert repr(load(dump(value))) == repr(value)


@given(text=some.binary(max_size=40))
def test_any_bytes_are_json_or_refused_as_such(text: bytes) -> None:
    try:
        found = load(text)
    except json.JSONDecodeError:
        return
    assert found == json.loads(text.decode())


@pytest.mark.parametrize(
    "text",
    [b"NaN", b"[1e999]", b"9" * 400, b'"\\ud800"', b"[" * 990 + b"1" * 20 + b"]" * 990],
    ids=["no number", "infinite", "too long", "half a character", "too deep"],
)
def test_what_cannot_be_held_is_refused(text: bytes) -> None:
    with pytest.raises(json.JSONDecodeError):
        load(text)


def test_half_a_character_can_be_written() -> None:
    assert dump({"half": "\ud800"}) == b'{"half":"\\ud800"}'
