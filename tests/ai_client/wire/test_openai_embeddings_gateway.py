"""OpenAI's embeddings as callers ask for them: bodies read, answers written."""

from __future__ import annotations

import base64
import json
import struct
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_client.capabilities import Capability
from ai_client.errors import InvalidRequest, MalformedAnswer
from ai_client.messages import EmbeddingResult, TokenUsage
from ai_client.wire import (
    RenderContext,
    Target,
    WireRequest,
    openai_embeddings,
    result_gateway_face,
)

FACE = result_gateway_face("openai_embeddings")
CONTEXT = RenderContext("req_1", "asked-model", 1_700_000_000)
SENT = WireRequest("embeddings", {}, expects={})
FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


def written(result: EmbeddingResult, **body: Any) -> Any:
    answer = FACE.render_result(result, body, CONTEXT)
    assert answer.status == 200
    return json.loads(answer.body)


def test_a_text_is_one_input() -> None:
    request = FACE.parse_request({"model": "m", "input": "Hello"})
    assert [message.text() for message in request.messages] == ["Hello"]
    assert request.capability is Capability.EMBEDDING_GENERATION
    assert (request.untranslatable, request.dropped) == ((), ())


def test_each_text_of_a_list_is_an_input_with_the_rest_beside() -> None:
    request = FACE.parse_request(
        {
            "model": "m",
            "input": ["a", "b"],
            "dimensions": 3,
            "user": "u",
            "encoding_format": "base64",
            "input_type": "query",
        }
    )
    assert [message.text() for message in request.messages] == ["a", "b"]
    assert (request.config.dimensions, request.config.end_user) == (3, "u")
    assert request.dropped == ("input_type",)


@pytest.mark.parametrize("tokens", [[1, 2], [[1], [2, 3]]])
def test_tokens_are_known_to_this_dialect_alone(tokens: Any) -> None:
    assert FACE.parse_request({"input": tokens}).untranslatable == ("input (tokens)",)
    forwarded = openai_embeddings.forward_request({"input": tokens}, Target("own"), stream=False)
    assert forwarded.body == {"input": tokens, "model": "own"}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "input"),
        ({"input": None}, "input"),
        ({"input": 3}, "input"),
        ({"input": {"text": "x"}}, "input"),
        ({"input": []}, "input"),
        ({"input": ""}, "input"),
        ({"input": ["a", " "]}, "input[1]"),
        ({"input": ["a", 3]}, "input[1]"),
        ({"input": [[1], []]}, "input[0]"),
        ({"input": [1, True]}, "input[0]"),
        ({"input": "a", "dimensions": 0}, "dimensions"),
        ({"input": "a", "dimensions": "3"}, "dimensions"),
        ({"input": "a", "user": 3}, "user"),
        ({"input": "a", "encoding_format": "hex"}, "encoding_format"),
        ({"input": "a", "encoding_format": 1}, "encoding_format"),
    ],
)
def test_what_is_malformed_is_named(body: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        FACE.parse_request(body)
    assert caught.value.param == param


def test_the_answer_says_which_model_and_counts() -> None:
    answer = written(EmbeddingResult("", "", ((0.5, -1.0), (0.25, 2.0)), TokenUsage(3, 0, 3)))
    assert answer == {
        "object": "list",
        "data": [
            {"object": "embedding", "index": 0, "embedding": [0.5, -1.0]},
            {"object": "embedding", "index": 1, "embedding": [0.25, 2.0]},
        ],
        "model": "asked-model",
        "usage": {"prompt_tokens": 3, "total_tokens": 3},
    }


def test_without_counts_there_are_none_but_the_field_is() -> None:
    answer = written(EmbeddingResult("", "theirs", ((0.5,),)))
    assert (answer["model"], answer["usage"]) == ("theirs", {"prompt_tokens": 0, "total_tokens": 0})


def test_a_number_beyond_32_bits_is_no_answer_in_base64() -> None:
    with pytest.raises(MalformedAnswer):
        written(EmbeddingResult("", "", ((1e300,),)), encoding_format="base64")


@given(st.lists(st.lists(FLOATS, min_size=1, max_size=8), min_size=1, max_size=4))
def test_vectors_survive_both_encodings(vectors: list[list[float]]) -> None:
    result = EmbeddingResult("", "m", tuple(map(tuple, vectors)))
    for encoding in ({}, {"encoding_format": "float"}, {"encoding_format": "base64"}):
        body = FACE.render_result(result, encoding, CONTEXT).body
        read = openai_embeddings.parse_result(body, "application/json", SENT)
        assert read.embeddings == result.embeddings
    packed = json.loads(body)["data"][0]["embedding"]
    first = base64.b64decode(packed)
    assert list(struct.unpack(f"<{len(first) // 4}f", first)) == vectors[0]


@given(
    st.dictionaries(
        st.sampled_from(["model", "input", "dimensions", "user", "encoding_format", "x"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5) | FLOATS,
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=2)
            ),
            max_leaves=6,
        ),
    )
)
def test_whatever_a_body_holds_the_only_errors_are_ours(body: dict[str, Any]) -> None:
    with suppress(InvalidRequest):
        FACE.parse_request(body)
