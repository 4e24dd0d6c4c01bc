"""Google's dialect beyond text: pictures, speech and the web, asked for and read."""

from __future__ import annotations

import base64
import io
import json
import wave
from typing import Any

import pytest
from google.genai import types as sdk

from ai_client.capabilities import Capability, FileType, MediaOrientation, Modality
from ai_client.errors import MalformedAnswer, UnsupportedFeature
from ai_client.events import PartStart, collect
from ai_client.messages import (
    File,
    FunctionDeclaration,
    GenerationRequest,
    GenerativeAiResult,
    MessagePart,
    ModelConfig,
    Reasoning,
    ToolChoice,
    WebSearch,
    user_message,
)
from ai_client.sse import Decoder
from ai_client.wire import Target
from tests.ai_client.wire.google_generate import FACE, contents, fixture, render

DRAWS = "gemini-3.1-flash-image"
SPEAKS = "gemini-2.5-flash-preview-tts"
PCM = b"\0\0\1\0\2\0\3\0"
FUNCTION = FunctionDeclaration("weather", "The weather.", {"type": "object"})


def said(model: str, **config: Any) -> dict[str, Any]:
    body: dict[str, Any] = render(model=model, config=ModelConfig(**config)).body
    generation: dict[str, Any] = body.get("generationConfig", {})
    sdk.GenerationConfig.model_validate(
        {name: value for name, value in generation.items() if name != "imageConfig"}
    )
    sdk.ImageConfig.model_validate(generation.get("imageConfig", {}))
    return generation


def refused(model: str, **config: Any) -> UnsupportedFeature:
    with pytest.raises(UnsupportedFeature) as found:
        render(model=model, config=ModelConfig(**config))
    return found.value


def files(result: GenerativeAiResult) -> list[File]:
    parts = [part for each in result.candidates for part in each.message.parts]
    return [part.content for part in parts if isinstance(part.content, File)]


def streamed(data: bytes) -> list[Any]:
    decoder, parser = Decoder(), FACE.StreamParser()
    events = [event for sse in decoder.feed(data) for event in parser.feed(sse)]
    return [*events, *parser.close()]


