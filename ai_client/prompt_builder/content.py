"""Prompts in all their forms, as messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ai_client.errors import InvalidArgument
from ai_client.messages import (
    File,
    FunctionCall,
    FunctionResponse,
    Message,
    MessagePart,
    Role,
    lazy_texts,
)
from ai_client.messages.reading import json_value, unicode_text

FORMS = (
    "text, a message, a part, a file, one of their dictionaries, a list of texts, parts and "
    "files, or a list of messages"
)


def messages_from(prompt: object) -> tuple[Message, ...]:
    """The conversation that ``prompt`` is; empty for None."""
    if prompt is None:
        return ()
    prompt = lazy_texts.read(prompt)
    if isinstance(prompt, str):
        if not prompt.strip():
            raise InvalidArgument("The prompt is blank.", param="prompt")
        return (_user(MessagePart(unicode_text(prompt, "prompt"))),)
    if isinstance(prompt, Message):
        return (message_from(prompt, "prompt"),)
    if isinstance(prompt, Mapping):
        return (_message_or_part(prompt),)
    if isinstance(prompt, list | tuple):
        if not prompt:
            raise InvalidArgument("The prompt is an empty list.", param="prompt")
        if all(isinstance(each, Message) for each in prompt):
            return tuple(message_from(each, "prompt") for each in prompt)
        return (_user(*(_item(each, index) for index, each in enumerate(prompt))),)
    return (_user(_part(prompt, "prompt")),)


def message_from(value: object, param: str) -> Message:
    """A message, or its dictionary."""
    try:
        if isinstance(value, Mapping):
            value = Message.from_dict(value)
        if isinstance(value, Message):
            return _checked(value, param)
    except InvalidArgument as error:
        raise InvalidArgument(error.message, param=param) from error
    raise InvalidArgument(f"A {type(value).__name__} is no message.", param=param)


def part_from(value: object, param: str) -> MessagePart:
    """A part, or its dictionary, or what can be one part: text, a file, a call or its result."""
    value = lazy_texts.read(value)
    if isinstance(value, str):
        return MessagePart(unicode_text(value, param))
    if isinstance(value, Mapping):
        try:
            return _sendable(MessagePart.from_dict(value), param)
        except InvalidArgument as error:
            raise InvalidArgument(error.message, param=param) from error
    return _part(value, param)


def text_from(value: object, param: str) -> str:
    """A text that says something, a lazy one as well."""
    text = unicode_text(lazy_texts.read(value), param)
    if not text.strip():
        raise InvalidArgument("The text is blank.", param=param)
    return text


def file_from(value: Any, mime_type: str | None = None, *, param: str = "file") -> File:
    """A file in any of the forms that ``File.of`` takes, or its dictionary."""
    try:
        given = File.from_dict(value) if isinstance(value, Mapping) else value
        return _complete(File.of(given, mime_type), param)
    except InvalidArgument as error:
        # Only those who can give a MIME type are told of it.
        named = param == "file" and error.param == "mime_type"
        raise InvalidArgument(error.message, param="mime_type" if named else param) from error
    except (ValueError, TypeError, OSError) as error:
        raise InvalidArgument(f"That is no file: {error}", param=param) from error


def with_part(messages: tuple[Message, ...], part: MessagePart) -> tuple[Message, ...]:
    """The conversation with one more part at the end of what its user says last."""
    if messages and messages[-1].role is Role.USER:
        last = messages[-1]
        return (*messages[:-1], _user(*last.parts, part))
    return (*messages, _user(part))


def require_askable(messages: tuple[Message, ...]) -> None:
    """Raise ``InvalidArgument`` unless a model could answer: a user speaks first and last."""
    if not messages:
        raise InvalidArgument(
            "The prompt is empty. Give it to prompt() or add some with with_text().",
            param="prompt",
        )
    for place, message in (("first", messages[0]), ("last", messages[-1])):
        if message.role is not Role.USER:
            raise InvalidArgument(
                f"The {place} message is from the {message.role.value}; the {place} word is the "
                "user's.",
                param="prompt",
            )
    if not messages[-1].parts:
        raise InvalidArgument("The last message is empty.", param="prompt")


def _message_or_part(value: Mapping[str, Any]) -> Message:
    if "role" in value:
        if "parts" not in value:
            raise InvalidArgument(
                "The message's dictionary has no parts. Write it like "
                "{'role': 'user', 'parts': [{'text': 'Hello'}]}.",
                param="prompt",
            )
        return message_from(value, "prompt")
    return _user(_part_from_map(value))


def _item(value: object, index: int) -> MessagePart:
    value = lazy_texts.read(value)
    if isinstance(value, str):
        # One blank text among others says nothing, and harms nobody.
        return MessagePart(unicode_text(value, "prompt"))
    if isinstance(value, Mapping):
        return _part_from_map(value)
    return _part(value, f"prompt[{index}]")


def _part_from_map(value: Mapping[str, Any]) -> MessagePart:
    if "role" in value:
        raise InvalidArgument(
            "A list of message dictionaries is no prompt. Make messages of them with "
            "Message.from_dict(), which reads {'role': 'user', 'parts': [{'text': 'Hello'}]}.",
            param="prompt",
        )
    try:
        return _sendable(MessagePart.from_dict(value), "prompt")
    except InvalidArgument as error:
        raise InvalidArgument(
            f"The dictionary is neither a message nor a part. {error.message}", param="prompt"
        ) from error


def _part(value: object, param: str) -> MessagePart:
    if isinstance(value, MessagePart):
        return _sendable(value, param)
    if isinstance(value, FunctionCall | FunctionResponse):
        return _sendable(MessagePart(value), param)
    if value is None or isinstance(value, bool | int | float | Message):
        raise InvalidArgument(
            f"A prompt is {FORMS}, not {type(value).__name__}.",
            param=param,
        )
    return MessagePart(file_from(value, param=param))


def _checked(message: Message, param: str) -> Message:
    role: object = message.role
    parts: object = message.parts
    if not isinstance(role, Role) or not isinstance(parts, tuple | list):
        raise InvalidArgument("A message has a Role and a tuple of MessageParts.", param=param)
    for part in message.parts:
        _sendable(part, param)
    # A list that the caller keeps would change the prompt later on.
    owned = message if isinstance(parts, tuple) else Message(role, tuple(message.parts))
    return owned.check()


def _sendable(part: MessagePart, param: str) -> MessagePart:
    """The part itself, unless it holds what JSON cannot."""
    match getattr(part, "content", None):
        case str() as text:
            unicode_text(text, param)
        case File() as file:
            _complete(file, param)
        case FunctionResponse(response=response):
            json_value(response, param)
        case FunctionCall():
            pass
        case content:
            raise InvalidArgument(
                f"A part holds text, a file, a call or its result, not {type(content).__name__}.",
                param=param,
            )
    return part


def _complete(file: File, param: str) -> File:
    if file.base64_data is not None and len(file.base64_data) % 4:
        raise InvalidArgument(
            "The file is not base64: padded with '=' to a multiple of four characters.",
            param=param,
        )
    if file.base64_data == "":
        raise InvalidArgument("The file is empty.", param=param)
    return file


def _user(*parts: MessagePart) -> Message:
    return Message(Role.USER, parts).check()
