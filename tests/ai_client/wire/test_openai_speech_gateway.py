"""OpenAI's text to speech as callers ask for it: bodies read, answers written."""

from __future__ import annotations

import base64
import struct
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_client.capabilities import Capability
from ai_client.errors import (
    BadContent,
    EmptyAnswer,
    InvalidRequest,
    UnsupportedFeature,
)
from ai_client.messages import Candidate, File, FinishReason, GenerativeAiResult, model_message
from ai_client.wire import RenderContext, Target, openai_speech, result_gateway_face

FACE = result_gateway_face("openai_speech")
CONTEXT = RenderContext("req_1", "asked-model", 1_700_000_000)
ASKED = {"model": "m", "input": "Hello", "voice": "alloy"}


def spoken(data: bytes, mime_type: str = "audio/wav") -> GenerativeAiResult:
    file = File(mime_type, base64_data=base64.b64encode(data).decode())
    return GenerativeAiResult("", "", (Candidate(model_message(file), FinishReason.STOP),))


def wav(samples: bytes, *, rate: int = 24_000, channels: int = 1, more: bytes = b"") -> bytes:
    form = struct.pack("<HHIIHH", 1, channels, rate, rate * 2 * channels, 2 * channels, 16)
    chunks = b"WAVE" + b"fmt " + struct.pack("<I", len(form)) + form + more
    chunks += b"data" + struct.pack("<I", len(samples)) + samples
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks


def test_a_text_with_all_that_other_dialects_know_too() -> None:
    request = FACE.parse_request(
        {**ASKED, "voice": "Puck", "instructions": "Whisper", "response_format": "flac"}
    )
    config = request.config
    assert request.messages[0].text() == "Hello"
    assert request.capability is Capability.TEXT_TO_SPEECH_CONVERSION
    assert [part.content for part in config.system_instruction] == ["Whisper"]
    assert (config.output_speech_voice, config.output_mime_type) == ("Puck", "audio/flac")
    assert (request.untranslatable, request.dropped) == ((), ())


def test_openais_own_voices_are_left_out_by_name() -> None:
    request = FACE.parse_request(ASKED)
    assert (request.config.output_speech_voice, request.dropped) == (None, ("voice",))


@pytest.mark.parametrize(("speed", "dropped"), [(1, ()), (1.0, ()), (2.5, ("speed",)), (None, ())])
def test_another_speed_is_left_out_by_name(speed: float | None, dropped: tuple[str, ...]) -> None:
    assert FACE.parse_request({**ASKED, "voice": "Puck", "speed": speed}).dropped == dropped


def test_a_voice_of_ones_own_is_known_to_this_dialect_alone() -> None:
    request = FACE.parse_request({**ASKED, "voice": {"id": "voice_1"}})
    assert request.untranslatable == ("voice (id)",)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"input": None}, "input"),
        ({"input": ""}, "input"),
        ({"input": ["x"]}, "input"),
        ({"voice": None}, "voice"),
        ({"voice": 3}, "voice"),
        ({"response_format": "ogg"}, "response_format"),
        ({"response_format": 3}, "response_format"),
        ({"instructions": 3}, "instructions"),
        ({"speed": 0.1}, "speed"),
        ({"speed": "fast"}, "speed"),
        ({"speed": True}, "speed"),
    ],
)
def test_what_is_malformed_is_named(body: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        FACE.parse_request({**ASKED, **body})
    assert caught.value.param == param


def test_events_are_refused_by_whoever_would_have_to_send_them() -> None:
    for ask in (
        FACE.parse_request,
        lambda body: openai_speech.forward_request(body, Target("m"), stream=False),
    ):
        with pytest.raises(UnsupportedFeature) as caught:
            ask({**ASKED, "stream_format": "sse"})
        assert caught.value.param == "stream_format"
        ask({**ASKED, "stream_format": "audio"})


def test_the_audio_is_the_answer() -> None:
    answer = FACE.render_result(spoken(b"ID3 sound", "audio/mpeg"), ASKED, CONTEXT)
    assert (answer.status, answer.body) == (200, b"ID3 sound")
    assert answer.headers == {"content-type": "audio/mpeg"}


@given(st.binary(min_size=2, max_size=64).filter(lambda data: len(data) % 2 == 0))
def test_bare_samples_are_taken_out_of_a_wav_file(samples: bytes) -> None:
    noted = b"LIST" + struct.pack("<I", 3) + b"abc\0"
    for made in (wav(samples), wav(samples, more=noted)):
        answer = FACE.render_result(spoken(made), {**ASKED, "response_format": "pcm"}, CONTEXT)
        assert answer.body == samples
        assert answer.headers == {"content-type": "audio/pcm"}


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (wav(b"ab", rate=48_000), "audio/wav"),
        (wav(b"abcd", channels=2), "audio/wav"),
        (wav(b"ab")[:30], "audio/wav"),
        (b"RIFF", "audio/wav"),
        (b"ID3", "audio/mpeg"),
    ],
)
def test_what_is_not_as_pcm_is_no_answer_to_pcm(data: bytes, kind: str) -> None:
    with pytest.raises(BadContent):
        FACE.render_result(spoken(data, kind), {**ASKED, "response_format": "pcm"}, CONTEXT)


@given(st.binary(min_size=1, max_size=80))
def test_whatever_a_file_holds_the_only_errors_are_ours(data: bytes) -> None:
    with suppress(BadContent):
        FACE.render_result(spoken(b"RIFF" + data), {**ASKED, "response_format": "pcm"}, CONTEXT)


def test_words_instead_of_audio_are_an_error() -> None:
    said = GenerativeAiResult("", "", (Candidate(model_message("Hello"), FinishReason.STOP),))
    with pytest.raises(EmptyAnswer):
        FACE.render_result(said, ASKED, CONTEXT)
