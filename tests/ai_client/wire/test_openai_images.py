"""Images of OpenAI's API: row by row against the PHP AI Client, and what real models differ in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import pytest

from ai_client.capabilities import (
    Capability,
    FileType,
    MediaOrientation,
    ModelMetadata,
    ProviderMetadata,
)
from ai_client.errors import (
    AiClientError,
    BadContent,
    EmptyAnswer,
    InvalidRequest,
    MalformedAnswer,
    UnsupportedFeature,
)
from ai_client.messages import (
    File,
    FunctionDeclaration,
    GenerationRequest,
    GenerativeAiResult,
    Message,
    MessagePart,
    ModelConfig,
    user_message,
)
from ai_client.wire import ResultFace, Target, WireRequest, asking_face
from tests.ai_client.vectors import Row, load

FACE = cast(ResultFace, asking_face("openai_images"))
PNG = File("image/png", base64_data="AAAA")


def named(file: str) -> dict[str, Row]:
    return {row["name"]: row for row in load(file)}


REQUESTS, ANSWERS = named("image_requests"), named("image_responses")


def rendered(row: Row) -> WireRequest:
    request = GenerationRequest(
        tuple(map(Message.from_dict, row["input"]["prompt"])),
        ModelConfig.from_dict(row["input"]["config"]),
        capability=Capability.IMAGE_GENERATION,
    )
    return FACE.render_request(request, Target(row["input"]["model"]["id"], "Example"))


OTHERWISE_SENT: Mapping[str, Mapping[str, Any]] = {
    # All texts are the prompt; there all but the first are dropped without a word.
    "two_text_parts_first_used": {
        "model": "image-model",
        "prompt": "first\nsecond",
        "response_format": "b64_json",
    },
}
REFUSED_HERE: Mapping[str, type[AiClientError]] = {
    # An image in the prompt is an edit, or refused; there it is dropped without a word.
    "image_then_text": UnsupportedFeature,
    # A thought is no prompt.
    "thought_text_used": InvalidRequest,
}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request(name: str) -> None:
    row = REQUESTS[name]
    sent = row["expected"].get("request")
    if name in REFUSED_HERE:
        assert sent is not None
        with pytest.raises(REFUSED_HERE[name]):
            rendered(row)
    elif sent is None:
        # Another connection may be able to say it: that is a class of its own here.
        with pytest.raises((InvalidRequest, UnsupportedFeature)):
            rendered(row)
    else:
        wire = rendered(row)
        assert sent["uri"].endswith(f"/v1/{wire.path}")
        assert sent["method"] == wire.method
        assert wire.body == OTHERWISE_SENT.get(name, sent["bodyJson"])
        assert (wire.body != sent["bodyJson"]) == (name in OTHERWISE_SENT)


WITHOUT_USAGE = set(ANSWERS) - {"b64", "usage_openai_chat_names_ignored"}
"""Token counts that were not told are None here, and zeros there."""
OTHER_TYPE = {"response_output_format_ignored": "image/webp"}
"""What the answer says of its format goes before what was asked for."""
MALFORMED_HERE = {"b64_empty_string"}
"""A file of no bytes is none."""
REFUSED_AS: Mapping[str, type[AiClientError]] = {
    "data_empty": EmptyAnswer,
    "body_empty": BadContent,
}
"""All others are ``MalformedAnswer``."""


def answered(row: Row) -> GenerativeAiResult:
    body = row["input"]["response"]["body"].encode()
    result = FACE.parse_result(body, "application/json", rendered(row))
    assert isinstance(result, GenerativeAiResult)
    return result


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer(name: str) -> None:
    row = ANSWERS[name]
    if "exception" in row["expected"] or name in MALFORMED_HERE:
        with pytest.raises(AiClientError) as caught:
            answered(row)
        assert type(caught.value) is REFUSED_AS.get(name, MalformedAnswer)
        return
    model = ModelMetadata.from_dict(row["input"]["model"])
    provider = ProviderMetadata.from_dict(row["input"]["provider"])
    result = replace(
        answered(row), model=model.id, model_metadata=model, provider_metadata=provider
    )
    ours, php = result.to_dict(), json.loads(json.dumps(row["expected"]["result"]))
    php["additionalData"] = php["additionalData"] or {}
    if name in WITHOUT_USAGE:
        assert ours["tokenUsage"] != php["tokenUsage"]
        php["tokenUsage"] = None
    if name in OTHER_TYPE:
        file = php["candidates"][0]["message"]["parts"][0]["file"]
        assert file["mimeType"] != OTHER_TYPE[name]
        file["mimeType"] = OTHER_TYPE[name]
    assert ours == php
    assert len(result.to_image_files()) == row["expected"]["toImageFilesCount"]
    assert result.to_file() == result.to_image_file()


def asked(model: str, *parts: str | File | MessagePart, **config: Any) -> WireRequest:
    request = GenerationRequest((user_message(*parts),), ModelConfig(**config))
    return FACE.render_request(request, Target(model, "OpenAI"))


def test_gpt_image_models_are_not_asked_how_to_answer() -> None:
    """https://platform.openai.com/docs/api-reference/images/create#images-create-response_format"""
    assert asked("gpt-image-1", "A cat", end_user="u1").body == {
        "model": "gpt-image-1",
        "prompt": "A cat",
        "user": "u1",
    }
    with pytest.raises(UnsupportedFeature) as caught:
        asked("gpt-image-1", "A cat", output_file_type=FileType.REMOTE)
    assert caught.value.param == "output_file_type"


