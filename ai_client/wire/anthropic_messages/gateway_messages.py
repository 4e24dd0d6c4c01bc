"""Messages that a caller of this dialect sends.

https://platform.claude.com/docs/en/api/messages. What only this dialect has in a turn of the user
(search results, files by id, citations of documents) is named in ``untranslatable``; what the
vendor's own tools left in a turn of the model is kept as opaque data, as answers of the client face
have it, and other dialects pass it over.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from ai_client.body_fields import Fields, missing, refuse
from ai_client.errors import InvalidRequest
from ai_client.messages import (
    CacheMarker,
    Channel,
    File,
    FunctionCall,
    FunctionResponse,
    JsonValue,
    Message,
    MessagePart,
    Role,
)
from ai_client.wire.anthropic_messages.carried import Carried, assembled, unpack
from ai_client.wire.anthropic_messages.conversation import WIRE
from ai_client.wire.anthropic_messages.response import (
    call_arguments,
    call_opaque,
    citations_in,
    thought,
)

_PDF: Final = "application/pdf"
_TYPES_BY_SUFFIX: Final = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
}


class Conversation(NamedTuple):
    """What a body's ``messages`` and ``system`` say."""

    messages: tuple[Message, ...]
    system: tuple[MessagePart, ...]
    untranslatable: tuple[str, ...]
    dropped: tuple[str, ...]


def parse_conversation(body: Fields) -> Conversation:
    """The conversation; system messages inside it, wherever they stand, join the system prompt."""
    listed = body.objects("messages")
    if "messages" not in body:
        raise missing("messages")
    if not listed:
        raise InvalidRequest("'messages' must hold at least one message.", param="messages")
    reader = _Reader()
    reader.system += reader.texts(body, "system")
    for message in listed:
        reader.read(message)
    return Conversation(
        tuple(reader.messages),
        tuple(reader.system),
        tuple(reader.untranslatable),
        tuple(reader.dropped),
    )


def parse_cache(block: Fields) -> CacheMarker | None:
    """The marker in a block's or tool's ``cache_control``."""
    control = block.object("cache_control")
    if control is None:
        return None
    ttl = control.text("ttl")
    match ttl:
        case None:
            return CacheMarker()
        case "5m" | "1h":
            return CacheMarker(ttl)
        case _:
            raise InvalidRequest(
                f"'{control.at('ttl')}' must be 5m or 1h.", param=control.at("ttl")
            )


