"""The loops that move bytes between a session and the network. Only this folder does I/O upstream.

``run`` blocks, ``arun`` awaits; both carry out the same steps of the same session. An engine opens
requests: ``sync_engine`` over httpx, ``async_engine`` over aiohttp (docs/decisions/0001 says why),
both behind the address guard. Tests give an engine of their own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from typing import Protocol, TypeVar

from ai_client.errors import UpstreamError
from ai_client.exchange import Consult, Drop, Open, Opened, Output, Read, Reply, Step
from ai_client.session import Session

Said = TypeVar("Said")


class Exchange(Protocol):
    """One open response."""

    opened: Opened

    def read(self, timeout: float) -> Reply:
        """The next ``Chunk``, ``End``, ``ReadTimedOut``, or the error that broke it off.

        After the ``last`` chunk it is ``End``.
        """

    def close(self) -> None:
        """Let go: reuse the socket if the body was read to its end, close it otherwise."""


class Engine(Protocol):
    """Opens requests, blocking."""

    def open(self, step: Open) -> Exchange | UpstreamError:
        """Send and wait for headers. Failures are returned as the class that they are."""

    def close(self) -> None:
        """Close all sockets."""


class AsyncExchange(Protocol):
    """One open response."""

    opened: Opened

    async def read(self, timeout: float) -> Reply:
        """As ``Exchange.read``."""

    def close(self) -> None:
        """As ``Exchange.close``."""


class AsyncEngine(Protocol):
    """Opens requests, awaiting."""

    async def open(self, step: Open) -> AsyncExchange | UpstreamError:
        """As ``Engine.open``."""

    async def close(self) -> None:
        """Close the running loop's sockets."""


def run(session: Session, engine: Engine) -> Generator[Output, None, None]:
    """The session's outputs. Closing the iterator closes the upstream call."""
    return drive(session.run(), engine)


def drive(flow: Generator[Step | Said, Reply, None], engine: Engine) -> Generator[Said, None, None]:
    """Carries out the steps of ``flow`` and hands on what else it yields."""
    exchange: Exchange | None = None
    reply: Reply = None
    try:
        while True:
            try:
                step = flow.send(reply)
            except StopIteration:
                return
            reply = None
            # Not ``match``, which takes twice as long for the same question.
            if isinstance(step, Open):
                opened = engine.open(step)
                if isinstance(opened, UpstreamError):
                    reply = opened
                else:
                    exchange, reply = opened, opened.opened
            elif isinstance(step, Read):
                assert exchange is not None
                reply = exchange.read(step.timeout)
            elif isinstance(step, Drop):
                if exchange is not None:
                    exchange.close()
                    exchange = None
            elif isinstance(step, Consult):
                step.act()
            else:
                yield step
    finally:
        flow.close()
        if exchange is not None:
            exchange.close()


def arun(session: Session, engine: AsyncEngine) -> AsyncGenerator[Output, None]:
    """As ``run``, awaiting. Cancelling the task that iterates closes the upstream call at once."""
    return adrive(session.run(), engine)


async def adrive(
    flow: Generator[Step | Said, Reply, None], engine: AsyncEngine
) -> AsyncGenerator[Said, None]:
    """As ``drive``, awaiting."""
    exchange: AsyncExchange | None = None
    reply: Reply = None
    try:
        while True:
            try:
                step = flow.send(reply)
            except StopIteration:
                return
            reply = None
            if isinstance(step, Open):
                opened = await engine.open(step)
                if isinstance(opened, UpstreamError):
                    reply = opened
                else:
                    exchange, reply = opened, opened.opened
            elif isinstance(step, Read):
                assert exchange is not None
                reply = await exchange.read(step.timeout)
            elif isinstance(step, Drop):
                if exchange is not None:
                    exchange.close()
                    exchange = None
            elif isinstance(step, Consult):
                await asyncio.to_thread(step.act)
            else:
                yield step
    finally:
        flow.close()
        if exchange is not None:
            exchange.close()
