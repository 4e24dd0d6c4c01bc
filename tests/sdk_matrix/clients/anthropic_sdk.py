"""The official anthropic SDK."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anthropic

from tests.gateway.anthropic_callers import async_sdk, sdk
from tests.sdk_matrix.clients.client import TOOLS, Ask, Called, Client, Hear, Heard, Said

ERRORS: dict[str, type[Exception]] = {
    "key": anthropic.AuthenticationError,
    "model": anthropic.NotFoundError,
    "request": anthropic.BadRequestError,
    "rate": anthropic.RateLimitError,
    "overloaded": anthropic.ServiceUnavailableError,
    "failed": anthropic.InternalServerError,
    "broken": anthropic.APIStatusError,
}
LIMIT = 4096


class AnthropicMessages(Client):
    name = "anthropic"
    packages = ("anthropic",)
    errors = ERRORS
    stop = "end_turn"
    calling = "tool_use"
    lacks = frozenset(("count", "json"))

    def open(self) -> None:
        self.sdk: Any = async_sdk(self.site) if self.awaits else sdk(self.site)

    def close(self) -> None:
        self.done(self.sdk.close())

    def status(self, error: Exception) -> int:
        assert isinstance(error, anthropic.APIStatusError)
        return error.status_code

    def user(self, text: str, picture: str = "", document: str = "") -> Any:
        blocks: list[Any] = [{"type": "text", "text": text}]
        if picture:
            source = {"type": "base64", "media_type": "image/png", "data": picture}
            blocks.append({"type": "image", "source": source})
        if document:
            source = {"type": "base64", "media_type": "application/pdf", "data": document}
            blocks.append({"type": "document", "source": source})
        return {"role": "user", "content": blocks}

    def results(self, said: Said, outputs: Sequence[str]) -> Sequence[Any]:
        results = [
            {"type": "tool_result", "tool_use_id": call.native.id, "content": output}
            for call, output in zip(said.calls, outputs, strict=True)
        ]
        return [{"role": "user", "content": results}]

    def plain(self, ask: Ask) -> Said:
        return _said(self.done(self.sdk.messages.create(**_given(ask))))

    def streamed(self, ask: Ask, hear: Hear) -> Said | None:
        stream = self.sdk.messages.stream(**_given(ask))
        answer = self.listened(stream, _heard, hear, lambda each: each.get_final_message())
        return answer and _said(answer)


def _given(ask: Ask) -> dict[str, Any]:
    given: dict[str, Any] = {"model": ask.model, "max_tokens": LIMIT, "messages": list(ask.turns)}
    if ask.system:
        given["system"] = ask.system
    if ask.tools:
        given["tools"] = [{"name": name, "input_schema": schema} for name, schema in TOOLS.items()]
        given["tool_choice"] = {"type": "auto" if ask.may_call else "none"}
    if ask.schema is not None:
        given["output_config"] = {"format": {"type": "json_schema", "schema": ask.schema}}
    if ask.thinks:
        given["thinking"] = {"type": "adaptive"}
    if ask.limit is not None:
        given["max_tokens"] = ask.limit
    return given


def _said(message: Any) -> Said:
    blocks = message.content
    return Said(
        text="".join(block.text for block in blocks if block.type == "text"),
        calls=tuple(
            Called(block.name, block.input, block) for block in blocks if block.type == "tool_use"
        ),
        thoughts="".join(block.thinking for block in blocks if block.type == "thinking"),
        finished=message.stop_reason,
        tokens=(message.usage.input_tokens, message.usage.output_tokens),
        native=[{"role": "assistant", "content": blocks}],
    )


def _heard(event: Any) -> Heard:
    if event.type == "text":
        return Heard(event.text)
    return Heard(finished=event.type in ("message_delta", "message_stop"))
