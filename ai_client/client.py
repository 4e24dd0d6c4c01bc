"""The public door for Python code in the site, blocking and awaiting.

::

    from ai_client.client import default_client
    from ai_client.messages import GenerationRequest, user_message

    result = default_client().generate(GenerationRequest((user_message("Explain gravity"),)))
    print(result.to_text())

``model`` is what the gateway takes too: ``auto``, a connection's name, ``connection/model`` or a
model id. Errors are the classes of ``ai_client.errors``.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator, Sequence
from contextlib import aclosing, closing
from functools import cache

from ai_client import conf
from ai_client.approvals import caller_label
from ai_client.ask import Ask, Limits
from ai_client.configuration import configuration
from ai_client.errors import AiClientError, ConnectorNotApproved, UpstreamError
from ai_client.events import Event
from ai_client.exchange import Reply, Step
from ai_client.health import Health
from ai_client.key_reserve import kept_within
from ai_client.last_results import LastResults
from ai_client.log.redaction import hide
from ai_client.log.request_ids import new_request_id
from ai_client.log.writer import default_writer
from ai_client.messages import (
    AnyResult,
    GenerationRequest,
    GenerativeAiOperation,
    GenerativeAiResult,
)
from ai_client.named_models import checking
from ai_client.observability import watch
from ai_client.operations import follow, read_handle, route_of
from ai_client.plan import Plan
from ai_client.prevention import require_enabled
from ai_client.prices import context_window
from ai_client.progress import Progress
from ai_client.python_call import PythonCall, generated
from ai_client.reading import Patience
from ai_client.records import Outcome, RequestRecord
from ai_client.refusals import Refusals, default_refusals
from ai_client.router import AUTO, Approved, Route, permitted, spoken
from ai_client.routing import Routing
from ai_client.session import Reserve, Session
from ai_client.snapshot import ConnectionConfig, GatewayKeyConfig, Snapshot
from ai_client.stand_in import present
from ai_client.trail import Trail, Watcher
from ai_client.transport import AsyncEngine, Engine, adrive, arun, drive, run
from ai_client.transport.async_engine import AiohttpEngine
from ai_client.transport.guard import Guard
from ai_client.transport.sync_engine import HttpxEngine


class AiClient:
    """Asks the site's connections. Holds the health states and sockets; one per process.

    Everything it depends on can be given, which is how tests stand in for the network, the
    configuration, the clock or the log.
    """

    def __init__(
        self,
        *,
        snapshot: Callable[[], Snapshot],
        engine: Engine,
        async_engine: AsyncEngine,
        record: Callable[[RequestRecord], object],
        health: Health | None = None,
        clock: Callable[[], float] = time.monotonic,
        refusals: Refusals | None = None,
        watch: Callable[[], Watcher | None] | None = None,
    ) -> None:
        self.snapshot = snapshot
        self.engine = engine
        self.async_engine = async_engine
        self._record = record
        self._watch = watch
        self.health = health or Health(_chance)
        self.clock = clock
        self.refusals = refusals or Refusals()
        self.results = LastResults()
        self._routing = Routing()

    def session(
        self,
        ask: Ask,
        model: str | Sequence[Route],
        *,
        allow_fallback: bool = True,
        caller: str = "",
        key: GatewayKeyConfig | None = None,
        limits: Limits | None = None,
        watcher: Watcher | None = None,
        reserve: Reserve | None = None,
    ) -> Session:
        """A session for ``ask`` over the routes that ``model`` is or names.

        Of these ``caller`` gets those it may use; ``ConnectorNotApproved`` where that is none.
        What the gateway's ``key`` is not for is left out too, by ``KeyScope``.
        ``limits`` are the site's unless given. What ``reserve`` finds is for the caller.
        """
        headers = None if watcher is None else watcher.asked(ask)
        require_enabled()
        label = caller_label(caller)
        if isinstance(model, str):
            found = self._routing.find(
                self.snapshot(), model, label, ask.dialect, allow_fallback=allow_fallback, key=key
            )
            routes = found.routes
        else:
            found = permitted(self.snapshot(), model, label, key)
            routes = spoken(found.routes, ask.dialect)
        self._require_approval(label, found)
        return Session(
            ask,
            routes,
            self.health,
            self.clock,
            limits or conf.limits(),
            context_window,
            hide,
            headers,
            kept_within(reserve, key),
            checking(key),
        )

    def finish(
        self,
        trail: Trail,
        progress: Progress,
        outcome: Outcome,
        *,
        status: int | None = None,
        error: AiClientError | None = None,
    ) -> RequestRecord:
        """A request is over: remember it, and tell whoever watches."""
        now = self.clock()
        record = trail.record(progress, now, outcome, status=status, error=error)
        self.record(record)
        if trail.watcher is not None:
            trail.watcher.ended(record, progress, now)
        return record

    def record(self, record: RequestRecord) -> None:
        """Remember a finished request: its results here, all of it in the log."""
        self.results.note(record, self.clock())
        self._record(record)

    def trail(
        self,
        dialect: str,
        *,
        requested_model: str = "",
        stream: bool = False,
        key: GatewayKeyConfig | None = None,
        caller: str = "",
    ) -> Trail:
        """The beginning of a request, for its record."""
        return Trail(
            request_id=new_request_id(),
            created=time.time(),
            started=self.clock(),
            dialect=dialect,
            requested_model=requested_model,
            stream=stream,
            key=key,
            caller=caller,
            watcher=None if self._watch is None else self._watch(),
        )

    def generate(
        self, request: GenerationRequest, *, model: str = AUTO, caller: str = ""
    ) -> GenerativeAiResult:
        """The answer to ``request`` for text.

        ``caller`` is the label of the app that asks, for the log and for approvals.
        """
        return generated(self.ask(Plan(request, model, caller)))

    def ask(self, plan: Plan) -> AnyResult:
        """The answer to a plan. An operation's ``id`` is one that ``operation`` takes."""
        return self.answer(self.call(plan))

    def call(self, plan: Plan, *, stream: bool = False) -> PythonCall:
        """A plan on its way, which knows who answered: for ``answer``, or for ``events_of``."""
        return PythonCall(self, plan, stream=stream)

    def answer(self, call: PythonCall) -> AnyResult:
        """The answer to a call; once."""
        answer: AnyResult | None = None
        with call, closing(run(call.session, self.engine)) as outputs:
            # To the session's own end: to break it off would cost it an exception.
            for output in outputs:
                answer = call.answer(output)
        assert answer is not None, "A session ended without an answer."
        return answer

    def generate_from(
        self, connection: ConnectionConfig, request: GenerationRequest, *, caller: str = ""
    ) -> GenerativeAiResult:
        """The answer of this very connection, whatever its health; no other one is asked.

        The attempt counts for its health, so a connection that works again is known to.
        """
        alone = Snapshot(connections=(connection,))
        once = AiClient(
            snapshot=lambda: alone,
            engine=self.engine,
            async_engine=self.async_engine,
            record=self.record,
            health=Health(_chance),
            clock=self.clock,
            watch=self._watch,
        )
        place = (connection.id, connection.revision, connection.model)
        try:
            result = once.generate(request, model=connection.name, caller=caller)
        except UpstreamError as error:
            self.health.fail(*place, error, self.clock())
            raise
        self.health.succeed(*place, self.clock())
        return result

    def note_trial(
        self, connection: ConnectionConfig, seconds: float, error: UpstreamError | None
    ) -> None:
        """A test of a stored connection counts for its health as a request does."""
        place, now = (connection.id, connection.revision, connection.model), self.clock()
        if error is None:
            self.health.succeed(*place, now)
            self.results.answered(connection.id, round(seconds * 1000, 1))
        else:
            self.health.fail(*place, error, now)
            self.results.failed(connection.id, error.message, now)

    async def agenerate(
        self, request: GenerationRequest, *, model: str = AUTO, caller: str = ""
    ) -> GenerativeAiResult:
        """As ``generate``, awaiting."""
        return generated(await self.aask(Plan(request, model, caller)))

    async def aask(self, plan: Plan) -> AnyResult:
        """As ``ask``, awaiting."""
        return await self.aanswer(self.call(plan))

    async def aanswer(self, call: PythonCall) -> AnyResult:
        """As ``answer``, awaiting."""
        answer: AnyResult | None = None
        with call:
            async with aclosing(arun(call.session, self.async_engine)) as outputs:
                async for output in outputs:
                    answer = call.answer(output)
        assert answer is not None, "A session ended without an answer."
        return answer

    def stream(
        self, request: GenerationRequest, *, model: str = AUTO, caller: str = ""
    ) -> Iterator[Event]:
        """The answer's events as they come. Closing the iterator ends the upstream call."""
        yield from self.events(Plan(request, model, caller))

    def events(self, plan: Plan) -> Iterator[Event]:
        """As ``stream``, for a plan."""
        yield from self.events_of(self.call(plan, stream=True))

    def events_of(self, call: PythonCall) -> Generator[Event, None, None]:
        """The events of the answer to a call made for a stream; once."""
        with call, closing(run(call.session, self.engine)) as outputs:
            for output in outputs:
                yield from call.events(output)
            call.end()

    async def astream(
        self, request: GenerationRequest, *, model: str = AUTO, caller: str = ""
    ) -> AsyncIterator[Event]:
        """As ``stream``, awaiting."""
        async with aclosing(self.aevents(Plan(request, model, caller))) as events:
            async for event in events:
                yield event

    async def aevents(self, plan: Plan) -> AsyncGenerator[Event, None]:
        """As ``events``, awaiting."""
        async with aclosing(self.aevents_of(self.call(plan, stream=True))) as events:
            async for event in events:
                yield event

    async def aevents_of(self, call: PythonCall) -> AsyncGenerator[Event, None]:
        """As ``events_of``, awaiting."""
        with call:
            async with aclosing(arun(call.session, self.async_engine)) as outputs:
                async for output in outputs:
                    for event in call.events(output):
                        yield event
            call.end()

    def operation(
        self,
        operation_id: str,
        *,
        connections: Sequence[ConnectionConfig] | None = None,
        caller: str = "",
    ) -> GenerativeAiOperation:
        """How far a long operation is, with its result once it has succeeded.

        ``operation_id`` is the ``id`` of an operation that ``ask`` or this has returned; it may
        have been stored in between. ``connections`` are the snapshot's unless given. Asks the
        upstream once; whoever wants the end asks again after a while. Leaves no record in the log:
        the request that started the operation has one.
        """
        flow = self._following(operation_id, connections, caller)
        with closing(drive(flow, self.engine)) as found:
            for operation in found:
                return operation
        raise AssertionError("An operation was followed without an answer.")

    async def aoperation(
        self,
        operation_id: str,
        *,
        connections: Sequence[ConnectionConfig] | None = None,
        caller: str = "",
    ) -> GenerativeAiOperation:
        """As ``operation``, awaiting."""
        flow = self._following(operation_id, connections, caller)
        async with aclosing(adrive(flow, self.async_engine)) as found:
            async for operation in found:
                return operation
        raise AssertionError("An operation was followed without an answer.")

    def _following(
        self, operation_id: str, connections: Sequence[ConnectionConfig] | None, caller: str
    ) -> Generator[Step | GenerativeAiOperation, Reply, None]:
        require_enabled()
        handle, label, snapshot = read_handle(operation_id), caller_label(caller), self.snapshot()
        everybody = (*snapshot.connections, *snapshot.implicit)
        route = route_of(handle, everybody if connections is None else connections)
        self._require_approval(label, permitted(snapshot, [route], label))
        limits = conf.limits()
        return follow(route, handle.id, Patience(limits, self.clock), limits.connect, hide)

    def _require_approval(self, label: str, found: Approved) -> None:
        for connector in found.refused:
            self.refusals.note(label, connector)
        if found.refused and not found.routes:
            raise ConnectorNotApproved(
                f"The caller {label!r} may not use {', '.join(found.refused)} here. The site's "
                "owner can allow it on the Connectors page, under Approvals."
            )

    def forget_former(self, snapshot: Snapshot) -> None:
        """Forget the health of connections, and of their revisions, that are not in force."""
        everybody = (*snapshot.connections, *snapshot.implicit)
        self.health.keep_only({(each.id, each.revision) for each in everybody})
        self.results.keep_only({each.id for each in everybody})

    async def close(self) -> None:
        """Close the sockets of the running loop and of the blocking engine."""
        await self.async_engine.close()
        self.engine.close()


def default_client() -> AiClient:
    """This process's client, over the site's connections; in a test that of ``testing``."""
    found = present()
    return site_client() if found is None else found.client


@cache
def site_client() -> AiClient:
    """As ``default_client``, whoever stands in for it."""
    guard = Guard(conf.allowed_private_hosts)
    client = AiClient(
        snapshot=configuration().current,
        engine=HttpxEngine(guard),
        async_engine=AiohttpEngine(guard),
        record=default_writer().append,
        refusals=default_refusals(),
        watch=watch,
    )
    configuration().watch(client.forget_former)
    return client


def client_over(
    snapshot: Callable[[], Snapshot], engine: Engine, async_engine: AsyncEngine
) -> AiClient:
    """A client with engines and health states of its own, which writes to the site's log."""
    return AiClient(
        snapshot=snapshot,
        engine=engine,
        async_engine=async_engine,
        record=default_writer().append,
        refusals=default_refusals(),
        watch=watch,
    )


_system_random = secrets.SystemRandom()


def _chance() -> float:
    return _system_random.random()
