"""What ``prompt()`` and ``AiClient.ask`` add to the HTTP call that they make.

    python -m bench.prompt_overhead [--rounds 30] [--calls 100] [--profile prompt]

The ways take turns call by call, so that whatever else the machine does hits all of them alike, and
each finds the processor's caches as a program leaves them. The first way is the HTTP call itself:
the bytes that the others send, through the engine that the others use. Of the others it is also
told how long they were busy outside of that engine.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import gc
import platform
import pstats
import statistics
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from time import perf_counter
from typing import TYPE_CHECKING

from bench.site import store_log, throwaway_site
from bench.upstream import TEXT, running_upstream

if TYPE_CHECKING:
    from ai_client.errors import UpstreamError
    from ai_client.exchange import Open, Opened, Reply
    from ai_client.plan import Plan
    from ai_client.prompt_builder import PromptBuilder
    from ai_client.transport import AsyncEngine, AsyncExchange, Engine, Exchange

QUESTION = "Explain gravity in one sentence."
GOAL_MICROSECONDS = 150
_READ_SECONDS = 30.0
_BASE = "http"

Blocking = Callable[[], object]
Awaiting = Callable[[], Awaitable[object]]


@dataclass(slots=True)
class Times:
    """Seconds of each call, by the clock on the wall: in all, and of that outside the engine."""

    whole: list[float] = field(default_factory=list)
    own: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Stopwatch:
    """Seconds that have passed in the engine."""

    seconds: float = 0.0


class TimedExchange:
    """An exchange whose time is taken."""

    def __init__(self, exchange: Exchange, watch: Stopwatch) -> None:
        self._exchange = exchange
        self._watch = watch
        self.opened: Opened = exchange.opened

    def read(self, timeout: float) -> Reply:
        began = perf_counter()
        reply = self._exchange.read(timeout)
        self._watch.seconds += perf_counter() - began
        return reply

    def close(self) -> None:
        began = perf_counter()
        self._exchange.close()
        self._watch.seconds += perf_counter() - began


class TimedEngine:
    """An engine whose time is taken."""

    def __init__(self, engine: Engine, watch: Stopwatch) -> None:
        self._engine = engine
        self._watch = watch

    def open(self, step: Open) -> Exchange | UpstreamError:
        from ai_client.errors import UpstreamError

        began = perf_counter()
        opened = self._engine.open(step)
        self._watch.seconds += perf_counter() - began
        return opened if isinstance(opened, UpstreamError) else TimedExchange(opened, self._watch)

    def close(self) -> None:
        self._engine.close()


class AsyncTimedExchange:
    """As ``TimedExchange``, awaiting."""

    def __init__(self, exchange: AsyncExchange, watch: Stopwatch) -> None:
        self._exchange = exchange
        self._watch = watch
        self.opened: Opened = exchange.opened

    async def read(self, timeout: float) -> Reply:
        began = perf_counter()
        reply = await self._exchange.read(timeout)
        self._watch.seconds += perf_counter() - began
        return reply

    def close(self) -> None:
        began = perf_counter()
        self._exchange.close()
        self._watch.seconds += perf_counter() - began


class AsyncTimedEngine:
    """As ``TimedEngine``, awaiting."""

    def __init__(self, engine: AsyncEngine, watch: Stopwatch) -> None:
        self._engine = engine
        self._watch = watch

    async def open(self, step: Open) -> AsyncExchange | UpstreamError:
        from ai_client.errors import UpstreamError

        began = perf_counter()
        opened = await self._engine.open(step)
        self._watch.seconds += perf_counter() - began
        if isinstance(opened, UpstreamError):
            return opened
        return AsyncTimedExchange(opened, self._watch)

    async def close(self) -> None:
        await self._engine.close()


def turns(names: list[str], rounds: int, calls: int) -> Iterator[tuple[str, bool]]:
    """Who is next, and whether it counts: a round to warm up does not. Each begins as often."""
    for number in range(rounds + 1):
        for call in range(calls):
            start = call % len(names)
            for name in (*names[start:], *names[:start]):
                yield name, number > 0


def measured(
    ways: Mapping[str, Blocking], watch: Stopwatch, rounds: int, calls: int
) -> dict[str, Times]:
    """The times of all ways."""
    found = {name: Times() for name in ways}
    for number, (name, counts) in enumerate(turns([*ways], rounds, calls)):
        if number % (calls * len(ways)) == 0:
            store_log()
            gc.collect()
        call = ways[name]
        watch.seconds = 0.0
        began = perf_counter()
        call()
        _note(found[name], perf_counter() - began, watch, counts=counts)
    return found


async def ameasured(
    ways: Mapping[str, Awaiting], watch: Stopwatch, rounds: int, calls: int
) -> dict[str, Times]:
    """As ``measured``, awaiting."""
    found = {name: Times() for name in ways}
    for number, (name, counts) in enumerate(turns([*ways], rounds, calls)):
        if number % (calls * len(ways)) == 0:
            await asyncio.to_thread(store_log)
            gc.collect()
        call = ways[name]
        watch.seconds = 0.0
        began = perf_counter()
        await call()
        _note(found[name], perf_counter() - began, watch, counts=counts)
    return found


def _note(times: Times, seconds: float, watch: Stopwatch, *, counts: bool) -> None:
    if counts:
        times.whole.append(seconds)
        times.own.append(seconds - watch.seconds)


def plan() -> Plan:
    """The plain question, as whoever knows the client asks it."""
    from ai_client.messages import GenerationRequest, user_message
    from ai_client.plan import Plan

    return Plan(GenerationRequest((user_message(QUESTION),)))


@cache
def _prompt() -> Callable[[str], PromptBuilder]:
    # Whoever uses it has imported it once, with Django set up.
    from ai_client import prompt

    return prompt


def plain_prompt() -> PromptBuilder:
    """The plain question."""
    return _prompt()(QUESTION)


def configured_prompt() -> PromptBuilder:
    """The question with what a conversation usually has around it."""
    from ai_client import model_message, user_message

    return (
        _prompt()(QUESTION)
        .with_history(user_message("Hello."), model_message("Hello, what can I do for you?"))
        .using_system_instruction("You are a patient teacher of physics.")
        .using_temperature(0.2)
        .using_max_tokens(200)
    )


def prepared() -> Open:
    """The very request that the client sends for the plain question."""
    from ai_client.ask import Ask
    from ai_client.client import default_client
    from ai_client.exchange import Open

    asked = plan()
    flow = default_client().session(Ask(stream=False, request=asked.request), asked.model).run()
    step = next(flow)
    flow.close()
    assert isinstance(step, Open)
    return step


def blocking_ways(watch: Stopwatch) -> dict[str, Blocking]:
    """What is compared, blocking."""
    from ai_client.client import default_client
    from ai_client.errors import UpstreamError
    from ai_client.exchange import Chunk

    client, step, asked = default_client(), prepared(), plan()
    engine = client.engine = TimedEngine(client.engine, watch)

    def transport() -> bytes:
        exchange = engine.open(step)
        assert not isinstance(exchange, UpstreamError), exchange
        parts = []
        while isinstance(reply := exchange.read(_READ_SECONDS), Chunk):
            parts.append(reply.data)
            if reply.last:
                break
        exchange.close()
        return b"".join(parts)

    return {
        _BASE: transport,
        "client.ask": lambda: client.ask(asked),
        "prompt": lambda: plain_prompt().generate_text(),
        "prompt, configured": lambda: configured_prompt().generate_text(),
    }


def awaiting_ways(watch: Stopwatch) -> dict[str, Awaiting]:
    """What is compared, awaiting."""
    from ai_client.client import default_client
    from ai_client.errors import UpstreamError
    from ai_client.exchange import Chunk

    client, step, asked = default_client(), prepared(), plan()
    engine = client.async_engine = AsyncTimedEngine(client.async_engine, watch)

    async def transport() -> bytes:
        exchange = await engine.open(step)
        assert not isinstance(exchange, UpstreamError), exchange
        parts = []
        while isinstance(reply := await exchange.read(_READ_SECONDS), Chunk):
            parts.append(reply.data)
            if reply.last:
                break
        exchange.close()
        return b"".join(parts)

    return {
        _BASE: transport,
        "client.ask": lambda: client.aask(asked),
        "prompt": lambda: plain_prompt().agenerate_text(),
        "prompt, configured": lambda: configured_prompt().agenerate_text(),
    }


@asynccontextmanager
async def closed_client() -> AsyncIterator[None]:
    """Closes the client's sockets in the loop that they belong to."""
    from ai_client.client import default_client

    try:
        yield
    finally:
        await default_client().close()


