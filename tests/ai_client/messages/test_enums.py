"""Closed sets of words, next to the enums of the PHP AI Client."""

from __future__ import annotations

import http
from enum import StrEnum
from typing import Any

import pytest

from ai_client import capabilities, messages
from tests.ai_client.vectors import Row, load, rows

ENUMS = load("ref_enums")
OURS: dict[str, type[StrEnum]] = {
    "MessagePartChannelEnum": messages.Channel,
    "MessagePartTypeEnum": messages.PartType,
    "MessageRoleEnum": messages.Role,
    "ModalityEnum": capabilities.Modality,
    "FileTypeEnum": capabilities.FileType,
    "MediaOrientationEnum": capabilities.MediaOrientation,
    "OperationStateEnum": messages.OperationState,
    "ProviderTypeEnum": capabilities.ProviderType,
    "HttpMethodEnum": http.HTTPMethod,
    "RequestAuthenticationMethod": capabilities.AuthenticationMethod,
    "CapabilityEnum": capabilities.Capability,
    "OptionEnum": capabilities.Option,
    "FinishReasonEnum": messages.FinishReason,
}
NOT_HERE = {"ToolTypeEnum": "no-tool-type"}


@pytest.mark.parametrize("name", ENUMS)
def test_names_and_values_are_the_same(name: str) -> None:
    words = {each["name"]: each["value"] for each in ENUMS[name]}
    if name in NOT_HERE:
        # A configuration has its functions and its web search in two fields.
        config = messages.ModelConfig.json_schema()["properties"]
        assert {"functionDeclarations", "webSearch"} <= config.keys()
        assert set(words) == {"FUNCTION_DECLARATIONS", "WEB_SEARCH"}
    else:
        ours = {each.name: each.value for each in OURS[name]}
        assert ours.items() >= words.items()
        assert len(ours) == len(words)


@pytest.mark.parametrize("row", rows("validation_errors", lambda asked: "enum" in asked))
def test_members_behave_like_pythons_own(row: Row) -> None:
    asked, expected = row["input"], row["expected"]
    if "exception" in expected:
        with pytest.raises((ValueError, AttributeError)):
            done(asked)
    else:
        assert done(asked) == expected["value"]


def done(asked: Row) -> Any:
    kind = OURS[asked["enum"]]
    match asked["op"]:
        case "enum_from":
            return kind(asked["value"]).value
        case "enum_is":
            word = "".join(f"_{c}" if c.isupper() else c for c in asked["method"])
            return kind(asked["value"]) is getattr(kind, word.removeprefix("is_").upper())
        case "enum_get":
            return getattr(kind(asked["value"]), asked["property"])
        case "enum_set":
            kind(asked["value"]).value = "other"  # type: ignore[misc]
    raise AssertionError(asked)
