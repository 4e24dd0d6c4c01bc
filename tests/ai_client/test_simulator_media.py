"""OpenAI's media in the simulator: the official SDK understands them, and what they refuse."""

from __future__ import annotations

import base64
import io
import struct
import wave
import zlib
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from ai_client.simulator import Simulator
from ai_client.simulator.media_files import PICTURES
from tests import upstreams
from tests.upstreams import KEY

simulator = upstreams.simulator
locked_simulator = upstreams.locked_simulator


def sdk(simulator: Simulator, key: str = "sk-any") -> openai.OpenAI:
    url = simulator.base_url("openai")
    return openai.OpenAI(api_key=key, base_url=url, max_retries=0, timeout=20)


@pytest.fixture
def client(simulator: Simulator) -> Iterator[openai.OpenAI]:
    with sdk(simulator) as client:
        yield client


def size_of(png: bytes) -> tuple[int, int]:
    """The size of a PNG whose picture is all there."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    start = png.index(b"IDAT")
    (length,) = struct.unpack(">I", png[start - 4 : start])
    assert len(zlib.decompress(png[start + 4 : start + 4 + length])) == (width * 3 + 1) * height
    return width, height


@pytest.mark.parametrize(
    ("size", "expected"),
    [("1024x1024", (16, 16)), ("1536x1024", (24, 16)), ("1024x1536", (16, 24))],
)
def test_images_have_the_proportions_asked_for(
    client: openai.OpenAI, size: Any, expected: tuple[int, int]
) -> None:
    answer = client.images.generate(model="gpt-image-1", prompt="A cat", size=size, n=2)
    assert answer.data is not None
    pictures = [base64.b64decode(each.b64_json or "") for each in answer.data]
    assert [size_of(each) for each in pictures] == [expected] * 2
    assert pictures[0] != pictures[1]
    assert answer.usage is not None
    again = client.images.generate(model="gpt-image-1", prompt="A cat", size=size, n=2)
    assert again == answer


@pytest.mark.parametrize(
    ("kind", "start", "end"),
    [("jpeg", b"\xff\xd8\xff\xdb", b"\xff\xd9"), ("webp", b"RIFF", b""), ("png", b"\x89PNG", b"")],
)
def test_images_have_the_format_asked_for(
    client: openai.OpenAI, kind: Any, start: bytes, end: bytes
) -> None:
    answer = client.images.generate(model="gpt-image-1", prompt="A cat", output_format=kind)
    assert answer.data is not None
    assert answer.output_format == kind
    picture = base64.b64decode(answer.data[0].b64_json or "")
    assert picture.startswith(start)
    assert picture.endswith(end)


def test_dall_e_answers_with_addresses(client: openai.OpenAI) -> None:
    answer = client.images.generate(model="dall-e-3", prompt="A cat")
    assert answer.data is not None
    assert answer.data[0].url is not None
    assert answer.data[0].url.startswith("https://")
    assert answer.data[0].revised_prompt == "A cat"


def test_images_are_edited(client: openai.OpenAI) -> None:
    picture = PICTURES["png"](2, 2, b"\1\2\3")
    answer = client.images.edit(
        model="gpt-image-1", prompt="Make it blue", image=("a.png", picture, "image/png")
    )
    assert answer.data is not None
    assert size_of(base64.b64decode(answer.data[0].b64_json or "")) == (16, 16)
    assert answer.usage is not None
    assert answer.usage.input_tokens_details.image_tokens == 1


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_embeddings(client: openai.OpenAI, encoding: Any) -> None:
    answer = client.embeddings.create(
        model="text-embedding-3-small",
        input=["one", "two words", "one"],
        dimensions=16,
        encoding_format=encoding,
    )
    vectors: list[Any] = [each.embedding for each in answer.data]
    if encoding == "base64":
        vectors = [list(struct.unpack("<16f", base64.b64decode(each))) for each in vectors]
    assert [len(each) for each in vectors] == [16] * 3
    assert vectors[0] == vectors[2] != vectors[1]
    assert sum(number * number for number in vectors[0]) == pytest.approx(1)
    assert answer.usage.prompt_tokens == 4


@pytest.mark.parametrize(
    ("model", "dimensions"), [("text-embedding-3-large", 3072), ("text-embedding-3-small", 1536)]
)
def test_embeddings_are_as_long_as_the_models(
    client: openai.OpenAI, model: str, dimensions: int
) -> None:
    answer = client.embeddings.create(model=model, input=[1, 2, 3])
    assert len(answer.data[0].embedding) == dimensions


@pytest.mark.parametrize(
    ("kind", "content_type", "start"),
    [
        ("mp3", "audio/mpeg", b"\xff\xfb"),
        ("opus", "audio/ogg", b"OggS"),
        ("aac", "audio/aac", b"\xff\xf1"),
        ("flac", "audio/flac", b"fLaC"),
        ("pcm", "audio/pcm", b""),
    ],
)
def test_speech(client: openai.OpenAI, kind: Any, content_type: str, start: bytes) -> None:
    answer = client.audio.speech.create(
        model="gpt-4o-mini-tts", input="Hello you", voice="alloy", response_format=kind
    )
    assert answer.response.headers["content-type"] == content_type
    assert answer.read().startswith(start)


def test_speech_is_as_long_as_it_has_words(client: openai.OpenAI) -> None:
    def seconds(text: str) -> float:
        answer = client.audio.speech.create(
            model="tts-1", input=text, voice="nova", response_format="wav"
        )
        with wave.open(io.BytesIO(answer.read())) as sound:
            assert (sound.getnchannels(), sound.getframerate()) == (1, 24_000)
            return float(sound.getnframes() / sound.getframerate())

    assert seconds("one two") == 2 * seconds("one")


@pytest.mark.filterwarnings("ignore:.*Sora API.*:DeprecationWarning")
def test_a_video_goes_on_as_it_is_looked_at(client: openai.OpenAI) -> None:
    picture = ("a.png", PICTURES["png"](2, 2, b"\1\2\3"), "image/png")
    started = client.videos.create(
        model="sora-2", prompt="A cat", seconds="8", input_reference=picture
    )
    assert (started.status, started.seconds, started.progress) == ("queued", "8", 0)
    with pytest.raises(openai.BadRequestError, match="not ready"):
        client.videos.download_content(started.id)
    looks = [client.videos.retrieve(started.id) for _ in range(3)]
    assert [each.status for each in looks] == ["in_progress", "completed", "completed"]
    content = client.videos.download_content(started.id)
    assert content.response.headers["content-type"] == "video/mp4"
    assert content.read()[4:8] == b"ftyp"


@pytest.mark.filterwarnings("ignore:.*Sora API.*:DeprecationWarning")
def test_a_video_fails_where_its_prompt_says_so(
    client: openai.OpenAI, simulator: Simulator
) -> None:
    started = client.videos.create(model="sora-2", prompt="Please fail")
    client.videos.retrieve(started.id)
    ended = client.videos.retrieve(started.id)
    assert ended.status == "failed"
    assert ended.error is not None
    with pytest.raises(openai.BadRequestError):
        client.videos.download_content(started.id)
    simulator.clear()
    with pytest.raises(openai.NotFoundError):
        client.videos.retrieve(started.id)


GPT = {"model": "gpt-image-1", "prompt": "A cat"}
DALL_E = {"model": "dall-e-3", "prompt": "A cat"}
EMBEDDING = {"model": "text-embedding-3-small", "input": "a"}
SPEECH = {"model": "tts-1", "input": "a", "voice": "alloy"}
VIDEO = {"model": "sora-2", "prompt": "A cat"}
SPOKEN = {
    "model": "gpt-audio",
    "messages": [{"role": "user", "content": "Hi"}],
    "modalities": ["text", "audio"],
    "audio": {"voice": "alloy", "format": "wav"},
}


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("images/generations", {"model": "gpt-image-1"}, "prompt"),
        ("images/generations", {**GPT, "response_format": "url"}, "response_format"),
        ("images/generations", {**GPT, "size": "256x256"}, "size"),
        ("images/generations", {**GPT, "n": 11}, "n"),
        ("images/generations", {**GPT, "output_format": "gif"}, "output_format"),
        ("images/generations", {**DALL_E, "n": 2}, "n"),
        ("images/generations", {**DALL_E, "output_format": "png"}, "output_format"),
        ("images/generations", {**GPT, "model": "strict", "x": 1}, "x"),
        ("images/edits", GPT, "images"),
        ("images/edits", {**GPT, "images": [{"image_url": "ftp://x"}]}, "images[0]"),
        ("images/edits", {**DALL_E, "images": [{"file_id": "f"}]}, "model"),
        ("embeddings", {**EMBEDDING, "input": ""}, "input"),
        ("embeddings", {**EMBEDDING, "input": ["a", ""]}, "input"),
        ("embeddings", {**EMBEDDING, "input": []}, "input"),
        ("embeddings", {**EMBEDDING, "dimensions": 0}, "dimensions"),
        ("embeddings", {**EMBEDDING, "dimensions": 4096}, "dimensions"),
        (
            "embeddings",
            {"model": "text-embedding-ada-002", "input": "a", "dimensions": 8},
            "dimensions",
        ),
        ("embeddings", {**EMBEDDING, "encoding_format": "int8"}, "encoding_format"),
        ("audio/speech", {"model": "tts-1", "input": "a"}, "voice"),
        ("audio/speech", {**SPEECH, "voice": "nobody"}, "voice"),
        ("audio/speech", {**SPEECH, "input": "a" * 4097}, "input"),
        ("audio/speech", {**SPEECH, "speed": 5}, "speed"),
        ("audio/speech", {**SPEECH, "instructions": "Whisper."}, "instructions"),
        ("audio/speech", {**SPEECH, "response_format": "midi"}, "response_format"),
        ("videos", {"model": "sora-2"}, "prompt"),
        ("videos", {**VIDEO, "size": "1024x1024"}, "size"),
        ("videos", {**VIDEO, "seconds": 8}, "seconds"),
        ("videos", {**VIDEO, "input_reference": {"image_url": "x"}}, "input_reference"),
        ("chat/completions", {**SPOKEN, "model": "gpt-4o-mini"}, "modalities"),
        ("chat/completions", {**SPOKEN, "modalities": ["audio"]}, "modalities"),
        ("chat/completions", {**SPOKEN, "modalities": ["text", "video"]}, "modalities"),
        ("chat/completions", {**SPOKEN, "audio": None}, "audio"),
        ("chat/completions", {**SPOKEN, "stream": True}, "audio.format"),
        ("chat/completions", {**SPOKEN, "web_search_options": {}}, "web_search_options"),
    ],
)
def test_what_is_refused(
    client: openai.OpenAI, path: str, body: dict[str, Any], param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.post(f"/{path}", body=body, cast_to=object)
    assert caught.value.type == "invalid_request_error"
    assert caught.value.param == param


def test_spoken_answers(client: openai.OpenAI) -> None:
    asked: Any = {**SPOKEN}
    answer = client.chat.completions.create(**asked)
    message = answer.choices[0].message
    assert message.content is None
    assert message.audio is not None
    assert message.audio.transcript == "Echo: Hi"
    assert base64.b64decode(message.audio.data).startswith(b"RIFF")


def test_spoken_answers_stream_words_and_then_sound(client: openai.OpenAI) -> None:
    asked: Any = {**SPOKEN, "audio": {"voice": "alloy", "format": "pcm16"}, "stream": True}
    deltas = [
        chunk.choices[0].delta.model_dump(exclude_none=True).get("audio", {})
        for chunk in client.chat.completions.create(**asked)
        if chunk.choices
    ]
    assert "".join(each.get("transcript", "") for each in deltas) == "Echo: Hi"
    sound = b"".join(base64.b64decode(each.get("data", "")) for each in deltas)
    assert len(sound) == 2 * 240 * 2
    assert all("data" not in each for each in deltas[:2])


def test_a_model_that_searches_cites(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model="gpt-4o-search-preview",
        messages=[{"role": "user", "content": "Hi"}],
        web_search_options={},
    )
    annotations = answer.choices[0].message.annotations
    assert annotations is not None
    (citation,) = annotations
    assert citation.url_citation.url == "https://echo.example/"


@pytest.mark.parametrize("failure", ["status-503", "overloaded", "empty", "cut-json"])
def test_failures_by_the_name_of_the_model(client: openai.OpenAI, failure: str) -> None:
    def ask() -> Any:
        return client.images.generate(model=f"fail-{failure}@1", prompt="A cat")

    if failure == "empty":
        assert ask().data == []
    else:
        with pytest.raises((openai.InternalServerError, ValueError)):
            ask()
    assert len(ask().data) == 1


def test_the_key_is_asked_for(locked_simulator: Simulator) -> None:
    with sdk(locked_simulator) as stranger, pytest.raises(openai.AuthenticationError):
        stranger.embeddings.create(model="m", input="a")
    with sdk(locked_simulator, KEY) as client:
        assert client.embeddings.create(model="m", input="a").data
