"""Messages that a caller of this dialect sends.

https://platform.openai.com/docs/api-reference/chat/create#chat-create-messages
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from ai_client.body_fields import Fields, missing, refuse
from ai_client.body_files import base64_in, file_at, type_of_name
from ai_client.errors import InvalidRequest
from ai_client.messages import (
    CacheMarker,
    File,
    FunctionCall,
    FunctionResponse,
    JsonObject,
    Message,
    MessagePart,
    Role,
)
from ai_client.wire.openai_chat.messages import AUDIO_FORMATS
from ai_client.wire.openai_chat.reasoning import parse_extra, parse_thoughts
from ai_client.wire.openai_chat.response import call_opaque
from ai_client.wire.openai_chat.vocabulary import WIRE

_AUDIO_TYPES: Final[Mapping[str, str]] = {
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    **{word: kind for kind, word in AUDIO_FORMATS.items() if word not in ("wav", "mp3", "m4a")},
    "m4a": "audio/mp4",
}
# What compatible servers take beside OpenAI's own kinds of parts; other dialects say it otherwise.
_FOREIGN_PARTS: Final = ("video_url", "audio_url")
_MAX_DETAIL: Final = 20


class Conversation(NamedTuple):
    """What a body's ``messages`` say."""

    messages: tuple[Message, ...]
    system: tuple[MessagePart, ...]
    untranslatable: tuple[str, ...]
    dropped: tuple[str, ...]


def parse_messages(body: Fields) -> Conversation:
    """The conversation; system and developer messages, wherever they stand, become its system.

    Results of functions that follow each other become one message, as other dialects need it.
    """
    listed = body.objects("messages")
    if "messages" not in body:
        raise missing("messages")
    if not listed:
        raise InvalidRequest("'messages' must hold at least one message.", param="messages")
    reader = _Reader()
    for fields in listed:
        reader.read(fields)
    return Conversation(
        tuple(reader.messages),
        tuple(reader.system),
        tuple(reader.untranslatable),
        tuple(reader.dropped),
    )


class _Reader:
    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.system: list[MessagePart] = []
        self.untranslatable: list[str] = []
        self.dropped: list[str] = []
        self._names: dict[str, str] = {}
        self._after_result = False

    def read(self, fields: Fields) -> None:
        role = fields.required(fields.text("role"), "role")
        after_result, self._after_result = self._after_result, False
        if "name" in fields and role not in ("function", "tool"):
            fields.text("name")
            self.dropped.append(fields.at("name"))
        match role:
            case "system" | "developer":
                self.system += self._content(fields, text_only=True)
            case "user":
                parts = tuple(self._content(fields))
                self.messages.append(Message(Role.USER, parts))
            case "assistant":
                parts = tuple(self._assistant(fields))
                if parts:
                    self.messages.append(Message(Role.MODEL, parts))
            case "tool" | "function":
                part = self._result(fields, role)
                if after_result:
                    last = self.messages.pop()
                    self.messages.append(Message(Role.USER, (*last.parts, part)))
                else:
                    self.messages.append(Message(Role.USER, (part,)))
                self._after_result = True
            case _:
                raise InvalidRequest(
                    f"'{fields.at('role')}' must be system, developer, user, assistant, tool or"
                    " function.",
                    param=fields.at("role"),
                )

    def _content(self, fields: Fields, *, text_only: bool = False) -> Iterator[MessagePart]:
        content = fields.get("content")
        if isinstance(content, str):
            yield MessagePart(content, cache=parse_cache(fields))
            return
        if content is None:
            raise missing(fields.at("content"))
        if not isinstance(content, list):
            raise refuse(fields.at("content"), "a string or a list of parts", content)
        for part in fields.objects("content"):
            yield from self._part(part, text_only=text_only)

    def _part(self, part: Fields, *, text_only: bool) -> Iterator[MessagePart]:
        kind = part.required(part.text("type"), "type")
        if kind == "text":
            yield MessagePart(part.required(part.text("text"), "text"), cache=parse_cache(part))
            return
        if text_only:
            raise InvalidRequest(f"'{part.at('type')}' must be text here.", param=part.at("type"))
        match kind:
            case "image_url":
                image = part.required(part.object("image_url"), "image_url")
                yield _image(image, parse_cache(part))
            case "input_audio":
                audio = part.required(part.object("input_audio"), "input_audio")
                yield _audio(audio, parse_cache(part))
            case "file":
                file = part.required(part.object("file"), "file")
                if "file_id" in file:
                    file.text("file_id")
                    self.untranslatable.append(file.at("file_id"))
                else:
                    yield _file(file, parse_cache(part))
            case _ if kind in _FOREIGN_PARTS:
                self.untranslatable.append(f"{part.path} ({kind})")
            case _:
                raise InvalidRequest(
                    f"'{part.at('type')}' must be text, image_url, input_audio or file.",
                    param=part.at("type"),
                )

    def _assistant(self, fields: Fields) -> Iterator[MessagePart]:
        thoughts = parse_thoughts(fields.values)
        yield from thoughts
        content = fields.get("content")
        if isinstance(content, str):
            signature, opaque = parse_extra(fields.get("extra_content"))
            if content or signature is not None or opaque is not None:
                yield MessagePart(
                    content, thought_signature=signature, cache=parse_cache(fields), opaque=opaque
                )
        elif content is not None:
            if not isinstance(content, list):
                raise refuse(fields.at("content"), "a string or a list of parts", content)
            for part in fields.objects("content"):
                yield _said(part)
        refusal = fields.text("refusal")
        if refusal:
            yield MessagePart(refusal, refusal=True)
        if "audio" in fields:
            self.untranslatable.append(fields.at("audio"))
        for call in fields.objects("tool_calls"):
            yield self._call(call)
        legacy = fields.object("function_call")
        if legacy is not None:
            name = legacy.required(legacy.text("name"), "name")
            arguments = legacy.required(legacy.text("arguments"), "arguments")
            yield MessagePart(FunctionCall(None, name, arguments or "{}"))
        says = ("content", "refusal", "audio", "tool_calls", "function_call")
        if not thoughts and not any(name in fields for name in says):
            raise missing(fields.at("content"))

    def _call(self, call: Fields) -> MessagePart:
        kind = call.text("type") or "function"
        if kind not in ("function", "custom"):
            raise InvalidRequest(
                f"'{call.at('type')}' must be function or custom.", param=call.at("type")
            )
        call_id = call.required(call.text("id"), "id")
        function = call.required(call.object(kind), kind)
        name = function.required(function.text("name"), "name")
        what = "arguments" if kind == "function" else "input"
        arguments = function.required(function.text(what), what)
        if kind == "custom":
            self.untranslatable.append(f"{call.path} (custom)")
        self._names[call_id] = name
        signature, opaque = parse_extra(call.get("extra_content"))
        return MessagePart(
            FunctionCall(call_id, name, arguments or "{}"),
            thought_signature=signature,
            opaque=call_opaque(opaque, custom=kind == "custom"),
        )

    def _result(self, fields: Fields, role: str) -> MessagePart:
        call_id = name = None
        if role == "tool":
            call_id = fields.required(fields.text("tool_call_id"), "tool_call_id")
            name = self._names.get(call_id) or fields.text("name")
        else:
            name = fields.required(fields.text("name"), "name")
        content = fields.get("content")
        if isinstance(content, str) or (content is None and role == "function"):
            return MessagePart(
                FunctionResponse(call_id, name, content or ""), cache=parse_cache(fields)
            )
        parts = tuple(self._content(fields))
        cache = parse_cache(fields) or next((part.cache for part in parts if part.cache), None)
        return MessagePart(FunctionResponse(call_id, name, parts=parts), cache=cache)


