"""What a finished prompt says, and who answers it: the seam between the builder and a site."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Protocol, TypeAlias

from ai_client.capabilities import Capability, Modality
from ai_client.errors import CapabilityUnsupported, InvalidArgument, MalformedAnswer, ServerFailed
from ai_client.events import Event
from ai_client.functions import Callee
from ai_client.messages import (
    EmbeddingResult,
    GenerativeAiOperation,
    GenerativeAiResult,
    Message,
    ModelConfig,
    OperationState,
    RequestOptions,
)
from ai_client.messages.reading import number, unicode_text
from ai_client.values import guarded

_UNSAID = ModelConfig()


@cache
def config_of_kind(modality: Modality | None) -> ModelConfig:
    """The settings of a prompt that says nothing but what kind of answer it is for."""
    return ModelConfig(output_modalities=None if modality is None else (modality,))


_TEXT = config_of_kind(Modality.TEXT)

Finished: TypeAlias = GenerativeAiResult | EmbeddingResult

PATIENCE = 600.0
"""Seconds that a long operation is waited for unless said otherwise."""
PAUSE = 5.0
"""Seconds between two looks at a long operation unless said otherwise."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model at a provider, with settings that hold where a prompt says nothing else.

    ``provider`` None: whichever provider has a model of that id. ``InvalidArgument`` for a blank
    id, and for values of other types.
    """

    provider: str | None
    id: str
    config: ModelConfig = _UNSAID

    def __post_init__(self) -> None:
        for param, said in (("provider", self.provider), ("id", self.id)):
            if (said is not None or param == "id") and not unicode_text(said, param).strip():
                raise InvalidArgument(f"The model's {param} is blank.", param=param)
        if not isinstance(self.config, ModelConfig):
            raise InvalidArgument(
                f"config is a ModelConfig, not {type(self.config).__name__}.", param="config"
            )


@guarded(frozen=True, slots=True)
class Prompt:
    """All that a builder has gathered.

    ``capability`` None: what the explicit model is for. ``model`` and ``preferences`` are pairs
    of a provider's id or a connection's name, or None for any, and a model id. ``provider``, such
    an id or name, says who alone may answer. ``caller`` is the label of the app that asks. Without
    ``fallback`` only the first choice is asked.
    """

    messages: tuple[Message, ...] = ()
    config: ModelConfig = _UNSAID
    capability: Capability | None = None
    provider: str | None = None
    model: tuple[str | None, str] | None = None
    preferences: tuple[tuple[str | None, str], ...] = ()
    request_options: RequestOptions | None = None
    caller: str = ""
    fallback: bool = True

    @property
    def is_plain_text(self) -> bool:
        """Whether it is a text that wants a text, with nothing set, as most prompts are.

        False may only mean that this would take a closer look.
        """
        if self.config is not _TEXT or len(self.messages) != 1:
            return False
        parts = self.messages[0].parts
        return len(parts) == 1 and isinstance(parts[0].content, str)


class Door(Protocol):
    """Answers prompts. ``ai_client.generation`` has the site's."""

    def generate(self, prompt: Prompt) -> Finished:
        """The answer; long operations are waited for."""

    async def agenerate(self, prompt: Prompt) -> Finished:
        """As ``generate``, awaiting."""

    def stream(self, prompt: Prompt) -> Iterator[Event]:
        """The answer's events as they come."""

    def astream(self, prompt: Prompt) -> AsyncIterator[Event]:
        """As ``stream``, awaiting."""

    def start(self, prompt: Prompt) -> GenerativeAiOperation:
        """Has a long operation begin."""

    async def astart(self, prompt: Prompt) -> GenerativeAiOperation:
        """As ``start``, awaiting."""

    def look(self, operation_id: str, caller: str) -> GenerativeAiOperation:
        """How far a long operation is."""

    async def alook(self, operation_id: str, caller: str) -> GenerativeAiOperation:
        """As ``look``, awaiting."""

    def wait(
        self, operation: GenerativeAiOperation, caller: str, timeout: float, pause: float
    ) -> GenerativeAiOperation:
        """The operation at its end. ``DeadlineExceeded`` after ``timeout`` seconds."""

    async def await_end(
        self, operation: GenerativeAiOperation, caller: str, timeout: float, pause: float
    ) -> GenerativeAiOperation:
        """As ``wait``, awaiting."""

    def is_supported(self, prompt: Prompt) -> bool:
        """Whether some model can answer."""

    async def ais_supported(self, prompt: Prompt) -> bool:
        """As ``is_supported``, awaiting."""

    def call(self, callee: Callee, arguments: Mapping[str, object]) -> object:
        """What the callable, blocking or awaiting, returns."""

    async def acall(self, callee: Callee, arguments: Mapping[str, object]) -> object:
        """As ``call``, awaiting."""


