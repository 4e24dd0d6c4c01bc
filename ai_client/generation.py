"""The site's answer to prompts: from what is asked to its connections, with its signals.

What it needs of the site is imported when it is used, so that ``ai_client.prompt`` can be imported
before Django's apps are ready.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from contextlib import aclosing, closing
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakKeyDictionary

from asgiref.sync import sync_to_async

from ai_client import loops, stand_in
from ai_client.capabilities import Capability
from ai_client.choosing import Choice, Chooser, limits_of, model_of
from ai_client.errors import (
    CapabilityUnsupported,
    DeadlineExceeded,
    InvalidArgument,
    UpstreamError,
)
from ai_client.events import Event, collect
from ai_client.functions import Callee, FunctionRefused
from ai_client.messages import (
    AnyResult,
    EmbeddingResult,
    GenerationRequest,
    GenerativeAiOperation,
    GenerativeAiResult,
    Message,
)
from ai_client.model_catalog import provider_metadata
from ai_client.operations import read_handle, route_of
from ai_client.plan import Plan
from ai_client.prevention import ais_allowed, arequire_allowed, is_allowed, require_allowed
from ai_client.prompt_builder import (
    PATIENCE,
    PAUSE,
    Finished,
    Prompt,
    PromptBuilder,
    is_over,
    result_of,
)
from ai_client.router import Route
from ai_client.signals import AfterGenerate, BeforeGenerate, after_generate, before_generate
from ai_client.values import value
from ai_client.wire import operation_face

if TYPE_CHECKING:
    from ai_client.client import AiClient
    from ai_client.python_call import PythonCall
    from ai_client.registry import ProviderRegistry, Transporter
    from ai_client.snapshot import ConnectionConfig, Snapshot
    from ai_client.transport import AsyncEngine, Engine

logger = logging.getLogger(__name__)

_AT_ONCE = "This provider answers at once; use generate_video_result()."
_FAILED_LOOKS = 3
"""How often in a row a long operation may be out of sight."""


class SiteDoor:
    """Answers prompts over a registry's offers; see ``Door``.

    ``client``, ``sleep`` and ``asleep`` are for tests and for programs with a client of their own.
    """

    def __init__(
        self,
        registry: ProviderRegistry | None = None,
        *,
        client: AiClient | None = None,
        clock: Callable[[], float] = stand_in.clock,
        sleep: Callable[[float], object] = stand_in.sleep,
        asleep: Callable[[float], Awaitable[object]] = stand_in.asleep,
    ) -> None:
        self._given_registry = registry
        self._given_client = client
        self._clock = clock
        self._sleep = sleep
        self._asleep = asleep

    def generate(self, prompt: Prompt) -> Finished:
        require_allowed(prompt)
        client = self._client
        begun = self._begin(client, prompt, self._choose(client, prompt), stream=False)
        begun.announce()
        result = begun.client.answer(begun.call)
        if isinstance(result, GenerativeAiOperation):
            ended = self.wait(result, prompt.caller, _patience(prompt), PAUSE)
            result = result_of(ended)
        signed = _signed(result, begun.call.route)
        begun.report(signed)
        return signed

    async def agenerate(self, prompt: Prompt) -> Finished:
        await arequire_allowed(prompt)
        client = self._client
        choice = await self._achoose(client, prompt)
        begun = self._begin(client, prompt, choice, stream=False)
        await begun.aannounce()
        result = await begun.client.aanswer(begun.call)
        if isinstance(result, GenerativeAiOperation):
            ended = await self.await_end(result, prompt.caller, _patience(prompt), PAUSE)
            result = result_of(ended)
        signed = _signed(result, begun.call.route)
        await begun.areport(signed)
        return signed

    def stream(self, prompt: Prompt) -> Generator[Event]:
        require_allowed(prompt)
        client = self._client
        begun = self._begin(client, prompt, self._choose(client, prompt), stream=True)
        begun.announce()
        kept: list[Event] | None = [] if after_generate.has_listeners(PromptBuilder) else None
        with closing(begun.client.events_of(begun.call)) as events:
            for event in events:
                if kept is not None:
                    kept.append(event)
                yield event
        if kept is not None:
            begun.report(_signed(collect(kept), begun.call.route))

    async def astream(self, prompt: Prompt) -> AsyncGenerator[Event]:
        await arequire_allowed(prompt)
        client = self._client
        choice = await self._achoose(client, prompt)
        begun = self._begin(client, prompt, choice, stream=True)
        await begun.aannounce()
        kept: list[Event] | None = [] if after_generate.has_listeners(PromptBuilder) else None
        async with aclosing(begun.client.aevents_of(begun.call)) as events:
            async for event in events:
                if kept is not None:
                    kept.append(event)
                yield event
        if kept is not None:
            await begun.areport(_signed(collect(kept), begun.call.route))

    def start(self, prompt: Prompt) -> GenerativeAiOperation:
        require_allowed(prompt)
        client = self._client
        choice = _startable(self._choose(client, prompt))
        begun = self._begin(client, prompt, choice, stream=False)
        begun.announce()
        operation = _operation(begun.client.answer(begun.call))
        begun.report(operation)
        return operation

    async def astart(self, prompt: Prompt) -> GenerativeAiOperation:
        await arequire_allowed(prompt)
        client = self._client
        choice = _startable(await self._achoose(client, prompt))
        begun = self._begin(client, prompt, choice, stream=False)
        await begun.aannounce()
        operation = _operation(await begun.client.aanswer(begun.call))
        await begun.areport(operation)
        return operation

    def look(self, operation_id: str, caller: str) -> GenerativeAiOperation:
        connections = self._connections()
        found = self._client.operation(operation_id, connections=connections, caller=caller)
        return _signed_work(found, connections)

    async def alook(self, operation_id: str, caller: str) -> GenerativeAiOperation:
        connections = self._connections()
        found = await self._client.aoperation(operation_id, connections=connections, caller=caller)
        return _signed_work(found, connections)

    def wait(
        self, operation: GenerativeAiOperation, caller: str, timeout: float, pause: float
    ) -> GenerativeAiOperation:
        watch = _Watch(operation.id, self._clock() + timeout, pause)
        while not is_over(operation):
            self._sleep(watch.pause_at(self._clock()))
            try:
                operation = self.look(operation.id, caller)
            except UpstreamError as error:
                watch.note(error)
            else:
                watch.failures = 0
        return operation

    async def await_end(
        self, operation: GenerativeAiOperation, caller: str, timeout: float, pause: float
    ) -> GenerativeAiOperation:
        watch = _Watch(operation.id, self._clock() + timeout, pause)
        while not is_over(operation):
            await self._asleep(watch.pause_at(self._clock()))
            try:
                operation = await self.alook(operation.id, caller)
            except UpstreamError as error:
                watch.note(error)
            else:
                watch.failures = 0
        return operation

    def is_supported(self, prompt: Prompt) -> bool:
        if not is_allowed(prompt):
            return False
        try:
            return self._choose(self._client, replace(prompt, fallback=False)).meets(prompt)
        except (InvalidArgument, CapabilityUnsupported):
            return False

    async def ais_supported(self, prompt: Prompt) -> bool:
        if not await ais_allowed(prompt):
            return False
        try:
            alone = replace(prompt, fallback=False)
            return (await self._achoose(self._client, alone)).meets(prompt)
        except (InvalidArgument, CapabilityUnsupported):
            return False

    def call(self, callee: Callee, arguments: Mapping[str, object]) -> object:
        try:
            return loops.call(callee, **arguments)
        except Exception as error:
            _tell(callee, error)
            raise

    async def acall(self, callee: Callee, arguments: Mapping[str, object]) -> object:
        try:
            return await loops.acall(callee, **arguments)
        except Exception as error:
            _tell(callee, error)
            raise

    @property
    def _registry(self) -> ProviderRegistry:
        given = self._given_registry
        return _site().default_registry() if given is None else given

    @property
    def _client(self) -> AiClient:
        return self._given_client or _client_of(self._registry)

    def _connections(self) -> list[ConnectionConfig]:
        return [each.connection for each in self._registry.offers()]

    def _chooser(self, client: AiClient) -> Chooser:
        return Chooser(self._registry, client.snapshot().approvals, self._clock)

    def _choose(self, client: AiClient, prompt: Prompt) -> Choice:
        return self._chooser(client).choose(prompt)

    async def _achoose(self, client: AiClient, prompt: Prompt) -> Choice:
        """As ``_choose``: in a thread where upstreams have to be asked for their models."""
        found = self._chooser(client).choose_at_hand(prompt)
        if found is not None:
            return found
        return await sync_to_async(self._choose, thread_sensitive=False)(client, prompt)

    def _begin(self, client: AiClient, prompt: Prompt, choice: Choice, *, stream: bool) -> _Begun:
        if prompt.capability is None and choice.capability is Capability.EMBEDDING_GENERATION:
            raise CapabilityUnsupported(
                "The model is for embeddings; use generate_embedding_result().", param="model"
            )
        request = GenerationRequest(
            _asked(prompt, choice), prompt.config, stream, choice.capability
        )
        # The client refuses what the caller may not use, and notes that it was wanted.
        everybody = (*choice.routes, *choice.refused)
        reserve = choice.chain if prompt.fallback else None
        limits = limits_of(prompt, choice.waited)
        plan = Plan(request, everybody, prompt.caller, limits, reserve)
        return _Begun(prompt, choice.capability, stream, client, client.call(plan, stream=stream))


@value(frozen=True, slots=True)
class _Begun:
    """A prompt on its way. Signals cost nothing where nobody receives them."""

    prompt: Prompt
    capability: Capability
    stream: bool
    client: AiClient
    call: PythonCall

    def announce(self) -> None:
        if before_generate.has_listeners(PromptBuilder):
            before_generate.send_robust(PromptBuilder, event=self._before())

    async def aannounce(self) -> None:
        if before_generate.has_listeners(PromptBuilder):
            await before_generate.asend_robust(PromptBuilder, event=self._before())

    def report(self, result: AnyResult) -> None:
        if after_generate.has_listeners(PromptBuilder):
            after_generate.send_robust(PromptBuilder, event=self._after(result))

    async def areport(self, result: AnyResult) -> None:
        if after_generate.has_listeners(PromptBuilder):
            await after_generate.asend_robust(PromptBuilder, event=self._after(result))

    def _before(self) -> BeforeGenerate:
        first = self.call.session.routes[0]
        return BeforeGenerate(
            self.prompt.messages,
            first.connection.provider.slug,
            first.connection.name,
            first.model,
            self.capability,
            self.prompt.config,
            self.prompt.caller,
            self.call.request_id,
            self.stream,
        )

    def _after(self, result: AnyResult) -> AfterGenerate:
        route = self.call.route
        return AfterGenerate(
            self.prompt.messages,
            route.connection.provider.slug,
            route.connection.name,
            route.model,
            self.capability,
            self.prompt.config,
            self.prompt.caller,
            self.call.request_id,
            result,
            self.stream,
        )


@dataclass(slots=True)
class _Watch:
    """How long a long operation is still waited for, and how often it was out of sight."""

    operation_id: str
    until: float
    pause: float
    failures: int = field(default=0)

    def pause_at(self, now: float) -> float:
        """Seconds until the next look."""
        if now >= self.until:
            raise self._left(
                DeadlineExceeded(
                    "The upstream's work is not done in the time that it was given. It goes on: "
                    "operation(error.operation_id) finds it again."
                )
            )
        return min(self.pause, self.until - now)

    def note(self, error: UpstreamError) -> None:
        """A look failed: raise what does not pass by itself, or lasts."""
        self.failures += 1
        if not error.should_retry or self.failures > _FAILED_LOOKS:
            raise self._left(error)

    def _left(self, error: UpstreamError) -> UpstreamError:
        """The error with what finds the work again."""
        error.operation_id = self.operation_id
        return error


def _asked(prompt: Prompt, choice: Choice) -> tuple[Message, ...]:
    if choice.capability is not Capability.EMBEDDING_GENERATION:
        return prompt.messages
    # Each message of a request for embeddings is one input.
    return tuple(
        Message(message.role, (part,)) for message in prompt.messages for part in message.parts
    )


def _patience(prompt: Prompt) -> float:
    options = prompt.request_options
    return PATIENCE if options is None or not options.timeout else options.timeout


def _signed(result: AnyResult, route: Route) -> Finished:
    """The result with who gave it."""
    assert isinstance(result, GenerativeAiResult | EmbeddingResult)
    provider = provider_metadata(route.connection.provider)
    # Some upstreams do not say which model answered.
    model = result.model or route.model
    if isinstance(result, EmbeddingResult):
        return replace(
            result, model=model, provider_metadata=provider, model_metadata=model_of(route)
        )
    # Field by field: ``replace`` takes three times as long, and every answer comes by here.
    return GenerativeAiResult(
        result.id,
        model,
        result.candidates,
        result.usage,
        provider,
        model_of(route),
        result.additional_data,
    )


def _signed_work(
    operation: GenerativeAiOperation, connections: list[ConnectionConfig]
) -> GenerativeAiOperation:
    """The operation, whose result says who gave it."""
    if operation.result is None:
        return operation
    signed = _signed(operation.result, route_of(read_handle(operation.id), connections))
    assert isinstance(signed, GenerativeAiResult)
    return replace(operation, result=signed)


def _startable(choice: Choice) -> Choice:
    """The choice, unless it is known that its first upstream answers at once."""
    if choice.routes and operation_face(choice.routes[0].wire_format) is None:
        raise CapabilityUnsupported(_AT_ONCE, param="capability")
    return choice


def _operation(result: AnyResult) -> GenerativeAiOperation:
    if not isinstance(result, GenerativeAiOperation):
        raise CapabilityUnsupported(_AT_ONCE, param="capability")
    return result


def _tell(callee: Callee, error: Exception) -> None:
    if not isinstance(error, FunctionRefused):
        name = getattr(callee, "__qualname__", getattr(callee, "__name__", "?"))
        logger.error("The function %s, which a model asked for, failed.", name, exc_info=error)


class _Site(NamedTuple):
    """What is had of the site: by the time it is used its apps are ready."""

    default_registry: Callable[[], ProviderRegistry]
    default_client: Callable[[], AiClient]
    client_over: Callable[[Callable[[], Snapshot], Engine, AsyncEngine], AiClient]


@cache
def _site() -> _Site:
    from ai_client.client import client_over, default_client
    from ai_client.registry import default_registry

    return _Site(default_registry, default_client, client_over)


_clients: WeakKeyDictionary[ProviderRegistry, tuple[Transporter, AiClient]] = WeakKeyDictionary()


def _client_of(registry: ProviderRegistry) -> AiClient:
    """The process's client, or the one over the engines that the registry was given."""
    transporter = registry.transporter()
    if transporter is None:
        return _site().default_client()
    made = _clients.get(registry)
    if made is None or made[0] is not transporter:
        engine, async_engine = transporter.engine, transporter.async_engine
        made = transporter, _site().client_over(registry.snapshot, engine, async_engine)
        _clients[registry] = made
    return made[1]
