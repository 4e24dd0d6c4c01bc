"""What holds for every wire format for what is no conversation, found by being there.

A format brings what it is asked and what its vendor answers. One suite runs over all of them:
a good answer is read, anything else is an error of ours, and nothing is skipped.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ai_client.capabilities import Capability
from ai_client.errors import (
    AiClientError,
    BadContent,
    EmptyAnswer,
    InvalidRequest,
    KeyRejected,
    MalformedAnswer,
    RateLimited,
    ServerFailed,
    UnsupportedFeature,
    UpstreamError,
)
from ai_client.messages import (
    EmbeddingResult,
    FunctionDeclaration,
    GenerationRequest,
    GenerativeAiOperation,
    GenerativeAiResult,
    ModelConfig,
    OperationState,
    TokenCount,
    user_message,
)
from ai_client.wire import (
    ClientFace,
    OperationFace,
    ResultFace,
    Target,
    WireRequest,
    asking_face,
    operation_face,
    wire_formats,
)
from tests.ai_client.wire.test_config_fields import SETTINGS, Setting

TARGET = Target("some-model", "Vendor")
CANNOT_BE_AN_ID = ("", " ", "..", "../models", "a/../../b", "a?b=c", "a#b", "https://a.example/x")
WEB_PAGE = b"<!doctype html><html><body><script>alert(1)</script>Bad gateway</body></html>"


@dataclass(frozen=True)
class Example:
    """An answer to a text: ``body`` JSON, or bytes of ``content_type``; ``operations`` the answers
    to later questions, by the state that they say."""

    gives: type[object]
    capability: Capability
    body: Any
    content_type: str = "application/json"
    operations: Mapping[OperationState, Any] = field(default_factory=dict)

    @property
    def raw(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


VIDEO = {"id": "video_1", "object": "video", "model": "sora-2", "progress": 0, "error": None}
VEO = {"name": "models/some-model/operations/abc"}
EXAMPLES: Mapping[str, Example] = {
    "openai_images": Example(
        GenerativeAiResult,
        Capability.IMAGE_GENERATION,
        {
            "created": 1,
            "data": [{"b64_json": "AAAA"}],
            "usage": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
        },
    ),
    "openai_embeddings": Example(
        EmbeddingResult,
        Capability.EMBEDDING_GENERATION,
        {
            "object": "list",
            "model": "text-embedding-3-small",
            "data": [{"object": "embedding", "index": 0, "embedding": [0.5, -0.25]}],
            "usage": {"prompt_tokens": 1, "total_tokens": 1},
        },
    ),
    "openai_speech": Example(
        GenerativeAiResult, Capability.TEXT_TO_SPEECH_CONVERSION, b"ID3\x04sound", "audio/mpeg"
    ),
    "openai_videos": Example(
        GenerativeAiOperation,
        Capability.VIDEO_GENERATION,
        {**VIDEO, "status": "queued"},
        operations={
            OperationState.PROCESSING: {**VIDEO, "status": "in_progress", "progress": 40},
            OperationState.SUCCEEDED: {**VIDEO, "status": "completed", "progress": 100},
            OperationState.FAILED: {
                **VIDEO,
                "status": "failed",
                "error": {"code": "moderation_blocked", "message": "Blocked."},
            },
        },
    ),
    "google_embeddings": Example(
        EmbeddingResult,
        Capability.EMBEDDING_GENERATION,
        {"embeddings": [{"values": [0.5, -0.25]}]},
    ),
    "anthropic_count_tokens": Example(TokenCount, Capability.TEXT_GENERATION, {"input_tokens": 3}),
    "google_count_tokens": Example(
        TokenCount, Capability.TEXT_GENERATION, {"totalTokens": 3, "cachedContentTokenCount": 1}
    ),
    "openai_input_tokens": Example(
        TokenCount,
        Capability.TEXT_GENERATION,
        {"object": "response.input_tokens", "input_tokens": 3},
    ),
    "google_imagen": Example(
        GenerativeAiResult,
        Capability.IMAGE_GENERATION,
        {"predictions": [{"bytesBase64Encoded": "AAAA", "mimeType": "image/png"}]},
    ),
    "google_videos": Example(
        GenerativeAiOperation,
        Capability.VIDEO_GENERATION,
        VEO,
        operations={
            OperationState.PROCESSING: VEO,
            OperationState.FAILED: {
                **VEO,
                "done": True,
                "error": {"code": 3, "message": "Blocked."},
            },
        },
    ),
}


def is_for_results(name: str) -> bool:
    return not isinstance(asking_face(name), ClientFace)


RESULT_WIRES = tuple(filter(is_for_results, wire_formats()))
OPERATION_WIRES = tuple(name for name in RESULT_WIRES if operation_face(name) is not None)
every_wire = pytest.mark.parametrize("wire", RESULT_WIRES)
every_operation_wire = pytest.mark.parametrize("wire", OPERATION_WIRES)


def face_of(wire: str) -> ResultFace:
    return cast(ResultFace, asking_face(wire))


def following(wire: str) -> OperationFace:
    return cast(OperationFace, operation_face(wire))


def asked(wire: str, **config: Any) -> WireRequest:
    capability = EXAMPLES[wire].capability
    request = GenerationRequest(
        (user_message("A cat"),), ModelConfig(**config), capability=capability
    )
    return face_of(wire).render_request(request, TARGET)


def read(wire: str, body: bytes, content_type: str = "application/json") -> object:
    return face_of(wire).parse_result(body, content_type, asked(wire))


def test_every_format_for_results_has_an_example() -> None:
    assert set(RESULT_WIRES) == set(EXAMPLES)
    with_operations = {name for name, each in EXAMPLES.items() if each.operations}
    assert set(OPERATION_WIRES) == with_operations


@every_wire
def test_a_request_is_json_below_the_connections_address(wire: str) -> None:
    sent = asked(wire)
    assert (sent.method, sent.warnings) == ("POST", ())
    assert "A cat" in json.dumps(sent.body)
    assert not sent.path.startswith(("/", "http"))
    assert not {name.lower() for name in sent.headers} & {"authorization", "x-goog-api-key"}


@every_wire
def test_tuning_is_left_out_by_name(wire: str) -> None:
    (warning,) = asked(wire, temperature=0.5).warnings
    assert "temperature" in warning
    assert "0.5" not in json.dumps(asked(wire, temperature=0.5).body)


@every_wire
@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_a_setting_is_said_refused_or_left_out_with_a_warning(wire: str, setting: Setting) -> None:
    if setting.name == "output_modalities":
        # The capability says it already; a prompt brings it along.
        return
    if EXAMPLES[wire].gives is EmbeddingResult and setting.value == "application/json":
        # Vectors are JSON without being asked to be.
        return
    beside = {each.name: getattr(setting.beside, each.name) for each in fields(setting.beside)}
    try:
        plain = asked(wire, **beside)
        said = asked(wire, **{**beside, setting.name: setting.value})
    except (UnsupportedFeature, InvalidRequest):
        return
    assert (said.path, said.body) != (plain.path, plain.body) or any(
        setting.name in warning for warning in said.warnings
    )


@every_wire
@pytest.mark.parametrize(
    "config",
    [{"function_declarations": (FunctionDeclaration("f", "x"),)}, {"output_schema": {"a": 1}}],
    ids=["functions", "schema"],
)
def test_features_are_refused_before_anything_is_sent(wire: str, config: Any) -> None:
    if EXAMPLES[wire].gives is TokenCount:
        assert asked(wire, **config).body != asked(wire).body
        return
    with pytest.raises(UnsupportedFeature) as caught:
        asked(wire, **config)
    assert caught.value.param


@every_wire
def test_what_another_dialect_said_is_refused(wire: str) -> None:
    request = GenerationRequest((user_message("A cat"),), untranslatable=("prediction",))
    with pytest.raises(UnsupportedFeature, match="prediction"):
        face_of(wire).render_request(request, TARGET)


@every_wire
def test_a_request_without_a_message_is_refused(wire: str) -> None:
    with pytest.raises(InvalidRequest):
        face_of(wire).render_request(GenerationRequest(()), TARGET)


@every_wire
def test_a_good_answer(wire: str) -> None:
    example = EXAMPLES[wire]
    result = read(wire, example.raw, example.content_type)
    assert type(result) is example.gives
    assert result == read(wire, example.raw, example.content_type)


@every_wire
def test_a_callers_own_body_is_asked_of_the_connections_model(wire: str) -> None:
    sent = asked(wire)
    forwarded = face_of(wire).forward_request(
        {**sent.body, "model": "theirs"} if "model" in sent.body else sent.body,
        TARGET,
        stream=False,
    )
    assert "theirs" not in json.dumps(forwarded.body)
    assert "some-model" in f"{forwarded.path} {forwarded.body}"
    example = EXAMPLES[wire]
    result = face_of(wire).parse_result(example.raw, example.content_type, forwarded)
    assert type(result) is example.gives


@every_wire
@pytest.mark.parametrize(
    ("status", "kind"), [(401, KeyRejected), (429, RateLimited), (500, ServerFailed)]
)
@pytest.mark.parametrize("body", [WEB_PAGE, b"", b"{", b'{"error": {"message": "Why."}}', b"[1]"])
def test_errors_are_classes(wire: str, status: int, kind: type[UpstreamError], body: bytes) -> None:
    error = face_of(wire).parse_error(status, {"retry-after": "7"}, body)
    assert isinstance(error, kind)
    assert error.upstream_status == status
    assert error.retry_after == 7
    assert "alert" not in error.message
    assert ("Why." in error.message) == (b"Why." in body)


@every_wire
@pytest.mark.parametrize("content_type", ["application/json", "text/html"])
@pytest.mark.parametrize("body", [WEB_PAGE, b"{}", b"[]", b"null", b'"x"', b"12", b'{"data": 1}'])
def test_what_is_no_answer(wire: str, body: bytes, content_type: str) -> None:
    with pytest.raises((BadContent, MalformedAnswer, EmptyAnswer)):
        read(wire, body, content_type)


@every_wire
def test_no_answer_at_all(wire: str) -> None:
    with pytest.raises((BadContent, EmptyAnswer)):
        read(wire, b"", EXAMPLES[wire].content_type)


@every_wire
def test_an_error_in_a_good_answer_is_that_error(wire: str) -> None:
    body = {"error": {"code": 429, "message": "Slow down", "status": "RESOURCE_EXHAUSTED"}}
    with pytest.raises(RateLimited, match="Slow down"):
        read(wire, json.dumps(body).encode())


@pytest.mark.parametrize(
    # Media say nothing of their end; the transport does.
    "wire",
    [name for name, example in EXAMPLES.items() if not isinstance(example.body, bytes)],
)
def test_an_answer_that_was_cut_is_an_error(wire: str) -> None:
    example = EXAMPLES[wire]
    for length in range(1, len(example.raw)):
        with pytest.raises(UpstreamError):
            read(wire, example.raw[:length])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine is no defect of a parser."""


