"""The one representation of prompts and answers that every wire format translates to and from.

Shapes of ``to_dict`` follow the PHP AI Client's DTOs (camelCase keys); what the dialects need
beyond them extends the same types: a system prompt of several parts, tool results with parts and
an error flag, cache markers, citations, refusals, and opaque provider data that is echoed back
untouched when the next turn goes to the dialect it came from.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Literal, TypeAlias

JsonValue: TypeAlias = Any
"""A value as ``json.loads`` gives it."""

JsonObject: TypeAlias = Mapping[str, JsonValue]


class Role(StrEnum):
    """Who speaks. There is no system role: see ``ModelConfig.system_instruction``."""

    USER = "user"
    MODEL = "model"


class Channel(StrEnum):
    """Whether a part is for the reader or is the model's own thinking."""

    CONTENT = "content"
    THOUGHT = "thought"


class FinishReason(StrEnum):
    """Why a candidate ended, unified; the vendor's own word is kept beside it."""

    STOP = "stop"
    LENGTH = "length"
    CONTENT_FILTER = "content_filter"
    TOOL_CALLS = "tool_calls"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class File:
    """An inline file (base64) or a remote one (URL). Exactly one of the two is set.

    Strings from a request are never treated as local paths.
    """

    mime_type: str
    base64_data: str | None = None
    url: str | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        if (self.base64_data is None) == (self.url is None):
            raise ValueError("A file needs base64_data or url, and not both.")

    @property
    def is_inline(self) -> bool:
        return self.base64_data is not None

    @property
    def is_image(self) -> bool:
        return self.mime_type.startswith("image/")

    def data_uri(self) -> str:
        """The inline file as ``data:`` URI (RFC 2397); a remote file has none."""
        if self.base64_data is None:
            raise ValueError("A remote file has no data URI.")
        return f"data:{self.mime_type};base64,{self.base64_data}"


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """The model asks for a function. ``arguments`` is the JSON text exactly as the model wrote it.

    It may be invalid JSON; it is passed on and never repaired. ``args`` decodes it.
    """

    id: str | None
    name: str | None
    arguments: str = "{}"

    @property
    def args(self) -> JsonValue:
        """The decoded arguments, or None where the model wrote invalid JSON."""
        try:
            return json.loads(self.arguments)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class FunctionResponse:
    """What the caller's function returned: ``response`` any JSON value, or ``parts`` with files."""

    id: str | None
    name: str | None
    response: JsonValue = None
    parts: tuple[MessagePart, ...] = ()
    is_error: bool = False

    def as_text(self) -> str:
        """The result as the one string that most dialects take."""
        if self.parts:
            return "".join(part.content for part in self.parts if isinstance(part.content, str))
        if isinstance(self.response, str):
            return self.response
        return json.dumps(self.response, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class CacheMarker:
    """Ask the upstream to cache the prompt up to and including this part."""

    ttl: Literal["5m", "1h"] | None = None


Content: TypeAlias = str | File | FunctionCall | FunctionResponse


@dataclass(frozen=True, slots=True)
class MessagePart:
    """One piece of a message; ``match`` on ``content``.

    ``opaque`` maps a wire format's name to provider data of that dialect (a thinking signature,
    a thought signature, encrypted reasoning, image detail). Only that format reads it.
    """

    content: Content
    channel: Channel = Channel.CONTENT
    thought_signature: str | None = None
    refusal: bool = False
    cache: CacheMarker | None = None
    citations: tuple[JsonValue, ...] = ()
    opaque: JsonObject | None = None

    @property
    def is_thought(self) -> bool:
        return self.channel is Channel.THOUGHT

    def opaque_for(self, wire_format: str) -> JsonValue:
        """The opaque data that ``wire_format`` left on this part, or None."""
        return None if self.opaque is None else self.opaque.get(wire_format)


@dataclass(frozen=True, slots=True)
class Message:
    """One turn."""

    role: Role
    parts: tuple[MessagePart, ...]

    def text(self) -> str:
        """The text of all content parts, thoughts left out."""
        return "".join(
            part.content
            for part in self.parts
            if isinstance(part.content, str) and not part.is_thought
        )


@dataclass(frozen=True, slots=True)
class FunctionDeclaration:
    """A function the model may ask for; ``parameters`` is a JSON schema."""

    name: str
    description: str = ""
    parameters: JsonObject | None = None
    strict: bool | None = None
    cache: CacheMarker | None = None


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """``auto``, ``none``, ``required`` (any function), or ``function`` with its name."""

    mode: Literal["auto", "none", "required", "function"]
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Reasoning:
    """How much the model may think: an effort word, or a budget in tokens. 0 switches it off."""

    effort: str | None = None
    budget_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """How to generate. ``None`` (or empty) means: not said, the upstream's default holds."""

    system_instruction: tuple[MessagePart, ...] = ()
    candidate_count: int | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop_sequences: tuple[str, ...] = ()
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    seed: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    function_declarations: tuple[FunctionDeclaration, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    output_mime_type: str | None = None
    output_schema: JsonObject | None = None
    output_schema_name: str | None = None
    output_schema_strict: bool | None = None
    reasoning: Reasoning | None = None
    end_user: str | None = None
    custom_options: JsonObject = field(default_factory=dict)

    @property
    def wants_json(self) -> bool:
        return self.output_schema is not None or self.output_mime_type == "application/json"


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """A whole request, before it is known which connection answers it.

    ``untranslatable`` names features of the caller's own dialect that this representation does
    not carry (``web_search_options`` say): harmless on a same-dialect route, refused on others.
    ``dropped`` names mere tuning of that kind, which other dialects leave out with a warning.
    """

    messages: tuple[Message, ...]
    config: ModelConfig = ModelConfig()
    stream: bool = False
    untranslatable: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()

    def with_stream(self, stream: bool) -> GenerationRequest:
        return replace(self, stream=stream)


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """Tokens of one answer, in OpenAI's convention.

    ``prompt_tokens`` includes cached ones (``cached_tokens`` read, ``cache_write_tokens``
    written); ``completion_tokens`` includes ``thought_tokens``.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    thought_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A token's log probability, with the alternatives that were asked for."""

    token: str
    logprob: float
    top: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """One alternative answer. ``raw_finish_reason`` is the vendor's own word."""

    message: Message
    finish_reason: FinishReason | None
    raw_finish_reason: str | None = None
    logprobs: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class GenerativeAiResult:
    """A complete answer."""

    id: str
    model: str
    candidates: tuple[Candidate, ...]
    usage: TokenUsage | None = None

    def to_text(self) -> str:
        """The first candidate's text, thoughts left out; empty where it only calls functions."""
        return self.candidates[0].message.text() if self.candidates else ""


def text_part(text: str) -> MessagePart:
    """A plain text part."""
    return MessagePart(text)


def user_message(*parts: str | File | MessagePart) -> Message:
    """A user's turn from texts, files and parts."""
    return Message(Role.USER, _parts(parts))


def model_message(*parts: str | File | FunctionCall | MessagePart) -> Message:
    """A model's turn from texts, files, calls and parts."""
    return Message(Role.MODEL, _parts(parts))


def _parts(parts: Sequence[Content | MessagePart]) -> tuple[MessagePart, ...]:
    return tuple(part if isinstance(part, MessagePart) else MessagePart(part) for part in parts)
