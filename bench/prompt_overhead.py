"""What ``prompt()`` and ``AiClient.ask`` add to the HTTP call that they make.

    python -m bench.prompt_overhead [--rounds 30] [--calls 100] [--profile prompt]

Each round makes the same number of calls in every way, one way after the other, so that whatever
else the machine does hits all of them alike. The first way is the HTTP call itself: the bytes that
the others send, through the engine that the others use.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import gc
import platform
import pstats
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING

from bench.site import store_log, throwaway_site
from bench.upstream import TEXT, running_upstream

if TYPE_CHECKING:
    from ai_client.exchange import Open
    from ai_client.plan import Plan
    from ai_client.prompt_builder import PromptBuilder

QUESTION = "Explain gravity in one sentence."
GOAL_MICROSECONDS = 150
_READ_SECONDS = 30.0
_BASE = "http"

Blocking = Callable[[], object]
Awaiting = Callable[[], Awaitable[object]]


@dataclass(slots=True)
class Times:
    """Seconds per call: of every call by the clock on the wall, of every round by the CPU's."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


def measured(ways: Mapping[str, Blocking], rounds: int, calls: int) -> dict[str, Times]:
    """All ways, interleaved; a round of each to warm up is not counted."""
    found = {name: Times() for name in ways}
    for number in range(rounds + 1):
        for name, call in ways.items():
            wall = []
            began = time.process_time()
            for _ in range(calls):
                at = time.perf_counter()
                call()
                wall.append(time.perf_counter() - at)
            if number:
                found[name].cpu.append((time.process_time() - began) / calls)
                found[name].wall += wall
        store_log()
        gc.collect()
    return found


async def ameasured(ways: Mapping[str, Awaiting], rounds: int, calls: int) -> dict[str, Times]:
    """As ``measured``, awaiting."""
    found = {name: Times() for name in ways}
    for number in range(rounds + 1):
        for name, call in ways.items():
            wall = []
            began = time.process_time()
            for _ in range(calls):
                at = time.perf_counter()
                await call()
                wall.append(time.perf_counter() - at)
            if number:
                found[name].cpu.append((time.process_time() - began) / calls)
                found[name].wall += wall
        await asyncio.to_thread(store_log)
        gc.collect()
    return found


def plan() -> Plan:
    """The plain question, as whoever knows the client asks it."""
    from ai_client.messages import GenerationRequest, user_message
    from ai_client.plan import Plan

    return Plan(GenerationRequest((user_message(QUESTION),)))


def plain_prompt() -> PromptBuilder:
    """The plain question."""
    from ai_client import prompt

    return prompt(QUESTION)


def configured_prompt() -> PromptBuilder:
    """The question with what a conversation usually has around it."""
    from ai_client import model_message, prompt, user_message

    return (
        prompt(QUESTION)
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


def blocking_ways() -> dict[str, Blocking]:
    """What is compared, blocking."""
    from ai_client.client import default_client
    from ai_client.errors import UpstreamError
    from ai_client.exchange import Chunk

    client, step, asked = default_client(), prepared(), plan()

    def transport() -> bytes:
        exchange = client.engine.open(step)
        assert not isinstance(exchange, UpstreamError), exchange
        parts = []
        while isinstance(reply := exchange.read(_READ_SECONDS), Chunk):
            parts.append(reply.data)
        exchange.close()
        return b"".join(parts)

    return {
        _BASE: transport,
        "client.ask": lambda: client.ask(asked),
        "prompt": lambda: plain_prompt().generate_text(),
        "prompt, configured": lambda: configured_prompt().generate_text(),
    }


def awaiting_ways() -> dict[str, Awaiting]:
    """What is compared, awaiting."""
    from ai_client.client import default_client
    from ai_client.errors import UpstreamError
    from ai_client.exchange import Chunk

    client, step, asked = default_client(), prepared(), plan()

    async def transport() -> bytes:
        exchange = await client.async_engine.open(step)
        assert not isinstance(exchange, UpstreamError), exchange
        parts = []
        while isinstance(reply := await exchange.read(_READ_SECONDS), Chunk):
            parts.append(reply.data)
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
        ways = awaiting_ways()
        assert await ways["prompt"]() == TEXT
        return await ameasured(ways, rounds, calls)


def table(title: str, found: Mapping[str, Times]) -> str:
    """A Markdown table in microseconds, with what each way adds to the first."""
    head = [title, "CPU best", "CPU median", "wall best", "wall median", "added (CPU best)"]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    base = min(found[_BASE].cpu)
    for name, times in found.items():
        figures = (
            min(times.cpu),
            statistics.median(times.cpu),
            min(times.wall),
            statistics.median(times.wall),
        )
        shown = [f"{each * 1e6:.0f}" for each in figures]
        added = "" if name == _BASE else f"{(min(times.cpu) - base) * 1e6:.0f}"
        lines.append(f"| {' | '.join([name, *shown, added])} |")
    return "\n".join(lines)


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
        ways = blocking_ways()
        assert ways["prompt"]() == TEXT
        if given.profile:
            measured({given.profile: ways[given.profile]}, 1, given.calls)
            profile(ways[given.profile], given.rounds * given.calls)
            return
        print(f"Python {platform.python_version()}, Django {version('django')}, ", end="")
        print(f"httpx {version('httpx')}, aiohttp {version('aiohttp')}; microseconds per call.\n")
        blocking = measured(ways, given.rounds, given.calls)
        awaiting = asyncio.run(_awaiting(given.rounds, given.calls))
        print(table("blocking", blocking), table("awaiting", awaiting), sep="\n\n")
        print(f"\nThe goal: prompt adds at most {GOAL_MICROSECONDS} to http.")


if __name__ == "__main__":
    main()
