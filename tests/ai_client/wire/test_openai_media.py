"""Embeddings, speech and videos of OpenAI's API: what is asked, and what the answers say."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any, cast

import pytest

from ai_client.capabilities import Capability, MediaOrientation, Modality
from ai_client.errors import BadContent, InvalidRequest, MalformedAnswer, UnsupportedFeature
from ai_client.messages import (
    EmbeddingResult,
    File,
    FinishReason,
    GenerationRequest,
    GenerativeAiOperation,
    GenerativeAiResult,
    Message,
    MessagePart,
    ModelConfig,
    Role,
    TokenUsage,
    WebSearch,
    user_message,
)
from ai_client.wire import ResultFace, Target, WireRequest, asking_face, client_face

CHAT = client_face("openai_chat")
PNG = File("image/png", base64_data="AAAA")


def face(name: str) -> ResultFace:
    return cast(ResultFace, asking_face(name))


def asked(
    wire: str, *parts: str | File | MessagePart, model: str = "m", **config: Any
) -> WireRequest:
    request = GenerationRequest((user_message(*parts),), ModelConfig(**config))
    return face(wire).render_request(request, Target(model, "OpenAI"))


# --- embeddings ---------------------------------------------------------------------------------


def embedding(*texts: str, **config: Any) -> WireRequest:
    request = GenerationRequest(tuple(map(user_message, texts)), ModelConfig(**config))
    return face("openai_embeddings").render_request(request, Target("text-embedding-3-small"))


def vectors(sent: WireRequest, *entries: Any, **more: Any) -> EmbeddingResult:
    body = json.dumps({"object": "list", "model": "m", "data": entries, **more}).encode()
    result = face("openai_embeddings").parse_result(body, "application/json", sent)
    assert isinstance(result, EmbeddingResult)
    return result


def test_one_input_is_a_text_and_several_are_a_list() -> None:
    assert embedding("a").body == {"model": "text-embedding-3-small", "input": "a"}
    assert embedding("a", "b", dimensions=64, end_user="u").body == {
        "model": "text-embedding-3-small",
        "input": ["a", "b"],
        "dimensions": 64,
        "user": "u",
    }


def test_vectors_stand_in_the_order_of_the_inputs() -> None:
    result = vectors(
        embedding("a", "b"),
        {"index": 1, "embedding": [3, 4.5]},
        {"index": 0, "embedding": [1, 2]},
        usage={"prompt_tokens": 2, "total_tokens": 2},
    )
    assert result.embeddings == ((1.0, 2.0), (3.0, 4.5))
    assert (result.model, result.usage) == ("m", TokenUsage(2, 0, 2))
    assert result.additional_data == {"object": "list"}


def test_vectors_come_as_base64_too() -> None:
    sent = embedding("a", output_mime_type="application/base64")
    assert sent.body["encoding_format"] == "base64"
    packed = base64.b64encode(struct.pack("<3f", 0.5, -1.0, 2.25)).decode()
    assert vectors(sent, {"index": 0, "embedding": packed}).to_vector() == (0.5, -1.0, 2.25)


@pytest.mark.parametrize(
    "entries",
    [
        [{"index": 0, "embedding": [1.0]}],
        [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": []}],
        [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": [True]}],
        [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": "AAA="}],
        [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": "AADAfw=="}],
        [{"index": 0, "embedding": [1.0]}, {"index": 1}],
    ],
    ids=["too few", "empty", "no number", "cut", "not a number", "missing"],
)
def test_vectors_that_are_none_are_malformed(entries: list[Any]) -> None:
    with pytest.raises(MalformedAnswer):
        vectors(embedding("a", "b"), *entries)


def test_blank_inputs_and_files_are_refused() -> None:
    blank = GenerationRequest((user_message("a"), Message(Role.USER, (MessagePart(" "),))))
    with pytest.raises(InvalidRequest) as caught:
        face("openai_embeddings").render_request(blank, Target("m"))
    assert caught.value.param == "messages[1]"
    with pytest.raises(UnsupportedFeature):
        asked("openai_embeddings", PNG)


def test_a_forwarded_body_says_how_many_vectors_are_expected() -> None:
    forward = face("openai_embeddings").forward_request
    counts = [
        forward({"input": given}, Target("m"), stream=False).expects["inputs"]
        for given in ("a", ["a", "b"], [1, 2, 3], [[1, 2], [3]])
    ]
    assert counts == [1, 2, 1, 2]


# --- speech -------------------------------------------------------------------------------------


def test_speech_names_voice_and_format() -> None:
    sent = asked(
        "openai_speech",
        "Hello",
        model="gpt-4o-mini-tts",
        output_speech_voice="nova",
        output_mime_type="audio/wav",
        system_instruction=(MessagePart("Whisper."),),
        custom_options={"speed": 1.5},
    )
    assert (sent.path, sent.expects) == ("audio/speech", {"mime_type": "audio/wav"})
    assert sent.body == {
        "model": "gpt-4o-mini-tts",
        "input": "Hello",
        "voice": "nova",
        "instructions": "Whisper.",
        "response_format": "wav",
        "speed": 1.5,
    }


def test_a_voice_is_always_said() -> None:
    assert asked("openai_speech", "Hello").body["voice"] == "alloy"
    own = asked("openai_speech", "Hello", custom_options={"voice": {"id": "voice_1"}})
    assert own.body["voice"] == {"id": "voice_1"}


@pytest.mark.parametrize(
    ("model", "config", "param"),
    [
        ("tts-1", {"system_instruction": (MessagePart("Whisper."),)}, "system_instruction"),
        ("tts-1", {"output_mime_type": "audio/midi"}, "output_mime_type"),
        ("tts-1", {"candidate_count": 2}, "candidate_count"),
    ],
)
def test_what_speech_cannot_be_asked_for(model: str, config: Any, param: str) -> None:
    with pytest.raises(UnsupportedFeature) as caught:
        asked("openai_speech", "Hello", model=model, **config)
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("content_type", "mime_type"),
    [
        ("audio/mpeg", "audio/mpeg"),
        ("audio/mp3", "audio/mpeg"),
        ("audio/flac", "audio/flac"),
        ("application/octet-stream", "audio/wav"),
        ("", "audio/wav"),
    ],
)
def test_the_answer_is_the_audio_itself(content_type: str, mime_type: str) -> None:
    sent = asked("openai_speech", "Hello", output_mime_type="audio/wav")
    result = face("openai_speech").parse_result(b"RIFFdata", content_type, sent)
    assert isinstance(result, GenerativeAiResult)
    expected = File(mime_type, base64_data=base64.b64encode(b"RIFFdata").decode())
    assert result.to_audio_file() == expected
    assert result.candidates[0].finish_reason is FinishReason.STOP


def test_events_are_no_audio() -> None:
    sent = asked("openai_speech", "Hello")
    with pytest.raises(BadContent):
        face("openai_speech").parse_result(b"data: {}\n\n", "text/event-stream", sent)


# --- videos -------------------------------------------------------------------------------------


def test_a_video_is_asked_for_with_its_size_and_first_picture() -> None:
    sent = asked(
        "openai_videos",
        "A cat",
        PNG,
        model="sora-2",
        output_media_orientation=MediaOrientation.LANDSCAPE,
        custom_options={"seconds": "8"},
    )
    assert (sent.path, sent.body) == (
        "videos",
        {
            "model": "sora-2",
            "prompt": "A cat",
            "input_reference": {"image_url": "data:image/png;base64,AAAA"},
            "size": "1280x720",
            "seconds": "8",
        },
    )
    assert asked("openai_videos", "x", output_media_aspect_ratio="9:16").body["size"] == "720x1280"


@pytest.mark.parametrize(
    ("parts", "config"),
    [
        (("x",), {"output_media_orientation": MediaOrientation.SQUARE}),
        (("x",), {"output_media_aspect_ratio": "1:1"}),
        (("x",), {"output_mime_type": "video/webm"}),
        (("x", PNG, PNG), {}),
        (("x", File("audio/mpeg", base64_data="AAAA")), {}),
    ],
)
def test_what_videos_cannot_be_asked_for(parts: Any, config: Any) -> None:
    with pytest.raises(UnsupportedFeature):
        asked("openai_videos", *parts, **config)


def test_a_failed_video_says_why_without_what_is_secret() -> None:
    body = {
        "id": "video_1",
        "status": "failed",
        "progress": 3,
        "error": {"code": "x", "message": "Blocked: see https://internal.example/a"},
    }
    result = face("openai_videos").parse_result(
        json.dumps(body).encode(), "application/json", asked("openai_videos", "x")
    )
    assert isinstance(result, GenerativeAiOperation)
    assert result.error == "Blocked: see [removed]"
    assert result.progress == 3


# --- chat ---------------------------------------------------------------------------------------


def chat(*messages: Message, stream: bool = False, **config: Any) -> dict[str, Any]:
    capability = config.pop("capability", Capability.TEXT_GENERATION)
    request = GenerationRequest(
        messages or (user_message("Hi"),), ModelConfig(**config), stream, capability
    )
    return CHAT.render_request(request, Target("gpt-audio")).body


SPOKEN = (Modality.TEXT, Modality.AUDIO)


@pytest.mark.parametrize(
    ("config", "audio"),
    [
        ({"output_modalities": SPOKEN}, {"voice": "alloy", "format": "wav"}),
        (
            {"output_modalities": SPOKEN, "output_speech_voice": "nova", "stream": True},
            {"voice": "nova", "format": "pcm16"},
        ),
        (
            {"output_modalities": SPOKEN, "output_mime_type": "audio/mpeg"},
            {"voice": "alloy", "format": "mp3"},
        ),
        (
            {"output_modalities": SPOKEN, "custom_options": {"audio": {"voice": {"id": "v"}}}},
            {"voice": {"id": "v"}},
        ),
        ({"capability": Capability.SPEECH_GENERATION}, {"voice": "alloy", "format": "wav"}),
    ],
)
def test_a_spoken_answer_is_asked_for_with_voice_and_format(config: Any, audio: Any) -> None:
    body = chat(**config)
    assert (body["modalities"], body["audio"]) == (["text", "audio"], audio)
    assert "response_format" not in body


def test_audio_alone_and_images_come_with_text() -> None:
    assert chat(output_modalities=(Modality.AUDIO,))["modalities"] == ["text", "audio"]
    assert chat(output_modalities=(Modality.IMAGE,))["modalities"] == ["text", "image"]
    assert "modalities" not in chat(output_modalities=(Modality.TEXT,))
    with pytest.raises(UnsupportedFeature):
        chat(output_modalities=(Modality.TEXT, Modality.VIDEO))


def test_a_search_of_the_web_is_asked_for_and_cannot_be_narrowed_down() -> None:
    assert chat(web_search=WebSearch())["web_search_options"] == {}
    with pytest.raises(UnsupportedFeature) as caught:
        chat(web_search=WebSearch(allowed_domains=("a.example",)))
    assert caught.value.param == "web_search"


def spoken(data: bytes) -> GenerativeAiResult:
    audio = {
        "id": "audio_1",
        "expires_at": 9,
        "transcript": "Hi you",
        "data": base64.b64encode(data).decode(),
    }
    message = {"role": "assistant", "content": None, "audio": audio}
    body = {"id": "c", "choices": [{"message": message, "finish_reason": "stop"}]}
    return CHAT.parse_response(json.dumps(body).encode())


@pytest.mark.parametrize(
    ("data", "mime_type"),
    [
        (b"RIFF\x24\0\0\0WAVE", "audio/wav"),
        (b"ID3\x04", "audio/mpeg"),
        (b"\xff\xfb\x90\xc4", "audio/mpeg"),
        (b"fLaC\0", "audio/flac"),
        (b"OggS\0", "audio/ogg"),
        (b"\xff\xf1\x50", "audio/aac"),
        (b"\x01\0\x02\0", "audio/pcm;rate=24000"),
    ],
)
def test_a_spoken_answer_is_its_words_and_its_sound(data: bytes, mime_type: str) -> None:
    result = spoken(data)
    assert result.to_text() == "Hi you"
    sound = result.to_audio_file()
    assert sound == File(mime_type, base64_data=base64.b64encode(data).decode())


def test_in_later_turns_the_words_stand_for_the_sound() -> None:
    answer = spoken(b"ID3\x04").to_message()
    body = chat(user_message("Hi"), answer, user_message("And?"))
    assert body["messages"][1] == {"role": "assistant", "content": "Hi you"}


def test_sound_that_is_no_base64_is_malformed() -> None:
    body = b'{"choices": [{"message": {"audio": {"data": "?"}}, "finish_reason": "stop"}]}'
    with pytest.raises(MalformedAnswer):
        CHAT.parse_response(body)
