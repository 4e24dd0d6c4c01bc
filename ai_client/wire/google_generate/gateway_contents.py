"""Contents that a caller of this dialect sends: https://ai.google.dev/api/caching#Content."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from ai_client.body_fields import missing, refuse
from ai_client.errors import InvalidRequest
from ai_client.google_fields import GoogleFields
from ai_client.json_text import dump
from ai_client.messages import (
    Channel,
    File,
    FunctionCall,
    FunctionResponse,
    JsonObject,
    JsonValue,
    Message,
    MessagePart,
    Role,
)
from ai_client.wire.google_generate.carrying import Carried, is_ours, parse_signature
from ai_client.wire.google_generate.contents import (
    FOREIGN_CALL_SIGNATURE,
    WIRE,
    is_page_of_google,
    mime_type_of,
)

_ROLES: Final = {"user": Role.USER, "model": Role.MODEL, "function": Role.USER}
_UNKNOWN_TYPE: Final = "application/octet-stream"
# What each part may hold one of.
_HELD: Final = (
    "text",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
)
# Which piece of a video is meant, and how much of it is looked at.
_CUTS: Final = "videoMetadata"
_TUNING: Final = ("mediaResolution", "partMetadata")
_READ: Final = frozenset((*_HELD, *_TUNING, _CUTS, "thought", "thoughtSignature"))
# The keys under which results of functions stand by Google's advice, and by its SDK's own hand:
# https://ai.google.dev/api/caching#FunctionResponse
_RESULT_KEYS: Final = ("output", "result")


class Conversation(NamedTuple):
    """What a body's ``contents`` say."""

    messages: tuple[Message, ...]
    untranslatable: tuple[str, ...]
    dropped: tuple[str, ...]


def parse_contents(body: GoogleFields) -> Conversation:
    """The conversation.

    Turns of the model that follow each other become one message, as a chat of the SDK keeps each
    piece of a stream as a turn of its own; so do results of functions. A result without an id gets
    the one of the first call of its name that has no result yet.
    """
    listed = body.objects("contents")
    if "contents" not in body:
        raise missing("contents")
    if not listed:
        raise InvalidRequest("'contents' must hold at least one turn.", param="contents")
    reader = _Reader()
    for content in listed:
        reader.read(content)
    return Conversation(
        tuple(
            Message(role, tuple(_joined(parts) if role is Role.MODEL else parts))
            for role, parts in reader.turns
        ),
        tuple(reader.untranslatable),
        tuple(reader.dropped),
    )


def parse_system(body: GoogleFields) -> tuple[MessagePart, ...]:
    """The system prompt, text only: a string, or a content whose role says nothing."""
    given = body.get("systemInstruction")
    if given is None:
        return ()
    if isinstance(given, str):
        return (MessagePart(given),)
    content = body.required(body.object("systemInstruction"), "systemInstruction")
    found = []
    for part in _parts_of(content):
        text = part.text("text")
        if text is None:
            raise InvalidRequest(f"'{part.path}' must be a text here.", param=part.path)
        found.append(MessagePart(text))
    return tuple(found)


def _parts_of(content: GoogleFields) -> list[GoogleFields]:
    found = []
    for number, part in enumerate(content.list("parts") or ()):
        path = f"{content.at('parts')}[{number}]"
        if isinstance(part, str):
            part = {"text": part}
        if not isinstance(part, dict):
            raise refuse(path, "an object", part)
        found.append(GoogleFields(part, path))
    return found


