"""One request against its routes, without I/O: this is where fallback lives.

A session is a generator of steps (``exchange.py``). Two short loops in ``transport`` drive it,
one awaiting, one blocking; there is no other difference between sync and async.

The commit point is the first content-bearing event that leaves: before it a failure moves on to
the next route and nobody notices; after it the failure is raised and no other route is asked.
A plain answer is committed only when it is complete.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from functools import partial
from typing import Final, Protocol, TypeAlias

from ai_client.ask import Ask, Limits
from ai_client.capabilities import Capability
from ai_client.echoes import without_echo
from ai_client.encoding import BodyDecoder
from ai_client.endpoints import addressed, upstream_headers
from ai_client.errors import (
    AiClientError,
    BadContent,
    ContentFiltered,
    ContextTooLong,
    Effect,
    EmptyAnswer,
    EndpointMissing,
    FirstEventTimedOut,
    HeadersTimedOut,
    IdleTimedOut,
    NoConnection,
    PoolExhausted,
    StaleSocket,
    UpstreamError,
)
from ai_client.events import Event, Usage, bears_content, collect, replay
from ai_client.exchange import (
    Answer,
    Consult,
    Drop,
    Open,
    Opened,
    Output,
    Piece,
    Reply,
    Step,
)
from ai_client.health import Health
from ai_client.holders import able, left_after
from ai_client.json_text import dump
from ai_client.last_words import exhausted, legible
from ai_client.messages import AnyResult, EmbeddingResult, GenerativeAiResult
from ai_client.named_models import Check
from ai_client.progress import Attempt, Progress
from ai_client.providers.media_fields import FALLBACK_AFTER_TIMEOUT
from ai_client.reading import (
    WEB_PAGE,
    Patience,
    Pieces,
    content_type,
    read_refusal,
    read_stream,
    read_whole,
    with_callers_names,
)
from ai_client.router import Route, admit, in_own_wire, standing
from ai_client.tool_names import answered_back
from ai_client.wire import Target, WireRequest, asking_face, client_face, result_face

Flow: TypeAlias = Generator[Step | Output, Reply, None]

_CHEAP: Final = (
    Capability.TEXT_GENERATION,
    Capability.CHAT_HISTORY,
    Capability.EMBEDDING_GENERATION,
)
_TIMED_OUT: Final = (HeadersTimedOut, FirstEventTimedOut, IdleTimedOut)


class Reserve(Protocol):
    """Routes that only upstreams' lists of models can tell, found out once nobody else is left."""

    @property
    def routes(self) -> tuple[Route, ...]:
        """Those that are known by now, in order; the session's own may be among them."""

    @property
    def is_complete(self) -> bool:
        """Whether nobody is left who could be asked."""

    def ask(self, seconds: float) -> None:
        """Ask the next upstream for its models, for so long at most; blocks."""

    def nothing(self) -> AiClientError:
        """Why there is no route, once everybody has been asked."""


