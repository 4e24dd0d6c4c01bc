"""docs/providers.md is so: its programs run, its excerpts are what the files say."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ai_client.providers.azure_ai_foundry import PROVIDER
from ai_client.providers.azure_ai_foundry.endpoint import EndpointType, Surface
from tests.source_tree import ROOT

PAGE = (ROOT / "docs" / "providers.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)(?: file=(\S+))?\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
PROGRAMS = [code for language, file, code in BLOCKS if language == "python" and not file]
EXCERPTS = [(file, code) for _, file, code in BLOCKS if file]


@pytest.mark.django_db(transaction=True)
def test_the_programs_run_from_the_first_to_the_last() -> None:
    assert len(PROGRAMS) > 5
    known: dict[str, Any] = {}
    for number, program in enumerate(PROGRAMS, 1):
        exec(compile(program, f"docs/providers.md, program {number}", "exec"), known)


@pytest.mark.parametrize(("file", "code"), EXCERPTS, ids=[file for file, _ in EXCERPTS])
def test_an_excerpt_is_what_the_file_says(file: str, code: str) -> None:
    assert code in (ROOT / file).read_text(encoding="utf-8")


def test_every_extension_point_and_word_of_its_fields_is_explained() -> None:
    used = ("address", "check_address", "detect", "environment", "kinds", "name_models")
    for name in (*used, "auth", "operations", *EndpointType, *Surface):
        assert f"`{name}`" in PAGE
    for variable in (PROVIDER.env_key, PROVIDER.env_base_url, *PROVIDER.environment.values()):
        assert f"`{variable}`" in PAGE