class _Reader:
    def __init__(self) -> None:
        self.turns: list[tuple[Role, list[MessagePart]]] = []
        self.untranslatable: list[str] = []
        self.dropped: list[str] = []
        self._unanswered: list[FunctionCall] = []
        self._after_results = False

    def read(self, content: GoogleFields) -> None:
        role = self._role(content)
        listed = _parts_of(content)
        if not listed and role is Role.USER:
            raise InvalidRequest(
                f"'{content.at('parts')}' must hold at least one part.", param=content.at("parts")
            )
        results = bool(listed) and all("functionResponse" in part for part in listed)
        last = self.turns[-1] if self.turns else None
        if last is not None and last[0] is role and (role is Role.MODEL or self._after_results):
            continues = role is Role.MODEL or results
        else:
            continues = False
        parts = last[1] if last is not None and continues else []
        for part in listed:
            self._part(part, parts, role)
        if parts and not continues:
            self.turns.append((role, parts))
        if parts:
            self._after_results = results

    def _role(self, content: GoogleFields) -> Role:
        word = content.text("role") or "user"
        role = _ROLES.get(word.lower())
        if role is None:
            raise InvalidRequest(
                f"'{content.at('role')}' must be user, model or function.",
                param=content.at("role"),
            )
        return role

    def _part(self, part: GoogleFields, parts: list[MessagePart], role: Role) -> None:
        held = [name for name in _HELD if name in part]
        if len(held) > 1:
            raise InvalidRequest(
                f"'{part.path}' must hold one of {' and '.join(held)}.", param=part.path
            )
        thinks = part.boolean("thought") is True
        signature, opaque, carried = _signed(part, thinks=thinks)
        channel = Channel.THOUGHT if thinks else Channel.CONTENT
        self.dropped += [part.at(name) for name in _TUNING if name in part]
        if _CUTS in part:
            self.untranslatable.append(part.at(_CUTS))
        content = self._content(part)
        if content is None:
            others = sorted(name for name in part.values if name not in _READ)
            if not others and "thoughtSignature" not in part:
                raise InvalidRequest(
                    f"'{part.path}' must hold one of {', '.join(_HELD)}.", param=part.path
                )
            if others:
                # Code that Google ran, calls of its own tools: only Google can take it back.
                opaque = {WIRE: {"part": dict(part.values)}}
            content = ""
        if isinstance(content, str) and carried.joined:
            content = _taken_back(parts, carried.joined, channel) + content
        if content == "" and role is Role.MODEL and signature is None and opaque in (None, _OURS):
            return
        parts.append(
            MessagePart(
                content,
                channel,
                thought_signature=signature,
                refusal=carried.refusal and isinstance(content, str),
                opaque=opaque,
            )
        )

    def _content(self, part: GoogleFields) -> str | File | FunctionCall | FunctionResponse | None:
        if "text" in part:
            return part.text("text")
        if blob := part.object("inlineData"):
            return _inline(blob)
        if data := part.object("fileData"):
            return self._located(data)
        if call := part.object("functionCall"):
            return self._call(call)
        if result := part.object("functionResponse"):
            return self._result(result)
        return None

    def _located(self, data: GoogleFields) -> File:
        url = data.required(data.text("fileUri") or None, "fileUri")
        try:
            address = urlsplit(url)
            reachable = address.scheme.lower() in ("http", "https") and bool(address.hostname)
        except ValueError:
            reachable = False
        if not reachable and not url.lower().startswith("gs://"):
            raise InvalidRequest(
                f"'{data.at('fileUri')}' must be an http, https or gs address.",
                param=data.at("fileUri"),
            )
        if not reachable or is_page_of_google(url):
            self.untranslatable.append(data.at("fileUri"))
        file = File(data.text("mimeType") or "", url=url, name=data.text("displayName"))
        return File(mime_type_of(file) or _UNKNOWN_TYPE, url=url, name=file.name)

    def _call(self, call: GoogleFields) -> FunctionCall:
        name = call.required(call.text("name") or None, "name")
        arguments = call.get("args")
        if arguments is not None and not isinstance(arguments, dict):
            raise refuse(call.at("args"), "an object", arguments)
        made = FunctionCall(call.text("id") or None, name, dump(arguments or {}).decode())
        self._unanswered.append(made)
        return made

    def _result(self, result: GoogleFields) -> FunctionResponse:
        name = result.required(result.text("name") or None, "name")
        response = result.get("response")
        if response is not None and not isinstance(response, dict):
            raise refuse(result.at("response"), "an object", response)
        if result.boolean("willContinue"):
            self.untranslatable.append(result.at("willContinue"))
        call_id = self._answered(result.text("id") or None, name)
        value, failed = _returned(response or {})
        files = [MessagePart(self._returned_file(part)) for part in result.objects("parts")]
        if not files:
            return FunctionResponse(call_id, name, value, is_error=failed)
        said = value if isinstance(value, str) else dump(value).decode()
        parts = (MessagePart(said), *files) if value not in ("", {}) else tuple(files)
        return FunctionResponse(call_id, name, parts=parts, is_error=failed)

    def _returned_file(self, part: GoogleFields) -> File:
        if blob := part.object("inlineData"):
            return _inline(blob)
        if data := part.object("fileData"):
            return self._located(data)
        raise InvalidRequest(f"'{part.path}' must hold inlineData or fileData.", param=part.path)

    def _answered(self, call_id: str | None, name: str) -> str | None:
        """The id of the call that a result is of, and the call is done with."""
        for call in self._unanswered:
            if call.id == call_id if call_id is not None else call.name == name:
                self._unanswered.remove(call)
                return call.id
        return call_id


