"""Every dialect of callers over every dialect of upstreams, with answers and requests made up.

The simulator writes an upstream's answer; its client face reads it, the gateway face of the
caller's dialect writes it on, and the client face of that reads what the caller got. What a
dialect has no words for stands in ``UNSAID`` and ``as_said_in``, with the reason, and nowhere
else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ai_client.events import Event, collect, replay
from ai_client.messages import (
    Candidate,
    Channel,
    File,
    FinishReason,
    FunctionCall,
    FunctionDeclaration,
    FunctionResponse,
    GenerationRequest,
    GenerativeAiResult,
    Message,
    MessagePart,
    ModelConfig,
    Role,
    TokenUsage,
)
from ai_client.simulator import answers as simulated
from ai_client.simulator.answers import Answer, Ask, Call, Choice, Finish, Text, Thought, Usage
from ai_client.simulator.anthropic_dialect import AnthropicDialect
from ai_client.simulator.dialect import Dialect
from ai_client.simulator.google_dialect import GoogleDialect
from ai_client.simulator.http_server import HttpRequest
from ai_client.simulator.openai_dialect import OpenAiDialect
from ai_client.simulator.openai_responses_dialect import OpenAiResponsesDialect
from ai_client.simulator.writing import encode
from ai_client.sse import Decoder
from ai_client.wire import (
    RenderContext,
    Target,
    UnknownWireFormat,
    client_face,
    gateway_face,
    wire_formats,
)
from tests.ai_client.wire.test_contract import as_said_in
from tests.ai_client.wire.test_contract import told as all_told

WRITERS: dict[str, Dialect] = {
    "anthropic_messages": AnthropicDialect(),
    "google_generate": GoogleDialect(),
    "openai_chat": OpenAiDialect(),
    "openai_responses": OpenAiResponsesDialect(),
}
CONTEXT = RenderContext("req_1", "model", 1_700_000_000, include_usage=True)
ASK = Ask("model", "Hello", "pairs", stream=True, include_usage=True)
REASONS = {
    Finish.STOP: FinishReason.STOP,
    Finish.LENGTH: FinishReason.LENGTH,
    Finish.FILTERED: FinishReason.CONTENT_FILTER,
    Finish.CALLS: FinishReason.TOOL_CALLS,
}
UNSAID = {
    ("thoughts", "openai_chat"): "OpenAI's chat completions count reasoning and do not show it.",
    ("candidates", "anthropic_messages"): "Anthropic answers once.",
    ("candidates", "openai_responses"): "Responses have one answer.",
    ("blank texts", "anthropic_messages"): "Anthropic takes no block of white space back.",
}
"""What an upstream or a caller of a dialect does not get, and why."""


def _has(kind: Any, name: str) -> bool:
    try:
        kind(name)
    except UnknownWireFormat:
        return False
    return True


UPSTREAMS = tuple(name for name in wire_formats() if _has(client_face, name))
CALLERS = tuple(name for name in wire_formats() if _has(gateway_face, name))
every_pair = pytest.mark.parametrize(
    ("upstream", "caller"), [(one, other) for one in UPSTREAMS for other in CALLERS]
)
unhurried = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])


def test_every_dialect_that_is_found_has_a_writer() -> None:
    assert set(UPSTREAMS) == set(WRITERS)
    assert set(CALLERS) <= set(UPSTREAMS)


# --- answers --------------------------------------------------------------------------------------

# JSON of any text, with what parsers of lines and of UTF-16 stumble over made likely.
texts = st.text(
    st.characters(codec="utf-8") | st.sampled_from('\u2028\u2029\u0085\r\n\0😀\\"{}'),
    min_size=1,
    max_size=6,
)
pieces = st.lists(texts, min_size=1, max_size=4).map(tuple)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)
names = st.from_regex(r"[a-z_]{1,8}", fullmatch=True)


@st.composite
def choices(draw: st.DrawFn) -> Choice:
    parts: list[simulated.Part] = []
    if draw(st.booleans()):
        parts.append(Thought(draw(pieces)))
    called = draw(st.lists(st.dictionaries(texts, json_values, max_size=3), max_size=3))
    if not called or draw(st.booleans()):
        parts.append(Text(draw(pieces)))
    for nth, arguments in enumerate(called):
        parts.append(Call(nth, draw(names), arguments, written(arguments)))
    ended = st.sampled_from([Finish.STOP, Finish.LENGTH, Finish.FILTERED])
    return Choice(tuple(parts), Finish.CALLS if called else draw(ended))


@st.composite
def made_up(draw: st.DrawFn) -> Answer:
    counts = st.integers(0, 99)
    fresh, cached = draw(counts), draw(counts)
    usage = Usage(fresh + cached, cached, draw(counts), draw(counts))
    return Answer(tuple(draw(st.lists(choices(), min_size=1, max_size=3))), usage)


def written(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True)
class Said:
    """What a caller is to be told of one candidate."""

    text: str
    thoughts: str
    calls: tuple[tuple[str | None, object], ...]
    finish: FinishReason | None


def expected(answer: Answer, upstream: str, caller: str) -> list[Said]:
    several = not {("candidates", upstream), ("candidates", caller)} & set(UNSAID)
    thoughts = ("thoughts", upstream) not in UNSAID
    return [
        Said(
            "".join(part.text for part in choice.parts if isinstance(part, Text)),
            "".join(part.text for part in choice.parts if isinstance(part, Thought) and thoughts),
            tuple((each.name, each.arguments) for each in choice.parts if isinstance(each, Call)),
            REASONS[choice.finish or Finish.STOP],
        )
        for choice in answer.choices[: None if several else 1]
    ]


def told(result: GenerativeAiResult) -> list[Said]:
    return [_told(each) for each in result.candidates]


def _told(candidate: Candidate) -> Said:
    text, thoughts, calls = "", "", []
    for part in candidate.message.parts:
        if isinstance(part.content, FunctionCall):
            calls.append((part.content.name, json.loads(part.content.arguments)))
        elif isinstance(part.content, str) and part.channel is Channel.THOUGHT:
            thoughts += part.content
        elif isinstance(part.content, str):
            text += part.content
    return Said(text, thoughts, tuple(calls), candidate.finish_reason)


def counted(usage: TokenUsage | None) -> tuple[int, int, int, int, int]:
    """Counts that a dialect does not know are 0 in another."""
    assert usage is not None
    return (
        usage.prompt_tokens,
        usage.completion_tokens,
        usage.total_tokens,
        usage.thought_tokens or 0,
        usage.cached_tokens or 0,
    )


def counts(usage: Usage) -> tuple[int, int, int, int, int]:
    completion = usage.answer + usage.reasoning
    return usage.prompt, completion, usage.prompt + completion, usage.reasoning, usage.cached


def events(wire: str, body: bytes, size: int) -> Iterator[Event]:
    """The events of a stream that comes in chunks of ``size`` bytes."""
    parser, decoder = client_face(wire).StreamParser(), Decoder()
    for start in range(0, len(body), size):
        for each in decoder.feed(body[start : start + size]):
            yield from parser.feed(each)
    yield from parser.close()


def passed_on(caller: str, said: Iterable[Event]) -> bytes:
    renderer = gateway_face(caller).StreamRenderer(CONTEXT)
    return b"".join([*(renderer.feed(each) for each in said), renderer.finish()])


def asked(answer: Answer) -> Ask:
    return replace(ASK, count=len(answer.choices), thinking=True)


@every_pair
@unhurried
@given(answer=made_up(), sizes=st.tuples(st.integers(1, 200), st.integers(1, 200)))
def test_a_stream_arrives_as_it_was_said(
    upstream: str, caller: str, answer: Answer, sizes: tuple[int, int]
) -> None:
    answer = sayable(answer, upstream, caller)
    body = b"".join(encode(each) for each in WRITERS[upstream].stream(asked(answer), answer))
    passed = passed_on(caller, events(upstream, body, sizes[0]))
    came = collect(events(caller, passed, sizes[1]))
    assert told(came) == expected(answer, upstream, caller)
    assert counted(came.usage) == counts(answer.usage)


@every_pair
@unhurried
@given(answer=made_up())
def test_an_answer_arrives_as_it_was_said(upstream: str, caller: str, answer: Answer) -> None:
    answer = sayable(answer, upstream, caller)
    body = WRITERS[upstream].plain(replace(asked(answer), stream=False), answer)
    read = client_face(upstream).parse_response(body)
    came = client_face(caller).parse_response(gateway_face(caller).render_response(read, CONTEXT))
    assert told(came) == expected(answer, upstream, caller)
    assert counted(came.usage) == counts(answer.usage)
    streamed = collect(events(caller, passed_on(caller, replay(read)), 7))
    assert told(streamed) == expected(answer, upstream, caller)


def sayable(answer: Answer, upstream: str, caller: str) -> Answer:
    """The answer as far as an upstream gives it and a caller gets it."""
    choices = answer.choices[: 1 if ("candidates", upstream) in UNSAID else None]
    if ("blank texts", caller) in UNSAID:
        choices = tuple(replace(each, parts=_without_blanks(each.parts)) for each in choices)
    return replace(answer, choices=choices)


def _without_blanks(parts: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(each for each in parts if not isinstance(each, Text) or each.text.strip())


# --- what the simulator does not say --------------------------------------------------------------

signatures = st.none() | st.text("abc", min_size=1, max_size=4)
words = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=6
).filter(str.strip)
foreign = st.none() | st.just({"elsewhere": {"kept": ["as", {"it": 1}]}})


@st.composite
def turns(draw: st.DrawFn) -> Candidate:
    """Signed thoughts, a signed text or a refusal, a picture, signed calls cut or not."""
    parts = [
        MessagePart(text, Channel.THOUGHT, signature, opaque=opaque)
        for text, signature, opaque in draw(
            st.lists(st.tuples(words, signatures, foreign), max_size=2)
        )
    ]
    refused = draw(st.booleans())
    parts.append(MessagePart(draw(words), refusal=refused))
    if draw(st.booleans()):
        parts.append(MessagePart(File("image/png", base64_data="aGk=")))
    reason = draw(st.sampled_from([FinishReason.STOP, FinishReason.LENGTH]))
    for number in range(draw(st.integers(0, 2))):
        call = FunctionCall(f"call-{number}", draw(names), draw(called))
        parts.append(MessagePart(call, thought_signature=draw(signatures)))
        reason = FinishReason.TOOL_CALLS
    return Candidate(Message(Role.MODEL, tuple(parts)), reason)


called = st.dictionaries(words, words | st.integers(-9, 9), max_size=2).map(written)
rich = st.builds(
    lambda several, counted: GenerativeAiResult("a", "model", tuple(several), counted),
    st.lists(turns(), min_size=1, max_size=2),
    st.builds(
        lambda fresh, cached, said, thought: TokenUsage(
            fresh + cached, said + thought, fresh + cached + said + thought, thought, cached
        ),
        *[st.integers(0, 99)] * 4,
    ),
)


@every_pair
@unhurried
@given(answer=rich, sizes=st.tuples(st.integers(1, 200), st.integers(1, 200)))
def test_nothing_is_lost_that_both_dialects_can_say(
    upstream: str, caller: str, answer: GenerativeAiResult, sizes: tuple[int, int]
) -> None:
    """Refusals, pictures, ids of calls and signatures, through two sites like this one."""
    read = collect(events(upstream, passed_on(upstream, replay(answer)), sizes[0]))
    assert all_told(read) == all_told(as_said_in(upstream, answer))
    came = collect(events(caller, passed_on(caller, replay(read)), sizes[1]))
    assert all_told(came) == all_told(as_said_in(caller, read))
    plain = client_face(caller).parse_response(gateway_face(caller).render_response(read, CONTEXT))
    assert all_told(plain) == all_told(came)


# --- requests -------------------------------------------------------------------------------------

TARGETS = {
    "anthropic_messages": Target("claude-sonnet-4-6", "Upstream"),
    "google_generate": Target("gemini-2.5-flash", "Upstream"),
    "openai_chat": Target("gpt-4o-mini", "Upstream"),
    "openai_responses": Target("gpt-4o-mini", "Upstream"),
}
PATHS = {
    "anthropic_messages": "/v1/messages",
    "google_generate": "/v1beta/models/gemini-2.5-flash:generateContent",
    "openai_chat": "/v1/chat/completions",
    "openai_responses": "/v1/responses",
}
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
spoken = words.filter(str.strip)


@st.composite
def requests(draw: st.DrawFn) -> GenerationRequest:
    """A conversation of several turns, whose last one may answer parallel calls."""
    messages = [Message(Role.USER, (MessagePart(draw(spoken)),))]
    functions = draw(st.lists(names, max_size=2, unique=True))
    for turn in range(draw(st.integers(0, 2))):
        calls = [
            FunctionCall(f"call_{turn}{number}", draw(st.sampled_from(functions)), draw(called))
            for number in range(draw(st.integers(1, 2)) if functions else 0)
        ]
        model_said = (MessagePart(draw(spoken)), *map(MessagePart, calls))
        messages.append(Message(Role.MODEL, model_said))
        replies = [FunctionResponse(call.id, call.name, draw(spoken)) for call in calls]
        messages.append(
            Message(Role.USER, tuple(map(MessagePart, replies)) or (MessagePart(draw(spoken)),))
        )
    config = ModelConfig(
        system_instruction=tuple(map(MessagePart, draw(st.lists(spoken, max_size=1)))),
        max_tokens=draw(st.none() | st.integers(16, 999)),
        temperature=draw(st.none() | st.sampled_from([0.0, 0.5, 1.0])),
        function_declarations=tuple(
            FunctionDeclaration(name, draw(spoken), SCHEMA) for name in functions
        )
        or None,
        output_schema=draw(st.none() | st.just(SCHEMA)) if not functions else None,
    )
    return GenerationRequest(tuple(messages), config)


def arrived(upstream: str, request: GenerationRequest) -> Ask:
    """The request as an upstream's simulator reads it, without what names the bytes."""
    sent = client_face(upstream).render_request(request, TARGETS[upstream])
    path = PATHS[upstream]
    http = HttpRequest(
        "POST",
        path,
        path,
        {},
        (("content-type", "application/json"), ("anthropic-version", "2023-06-01")),
        json.dumps(sent.body).encode(),
    )
    return replace(WRITERS[upstream].read(http), digest="")


@every_pair
@unhurried
@given(request=requests())
def test_a_request_of_any_caller_arrives_at_any_upstream(
    upstream: str, caller: str, request: GenerationRequest
) -> None:
    body = client_face(caller).render_request(request, TARGETS[caller]).body
    read = gateway_face(caller).parse_request(json.loads(json.dumps({"model": "m", **body})))
    through, direct = arrived(upstream, read), arrived(upstream, request)
    # A dialect that needs a limit for itself has told one.
    assert through == replace(direct, limit=through.limit)
    if request.config.max_tokens is not None:
        assert through.limit == direct.limit == request.config.max_tokens
    assert [tool.name for tool in through.tools] == [
        each.name for each in request.config.function_declarations or ()
    ]
    said = [part.content for message in request.messages for part in message.parts]
    assert {each for each in said if isinstance(each, str)} <= set(through.texts)
    results = [part.content for part in request.messages[-1].parts]
    assert len(through.results) == sum(isinstance(each, FunctionResponse) for each in results)
