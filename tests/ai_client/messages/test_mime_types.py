"""MIME types, next to those of the PHP AI Client."""

from __future__ import annotations

import pytest

from ai_client.errors import InvalidArgument
from ai_client.messages import File, mime_types
from tests.ai_client.vectors import Row, load, rows

TABLES = load("ref_mime")
DIFFERENCES = {'mime:"text\\/plain\\n"': "no-trailing-newline"}
DONE = {
    "mime": mime_types.checked,
    "mime_from_extension": mime_types.of_extension,
    "mime_to_extension": mime_types.extension_of,
}


def test_the_tables_are_the_same() -> None:
    assert TABLES["extensionToMime"] == mime_types.BY_EXTENSION
    assert TABLES["mimeToExtension"] == mime_types.EXTENSIONS
    assert set(TABLES["documentTypes"]) == mime_types.DOCUMENTS


@pytest.mark.parametrize("row", rows("validation_errors", lambda asked: asked["op"] in DONE))
def test_types_and_extensions(row: Row) -> None:
    do = DONE[row["input"]["op"]]
    if "exception" in row["expected"] or row["name"] in DIFFERENCES:
        with pytest.raises(InvalidArgument) as raised:
            do(row["input"]["value"])
        assert raised.value.param == "mime_type"
    else:
        assert do(row["input"]["value"]) == row["expected"]["value"]


def test_every_difference_is_of_a_row_that_exists() -> None:
    assert DIFFERENCES.keys() <= {row["name"] for row in load("validation_errors")}


@pytest.mark.parametrize(
    "row", rows("validation_errors", lambda asked: asked["op"] == "mime_checks")
)
def test_families(row: Row) -> None:
    file = File(row["input"]["value"], "AAAA")
    assert row["expected"] == {
        "isImage": file.is_image,
        "isAudio": file.is_audio,
        "isVideo": file.is_video,
        "isText": file.is_text,
        "isDocument": file.is_document,
    }


def test_each_document_type_is_a_document() -> None:
    assert all(File(each, "AAAA").is_document for each in TABLES["documentTypes"])


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("audio/L16;rate=24000", "audio/l16;rate=24000"),
        ("TEXT/plain; charset=UTF-8", "text/plain; charset=UTF-8"),
        ("image/*", "image/*"),
    ],
)
def test_parameters_and_families_are_kept(said: str, kept: str) -> None:
    assert mime_types.checked(said) == kept


@pytest.mark.parametrize("said", ["*/*", "a/b;", "a/b;c", "a/b c", " a/b", "a/", "/b", "a/b/c"])
def test_other_text_is_refused(said: str) -> None:
    with pytest.raises(InvalidArgument):
        mime_types.checked(said)


def test_a_type_with_parameters_has_the_extension_of_its_type() -> None:
    assert mime_types.extension_of("text/csv; charset=utf-8") == "csv"
