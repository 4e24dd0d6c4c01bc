"""The simulator's Google beyond text: the official SDK understands it; it refuses what Google does.

Videos are asked for without the SDK, which has none of the Gemini API's any more.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from google import genai
from google.genai import errors as sdk_errors
from google.genai import types as sdk

from ai_client.simulator import Simulator
from tests import upstreams

simulator = upstreams.simulator

EMBEDS = "gemini-embedding-2"
DRAWS = "gemini-3.1-flash-image"
SPEAKS = "gemini-2.5-flash-preview-tts"
VEO = "veo-3.1-generate-preview"


@pytest.fixture
def client(simulator: Simulator) -> Iterator[genai.Client]:
    options = sdk.HttpOptions(base_url=simulator.base_url("google"))
    with genai.Client(api_key="any", http_options=options) as client:
        yield client


def generate(client: genai.Client, model: str, **config: Any) -> Any:
    return client.models.generate_content(
        model=model, contents="A cat", config=sdk.GenerateContentConfig(**config)
    )


def film(simulator: Simulator) -> Iterator[dict[str, Any]]:
    """A video's operation as it is started and looked at twice."""
    base = f"{simulator.base_url('google')}/v1beta"
    body = {
        "instances": [{"prompt": "A cat"}],
        "parameters": {"aspectRatio": "9:16", "durationSeconds": 6},
    }
    url = f"{base}/models/{VEO}:predictLongRunning"
    started: dict[str, Any] = httpx.post(url, json=body, verify=False).json()
    yield started
    for _ in range(2):
        yield httpx.get(f"{base}/{started['name']}", verify=False).json()


class TestSdk:
    def test_embeddings(self, client: genai.Client) -> None:
        config = sdk.EmbedContentConfig(output_dimensionality=4, task_type="RETRIEVAL_QUERY")
        found = client.models.embed_content(
            model="gemini-embedding-001", contents=["a", "b"], config=config
        )
        assert found.embeddings is not None
        first, second = (each.values for each in found.embeddings)
        assert first is not None
        assert len(first) == 4
        assert first != second

    def test_a_picture_with_words(self, client: genai.Client) -> None:
        answer = generate(
            client, DRAWS, image_config=sdk.ImageConfig(aspect_ratio="16:9", image_size="2K")
        )
        words, picture = answer.candidates[0].content.parts
        assert words.text == "Echo: A cat"
        assert picture.inline_data.mime_type == "image/png"
        assert picture.inline_data.data.startswith(b"\x89PNG")

    def test_speech(self, client: genai.Client) -> None:
        voice = sdk.PrebuiltVoiceConfig(voice_name="Puck")
        speech = sdk.SpeechConfig(voice_config=sdk.VoiceConfig(prebuilt_voice_config=voice))
        answer = generate(client, SPEAKS, response_modalities=["AUDIO"], speech_config=speech)
        (sound,) = answer.candidates[0].content.parts
        assert sound.inline_data.mime_type == "audio/L16;codec=pcm;rate=24000"
        assert sound.inline_data.data

    def test_streamed_speech_comes_in_pieces(self, client: genai.Client) -> None:
        chunks = list(
            client.models.generate_content_stream(
                model=SPEAKS,
                contents=" ".join(["word"] * 30),
                config=sdk.GenerateContentConfig(response_modalities=["AUDIO"]),
            )
        )
        sounds = [
            part.inline_data.data
            for chunk in chunks
            for part in chunk.candidates[0].content.parts or ()  # type: ignore[index,union-attr]
            if part.inline_data
        ]
        assert len(sounds) > 1

    def test_a_search_is_cited(self, client: genai.Client) -> None:
        answer = generate(
            client, "gemini-3.5-flash", tools=[sdk.Tool(google_search=sdk.GoogleSearch())]
        )
        found = answer.candidates[0].grounding_metadata
        assert found.grounding_chunks[0].web.uri == "https://echo.example/"
        assert found.grounding_supports[0].grounding_chunk_indices == [0]

    def test_a_video_is_made_and_downloaded(
        self, simulator: Simulator, client: genai.Client
    ) -> None:
        looks = list(film(simulator))
        assert [each.get("done") for each in looks] == [None, None, True]
        (sample,) = looks[-1]["response"]["generateVideoResponse"]["generatedSamples"]
        made = sdk.Video(uri=sample["video"]["uri"])
        assert client.files.download(file=made)[4:8] == b"ftyp"

    def test_models_say_what_they_are_asked_by(self, client: genai.Client) -> None:
        methods = {model.name: model.supported_actions for model in client.models.list()}
        assert methods[f"models/{VEO}"] == ["predictLongRunning"]
        assert "embedContent" in (methods[f"models/{EMBEDS}"] or ())
        assert "generateContent" in (methods[f"models/{DRAWS}"] or ())


