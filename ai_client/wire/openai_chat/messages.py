"""Messages as this dialect's upstreams read them.

https://platform.openai.com/docs/api-reference/chat/create#chat-create-messages
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, assert_never

from ai_client.call_ids import CallIds
from ai_client.errors import InvalidRequest, UnsupportedFeature
from ai_client.messages import (
    File,
    FunctionCall,
    FunctionResponse,
    GenerationRequest,
    JsonValue,
    Message,
    MessagePart,
    Role,
)
from ai_client.wire.openai_chat.audio import is_said_in_words
from ai_client.wire.openai_chat.reasoning import render_extra, render_thoughts
from ai_client.wire.openai_chat.vocabulary import WIRE

AUDIO_FORMATS: Final[Mapping[str, str]] = {
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/vnd.wave": "wav",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    # OpenAI lists only the two above; compatible servers take these.
    "audio/flac": "flac",
    "audio/x-flac": "flac",
    "audio/ogg": "ogg",
    "audio/aac": "aac",
    "audio/mp4": "m4a",
    "audio/m4a": "m4a",
    "audio/x-m4a": "m4a",
}
"""``input_audio.format`` by MIME type."""

_FILE_NAMES: Final[Mapping[str, str]] = {
    "application/pdf": "document.pdf",
    "text/plain": "document.txt",
    "text/csv": "document.csv",
    "text/markdown": "document.md",
    "text/html": "document.html",
    "application/json": "document.json",
}


def render_messages(request: GenerationRequest) -> list[dict[str, JsonValue]]:
    """All messages, the system prompt first."""
    rendered: list[dict[str, JsonValue]] = []
    system = request.config.system_instruction
    if system and any(part.content for part in system):
        content = _content(system, "system_instruction")
        rendered.append({"role": "system", "content": content})
    ids = CallIds(request.messages)
    for number, message in enumerate(request.messages):
        if message.role is Role.USER:
            rendered += _user(message, number, ids)
        else:
            rendered.append(_assistant(message, number, ids))
    return rendered


def render_assistant(message: Message, *, carry: bool) -> dict[str, JsonValue]:
    """The fields that hold an answer, in a request as in a response, without calls.

    ``content`` is joined text or None; ``carry`` as in ``reasoning.render_thoughts``.
    """
    texts = [part for part in message.parts if _is_text(part)]
    fields: dict[str, JsonValue] = {
        "role": "assistant",
        "content": "".join(str(part.content) for part in texts) if texts else None,
    }
    refusals = [
        part.content for part in message.parts if part.refusal and isinstance(part.content, str)
    ]
    if refusals:
        fields["refusal"] = "".join(refusals)
    fields.update(render_thoughts(message.parts, carry=carry))
    for part in texts:
        extra = render_extra(part.thought_signature, part.opaque, carry=carry)
        if extra is not None:
            fields["extra_content"] = extra
    return fields


def render_call(part: MessagePart, call_id: str, *, carry: bool) -> dict[str, JsonValue]:
    """A tool call; ``carry`` as in ``reasoning.render_extra``."""
    call = part.content
    if not isinstance(call, FunctionCall):
        raise TypeError("Only a function call becomes a tool call.")
    rendered: dict[str, JsonValue]
    if is_custom(part.opaque_for(WIRE)):
        custom = {"name": call.name or "", "input": call.arguments}
        rendered = {"id": call_id, "type": "custom", "custom": custom}
    else:
        function = {"name": call.name or "", "arguments": call.arguments or "{}"}
        rendered = {"id": call_id, "type": "function", "function": function}
    extra = render_extra(part.thought_signature, part.opaque, carry=carry)
    if extra is not None:
        rendered["extra_content"] = extra
    return rendered


def is_custom(own: JsonValue) -> bool:
    """Whether this dialect's opaque data says that a call was one of a custom tool."""
    return isinstance(own, dict) and own.get("type") == "custom"


