"""What is left of a submitted text, whatever it is."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sanitising import sanitize_text_field


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("sk-%4%311bc", "sk-bc"),
        ("<script>alert(1)</script>sk-1", "sk-1"),
        ("a <b", "a &lt;b"),
        (12, "12"),
        (True, "1"),
        (None, ""),
        (["sk-1"], ""),
        ("k" * 5_001, ""),
    ],
)
def test_cleans(value: object, expected: str) -> None:
    assert sanitize_text_field(value) == expected


@given(st.text(alphabet="<>%4a1 \t\n/script", max_size=200))
def test_nothing_that_cleaning_removes_is_left(text: str) -> None:
    cleaned = sanitize_text_field(text)
    assert "<" not in cleaned
    assert not re.search(r"%[a-f0-9]{2}|[\r\n\t]|  ", cleaned, re.IGNORECASE)
    assert cleaned == cleaned.strip()


@pytest.mark.parametrize("text", ["<", "<script>", "%", "%4", "< script", "<style "])
def test_a_hostile_text_costs_no_time(text: str) -> None:
    assert len(sanitize_text_field(text * (5_000 // len(text)))) <= 25_000
