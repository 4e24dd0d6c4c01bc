"""A network of canned HTTP answers, which keeps what was sent.

::

    transport = ScriptedTransport()
    transport.on("GET", "https://api.example.com/v1/models", json={"data": [{"id": "one"}]})
    registry.set_transporter(Transporter(transport.engine, transport.async_engine))
"""

from __future__ import annotations

import json as json_format
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self, TypeAlias

from ai_client.errors import HeadersTimedOut, UpstreamError
from ai_client.exchange import Chunk, End, Open, Opened, ReadTimedOut, Reply
from ai_client.testing.clock import SimulatedClock

Piece: TypeAlias = bytes | float | UpstreamError
"""Of a body: bytes, seconds that pass before the next piece, or what breaks it off."""


@dataclass(frozen=True, slots=True)
class SentRequest:
    """What was sent. Headers, body and the query of the URL stay out of ``repr``: keys are there.

    Names of headers are in lower case; times are in seconds.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    timeout: float = 0.0
    connect_timeout: float = 0.0

    @property
    def json(self) -> Any:
        """The body read as JSON; None where it is empty."""
        return json_format.loads(self.body) if self.body else None

    def __repr__(self) -> str:
        names = ", ".join(self.headers)
        return f"<{self.method} {_without_query(self.url)}, headers {names}>"


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What an upstream answers. ``after`` are the seconds until its headers are there.

    ``body`` is bytes, or pieces of a stream.
    """

    body: bytes | tuple[Piece, ...] = b""
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    after: float = 0.0

    @classmethod
    def json(cls, value: Any, status: int = 200, *, after: float = 0.0) -> Self:
        """The value as JSON."""
        return cls(json_format.dumps(value).encode(), status, after=after)


Answered: TypeAlias = HttpAnswer | UpstreamError
Script: TypeAlias = Callable[[SentRequest], Answered | None]


@dataclass(slots=True)
class _Rule:
    method: str
    url: re.Pattern[str]
    answer: Answered
    left: int | None

    def fits(self, sent: SentRequest) -> bool:
        return self.left != 0 and self.method == sent.method and bool(self.url.fullmatch(sent.url))


class ScriptedTransport:
    """Answers by what ``on`` said, else by ``script``; refuses what neither knows.

    ``engine`` and ``async_engine`` go where engines are asked for, ``sent`` is what they were
    asked, in order. The refusal is an AssertionError that says what to write; it is kept in
    ``refused`` too, for code under test that swallows it.
    """

    def __init__(
        self, script: Script | None = None, *, clock: SimulatedClock | None = None
    ) -> None:
        self.clock = clock or SimulatedClock()
        self.sent: list[SentRequest] = []
        self.refused: list[AssertionError] = []
        self.engine = ScriptedEngine(self)
        self.async_engine = AsyncScriptedEngine(self)
        self._script = script
        self._rules: list[_Rule] = []

    @property
    def bodies(self) -> list[Any]:
        """The bodies that were sent, read as JSON; empty ones left out."""
        return [each.json for each in self.sent if each.body]

    def on(
        self,
        method: str,
        url: str,
        answer: Answered | None = None,
        *,
        json: Any = None,
        status: int = 200,
        times: int | None = None,
    ) -> None:
        """Answer requests of that method and URL; ``*`` in the URL stands for any text.

        ``answer`` is an HttpAnswer, or an error such as ``ConnectFailed("…")``; without one
        ``json`` and ``status`` are. What was said first counts first, until it has been used
        ``times`` times.
        """
        pattern = re.compile(".*".join(map(re.escape, url.split("*"))), re.DOTALL)
        given = HttpAnswer.json(json, status) if answer is None else answer
        self._rules.append(_Rule(method.upper(), pattern, given, times))

    def answer(self, step: Open) -> Answered:
        """What comes back for a request, which is kept."""
        sent = SentRequest(
            step.method,
            step.url,
            _Headers(step.headers),
            step.body,
            step.timeout,
            step.connect_timeout,
        )
        self.sent.append(sent)
        step.leaving()
        for rule in self._rules:
            if rule.fits(sent):
                rule.left = None if rule.left is None else rule.left - 1
                return rule.answer
        found = None if self._script is None else self._script(sent)
        if found is None:
            place = f'"{sent.method}", "{_without_query(sent.url)}"'
            raise self.refuse(
                f"Nothing was scripted for {sent.method} {_without_query(sent.url)}, and no "
                f"network is reached here. Script it: transport.on({place}, json=…)."
            )
        return found

    def refuse(self, message: str) -> AssertionError:
        """The error for something that was not scripted, kept for the end of the test."""
        error = AssertionError(message)
        self.refused.append(error)
        return error


class _Headers(dict[str, str]):
    """Shows its names only."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        super().__init__((name.lower(), value) for name, value in headers.items())

    def __repr__(self) -> str:
        return f"<headers: {', '.join(self)}>"


class ScriptedEngine:
    """The blocking face of a scripted transport."""

    def __init__(self, transport: ScriptedTransport) -> None:
        self._transport = transport

    def open(self, step: Open) -> ScriptedExchange | UpstreamError:
        """As ``Engine.open``. Time passes on the transport's clock."""
        found, clock = self._transport.answer(step), self._transport.clock
        if isinstance(found, UpstreamError):
            return found
        if found.after > step.timeout:
            clock.advance(step.timeout)
            return HeadersTimedOut("The upstream did not answer in time.")
        clock.advance(found.after)
        return ScriptedExchange(found, clock)

    def close(self) -> None:
        """Nothing is held open."""


class AsyncScriptedEngine:
    """The awaiting face of a scripted transport."""

    def __init__(self, transport: ScriptedTransport) -> None:
        self._engine = transport.engine

    async def open(self, step: Open) -> AsyncScriptedExchange | UpstreamError:
        """As ``AsyncEngine.open``."""
        opened = self._engine.open(step)
        return opened if isinstance(opened, UpstreamError) else AsyncScriptedExchange(opened)

    async def close(self) -> None:
        """Nothing is held open."""


class ScriptedExchange:
    """Hands out the pieces of one answer."""

    def __init__(self, answer: HttpAnswer, clock: SimulatedClock) -> None:
        named = {name.lower(): value for name, value in answer.headers.items()}
        self.opened = Opened(answer.status, {"content-type": answer.content_type, **named})
        self._clock = clock
        pieces = (answer.body,) if isinstance(answer.body, bytes) else answer.body
        self._left: Iterator[Piece] = iter(pieces)
        self._pause = 0.0

    def read(self, timeout: float) -> Reply:
        """As ``Exchange.read``."""
        while True:
            if self._pause > timeout:
                self._pause -= timeout
                self._clock.advance(timeout)
                return ReadTimedOut()
            self._clock.advance(self._pause)
            timeout -= self._pause
            self._pause = 0.0
            piece = next(self._left, None)
            match piece:
                case None:
                    return End()
                case UpstreamError():
                    return piece
                case bytes():
                    return Chunk(piece)
                case _:
                    self._pause = float(piece)

    def close(self) -> None:
        """Nothing is held open."""


class AsyncScriptedExchange:
    """As ``ScriptedExchange``, awaiting."""

    def __init__(self, exchange: ScriptedExchange) -> None:
        self.opened = exchange.opened
        self._exchange = exchange

    async def read(self, timeout: float) -> Reply:
        """As ``AsyncExchange.read``."""
        return self._exchange.read(timeout)

    def close(self) -> None:
        """Nothing is held open."""


def _without_query(url: str) -> str:
    path, question, _ = url.partition("?")
    return path + ("?…" if question else "")