def _said(part: Fields) -> MessagePart:
    kind = part.required(part.text("type"), "type")
    if kind == "text":
        return MessagePart(part.required(part.text("text"), "text"), cache=parse_cache(part))
    if kind == "refusal":
        return MessagePart(part.required(part.text("refusal"), "refusal"), refusal=True)
    raise InvalidRequest(
        f"'{part.at('type')}' must be text or refusal in an assistant's message.",
        param=part.at("type"),
    )


def parse_cache(fields: Fields) -> CacheMarker | None:
    """The cache marker on a part or a tool: Anthropic's, as OpenRouter takes it in this dialect.

    https://openrouter.ai/docs/guides/best-practices/prompt-caching
    """
    control = fields.object("cache_control")
    if control is None:
        return None
    kind = control.required(control.text("type"), "type")
    ttl = control.text("ttl")
    if kind != "ephemeral":
        raise InvalidRequest(f"'{control.at('type')}' must be ephemeral.", param=control.at("type"))
    match ttl:
        case None | "5m" | "1h":
            return CacheMarker(ttl)
        case _:
            raise InvalidRequest(
                f"'{control.at('ttl')}' must be 5m or 1h.", param=control.at("ttl")
            )


def _image(image: Fields, cache: CacheMarker | None) -> MessagePart:
    url = image.required(image.text("url"), "url")
    detail = image.text("detail")
    if detail is not None and len(detail) > _MAX_DETAIL:
        raise InvalidRequest(
            f"'{image.at('detail')}' must be auto, low, high or original.", param=image.at("detail")
        )
    opaque: JsonObject | None = None if detail is None else {WIRE: {"detail": detail}}
    return MessagePart(file_at(url, image.at("url"), "image/jpeg"), cache=cache, opaque=opaque)


def _audio(audio: Fields, cache: CacheMarker | None) -> MessagePart:
    data = audio.required(audio.text("data"), "data")
    word = audio.required(audio.text("format"), "format")
    if word not in _AUDIO_TYPES:
        raise InvalidRequest(
            f"'{audio.at('format')}' must be one of {', '.join(_AUDIO_TYPES)}.",
            param=audio.at("format"),
        )
    checked = base64_in(data, audio.at("data"))
    return MessagePart(File(_AUDIO_TYPES[word], base64_data=checked), cache=cache)


def _file(file: Fields, cache: CacheMarker | None) -> MessagePart:
    data = file.required(file.text("file_data"), "file_data")
    name = file.text("filename")
    guessed = type_of_name(name or "") or "application/pdf"
    path = file.at("file_data")
    if ":" in data[:16]:
        return MessagePart(file_at(data, path, guessed, name), cache=cache)
    return MessagePart(File(guessed, base64_data=base64_in(data, path), name=name), cache=cache)
