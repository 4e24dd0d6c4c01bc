"""Scenarios of what is no text: pictures, vectors, speech, and a video that takes its time."""

from __future__ import annotations

from typing import Any

import pytest

from ai_client import (
    EmbeddingResult,
    GenerativeAiResult,
    Modality,
    PromptBuilder,
    model_message,
    prompt,
    user_message,
)
from ai_client.errors import InvalidArgument, ServerFailed
from ai_client.messages import OperationState
from tests.ai_client.scenarios.conversations import PICTURE
from tests.ai_client.scenarios.scenario import Scenarios, seen, told
from tests.ai_client.scenarios.stage import Stage
from tests.ai_client.scenarios.upstreams import OPENAI
from tests.ai_client.scenarios.ways import WHOLE

scenario = Scenarios(alone=True)


def _vectors(result: EmbeddingResult) -> object:
    return result.model, result.embeddings, result.usage


def _pictures(result: GenerativeAiResult) -> list[tuple[str, tuple[int, int]]]:
    """Types of the pictures with their widths and heights."""
    found = []
    for file in result.to_image_files():
        data = file.as_bytes()
        assert data.startswith(b"\x89PNG")
        size = int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
        found.append((file.mime_type, size))
    return found


@scenario.in_ways(*WHOLE)
def an_image(stage: Stage) -> object:
    result = stage.way.images(prompt("A red parrot"))
    ((kind, (width, height)),) = _pictures(result)
    assert kind == "image/png"
    assert width == height
    assert result.provider_metadata is not None
    assert result.provider_metadata.id == stage.upstream.slug
    assert result.model in stage.upstream.others
    return seen(result)


@scenario.in_ways(*WHOLE)
def an_image_that_is_wide(stage: Stage) -> object:
    result = stage.way.images(prompt("A red parrot").as_output_media_orientation("landscape"))
    ((_, (width, height)),) = _pictures(result)
    assert width > height
    return seen(result)


@scenario.in_ways(*WHOLE)
def several_images(stage: Stage) -> object:
    result = stage.way.images(prompt("A red parrot").using_candidate_count(2))
    assert len(_pictures(result)) == 2
    first, second = result.to_image_files()
    assert first.as_bytes() != second.as_bytes()
    return seen(result)


@scenario.in_ways(*WHOLE)
def an_image_of_an_image(stage: Stage) -> object:
    result = stage.way.images(prompt("Make it red").with_file(PICTURE))
    assert len(_pictures(result)) == 1
    assert PICTURE.base64_data is not None
    assert PICTURE.base64_data in stage.requests[-1].body.decode()
    return seen(result)


@scenario.in_ways(*WHOLE)
def an_image_that_is_changed_in_the_next_turn(stage: Stage) -> object:
    asked = prompt("Now in blue").with_history(user_message("A parrot"), model_message(PICTURE))
    result = stage.way.images(asked)
    assert len(_pictures(result)) == 1
    assert PICTURE.base64_data is not None
    assert PICTURE.base64_data in stage.requests[-1].body.decode()
    return seen(result)


@scenario
def a_picture_among_words(stage: Stage) -> object:
    asked = prompt("Draw and tell").as_output_modalities(Modality.IMAGE, Modality.TEXT)
    result = stage.way.result(asked)
    assert result.to_text() == "Echo: Draw and tell"
    assert len(_pictures(result)) == 1
    return seen(result)


@scenario.in_ways(*WHOLE)
def one_vector(stage: Stage) -> object:
    result = stage.way.embeddings(prompt("gravity"))
    assert len(result.embeddings) == 1
    assert len(result.to_vector()) == result.dimensions > 1000
    assert result.model in stage.upstream.others, "it is stored with the vector"
    assert result.usage is not None
    assert result.usage.prompt_tokens == 1
    return _vectors(result)


@scenario.in_ways(*WHOLE)
def many_vectors(stage: Stage) -> object:
    words = ("gravity", "light", "heat")
    result = stage.way.embeddings(prompt().with_input(*words))
    assert len(set(result.to_vectors())) == 3
    alone = [stage.way.embeddings(prompt(word)).to_vector() for word in words]
    assert list(result.to_vectors()) == alone, "the order is that of the inputs"
    return _vectors(result)


@scenario.in_ways(*WHOLE)
def vectors_of_a_length(stage: Stage) -> object:
    result = stage.way.embeddings(prompt("gravity").using_dimensions(256))
    assert result.dimensions == 256
    return _vectors(result)


@scenario.in_ways(*WHOLE)
def a_blank_input_has_no_vector(stage: Stage) -> object:
    with pytest.raises(InvalidArgument) as caught:
        stage.way.embeddings(prompt().with_input("gravity", " "))
    assert caught.value.param == "prompt"
    assert not stage.requests
    return told(caught.value)


@scenario.in_ways(*WHOLE)
def text_read_aloud(stage: Stage) -> object:
    asked = prompt("Good morning").as_output_speech_voice(stage.upstream.voice or "somebody")
    file = stage.way.read_aloud(asked).to_audio_file()
    assert len(file.as_bytes()) > 500
    assert stage.upstream.voice in stage.requests[-1].body.decode()
    return file