class Session:
    """Drives one request to its end. Use once: ``run`` it through a transport.

    ``context_window`` tells how many tokens a provider's model takes, given the provider's price
    id; it is only asked once a prompt was too long for a model. ``hide`` takes a connection's key,
    its second argument, out of what an upstream said. ``headers`` go to every upstream besides its
    own. ``reserve`` is asked for further routes when all of ``routes`` have failed. ``check`` may
    refuse a caller's own body that would go to a route.
    """

    def __init__(
        self,
        ask: Ask,
        routes: tuple[Route, ...],
        health: Health,
        clock: Callable[[], float],
        limits: Limits,
        context_window: Callable[[str | None, str], int | None] = lambda *_: None,
        hide: Callable[[str, str], str] = lambda text, _: text,
        headers: Mapping[str, str] | None = None,
        reserve: Reserve | None = None,
        check: Check | None = None,
    ) -> None:
        self._ask = ask
        self._reserve = reserve
        self._check = check
        self._headers = headers or {}
        self._routes = routes
        self._health = health
        self._clock = clock
        self._limits = limits
        self._context_window = context_window
        self._hide = hide
        self._patience = Patience(limits, clock)
        self.progress = Progress()

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes that may be asked, in order."""
        return self._routes

    def run(self) -> Flow:
        """Steps and outputs. Raises the ``AiClientError`` that ends the request."""
        tried: list[AiClientError] = []
        too_small = -1
        sent = 0
        waiting, refusal = self._admitted(self._routes)
        is_first = bool(waiting)
        while True:
            if sent >= self._limits.attempts or (tried and self._patience.is_over):
                break
            if not waiting:
                found = yield from self._further()
                if not found:
                    break
                waiting = deque(found)
                if not self.progress.attempts and refusal is None:
                    waiting, refusal = self._admitted(found)
                    is_first = bool(waiting)
                    continue
            route = waiting.popleft()
            # Who was admitted first is asked even where its breaker is open.
            if not is_first and not standing(route, self._health, self._clock()).allowed:
                continue
            is_first = False
            if too_small >= 0 and self._window(route) <= too_small:
                continue
            attempt = Attempt(route, self._clock())
            self.progress.attempts.append(attempt)
            try:
                yield from self._asked(attempt)
            except (AiClientError, RecursionError) as failure:
                error = legible(failure, attempt)
                self._failed(attempt, error)
                if self.progress.committed or not error.retryable:
                    if error is failure:
                        raise
                    raise error from None
                if self._may_cost_twice(attempt, error):
                    raise
                tried.append(error)
                sent += isinstance(error, UpstreamError | ContextTooLong)
                waiting = left_after(route, waiting, self._ask)
                if isinstance(error, ContextTooLong):
                    too_small = max(too_small, self._window(route))
                if isinstance(error, EndpointMissing):
                    own = in_own_wire(route)
                    waiting.extendleft(() if own is None else (own,))
                yield Drop()
                if sum(isinstance(each, PoolExhausted) for each in tried) > 1:
                    # Each has cost its wait; a third pool would be no emptier.
                    break
            except BaseException:
                # The caller left, or a defect of ours came up: it says nothing of the upstream,
                # unless that had said all it had to say.
                if attempt.answered:
                    self._succeeded(attempt)
                else:
                    self._left(attempt)
                raise
            else:
                self._succeeded(attempt)
                return
        if not tried:
            raise refusal or self._nobody()
        raise exhausted(self.progress.attempts, tried)

    def _admitted(self, routes: tuple[Route, ...]) -> tuple[deque[Route], UpstreamError | None]:
        """Those of ``routes`` to begin with; where there are none, why."""
        now = self._clock()
        try:
            routes = able(routes, self._ask, self._health, now)
            return deque(admit(routes, self._health, now)), None
        except UpstreamError as refusal:
            if self._reserve is None:
                raise
            return deque(), refusal

    def _nobody(self) -> AiClientError:
        """Why nobody was asked."""
        if self._reserve is None:
            return NoConnection("No connection is left that could be asked.")
        if not self._reserve.is_complete:
            self._patience.remaining()
        return self._reserve.nothing()

    def _may_cost_twice(self, attempt: Attempt, error: AiClientError) -> bool:
        """Whether the upstream may still be making, and charging for, what nobody waits for.

        The caller's SDK is not to ask again either, except where the connection allows that.
        """
        if self._ask.capability in _CHEAP or not isinstance(error, _TIMED_OUT):
            return False
        if attempt.route.connection.options.get(FALLBACK_AFTER_TIMEOUT.name):
            return False
        error.should_retry = False
        return True

    def _further(self) -> Generator[Step, Reply, tuple[Route, ...]]:
        """Routes that the reserve finds; none where it knows no more or the time is up."""
        reserve = self._reserve
        while reserve is not None and not reserve.is_complete and not self._patience.is_over:
            yield Consult(partial(reserve.ask, self._patience.remaining()))
            known = {_key(route) for route in self._routes}
            found = tuple(route for route in reserve.routes if _key(route) not in known)
            self._routes = (*self._routes, *found)
            if found:
                return found
        return ()

    def _asked(self, attempt: Attempt) -> Flow:
        route = attempt.route
        connection = route.connection
        spoken = route.wire_format
        face = asking_face(spoken)
        target = Target(route.model, connection.provider.name, connection.options)
        wire, forwarded = self._ask.render(face, spoken, target, route.without)
        if forwarded and self._check is not None:
            self._check(wire.body, route)
        attempt.asked = True
        results = result_face(spoken)
        self.progress.begin(route, wire.warnings, wire.body if results is None else None)
        self._patience.begin(connection.timeout)
        self._health.begin(connection.id, connection.revision, route.model, self._clock())
        opened = yield from self._open(attempt, wire, spoken)
        attempt.status = opened.status
        if opened.status != 200:
            # No local variable is the key: pages about errors print them.
            raise (
                yield from read_refusal(
                    opened,
                    face,
                    self._patience,
                    lambda text: self._hide(text, connection.api_key),
                )
            )
        decoder = BodyDecoder(opened.headers.get("content-encoding", ""))
        media_type = content_type(opened)
        if media_type == WEB_PAGE:
            raise BadContent(f"{connection.provider.name} answered with a web page.")
        if results is not None:
            body = yield from read_whole(decoder, self._patience)
            result = results.parse_result(body, media_type, wire)
            raw = body if forwarded else None
            yield from self._whole(attempt, result, raw, opened.headers.get("content-type", ""))
            return
        talking = client_face(spoken)
        if media_type == "text/event-stream":
            pieces = read_stream(
                talking.StreamParser(),
                decoder,
                self._patience,
                self._clock,
                hide_usage=self._ask.hide_usage,
                hand_on=forwarded and self._ask.stream,
            )
            if wire.tool_names:
                pieces = with_callers_names(pieces, wire.tool_names)
            if self._ask.stream:
                yield from self._stream(attempt, pieces, forwarded=forwarded)
            else:
                yield from self._collected(attempt, pieces)
            return
        body = yield from read_whole(decoder, self._patience)
        try:
            answer = talking.parse_response(body)
        except ContentFiltered as refusal:
            if not (forwarded and refusal.events) or self._ask.stream:
                raise
            answer = collect(refusal.events)
        if wire.tool_names:
            answer = answered_back(answer, wire.tool_names)
        yield from self._whole(attempt, answer, body if forwarded else None)

    def _whole(
        self, attempt: Attempt, result: AnyResult, raw: bytes | None, media_type: str = ""
    ) -> Generator[Output, None, None]:
        """An answer that came in one piece."""
        if isinstance(result, GenerativeAiResult):
            _require_answer(result)
        self.progress.note_whole(result, self._clock())
        self.progress.committed = attempt.answered = True
        if self._ask.stream:
            yield Piece(tuple(_events(result)), last=True)
        else:
            yield Answer(result, raw, media_type)

    def _open(
        self, attempt: Attempt, wire: WireRequest, spoken: str
    ) -> Generator[Step, Reply, Opened]:
        connection = attempt.route.connection
        url, wire = addressed(connection, wire, spoken, attempt.route.model)
        body = dump(wire.body)
        headers = upstream_headers(connection, wire, self._headers)
        fresh = False
        while True:
            timeout = min(connection.timeout, self._patience.remaining())
            reply = yield Open(
                wire.method,
                url,
                headers,
                body,
                timeout=timeout,
                connect_timeout=min(self._limits.connect, timeout),
                pool_timeout=min(self._limits.pool, timeout),
                fresh=fresh,
                leaving=attempt.leaving,
            )
            if isinstance(reply, Opened):
                return reply
            if isinstance(reply, StaleSocket) and not fresh:
                fresh = attempt.fresh_socket_retry = True
            elif isinstance(reply, UpstreamError):
                self._patience.remaining()
                raise reply
            else:
                raise AssertionError(f"Open was answered with {type(reply).__name__}.")

    def _collected(self, attempt: Attempt, pieces: Pieces) -> Flow:
        """A stream that came for a plain call."""
        events: list[Event] = []
        reply: Reply = None
        while True:
            try:
                step = pieces.send(reply)
            except StopIteration:
                break
            if isinstance(step, Piece):
                self._note(step.events)
                events += step.events
                reply = None
            else:
                reply = yield step
        result = collect(events)
        _require_answer(result)
        self.progress.committed = attempt.answered = True
        yield Answer(result)

    def _stream(self, attempt: Attempt, pieces: Pieces, *, forwarded: bool) -> Flow:
        """Pieces as they come, held back until one bears content."""
        events: list[Event] = []
        raw: list[bytes] = []
        reply: Reply = None
        while True:
            try:
                step = pieces.send(reply)
            except StopIteration:
                break
            if not isinstance(step, Piece):
                reply = yield step
                continue
            reply = None
            self._note(step.events)
            events += step.events
            raw.append(step.raw or b"")
            if not self.progress.committed:
                if not any(bears_content(event) for event in step.events):
                    continue
                self.progress.committed = True
            attempt.answered = step.last
            yield Piece(tuple(events), b"".join(raw) if forwarded else None, last=step.last)
            events.clear()
            raw.clear()
        if not self.progress.committed:
            raise EmptyAnswer("The upstream's stream ended without content or finish reason.")

    def _note(self, events: tuple[Event, ...]) -> None:
        now = self._clock()
        for event in events:
            self.progress.note(event, now)

    def _window(self, route: Route) -> int:
        """Tokens that the route's model takes; 0 where that is not known."""
        return self._context_window(route.connection.provider.price_id, route.model) or 0

    def _failed(self, attempt: Attempt, error: AiClientError) -> None:
        now = attempt.ended = self._clock()
        attempt.error = error
        connection, model = attempt.route.connection, attempt.route.model
        error.clean(lambda text: self._hide(text, connection.api_key))
        if isinstance(error, UpstreamError):
            attempt.status = error.upstream_status or attempt.status
        told = without_echo(error, self._ask, attempt.status)
        attempt.said = told.message
        if not (isinstance(error, UpstreamError) and isinstance(told, UpstreamError)):
            self._health.release(connection.id, connection.revision, model)
            return
        self._health.fail(connection.id, connection.revision, model, told, now)
        if error.effect is Effect.COOLDOWN and error.retry_after is None:
            until = standing(attempt.route, self._health, now).until
            error.retry_after = None if until is None else until - now

    def _left(self, attempt: Attempt) -> None:
        attempt.ended = self._clock()
        connection = attempt.route.connection
        self._health.release(connection.id, connection.revision, attempt.route.model)

    def _succeeded(self, attempt: Attempt) -> None:
        attempt.answered = True
        now = attempt.ended = self._clock()
        connection = attempt.route.connection
        self._health.succeed(connection.id, connection.revision, attempt.route.model, now)


def _key(route: Route) -> tuple[str, str]:
    return route.connection.id, route.model


def _events(result: AnyResult) -> Iterator[Event]:
    if isinstance(result, GenerativeAiResult):
        yield from replay(result)
    elif isinstance(result, EmbeddingResult) and result.usage is not None:
        yield Usage(result.usage)


def _require_answer(result: GenerativeAiResult) -> None:
    for each in result.candidates:
        if each.finish_reason or each.message.parts:
            return
    raise EmptyAnswer("The upstream's answer holds neither content nor a finish reason.")