class _Reader:
    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.system: list[MessagePart] = []
        self.untranslatable: list[str] = []
        self.dropped: list[str] = []
        self._names: dict[str, str] = {}

    def read(self, message: Fields) -> None:
        role = message.required(message.text("role"), "role")
        match role:
            case "user":
                parts = tuple(self._user(message))
                if parts:
                    self.messages.append(Message(Role.USER, parts))
            case "assistant":
                parts = assembled(self._assistant(message))
                if parts:
                    self.messages.append(Message(Role.MODEL, parts))
            case "system":
                self.system += self.texts(message, "content")
            case _:
                raise InvalidRequest(
                    f"'{message.at('role')}' must be user, assistant or system.",
                    param=message.at("role"),
                )

    def texts(self, holder: Fields, name: str) -> Iterator[MessagePart]:
        """The parts of a system prompt."""
        given = holder.get(name)
        if isinstance(given, str):
            if given:
                yield MessagePart(given)
            return
        if given is not None and not isinstance(given, list):
            raise refuse(holder.at(name), "a string or a list of text blocks", given)
        for block in holder.objects(name):
            if block.required(block.text("type"), "type") != "text":
                raise InvalidRequest(
                    f"'{block.at('type')}' must be text here.", param=block.at("type")
                )
            yield _text(block)

    def _user(self, message: Fields) -> Iterator[MessagePart]:
        content = _content(message)
        if isinstance(content, str):
            yield MessagePart(content)
            return
        for block in content:
            kind = block.required(block.text("type"), "type")
            if kind == "tool_result":
                yield self._result(block)
            elif kind in ("tool_use", "thinking", "redacted_thinking"):
                raise InvalidRequest(
                    f"'{block.at('type')}' is {kind}, which belongs into an assistant message.",
                    param=block.at("type"),
                )
            else:
                yield from self._given(block, kind)

    def _given(self, block: Fields, kind: str) -> Iterator[MessagePart]:
        """A block of the user's, or one of a tool's result."""
        match kind:
            case "text":
                yield _text(block)
            case "image" | "document":
                file = self._file(block, kind)
                if file is not None:
                    yield MessagePart(file, cache=parse_cache(block))
            case _:
                self.untranslatable.append(f"{block.path} ({kind})")

    def _assistant(self, message: Fields) -> Iterator[MessagePart | Carried]:
        content = _content(message)
        if isinstance(content, str):
            yield MessagePart(content)
            return
        for block in content:
            kind = block.required(block.text("type"), "type")
            match kind:
                case "text":
                    yield _text(block)
                case "thinking":
                    text = block.required(block.text("thinking"), "thinking")
                    block.text("signature")
                    yield thought(text, block.values)
                case "redacted_thinking":
                    data = block.required(block.text("data"), "data")
                    yield unpack(data) or _vendors_own(block)
                case "tool_use":
                    yield self._call(block)
                case "image" | "document":
                    file = self._file(block, kind)
                    if file is not None:
                        yield MessagePart(file, cache=parse_cache(block))
                case "tool_result":
                    raise InvalidRequest(
                        f"'{block.at('type')}' is tool_result, which belongs into a user message.",
                        param=block.at("type"),
                    )
                case "container_upload" | "search_result":
                    self.untranslatable.append(f"{block.path} ({kind})")
                case _:
                    yield _vendors_own(block)

    def _call(self, block: Fields) -> MessagePart:
        call_id = block.required(block.text("id"), "id")
        name = block.required(block.text("name"), "name")
        given = block.get("input")
        if not isinstance(given, dict | str):
            if given is None:
                raise missing(block.at("input"))
            raise refuse(block.at("input"), "an object", given)
        self._names[call_id] = name
        own = {each: value for each, value in block.values.items() if each != "cache_control"}
        return MessagePart(
            FunctionCall(call_id, name, call_arguments(given)),
            cache=parse_cache(block),
            opaque=call_opaque(own),
        )

    def _result(self, block: Fields) -> MessagePart:
        call_id = block.required(block.text("tool_use_id"), "tool_use_id")
        name = self._names.get(call_id)
        is_error = block.boolean("is_error") or False
        content = block.get("content")
        if content is None or isinstance(content, str):
            result = FunctionResponse(call_id, name, content, is_error=is_error)
            return MessagePart(result, cache=parse_cache(block))
        if not isinstance(content, list):
            raise refuse(block.at("content"), "a string or a list of blocks", content)
        parts: list[MessagePart] = []
        for inner in block.objects("content"):
            parts += self._given(inner, inner.required(inner.text("type"), "type"))
        result = FunctionResponse(call_id, name, parts=tuple(parts), is_error=is_error)
        return MessagePart(result, cache=parse_cache(block))

    def _file(self, block: Fields, kind: str) -> File | None:
        """The file of an image or document block; None where only Anthropic knows it."""
        for name in ("transformations", "context"):
            if name in block:
                self.dropped.append(block.at(name))
        cites = block.object("citations")
        if cites is not None and cites.boolean("enabled"):
            self.untranslatable.append(cites.path)
        source = block.required(block.object("source"), "source")
        title = block.text("title")
        match source.required(source.text("type"), "type"):
            case "base64":
                return _inline(source, title, "" if kind == "image" else _PDF)
            case "url":
                return _remote(source, title, kind)
            case "text" if kind == "document":
                data = source.required(source.text("data"), "data")
                encoded = base64.b64encode(data.encode("utf-8", "replace")).decode()
                return File("text/plain", base64_data=encoded, name=title)
            case word:
                self.untranslatable.append(f"{source.path} ({word})")
                return None


def _content(message: Fields) -> str | list[Fields]:
    content = message.get("content")
    if isinstance(content, str):
        return content
    if content is None:
        raise missing(message.at("content"))
    if not isinstance(content, list):
        raise refuse(message.at("content"), "a string or a list of blocks", content)
    return list(message.objects("content"))


def _text(block: Fields) -> MessagePart:
    text = block.required(block.text("text"), "text")
    block.list("citations")
    return MessagePart(text, cache=parse_cache(block), citations=citations_in(block.values))


def _vendors_own(block: Fields) -> MessagePart:
    own: dict[str, JsonValue] = dict(block.values)
    return MessagePart("", Channel.THOUGHT, opaque={WIRE: own})


def _inline(source: Fields, title: str | None, otherwise: str) -> File:
    mime_type = source.text("media_type") or otherwise
    source.required(mime_type or None, "media_type")
    data = source.required(source.text("data"), "data")
    path = source.at("data")
    if any(sign in data for sign in "\n\r \t"):
        data = "".join(data.split())
    try:
        empty = not binascii.a2b_base64(data, strict_mode=True)
    except (ValueError, binascii.Error):
        raise InvalidRequest(f"'{path}' is not valid base64.", param=path) from None
    if empty:
        raise InvalidRequest(f"'{path}' is empty.", param=path)
    return File(mime_type, base64_data=data, name=title)


def _remote(source: Fields, title: str | None, kind: str) -> File:
    """A file by its web address, which the upstream fetches; never a path on this machine."""
    url, path = source.required(source.text("url"), "url"), source.at("url")
    try:
        parts = urlsplit(url)
        reachable = parts.scheme.lower() in ("http", "https") and bool(parts.hostname)
    except ValueError:
        reachable = False
    if not reachable:
        raise InvalidRequest(f"'{path}' must be an http or https address.", param=path)
    said = source.text("media_type")
    if kind == "document":
        return File(said or _PDF, url=url, name=title)
    suffix = parts.path.rpartition(".")[2].lower()
    return File(said or _TYPES_BY_SUFFIX.get(suffix, "image/jpeg"), url=url, name=title)