@st.composite
def vandalized(draw: st.DrawFn, document: Any) -> Any:
    """``document`` with one of its values replaced by something else."""
    document = json.loads(json.dumps(document))
    holder = document
    while True:
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        key = draw(st.sampled_from(keys))
        inner = holder[key]
        if not isinstance(inner, dict | list) or not inner or draw(st.integers(0, 3)) == 0:
            holder[key] = draw(JSON)
            return document
        holder = inner


@every_wire
@unhurried
@given(data=st.data())
def test_whatever_an_answer_holds_the_only_errors_are_ours(wire: str, data: st.DataObject) -> None:
    example = EXAMPLES[wire]
    document = {"sound": 1} if isinstance(example.body, bytes) else example.body
    body = json.dumps(data.draw(vandalized(document))).encode()
    try:
        result = read(wire, body)
    except AiClientError:
        return
    assert type(result) is example.gives


# --- long operations ----------------------------------------------------------------------------


@every_operation_wire
def test_an_operation_says_how_far_it_is(wire: str) -> None:
    begun = read(wire, EXAMPLES[wire].raw)
    assert isinstance(begun, GenerativeAiOperation)
    assert begun.state in (OperationState.STARTING, OperationState.PROCESSING)
    for state, body in EXAMPLES[wire].operations.items():
        operation = following(wire).parse_operation(json.dumps(body).encode())
        assert (operation.id, operation.state) == (begun.id, state)
        assert bool(operation.error) == (state is OperationState.FAILED)


