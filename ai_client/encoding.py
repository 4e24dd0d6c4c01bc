"""Content codings of upstream answers, with a bound against compression bombs: no I/O.

We ask for ``identity``, because an answer that is passed on event by event must not wait in a
compressor. Some servers compress all the same.
"""

from __future__ import annotations

import zlib

from ai_client.errors import AnswerTooLarge, BadContent, MalformedAnswer

MAX_ANSWER_BYTES = 64 * 1024 * 1024
"""An answer larger than this, once decoded, is an attack or a defect (64 MiB)."""


class BodyDecoder:
    """Undoes gzip and deflate and counts what comes out. Made per response."""

    def __init__(self, content_encoding: str, *, limit: int = MAX_ANSWER_BYTES) -> None:
        coding = content_encoding.strip().lower() if content_encoding else ""
        self._inflate: zlib._Decompress | None = None
        if coding in ("gzip", "x-gzip", "deflate"):
            # 32 + MAX_WBITS lets zlib tell a gzip header from a zlib one.
            self._inflate = zlib.decompressobj(32 + zlib.MAX_WBITS)
        elif coding not in ("", "identity"):
            raise BadContent(f"The upstream answered in the coding {coding!r}, not asked for.")
        self._left = limit

    def feed(self, data: bytes) -> bytes:
        """The decoded bytes; ``AnswerTooLarge`` once they are more than the limit in all."""
        if self._inflate is not None:
            try:
                data = self._inflate.decompress(data, self._left + 1)
            except zlib.error as error:
                raise MalformedAnswer("The upstream's compressed answer is damaged.") from error
        self._left -= len(data)
        if self._left < 0:
            raise AnswerTooLarge("The upstream's answer is larger than 64 MiB.")
        return data
