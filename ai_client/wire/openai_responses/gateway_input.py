"""The input that a caller of this dialect sends: a text, or items.

https://platform.openai.com/docs/api-reference/responses/create#responses-create-input
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from ai_client.body_fields import Fields, missing, refuse
from ai_client.body_files import base64_in, file_at, type_of_name
from ai_client.errors import InvalidRequest, UnsupportedFeature
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
from ai_client.wire.openai_responses.carried import Carried, unpack
from ai_client.wire.openai_responses.response import BETWEEN, reasoning_end
from ai_client.wire.openai_responses.vocabulary import (
    INPUT_AUDIO,
    INPUT_FILE,
    INPUT_IMAGE,
    INPUT_TEXT,
    ITEM_REFERENCE,
    MESSAGE,
    OUTPUT_TEXT,
    REFUSAL,
    WEB_SEARCH_CALL,
    WIRE,
)

# What the vendor's own tools did. It is no text of the conversation, and only its vendor reads it.
_DONE_BY_THE_VENDOR: Final = (
    WEB_SEARCH_CALL,
    "file_search_call",
    "code_interpreter_call",
    "mcp_call",
    "mcp_list_tools",
)
_AUDIO_TYPES: Final = {"wav": "audio/wav", "mp3": "audio/mpeg"}
_MAX_DETAIL: Final = 20


class Conversation(NamedTuple):
    """What a body's ``input`` says."""

    messages: tuple[Message, ...]
    system: tuple[MessagePart, ...]
    untranslatable: tuple[str, ...]


def parse_input(body: Fields) -> Conversation:
    """The conversation; system and developer messages, wherever they stand, become its system.

    Items of the model that follow each other become one message, and so do results of functions,
    as other dialects need it.
    """
    given = body.get("input")
    if given is None:
        raise missing("input")
    if isinstance(given, str):
        return Conversation((Message(Role.USER, (MessagePart(given),)),), (), ())
    if not isinstance(given, list):
        raise refuse("input", "a string or a list of items", given)
    if not given:
        raise InvalidRequest("'input' must hold at least one item.", param="input")
    reader = _Reader()
    for item in body.objects("input"):
        reader.read(item)
    reader.end_turn()
    return Conversation(tuple(reader.messages), tuple(reader.system), tuple(reader.untranslatable))


class _Reader:
    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.system: list[MessagePart] = []
        self.untranslatable: list[str] = []
        self._turn: list[MessagePart] = []
        self._results: list[MessagePart] = []
        self._names: dict[str, str] = {}

    def read(self, item: Fields) -> None:
        kind = item.text("type") or (MESSAGE if "role" in item else ITEM_REFERENCE)
        match kind:
            case "message":
                self._message(item)
            case "reasoning":
                self._end_results()
                self._reasoning(item)
            case "function_call":
                self._end_results()
                self._turn.append(self._call(item))
            case "function_call_output":
                self._end_model()
                self._results.append(self._result(item))
            case "image_generation_call":
                self._end_results()
                self._turn += _image_made(item)
            case "item_reference":
                raise UnsupportedFeature(
                    f"'{item.path}' refers to an item that only the upstream that made it holds,"
                    " and this connection does not speak its format. Send the item itself.",
                    param=item.path,
                )
            case _ if kind in _DONE_BY_THE_VENDOR:
                self._end_results()
                self._turn.append(MessagePart("", Channel.THOUGHT, opaque=_own_item(item.values)))
            case _:
                self.untranslatable.append(f"{item.path} ({kind})")

    def end_turn(self) -> None:
        """What was gathered becomes a message: the model's items, or results of functions."""
        self._end_model()
        self._end_results()

    def _end_model(self) -> None:
        if self._turn:
            self.messages.append(Message(Role.MODEL, tuple(self._turn)))
            self._turn.clear()

    def _end_results(self) -> None:
        if self._results:
            self.messages.append(Message(Role.USER, tuple(self._results)))
            self._results.clear()

    def _message(self, item: Fields) -> None:
        match item.required(item.text("role"), "role"):
            case "user":
                self.end_turn()
                self.messages.append(Message(Role.USER, tuple(self._content(item))))
            case "assistant":
                self._end_results()
                self._turn += _said(item)
            case "system" | "developer":
                self.system += self._content(item, text_only=True)
            case _:
                raise InvalidRequest(
                    f"'{item.at('role')}' must be user, assistant, system or developer.",
                    param=item.at("role"),
                )

    def _content(self, item: Fields, *, text_only: bool = False) -> Iterator[MessagePart]:
        content = item.get("content")
        if isinstance(content, str):
            yield MessagePart(content)
        elif content is None:
            raise missing(item.at("content"))
        elif not isinstance(content, list):
            raise refuse(item.at("content"), "a string or a list of parts", content)
        else:
            for part in item.objects("content"):
                yield from self._part(part, text_only=text_only)

    def _part(self, part: Fields, *, text_only: bool = False) -> Iterator[MessagePart]:
        kind = part.required(part.text("type"), "type")
        if kind == INPUT_TEXT:
            yield MessagePart(part.required(part.text("text"), "text"))
        elif text_only:
            raise InvalidRequest(
                f"'{part.at('type')}' must be {INPUT_TEXT} here.", param=part.at("type")
            )
        elif kind in (INPUT_IMAGE, INPUT_FILE) and "file_id" in part:
            part.text("file_id")
            self.untranslatable.append(part.at("file_id"))
        elif kind == INPUT_IMAGE:
            yield _image(part)
        elif kind == INPUT_FILE:
            yield _file(part)
        elif kind == INPUT_AUDIO:
            yield _audio(part.required(part.object(INPUT_AUDIO), INPUT_AUDIO))
        else:
            raise InvalidRequest(
                f"'{part.at('type')}' must be {INPUT_TEXT}, {INPUT_IMAGE} or {INPUT_FILE}.",
                param=part.at("type"),
            )

    def _call(self, item: Fields) -> MessagePart:
        call_id = item.required(item.text("call_id"), "call_id")
        name = item.required(item.text("name"), "name")
        arguments = item.required(item.text("arguments"), "arguments")
        self._names[call_id] = name
        return MessagePart(FunctionCall(call_id, name, arguments or "{}"))

    def _result(self, item: Fields) -> MessagePart:
        call_id = item.required(item.text("call_id"), "call_id")
        name = self._names.get(call_id) or item.text("name")
        output = item.get("output")
        if isinstance(output, str):
            return MessagePart(FunctionResponse(call_id, name, output))
        if output is None:
            raise missing(item.at("output"))
        if not isinstance(output, list):
            raise refuse(item.at("output"), "a string or a list of parts", output)
        parts = [each for part in item.objects("output") for each in self._part(part)]
        if not parts:
            return MessagePart(FunctionResponse(call_id, name, ""))
        return MessagePart(FunctionResponse(call_id, name, parts=tuple(parts)))

    def _reasoning(self, item: Fields) -> None:
        summary, content = (
            [each.required(each.text("text"), "text") for each in item.objects(name)]
            for name in ("summary", "content")
        )
        carried = unpack(item.text("encrypted_content"))
        if carried is not None and carried.of_previous:
            self._give_back(carried)
            return
        text = BETWEEN.join(each for each in (*summary, *content) if each)
        if carried is None:
            signature, opaque = reasoning_end(item.values)
        else:
            signature, opaque = carried.signature, carried.opaque
        self._turn.append(
            MessagePart(text, Channel.THOUGHT, thought_signature=signature, opaque=opaque)
        )

    def _give_back(self, carried: Carried) -> None:
        """A signature and opaque data to the part whose they are; gone where that is not there."""
        for place in reversed(range(len(self._turn))):
            part = self._turn[place]
            call_id = part.content.id if isinstance(part.content, FunctionCall) else None
            if not part.is_thought and carried.call_id in (None, call_id):
                self._turn[place] = replace(
                    part, thought_signature=carried.signature, opaque=carried.opaque
                )
                return


