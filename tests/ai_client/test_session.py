"""Fallback and time limits, with the network and the clock in the test's hand.

A script answers the session's steps; nothing here opens a socket.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from ai_client.ask import Ask, Limits
from ai_client.errors import (
    AiClientError,
    ConnectFailed,
    ConnectionReset,
    ContextTooLong,
    DeadlineExceeded,
    FirstEventTimedOut,
    IdleTimedOut,
    InvalidRequest,
    KeyRejected,
    NoModelFound,
    RateLimited,
    ServerFailed,
    StaleSocket,
    StreamTruncated,
    UnsupportedFeature,
)
from ai_client.exchange import (
    Answer,
    Chunk,
    Consult,
    Drop,
    End,
    Open,
    Opened,
    Output,
    Piece,
    Read,
    ReadTimedOut,
    Reply,
)
from ai_client.health import Health, Standing
from ai_client.messages import GenerationRequest, GenerativeAiResult, ModelConfig, user_message
from ai_client.providers import Provider
from ai_client.router import Route
from ai_client.session import Flow, Session
from ai_client.snapshot import ConnectionConfig

OPENAI = Provider(slug="openai", name="OpenAI", wire="openai_chat", price_id="openai")
ANTHROPIC = Provider(slug="anthropic", name="Anthropic", wire="anthropic_messages")
HELLO = GenerationRequest((user_message("Hello"),))
JSON = Opened(200, {"content-type": "application/json"})
SSE = Opened(200, {"content-type": "text/event-stream"})


def route(name: str, provider: Provider = OPENAI, model: str = "model") -> Route:
    connection = ConnectionConfig(
        id=name, name=name, provider=provider, model=model, base_url=f"https://{name}.example/v1"
    )
    return Route(connection, model)


def answer(text: str) -> Chunk:
    return Chunk(
        orjson.dumps(
            {
                "id": "chatcmpl-1",
                "object": "chat.completion",
                "model": "model",
                "choices": [
                    {
                        "index": 0,
                        "message": {"role": "assistant", "content": text},
                        "finish_reason": "stop",
                    }
                ],
            }
        )
    )


def delta(**delta: Any) -> Chunk:
    return event({"id": "c", "model": "m", "choices": [{"index": 0, "delta": delta}]})


def finish() -> Chunk:
    return event(
        {"id": "c", "model": "m", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    )


def event(data: object) -> Chunk:
    return Chunk(b"data: " + orjson.dumps(data) + b"\n\n")


DONE = Chunk(b"data: [DONE]\n\n")


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class After:
    """A reply that takes some seconds."""

    seconds: float
    reply: Reply


@dataclass
class Lists:
    """Routes that upstreams would tell, one each time; how long each was given for that."""

    rest: list[Route]
    routes: tuple[Route, ...] = ()
    waits: list[float] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        return not self.rest

    def ask(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.routes = (*self.routes, self.rest.pop(0))

    def nothing(self) -> AiClientError:
        return NoModelFound("Nobody has a model for that.")


@dataclass
class Play:
    """A session with the network that the script plays to it."""

    routes: tuple[Route, ...]
    script: Iterable[Reply | After]
    ask: Ask = field(default_factory=lambda: Ask(stream=False, request=HELLO))
    limits: Limits = field(default_factory=Limits)
    windows: dict[str, int] = field(default_factory=dict)
    opened: list[Open] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    reserve: Lists | None = None

    def __post_init__(self) -> None:
        self.clock = Clock()
        self.health = Health(lambda: 0.0)
        self.session = Session(
            self.ask,
            self.routes,
            self.health,
            self.clock,
            self.limits,
            lambda _, model: self.windows.get(model),
            reserve=self.reserve,
        )

    def outputs(self) -> Generator[Output, None, None]:
        replies = iter(self.script)
        with closing(self.session.run()) as flow:
            yield from self._played(flow, replies)

    def _played(
        self, flow: Flow, replies: Iterator[Reply | After]
    ) -> Generator[Output, None, None]:
        reply: Reply = None
        while True:
            try:
                step = flow.send(reply)
            except StopIteration:
                return
            reply = None
            match step:
                case Answer() | Piece():
                    yield step
                case Drop():
                    pass
                case Consult():
                    step.act()
                case Open() | Read():
                    if isinstance(step, Open):
                        self.opened.append(step)
                    else:
                        self.waits.append(step.timeout)
                    scripted = next(replies)
                    if isinstance(scripted, After):
                        self.clock.now += scripted.seconds
                        scripted = scripted.reply
                    reply = scripted

    def text(self) -> str:
        (output,) = self.outputs()
        assert isinstance(output, Answer)
        assert isinstance(output.result, GenerativeAiResult)
        return output.result.to_text()

    @property
    def hosts(self) -> list[str]:
        return [step.url.split("/")[2].split(".")[0] for step in self.opened]


def streamed() -> Ask:
    return Ask(stream=True, request=HELLO)


def test_the_first_connection_that_works_answers() -> None:
    play = Play((route("a"), route("b")), [ConnectFailed("refused"), JSON, answer("hi"), End()])
    assert play.text() == "hi"
    assert play.hosts == ["a", "b"]
    first, second = play.session.progress.attempts
    assert isinstance(first.error, ConnectFailed)
    assert second.error is None


def test_lists_of_models_are_asked_for_once_everybody_else_has_failed() -> None:
    lists = Lists([route("a"), route("c"), route("d"), route("e")])
    script: list[Reply | After] = [
        After(100, ConnectFailed("refused")),
        After(50, ConnectFailed("refused")),
        *(ConnectFailed("refused"), JSON, answer("hi"), End()),
    ]
    play = Play((route("a"), route("b")), script, reserve=lists)
    assert play.text() == "hi"
    # What is known already is no news; with the answer nobody is asked any more.
    assert play.hosts == ["a", "b", "c", "d"]
    assert lists.waits == [450.0, 450.0, 450.0]
    assert [each.route.connection.name for each in play.session.progress.attempts] == [*"abcd"]


def test_an_answer_asks_for_no_lists() -> None:
    lists = Lists([route("c")])
    assert Play((route("a"),), [JSON, answer("hi"), End()], reserve=lists).text() == "hi"
    assert lists.waits == []


def test_lists_are_asked_for_neither_past_the_deadline_nor_past_four_attempts() -> None:
    late = Lists([route("z")])
    play = Play((route("a"),), [After(600, ConnectFailed("refused"))], reserve=late)
    with pytest.raises(DeadlineExceeded):
        list(play.outputs())
    enough = Lists([route("z")])
    play = Play(tuple(map(route, "abcd")), [ConnectFailed("refused")] * 4, reserve=enough)
    with pytest.raises(ConnectFailed):
        list(play.outputs())
    assert late.waits == enough.waits == []


def test_lists_are_asked_for_where_nobody_may_be_asked_at_the_moment() -> None:
    lists = Lists([route("b")])
    play = Play((route("a"),), [JSON, answer("hi"), End()], reserve=lists)
    play.health.fail("a", "", "model", KeyRejected("the key"), play.clock())
    assert play.text() == "hi"
    assert play.hosts == ["b"]
    play = Play((route("a"),), [], reserve=Lists([]))
    play.health.fail("a", "", "model", KeyRejected("the key"), play.clock())
    with pytest.raises(KeyRejected):
        list(play.outputs())


def test_what_the_request_itself_got_wrong_is_not_tried_elsewhere() -> None:
    error = orjson.dumps({"error": {"message": "bad temperature", "type": "invalid_request_error"}})
    play = Play((route("a"), route("b")), [Opened(400, {}), Chunk(error), End()])
    with pytest.raises(InvalidRequest, match="bad temperature"):
        list(play.outputs())
    assert play.hosts == ["a"]


def test_at_most_four_connections_are_asked() -> None:
    play = Play(tuple(map(route, "abcdef")), [ConnectFailed("refused")] * 4)
    with pytest.raises(ConnectFailed, match="a: refused; b: refused; c: refused; d: refused"):
        list(play.outputs())
    assert play.hosts == ["a", "b", "c", "d"]


def test_a_connection_that_cannot_say_it_is_passed_over_without_being_sent_anything() -> None:
    two = GenerationRequest((user_message("Hello"),), ModelConfig(candidate_count=2))
    play = Play(
        (route("a", ANTHROPIC), route("b")),
        [JSON, answer("hi"), End()],
        ask=Ask(stream=False, request=two),
    )
    assert play.text() == "hi"
    assert play.hosts == ["b"]
    assert isinstance(play.session.progress.attempts[0].error, UnsupportedFeature)
    assert play.health.admission("a", "", "model", 0).standing is Standing.READY


def test_connections_passed_over_do_not_use_up_the_four() -> None:
    two = GenerationRequest((user_message("Hello"),), ModelConfig(candidate_count=2))
    routes = (*(route(name, ANTHROPIC) for name in "abcd"), route("e"))
    play = Play(routes, [JSON, answer("hi"), End()], ask=Ask(stream=False, request=two))
    assert play.text() == "hi"


def test_a_prompt_too_long_goes_only_to_models_with_more_context() -> None:
    too_long = orjson.dumps(
        {"error": {"message": "too long", "code": "context_length_exceeded", "type": "x"}}
    )
    play = Play(
        (
            route("a", model="small"),
            route("b", model="same"),
            route("c", model="unknown"),
            route("d", model="large"),
        ),
        [Opened(400, {}), Chunk(too_long), End(), JSON, answer("hi"), End()],
        windows={"small": 100, "same": 100, "large": 200},
    )
    assert play.text() == "hi"
    assert play.hosts == ["a", "d"]


def test_a_prompt_too_long_for_all_is_told_as_that() -> None:
    too_long = orjson.dumps(
        {"error": {"message": "too long", "code": "context_length_exceeded", "type": "x"}}
    )
    play = Play((route("a"), route("b")), [Opened(400, {}), Chunk(too_long), End()])
    with pytest.raises(ContextTooLong):
        list(play.outputs())
    assert play.hosts == ["a"]


def test_a_stale_socket_is_asked_again_on_a_fresh_one_and_counts_as_one_attempt() -> None:
    play = Play((route("a"),), [StaleSocket("closed"), JSON, answer("hi"), End()])
    assert play.text() == "hi"
    assert [step.fresh for step in play.opened] == [False, True]
    assert len(play.session.progress.attempts) == 1


def test_a_socket_stale_twice_is_left_for_the_next_connection() -> None:
    play = Play(
        (route("a"), route("b")),
        [StaleSocket("closed"), StaleSocket("closed"), JSON, answer("hi"), End()],
    )
    assert play.text() == "hi"
    assert play.hosts == ["a", "a", "b"]


def test_nothing_leaves_a_stream_before_it_bears_content() -> None:
    play = Play(
        (route("a"), route("b")),
        [
            SSE,
            delta(role="assistant", content=""),
            ConnectionReset("broke off"),
            SSE,
            delta(role="assistant", content=""),
            delta(content="hi"),
            finish(),
            DONE,
            End(),
        ],
        ask=streamed(),
    )
    pieces = list(play.outputs())
    assert play.hosts == ["a", "b"]
    assert isinstance(pieces[0], Piece)
    assert any(getattr(each, "text", "") == "hi" for each in pieces[0].events)


def test_after_content_has_left_no_other_connection_is_asked() -> None:
    play = Play(
        (route("a"), route("b")),
        [SSE, delta(role="assistant", content="hi"), ConnectionReset("broke off")],
        ask=streamed(),
    )
    outputs = play.outputs()
    next(outputs)
    with pytest.raises(StreamTruncated):
        next(outputs)
    assert play.hosts == ["a"]
    assert play.session.progress.committed


def test_content_in_front_of_a_broken_event_in_the_same_chunk_still_leaves() -> None:
    broken = Chunk(delta(content="hi").data + b"data: {not json\n\n")
    play = Play((route("a"), route("b")), [SSE, broken], ask=streamed())
    outputs = play.outputs()
    first = next(outputs)
    assert isinstance(first, Piece)
    with pytest.raises(AiClientError):
        next(outputs)


def test_a_plain_answer_that_breaks_off_is_tried_elsewhere_however_far_it_got() -> None:
    play = Play(
        (route("a"), route("b")),
        [JSON, Chunk(b'{"id": "x", "choi'), ConnectionReset("broke"), JSON, answer("hi"), End()],
    )
    assert play.text() == "hi"


def test_a_stream_that_came_for_a_plain_call_is_collected() -> None:
    play = Play((route("a"),), [SSE, delta(content="h"), delta(content="i"), finish(), DONE, End()])
    assert play.text() == "hi"


def test_a_plain_answer_to_a_stream_is_turned_into_events() -> None:
    play = Play((route("a"),), [JSON, answer("hi"), End()], ask=streamed())
    (piece,) = play.outputs()
    assert isinstance(piece, Piece)
    assert piece.last
    assert piece.raw is None


def test_the_deadline_bounds_all_attempts_together() -> None:
    play = Play(
        (route("a"), route("b"), route("c")),
        [After(6, ServerFailed("slow 500")), After(6, ConnectFailed("refused"))],
        limits=Limits(deadline=10),
    )
    with pytest.raises(DeadlineExceeded):
        list(play.outputs())
    assert play.hosts == ["a", "b"]
    assert play.opened[1].timeout == 4


def test_silence_before_the_first_event_and_between_events_are_different_limits() -> None:
    limits = Limits(first_event=20, idle=7)
    before = Play((route("a"),), [SSE, ReadTimedOut()], ask=streamed(), limits=limits)
    with pytest.raises(FirstEventTimedOut):
        list(before.outputs())
    between = Play(
        (route("a"),), [SSE, delta(content="hi"), ReadTimedOut()], ask=streamed(), limits=limits
    )
    with pytest.raises(IdleTimedOut):
        list(between.outputs())
    assert (before.waits, between.waits) == ([20], [20, 7])


def test_pings_do_not_put_the_idle_limit_off() -> None:
    play = Play(
        (route("a"),),
        [SSE, delta(content="hi"), After(5, Chunk(b": ping\n\n")), After(5, Chunk(b": ping\n\n"))],
        ask=streamed(),
        limits=Limits(idle=8),
    )
    with pytest.raises(IdleTimedOut):
        list(play.outputs())


def test_the_first_event_limit_is_the_connections_timeout_unless_set() -> None:
    play = Play((route("a"),), [SSE, ReadTimedOut()], ask=streamed())
    with pytest.raises(FirstEventTimedOut):
        list(play.outputs())
    assert play.waits == [route("a").connection.timeout]


def test_a_caller_that_leaves_counts_for_nobody() -> None:
    play = Play((route("a"),), [SSE, delta(content="hi")], ask=streamed())
    flow = play.session.run()
    flow.send(None)
    flow.send(SSE)
    flow.close()
    assert play.health.admission("a", "", "model", play.clock()).standing is Standing.READY
    assert play.session.progress.attempts[0].error is None
    assert not play.session.progress.committed


def test_the_smallest_wait_is_told_when_all_said_to_wait() -> None:
    play = Play(
        (route("a"), route("b")),
        [RateLimited("later", retry_after=50), RateLimited("later", retry_after=20)],
    )
    with pytest.raises(RateLimited) as caught:
        list(play.outputs())
    assert caught.value.retry_after == 20


def test_a_rate_limit_without_a_time_is_told_with_the_cooldown_it_causes() -> None:
    play = Play((route("a"),), [RateLimited("later")])
    with pytest.raises(RateLimited) as caught:
        list(play.outputs())
    assert caught.value.retry_after == 10


def test_keys_are_sent_and_never_shown() -> None:
    secret = "sk-very-secret"
    connection = ConnectionConfig(
        id="a", name="a", provider=OPENAI, model="m", base_url="https://a.example", api_key=secret
    )
    play = Play((Route(connection, "m"),), [JSON, answer("hi"), End()])
    play.text()
    assert play.opened[0].headers["authorization"] == f"Bearer {secret}"
    assert secret not in repr(play.opened[0])
    assert secret not in repr(connection)


BROKEN = ServerFailed("500")


def breaker_almost_open(play: Play) -> None:
    for _ in range(4):
        play.health.fail("a", "", "model", BROKEN, play.clock())


def one_more_failure_opens(play: Play) -> bool:
    play.health.fail("a", "", "model", BROKEN, play.clock())
    return play.health.admission("a", "", "model", play.clock()).standing is Standing.OPEN


def test_an_answer_counts_as_a_success_although_its_taker_asks_for_nothing_more() -> None:
    play = Play((route("a"),), [JSON, answer("hi"), End()])
    breaker_almost_open(play)
    with closing(play.outputs()) as outputs:
        assert isinstance(next(outputs), Answer)
    assert not one_more_failure_opens(play)


def test_a_stream_counts_as_a_success_although_its_caller_leaves_at_its_end() -> None:
    script: list[Reply] = [SSE, delta(content="hi"), finish(), DONE]
    play = Play((route("a"),), script, ask=streamed())
    breaker_almost_open(play)
    with closing(play.outputs()) as outputs:
        assert any(isinstance(each, Piece) and each.last for each in outputs)
    assert not one_more_failure_opens(play)


def test_a_caller_that_leaves_in_the_middle_says_nothing_about_the_upstream() -> None:
    play = Play((route("a"),), [SSE, delta(content="hi")], ask=streamed())
    breaker_almost_open(play)
    with closing(play.outputs()) as outputs:
        next(outputs)
    assert not play.session.progress.attempts[0].answered
    assert one_more_failure_opens(play)


def test_a_defect_of_ours_gives_the_probe_back() -> None:
    play = Play((route("a"),), [JSON, JSON])
    breaker_almost_open(play)
    assert one_more_failure_opens(play)
    play.clock.now += 60
    with pytest.raises(AssertionError, match="Read was answered with Opened"):
        list(play.outputs())
    attempt = play.session.progress.attempts[0]
    assert (attempt.answered, attempt.ended) == (False, play.clock())
    assert play.health.admission("a", "", "model", play.clock()).standing is Standing.PROBE


def test_waiting_for_a_connection_of_our_own_ends_with_the_request() -> None:
    play = Play((route("a"),), [JSON, answer("hi"), End()], limits=Limits(deadline=0.5, pool=2))
    assert play.text() == "hi"
    assert play.opened[0].pool_timeout == 0.5
