"""OpenAI's image generation as callers ask for it: bodies read, answers written."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_client.capabilities import Capability, FileType
from ai_client.errors import AiClientError, ContentFiltered, EmptyAnswer, InvalidRequest
from ai_client.messages import (
    Candidate,
    File,
    FinishReason,
    GenerativeAiResult,
    TokenUsage,
    model_message,
)
from ai_client.wire import RenderContext, result_gateway_face

FACE = result_gateway_face("openai_images")
CONTEXT = RenderContext("req_1", "asked-model", 1_700_000_000)


def result(*contents: Any, reason: FinishReason = FinishReason.STOP) -> GenerativeAiResult:
    return GenerativeAiResult(
        "", "", tuple(Candidate(model_message(*each), reason) for each in contents)
    )


def written(made: GenerativeAiResult) -> Any:
    return json.loads(FACE.render_result(made, {}, CONTEXT).body)


def test_a_prompt_and_all_that_other_dialects_know_too() -> None:
    request = FACE.parse_request(
        {
            "model": "m",
            "prompt": "A cat",
            "n": 2,
            "size": "1536x1024",
            "response_format": "b64_json",
            "output_format": "jpeg",
            "user": "u",
            "background": "auto",
        }
    )
    config = request.config
    assert request.messages[0].text() == "A cat"
    assert request.capability is Capability.IMAGE_GENERATION
    assert (config.candidate_count, config.output_media_aspect_ratio) == (2, "3:2")
    assert (config.output_file_type, config.output_mime_type) == (FileType.INLINE, "image/jpeg")
    assert config.end_user == "u"
    assert (request.untranslatable, request.dropped) == ((), ("size (pixels)",))


@pytest.mark.parametrize(
    ("size", "ratio"),
    [
        ("auto", None),
        ("256x256", "1:1"),
        ("1024x1536", "2:3"),
        ("1792x1024", "16:9"),
        ("1024x1792", "9:16"),
        ("1536x864", "16:9"),
        ("3840x2160", "16:9"),
    ],
)
def test_a_size_is_the_ratio_of_its_sides(size: str, ratio: str | None) -> None:
    request = FACE.parse_request({"prompt": "x", "size": size})
    assert request.config.output_media_aspect_ratio == ratio


def test_what_is_tuning_is_left_out_by_name() -> None:
    request = FACE.parse_request(
        {"prompt": "x", "quality": "hd", "style": "vivid", "moderation": "low", "svg": None}
    )
    assert request.dropped == ("quality", "style", "moderation")


def test_a_transparent_background_is_no_tuning() -> None:
    request = FACE.parse_request({"prompt": "x", "background": "transparent"})
    assert request.untranslatable == ("background (transparent)",)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "prompt"),
        ({"prompt": " "}, "prompt"),
        ({"prompt": ["x"]}, "prompt"),
        ({"prompt": "x", "n": 0}, "n"),
        ({"prompt": "x", "n": 11}, "n"),
        ({"prompt": "x", "size": "big"}, "size"),
        ({"prompt": "x", "size": "0x10"}, "size"),
        ({"prompt": "x", "size": 1024}, "size"),
        ({"prompt": "x", "response_format": "png"}, "response_format"),
        ({"prompt": "x", "output_format": "bmp"}, "output_format"),
        ({"prompt": "x", "background": "blue"}, "background"),
        ({"prompt": "x", "user": {}}, "user"),
    ],
)
def test_what_is_malformed_is_named(body: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        FACE.parse_request(body)
    assert caught.value.param == param


def test_images_inline_and_by_address_of_all_candidates() -> None:
    inline, remote = (
        File("image/png", base64_data="AAAA"),
        File("image/png", url="https://x.example"),
    )
    made = result(("Here you are", inline), (remote,))
    assert written(made) == {
        "created": 1_700_000_000,
        "data": [{"b64_json": "AAAA"}, {"url": "https://x.example"}],
        "output_format": "png",
    }


def test_images_of_several_kinds_have_no_kind_in_common() -> None:
    made = result(
        (File("image/png", base64_data="AAAA"),), (File("image/webp", base64_data="AAAA"),)
    )
    assert "output_format" not in written(made)


def test_counts_are_of_text_that_went_in() -> None:
    made = GenerativeAiResult(
        "",
        "",
        result((File("image/png", base64_data="AAAA"),)).candidates,
        usage=TokenUsage(3, 100, 103),
    )
    assert written(made)["usage"] == {
        "input_tokens": 3,
        "input_tokens_details": {"text_tokens": 3, "image_tokens": 0},
        "output_tokens": 100,
        "total_tokens": 103,
    }


@pytest.mark.parametrize(
    ("reason", "error"),
    [(FinishReason.CONTENT_FILTER, ContentFiltered), (FinishReason.STOP, EmptyAnswer)],
)
def test_no_image_is_an_error_that_repeats_no_words(
    reason: FinishReason, error: type[AiClientError]
) -> None:
    with pytest.raises(error) as caught:
        written(result(("I cannot draw a secret",), reason=reason))
    assert "secret" not in caught.value.message


@given(
    st.dictionaries(
        st.sampled_from(["model", "prompt", "n", "size", "output_format", "background", "user"]),
        st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.lists(st.integers()),
    )
)
def test_whatever_a_body_holds_the_only_errors_are_ours(body: dict[str, Any]) -> None:
    with suppress(InvalidRequest):
        FACE.parse_request(body)


@given(st.integers(1, 99_999), st.integers(1, 99_999))
def test_every_size_has_a_ratio(width: int, height: int) -> None:
    ratio = FACE.parse_request(
        {"prompt": "x", "size": f"{width}x{height}"}
    ).config.output_media_aspect_ratio
    assert ratio is not None
    across, down = map(int, ratio.split(":"))
    assert across / down == pytest.approx(width / height, rel=0.02)
