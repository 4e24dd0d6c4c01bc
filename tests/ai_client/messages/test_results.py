"""What a program takes out of an answer."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ai_client.errors import AiClientError, ContentMissing
from ai_client.messages import (
    Candidate,
    EmbeddingResult,
    FinishReason,
    FunctionCall,
    GenerativeAiResult,
    MessagePart,
    model_message,
)
from tests.ai_client.vectors import Row, as_json, rows


@pytest.mark.parametrize(
    "row", rows("validation_errors", lambda asked: asked["op"] == "result_accessor")
)
def test_results_as_php_gives_them(row: Row) -> None:
    result = GenerativeAiResult.from_dict(row["input"]["result"])
    name = re.sub("([A-Z])", lambda found: f"_{found[1].lower()}", row["input"]["method"])
    if "exception" in row["expected"]:
        with pytest.raises(ContentMissing):
            getattr(result, name)()
    else:
        taken = plain(getattr(result, name)())
        assert as_json(taken) == as_json(row["expected"]["returns"])


def plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [plain(each) for each in value]
    return value if isinstance(value, str) else value.to_dict()


def answer(*candidates: Any) -> GenerativeAiResult:
    return GenerativeAiResult(
        "r", "m", tuple(Candidate(each, FinishReason.STOP) for each in candidates)
    )


def test_all_texts_of_a_candidate_are_one() -> None:
    result = answer(model_message("one ", "two"), model_message("three"))
    assert result.to_text() == "one two"
    assert result.to_texts() == ("one two", "three")
    assert result.candidate_count == 2
    assert result.has_multiple_candidates
    assert not answer(model_message("one")).has_multiple_candidates


def test_an_empty_text_is_a_text() -> None:
    assert answer(model_message(MessagePart(""))).to_text() == ""


def test_a_refusal_is_text() -> None:
    assert answer(model_message(MessagePart("No.", refusal=True))).to_text() == "No."


def test_an_answer_that_only_calls_functions_has_no_text() -> None:
    result = answer(model_message(FunctionCall("a", "f")))
    with pytest.raises(ContentMissing, match="call functions"):
        result.to_text()
    assert result.to_message().parts[0].content == FunctionCall("a", "f")
    assert not ContentMissing.retryable


def test_an_answer_without_candidates_has_nothing() -> None:
    for ask in (answer().to_text, answer().to_message, answer().to_file):
        with pytest.raises(AiClientError, match="no candidate"):
            ask()
    assert answer().to_files() == ()
    assert answer().to_messages() == ()


def test_embeddings() -> None:
    result = EmbeddingResult("e", "m", ((0.5,), (1.0,)))
    assert result.to_vector() == (0.5,)
    assert result.to_vectors() == ((0.5,), (1.0,))
    assert result.dimensions == 1
    with pytest.raises(ContentMissing):
        EmbeddingResult("e", "m", ()).to_vector()
