"""The site's answer to prompts: from what is asked to its connections, with its signals.

What it needs of the site is imported when it is used, so that ``ai_client.prompt`` can be imported
before Django's apps are ready.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from contextlib import aclosing, closing
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakKeyDictionary

from asgiref.sync import sync_to_async

from ai_client import loops, stand_in
from ai_client.capabilities import Capability
from ai_client.choosing import Choice, Chooser, limits_of, model_of
from ai_client.errors import CapabilityUnsupported
from ai_client.events import Event, collect
from ai_client.functions import Callee, FunctionRefused
from ai_client.messages import (
    AnyResult,
    EmbeddingResult,
    GenerativeAiOperation,
    GenerativeAiResult,
)
from ai_client.model_catalog import provider_metadata
from ai_client.operation_watch import Watch
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
from ai_client.support import supports, supports_at_hand
from ai_client.values import value
from ai_client.wire import operation_face

if TYPE_CHECKING:
    from ai_client.ask import Limits
    from ai_client.client import AiClient
    from ai_client.python_call import PythonCall
    from ai_client.registry import ProviderRegistry, Transporter
    from ai_client.snapshot import ConnectionConfig, Snapshot
    from ai_client.transport import AsyncEngine, Engine

logger = logging.getLogger(__name__)

_AT_ONCE = "This provider answers at once; use generate_video_result()."


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
        self._last_chooser: Chooser | None = None
        self._clock = clock
        self._sleep = sleep
        self._asleep = asleep

    def __getstate__(self) -> dict[str, object]:
        # Prompts can be copied and stored with their door, a chooser's locks can't.
        return {**vars(self), "_last_chooser": None}

    def generate(self, prompt: Prompt) -> Finished:
        require_allowed(prompt)
        client, chooser = self._parties()
        choice = chooser.choose(prompt)
        call = _call(client, prompt, choice, stream=False)
        told = _Told(prompt, choice, call, stream=False)
        if before_generate.has_listeners(PromptBuilder):
            told.before()
        result = client.answer(call)
        if isinstance(result, GenerativeAiOperation):
            ended = self.wait(result, prompt.caller, _patience(prompt), PAUSE)
            result = result_of(ended)
        signed = _signed(result, call.route)
        if after_generate.has_listeners(PromptBuilder):
            told.after(signed)
        return signed

    async def agenerate(self, prompt: Prompt) -> Finished:
        await arequire_allowed(prompt)
        client, chooser = self._parties()
        choice = await _achoice(chooser, prompt)
        call = _call(client, prompt, choice, stream=False)
        told = _Told(prompt, choice, call, stream=False)
        if before_generate.has_listeners(PromptBuilder):
            await told.abefore()
        result = await client.aanswer(call)
        if isinstance(result, GenerativeAiOperation):
            ended = await self.await_end(result, prompt.caller, _patience(prompt), PAUSE)
            result = result_of(ended)
        signed = _signed(result, call.route)
        if after_generate.has_listeners(PromptBuilder):
            await told.aafter(signed)
        return signed

    def stream(self, prompt: Prompt) -> Generator[Event]:
        require_allowed(prompt)
        client, chooser = self._parties()
        choice = chooser.choose(prompt)
        call = _call(client, prompt, choice, stream=True)
        told = _Told(prompt, choice, call, stream=True)
        if before_generate.has_listeners(PromptBuilder):
            told.before()
        kept: list[Event] | None = [] if after_generate.has_listeners(PromptBuilder) else None
        with closing(client.events_of(call)) as events:
            for event in events:
                if kept is not None:
                    kept.append(event)
                yield event
        if kept is not None:
            told.after(_signed(collect(kept), call.route))

    async def astream(self, prompt: Prompt) -> AsyncGenerator[Event]:
        await arequire_allowed(prompt)
        client, chooser = self._parties()
        choice = await _achoice(chooser, prompt)
        call = _call(client, prompt, choice, stream=True)
        told = _Told(prompt, choice, call, stream=True)
        if before_generate.has_listeners(PromptBuilder):
            await told.abefore()
        kept: list[Event] | None = [] if after_generate.has_listeners(PromptBuilder) else None
        async with aclosing(client.aevents_of(call)) as events:
            async for event in events:
                if kept is not None:
                    kept.append(event)
                yield event
        if kept is not None:
            await told.aafter(_signed(collect(kept), call.route))

    def start(self, prompt: Prompt) -> GenerativeAiOperation:
        require_allowed(prompt)
        client, chooser = self._parties()
        choice = _startable(chooser.choose(prompt))
        call = _call(client, prompt, choice, stream=False)
        told = _Told(prompt, choice, call, stream=False)
        if before_generate.has_listeners(PromptBuilder):
            told.before()
        operation = _operation(client.answer(call))
        if after_generate.has_listeners(PromptBuilder):
            told.after(operation)
        return operation

    async def astart(self, prompt: Prompt) -> GenerativeAiOperation:
        await arequire_allowed(prompt)
        client, chooser = self._parties()
        choice = _startable(await _achoice(chooser, prompt))
        call = _call(client, prompt, choice, stream=False)
        told = _Told(prompt, choice, call, stream=False)
        if before_generate.has_listeners(PromptBuilder):
            await told.abefore()
        operation = _operation(await client.aanswer(call))
        if after_generate.has_listeners(PromptBuilder):
            await told.aafter(operation)
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
        watch = Watch(operation.id, self._clock() + timeout, pause)
        while not is_over(operation):
            self._sleep(watch.pause_at(self._clock()))
            with watch.looking():
                operation = self.look(operation.id, caller)
        return operation

    async def await_end(
        self, operation: GenerativeAiOperation, caller: str, timeout: float, pause: float
    ) -> GenerativeAiOperation:
        watch = Watch(operation.id, self._clock() + timeout, pause)
        while not is_over(operation):
            await self._asleep(watch.pause_at(self._clock()))
            with watch.looking():
                operation = await self.alook(operation.id, caller)
        return operation

    def is_supported(self, prompt: Prompt) -> bool:
        if not is_allowed(prompt):
            return False
        _, chooser = self._parties()
        return supports(chooser, prompt)

    async def ais_supported(self, prompt: Prompt) -> bool:
        if not await ais_allowed(prompt):
            return False
        _, chooser = self._parties()
        found = supports_at_hand(chooser, prompt)
        if found is None:
            found = await sync_to_async(supports, thread_sensitive=False)(chooser, prompt)
        return found

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
        given = self._given_client
        return _client_of(self._registry) if given is None else given

    def _connections(self) -> list[ConnectionConfig]:
        return [each.connection for each in self._registry.offers()]

    def _parties(self) -> tuple[AiClient, Chooser]:
        """Who asks, and who chooses whom."""
        registry = self._registry
        client = self._given_client
        if client is None:
            client = _client_of(registry)
        approvals = client.snapshot().approvals
        chooser = self._last_chooser
        if (
            chooser is None
            or chooser.registry is not registry
            or chooser.approvals is not approvals
        ):
            chooser = self._last_chooser = Chooser(registry, approvals, self._clock)
        return client, chooser


def _call(client: AiClient, prompt: Prompt, choice: Choice, *, stream: bool) -> PythonCall:
    """A prompt on its way to whom was chosen."""
    if prompt.capability is None and choice.capability is Capability.EMBEDDING_GENERATION:
        raise CapabilityUnsupported(
            "The model is for embeddings; use generate_embedding_result().", param="model"
        )
    request = choice.request_of(prompt, stream=stream)
    # The client refuses what the caller may not use, and notes that it was wanted.
    everybody = (*choice.routes, *choice.refused)
    reserve = choice.chain if prompt.fallback else None
    limits: Limits | None = None
    if prompt.request_options is not None or choice.waited:
        limits = limits_of(prompt, choice.waited)
    plan = Plan(request, everybody, prompt.caller, limits, reserve)
    return client.call(plan, stream=stream)


@value(frozen=True, slots=True)
class _Told:
    """What receivers of the signals are told of a prompt. Ask first whether there are any."""

    prompt: Prompt
    choice: Choice
    call: PythonCall
    stream: bool

    def before(self) -> None:
        before_generate.send_robust(PromptBuilder, event=self._before())

    async def abefore(self) -> None:
        await before_generate.asend_robust(PromptBuilder, event=self._before())

    def after(self, result: AnyResult) -> None:
        after_generate.send_robust(PromptBuilder, event=self._after(result))

    async def aafter(self, result: AnyResult) -> None:
        await after_generate.asend_robust(PromptBuilder, event=self._after(result))

    def _before(self) -> BeforeGenerate:
        first = self.call.session.routes[0]
        return BeforeGenerate(
            self.prompt.messages,
            first.connection.provider.slug,
            first.connection.name,
            first.model,
            self.choice.capability,
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
            self.choice.capability,
            self.prompt.config,
            self.prompt.caller,
            self.call.request_id,
            result,
            self.stream,
        )


async def _achoice(chooser: Chooser, prompt: Prompt) -> Choice:
    """The choice for a prompt: in a thread where upstreams have to be asked for their models."""
    found = chooser.choose_at_hand(prompt)
    if found is not None:
        return found
    return await sync_to_async(chooser.choose, thread_sensitive=False)(prompt)


def _patience(prompt: Prompt) -> float:
    options = prompt.request_options
    return PATIENCE if options is None or not options.timeout else options.timeout


def _signed(result: AnyResult, route: Route) -> Finished:
    """The result with who gave it."""
    assert isinstance(result, (GenerativeAiResult, EmbeddingResult))
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