@dataclass(frozen=True, slots=True)
class StartedOperation:
    """Work that an upstream has begun, such as a video.

    ``operation`` is how far it was when it was last looked at. ``id`` can be stored, and
    ``ai_client.operation(id)`` finds the work again, from another process as well.
    """

    door: Door
    operation: GenerativeAiOperation
    caller: str = ""

    @property
    def id(self) -> str:
        """The id of the work on this site."""
        return self.operation.id

    @property
    def state(self) -> OperationState:
        """How far it was when it was last looked at."""
        return self.operation.state

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of it."""
        return is_over(self.operation)

    def refresh(self) -> StartedOperation:
        """The same work as it is now."""
        return replace(self, operation=self.door.look(self.id, self.caller))

    async def arefresh(self) -> StartedOperation:
        """As ``refresh``, awaiting."""
        return replace(self, operation=await self.door.alook(self.id, self.caller))

    def wait(self, timeout: float = PATIENCE, pause: float = PAUSE) -> GenerativeAiResult:
        """The result, once it is there: ``timeout`` seconds at most, a look every ``pause``.

        Raises ``DeadlineExceeded`` when the time is over, and ``ServerFailed`` when the upstream
        gave up.
        """
        timeout, pause = _seconds(timeout, "timeout"), _seconds(pause, "pause")
        return result_of(self.door.wait(self.operation, self.caller, timeout, pause))

    async def await_result(
        self, timeout: float = PATIENCE, pause: float = PAUSE
    ) -> GenerativeAiResult:
        """As ``wait``, awaiting."""
        timeout, pause = _seconds(timeout, "timeout"), _seconds(pause, "pause")
        return result_of(await self.door.await_end(self.operation, self.caller, timeout, pause))


def _seconds(value: float, param: str) -> float:
    if number(value, param) < 0:
        raise InvalidArgument(f"{param} is {value} seconds; it may not be negative.", param=param)
    return value


def is_over(operation: GenerativeAiOperation) -> bool:
    """Whether the work has ended, well or not."""
    return operation.state not in (OperationState.STARTING, OperationState.PROCESSING)


_BY_MODALITY = {
    Modality.TEXT: Capability.TEXT_GENERATION,
    Modality.IMAGE: Capability.IMAGE_GENERATION,
    Modality.AUDIO: Capability.SPEECH_GENERATION,
    Modality.VIDEO: Capability.VIDEO_GENERATION,
}


def capability_of(config: ModelConfig) -> Capability:
    """What is asked for where only the output's modalities say it; several of them mean text."""
    modalities = config.output_modalities
    if not modalities or len(modalities) > 1:
        return Capability.TEXT_GENERATION
    found = _BY_MODALITY.get(modalities[0])
    if found is None:
        raise CapabilityUnsupported(
            f"No model gives out {modalities[0].value}. Ask for text, image, audio or video.",
            param="modalities",
        )
    return found


def result_of(operation: GenerativeAiOperation) -> GenerativeAiResult:
    """The result of an operation at its end; ``ServerFailed`` where it has none to give."""
    if operation.state is OperationState.SUCCEEDED:
        if operation.result is None:
            raise MalformedAnswer("The upstream's work succeeded and its result is missing.")
        return operation.result
    reason = operation.error or f"it is {operation.state.value}"
    raise ServerFailed(f"The upstream did not finish the work: {reason}")
