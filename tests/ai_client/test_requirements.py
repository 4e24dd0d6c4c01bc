"""What prompts need and which models have it, by cases made with the PHP AI Client."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from ai_client.capabilities import Capability, Modality, ModelMetadata, ModelRequirements
from ai_client.errors import InvalidArgument
from ai_client.messages import Message, ModelConfig, user_message
from ai_client.requirements import are_met_by, infer, modality_combinations, unmet_by
from tests.ai_client.vectors import Row, as_json, rows


@pytest.mark.parametrize("row", rows("requirements_inferred", bool))
def test_requirements_are_inferred(row: Row) -> None:
    messages = [Message.from_dict(each) for each in row["input"]["messages"]]
    config = ModelConfig.from_dict(row["input"]["config"])
    inferred = infer(Capability(row["input"]["capability"]), messages, config)
    assert as_json(inferred.to_dict()) == as_json(row["expected"]["requirements"])


@pytest.mark.parametrize("row", rows("requirements_match", bool))
def test_a_model_meets_requirements_or_not(row: Row) -> None:
    if "exception" in row["expected"]:
        with pytest.raises(InvalidArgument):
            ModelRequirements.from_dict(row["input"]["requirements"])
        return
    requirements = ModelRequirements.from_dict(row["input"]["requirements"])
    model = ModelMetadata.from_dict(row["input"]["model"])
    assert are_met_by(requirements, model) is row["expected"]["areMet"]
    assert bool(unmet_by(requirements, model)) is not row["expected"]["areMet"]


def test_requirements_are_what_they_say_and_no_more() -> None:
    requirements = ModelRequirements((Capability.TEXT_GENERATION,))
    assert hash(requirements) == hash(ModelRequirements((Capability.TEXT_GENERATION,)))
    # Of a process that hashes texts otherwise nothing may be left.
    assert asdict(requirements).keys() == {"capabilities", "options"}


@pytest.mark.parametrize(
    "row", rows("http_misc", lambda given: given["op"] == "modality_combinations")
)
def test_modalities_are_combined(row: Row) -> None:
    required = map(Modality, row["input"]["required"])
    found = modality_combinations(*required, optional=map(Modality, row["input"]["optional"]))
    assert [list(each) for each in found] == row["expected"]["combinations"]


def test_what_is_lacking_is_told_in_words() -> None:
    config = ModelConfig(
        temperature=0.5, output_mime_type="application/json", output_modalities=(Modality.IMAGE,)
    )
    needed = infer(Capability.IMAGE_GENERATION, [user_message("a cat")], config)
    assert unmet_by(needed, ModelMetadata("m", "M")) == (
        "image_generation",
        "outputModalities image",
        "temperature",
        "outputMimeType application/json",
        "inputModalities text",
    )
