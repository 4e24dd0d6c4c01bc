"""Messages as Anthropic's content blocks.

User and assistant alternate, so neighbours of one role become one message; the results of calls
come first in theirs. Blank text is refused by the API and says nothing, so it is left out.

Sources: https://platform.claude.com/docs/en/api/messages,
https://platform.claude.com/docs/en/build-with-claude/vision,
https://platform.claude.com/docs/en/build-with-claude/pdf-support,
https://platform.claude.com/docs/en/agents-and-tools/tool-use/handle-tool-calls.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterable
from typing import assert_never

from ai_client.errors import InvalidRequest, UnsupportedFeature
from ai_client.messages import (
    CacheMarker,
    File,
    FunctionCall,
    FunctionResponse,
    JsonValue,
    Message,
    MessagePart,
    Role,
)

WIRE = "anthropic_messages"
"""The key of this dialect's data in a part's ``opaque``."""

Block = dict[str, JsonValue]

_IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp")
# What a caller says in parts of its own, checked there; opaque data is no second way to say it.
_NOT_ECHOED = (
    "container_upload",
    "document",
    "image",
    "search_result",
    "text",
    "tool_result",
    "tool_use",
)
_ID = re.compile(r"[a-zA-Z0-9_-]+")
_CITATIONS = (
    "char_location",
    "content_block_location",
    "page_location",
    "search_result_location",
    "web_search_result_location",
)


def render_messages(messages: Iterable[Message]) -> list[Block]:
    """The conversation as alternating messages that begin with the user's.

    Raises ``InvalidRequest`` for a conversation that makes no sense in any dialect and
    ``UnsupportedFeature`` for what this one cannot say.
    """
    calls = _Calls()
    rendered: list[Block] = []
    for message in messages:
        blocks = [block for part in message.parts for block in _blocks(part, message.role, calls)]
        role = "user" if message.role is Role.USER else "assistant"
        if not blocks:
            continue
        if rendered and rendered[-1]["role"] == role:
            rendered[-1]["content"] += blocks
        else:
            rendered.append({"role": role, "content": blocks})
    for turn in rendered:
        turn["content"].sort(key=lambda block: block["type"] != "tool_result")
    if not rendered:
        raise InvalidRequest("The conversation holds no content.", param="messages")
    if rendered[0]["role"] != "user":
        raise UnsupportedFeature(
            "Anthropic's dialect cannot begin a conversation with the model's turn; "
            "let a user message come first.",
            param="messages",
        )
    return rendered


def render_system(parts: Iterable[MessagePart]) -> list[Block]:
    """The system prompt as text blocks, each with its own cache marker."""
    blocks = []
    for part in parts:
        if not isinstance(part.content, str):
            raise UnsupportedFeature(
                "Anthropic's system prompt is text only.", param="system_instruction"
            )
        if part.content.strip():
            blocks.append({"type": "text", "text": part.content, **cache_control(part.cache)})
    return blocks


def cache_control(marker: CacheMarker | None) -> Block:
    """The ``cache_control`` field for a marker; nothing without one."""
    if marker is None:
        return {}
    ttl = {} if marker.ttl is None else {"ttl": marker.ttl}
    return {"cache_control": {"type": "ephemeral", **ttl}}


def native_citations(citations: Iterable[JsonValue]) -> list[JsonValue]:
    """Those that Anthropic made. Of another vendor, in Anthropic's shape: no encrypted index."""
    return [
        each
        for each in citations
        if isinstance(each, dict)
        and each.get("type") in _CITATIONS
        and each.get("encrypted_index") != ""
    ]


class _Calls:
    """Gives calls ids that the API takes, and their results the same ones."""

    def __init__(self) -> None:
        self._count = 0
        self._waiting: list[tuple[str, str | None]] = []

    def id_of_call(self, call: FunctionCall) -> str:
        self._count += 1
        if call.id:
            return wire_id(call.id)
        made = f"unnamed_call_{self._count}"
        self._waiting.append((made, call.name))
        return made

    def id_of_result(self, result: FunctionResponse) -> str:
        if result.id:
            return wire_id(result.id)
        for position, (made, name) in enumerate(self._waiting):
            if result.name in (None, name):
                del self._waiting[position]
                return made
        raise InvalidRequest(
            f"The result of {result.name!r} has no id, and no call without one waits for it.",
            param="messages",
        )


def wire_id(identifier: str) -> str:
    """``identifier`` where the API takes its characters, else one made from it."""
    if _ID.fullmatch(identifier):
        return identifier
    return "call_" + hashlib.sha256(identifier.encode()).hexdigest()[:32]


