"""What a fake provider has been told to answer, and to whom."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from ai_client.capabilities import Capability
from ai_client.errors import (
    AddressRefused,
    AiClientError,
    ConnectFailed,
    ConnectionReset,
    ConnectTimedOut,
    HeadersTimedOut,
    InvalidArgument,
    NameNotResolved,
    PoolExhausted,
    StaleSocket,
    TlsFailed,
    UpstreamError,
    WriteReset,
)
from ai_client.messages import (
    AnyResult,
    Candidate,
    EmbeddingResult,
    File,
    FinishReason,
    FunctionCall,
    GenerationRequest,
    GenerativeAiOperation,
    GenerativeAiResult,
    JsonValue,
    Message,
    MessagePart,
    OperationState,
    Role,
    TokenCount,
    TokenUsage,
    model_message,
)
from ai_client.messages.reading import json_value
from ai_client.testing import dialect
from ai_client.testing.transport import Answered, HttpAnswer

USAGE = TokenUsage(10, 5, 15)
"""What an answer has cost unless it was said."""

_BEFORE_HEADERS = (
    NameNotResolved, AddressRefused, ConnectFailed, ConnectTimedOut, TlsFailed, PoolExhausted,
    WriteReset, StaleSocket, ConnectionReset, HeadersTimedOut,
)  # fmt: skip

Content: TypeAlias = (
    str
    | File
    | FunctionCall
    | MessagePart
    | Message
    | Mapping[str, object]
    | Sequence[object]
    | GenerativeAiResult
    | EmbeddingResult
    | AiClientError
)
"""An answer: text, a file, a call, parts of a message, messages (a candidate each), a dictionary
or list (as JSON text), a whole result, or an error."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that arrived at a connection: what was asked, of whom."""

    request: GenerationRequest
    connection: str
    provider: str
    model: str

    @property
    def text(self) -> str:
        """All texts of the prompt, a line each, its system instruction first."""
        parts = list(self.request.config.system_instruction)
        parts += [part for message in self.request.messages for part in message.parts]
        return "\n".join(part.content for part in parts if isinstance(part.content, str))

    def __str__(self) -> str:
        text = self.text if len(self.text) <= 80 else self.text[:79] + "…"
        what = self.request.capability.value
        return f"{what} of {self.connection}/{self.model}: {text!r}"


Text: TypeAlias = str | re.Pattern[str] | Callable[[Asked], bool] | None


@dataclass(frozen=True, slots=True)
class Expected:
    """Which requests are meant; None: whichever.

    ``text`` is a part of the prompt's text, a pattern that is found in it, or a function.
    """

    text: Text = None
    model: str | None = None
    provider: str | None = None
    connection: str | None = None
    capability: Capability | None = None

    def fits(self, asked: Asked) -> bool:
        """Whether the request is one of them."""
        return (
            self._text_fits(asked)
            and self.model in (None, asked.model)
            and self.provider in (None, asked.provider)
            and self.connection in (None, asked.connection)
            and self.capability in (None, asked.request.capability)
        )

    def _text_fits(self, asked: Asked) -> bool:
        match self.text:
            case None:
                return True
            case str():
                return self.text in asked.text
            case re.Pattern():
                return self.text.search(asked.text) is not None
            case _:
                return bool(self.text(asked))

    def __str__(self) -> str:
        said = {name: getattr(self, name) for name in self.__slots__}
        return (
            ", ".join(f"{name}={value!r}" for name, value in said.items() if value is not None)
            or "anything"
        )


@dataclass(slots=True)
class Scripted:
    """One answer. ``left`` is how often it can still be given, None: always.

    ``looks`` is for long work: how often it is looked at before it is done.
    """

    expected: Expected
    make: Callable[[Asked], AnyResult | AiClientError]
    pieces: tuple[str | float | AiClientError, ...] = ()
    after: float = 0.0
    looks: int = 0
    left: int | None = 1
    given: int = field(default=0)

    def give(self, asked: Asked, operations: dict[str, list[GenerativeAiOperation]]) -> Answered:
        """The answer as HTTP. Long work that is not done yet is put into ``operations``."""
        self.left = None if self.left is None else self.left - 1
        self.given += 1
        found = self.make(asked)
        if isinstance(found, AiClientError):
            return failure(found, self.after)
        if self.pieces:
            assert isinstance(found, GenerativeAiResult)
            _sendable(found.to_dict())
            body = tuple(dialect.streamed(self.pieces, found))
            return HttpAnswer(body, content_type="text/event-stream", after=self.after)
        if asked.request.capability is Capability.VIDEO_GENERATION:
            found = self._begun(found, operations)
        if isinstance(found, TokenCount):
            raise AssertionError("A prompt is not answered with a count of tokens.")
        return HttpAnswer.json(_sendable(found.to_dict()), after=self.after)

    def _begun(
        self, found: AnyResult, operations: dict[str, list[GenerativeAiOperation]]
    ) -> GenerativeAiOperation:
        if not isinstance(found, GenerativeAiResult):
            raise AssertionError("A video is answered with files.")
        name = f"work-{len(operations) + 1}"
        going = GenerativeAiOperation(name, OperationState.PROCESSING)
        done = GenerativeAiOperation(name, OperationState.SUCCEEDED, found)
        states = [going] * self.looks + [done]
        operations[name] = states[1:] or states
        return states[0]


def _sendable(answer: dict[str, JsonValue]) -> JsonValue:
    try:
        return json_value(answer, "The answer")
    except InvalidArgument as error:
        raise AssertionError(f"A scripted answer cannot be sent. {error.message}") from error


def failure(error: AiClientError, after: float = 0.0) -> Answered:
    """What an upstream does so that this error comes of it."""
    if isinstance(error, _BEFORE_HEADERS):
        return error
    status = error.upstream_status if isinstance(error, UpstreamError) else None
    return HttpAnswer.json({"error": dialect.written(error)}, status or error.status, after=after)


def result_of(
    content: Sequence[Content], asked: Asked, usage: TokenUsage, finish: FinishReason | None
) -> AnyResult | AiClientError:
    """The result that ``content`` is, as an answer to what was asked."""
    if len(content) == 1:
        match content[0]:
            case GenerativeAiResult() | EmbeddingResult() | AiClientError() as whole:
                return whole
    messages = [each for each in content if isinstance(each, Message)]
    if len(messages) < len(content):
        if messages:
            raise AssertionError("Answer with messages, or with what one is made of, not both.")
        messages = [model_message(*map(_part, content))]
    return GenerativeAiResult(
        "fake",
        asked.model,
        tuple(_candidate(message, finish) for message in messages),
        usage,
    )


def _part(content: Content) -> str | File | FunctionCall | MessagePart:
    match content:
        case str() as text:
            return MessagePart(text)
        case File() | FunctionCall() | MessagePart():
            return content
        case Mapping() | list() | tuple():
            return json.dumps(content, ensure_ascii=False)
        case _:
            raise AssertionError(f"{type(content).__name__} is nothing that a model answers.")


def _candidate(message: Message, finish: FinishReason | None) -> Candidate:
    if message.role is not Role.MODEL:
        raise AssertionError("An answer's messages have the role model: use model_message(…).")
    calls = any(isinstance(part.content, FunctionCall) for part in message.parts)
    own = FinishReason.TOOL_CALLS if calls else FinishReason.STOP
    return Candidate(message, finish or own)
