"""Streams of ``streamGenerateContent?alt=sse``: each event is a whole response object.

There is no closing event: a stream is complete when its body ends and each candidate in it has
its finish reason. Candidates may begin at different times, so only the body's end tells.
https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from ai_client.errors import MalformedAnswer, StreamTruncated
from ai_client.events import Event
from ai_client.sse import ServerSentEvent
from ai_client.wire.google_generate.response import AnswerReader


class StreamParser:
    """Reads one stream. Made per attempt."""

    last_usage_only = False
    """Usage never stands alone in an event that a caller did not ask for."""

    def __init__(self) -> None:
        self._reader = AnswerReader()
        self.finished = False

    def feed(self, event: ServerSentEvent) -> Sequence[Event]:
        """The events of one chunk; an error in it, a blocked prompt and malformed data raise."""
        try:
            chunk = orjson.loads(event.data)
        except orjson.JSONDecodeError as error:
            raise MalformedAnswer("An event of Google's stream is not JSON.") from error
        return self._reader.feed(chunk)

    def close(self) -> Sequence[Event]:
        """Nothing is left over; ``StreamTruncated`` without the finish reasons."""
        if not self._reader.finished:
            raise StreamTruncated("Google's stream ended before its finish reason.")
        self.finished = True
        return ()
