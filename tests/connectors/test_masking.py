"""WordPress's mask, and what a submitted key means."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.masking import KeyChange, is_masked, mask, merge
from connectors.values import UNSET, Unset

DATA = Path(__file__).parent / "data" / "wordpress_keys.json"
ROWS = [row for row in json.loads(DATA.read_text("utf-8")) if row["input"]["op"] == "mask"]
LIVE = "sk-live-abcdefghijklmnop1234"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_masks_as_wordpress_does(row: dict[str, Any]) -> None:
    assert mask(row["input"]["key"]) == row["expected"]["masked"]


def test_a_cut_character_does_not_break_the_mask() -> None:
    assert mask("key-€€") == "••••••\N{REPLACEMENT CHARACTER}€"


@given(st.text())
def test_a_mask_shows_four_bytes_at_most(key: str) -> None:
    if len(key.encode("utf-8", "replace")) > 4:
        assert is_masked(mask(key))
        assert len(mask(key).lstrip("•")) <= 4


@given(st.text(st.characters(codec="ascii"), min_size=20))
def test_the_mask_of_a_long_mask_is_itself(key: str) -> None:
    assert mask(mask(key)).lstrip("•") == mask(key).lstrip("•")


@pytest.mark.parametrize(
    ("stored", "submitted", "change"),
    [
        (LIVE, UNSET, KeyChange.KEEP),
        ("", UNSET, KeyChange.KEEP),
        (LIVE, None, KeyChange.CLEAR),
        (LIVE, "", KeyChange.CLEAR),
        (LIVE, "sk-new", KeyChange.REPLACE),
        (LIVE, mask(LIVE), KeyChange.KEEP),
        (LIVE, LIVE, KeyChange.KEEP),
        (LIVE, mask(LIVE) + " ", KeyChange.REPLACE),
        (LIVE, mask("sk-live-abcdefghijklmnop5678"), KeyChange.REPLACE),
        ("", "sk-new", KeyChange.REPLACE),
        ("abcd", "abcd", KeyChange.KEEP),
    ],
)
def test_a_submitted_key_keeps_clears_or_replaces(
    stored: str, submitted: str | Unset | None, change: KeyChange
) -> None:
    assert merge(stored, submitted) is change


@pytest.mark.parametrize("text", ["", "sk-1", "sk•1", "••••12345", "1234••••"])
def test_a_key_is_not_taken_for_a_mask(text: str) -> None:
    assert not is_masked(text)
