"""Speech in an answer: bare samples, made a file that plays.

Models before Gemini 3.8 answer with samples and no header, ``audio/L16;codec=pcm;rate=24000``,
streamed in pieces. No browser plays that. So all pieces become one WAV file, as Google's own
examples and the WordPress plugin for Google do. The samples are 16 bits, the low byte first, though
RFC 2586 has the high byte first for ``audio/L16``. What has a header already stays as it came.

https://ai.google.dev/gemini-api/docs/speech-generation,
http://soundfile.sapp.org/doc/WaveFormat/
"""

from __future__ import annotations

import base64
import re
import struct
from typing import Final

from ai_client.errors import MalformedAnswer
from ai_client.media import decoded
from ai_client.messages import File

_SAMPLES = re.compile(r"audio/(?:l16|pcm)\b", re.IGNORECASE)
_RATE = re.compile(r"\brate=(\d{1,6})\b", re.IGNORECASE)
_CHANNELS = re.compile(r"\bchannels=(\d)\b", re.IGNORECASE)
_USUAL_RATE: Final = 24_000
_SAMPLE_BYTES: Final = 2
_PCM: Final = 1


def is_samples(mime_type: str) -> bool:
    """Whether a MIME type is that of samples without a header."""
    return _SAMPLES.match(mime_type) is not None


class Sound:
    """The samples of one candidate as they come."""

    def __init__(self) -> None:
        self._mime_type = ""
        self._pieces: list[bytes] = []

    def __bool__(self) -> bool:
        return bool(self._pieces)

    def add(self, mime_type: str, data: str) -> None:
        """One piece, in base64 by itself. ``MalformedAnswer`` for what is none."""
        piece = decoded(data)
        if not piece:
            raise MalformedAnswer("Google's answer is malformed: its audio is not base64.")
        self._mime_type = self._mime_type or mime_type
        self._pieces.append(piece)

    def file(self) -> File:
        """All of it as WAV."""
        samples = b"".join(self._pieces)
        rate, channels = _RATE.search(self._mime_type), _CHANNELS.search(self._mime_type)
        header = _wav_header(
            len(samples), int(rate[1]) if rate else _USUAL_RATE, int(channels[1]) if channels else 1
        )
        return File("audio/wav", base64_data=base64.b64encode(header + samples).decode())


def _wav_header(size: int, rate: int, channels: int) -> bytes:
    frame = channels * _SAMPLE_BYTES
    form = struct.pack("<HHIIHH", _PCM, channels, rate, rate * frame, frame, _SAMPLE_BYTES * 8)
    chunks = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", size)
    return b"RIFF" + struct.pack("<I", len(chunks) + size) + chunks
