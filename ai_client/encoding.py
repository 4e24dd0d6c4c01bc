"""Content codings of upstream answers, with a bound against compression bombs: no I/O.

We ask for ``identity``, because an answer that is passed on event by event must not wait in a
compressor. Some servers compress all the same.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from ai_client.errors import AnswerTooLarge, BadContent, MalformedAnswer

MAX_ANSWER_BYTES = 64 * 1024 * 1024
"""An answer larger than this, once decoded, is an attack or a defect (64 MiB)."""
_GZIP = b"\x1f"
"""How a gzip member begins."""
_MOST_MEMBERS = 2_000
"""More than the largest answer has where every 64 KiB are one, as block compressors make them."""


class BodyDecoder:
    """Undoes gzip and deflate and counts what comes out. Made per response."""

    def __init__(self, content_encoding: str, *, limit: int = MAX_ANSWER_BYTES) -> None:
        coding = content_encoding.strip().lower() if content_encoding else ""
        self._inflate: zlib._Decompress | None = None
        if coding in ("gzip", "x-gzip", "deflate"):
            self._inflate = _inflater()
        elif coding not in ("", "identity"):
            raise BadContent(f"The upstream answered in the coding {coding!r}, not asked for.")
        self._members = 1
        self._has_begun = False
        self._is_padded = False
        self._left = limit

    def feed(self, data: bytes) -> bytes:
        """The decoded bytes; ``AnswerTooLarge`` once they are more than the limit in all."""
        if self._inflate is not None:
            return b"".join(self._inflated(data))
        self._count(data)
        return data

    def end(self) -> None:
        """Say that there is no more; ``MalformedAnswer`` where the compression says there is."""
        if self._inflate is not None and self._has_begun and not self._inflate.eof:
            raise MalformedAnswer("The upstream's compressed answer is cut short.")

    def _inflated(self, data: bytes) -> Iterator[bytes]:
        while data and not self._is_padded:
            assert self._inflate is not None
            if self._inflate.eof:
                if data[:1] != _GZIP:
                    # Unpackers pass over what follows then.
                    self._is_padded = True
                    return
                # RFC 1952, 2.2: a body may be several members, one after the other.
                self._members += 1
                if self._members > _MOST_MEMBERS:
                    raise MalformedAnswer("The upstream's answer is compressed in too many parts.")
                self._inflate = _inflater()
            self._has_begun = True
            try:
                piece = self._inflate.decompress(data, self._left + 1)
            except zlib.error as error:
                raise MalformedAnswer("The upstream's compressed answer is damaged.") from error
            self._count(piece)
            yield piece
            data = self._inflate.unused_data

    def _count(self, data: bytes) -> None:
        self._left -= len(data)
        if self._left < 0:
            raise AnswerTooLarge("The upstream's answer is larger than 64 MiB.")


def _inflater() -> zlib._Decompress:
    # 32 + MAX_WBITS lets zlib tell a gzip header from a zlib one.
    return zlib.decompressobj(32 + zlib.MAX_WBITS)
