"""What a session asks of the network and what it is told: the whole vocabulary between them.

``session.py`` yields steps and is sent replies; ``transport.py`` carries them out. Values only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import TypeAlias

from ai_client.errors import UpstreamError
from ai_client.events import Event
from ai_client.messages import AnyResult
from ai_client.values import value


def _unheard() -> None:
    """Nobody wants to know."""


@value(frozen=True, slots=True)
class Open:
    """Send a request and wait for the response's headers.

    ``timeout`` bounds everything up to the headers, in seconds. ``fresh`` asks for a socket that
    has not been used before. ``leaving`` is called when the request begins to leave: from then on
    the upstream may have it. Headers hold the credentials and stay out of ``repr``.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    timeout: float
    connect_timeout: float
    pool_timeout: float
    fresh: bool = False
    leaving: Callable[[], object] = field(default=_unheard, repr=False)


@value(frozen=True, slots=True)
class Read:
    """Wait for more of the response's body, at most ``timeout`` seconds."""

    timeout: float


@value(frozen=True, slots=True)
class Drop:
    """The response is of no more interest; close it."""


@value(frozen=True, slots=True)
class Consult:
    """Have something found out that may block; a loop that awaits does it in a thread."""

    act: Callable[[], object]


@value(frozen=True, slots=True)
class Opened:
    """Headers have arrived. Names are in lower case; values may be anything and stay unprinted."""

    status: int
    headers: Mapping[str, str] = field(repr=False)


@value(frozen=True, slots=True)
class Chunk:
    """Some bytes of the body, as they were on the wire.

    ``last``: the body is complete with them, so that nobody has to ask for more; where that is not
    known yet an ``End`` says it.
    """

    data: bytes = field(repr=False)
    last: bool = False


@value(frozen=True, slots=True)
class End:
    """The body is complete."""


@value(frozen=True, slots=True)
class ReadTimedOut:
    """Nothing came within the time asked for. The exchange is still open."""


@value(frozen=True, slots=True)
class Answer:
    """A complete answer. ``raw`` is the upstream's body where it may be passed on as it is.

    ``content_type`` is that of ``raw`` where it may be other than JSON.
    """

    result: AnyResult
    raw: bytes | None = None
    content_type: str = ""


@value(frozen=True, slots=True)
class Piece:
    """Part of a streamed answer: events, and the bytes they came as where those may be passed on.

    ``raw`` is None where the caller speaks another dialect than the upstream. ``last`` is set on
    the piece with which the answer is known to be complete.
    """

    events: tuple[Event, ...]
    raw: bytes | None = None
    last: bool = False


Step: TypeAlias = Open | Read | Drop | Consult
Output: TypeAlias = Answer | Piece
Reply: TypeAlias = Opened | Chunk | End | ReadTimedOut | UpstreamError | None