_OURS: Final[JsonObject] = {WIRE: {}}
"""The opaque data of a thought of Google's that it did not sign."""


def _signed(part: GoogleFields, *, thinks: bool) -> tuple[str | None, JsonObject | None, Carried]:
    """A part's signature, its opaque data, and what else a signature of ours says."""
    given = part.text("thoughtSignature") or None
    if is_ours(given):
        carried = Carried() if given is None else parse_signature(given)
        return carried.signature, carried.opaque, carried
    if given is None or given == FOREIGN_CALL_SIGNATURE:
        return None, _OURS if thinks else None, Carried()
    return given, {WIRE: {"thoughtSignature": given}}, Carried()


def _taken_back(parts: list[MessagePart], joined: int, channel: Channel) -> str:
    """The last characters of the texts so far, which are taken out of ``parts``."""
    taken: list[str] = []
    while joined > 0 and parts:
        last = parts[-1]
        if not isinstance(last.content, str) or last.channel is not channel or _is_signed(last):
            break
        parts.pop()
        text = last.content
        if len(text) > joined:
            parts.append(MessagePart(text[:-joined], channel, opaque=last.opaque))
            text = text[-joined:]
        taken.append(text)
        joined -= len(text)
    return "".join(reversed(taken))


def _joined(parts: list[MessagePart]) -> list[MessagePart]:
    """The parts with texts that nothing tells apart, the pieces of a stream, made one."""
    found: list[MessagePart] = []
    for like, run in groupby(parts, _likeness):
        pieces = list(run)
        texts = [part.content for part in pieces if isinstance(part.content, str)]
        if like is None or len(pieces) == 1:
            found += pieces
        else:
            found.append(replace(pieces[0], content="".join(texts)))
    return found


def _likeness(part: MessagePart) -> tuple[Channel, bool] | None:
    """What the pieces of one text have in common; None for what is none."""
    if not isinstance(part.content, str) or part.refusal or _is_signed(part):
        return None
    return part.channel, part.opaque is None


def _is_signed(part: MessagePart) -> bool:
    return part.thought_signature is not None or part.opaque not in (None, _OURS)


def _inline(blob: GoogleFields) -> File:
    data = blob.required(blob.bytes("data"), "data")
    if not data:
        raise InvalidRequest(f"'{blob.at('data')}' is empty.", param=blob.at("data"))
    mime_type = blob.required(blob.text("mimeType") or None, "mimeType")
    return File(mime_type, base64_data=data, name=blob.text("displayName"))


def _returned(response: JsonObject) -> tuple[JsonValue, bool]:
    """What a function returned, and whether that is an error."""
    if len(response) == 1:
        ((key, value),) = response.items()
        if key == "error":
            return value, True
        if key in _RESULT_KEYS:
            return value, False
    return dict(response), False
