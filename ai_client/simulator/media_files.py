"""Pictures, sounds and a video, as small as their formats allow: real files, always the same."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

SCALE = 64
"""A picture is this many times smaller than it was asked for; its proportions are right."""

_SAMPLES_PER_WORD = 240
_RATE = 24_000


def png(width: int, height: int, colour: bytes) -> bytes:
    """A picture of one colour (red, green, blue). https://www.w3.org/TR/png-3/"""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = (b"\0" + colour[:3] * width) * height
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", header),
            chunk(b"IDAT", zlib.compress(rows, 9)),
            chunk(b"IEND", b""),
        )
    )


def jpeg(width: int, height: int, colour: bytes) -> bytes:
    """A grey picture: every block is said with two bits. https://www.w3.org/Graphics/JPEG/itu-t81.pdf"""

    def segment(marker: int, data: bytes) -> bytes:
        return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data

    # One code of one bit in each table: no difference, end of block.
    table = bytes((1, *(0,) * 15, 0))
    blocks = -(-width // 8) * -(-height // 8)
    bits = "00" * blocks
    bits += "1" * (-len(bits) % 8)
    return b"".join(
        (
            b"\xff\xd8",
            segment(0xDB, b"\0" + b"\1" * 64),
            segment(0xC0, struct.pack(">BHHBBBB", 8, height, width, 1, 1, 0x11, 0)),
            segment(0xC4, b"\x00" + table),
            segment(0xC4, b"\x10" + table),
            segment(0xDA, bytes((1, 1, 0, 0, 63, 0))),
            int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0"),
            b"\xff\xd9",
        )
    )


def webp(width: int, height: int, colour: bytes) -> bytes:
    """A picture of one colour, without loss.

    https://developers.google.com/speed/webp/docs/webp_lossless_bitstream_specification
    """
    red, green, blue = colour[:3]
    bits = 0
    length = 0
    fields = [(width - 1, 14), (height - 1, 14), (0, 1), (0, 3), (0, 1), (0, 1), (0, 1)]
    for symbol in (green, red, blue, 255, 0):
        # A simple code with one symbol of eight bits: the pixels themselves take none.
        fields += [(1, 1), (0, 1), (1, 1), (symbol, 8)]
    for value, size in fields:
        bits |= value << length
        length += size
    data = b"\x2f" + bits.to_bytes(-(-length // 8), "little")
    padded = data + b"\0" * (len(data) % 2)
    chunk = b"VP8L" + struct.pack("<I", len(data)) + padded
    return b"RIFF" + struct.pack("<I", len(chunk) + 4) + b"WEBP" + chunk


PICTURES: dict[str, Callable[[int, int, bytes], bytes]] = {"png": png, "jpeg": jpeg, "webp": webp}


def samples(words: int) -> bytes:
    """A saw tooth of 16-bit samples at 24 kHz; longer for more words."""
    count = _SAMPLES_PER_WORD * max(words, 1)
    return struct.pack(f"<{count}h", *((at % 100) * 200 - 10_000 for at in range(count)))


def wav(words: int) -> bytes:
    """The samples with a header."""
    data = samples(words)
    form = struct.pack("<HHIIHH", 1, 1, _RATE, _RATE * 2, 2, 16)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form
    body += b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def mp3(words: int) -> bytes:
    """A frame of silence for each word: MPEG-1 Layer III, 128 kbit/s, 44.1 kHz."""
    return (b"\xff\xfb\x90\xc4" + bytes(413)) * max(words, 1)


def aac(words: int) -> bytes:
    """An empty frame for each word, in ADTS: LC, 24 kHz, mono."""
    return (b"\xff\xf1\x58\x40\x01\x1f\xfc" + b"\xe0") * max(words, 1)


def flac(words: int) -> bytes:
    """A stream without samples: its description alone. https://www.rfc-editor.org/rfc/rfc9639"""
    rate_and_size = (_RATE << 44) | (0 << 41) | (15 << 36)
    described = struct.pack(">HH", 4096, 4096) + bytes(6)
    described += rate_and_size.to_bytes(8, "big") + bytes(16)
    return b"fLaC" + b"\x80" + len(described).to_bytes(3, "big") + described


def opus(words: int) -> bytes:
    """An Ogg stream whose first page describes it. https://www.rfc-editor.org/rfc/rfc7845"""
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, 0, _RATE, 0, 0)
    page = struct.pack("<4sBBqIII", b"OggS", 0, 6, 0, 1, 0, 0) + bytes((1, len(head))) + head
    check = 0
    for byte in page:
        check ^= byte << 24
        for _ in range(8):
            check = ((check << 1) ^ (0x04C11DB7 if check & 0x80000000 else 0)) & 0xFFFFFFFF
    return page[:22] + struct.pack("<I", check) + page[26:]


SOUNDS: dict[str, tuple[str, Callable[[int], bytes]]] = {
    "mp3": ("audio/mpeg", mp3),
    "opus": ("audio/ogg", opus),
    "aac": ("audio/aac", aac),
    "flac": ("audio/flac", flac),
    "wav": ("audio/wav", wav),
    "pcm": ("audio/pcm", samples),
}


def mp4(seconds: int, note: bytes) -> bytes:
    """A video without tracks, as long as it was asked for; ``note`` stands where pictures would."""

    def box(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data) + 8) + kind + data

    unity = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    head = struct.pack(">IIIIIIHH8x", 0, 0, 0, 1000, seconds * 1000, 0x10000, 0x0100, 0)
    movie = box(b"mvhd", head + unity + bytes(24) + struct.pack(">I", 1))
    kind = box(b"ftyp", b"isom" + struct.pack(">I", 512) + b"isomiso2mp41")
    return kind + box(b"moov", movie) + box(b"mdat", note)