class TestRefusals:
    @pytest.mark.parametrize(
        ("model", "config", "said"),
        [
            ("gemini-3.5-flash", {"response_modalities": ["IMAGE"]}, "combination of response"),
            (SPEAKS, {"response_modalities": ["TEXT"]}, "combination of response"),
            (SPEAKS, {"system_instruction": "Whisper."}, "Developer instruction"),
            (DRAWS, {"candidate_count": 2}, "Multiple candidates"),
            (DRAWS, {"image_config": {"aspect_ratio": "7:4"}}, "aspect_ratio"),
            (DRAWS, {"response_mime_type": "image/png"}, "allowed mimetypes"),
            (
                "gemini-2.5-flash",
                {
                    "tools": [
                        {"google_search": {}},
                        {"function_declarations": [{"name": "weather"}]},
                    ]
                },
                "function calling is unsupported",
            ),
            (
                "gemini-3.5-flash",
                {
                    "tools": [
                        {"google_search": {}},
                        {"function_declarations": [{"name": "weather"}]},
                    ]
                },
                "include_server_side_tool_invocations",
            ),
        ],
    )
    def test_what_a_model_does_not_do(
        self, client: genai.Client, model: str, config: dict[str, Any], said: str
    ) -> None:
        with pytest.raises(sdk_errors.ClientError, match=said):
            generate(client, model, **config)

    @pytest.mark.parametrize(
        ("path", "body", "status", "said"),
        [
            (f"{EMBEDS}:embedContent", {}, 400, "contents is not specified"),
            (f"{EMBEDS}:embedContent", {"content": {}, "x": 1}, 400, "Unknown name"),
            ("gemini-3.5-flash:embedContent", {"content": {}}, 404, "not supported for embed"),
            (f"{EMBEDS}:batchEmbedContents", {"requests": []}, 400, "not specified"),
            (
                f"{EMBEDS}:batchEmbedContents",
                {"requests": [{"model": "models/x", "content": {"parts": [{"text": "a"}]}}]},
                400,
                "must match",
            ),
            (
                "gemini-embedding-001:embedContent",
                {"content": {"parts": [{"inlineData": {"mimeType": "a/b", "data": "AA=="}}]}},
                400,
                "Multimodal input",
            ),
            ("imagen-4.0-generate-001:predict", {"instances": []}, 400, "exactly one"),
            (
                "imagen-4.0-generate-001:predict",
                {"instances": [{"prompt": "a"}], "parameters": {"sampleCount": 5}},
                400,
                "sampleCount",
            ),
            (
                "imagen-4.0-generate-001:predict",
                {"instances": [{"prompt": "a"}], "parameters": {"seed": 5}},
                400,
                "Unknown name",
            ),
            (f"{VEO}:predict", {"instances": [{"prompt": "a"}]}, 404, "not supported for predict"),
            (f"{VEO}:predictLongRunning", {"instances": [{}]}, 400, "Text prompt"),
            (
                f"{VEO}:predictLongRunning",
                {"instances": [{"prompt": "a"}], "parameters": {"aspectRatio": "1:1"}},
                400,
                "aspectRatio",
            ),
            (
                f"{VEO}:predictLongRunning",
                {"instances": [{"prompt": "a", "image": {"inlineData": {}}}]},
                400,
                "bytesBase64Encoded",
            ),
        ],
    )
    def test_what_is_said_wrongly(
        self, simulator: Simulator, path: str, body: Any, status: int, said: str
    ) -> None:
        url = f"{simulator.base_url('google')}/v1beta/models/{path}"
        answer = httpx.post(url, json=body, verify=False)
        assert answer.status_code == status
        assert said in json.loads(answer.text)["error"]["message"]

    def test_a_file_that_is_not_there_is_refused(self, simulator: Simulator) -> None:
        base = simulator.base_url("google")
        for path in ("v1beta/files/abc:download", "download/v1beta/files/abc:download"):
            answer = httpx.get(f"{base}/{path}", params={"alt": "media"}, verify=False)
            assert answer.status_code == 403

    def test_files_are_elsewhere_than_they_are_said_to_be(self, simulator: Simulator) -> None:
        *_, done = film(simulator)
        name = done["name"].rpartition("/")[2]
        url = f"{simulator.base_url('google')}/v1beta/files/{name}:download?alt=media"
        answer = httpx.get(url, verify=False)
        assert answer.status_code == 302
        assert answer.headers["location"] == f"/download/v1beta/files/{name}:download?alt=media"
