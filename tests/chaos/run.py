"""Plans a request with its upstreams, sends it through the gateway's door, judges the answer."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import urlsplit

from ai_client.client import AiClient
from ai_client.gateway.asgi import GatewayApplication, Message
from ai_client.gateway.core import Gateway
from ai_client.providers import Provider
from ai_client.records import GIVEN_UP, OK, Outcome, RequestRecord
from ai_client.snapshot import ConnectionConfig, Snapshot
from ai_client.testing import ScriptedTransport, SentRequest
from ai_client.testing.transport import Answered
from tests.chaos.reading import READERS, Broken, Reader, array_events, events, same_finish, whole
from tests.chaos.upstreams import End, Upstream, plan_upstream

PATHS = {
    "openai_chat": "/v1/chat/completions",
    "openai_responses": "/v1/responses",
    "anthropic_messages": "/v1/messages",
    "google_generate": "/v1beta/models/auto:streamGenerateContent",
}
_PLAIN_GEMINI = "/v1beta/models/auto:generateContent"
_PLAIN = 0.1
"""The share of requests that want no stream; what upstreams do stays as it is."""
_NAMES = "abc"


@dataclass(frozen=True, slots=True)
class Plan:
    """One request: who asks how, and whom there is to ask."""

    dialect: str
    upstreams: tuple[Upstream, ...]
    stream: bool = True
    as_array: bool = False
    include_usage: bool = False
    fallback: bool = True

    def asked(self) -> tuple[Upstream, ...]:
        """Those that must be asked, in order."""
        allowed = self.upstreams if self.fallback else self.upstreams[:1]
        for number, each in enumerate(allowed):
            if self.end(each) is not End.FAILED or not each.fate.retry:
                return allowed[: number + 1]
        return allowed

    def end(self, upstream: Upstream) -> End:
        """How asking this one ends: without a stream nothing is said before all of it is there."""
        end = upstream.fate.end
        return End.FAILED if end is End.BROKEN and not self.stream else end

    def __str__(self) -> str:
        frame = " array" if self.as_array else "" if self.stream else " plain"
        lines = [f"{self.dialect}{frame}, fallback {self.fallback}"]
        lines += [f"  {each.wire}: {each.fault} -> {each.fate}" for each in self.upstreams]
        lines += [f"    {answer}" for each in self.upstreams for answer in each.answers]
        return "\n".join(lines)


@dataclass(slots=True)
class Caller:
    """Sends the request and keeps what comes."""

    body: bytes
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    chunks: list[bytes] = field(default_factory=list)
    over: bool = False
    _asked: bool = False

    async def receive(self) -> Message:
        if self._asked:
            await asyncio.Event().wait()
        self._asked = True
        return {"type": "http.request", "body": self.body, "more_body": False}

    async def send(self, message: Message) -> None:
        assert not self.over, "Something was sent after the end."
        if message["type"] == "http.response.start":
            assert not self.status, "The answer began twice."
            self.status = message["status"]
            self.headers = {
                name.decode().lower(): value.decode() for name, value in message["headers"]
            }
            return
        self.chunks.append(message["body"])
        self.over = not message.get("more_body", False)


def plan_request(seed: int, number: int) -> Plan:
    """The ``number``-th request of a run."""
    random = Random(f"{seed}:{number}")
    dialect = random.choice(tuple(PATHS))
    stream = random.random() > _PLAIN
    return Plan(
        dialect,
        tuple(plan_upstream(random, each) for each in range(random.choice((1, 2, 2, 3, 3)))),
        stream,
        as_array=stream and dialect == "google_generate" and random.random() < 0.4,
        include_usage=random.random() < 0.5,
        fallback=random.random() > 0.05,
    )


def _request(plan: Plan) -> bytes:
    hello = [{"role": "user", "content": "Hello"}]
    body: dict[str, Any]
    match plan.dialect:
        case "openai_chat":
            body = {"model": "auto", "stream": plan.stream, "messages": hello}
            if plan.stream and plan.include_usage:
                body["stream_options"] = {"include_usage": True}
        case "openai_responses":
            body = {"model": "auto", "stream": plan.stream, "input": "Hello"}
        case "anthropic_messages":
            body = {"model": "auto", "stream": plan.stream, "messages": hello, "max_tokens": 100}
        case _:
            body = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}
    return json.dumps(body).encode()


async def carry_out(plan: Plan) -> Counter[str]:
    """Send the request and judge what came; the counts that it adds."""
    left = {
        f"{name}.example": list(each.answers)
        for name, each in zip(_NAMES, plan.upstreams, strict=False)
    }

    def script(sent: SentRequest) -> Answered | None:
        answers = left[urlsplit(sent.url).hostname or ""]
        return answers.pop(0) if answers else None

    transport = ScriptedTransport(script)
    records: list[RequestRecord] = []
    client = AiClient(
        snapshot=lambda: Snapshot(connections=tuple(_connections(plan))),
        engine=transport.engine,
        async_engine=transport.async_engine,
        record=records.append,
        clock=transport.clock,
    )
    headers = [] if plan.fallback else [(b"x-koneek-fallback", b"false")]
    scope = {
        "type": "http",
        "method": "POST",
        "path": _path(plan),
        "headers": headers,
        "query_string": b"" if plan.as_array else b"alt=sse",
    }
    caller = Caller(_request(plan))
    application = GatewayApplication(Gateway(lambda: client, tuple, lambda: False))
    await application(scope, caller.receive, caller.send)
    assert not transport.refused, transport.refused
    hosts = [urlsplit(sent.url).hostname for sent in transport.sent]
    return _judge(plan, caller, records, hosts)


def _path(plan: Plan) -> str:
    if plan.dialect == "google_generate" and not plan.stream:
        return _PLAIN_GEMINI
    return PATHS[plan.dialect]


def _connections(plan: Plan) -> list[ConnectionConfig]:
    return [
        ConnectionConfig(
            id=name,
            name=name,
            provider=Provider(slug=f"p-{each.wire}", name=each.wire, wire=each.wire),
            model="model",
            base_url=f"https://{name}.example",
        )
        for name, each in zip(_NAMES, plan.upstreams, strict=False)
    ]


def _judge(
    plan: Plan, caller: Caller, records: list[RequestRecord], hosts: list[str | None]
) -> Counter[str]:
    asked = plan.asked()
    last, name = asked[-1], _NAMES[len(asked) - 1]
    expected = [
        f"{one}.example"
        for one, each in zip(_NAMES, asked, strict=False)
        for _ in range(each.fate.opens)
    ]
    assert hosts == expected, f"Asked were {hosts}, not {expected}."
    assert caller.over, "The answer never ended."
    (record,) = records
    _judge_record(plan, record, caller.status)
    assert caller.headers["x-koneek-attempts"] == str(len(asked))
    body = b"".join(caller.chunks)
    end = plan.end(last)
    if end is End.FAILED:
        statuses = last.fate.statuses
        if last.fault == "special" and len(asked) > 1:
            # A prompt that is too long for one does not explain what went wrong at the others.
            statuses |= asked[-2].fate.statuses
        assert caller.status in statuses, f"{caller.status}: {body!r}"
        assert "error" in json.loads(body)
        return Counter({"refused": 1, f"fallbacks {len(asked) - 1}": 1})
    assert caller.status == 200, f"{caller.status}: {body!r}"
    assert caller.headers["x-koneek-connection"] == name
    try:
        reader = _read(plan, body)
    except (Broken, KeyError, TypeError, ValueError) as error:
        raise AssertionError(f"The caller cannot read it: {error!r}: {body!r}") from error
    if end is End.ANSWERED:
        _judge_success(plan, last, reader, body)
        return Counter({"answered": 1, f"fallbacks {len(asked) - 1}": 1})
    assert reader.error, f"Ends without an error: {body!r}"
    assert reader.text == last.fate.text, f"{reader.text!r}: {body!r}"
    _judge_begun_calls(plan, reader, last)
    return Counter({"broken off": 1, f"fallbacks {len(asked) - 1}": 1})


def _read(plan: Plan, body: bytes) -> Reader:
    if not plan.stream:
        return whole(plan.dialect, body)
    reader = READERS[plan.dialect]()
    for name, data in (array_events if plan.as_array else events)(body):
        reader.feed(name, data)
    return reader


def _judge_success(plan: Plan, last: Upstream, reader: Reader, body: bytes) -> None:
    assert not reader.error, f"A whole answer ends with an error: {body!r}"
    assert reader.complete, f"A whole answer does not end: {body!r}"
    if plan.dialect != last.wire:
        assert reader.ended or plan.dialect == "google_generate", f"No end: {body!r}"
    assert reader.text == last.fate.text, f"{reader.text!r}: {body!r}"
    assert reader.said_calls == list(last.fate.calls), f"{reader.said_calls}: {body!r}"
    if last.fate.finish is not None:
        assert same_finish(reader, last.fate.finish), f"{reader.finish}: {body!r}"


def _judge_begun_calls(plan: Plan, reader: Reader, last: Upstream) -> None:
    """Each call is one that had begun, with no more of its arguments than had come.

    Only chat completions tell calls in turns: elsewhere one waits for the end of the one before
    it, and Google's are whole or not there.
    """
    begun = last.fate.calls
    assert len(reader.calls) <= len(begun), f"{reader.calls} of {begun}"
    assert plan.dialect != "openai_chat" or len(reader.calls) == len(begun), reader.calls
    for (name, arguments), (its_name, come) in zip(reader.calls.values(), begun, strict=False):
        assert name == its_name
        match plan.dialect:
            case "openai_chat":
                as_come = arguments in (come, come or "{}")
            case "google_generate":
                as_come = arguments == (come or "{}")
            case _:
                as_come = come.startswith(arguments) or arguments == (come or "{}")
        assert as_come, f"{arguments!r} of {come!r}"


def _judge_record(plan: Plan, record: RequestRecord, status: int) -> None:
    asked = plan.asked()
    end = plan.end(asked[-1])
    assert record.outcome is (Outcome.SUCCESS if end is End.ANSWERED else Outcome.ERROR), record
    assert record.status == status
    assert [each.connection for each in record.attempts] == list(_NAMES[: len(asked)])
    *failed, last = (each.code for each in record.attempts)
    assert not {OK, GIVEN_UP} & set(failed), record.attempts
    assert (last == OK) is (end is End.ANSWERED), record.attempts
    assert last != GIVEN_UP, record.attempts
    answering = "" if end is End.FAILED else _NAMES[len(asked) - 1]
    assert record.connection == answering, record
    assert bool(record.error_code) is (end is not End.ANSWERED), record
    assert record.dialect == plan.dialect
    assert record.stream is plan.stream
