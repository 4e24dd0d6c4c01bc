"""Work that goes on at an upstream after it has answered."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Self, TypeAlias

from ai_client.capabilities import JsonValue, require, word
from ai_client.messages.reading import JsonObject, fields, integer, nested, optional, string
from ai_client.messages.results import EmbeddingResult, GenerativeAiResult, TokenCount


class OperationState(StrEnum):
    """How far a long operation is. ``canceled`` is spelt as the PHP AI Client spells it."""

    STARTING = "starting"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True)
class GenerativeAiOperation:
    """Work that goes on at the upstream, such as a video. ``result`` comes with ``SUCCEEDED``.

    ``error`` says why it FAILED; ``progress`` is in percent where the upstream tells it.
    """

    id: str
    state: OperationState
    result: GenerativeAiResult | None = None
    error: str = ""
    progress: int | None = None

    def to_dict(self) -> dict[str, JsonValue]:
        """``error`` and ``progress`` are there only if they are known."""
        shown: dict[str, JsonValue] = {"id": self.id, "state": self.state.value}
        if self.result is not None:
            shown["result"] = self.result.to_dict()
        if self.error:
            shown["error"] = self.error
        if self.progress is not None:
            shown["progress"] = self.progress
        return shown

    @classmethod
    def from_dict(cls, data: JsonObject) -> Self:
        held = fields(data, cls.__name__, "id", "state")
        state = word(OperationState, held["state"], "state")
        if state is OperationState.SUCCEEDED:
            require(held, cls.__name__, "result")
        return cls(
            string(held["id"], "id"),
            state,
            optional(held, "result", nested(GenerativeAiResult.from_dict)),
            optional(held, "error", string) or "",
            optional(held, "progress", integer),
        )

    @staticmethod
    def json_schema() -> dict[str, JsonValue]:
        def schema(state: JsonObject, **more: JsonValue) -> dict[str, JsonValue]:
            properties = {"id": {"type": "string"}, "state": {"type": "string", **state}, **more}
            return {
                "type": "object",
                "properties": {
                    **properties,
                    "error": {"type": "string"},
                    "progress": {"type": "integer"},
                },
                "required": list(properties),
                "additionalProperties": False,
            }

        succeeded = OperationState.SUCCEEDED
        others = [state.value for state in OperationState if state is not succeeded]
        return {
            "oneOf": [
                schema({"const": succeeded.value}, result=GenerativeAiResult.json_schema()),
                schema({"enum": others}),
            ]
        }


AnyResult: TypeAlias = GenerativeAiResult | EmbeddingResult | TokenCount | GenerativeAiOperation
