"""The fake: no network, scripted answers, and everything that was asked.

::

    with FakeAi() as fake_ai:
        fake_ai.will_answer("Because of Rayleigh scattering.")
        assert explain("the sky") == "Because of Rayleigh scattering."
        fake_ai.assert_prompted(text="the sky", times=1)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Self
from unittest import mock

import orjson

from ai_client import errors
from ai_client.capabilities import Capability
from ai_client.errors import AiClientError, InvalidArgument, UpstreamError
from ai_client.exchange import Open
from ai_client.health import Health
from ai_client.messages import (
    EmbeddingResult,
    FinishReason,
    FunctionCall,
    GenerationRequest,
    GenerativeAiOperation,
    TokenUsage,
)
from ai_client.messages.reading import unicode_text
from ai_client.observability import watch
from ai_client.records import RequestRecord
from ai_client.stand_in import StandIn, standing_in
from ai_client.testing import dialect, results_dialect
from ai_client.testing.answers import USAGE, Asked, Content, Expected, Scripted, Text, result_of
from ai_client.testing.clock import SimulatedClock
from ai_client.testing.transport import (
    Answered,
    AsyncScriptedExchange,
    HttpAnswer,
    ScriptedExchange,
    ScriptedTransport,
    SentRequest,
)
from ai_client.testing.world import FakeClient, FakeConnection, FakeRegistry, World
from ai_client.trail import Watcher
from ai_client.transport.approach import Approach
from ai_client.transport.async_engine import AiohttpEngine
from ai_client.transport.sync_engine import HttpxEngine


class FakeAi:
    """Stands in for the site's AI client and registry while it is entered.

    ``asked`` are the requests that arrived, ``records`` what the request log would have got,
    ``transport`` what answers other HTTP requests (lists of models, trials of connections),
    ``clock`` the client's clock, on which delays pass at once. ``watch`` is what traces requests,
    that of the site's client unless given.

    ``will_…`` say what is answered. Each answer is given once, in the order in which they were
    said, to the first request that fits ``text``, ``model``, ``provider``, ``connection`` and
    ``capability``; ``times`` says how often, None: always. ``after`` are seconds before the answer
    begins. A request for which nothing was said is an AssertionError, in the code that asks and,
    where that swallows it, at the end.
    """

    def __init__(self, *, watch: Callable[[], Watcher | None] = watch) -> None:
        self._watch = watch
        self.asked: list[Asked] = []
        self.records: list[RequestRecord] = []
        self.clock = SimulatedClock()
        self.transport = ScriptedTransport(self._answer, clock=self.clock)
        self._world: World | None = None
        self._scripts: list[Scripted] = []
        self._operations: dict[str, list[GenerativeAiOperation]] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._world = World()
        client = FakeClient(
            snapshot=lambda: self.world.snapshot,
            engine=self.transport.engine,
            async_engine=self.transport.async_engine,
            record=self.records.append,
            health=Health(lambda: 0.0),
            clock=self.clock,
            watch=self._watch,
        )
        client.world = self._world
        clock = self.clock
        stand_in = StandIn(
            client, FakeRegistry(lambda: self.world), clock, clock.sleep, clock.asleep
        )
        with ExitStack() as stack:
            self._close_network(stack)
            stack.enter_context(standing_in(stand_in))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._stack.close()
        self._world = None
        if error is None and self.transport.refused:
            raise self.transport.refused[0]

    @property
    def world(self) -> World:
        """The connections, while the fake is entered."""
        if self._world is None:
            raise AssertionError("The fake is not entered: with FakeAi() as fake_ai: …")
        return self._world

    # What there is.

    def use_connections(self, *given: FakeConnection) -> None:
        """Have these connections and no others, in this order; a failure goes on to the next."""
        self.world.use(given)

    def use_site_connections(self) -> None:
        """Have the connections, gateway keys and approvals that the site's database holds now."""
        self.world.use_site()

    def gateway_key(self, name: str = "tests") -> str:
        """A key that the site's gateway accepts while the fake is entered."""
        return self.world.add_key(name)

    # What is answered.

    def will_answer(
        self,
        *content: Content,
        usage: TokenUsage = USAGE,
        finish: FinishReason | None = None,
        after: float = 0.0,
        looks: int = 0,
        times: int | None = 1,
        text: Text = None,
        model: str | None = None,
        provider: str | None = None,
        connection: str | None = None,
        capability: Capability | None = None,
    ) -> None:
        """Answer with text, files, calls, messages, JSON or a result; see ``Content``.

        ``looks`` is for videos: how often the work is looked at before it is done.
        """

        def make(asked: Asked) -> Any:
            return result_of(content, asked, usage, finish)

        if not content:
            raise AssertionError("will_answer() needs an answer, such as a text.")
        _require_unicode(content, "content")
        expected = Expected(text, model, provider, connection, capability)
        self._scripts.append(Scripted(expected, make, after=after, looks=looks, left=times))

    def will_stream(
        self,
        *pieces: str | float | AiClientError,
        usage: TokenUsage = USAGE,
        finish: FinishReason | None = None,
        after: float = 0.0,
        times: int | None = 1,
        text: Text = None,
        model: str | None = None,
        provider: str | None = None,
        connection: str | None = None,
    ) -> None:
        """Answer piece by piece: texts, seconds of silence, or an error that ends it."""
        whole = "".join(each for each in pieces if isinstance(each, str))

        def make(asked: Asked) -> Any:
            return result_of([whole], asked, usage, finish)

        if not pieces:
            raise AssertionError("will_stream() needs pieces, such as texts.")
        _require_unicode(pieces, "pieces")
        expected = Expected(text, model, provider, connection)
        self._scripts.append(Scripted(expected, make, pieces, after=after, left=times))

    def will_call(self, name: str, arguments: Mapping[str, object], **more: Any) -> None:
        """Answer with a call of a function; ``more`` as for ``will_answer``."""
        encoded = orjson.dumps(arguments).decode()
        call = FunctionCall(f"call-{len(self._scripts) + 1}", name, encoded)
        self.will_answer(call, **more)

    def will_embed(self, *vectors: Sequence[float], **more: Any) -> None:
        """Answer with vectors, one for each input; ``more`` as for ``will_answer``."""
        usage = more.pop("usage", USAGE)
        made = tuple(tuple(map(float, vector)) for vector in vectors)
        more.setdefault("capability", Capability.EMBEDDING_GENERATION)
        self.will_answer(EmbeddingResult("fake", "fake-model", made, usage), **more)

    def will_fail(self, error: AiClientError, **more: Any) -> None:
        """Answer with an error of ``ai_client.errors``; ``more`` as for ``will_answer``."""
        if getattr(errors, type(error).__name__, None) is not type(error):
            raise InvalidArgument(
                "will_fail() takes an error of ai_client.errors, such as "
                f"RateLimited('Slow down.'), not {error!r}.",
                param="error",
            )
        self.will_answer(error, **more)

    def will_reply(
        self,
        reply: Callable[[Asked], Content],
        *,
        after: float = 0.0,
        times: int | None = None,
        text: Text = None,
        model: str | None = None,
        provider: str | None = None,
        connection: str | None = None,
        capability: Capability | None = None,
    ) -> None:
        """Answer with what a function makes of the request, always unless ``times`` is given."""

        def make(asked: Asked) -> Any:
            return result_of([reply(asked)], asked, USAGE, None)

        expected = Expected(text, model, provider, connection, capability)
        self._scripts.append(Scripted(expected, make, after=after, left=times))

    # What was asked.

    @property
    def last_request(self) -> GenerationRequest:
        """The request that arrived last."""
        if not self.asked:
            raise AssertionError("Nothing was asked.")
        return self.asked[-1].request

    def assert_prompted(
        self,
        text: Text = None,
        *,
        model: str | None = None,
        provider: str | None = None,
        connection: str | None = None,
        capability: Capability | None = None,
        times: int | None = None,
    ) -> None:
        """Fail unless such a request arrived, ``times`` times; without ``times`` at least once."""
        expected = Expected(text, model, provider, connection, capability)
        found = sum(map(expected.fits, self.asked))
        if found == times or (times is None and found):
            return
        wanted = "at least once" if times is None else f"{times} times"
        raise AssertionError(
            f"Asked {found} times instead of {wanted}: {expected}. {self._heard()}"
        )

    def assert_not_prompted(self) -> None:
        """Fail if anything was asked."""
        if self.asked:
            raise AssertionError(f"Nothing was to be asked. {self._heard()}")

    def assert_all_given(self) -> None:
        """Fail if an answer is left that was never given."""
        left = [each for each in self._scripts if not each.given or each.left]
        if left:
            raise AssertionError(
                f"{len(left)} of {len(self._scripts)} answers were not asked for. {self._heard()}"
            )

    def _heard(self) -> str:
        lines = [f"\n  {each}" for each in self.asked]
        return f"Arrived: {''.join(lines)}" if lines else "Nothing arrived."

    def _answer(self, sent: SentRequest) -> Answered | None:
        connection = self.world.connection_at(sent.url)
        if connection is None:
            return None
        work = sent.url.partition(f"/{results_dialect.OPERATIONS}")[2]
        if work:
            return self._look(work)
        body = sent.json
        asked = Asked(
            dialect.read_request(body),
            connection.name,
            connection.provider.slug,
            body["model"],
        )
        self.asked.append(asked)
        for script in self._scripts:
            if script.left != 0 and script.expected.fits(asked):
                return script.give(asked, self._operations)
        raise self.transport.refuse(
            f"No answer was scripted for {asked}. Script one: {_to_script(asked)}"
        )

    def _look(self, work: str) -> Answered:
        states = self._operations.get(work)
        if states is None:
            raise self.transport.refuse(f"There is no work {work!r}; a video begins one.")
        state = states.pop(0) if len(states) > 1 else states[0]
        return HttpAnswer.json(state.to_dict())

    def _close_network(self, stack: ExitStack) -> None:
        """Whatever engine somebody has: what it opens is the transport's to answer."""
        transport = self.transport

        def opened(_: HttpxEngine, step: Open) -> ScriptedExchange | UpstreamError:
            return transport.engine.open(step)

        async def aopened(_: AiohttpEngine, step: Open) -> AsyncScriptedExchange | UpstreamError:
            return await transport.async_engine.open(step)

        stack.enter_context(mock.patch.object(HttpxEngine, "open", opened))
        stack.enter_context(mock.patch.object(AiohttpEngine, "open", aopened))
        for step in ("resolve", "connect", "secure"):
            stack.enter_context(mock.patch.object(Approach, step, return_value=None))


def _require_unicode(content: Sequence[object], param: str) -> None:
    for each in content:
        if isinstance(each, str):
            unicode_text(each, param)


def _to_script(asked: Asked) -> str:
    match asked.request.capability:
        case Capability.TEXT_GENERATION:
            return 'fake_ai.will_answer("…").'
        case Capability.EMBEDDING_GENERATION:
            return "fake_ai.will_embed([0.1, 0.2])."
        case _:
            return 'fake_ai.will_answer(File.from_bytes(b"...", "image/png")).'