def test_an_image_in_the_prompt_makes_an_edit() -> None:
    wire = asked("gpt-image-1", PNG, "Make it blue", File("image/jpeg", url="https://a.example/b"))
    assert wire.path == "images/edits"
    assert wire.body == {
        "model": "gpt-image-1",
        "prompt": "Make it blue",
        "images": [
            {"image_url": "data:image/png;base64,AAAA"},
            {"image_url": "https://a.example/b"},
        ],
    }
    with pytest.raises(UnsupportedFeature):
        asked("gpt-image-1", File("audio/mpeg", base64_data="AAAA"), "Make it blue")


@pytest.mark.parametrize(
    ("orientation", "size"), [("landscape", "1792x1024"), ("portrait", "1024x1792")]
)
def test_dall_e_3_has_sizes_of_its_own(orientation: str, size: str) -> None:
    wire = asked("dall-e-3", "A cat", output_media_orientation=MediaOrientation(orientation))
    assert wire.body["size"] == size


def test_dall_e_makes_png_and_cannot_be_asked_for_it() -> None:
    assert "output_format" not in asked("dall-e-3", "A cat", output_mime_type="image/png").body
    with pytest.raises(UnsupportedFeature):
        asked("dall-e-3", "A cat", output_mime_type="image/webp")


def test_tuning_is_left_out_and_features_are_refused() -> None:
    assert asked("m", "A cat", temperature=0.5, stop_sequences=("x",)).warnings == (
        "temperature was left out",
        "stop_sequences was left out",
    )
    with pytest.raises(UnsupportedFeature) as caught:
        asked("m", "A cat", function_declarations=(FunctionDeclaration("f"),))
    assert caught.value.param == "function_declarations"


def test_a_data_uri_for_an_address_is_an_inline_image() -> None:
    body = b'{"data": [{"url": "data:image/webp;base64,AAAA"}]}'
    result = FACE.parse_result(body, "application/json", asked("m", "A cat"))
    assert isinstance(result, GenerativeAiResult)
    assert result.to_image_file() == File("image/webp", base64_data="AAAA")


def test_a_callers_own_body_is_sent_with_the_connections_model() -> None:
    body = {"model": "x", "prompt": "A cat", "style": "vivid", "output_format": "webp"}
    wire = FACE.forward_request(body, Target("dall-e-3"), stream=False)
    assert wire.body == {**body, "model": "dall-e-3"}
    assert wire.expects == {"mime_type": "image/webp"}
