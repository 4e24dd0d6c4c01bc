"""The official openai SDK, chat completions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import openai

from tests.sdk_matrix.clients.client import TOOLS, Ask, Called, Client, Hear, Heard, Said

ERRORS: dict[str, type[Exception]] = {
    "key": openai.AuthenticationError,
    "model": openai.NotFoundError,
    "request": openai.BadRequestError,
    "rate": openai.RateLimitError,
    "overloaded": openai.InternalServerError,
    "failed": openai.InternalServerError,
    "broken": openai.APIError,
}


class OpenAiClient(Client):
    """What both APIs of the SDK have in common."""

    packages = ("openai",)
    errors = ERRORS

    def open(self) -> None:
        self.sdk: Any = self.site.async_sdk() if self.awaits else self.site.sdk()

    def close(self) -> None:
        self.done(self.sdk.close())

    def status(self, error: Exception) -> int:
        assert isinstance(error, openai.APIStatusError)
        return error.status_code


class OpenAiChat(OpenAiClient):
    name = "openai, chat completions"
    stop = "stop"
    calling = "tool_calls"

    def user(self, text: str, picture: str = "", document: str = "") -> Any:
        content: Any = text
        if document:
            file = {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{document}"}
            content = [{"type": "text", "text": text}, {"type": "file", "file": file}]
        if picture:
            url = f"data:image/png;base64,{picture}"
            content = [
                {"type": "text", "text": text},
                {"type": "image_url", "image_url": {"url": url}},
            ]
        return {"role": "user", "content": content}

    def results(self, said: Said, outputs: Sequence[str]) -> Sequence[Any]:
        return [
            {"role": "tool", "tool_call_id": call.native.id, "content": output}
            for call, output in zip(said.calls, outputs, strict=True)
        ]

    def plain(self, ask: Ask) -> Said:
        return _said(self.done(self.sdk.chat.completions.create(**_given(ask))))

    def streamed(self, ask: Ask, hear: Hear) -> Said | None:
        given = {**_given(ask), "stream_options": {"include_usage": True}}
        stream = self.sdk.chat.completions.stream(**given)
        answer = self.listened(stream, _heard, hear, lambda each: each.get_final_completion())
        return answer and _said(answer)


def _given(ask: Ask) -> dict[str, Any]:
    system = [{"role": "system", "content": ask.system}] if ask.system else []
    given: dict[str, Any] = {"model": ask.model, "messages": [*system, *ask.turns]}
    if ask.tools:
        given["tools"] = [
            {"type": "function", "function": {"name": name, "parameters": schema}}
            for name, schema in TOOLS.items()
        ]
        given["tool_choice"] = "auto" if ask.may_call else "none"
    if ask.schema is not None:
        shape = {"name": "answer", "schema": ask.schema, "strict": True}
        given["response_format"] = {"type": "json_schema", "json_schema": shape}
    if ask.json:
        given["response_format"] = {"type": "json_object"}
    if ask.count > 1:
        given["n"] = ask.count
    if ask.thinks:
        given["reasoning_effort"] = "high"
    if ask.limit is not None:
        given["max_completion_tokens"] = ask.limit
    return given


def _said(answer: Any) -> Said:
    choice = answer.choices[0]
    calls = choice.message.tool_calls or ()
    return Said(
        text=choice.message.content or "",
        calls=tuple(
            Called(call.function.name, json.loads(call.function.arguments), call) for call in calls
        ),
        thoughts=getattr(choice.message, "reasoning_content", None) or "",
        finished=choice.finish_reason,
        tokens=(answer.usage.prompt_tokens, answer.usage.completion_tokens),
        native=[_as_history(choice.message)],
        count=len(answer.choices),
    )


def _as_history(message: Any) -> dict[str, Any]:
    """An answer as programs put it into the next request: all that came, nulls left out."""
    given: dict[str, Any] = message.to_dict(mode="json", exclude_unset=True, exclude_none=True)
    given.pop("parsed", None)
    for call in given.get("tool_calls") or ():
        call["function"].pop("parsed_arguments", None)
        call.pop("index", None)
    return given


def _heard(event: Any) -> Heard:
    if event.type != "chunk" or not event.chunk.choices:
        return Heard()
    choice = event.chunk.choices[0]
    return Heard(choice.delta.content or "", choice.finish_reason is not None)