@every_operation_wire
def test_an_operation_is_asked_for_by_its_id_alone(wire: str) -> None:
    begun = cast(GenerativeAiOperation, read(wire, EXAMPLES[wire].raw))
    sent = following(wire).operation_request(begun.id)
    assert (sent.method, sent.body) == ("GET", {})
    assert begun.id in sent.path
    assert not sent.path.startswith(("/", "http"))


@every_operation_wire
@pytest.mark.parametrize("given", CANNOT_BE_AN_ID)
def test_what_cannot_be_an_id_is_never_asked_for(wire: str, given: str) -> None:
    with pytest.raises(InvalidRequest):
        following(wire).operation_request(given)


@every_operation_wire
@unhurried
@given(data=st.data())
def test_whatever_an_operation_says_the_only_errors_are_ours(
    wire: str, data: st.DataObject
) -> None:
    document = data.draw(st.sampled_from(list(EXAMPLES[wire].operations.values())))
    try:
        following(wire).parse_operation(json.dumps(data.draw(vandalized(document))).encode())
    except AiClientError:
        return


def test_a_video_is_fetched_once_it_is_there() -> None:
    face = following("openai_videos")
    body = json.dumps(EXAMPLES["openai_videos"].operations[OperationState.SUCCEEDED]).encode()
    operation = face.parse_operation(body)
    sent = face.content_request(operation)
    assert sent is not None
    assert (sent.method, sent.path) == ("GET", "videos/video_1/content")
    done = face.parse_content(operation, b"\0\0\0\x18ftyp", "video/mp4")
    assert done.result is not None
    assert done.result.to_video_file().mime_type == "video/mp4"
    assert face.content_request(done) is None
    for body, content_type in (
        (b"", "video/mp4"),
        (WEB_PAGE, "text/html"),
        (b"{}", "application/json"),
    ):
        with pytest.raises((BadContent, EmptyAnswer)):
            face.parse_content(operation, body, content_type)


def test_a_video_that_is_complete_at_once_has_still_to_be_fetched() -> None:
    body = json.dumps({**VIDEO, "status": "completed"}).encode()
    begun = read("openai_videos", body)
    assert isinstance(begun, GenerativeAiOperation)
    assert begun.state is OperationState.PROCESSING
