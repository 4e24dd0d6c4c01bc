"""What was said, in the JSON shapes of OpenTelemetry's conventions for generative AI.

https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-input-messages.json
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ai_client.messages import (
    AnyResult,
    File,
    FunctionCall,
    FunctionResponse,
    GenerationRequest,
    GenerativeAiResult,
    Message,
    MessagePart,
    Role,
)

_ROLES = {Role.USER: "user", Role.MODEL: "assistant"}


def of_prompt(request: GenerationRequest) -> Mapping[str, str]:
    """``gen_ai.input.messages`` and ``gen_ai.system_instructions``, each as JSON."""
    found = {"gen_ai.input.messages": _json([_message(each) for each in request.messages])}
    system = request.config.system_instruction
    if system:
        found["gen_ai.system_instructions"] = _json([_part(part) for part in system])
    return found


def of_answer(result: AnyResult) -> Mapping[str, str]:
    """``gen_ai.output.messages`` as JSON; nothing for vectors and work that goes on."""
    if not isinstance(result, GenerativeAiResult):
        return {}
    said = [
        {
            **_message(candidate.message),
            "finish_reason": candidate.finish_reason.value if candidate.finish_reason else "",
        }
        for candidate in result.candidates
    ]
    return {"gen_ai.output.messages": _json(said)}


def _message(message: Message) -> dict[str, Any]:
    parts = [_part(part) for part in message.parts]
    answered = parts and all(part["type"] == "tool_call_response" for part in parts)
    return {"role": "tool" if answered else _ROLES[message.role], "parts": parts}


def _part(part: MessagePart) -> dict[str, Any]:
    match part.content:
        case str() as text:
            return {"type": "reasoning" if part.is_thought else "text", "content": text}
        case FunctionCall() as call:
            return {
                "type": "tool_call",
                "id": call.id,
                "name": call.name,
                "arguments": _read(call.arguments),
            }
        case FunctionResponse() as response:
            return {
                "type": "tool_call_response",
                "id": response.id,
                "response": response.response,
            }
        case File() as file:
            return _file(file)


def _file(file: File) -> dict[str, Any]:
    """A file behind a URL by that; the content of others is left out: spans are no place for it."""
    described = {"mime_type": file.mime_type, "modality": _modality(file)}
    if file.url:
        return {"type": "uri", "uri": file.url, **described}
    return {"type": "file", **described}


def _modality(file: File) -> str:
    kind = (file.mime_type or "").partition("/")[0]
    return kind if kind in ("image", "audio", "video") else "document"


def _read(arguments: str) -> object:
    try:
        return json.loads(arguments)
    except ValueError:
        return arguments


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
