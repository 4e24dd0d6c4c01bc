"""Golden vectors: what the PHP AI Client does, in ``data``, as it was recorded."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).parent / "data"

Row = Mapping[str, Any]


def load(name: str) -> Any:
    """The file ``name``.json."""
    return json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))


def rows(name: str, belongs: Callable[[Mapping[str, Any]], bool]) -> list[Any]:
    """Parameters of a test: the rows of a file whose input ``belongs`` to it, by their names."""
    return [
        pytest.param(row, id=row["name"].replace("\n", "\\n"))
        for row in load(name)
        if belongs(row["input"])
    ]


def as_json(value: object) -> str:
    """Text that is equal only for equal values: 1 is not 1.0, and the order of keys counts."""
    return json.dumps(value, ensure_ascii=False)


def with_lists_for_empty_maps(value: Any) -> Any:
    """``value`` as PHP has it, whose arrays do not tell an empty map from an empty list."""
    if isinstance(value, dict):
        return {key: with_lists_for_empty_maps(each) for key, each in value.items()} or []
    if isinstance(value, list):
        return [with_lists_for_empty_maps(each) for each in value]
    return value