async def _awaiting(rounds: int, calls: int) -> dict[str, Times]:
    async with closed_client():
        watch = Stopwatch()
        ways = awaiting_ways(watch)
        assert await ways["prompt"]() == TEXT
        return await ameasured(ways, watch, rounds, calls)


def table(title: str, found: Mapping[str, Times]) -> str:
    """A Markdown table in microseconds: the best and the median of all calls.

    "added" is what a way takes longer than the first one, "own" what it spends outside the engine.
    """
    head = [title, "best", "median", "added: best", "median", "own: best", "median"]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    base = _figures(found[_BASE].whole)
    for name, times in found.items():
        whole = _figures(times.whole)
        figures = [*whole]
        if name != _BASE:
            figures += [one - other for one, other in zip(whole, base, strict=True)]
            figures += _figures(times.own)
        shown = [f"{each * 1e6:.0f}" for each in figures]
        lines.append(f"| {' | '.join([name, *shown, *[''] * (len(head) - 1 - len(shown))])} |")
    return "\n".join(lines)


def _figures(seconds: list[float]) -> tuple[float, float]:
    return min(seconds), statistics.median(seconds)


def profile(call: Blocking, calls: int) -> None:
    """Where the time of a blocking way goes, by each function's own time."""
    profiler = cProfile.Profile()
    profiler.enable()
    for _ in range(calls):
        call()
    profiler.disable()
    pstats.Stats(profiler).sort_stats("tottime").print_stats(60)


def main() -> None:
    """Prints the tables, or a profile."""
    parser = argparse.ArgumentParser(prog="python -m bench.prompt_overhead")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--calls", type=int, default=100, help="per round and way")
    parser.add_argument("--profile", metavar="WAY", help="a blocking way's profile instead")
    given = parser.parse_args()
    with running_upstream() as port, throwaway_site(port):
        watch = Stopwatch()
        ways = blocking_ways(watch)
        assert ways["prompt"]() == TEXT
        if given.profile:
            measured({given.profile: ways[given.profile]}, watch, 1, given.calls)
            profile(ways[given.profile], given.rounds * given.calls)
            return
        print(f"Python {platform.python_version()}, Django {version('django')}, ", end="")
        print(f"httpx {version('httpx')}, aiohttp {version('aiohttp')}; microseconds per call.\n")
        blocking = measured(ways, watch, given.rounds, given.calls)
        awaiting = asyncio.run(_awaiting(given.rounds, given.calls))
        print(table("blocking", blocking), table("awaiting", awaiting), sep="\n\n")
        print(f"\nThe goal: prompt adds at most {GOAL_MICROSECONDS} to http.")


if __name__ == "__main__":
    main()
