"""Settings that contradict each other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ai_client.capabilities import MediaOrientation
from ai_client.errors import InvalidArgument
from ai_client.messages import ModelConfig
from tests.ai_client.vectors import Row, as_json, load, rows

DIFFERENCES = {'config_ratio:"16:9\\n"': "no-trailing-newline"}
FIELDS = {
    "setOutputMediaAspectRatio": "output_media_aspect_ratio",
    "setOutputMediaOrientation": "output_media_orientation",
    "setOutputMimeType": "output_mime_type",
    "setOutputSchema": "output_schema",
}


def configured(calls: list[dict[str, Any]]) -> ModelConfig:
    config = ModelConfig()
    for call in calls:
        [value] = call["args"]
        if isinstance(value, dict) and "$enum" in value:
            value = MediaOrientation(value["value"])
        config = replace(config, **{FIELDS[call["method"]]: value})
    return config


@pytest.mark.parametrize(
    "row", rows("validation_errors", lambda asked: asked["op"] == "config_setters")
)
def test_settings_as_php_sets_them(row: Row) -> None:
    calls = row["input"]["calls"]
    if "exception" in row["expected"] or row["name"] in DIFFERENCES:
        with pytest.raises(InvalidArgument) as raised:
            configured(calls)
        assert raised.value.param == "output_media_aspect_ratio"
    else:
        assert as_json(configured(calls).to_dict()) == as_json(row["expected"]["config"])


def test_every_difference_is_of_a_row_that_exists() -> None:
    assert DIFFERENCES.keys() <= {row["name"] for row in load("validation_errors")}


def test_a_schema_means_json() -> None:
    config = ModelConfig(output_schema={"type": "object"})
    assert config.output_mime_type == "application/json"
    assert config.wants_json
