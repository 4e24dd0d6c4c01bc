"""Google's embeddings, Imagen's images and Veo's videos: what is sent, and what is read."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from google.genai import types as sdk

from ai_client.capabilities import Capability, FileType, MediaOrientation
from ai_client.errors import (
    BadContent,
    ContentFiltered,
    EmptyAnswer,
    InvalidRequest,
    MalformedAnswer,
    RateLimited,
    UnsupportedFeature,
    UpstreamModelMissing,
)
from ai_client.messages import (
    EmbeddingResult,
    File,
    GenerationRequest,
    GenerativeAiOperation,
    GenerativeAiResult,
    JsonValue,
    Message,
    ModelConfig,
    OperationState,
    TokenUsage,
    WebSearch,
    model_message,
    user_message,
)
from ai_client.providers.google import PROVIDER
from ai_client.wire import ClientFace, OperationFace, ResultFace, Target, WireRequest, asking_face
from ai_client.wire import google_embeddings as embeddings
from ai_client.wire import google_imagen as imagen
from ai_client.wire import google_videos as videos

FIXTURES = Path(__file__).parent / "fixtures"
PICTURE = File("image/png", "iVBORw0KGgo=")
VEO = "veo-3.1-generate-preview"
IMAGEN = "imagen-4.0-generate-001"
NOT_ANSWERS = [b"", b"<html>", b'{"cut": ', b"3", b'{"hello": "world"}']


def fixture(folder: str, name: str) -> bytes:
    return (FIXTURES / folder / name).read_bytes()


def render(
    face: ResultFace, model: str, *messages: Message, config: ModelConfig | None = None, **more: Any
) -> WireRequest:
    config = config or ModelConfig(**more)
    request = GenerationRequest(messages or (user_message("A cat"),), config)
    return face.render_request(request, Target(model, "Google"))


def answered(face: ResultFace, body: bytes, **expects: JsonValue) -> Any:
    sent = WireRequest("x", {}, expects=expects)
    return face.parse_result(body, "application/json", sent)


@pytest.mark.parametrize(
    ("capability", "model", "wire"),
    [
        (Capability.EMBEDDING_GENERATION, "gemini-embedding-2", "google_embeddings"),
        (Capability.IMAGE_GENERATION, IMAGEN, "google_imagen"),
        (Capability.IMAGE_GENERATION, f"models/{IMAGEN}", "google_imagen"),
        (Capability.IMAGE_GENERATION, "gemini-3.1-flash-image", "google_generate"),
        (Capability.TEXT_TO_SPEECH_CONVERSION, "gemini-3.8-flash-tts", "google_generate"),
        (Capability.SPEECH_GENERATION, "gemini-2.5-pro-preview-tts", "google_generate"),
        (Capability.VIDEO_GENERATION, VEO, "google_videos"),
        (Capability.TEXT_GENERATION, "gemini-3.5-flash", "google_generate"),
    ],
)
def test_the_provider_speaks_the_format_that_the_model_takes(
    capability: Capability, model: str, wire: str
) -> None:
    assert PROVIDER.wire_for(capability, model) == wire
    assert isinstance(asking_face(wire), ClientFace | ResultFace)


@pytest.mark.parametrize("face", [embeddings, imagen, videos])
@pytest.mark.parametrize("body", NOT_ANSWERS)
def test_what_is_no_answer_is_refused(face: ResultFace, body: bytes) -> None:
    with pytest.raises((BadContent, MalformedAnswer)):
        answered(face, body)


@pytest.mark.parametrize("face", [embeddings, imagen, videos])
def test_an_error_inside_a_200_is_that_error(face: ResultFace) -> None:
    with pytest.raises(RateLimited):
        answered(face, fixture("google_videos", "error_rate.json"))


@pytest.mark.parametrize("face", [embeddings, imagen, videos])
def test_what_none_of_them_can_say_is_refused_and_tuning_left_out(face: ResultFace) -> None:
    with pytest.raises(UnsupportedFeature, match="web search"):
        render(face, "m", web_search=WebSearch())
    said = render(face, "m", temperature=0.5, end_user="me")
    assert {warning.split()[0] for warning in said.warnings} == {"temperature", "end_user"}


class TestEmbeddings:
    def test_one_input_and_several_are_two_methods(self) -> None:
        one = render(embeddings, "gemini-embedding-2", user_message("A", "B"))
        assert one.path == "models/gemini-embedding-2:embedContent"
        assert one.body == {"content": {"parts": [{"text": "A"}, {"text": "B"}]}}
        both = render(
            embeddings,
            "models/gemini-embedding-2",
            user_message("A"),
            user_message("B"),
            dimensions=256,
            custom_options={"taskType": "RETRIEVAL_DOCUMENT", "title": "T"},
        )
        assert both.path == "models/gemini-embedding-2:batchEmbedContents"
        assert both.body["requests"] == [
            {
                "content": {"parts": [{"text": text}]},
                "outputDimensionality": 256,
                "taskType": "RETRIEVAL_DOCUMENT",
                "title": "T",
                "model": "models/gemini-embedding-2",
            }
            for text in ("A", "B")
        ]

    def test_pictures_are_embedded_by_models_that_see(self) -> None:
        said = render(embeddings, "gemini-embedding-2", user_message("A", PICTURE))
        picture = said.body["content"]["parts"][1]
        assert picture == {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}
        sdk.Content.model_validate(said.body["content"])
        with pytest.raises(UnsupportedFeature, match="texts only"):
            render(embeddings, "gemini-embedding-001", user_message(PICTURE))
        with pytest.raises(UnsupportedFeature, match="inline"):
            render(
                embeddings, "gemini-embedding-2", user_message(File("image/png", url="https://x/y"))
            )

    def test_contradictions_and_blanks_are_refused(self) -> None:
        with pytest.raises(InvalidRequest, match="outputDimensionality"):
            render(
                embeddings,
                "gemini-embedding-2",
                dimensions=3,
                custom_options={"outputDimensionality": 4},
            )
        with pytest.raises(InvalidRequest, match="blank"):
            render(embeddings, "m", _blank())
        with pytest.raises(UnsupportedFeature, match="application/base64"):
            render(embeddings, "m", output_mime_type="application/base64")

    def test_vectors_come_in_order_with_what_they_cost(self) -> None:
        one: EmbeddingResult = answered(
            embeddings, fixture("google_embeddings", "one.json"), inputs=1
        )
        assert one.embeddings == ((0.013168523, -0.008711934, 0.01),)
        assert one.usage == TokenUsage(4, 0, 4)
        many: EmbeddingResult = answered(
            embeddings, fixture("google_embeddings", "many.json"), inputs=2
        )
        assert many.embeddings == ((0.25, -0.5, 1.0), (0.5, 0.125, -1.0))
        assert many.usage is None

    @pytest.mark.parametrize(
        "damage",
        [
            {"embeddings": [{"values": [1]}]},
            {"embeddings": [{"values": []}, {"values": [1]}]},
            {"embeddings": [{"values": ["1"]}, {"values": [1]}]},
            {"embeddings": [{"values": [True]}, {"values": [1]}]},
            {"embeddings": [3, {"values": [1]}]},
            {"embeddings": {}},
        ],
    )
    def test_other_vectors_than_asked_for_are_malformed(self, damage: JsonValue) -> None:
        with pytest.raises(MalformedAnswer):
            answered(embeddings, json.dumps(damage).encode(), inputs=2)

    def test_no_vector_is_an_empty_answer(self) -> None:
        with pytest.raises(EmptyAnswer):
            answered(embeddings, b'{"embeddings": []}', inputs=2)

    def test_an_error_is_told_by_its_status(self) -> None:
        error = embeddings.parse_error(
            400, {}, fixture("google_embeddings", "error_dimensions.json")
        )
        assert isinstance(error, InvalidRequest)
        assert "outputDimensionality is 99999" in error.message

    def test_a_callers_body_keeps_all_but_the_model(self) -> None:
        target = Target("mine")
        one = embeddings.forward_request(
            {"model": "x", "content": {}, "a": 1}, target, stream=False
        )
        assert (one.path, one.body) == ("models/mine:embedContent", {"content": {}, "a": 1})
        several = embeddings.forward_request(
            {"requests": [{"model": "x", "content": {}}]}, target, stream=False
        )
        assert several.path == "models/mine:batchEmbedContents"
        assert several.body == {"requests": [{"model": "models/mine", "content": {}}]}


class TestImagen:
    def test_a_prompt_with_all_that_can_be_said(self) -> None:
        said = render(
            imagen,
            IMAGEN,
            candidate_count=3,
            output_media_aspect_ratio="4:3",
            output_mime_type="image/jpeg",
            output_file_type=FileType.INLINE,
            custom_options={"parameters.sampleImageSize": "2K", "parameters": {"language": "en"}},
        )
        assert said.path == f"models/{IMAGEN}:predict"
        assert said.body == {
            "instances": [{"prompt": "A cat"}],
            "parameters": {
                "sampleCount": 3,
                "aspectRatio": "4:3",
                "outputOptions": {"mimeType": "image/jpeg"},
                "sampleImageSize": "2K",
                "language": "en",
            },
        }

    @pytest.mark.parametrize(
        ("orientation", "ratio"),
        [
            (MediaOrientation.SQUARE, "1:1"),
            (MediaOrientation.LANDSCAPE, "16:9"),
            (MediaOrientation.PORTRAIT, "9:16"),
        ],
    )
    def test_an_orientation_is_a_ratio(self, orientation: MediaOrientation, ratio: str) -> None:
        said = render(imagen, IMAGEN, output_media_orientation=orientation)
        assert said.body["parameters"] == {"sampleCount": 1, "aspectRatio": ratio}

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("candidate_count", 5),
            ("output_media_aspect_ratio", "21:9"),
            ("output_mime_type", "image/webp"),
            ("output_file_type", FileType.REMOTE),
        ],
    )
    def test_what_imagen_does_not_make_is_refused(self, field: str, value: Any) -> None:
        with pytest.raises(UnsupportedFeature) as refused:
            render(imagen, IMAGEN, **{field: value})
        assert refused.value.param == field

    def test_only_one_text_can_be_drawn(self) -> None:
        with pytest.raises(UnsupportedFeature, match="text alone"):
            render(imagen, IMAGEN, user_message("A", PICTURE))
        with pytest.raises(InvalidRequest):
            render(imagen, IMAGEN, user_message("A"), model_message("B"), user_message("C"))
        with pytest.raises(InvalidRequest, match=r"parameters\.sampleCount"):
            render(imagen, IMAGEN, custom_options={"parameters": {"sampleCount": 2}})

    def test_each_image_is_a_candidate(self) -> None:
        result: GenerativeAiResult = answered(imagen, fixture("google_imagen", "two.json"))
        files = [each.message.parts[0].content for each in result.candidates]
        assert files == [PICTURE, File("image/jpeg", "/9j/4AAQ")]
        assert "positivePromptSafetyAttributes" in result.additional_data

    def test_images_that_were_kept_back_are_told(self) -> None:
        result: GenerativeAiResult = answered(
            imagen, fixture("google_imagen", "partly_filtered.json")
        )
        assert [each.message.parts[0].content for each in result.candidates] == [PICTURE]
        assert result.additional_data["raiFilteredReasons"]
        with pytest.raises(ContentFiltered, match="image was filtered"):
            answered(imagen, fixture("google_imagen", "filtered.json"))
        with pytest.raises(EmptyAnswer):
            answered(imagen, b"{}")

    @pytest.mark.parametrize(
        "entry", [{}, 3, {"bytesBase64Encoded": "%%"}, {"mimeType": "image/png"}]
    )
    def test_an_entry_that_is_no_image_is_malformed(self, entry: JsonValue) -> None:
        with pytest.raises(MalformedAnswer):
            answered(imagen, json.dumps({"predictions": [entry]}).encode())

    def test_a_model_that_is_gone_is_told(self) -> None:
        error = imagen.parse_error(404, {}, fixture("google_imagen", "error_model_gone.json"))
        assert isinstance(error, UpstreamModelMissing)


class TestVideos:
    def test_it_follows_operations(self) -> None:
        assert isinstance(videos, OperationFace)

    def test_a_prompt_with_all_that_can_be_said(self) -> None:
        said = render(
            videos,
            VEO,
            user_message("A cat", PICTURE),
            output_media_orientation=MediaOrientation.PORTRAIT,
            output_mime_type="video/mp4",
            custom_options={"parameters": {"durationSeconds": 8}, "parameters.resolution": "720p"},
        )
        assert said.path == f"models/{VEO}:predictLongRunning"
        assert said.body == {
            "instances": [
                {
                    "prompt": "A cat",
                    "image": {"bytesBase64Encoded": "iVBORw0KGgo=", "mimeType": "image/png"},
                }
            ],
            "parameters": {"aspectRatio": "9:16", "durationSeconds": 8, "resolution": "720p"},
        }

    def test_a_video_goes_on(self) -> None:
        uri = "https://generativelanguage.googleapis.com/v1beta/files/a"
        named = render(videos, VEO, user_message("On", File("video/mp4", url=uri)))
        assert named.body["instances"][0]["video"] == {"uri": uri}
        inline = render(videos, VEO, user_message("On", File("video/mp4", "AAAA")))
        assert inline.body["instances"][0]["video"] == {
            "encodedVideo": "AAAA",
            "encoding": "video/mp4",
        }

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("candidate_count", 2),
            ("output_media_aspect_ratio", "1:1"),
            ("output_media_orientation", MediaOrientation.SQUARE),
            ("output_mime_type", "video/webm"),
            ("output_file_type", FileType.REMOTE),
        ],
    )
    def test_what_veo_does_not_make_is_refused(self, field: str, value: Any) -> None:
        with pytest.raises(UnsupportedFeature) as refused:
            render(videos, VEO, **{field: value})
        assert refused.value.param == field

    @pytest.mark.parametrize(
        "files",
        [
            (PICTURE, PICTURE),
            (File("application/pdf", "AAAA"),),
            (File("image/png", url="https://example.com/a.png"),),
        ],
    )
    def test_a_video_begins_with_one_picture_at_most(self, files: tuple[File, ...]) -> None:
        with pytest.raises(UnsupportedFeature):
            render(videos, VEO, user_message("A cat", *files))

    def test_an_operation_is_started_then_asked_for_by_its_name(self) -> None:
        started: GenerativeAiOperation = answered(videos, fixture("google_videos", "started.json"))
        assert started.state is OperationState.STARTING
        asked = videos.operation_request(started.id)
        assert (asked.method, asked.path) == ("GET", f"models/{VEO}/operations/k2j4h5g6")
        running = videos.parse_operation(fixture("google_videos", "started.json"))
        assert running.state is OperationState.PROCESSING

    @pytest.mark.parametrize(
        "name",
        [
            "",
            "operations/",
            "models/a/b/operations/c",
            "models/../operations/c",
            "models/a/operations/c?key=x",
            "https://example.com/operations/c",
            "files/abc",
            "models/a/operations/c\n",
            "models/ä/operations/c",
        ],
    )
    def test_what_is_no_name_of_an_operation_is_never_asked_for(self, name: str) -> None:
        with pytest.raises(InvalidRequest):
            videos.operation_request(name)
        with pytest.raises(MalformedAnswer):
            videos.parse_operation(json.dumps({"name": name}).encode())

    def test_the_file_of_a_finished_operation_is_fetched_by_its_id_alone(self) -> None:
        done = videos.parse_operation(fixture("google_videos", "done.json"))
        assert done.state is OperationState.SUCCEEDED
        wanted = videos.content_request(done)
        assert wanted is not None
        assert (wanted.method, wanted.path) == ("GET", "files/y0dfitgnqh5r:download")
        assert dict(wanted.query) == {"alt": "media"}
        fetched = videos.parse_content(done, b"film", "video/mp4")
        assert fetched.result is not None
        (part,) = fetched.result.candidates[0].message.parts
        assert part.content == File("video/mp4", base64_data="ZmlsbQ==")
        assert videos.content_request(fetched) is None

    @pytest.mark.parametrize(
        "uri",
        [
            "https://attacker.example/v1beta/files/abc:download?alt=media",
            "http://169.254.169.254/files/abc",
        ],
    )
    def test_an_address_elsewhere_is_asked_for_at_the_connection(self, uri: str) -> None:
        wanted = videos.content_request(self.done_with({"uri": uri}))
        assert wanted is not None
        assert wanted.path == "files/abc:download"

    @pytest.mark.parametrize("uri", ["gs://bucket/film.mp4", "https://cdn.example/film.mp4"])
    def test_an_address_that_is_no_file_of_the_api_is_left_to_the_caller(self, uri: str) -> None:
        done = self.done_with({"uri": uri})
        assert videos.content_request(done) is None
        assert done.result is not None
        content = done.result.candidates[0].message.parts[0].content
        assert isinstance(content, File)
        assert content.url == uri

    def test_several_files_are_fetched_one_after_the_other(self) -> None:
        done = self.done_with({"uri": "https://x/files/a"}, {"uri": "https://x/files/b"})
        for number, name in enumerate("ab"):
            wanted = videos.content_request(done)
            assert wanted is not None
            assert wanted.path == f"files/{name}:download"
            done = videos.parse_content(done, bytes([number + 1]), "application/octet-stream")
        assert videos.content_request(done) is None
        assert done.result is not None
        assert [each.message.parts[0].content for each in done.result.candidates] == [
            File("video/mp4", "AQ=="),
            File("video/mp4", "Ag=="),
        ]

    def test_a_video_may_stand_in_the_answer_itself(self) -> None:
        done = self.done_with({"encodedVideo": "ZmlsbQ==", "encoding": "video/webm"})
        assert videos.content_request(done) is None
        assert done.result is not None
        content = done.result.candidates[0].message.parts[0].content
        assert content == File("video/webm", base64_data="ZmlsbQ==")

    @pytest.mark.parametrize(
        ("name", "state", "said"),
        [
            ("failed.json", OperationState.FAILED, "internal server issue"),
            ("filtered.json", OperationState.FAILED, "real people's names"),
            ("cancelled.json", OperationState.CANCELED, "was cancelled"),
        ],
    )
    def test_an_end_without_a_video_says_why(
        self, name: str, state: OperationState, said: str
    ) -> None:
        ended = videos.parse_operation(fixture("google_videos", name))
        assert ended.state is state
        assert said in ended.error
        assert videos.content_request(ended) is None

    @pytest.mark.parametrize(
        "response",
        [
            None,
            {},
            {"generateVideoResponse": 3},
            {"generateVideoResponse": {"generatedSamples": {}}},
            {"generateVideoResponse": {"generatedSamples": [{}]}},
            {"generateVideoResponse": {"generatedSamples": [{"video": {"encodedVideo": "%"}}]}},
        ],
    )
    def test_a_malformed_end_is_told(self, response: JsonValue) -> None:
        operation = {"name": "models/veo/operations/a", "done": True, "response": response}
        with pytest.raises(MalformedAnswer):
            videos.parse_operation(json.dumps(operation).encode())

    @pytest.mark.parametrize(
        ("body", "content_type"),
        [(b'{"hello": 1}', "application/json"), (b"<p>", "text/html"), (b"", "video/mp4")],
    )
    def test_what_is_no_film_is_not_taken_for_one(self, body: bytes, content_type: str) -> None:
        done = videos.parse_operation(fixture("google_videos", "done.json"))
        with pytest.raises((BadContent, EmptyAnswer)):
            videos.parse_content(done, body, content_type)

    def done_with(self, *held: dict[str, str]) -> GenerativeAiOperation:
        samples = [{"video": each} for each in held]
        response = {"generateVideoResponse": {"generatedSamples": samples}}
        operation = {"name": "models/veo/operations/a", "done": True, "response": response}
        return videos.parse_operation(json.dumps(operation).encode())


def _blank() -> Message:
    return replace(user_message("x"), parts=())
