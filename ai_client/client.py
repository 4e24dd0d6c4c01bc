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
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, closing
from functools import cache

from ai_client import conf
from ai_client.approvals import caller_label
from ai_client.ask import Ask
from ai_client.configuration import configuration
from ai_client.errors import AiClientError, ConnectorNotApproved, UpstreamError
from ai_client.events import Event, replay
from ai_client.exchange import Answer, Output, Piece
from ai_client.health import Health
from ai_client.last_results import LastResults
from ai_client.log.redaction import hide
from ai_client.log.writer import default_writer
from ai_client.messages import GenerationRequest, GenerativeAiResult
from ai_client.prices import context_window
from ai_client.progress import Progress
from ai_client.records import Outcome, RequestRecord
from ai_client.refusals import Refusals, default_refusals
from ai_client.router import AUTO, approved
from ai_client.session import Session
from ai_client.snapshot import ConnectionConfig, GatewayKeyConfig, Snapshot
from ai_client.trail import Trail
from ai_client.transport import AsyncEngine, Engine, arun, run
from ai_client.transport.async_engine import AiohttpEngine
from ai_client.transport.guard import Guard
from ai_client.transport.sync_engine import HttpxEngine

PYTHON = "python"
"""The dialect of callers that use this module rather than the gateway."""


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
    ) -> None:
        self.snapshot = snapshot
        self.engine = engine
        self.async_engine = async_engine
        self._record = record
        self.health = health or Health(_chance)
        self.clock = clock
        self.refusals = refusals or Refusals()
        self.results = LastResults()

    def session(
        self, ask: Ask, model: str, *, allow_fallback: bool = True, caller: str = ""
    ) -> Session:
        """A session for ``ask`` over the routes that ``model`` names and ``caller`` may use.

        ``ConnectorNotApproved`` where it may use none of them.
        """
        label = caller_label(caller)
        found = approved(self.snapshot(), model, label, allow_fallback=allow_fallback)
        for connector in found.refused:
            self.refusals.note(label, connector)
        if found.refused and not found.routes:
            raise ConnectorNotApproved(
                f"The caller {label!r} may not use {', '.join(found.refused)} here. The site's "
                "owner can allow it under Settings > Connectors > Approvals."
            )
        return Session(
            ask, found.routes, self.health, self.clock, conf.limits(), context_window, hide
        )

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
        )

    def generate(
        self, request: GenerationRequest, *, model: str = AUTO, caller: str = ""
    ) -> GenerativeAiResult:
        """The answer to ``request``.

        ``caller`` is the label of the app that asks, for the log and for approvals.
        """
        call = _PythonCall(self, request, model, caller, stream=False)
        with call, closing(run(call.session, self.engine)) as outputs:
            for output in outputs:
                return call.answer(output)
        raise AssertionError("A session ended without an answer.")

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
        call = _PythonCall(self, request, model, caller, stream=False)
        with call:
            async with aclosing(arun(call.session, self.async_engine)) as outputs:
                async for output in outputs:
                    return call.answer(output)
        raise AssertionError("A session ended without an answer.")

    def stream(
        self, request: GenerationRequest, *, model: str = AUTO, caller: str = ""
    ) -> Iterator[Event]:
        """The answer's events as they come. Closing the iterator ends the upstream call."""
        call = _PythonCall(self, request, model, caller, stream=True)
        with call, closing(run(call.session, self.engine)) as outputs:
            for output in outputs:
                yield from call.events(output)
            call.end()

    async def astream(
        self, request: GenerationRequest, *, model: str = AUTO, caller: str = ""
    ) -> AsyncIterator[Event]:
        """As ``stream``, awaiting."""
        call = _PythonCall(self, request, model, caller, stream=True)
        with call:
            async with aclosing(arun(call.session, self.async_engine)) as outputs:
                async for output in outputs:
                    for event in call.events(output):
                        yield event
            call.end()

    def forget_former(self, snapshot: Snapshot) -> None:
        """Forget the health of connections, and of their revisions, that are not in force."""
        self.health.keep_only({(each.id, each.revision) for each in snapshot.connections})
        self.results.keep_only({each.id for each in snapshot.connections})

    async def close(self) -> None:
        """Close the sockets of the running loop and of the blocking engine."""
        await self.async_engine.close()
        self.engine.close()


class _PythonCall:
    """One request of a Python caller: its session, and the one record that it leaves."""

    def __init__(
        self, client: AiClient, request: GenerationRequest, model: str, caller: str, *, stream: bool
    ) -> None:
        self._client = client
        self._trail = client.trail(PYTHON, requested_model=model, stream=stream, caller=caller)
        self._recorded = False
        ask = Ask(stream=stream, request=request.with_stream(stream))
        try:
            self.session = client.session(ask, model, caller=caller)
        except AiClientError as error:
            refused = self._trail.record(Progress(), client.clock(), Outcome.REFUSED, error=error)
            client.record(refused)
            raise

    def answer(self, output: Output) -> GenerativeAiResult:
        assert isinstance(output, Answer)
        self.end()
        return output.result

    def events(self, output: Output) -> Iterator[Event]:
        match output:
            case Piece():
                yield from output.events
            case Answer():
                yield from replay(output.result)

    def end(self) -> None:
        self._record(Outcome.SUCCESS)

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, AiClientError):
            self._record(Outcome.ERROR, error)
        elif isinstance(error, Exception):
            # A caller that leaves closes the iterator; this is a defect of ours.
            self._record(Outcome.ERROR, AiClientError("The AI client failed."))
        else:
            self._record(Outcome.CLIENT_CLOSED)

    def _record(self, outcome: Outcome, error: AiClientError | None = None) -> None:
        if self._recorded:
            return
        self._recorded = True
        client = self._client
        client.record(
            self._trail.record(self.session.progress, client.clock(), outcome, error=error)
        )


def new_request_id() -> str:
    """A fresh id: ``req_`` and 128 random bits."""
    return f"req_{secrets.token_hex(16)}"


@cache
def default_client() -> AiClient:
    """This process's client, over the site's connections."""
    guard = Guard(conf.allowed_private_hosts)
    client = AiClient(
        snapshot=configuration().current,
        engine=HttpxEngine(guard),
        async_engine=AiohttpEngine(guard),
        record=default_writer().append,
        refusals=default_refusals(),
    )
    configuration().watch(client.forget_former)
    return client


_system_random = secrets.SystemRandom()


def _chance() -> float:
    return _system_random.random()
