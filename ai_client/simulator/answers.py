"""What the simulated models answer: always the same for the same request.

A dialect reads its request into an ``Ask``; ``answer`` decides; the dialect writes the ``Answer``.
The texts are made from what arrived, so that a test sees whether it arrived.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from enum import Enum

import orjson

from ai_client.simulator.schemas import conforming

_WORD = re.compile(r"\s*\S+|\s+\Z")
_JSON_PIECE = 12


class Finish(Enum):
    """Why an answer ended; each dialect has its own word for it."""

    STOP = "stop"
    STOP_SEQUENCE = "stop_sequence"
    LENGTH = "length"
    CALLS = "calls"
    FILTERED = "filtered"
    MALFORMED_CALL = "malformed_call"


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that the request declares."""

    name: str
    schema: object


@dataclass(frozen=True, slots=True)
class ToolResult:
    """A tool's result in the last message."""

    text: str
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """A valid request, as far as it decides the answer.

    ``must_call`` is the tool that tool_choice names, ``texts`` every text of the request (system
    prompts too), ``rounds`` how many times tools were answered since the last user message,
    ``limit`` the most tokens (words) of the answer, ``digest`` a hash of the body, ``spoken`` the
    format in which the answer is to sound, ``searches`` that the web may be looked at, ``words``
    that text is to come, ``picture`` the size in pixels of one that is to come.
    """

    model: str
    prompt: str
    digest: str
    texts: tuple[str, ...] = ()
    attachments: tuple[str, ...] = ()
    tools: tuple[Tool, ...] = ()
    results: tuple[ToolResult, ...] = ()
    rounds: int = 0
    may_call: bool = True
    must_call: str = ""
    parallel: bool = True
    json: bool = False
    schema: object = None
    stop: tuple[str, ...] = ()
    limit: int | None = None
    count: int = 1
    thinking: bool = False
    thinking_hidden: bool = False
    logprobs: int | None = None
    stream: bool = False
    include_usage: bool = False
    as_array: bool = False
    spoken: str = ""
    searches: bool = False
    words: bool = True
    picture: tuple[int, int] | None = None

    @property
    def thinks(self) -> bool:
        """Whether reasoning comes with the answer."""
        return self.thinking or "think" in self.prompt.lower() or "reasoner" in self.model


@dataclass(frozen=True, slots=True)
class Text:
    """Visible text in the pieces in which it streams."""

    pieces: tuple[str, ...]

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(self.pieces)


@dataclass(frozen=True, slots=True)
class Thought:
    """Reasoning in the pieces in which it streams; ``redacted`` hides it but for its signature."""

    pieces: tuple[str, ...]
    redacted: bool = False

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(self.pieces)


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool. ``json`` is what streams, and need not be JSON when it is to be broken."""

    nth: int
    name: str
    arguments: object
    json: str


Part = Text | Thought | Call


@dataclass(frozen=True, slots=True)
class Choice:
    """One candidate; ``finish`` is None when the vendor forgets to say."""

    parts: tuple[Part, ...]
    finish: Finish | None
    stop_sequence: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, counted as words. ``prompt`` includes ``cached``; ``answer`` excludes reasoning."""

    prompt: int
    cached: int
    answer: int
    reasoning: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model says."""

    choices: tuple[Choice, ...]
    usage: Usage
    notes: dict[str, object] = field(default_factory=dict)
    """Fields added to the top of a complete answer."""

    def without_content(self, finish: Finish | None) -> Answer:
        """The same answer with nothing in it."""
        return replace(self, choices=tuple(Choice((), finish) for _ in self.choices))

    def finished(self, finish: Finish) -> Answer:
        """The same answer with another end."""
        return replace(self, choices=tuple(replace(one, finish=finish) for one in self.choices))

    def saying(self, pieces: tuple[str, ...]) -> Answer:
        """The same answer with this text instead of its parts."""
        choice = Choice((Text(pieces),), Finish.STOP)
        return replace(self, choices=(choice,))

    def with_broken_calls(self) -> Answer:
        """The same answer with its calls' arguments cut in the middle, so that they are no JSON."""
        return replace(
            self,
            choices=tuple(
                replace(
                    one,
                    parts=tuple(
                        replace(part, json='{"broken": "arg') if isinstance(part, Call) else part
                        for part in one.parts
                    ),
                )
                for one in self.choices
            ),
        )

    @property
    def calls(self) -> bool:
        """Whether the model calls tools."""
        return any(isinstance(part, Call) for one in self.choices for part in one.parts)


