"""Capabilities, options and metadata in the shapes of the PHP AI Client, by cases made with it."""

from __future__ import annotations

from typing import Any

import pytest

from ai_client.capabilities import (
    ModelMetadata,
    ModelRequirements,
    ProviderMetadata,
    ProviderModels,
    RequiredOption,
    SupportedOption,
)
from ai_client.errors import InvalidArgument
from tests.ai_client.vectors import Row, as_json, load, rows

KINDS: dict[str, Any] = {
    "ModelMetadata": ModelMetadata,
    "ModelRequirements": ModelRequirements,
    "ProviderMetadata": ProviderMetadata,
    "ProviderModelsMetadata": ProviderModels,
    "RequiredOption": RequiredOption,
    "SupportedOption": SupportedOption,
}


@pytest.mark.parametrize("row", rows("dto_roundtrip", lambda given: given["dto"] in KINDS))
def test_a_value_goes_there_and_back(row: Row) -> None:
    kind, given = KINDS[row["input"]["dto"]], row["input"]["array"]
    if "exception" in row["expected"]:
        with pytest.raises(InvalidArgument):
            kind.from_dict(given or {})
        return
    made = kind.from_dict(given)
    shown = made.to_dict()
    assert as_json(shown) == as_json(row["expected"]["toArray"])
    assert as_json(kind.from_dict(shown).to_dict()) == as_json(shown)


@pytest.mark.parametrize("name", KINDS)
def test_the_schema_is_that_of_the_php_client(name: str) -> None:
    assert KINDS[name].json_schema() == load("ref_json_schemas")[name]


def test_all_missing_keys_are_named_at_once() -> None:
    with pytest.raises(
        InvalidArgument, match="lacks name, supportedCapabilities, supportedOptions"
    ):
        ModelMetadata.from_dict({"id": "m"})


@pytest.mark.parametrize(
    "data",
    [
        {"id": "m", "name": 1, "supportedCapabilities": [], "supportedOptions": []},
        {"id": "m", "name": "M", "supportedCapabilities": "x", "supportedOptions": []},
        {"id": "m", "name": "M", "supportedCapabilities": [], "supportedOptions": [1]},
    ],
)
def test_a_value_of_the_wrong_type_is_refused_by_its_key(data: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument, match="has to be"):
        ModelMetadata.from_dict(data)


@pytest.mark.parametrize("wrong", ["", "Up", "a b", "x\n"])
def test_a_providers_id_is_a_slug(wrong: str) -> None:
    with pytest.raises(InvalidArgument, match="may hold"):
        ProviderMetadata(wrong, "X")
