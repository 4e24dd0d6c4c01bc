"""Tokens: how many an answer took, how likely each was."""

from __future__ import annotations

from typing import Self

from ai_client.capabilities import JsonValue
from ai_client.messages.reading import (
    JsonObject,
    fields,
    integer,
    nested,
    number,
    optional,
    string,
    tuple_of,
)
from ai_client.values import guarded


@guarded(frozen=True, slots=True)
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

    def to_dict(self) -> dict[str, JsonValue]:
        """Thought tokens, and those of the cache, are there only if they are known."""
        shown: dict[str, JsonValue] = {
            "promptTokens": self.prompt_tokens,
            "completionTokens": self.completion_tokens,
            "totalTokens": self.total_tokens,
        }
        known = {
            "thoughtTokens": self.thought_tokens,
            "cachedTokens": self.cached_tokens,
            "cacheWriteTokens": self.cache_write_tokens,
        }
        return shown | {key: value for key, value in known.items() if value is not None}

    @classmethod
    def from_dict(cls, data: JsonObject) -> Self:
        needed = ("promptTokens", "completionTokens", "totalTokens")
        held = fields(data, cls.__name__, *needed)
        prompt, completion, total = (integer(held[key], key) for key in needed)
        return cls(
            prompt,
            completion,
            total,
            optional(held, "thoughtTokens", integer),
            optional(held, "cachedTokens", integer),
            optional(held, "cacheWriteTokens", integer),
        )

    @staticmethod
    def json_schema() -> dict[str, JsonValue]:
        needed = ["promptTokens", "completionTokens", "totalTokens"]
        keys = [*needed, "thoughtTokens", "cachedTokens", "cacheWriteTokens"]
        return {
            "type": "object",
            "properties": {key: {"type": "integer"} for key in keys},
            "required": needed,
        }


@guarded(frozen=True, slots=True)
class TokenLogprob:
    """A token's log probability, with the alternatives that were asked for."""

    token: str
    logprob: float
    top: tuple[TokenLogprob, ...] = ()

    def to_dict(self) -> dict[str, JsonValue]:
        shown: dict[str, JsonValue] = {"token": self.token, "logprob": self.logprob}
        return shown | {"top": [each.to_dict() for each in self.top]} if self.top else shown

    @classmethod
    def from_dict(cls, data: JsonObject) -> Self:
        held = fields(data, cls.__name__, "token", "logprob")
        return cls(
            string(held["token"], "token"),
            number(held["logprob"], "logprob"),
            optional(held, "top", tuple_of(nested(TokenLogprob.from_dict))) or (),
        )

    @staticmethod
    def json_schema() -> dict[str, JsonValue]:
        return {
            "type": "object",
            "properties": {
                "token": {"type": "string"},
                "logprob": {"type": "number"},
                "top": {"type": "array", "items": {"type": "object"}},
            },
            "required": ["token", "logprob"],
        }