@scenario.in_ways(*WHOLE)
def text_read_aloud_by_anybody(stage: Stage) -> object:
    """A voice need not be chosen."""
    file = stage.way.read_aloud(prompt("Good morning")).to_audio_file()
    assert len(file.as_bytes()) > 500
    return file


@scenario.in_ways(*WHOLE)
def text_read_aloud_in_a_format(stage: Stage) -> object:
    asked = prompt("Good morning").as_output_mime_type("audio/mpeg")
    file = stage.way.read_aloud(asked).to_audio_file()
    assert file.mime_type == "audio/mpeg"
    return file


@scenario.in_ways(*WHOLE)
def text_read_aloud_in_a_format_of_who_has_it(stage: Stage) -> object:
    """Who makes no such format is passed over, and does not count as one who can."""
    asked = prompt("Good morning").as_output_mime_type("audio/mpeg")
    makes_it = stage.upstream.slug not in ("anthropic", "google")
    stage.connect(stage.own())
    assert stage.way.is_supported(asked, "text_to_speech_conversion") is makes_it
    stage.connect(stage.own(), stage.of(OPENAI, name="last"))
    stage.clear_log()
    file = stage.way.read_aloud(asked).to_audio_file()
    assert file.mime_type == "audio/mpeg"
    assert len(stage.attempts()) == 1
    return file


@scenario.in_ways(*WHOLE)
def text_read_aloud_twice(stage: Stage) -> object:
    return seen(stage.way.read_aloud(prompt("Good morning").using_candidate_count(2)))


@scenario.in_ways(*WHOLE)
def text_read_aloud_as_wav(stage: Stage) -> object:
    asked = prompt("Good morning").as_output_mime_type("audio/wav")
    file = stage.way.read_aloud(asked).to_audio_file()
    assert file.mime_type == "audio/wav"
    return file


@scenario.in_ways(*WHOLE)
def a_spoken_answer(stage: Stage) -> object:
    asked = prompt("Good morning").as_output_speech_voice(stage.upstream.voice or "somebody")
    file = stage.way.speech(asked).to_audio_file()
    assert len(file.as_bytes()) > 500
    return file


@scenario
def a_spoken_answer_among_words(stage: Stage) -> object:
    asked = prompt("Good morning").as_output_modalities(Modality.AUDIO, Modality.TEXT)
    result = stage.way.result(asked.as_output_speech_voice(stage.upstream.voice or "somebody"))
    (file,) = result.to_message().files()
    assert file.is_audio
    return len(result.candidates), file.is_audio


@scenario.in_ways(*WHOLE)
def a_video(stage: Stage) -> object:
    work = stage.way.start_video(prompt("A parrot flies"))
    states = [work.state]
    while not work.is_over:
        work = stage.way.refresh(work)
        states.append(work.state)
    assert work.state is OperationState.SUCCEEDED
    assert len(states) > 2, "it takes several looks"
    result = work.operation.result
    assert result is not None
    assert b"ftyp" in result.to_video_file().as_bytes()[:16]
    return states, seen(result)


@scenario.in_ways(*WHOLE)
def a_video_that_another_process_fetches(stage: Stage) -> object:
    stored = str(stage.way.start_video(prompt("A parrot flies")).id)
    stage.begin_again()
    found = stage.way.find(stored)
    assert found.id == stored
    assert not found.is_over
    stage.begin_again()
    result = stage.way.wait(found)
    assert b"ftyp" in result.to_video_file().as_bytes()[:16]
    return seen(result)


@scenario.in_ways(*WHOLE)
def a_video_that_fails(stage: Stage) -> object:
    work = stage.way.start_video(prompt("A parrot that will fail"))
    with pytest.raises(
        ServerFailed, match=r"did not finish the work: .*(blocked|failed)"
    ) as caught:
        stage.way.wait(work)
    return told(caught.value)


_MEDIA = {
    "image_generation": "A parrot",
    "embedding_generation": "gravity",
    "text_to_speech_conversion": "Hello",
    "speech_generation": "Hello",
    "video_generation": "A parrot",
    "music_generation": "A song",
}
_ABLE = {
    "openai": ("image", "embedding", "text_to_speech", "speech", "video"),
    "anthropic": (),
    "google": ("image", "embedding", "text_to_speech", "speech", "video"),
    "azure-ai-foundry": ("image", "embedding", "text_to_speech", "speech"),
    "openai-compatible": ("image", "embedding", "text_to_speech", "speech", "video"),
}


@scenario.in_ways(*WHOLE)
def what_is_supported_is_told(stage: Stage) -> object:
    """What ``is_supported`` says is what the other scenarios show."""
    modalities: Any = {"image": "image", "video": "video", "speech": "audio"}

    def asked(capability: str, text: str) -> PromptBuilder:
        modality = modalities.get(capability.partition("_")[0])
        return prompt(text).as_output_modalities(modality) if modality else prompt(text)

    found = [
        capability.removesuffix("_generation").removesuffix("_conversion")
        for capability, text in _MEDIA.items()
        if stage.way.is_supported(asked(capability, text), capability)
    ]
    assert tuple(found) == _ABLE[stage.upstream.slug]
    assert stage.way.is_supported(prompt("Hello"), "text_generation")
    assert not stage.requests, "it is known without asking anybody"
    return found
