"""From a builder to a finished prompt, and from what came back to the answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from dataclasses import replace
from typing import Self

from ai_client.capabilities import Capability, Modality
from ai_client.errors import InvalidArgument, MalformedAnswer, TurnsExhausted
from ai_client.events import Event, PartDelta, PartKind, PartStart
from ai_client.functions import Function, FunctionRun, ReadyCall, calls_in, ready
from ai_client.messages import (
    EmbeddingResult,
    FunctionResponse,
    GenerativeAiResult,
    Message,
    MessagePart,
    ModelConfig,
    Role,
)
from ai_client.prompt_builder import arguments
from ai_client.prompt_builder.asked import Finished, Prompt, capability_of, config_of_kind
from ai_client.prompt_builder.configuring import Configuring
from ai_client.prompt_builder.content import require_askable

NO_CANDIDATES = "Embeddings have no candidates; use generate_embedding_result()."
_FORCING = ("required", "function")


class Asking(Configuring):
    """Finishes prompts: checks that they can be asked, and says what for."""

    __slots__ = ()

    def _supposed(self, capability: Capability | str | None) -> Prompt:
        config = self.config
        return Prompt(config=config, capability=self._capability(capability, config), **self.said)

    def _finished(
        self, capability: Capability | str | None, modality: Modality | None = None
    ) -> Prompt:
        said = self.said
        require_askable(said.get("messages", ()))
        configured = self.configured
        if not configured:
            config = config_of_kind(modality)
        else:
            if modality is not None:
                modalities = arguments.including(configured.get("output_modalities"), modality)
                configured = {**configured, "output_modalities": modalities}
            config = ModelConfig(**configured)
            arguments.require_declared(config)
        return Prompt(config=config, capability=self._capability(capability, config), **said)

    def _for_content(self, capability: Capability | str | None) -> Prompt:
        prompt = self._finished(capability)
        if prompt.capability is Capability.EMBEDDING_GENERATION:
            raise InvalidArgument(NO_CANDIDATES, param="capability")
        return prompt

    def _for_embeddings(self) -> Prompt:
        prompt = self._finished(Capability.EMBEDDING_GENERATION)
        for message in prompt.messages:
            for part in message.parts:
                if isinstance(part.content, str) and not part.content.strip():
                    raise InvalidArgument("An input for an embedding is blank.", param="prompt")
        return prompt

    def _single_input(self) -> Self:
        """The builder itself, unless it holds more inputs than one vector is for."""
        inputs = sum(len(message.parts) for message in self.messages)
        if inputs > 1:
            raise InvalidArgument(
                f"The prompt has {inputs} inputs and so {inputs} vectors; use "
                "generate_embeddings().",
                param="prompt",
            )
        return self

    def _capability(
        self, capability: Capability | str | None, config: ModelConfig
    ) -> Capability | None:
        if capability is not None:
            return arguments.choice(Capability, capability, "capability")
        if self.said.get("model") is not None:
            # What the model is for is known where models are.
            return None
        return capability_of(config)

    def _counting(self, candidate_count: int | None) -> Self:
        return self if candidate_count is None else self.using_candidate_count(candidate_count)


def content_of(answer: Finished) -> GenerativeAiResult:
    """The answer as one that has candidates."""
    if not isinstance(answer, GenerativeAiResult):
        raise InvalidArgument(NO_CANDIDATES, param="capability")
    return answer


def vectors_of(prompt: Prompt, answer: Finished) -> EmbeddingResult:
    """The answer as vectors, one for each input."""
    assert isinstance(answer, EmbeddingResult)
    inputs = sum(len(message.parts) for message in prompt.messages)
    if len(answer.embeddings) != inputs:
        raise MalformedAnswer(
            f"The upstream answered {inputs} inputs with {len(answer.embeddings)} vectors."
        )
    return answer


class _Texts:
    """Which of the events is text for the reader."""

    def __init__(self) -> None:
        self._shown: set[int] = set()

    def of(self, event: Event) -> str:
        if isinstance(event, PartStart) and event.candidate == 0:
            if event.kind is PartKind.TEXT:
                self._shown.add(event.index)
        elif isinstance(event, PartDelta) and event.candidate == 0 and event.index in self._shown:
            return event.text
        return ""


def texts_in(events: Iterator[Event]) -> Generator[str]:
    """The first candidate's text in the events, piece by piece."""
    texts = _Texts()
    try:
        for event in events:
            if text := texts.of(event):
                yield text
    finally:
        if isinstance(events, Generator):
            events.close()


async def atexts_in(events: AsyncIterator[Event]) -> AsyncGenerator[str]:
    """As ``texts_in``, awaiting."""
    texts = _Texts()
    try:
        async for event in events:
            if text := texts.of(event):
                yield text
    finally:
        if isinstance(events, AsyncGenerator):
            await events.aclose()


class Turns:
    """The loop of calls: what is asked next, and when it is over."""

    def __init__(self, prompt: Prompt, functions: tuple[Function, ...], max_turns: int) -> None:
        if not functions:
            raise InvalidArgument(
                "There are no functions to run; give them to using_functions().",
                param="functions",
            )
        self.prompt = prompt
        self.calls: list[ReadyCall | FunctionResponse] = []
        self._functions = functions
        self._taken = 0
        self._most = arguments.whole(max_turns, "max_turns", least=1)

    def note(self, result: GenerativeAiResult) -> FunctionRun | None:
        """The run, if that was its last answer; else ``calls`` are to be answered."""
        self._taken += 1
        message = result.candidates[0].message
        asked = calls_in(message)
        messages = (*self.prompt.messages, message)
        if not asked:
            return FunctionRun(result, messages, self._taken)
        if self._taken >= self._most:
            raise TurnsExhausted(
                f"The model was asked {self._taken} times and still asks for functions. Raise "
                "max_turns if it needs that many."
            )
        self.prompt = replace(self.prompt, messages=messages)
        self.calls = [ready(each, self._functions) for each in asked]
        return None

    def answer(self, responses: list[FunctionResponse]) -> None:
        """What the functions returned, for the next turn, which may be an answer."""
        message = Message(Role.USER, tuple(MessagePart(each) for each in responses))
        config = self.prompt.config
        if config.tool_choice is not None and config.tool_choice.mode in _FORCING:
            config = replace(config, tool_choice=None)
        messages = (*self.prompt.messages, message)
        self.prompt = replace(self.prompt, messages=messages, config=config)