def answer(ask: Ask) -> Answer:
    """The answer to a valid request."""
    choices = tuple(_choice(ask, nth) for nth in range(ask.count))
    prompt = sum(_words(text) for text in ask.texts) + len(ask.attachments)
    reasoning = _words(_thoughts(ask)) * ask.count if ask.thinks else 0
    visible = 0
    for choice in choices:
        for part in choice.parts:
            match part:
                case Text():
                    visible += len(part.pieces)
                case Call():
                    visible += 1 + _words(part.json)
                case Thought():
                    pass
    cached = prompt // 2 if "cached" in ask.prompt.lower() else 0
    return Answer(choices, Usage(prompt, cached, visible, reasoning))


def pieces(text: str) -> tuple[str, ...]:
    """Text in words, each with the space before it."""
    return tuple(_WORD.findall(text))


def json_pieces(text: str) -> tuple[str, ...]:
    """JSON in the pieces in which it streams."""
    return tuple(text[at : at + _JSON_PIECE] for at in range(0, len(text), _JSON_PIECE)) or ("",)


def _choice(ask: Ask, nth: int) -> Choice:
    parts: list[Part] = []
    if ask.thinks:
        parts.append(Thought(pieces(_thoughts(ask)), redacted="redacted" in ask.prompt.lower()))
    called = _called(ask)
    if called:
        for index, tool in enumerate(called):
            arguments = conforming(tool.schema or {"type": "object"})
            parts.append(Call(index, tool.name, arguments, orjson.dumps(arguments).decode()))
        return Choice(tuple(parts), Finish.CALLS)
    if ask.json and not ask.results:
        value = conforming(ask.schema) if ask.schema is not None else {"echo": ask.prompt}
        said = json_pieces(orjson.dumps(value).decode())
    else:
        said = pieces(_sentence(ask, nth))
    said, finish, stop_sequence = _cut(said, ask)
    if said:
        parts.append(Text(said))
    return Choice(tuple(parts), finish, stop_sequence)


def _called(ask: Ask) -> tuple[Tool, ...]:
    again = "twice" in ask.prompt.lower() and ask.rounds < 2
    if not ask.tools or not ask.may_call or (ask.results and not again):
        return ()
    if ask.must_call:
        return tuple(tool for tool in ask.tools if tool.name == ask.must_call)
    if ask.parallel and "parallel" in ask.prompt.lower():
        return ask.tools
    return ask.tools[:1]


def _sentence(ask: Ask, nth: int) -> str:
    if ask.results:
        said = "; ".join(
            ("Tool error: " if result.failed else "Tool result: ") + result.text
            for result in ask.results
        )
    else:
        said = " ".join((f"Echo: {ask.prompt}".strip(), *ask.attachments))
    return said if nth == 0 else f"{said} (choice {nth + 1})"


def _thoughts(ask: Ask) -> str:
    return f"Thinking about: {ask.prompt}"


def _cut(said: tuple[str, ...], ask: Ask) -> tuple[tuple[str, ...], Finish, str | None]:
    text = "".join(said)
    found = [(text.find(stop), stop) for stop in ask.stop if stop and stop in text]
    finish, stop_sequence = Finish.STOP, None
    if found:
        at, stop_sequence = min(found)
        finish = Finish.STOP_SEQUENCE
        said = _prefix(said, at)
    if ask.limit is not None and len(said) > ask.limit:
        return said[: ask.limit], Finish.LENGTH, None
    return said, finish, stop_sequence


def _prefix(said: tuple[str, ...], length: int) -> tuple[str, ...]:
    kept: list[str] = []
    for piece in said:
        if length <= 0:
            break
        kept.append(piece[:length])
        length -= len(piece)
    return tuple(kept)


def _words(text: str) -> int:
    return len(text.split())