def _user(message: Message, number: int, ids: CallIds) -> list[dict[str, JsonValue]]:
    """Results first: OpenAI takes nothing between a message's calls and what they returned."""
    parts = message.parts
    if len(parts) == 1 and isinstance(parts[0].content, str) and not parts[0].is_thought:
        return [{"role": "user", "content": parts[0].content}]
    path = f"messages[{number}]"
    rendered: list[dict[str, JsonValue]] = []
    waiting: list[MessagePart] = []
    for position, part in enumerate(parts):
        match part.content:
            case FunctionResponse() as response:
                result = _result(response, f"{path}.parts[{position}]")
                call_id = ids.of(number, position)
                rendered.append({"role": "tool", "tool_call_id": call_id, "content": result})
            case FunctionCall():
                raise InvalidRequest(
                    "A user's message cannot contain a function call.",
                    param=f"{path}.parts[{position}]",
                )
            case str() | File():
                if isinstance(part.content, File) or not part.is_thought:
                    waiting.append(part)
            case _:
                assert_never(part.content)
    if waiting or not parts:
        rendered.append({"role": "user", "content": _content(waiting, path)})
    return rendered


def _result(response: FunctionResponse, path: str) -> JsonValue:
    if any(not isinstance(part.content, str) for part in response.parts):
        raise UnsupportedFeature(
            "OpenAI's chat format takes only text as a function's result; leave the file out or"
            " use a connection of another format.",
            param=path,
        )
    if len(response.parts) > 1:
        return _content(response.parts, path)
    return response.as_text()


def _assistant(message: Message, number: int, ids: CallIds) -> dict[str, JsonValue]:
    path = f"messages[{number}]"
    calls: list[JsonValue] = []
    for position, part in enumerate(message.parts):
        match part.content:
            case FunctionCall():
                call_id = ids.of(number, position)
                calls.append(render_call(part, call_id, carry=False))
            case FunctionResponse():
                raise InvalidRequest(
                    "A model's message cannot contain a function response.",
                    param=f"{path}.parts[{position}]",
                )
            case File() if not part.is_thought and not is_said_in_words(part):
                raise UnsupportedFeature(
                    "OpenAI's chat format takes no file in a model's message; send it in a user's"
                    " message or use a connection of another format.",
                    param=f"{path}.parts[{position}]",
                )
            case str() | File():
                pass
            case _:
                assert_never(part.content)
    rendered = render_assistant(message, carry=False)
    texts = [part for part in message.parts if _is_text(part)]
    if len(texts) > 1:
        rendered["content"] = _content(texts, path)
    if calls:
        rendered["tool_calls"] = calls
    elif rendered["content"] is None and "refusal" not in rendered:
        rendered["content"] = ""
    return rendered


def _is_text(part: MessagePart) -> bool:
    return isinstance(part.content, str) and not part.is_thought and not part.refusal


def _content(parts: Sequence[MessagePart], path: str) -> JsonValue:
    if not parts:
        return ""
    if len(parts) == 1 and isinstance(parts[0].content, str):
        return parts[0].content
    return [_part(part, path) for part in parts]


def _part(part: MessagePart, path: str) -> dict[str, JsonValue]:
    match part.content:
        case str() as text:
            return {"type": "text", "text": text}
        case File() as file:
            if path == "system_instruction":
                raise UnsupportedFeature(
                    "OpenAI's chat format takes only text in the system prompt.", param=path
                )
            return _file(file, part.opaque_for(WIRE), path)
        case FunctionCall() | FunctionResponse():
            raise InvalidRequest("A function call or result cannot stand here.", param=path)
        case _:
            assert_never(part.content)


def _file(file: File, own: JsonValue, path: str) -> dict[str, JsonValue]:
    kind = file.mime_type.lower().partition(";")[0]
    if file.is_image or kind.startswith("image/"):
        image: dict[str, JsonValue] = {"url": file.url or file.data_uri()}
        if isinstance(own, dict) and own.get("detail") is not None:
            image["detail"] = own["detail"]
        return {"type": "image_url", "image_url": image}
    if not file.is_inline:
        raise UnsupportedFeature(
            f"OpenAI's chat format takes remote images only, not {kind} by URL; send the file"
            " inline.",
            param=path,
        )
    if kind.startswith("audio/"):
        if kind not in AUDIO_FORMATS:
            raise UnsupportedFeature(
                f"OpenAI's chat format takes no {kind}; send wav or mp3.", param=path
            )
        audio = {"data": file.base64_data, "format": AUDIO_FORMATS[kind]}
        return {"type": "input_audio", "input_audio": audio}
    if kind.startswith("video/"):
        raise UnsupportedFeature(f"OpenAI's chat format takes no video ({kind}).", param=path)
    name = file.name or _FILE_NAMES.get(kind, "document")
    return {"type": "file", "file": {"filename": name, "file_data": file.data_uri()}}
