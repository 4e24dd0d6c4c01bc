"""docs/wordpress.md names every row that the tests treat as different from the PHP AI Client."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase

import pytest

from tests.ai_client import test_ai_plugin_vectors as ai_plugin
from tests.ai_client import test_http_vectors as http
from tests.ai_client import test_prompt_builder_vectors as prompts
from tests.ai_client.azure import test_vectors as azure
from tests.ai_client.messages import test_config as config
from tests.ai_client.messages import test_enums as enums
from tests.ai_client.messages import test_json_schemas as schemas
from tests.ai_client.messages import test_mime_types as mime_types
from tests.ai_client.messages import test_shapes as shapes
from tests.ai_client.messages import test_turns as turns
from tests.ai_client.vectors import load
from tests.ai_client.wire import test_openai_chat_vectors as chat
from tests.ai_client.wire import test_openai_images as images
from tests.source_tree import ROOT

EVERYWHERE = {"content_as_list", "raw_finish_reason", "model"}
"""Differences of nearly every row, which the table tells in words."""

DIFFERENT: Mapping[str, set[str]] = {
    "dto_roundtrip": set(shapes.DIFFERENCES),
    "validation_errors": {*turns.DIFFERENCES, *config.DIFFERENCES, *mime_types.DIFFERENCES},
    "ref_json_schemas": set(schemas.NO_TYPE_OF_OURS),
    "ref_enums": set(enums.NOT_HERE),
    "http_misc": set(http.DIFFERENT),
    "text_requests": {
        row
        for name, (_, rows) in chat.REQUEST_DIFFERENCES.items()
        for row in rows
        if name not in EVERYWHERE
    }
    | set(chat.SENT_HERE),
    "text_responses": {
        row
        for name, (_, rows) in chat.ANSWER_DIFFERENCES.items()
        for row in rows
        if name not in EVERYWHERE
    }
    | {*chat.REFUSED_HERE, *chat.ANSWERED_HERE, *chat.TEXT_DIFFERENCES},
    "error_responses": set(chat.ERROR_DIFFERENCES),
    "image_requests": {*images.OTHERWISE_SENT, *images.REFUSED_HERE},
    "image_responses": {*images.OTHER_TYPE, *images.MALFORMED_HERE},
    "prompt_builder": prompts.REFUSED_BEFORE
    | prompts.RESULTS_BESIDE_TEXT
    | prompts.SEARCH_IS_A_FEATURE,
    "azure": set(azure.DIFFERENT),
    "ai_plugin": set(ai_plugin.DIFFERENT),
}


def table() -> dict[str, set[str]]:
    """The patterns of the table's rows by file."""
    page = (ROOT / "docs" / "wordpress.md").read_text(encoding="utf-8")
    section = page.partition("## PHP AI Client: where Python differs")[2]
    found: dict[str, set[str]] = {}
    for line in section.splitlines():
        if line.startswith("| ") and not line.startswith("| file "):
            file, rows, *told = (cell.strip() for cell in line.strip("|").split("|"))
            assert len(told) == 3, line
            found.setdefault(file, set()).update(re.findall(r"`([^`]+)`", rows))
    return found


TABLE = table()


def names(file: str) -> set[str]:
    listed = load(file)
    return set(listed) if isinstance(listed, dict) else {row["name"] for row in listed}


@pytest.mark.parametrize("file", DIFFERENT)
def test_the_page_names_each_row_that_is_answered_differently(file: str) -> None:
    patterns = TABLE[file]
    unnamed = [
        row for row in DIFFERENT[file] if not any(fnmatchcase(row, each) for each in patterns)
    ]
    assert unnamed == []


@pytest.mark.parametrize("file", TABLE)
def test_the_page_names_no_row_that_there_is_not(file: str) -> None:
    known = names(file) | ({"name"} if file == "ref_json_schemas" else set())
    assert [each for each in TABLE[file] if not any(fnmatchcase(row, each) for row in known)] == []