class TestPictures:
    def test_a_picture_is_asked_for_with_its_shape(self) -> None:
        generation = said(
            DRAWS,
            output_modalities=(Modality.TEXT, Modality.IMAGE),
            output_media_aspect_ratio="21:9",
            output_file_type=FileType.INLINE,
            candidate_count=1,
        )
        assert generation == {
            "candidateCount": 1,
            "responseModalities": ["TEXT", "IMAGE"],
            "imageConfig": {"aspectRatio": "21:9"},
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
        wanted = {"output_modalities": (Modality.IMAGE,), "output_media_orientation": orientation}
        assert said(DRAWS, **wanted)["imageConfig"] == {"aspectRatio": ratio}

    def test_the_capability_alone_asks_for_a_picture(self) -> None:
        request = GenerationRequest((user_message("A"),), capability=Capability.IMAGE_GENERATION)
        body = FACE.render_request(request, Target(DRAWS)).body
        assert body["generationConfig"] == {"responseModalities": ["IMAGE"]}

    def test_a_model_that_draws_can_be_held_to_text(self) -> None:
        text = (Modality.TEXT,)
        assert said(DRAWS, output_modalities=text) == {"responseModalities": ["TEXT"]}
        assert said("gemini-3.5-flash", output_modalities=text) == {}

    def test_the_size_is_a_custom_option_beside_the_ratio(self) -> None:
        generation = said(
            DRAWS,
            output_modalities=(Modality.IMAGE,),
            output_media_aspect_ratio="1:1",
            custom_options={"generationConfig.imageConfig.imageSize": "2K"},
        )
        assert generation["imageConfig"] == {"aspectRatio": "1:1", "imageSize": "2K"}

    def test_what_google_does_not_make_is_refused(self) -> None:
        image = {"output_modalities": (Modality.IMAGE,)}
        assert refused(DRAWS, **image, candidate_count=2).param == "candidate_count"
        assert refused(DRAWS, **image, output_mime_type="image/png").param == "output_mime_type"
        remote = refused(DRAWS, **image, output_file_type=FileType.REMOTE)
        assert remote.param == "output_file_type"
        assert refused(DRAWS, output_modalities=(Modality.VIDEO,)).param == "output_modalities"
        shape = refused("gemini-3.5-flash", output_media_aspect_ratio="1:1")
        assert shape.param == "output_media_aspect_ratio"

    def test_a_picture_comes_with_its_words_and_goes_back_signed(self) -> None:
        result = FACE.parse_response(fixture("picture.json"))
        assert files(result) == [File("image/png", "iVBORw0KGgo=")]
        assert result.candidates[0].message.text() == "Here it is."
        (_, turn, _) = contents(
            user_message("Draw."),
            result.candidates[0].message,
            user_message("Bigger."),
            model=DRAWS,
        )
        assert turn["parts"][1]["thoughtSignature"] == "c2lnbmVk"


class TestSpeech:
    def test_a_voice_is_asked_for(self) -> None:
        generation = said(SPEAKS, output_modalities=(Modality.AUDIO,), output_speech_voice="Puck")
        assert generation == {
            "responseModalities": ["AUDIO"],
            "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Puck"}}},
        }

    @pytest.mark.parametrize(
        "capability", [Capability.TEXT_TO_SPEECH_CONVERSION, Capability.SPEECH_GENERATION]
    )
    def test_the_capability_alone_speaks_with_the_usual_voice(self, capability: Capability) -> None:
        request = GenerationRequest((user_message("A"),), capability=capability)
        generation = FACE.render_request(request, Target(SPEAKS)).body["generationConfig"]
        assert generation["responseModalities"] == ["AUDIO"]
        voice = generation["speechConfig"]["voiceConfig"]["prebuiltVoiceConfig"]
        assert voice == {"voiceName": "Kore"}

    def test_two_speakers_are_a_custom_option(self) -> None:
        two: dict[str, Any] = {"multiSpeakerVoiceConfig": {"speakerVoiceConfigs": []}}
        generation = said(
            SPEAKS,
            output_modalities=(Modality.AUDIO,),
            output_mime_type="audio/wav",
            custom_options={"generationConfig": {"speechConfig": two}},
        )
        assert generation == {"responseModalities": ["AUDIO"], "speechConfig": two}

    def test_what_does_not_fit_speech_is_refused_or_left_out(self) -> None:
        audio = {"output_modalities": (Modality.AUDIO,)}
        assert refused(SPEAKS, **audio, output_mime_type="audio/mpeg").param == "output_mime_type"
        system = refused(SPEAKS, **audio, system_instruction=(MessagePart("Whisper."),))
        assert system.param == "system_instruction"
        config = ModelConfig(output_modalities=(Modality.AUDIO,), reasoning=Reasoning("high"))
        assert render(model=SPEAKS, config=config).warnings == ("reasoning",)
        unspoken = render(config=ModelConfig(output_speech_voice="Puck", dimensions=3))
        assert set(unspoken.warnings) == {"output_speech_voice", "dimensions"}

    def test_samples_become_a_file_that_plays(self) -> None:
        result = FACE.parse_response(fixture("speech.json"))
        (file,) = files(result)
        assert file.mime_type == "audio/wav"
        with wave.open(io.BytesIO(file.as_bytes())) as sound:
            assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (
                24000,
                1,
                2,
            )
            assert sound.readframes(100) == PCM

    @pytest.mark.parametrize(
        ("mime_type", "rate", "channels"),
        [
            ("audio/l16; rate=16000; channels=2", 16000, 2),
            ("audio/pcm;rate=8000", 8000, 1),
            ("audio/L16", 24000, 1),
        ],
    )
    def test_the_type_says_how_to_play_them(self, mime_type: str, rate: int, channels: int) -> None:
        (file,) = files(FACE.parse_response(self.answer(mime_type, base64.b64encode(PCM).decode())))
        with wave.open(io.BytesIO(file.as_bytes())) as sound:
            assert (sound.getframerate(), sound.getnchannels()) == (rate, channels)

    def test_sound_with_a_header_stays_as_it_came(self) -> None:
        (file,) = files(FACE.parse_response(self.answer("audio/wav", "UklGRg==")))
        assert file == File("audio/wav", "UklGRg==")

    def test_pieces_of_a_stream_are_one_file(self) -> None:
        events = streamed(fixture("speech.sse"))
        assert len([event for event in events if isinstance(event, PartStart)]) == 1
        whole = FACE.parse_response(fixture("speech.json"))
        assert files(collect(events)) == files(whole)

    def test_damaged_samples_are_told(self) -> None:
        with pytest.raises(MalformedAnswer, match="base64"):
            FACE.parse_response(self.answer("audio/L16", "%"))

    def answer(self, mime_type: str, data: str) -> bytes:
        part = {"inlineData": {"mimeType": mime_type, "data": data}}
        candidate = {"content": {"parts": [part]}, "finishReason": "STOP"}
        return json.dumps({"candidates": [candidate]}).encode()


