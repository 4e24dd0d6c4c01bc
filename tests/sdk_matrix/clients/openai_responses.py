"""The official openai SDK, Responses."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tests.sdk_matrix.clients.client import TOOLS, Ask, Called, Hear, Heard, Said
from tests.sdk_matrix.clients.openai_chat import OpenAiClient


class OpenAiResponses(OpenAiClient):
    name = "openai, Responses"
    stop = "completed"
    calling = "completed"
    lacks = frozenset(("count",))

    def user(self, text: str, picture: str = "", document: str = "") -> Any:
        content: Any = text
        if document:
            data = f"data:application/pdf;base64,{document}"
            file = {"type": "input_file", "filename": "a.pdf", "file_data": data}
            content = [{"type": "input_text", "text": text}, file]
        if picture:
            url = f"data:image/png;base64,{picture}"
            content = [
                {"type": "input_text", "text": text},
                {"type": "input_image", "image_url": url, "detail": "auto"},
            ]
        return {"role": "user", "content": content}

    def results(self, said: Said, outputs: Sequence[str]) -> Sequence[Any]:
        return [
            {"type": "function_call_output", "call_id": call.native.call_id, "output": output}
            for call, output in zip(said.calls, outputs, strict=True)
        ]

    def plain(self, ask: Ask) -> Said:
        return _said(self.done(self.sdk.responses.create(**_given(ask))))

    def streamed(self, ask: Ask, hear: Hear) -> Said | None:
        stream = self.sdk.responses.stream(**_given(ask))
        answer = self.listened(stream, _heard, hear, lambda each: each.get_final_response())
        return answer and _said(answer)


def _given(ask: Ask) -> dict[str, Any]:
    given: dict[str, Any] = {"model": ask.model, "input": list(ask.turns)}
    if ask.system:
        given["instructions"] = ask.system
    if ask.tools:
        given["tools"] = [
            {"type": "function", "name": name, "parameters": schema, "strict": False}
            for name, schema in TOOLS.items()
        ]
        given["tool_choice"] = "auto" if ask.may_call else "none"
    if ask.schema is not None:
        shape = {"type": "json_schema", "name": "answer", "schema": ask.schema, "strict": True}
        given["text"] = {"format": shape}
    if ask.json:
        given["text"] = {"format": {"type": "json_object"}}
    if ask.thinks:
        given["reasoning"] = {"effort": "high", "summary": "auto"}
    if ask.limit is not None:
        given["max_output_tokens"] = ask.limit
    # Nothing is kept at the upstream, so what it thought comes back encrypted.
    return {**given, "store": False, "include": ["reasoning.encrypted_content"]}


def _said(answer: Any) -> Said:
    thoughts = [item for item in answer.output if item.type == "reasoning"]
    calls = [item for item in answer.output if item.type == "function_call"]
    return Said(
        text=answer.output_text,
        calls=tuple(Called(call.name, json.loads(call.arguments), call) for call in calls),
        thoughts="".join(part.text for item in thoughts for part in item.summary),
        finished=answer.status,
        tokens=(answer.usage.input_tokens, answer.usage.output_tokens),
        native=answer.output,
    )


def _heard(event: Any) -> Heard:
    match event.type:
        case "response.output_text.delta":
            return Heard(event.delta)
        case "response.completed" | "response.incomplete":
            return Heard(finished=True)
        case _:
            return Heard()
