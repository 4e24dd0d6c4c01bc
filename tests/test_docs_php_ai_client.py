"""docs/php_ai_client.md has every method of the PHP AI Client, and names only what exists."""

from __future__ import annotations

import dataclasses
import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ai_client.capabilities import ModelRequirements
from ai_client.messages import GenerativeAiResult
from tests.source_tree import ROOT

PAGE = (ROOT / "docs" / "php_ai_client.md").read_text(encoding="utf-8")
NAMES = json.loads(
    (Path(__file__).parent / "ai_client" / "data" / "php_ai_client_names.json").read_text(
        encoding="utf-8"
    )
)
CLASSES: Mapping[str, Mapping[str, list[str]]] = NAMES["classes"]
OF_EVERY_VALUE = {"toArray": "to_dict", "fromArray": "from_dict", "getJsonSchema": "json_schema"}
AS_A_WHOLE = {"Request", "Response"}
"""There is a counterpart of the class, and none of each method."""
HOMES = (
    "ai_client",
    *(
        f"ai_client.{name}"
        for name in (
            "messages",
            "capabilities",
            "requirements",
            "registry",
            "providers",
            "signals",
            "errors",
            "wire",
            "exchange",
        )
    ),
)


def cells(line: str) -> tuple[str, str, str]:
    php, python, note = (cell.strip() for cell in line.strip("|").split("|"))
    return php.strip("`"), python.strip("`"), note


ROWS = [cells(line) for line in PAGE.splitlines() if line.startswith("| `")]


def counterpart(path: str) -> object:
    """The object of that name; AttributeError where there is none."""
    name, *rest = path.split(".")
    found: Any = next(
        module
        for module in map(importlib.import_module, HOMES)
        if hasattr(module, name) or name in OF_EVERY_VALUE.values()
    )
    found = getattr(found, name)
    for each in rest:
        # A field without a default is no attribute of its class.
        held = {one.name: one for one in dataclasses.fields(found)} if is_value(found) else {}
        found = held[each] if each in held else getattr(found, each)
    return found


def is_value(kind: object) -> bool:
    return isinstance(kind, type) and dataclasses.is_dataclass(kind)


def test_every_method_is_in_the_table_once() -> None:
    listed = [php for php, _, _ in ROWS]
    wanted = list(OF_EVERY_VALUE)
    for name, members in CLASSES.items():
        owned = [*members.get("cases", []), *members["methods"]]
        if not owned or name in AS_A_WHOLE:
            wanted.append(name)
        if name not in AS_A_WHOLE:
            wanted += [f"{name}::{each}" for each in owned if each not in OF_EVERY_VALUE]
    assert [each for each in wanted if listed.count(each) != 1] == []
    assert {each.partition("::")[0] for each in listed} <= CLASSES.keys() | OF_EVERY_VALUE.keys()


def test_each_method_of_the_builder_has_a_counterpart() -> None:
    without = [
        php for php, python, _ in ROWS if php.startswith("PromptBuilder::") and python == "none"
    ]
    assert without == []


@pytest.mark.parametrize(
    "path", sorted({python for _, python, _ in ROWS} - {"none", *OF_EVERY_VALUE.values()})
)
def test_each_counterpart_exists(path: str) -> None:
    assert counterpart(path) is not None


@pytest.mark.parametrize("name", OF_EVERY_VALUE.values())
def test_the_conversions_are_those_of_every_value(name: str) -> None:
    assert callable(getattr(GenerativeAiResult, name))
    assert callable(getattr(ModelRequirements, name))


def test_what_has_no_counterpart_says_why() -> None:
    assert [php for php, python, note in ROWS if python == "none" and not note] == []


def test_a_name_that_does_not_exist_is_noticed() -> None:
    with pytest.raises((AttributeError, KeyError, StopIteration)):
        counterpart("PromptBuilder.using_magic")
    with pytest.raises(StopIteration):
        counterpart("Oracle")
