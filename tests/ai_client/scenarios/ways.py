"""The ways of asking: blocking or awaiting, whole or streamed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from ai_client import (
    EmbeddingResult,
    GenerativeAiResult,
    PromptBuilder,
    StartedOperation,
    aoperation,
    operation,
)
from ai_client.events import collect
from ai_client.functions import FunctionRun

Wanted = TypeVar("Wanted")
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Way:
    """One way of asking; its methods block, whatever goes on inside."""

    name: str
    streams: bool
    runner: asyncio.Runner | None

    def text(self, prompt: PromptBuilder) -> str:
        """The text, as a program reads it that wants nothing else."""
        if self.streams:
            return "".join(self._each(prompt.stream_text, prompt.astream_text))
        return self._one(prompt.generate_text, prompt.agenerate_text)

    def result(self, prompt: PromptBuilder) -> GenerativeAiResult:
        """A text with all that came with it; streamed, the events put together."""
        if self.streams:
            return collect(self._each(prompt.stream_events, prompt.astream_events))
        return self._one(prompt.generate_text_result, prompt.agenerate_text_result)

    def pieces(self, prompt: PromptBuilder, into: list[str]) -> None:
        """A streamed text, each piece put into ``into`` when it comes."""

        assert self.streams
        for piece in self._each(prompt.stream_text, prompt.astream_text):
            into.append(piece)  # noqa: PERF402  # what has come stays when the rest fails

    def first_piece(self, prompt: PromptBuilder) -> str:
        """The first piece of a streamed text; what comes after it is not read."""

        assert self.streams
        with closing(self._each(prompt.stream_text, prompt.astream_text)) as pieces:
            return next(pieces)

    def answer(self, prompt: PromptBuilder, kind: type[Wanted]) -> Wanted:
        """JSON read into a type."""
        return self._one(
            lambda: prompt.generate_object(kind), lambda: prompt.agenerate_object(kind)
        )

    def run_functions(self, prompt: PromptBuilder, max_turns: int = 10) -> FunctionRun:
        """The answer after all functions that were asked for."""
        return self._one(
            lambda: prompt.run_functions(max_turns=max_turns),
            lambda: prompt.arun_functions(max_turns=max_turns),
        )

    def images(self, prompt: PromptBuilder) -> GenerativeAiResult:
        """Images."""
        return self._one(prompt.generate_image_result, prompt.agenerate_image_result)

    def embeddings(self, prompt: PromptBuilder) -> EmbeddingResult:
        """Vectors."""
        return self._one(prompt.generate_embedding_result, prompt.agenerate_embedding_result)

    def read_aloud(self, prompt: PromptBuilder) -> GenerativeAiResult:
        """The prompt read aloud."""
        return self._one(
            prompt.convert_text_to_speech_result, prompt.aconvert_text_to_speech_result
        )

    def speech(self, prompt: PromptBuilder) -> GenerativeAiResult:
        """A spoken answer."""
        return self._one(prompt.generate_speech_result, prompt.agenerate_speech_result)

    def start_video(self, prompt: PromptBuilder) -> StartedOperation:
        """A video that has begun."""
        return self._one(prompt.start_video, prompt.astart_video)

    def refresh(self, work: StartedOperation) -> StartedOperation:
        """Work as it is now."""
        return self._one(work.refresh, work.arefresh)

    def wait(self, work: StartedOperation) -> GenerativeAiResult:
        """The result of work, looked at again and again without a pause."""
        return self._one(
            lambda: work.wait(timeout=60, pause=0), lambda: work.await_result(timeout=60, pause=0)
        )

    def find(self, operation_id: str) -> StartedOperation:
        """Work by its id."""
        return self._one(lambda: operation(operation_id), lambda: aoperation(operation_id))

    def is_supported(self, prompt: PromptBuilder, capability: str) -> bool:
        """Whether some model can answer."""
        return self._one(
            lambda: prompt.is_supported(capability), lambda: prompt.ais_supported(capability)
        )

    def _one(
        self, blocking: Callable[[], Item], awaiting: Callable[[], Coroutine[Any, Any, Item]]
    ) -> Item:
        return blocking() if self.runner is None else self.runner.run(awaiting())

    def _each(
        self, blocking: Callable[[], Iterator[Item]], awaiting: Callable[[], AsyncIterator[Item]]
    ) -> Generator[Item]:
        """What comes, as it comes; closing this closes what it comes from."""
        if self.runner is None:
            with closing(cast(Generator[Item], blocking())) as items:
                yield from items
            return
        source = cast(AsyncGenerator[Item], awaiting())

        async def after() -> Item:
            return await anext(source)

        try:
            while True:
                try:
                    item = self.runner.run(after())
                except StopAsyncIteration:
                    return
                yield item
        finally:
            self.runner.run(source.aclose())


NAMES = ("blocking", "awaiting", "streamed", "streamed awaiting")
WHOLE = NAMES[:2]
STREAMED = NAMES[2:]


@contextmanager
def going(name: str) -> Iterator[Way]:
    """The way of that name; what awaits has one event loop until the end."""
    assert name in NAMES
    if name.endswith("awaiting"):
        with asyncio.Runner() as runner:
            yield Way(name, name in STREAMED, runner)
    else:
        yield Way(name, name in STREAMED, None)
