"""Complete answers to callers of this dialect.

https://platform.openai.com/docs/api-reference/responses/object
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ai_client.events import Finish, PartDelta, PartEnd, PartStart, replay
from ai_client.json_text import dump
from ai_client.messages import FinishReason, GenerativeAiResult, JsonValue, TokenUsage
from ai_client.wire import RenderContext
from ai_client.wire.openai_responses.gateway_output import Output
from ai_client.wire.openai_responses.vocabulary import (
    FAILED,
    IN_PROGRESS,
    render_status,
    render_usage,
)

# What an answer repeats of its request; here with what it says where the request said nothing.
_ECHOED: Final[Mapping[str, JsonValue]] = {
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": None,
    "truncation": "disabled",
    "user": None,
}
_OWN_ID: Final = "resp_"


def render_response(result: GenerativeAiResult, context: RenderContext) -> bytes:
    """A complete answer's body. The dialect has one answer per request, so only the first counts.

    It is what the same answer's stream ends with.
    """
    answer = Answer(context)
    answer.begin(result.id, result.model, result.additional_data)
    answer.usage = result.usage
    for event in replay(result):
        match event:
            case PartStart() | PartDelta() | PartEnd() if event.candidate == 0:
                for _ in answer.output.feed(event):
                    pass
            case Finish() if event.candidate == 0:
                answer.finish = event
            case _:
                pass
    for _ in answer.output.finish(None if answer.finish is None else answer.finish.reason):
        pass
    return dump(answer.body())


class Answer:
    """A response object while it is made: its head, its output, how it ended."""

    def __init__(self, context: RenderContext) -> None:
        self._context = context
        self._id = ""
        self._model = ""
        self._additional: Mapping[str, JsonValue] = {}
        self.output = Output(_key(context))
        self.usage: TokenUsage | None = None
        self.finish: Finish | None = None

    def begin(
        self, upstream_id: str, model: str, additional: Mapping[str, JsonValue] | None = None
    ) -> None:
        """What the upstream said of its answer. Of one in this dialect all of it is kept.

        So is its id, which the caller may name in ``previous_response_id``.
        """
        self._id = upstream_id if upstream_id.startswith(_OWN_ID) else ""
        self._model = model
        if additional and additional.get("object") == "response":
            self._additional = additional

    def body(self) -> dict[str, JsonValue]:
        """The whole answer."""
        reason = None if self.finish is None else self.finish.reason
        status, details = render_status(reason)
        failure = None
        if self.finish is not None and reason is FinishReason.ERROR:
            status, details = FAILED, None
            word = f" ({self.finish.raw})" if self.finish.raw else ""
            failure = {
                "code": "server_error",
                "message": f"The upstream ended its answer with an error{word}.",
            }
        return {
            **self._head(),
            "status": status,
            "error": failure,
            "incomplete_details": details,
            "output": self.output.items(),
            "usage": None if self.usage is None else render_usage(self.usage),
        }

    def begun(self) -> dict[str, JsonValue]:
        """The answer before there is anything of it."""
        unknown: dict[str, JsonValue] = {
            "error": None,
            "incomplete_details": None,
            "output": [],
            "usage": None,
        }
        return {**self._head(), "status": IN_PROGRESS, **unknown}

    def _head(self) -> dict[str, JsonValue]:
        said = self._context.body
        echoed = {
            name: otherwise if said.get(name) is None else said[name]
            for name, otherwise in _ECHOED.items()
        }
        return {
            "object": "response",
            "created_at": self._context.created,
            "background": False,
            "previous_response_id": None,
            # Nothing is kept here that could be asked for later.
            "store": False,
            **echoed,
            **self._additional,
            "id": self._id or f"{_OWN_ID}{_key(self._context)}",
            "model": self._model or self._context.model,
        }


def _key(context: RenderContext) -> str:
    """What ids of this answer end with; OpenAI refuses ids of more than 64 characters."""
    given = context.request_id.removeprefix("req_")
    return "".join(sign for sign in given if sign.isalnum() and sign.isascii())[:40]