def _blocks(part: MessagePart, role: Role, calls: _Calls) -> list[Block]:
    if part.is_thought:
        echoed = echo(part)
        return [] if echoed is None or role is Role.USER else [echoed]
    marker = cache_control(part.cache)
    match part.content:
        case str() as text:
            if not text.strip():
                return []
            cited = native_citations(part.citations) if role is Role.MODEL else []
            cites = {"citations": cited} if cited else {}
            return [{"type": "text", "text": text, **cites, **marker}]
        case File() as file:
            if role is Role.MODEL:
                raise UnsupportedFeature(
                    "Anthropic's dialect takes no file in the model's own turn.", param="messages"
                )
            return [{**_file(file), **marker}]
        case FunctionCall() as call:
            if role is Role.USER:
                raise InvalidRequest("A user's turn cannot call a function.", param="messages")
            return [{**_call(call, calls, part.opaque_for(WIRE)), **marker}]
        case FunctionResponse() as result:
            if role is Role.MODEL:
                raise InvalidRequest(
                    "The result of a function belongs into a user's turn.", param="messages"
                )
            return [{**_result(result, calls), **marker}]
        case _:
            assert_never(part.content)


def echo(part: MessagePart) -> Block | None:
    """The block that a thought came as; None for a thought of another dialect.

    Thinking must come back exactly as it was sent, or the API refuses the request.
    """
    opaque = part.opaque_for(WIRE)
    if not isinstance(opaque, dict):
        return None
    kind = opaque.get("type")
    if not isinstance(kind, str) or kind in _NOT_ECHOED:
        return None
    if kind == "thinking" and isinstance(part.content, str):
        return {**opaque, "thinking": part.content}
    return dict(opaque)


def _call(call: FunctionCall, calls: _Calls, opaque: JsonValue) -> Block:
    if not call.name:
        raise InvalidRequest("A function call in the conversation has no name.", param="messages")
    extra = opaque if isinstance(opaque, dict) else {}
    return {
        **extra,
        "type": "tool_use",
        "id": calls.id_of_call(call),
        "name": call.name,
        "input": _arguments(call),
    }


def _arguments(call: FunctionCall) -> Block:
    try:
        arguments = json.loads(call.arguments or "{}", parse_constant=_no_constant)
    except (ValueError, RecursionError):
        arguments = None
    if not isinstance(arguments, dict):
        raise UnsupportedFeature(
            f"The arguments of the call to {call.name!r} in the conversation are not a JSON "
            "object, which is all that Anthropic's dialect can say.",
            param="messages",
        )
    return arguments


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON.")


def _result(result: FunctionResponse, calls: _Calls) -> Block:
    block: Block = {"type": "tool_result", "tool_use_id": calls.id_of_result(result)}
    if result.parts:
        block["content"] = [inner for part in result.parts for inner in _result_blocks(part)]
    elif result.response is not None:
        block["content"] = result.as_text()
    if result.is_error:
        block["is_error"] = True
    return block


def _result_blocks(part: MessagePart) -> list[Block]:
    marker = cache_control(part.cache)
    match part.content:
        case str() as text:
            return [{"type": "text", "text": text, **marker}] if text.strip() else []
        case File() as file:
            return [{**_file(file), **marker}]
        case FunctionCall() | FunctionResponse():
            raise InvalidRequest(
                "The result of a function holds text and files only.", param="messages"
            )
        case _:
            assert_never(part.content)


def _file(file: File) -> Block:
    mime_type = file.mime_type.partition(";")[0].strip().lower()
    title = {"title": file.name} if file.name else {}
    if file.is_image:
        return {"type": "image", "source": _image_source(file, mime_type)}
    if mime_type == "application/pdf":
        source = _source(file, mime_type)
        return {"type": "document", "source": source, **title}
    if mime_type.startswith("text/") and file.base64_data is not None:
        text = {"type": "text", "media_type": "text/plain", "data": _text(file.base64_data)}
        return {"type": "document", "source": text, **title}
    how = "inline" if file.is_inline else "by URL"
    raise UnsupportedFeature(
        f"Anthropic's dialect takes no {mime_type or 'untyped'} file {how}; it takes images and "
        "PDF, inline or by URL, and inline text.",
        param="messages",
    )


def _image_source(file: File, mime_type: str) -> Block:
    mime_type = "image/jpeg" if mime_type == "image/jpg" else mime_type
    if file.is_inline and mime_type not in _IMAGES:
        raise UnsupportedFeature(
            f"Anthropic's dialect takes no {mime_type}; it takes {', '.join(_IMAGES)}.",
            param="messages",
        )
    return _source(file, mime_type)


def _source(file: File, mime_type: str) -> Block:
    if file.base64_data is None:
        return {"type": "url", "url": file.url}
    return {"type": "base64", "media_type": mime_type, "data": file.base64_data}


def _text(base64_data: str) -> str:
    try:
        return base64.b64decode(base64_data, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise InvalidRequest(
            "An inline text file is not base64 of UTF-8.", param="messages"
        ) from error
