"""What the three dialects have in common: their types, and how the rest of the simulator uses them.

A dialect reads a request into an ``Ask`` or refuses it as the vendor would, and writes answers,
streams, errors and model lists. It knows nothing of sockets.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import orjson

from ai_client.simulator.answers import Answer, Ask
from ai_client.simulator.http_server import HttpRequest, Reply

CREATED = 1_767_225_600
"""When everything here was made: 2026-01-01, so that equal requests give equal answers."""

JsonObject = dict[str, object]


class Place(Enum):
    """What an event of a stream is: before, in, after the content, or the end marker."""

    HEAD = "head"
    CONTENT = "content"
    TAIL = "tail"
    END = "end"


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One server-sent event."""

    data: bytes
    place: Place
    name: str = ""


class Kind(Enum):
    """Errors that vendors tell apart by more than the status."""

    STATUS = "status"
    RATE_LIMIT = "rate_limit"
    QUOTA = "quota"
    CREDIT = "credit"
    CONTEXT = "context"
    FILTER = "filter"


@dataclass(frozen=True, slots=True)
class Problem:
    """An error to be put in a vendor's words. ``retry_in`` is in seconds, said in the body."""

    status: int
    kind: Kind = Kind.STATUS
    message: str = ""
    retry_in: float | None = None


class Refused(Exception):
    """The request is refused with the vendor's answer."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"refused with {reply.status}")
        self.reply = reply


@dataclass(frozen=True, slots=True)
class Media:
    """A complete answer that is no conversation: JSON, or media themselves.

    ``vacant`` is the same answer with nothing in it, where there is such a thing; ``digest`` names
    the request.
    """

    body: bytes
    content_type: str = "application/json"
    vacant: bytes | None = None
    digest: str = "media"


NOTHING = Media(b"")
"""What a conversation has in the place of media."""


class Dialect(Protocol):
    """One vendor's API."""

    name: str
    ping: bytes
    """What the vendor sends to keep a silent stream open."""

    def authorize(self, request: HttpRequest, key: str) -> None:
        """Raises ``Refused`` when the request does not carry ``key`` where the vendor wants it."""

    def read(self, request: HttpRequest) -> Ask:
        """The request's meaning; raises ``Refused``."""

    def model_of(self, request: HttpRequest) -> str:
        """The model that the request names, even if the request is invalid."""

    def wants_stream(self, request: HttpRequest) -> bool:
        """Whether the request asks for a stream, even if it is invalid."""

    def media(self, request: HttpRequest) -> Media | None:
        """The answer to what is no conversation; None for all else. Raises ``Refused``."""

    def plain(self, ask: Ask, answer: Answer) -> bytes:
        """A complete answer."""

    def stream(self, ask: Ask, answer: Answer) -> Iterator[StreamEvent]:
        """The same answer as events."""

    def empty_chunk(self, ask: Ask) -> StreamEvent:
        """The event without candidates that some hosts send first."""

    def usage_chunk(self, ask: Ask, answer: Answer) -> StreamEvent:
        """An event that carries usage and nothing else."""

    def error(self, problem: Problem) -> Reply:
        """An error answer."""

    def error_event(self, problem: Problem) -> StreamEvent:
        """An error inside a stream."""

    def models(self, names: tuple[str, ...]) -> bytes:
        """The list of models."""

    def model(self, name: str) -> bytes:
        """One model."""


def body_of(request: HttpRequest) -> JsonObject | None:
    """The body as a JSON object, or None when it is none."""
    try:
        value = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def objects(value: object) -> list[JsonObject]:
    """The objects in a list; nothing when it is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def texts(value: object) -> list[str]:
    """The strings in a list; nothing when it is no list."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def number_within(value: object, least: float, most: float) -> bool:
    """Whether a value is a number (true and false are none) within bounds."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return least <= value <= most


def digest_of(request: HttpRequest) -> str:
    """A short name for the content of a request; equal requests have equal names."""
    return hashlib.sha256(request.path.encode() + request.body).hexdigest()[:24]


def decoded_size(data: object) -> int | None:
    """How many bytes a base64 text holds, or None when it is none."""
    if not isinstance(data, str):
        return None
    try:
        return len(base64.b64decode(data, validate=True))
    except (binascii.Error, ValueError):
        return None


def dump(value: object) -> bytes:
    """JSON bytes."""
    return orjson.dumps(value)