class TestTheWeb:
    def test_the_web_is_a_tool(self) -> None:
        body = render(config=ModelConfig(web_search=WebSearch())).body
        assert body["tools"] == [{"googleSearch": {}}]
        assert "toolConfig" not in body
        sdk.Tool.model_validate(body["tools"][0])

    def test_it_goes_with_functions_since_gemini_3(self) -> None:
        config = ModelConfig(
            web_search=WebSearch(),
            function_declarations=(FUNCTION,),
            tool_choice=ToolChoice("auto"),
        )
        body = render(model="gemini-3.5-flash", config=config).body
        assert [list(tool) for tool in body["tools"]] == [
            ["functionDeclarations"],
            ["googleSearch"],
        ]
        assert body["toolConfig"] == {
            "functionCallingConfig": {"mode": "AUTO"},
            "includeServerSideToolInvocations": True,
        }
        sdk.ToolConfig.model_validate(body["toolConfig"])
        with pytest.raises(UnsupportedFeature, match="tools with web search"):
            render(model="gemini-2.5-flash", config=config)

    def test_it_goes_with_json_since_gemini_3(self) -> None:
        config = {"web_search": WebSearch(), "output_mime_type": "application/json"}
        assert said("gemini-3.5-flash", **config) == {"responseMimeType": "application/json"}
        assert "web search with JSON" in refused("gemini-2.5-flash", **config).message

    @pytest.mark.parametrize(
        "search", [WebSearch(allowed_domains=("a.b",)), WebSearch(disallowed_domains=("a.b",))]
    )
    def test_it_cannot_be_narrowed_down(self, search: WebSearch) -> None:
        assert refused("gemini-3.5-flash", web_search=search).param == "web_search"


class TestFilesOfAPrompt:
    @pytest.mark.parametrize(
        "mime_type",
        ["audio/wav", "audio/mpeg", "video/mp4", "application/pdf", "text/csv", "image/heic"],
    )
    def test_what_gemini_reads_is_sent_inline(self, mime_type: str) -> None:
        (turn,) = contents(user_message("What is this?", File(mime_type, "AAAA")))
        assert turn["parts"][1] == {"inlineData": {"mimeType": mime_type, "data": "AAAA"}}

    @pytest.mark.parametrize(
        ("url", "mime_type"),
        [
            ("https://example.com/a.webm?x=1", "video/webm"),
            ("https://example.com/a.flac", "audio/flac"),
            ("https://example.com/a.csv", "text/csv"),
            ("gs://bucket/a.mov", "video/quicktime"),
        ],
    )
    def test_the_type_of_a_remote_file_is_that_of_its_name(self, url: str, mime_type: str) -> None:
        (turn,) = contents(user_message("What is this?", File("video/*", url=url)))
        assert turn["parts"][1] == {"fileData": {"fileUri": url, "mimeType": mime_type}}

    @pytest.mark.parametrize(
        "url",
        ["https://www.youtube.com/watch?v=abc", "https://youtu.be/abc", "https://YouTube.com/x"],
    )
    def test_a_page_of_youtube_has_no_type(self, url: str) -> None:
        (turn,) = contents(user_message("What happens?", File("video/mp4", url=url)))
        assert turn["parts"][1] == {"fileData": {"fileUri": url}}