def _own_item(item: Mapping[str, JsonValue]) -> JsonObject:
    """The opaque data of a part that is a whole item of this dialect."""
    return {WIRE: {"item": dict(item)}}


def _said(item: Fields) -> Iterator[MessagePart]:
    content = item.get("content")
    if isinstance(content, str):
        yield MessagePart(content)
        return
    if content is None:
        raise missing(item.at("content"))
    if not isinstance(content, list):
        raise refuse(item.at("content"), "a string or a list of parts", content)
    for part in item.objects("content"):
        match part.required(part.text("type"), "type"):
            case "output_text" | "input_text":
                text = part.required(part.text("text"), "text")
                yield MessagePart(text, citations=tuple(part.list("annotations") or ()))
            case "refusal":
                yield MessagePart(part.required(part.text(REFUSAL), REFUSAL), refusal=True)
            case _:
                raise InvalidRequest(
                    f"'{part.at('type')}' must be {OUTPUT_TEXT} or {REFUSAL} in a message of the"
                    " assistant.",
                    param=part.at("type"),
                )


def _image(part: Fields) -> MessagePart:
    address = part.required(part.text("image_url"), "image_url")
    detail = part.text("detail")
    if detail is not None and len(detail) > _MAX_DETAIL:
        raise InvalidRequest(
            f"'{part.at('detail')}' must be auto, low, high or original.", param=part.at("detail")
        )
    file = file_at(address, part.at("image_url"), "image/jpeg")
    return MessagePart(file, opaque=None if detail is None else {WIRE: {"detail": detail}})


def _file(part: Fields) -> MessagePart:
    name = part.text("filename")
    guessed = type_of_name(name or "") or "application/pdf"
    address = part.text("file_url")
    if address is not None:
        return MessagePart(file_at(address, part.at("file_url"), guessed, name))
    data = part.required(part.text("file_data"), "file_data")
    path = part.at("file_data")
    if ":" in data[:16]:
        return MessagePart(file_at(data, path, guessed, name))
    return MessagePart(File(guessed, base64_data=base64_in(data, path), name=name))


def _audio(audio: Fields) -> MessagePart:
    data = audio.required(audio.text("data"), "data")
    word = audio.required(audio.text("format"), "format")
    if word not in _AUDIO_TYPES:
        raise InvalidRequest(
            f"'{audio.at('format')}' must be one of {', '.join(_AUDIO_TYPES)}.",
            param=audio.at("format"),
        )
    return MessagePart(File(_AUDIO_TYPES[word], base64_data=base64_in(data, audio.at("data"))))


def _image_made(item: Fields) -> Iterator[MessagePart]:
    """The image that the model has made; an attempt that failed says nothing."""
    address, result = item.text("url"), item.text("result")
    kind = f"image/{item.text('output_format') or 'png'}"
    if result is not None:
        yield MessagePart(File(kind, base64_data=base64_in(result, item.at("result"))))
    elif address is not None:
        yield MessagePart(file_at(address, item.at("url"), kind))
