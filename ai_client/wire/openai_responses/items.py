"""A conversation as the ``input`` items that this dialect's upstreams read.

https://platform.openai.com/docs/api-reference/responses/create#responses-create-input

Nothing is stored upstream, so each request holds the whole conversation. What an upstream of this
dialect encrypted comes back as the item that it was; thoughts of others are not said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, assert_never

from ai_client.call_ids import CallIds
from ai_client.errors import InvalidRequest, UnsupportedFeature
from ai_client.messages import (
    File,
    FunctionCall,
    FunctionResponse,
    JsonValue,
    Message,
    MessagePart,
    Role,
)
from ai_client.wire.openai_responses.carried import is_ours
from ai_client.wire.openai_responses.vocabulary import (
    CUSTOM_TOOL_CALL,
    CUSTOM_TOOL_CALL_OUTPUT,
    FUNCTION_CALL,
    FUNCTION_CALL_OUTPUT,
    INPUT_FILE,
    INPUT_IMAGE,
    INPUT_TEXT,
    MESSAGE,
    OUTPUT_TEXT,
    REASONING,
    REFUSAL,
    WIRE,
)

Item = dict[str, JsonValue]

_FILE_NAMES: Final[Mapping[str, str]] = {
    "application/pdf": "document.pdf",
    "text/plain": "document.txt",
    "text/csv": "document.csv",
    "text/markdown": "document.md",
    "text/html": "document.html",
    "application/json": "document.json",
}
# Of an item that is echoed, an id alone would be looked for in the upstream's store.
_ANSWERED_WITH: Final = ("encrypted_content", "content")


def render_instructions(
    parts: Sequence[MessagePart], *, as_message: bool = False
) -> tuple[str | None, list[Item]]:
    """The system prompt: ``instructions`` where it is one text, a message where it is several.

    ``as_message``: always a message. OpenAI looks for the word JSON in messages only.
    ``UnsupportedFeature`` for anything but text.
    """
    said = [part for part in parts if part.content]
    for part in said:
        if not isinstance(part.content, str):
            raise UnsupportedFeature(
                "OpenAI's Responses format takes only text in the system prompt.",
                param="system_instruction",
            )
    if not said or (len(said) == 1 and not as_message):
        return (str(said[0].content) if said else None), []
    content = [{"type": INPUT_TEXT, "text": part.content} for part in said]
    return None, [{"role": "system", "content": content}]


def render_input(messages: Sequence[Message]) -> list[Item]:
    """All messages as items, in order."""
    ids = CallIds(messages)
    custom = _custom_calls(messages, ids)
    rendered: list[Item] = []
    for number, message in enumerate(messages):
        if message.role is Role.USER:
            rendered += _user(message, number, ids, custom)
        else:
            rendered += _model(message, number, ids)
    return rendered


def echoed_item(part: MessagePart) -> Item | None:
    """The item that a thought of this dialect came as; None where it cannot be sent back.

    An item that only its id would tell is not known to an upstream that stored nothing.
    """
    own = part.opaque_for(WIRE)
    item = own.get("item") if isinstance(own, dict) else None
    if not isinstance(item, dict) or not isinstance(item.get("type"), str) or is_ours(item):
        return None
    if item["type"] == REASONING and not any(item.get(name) for name in _ANSWERED_WITH):
        return None
    return dict(item)


def _custom_calls(messages: Sequence[Message], ids: CallIds) -> frozenset[str]:
    """The ids of calls of custom tools, whose results have a type of their own."""
    return frozenset(
        ids.of(number, position)
        for number, message in enumerate(messages)
        for position, part in enumerate(message.parts)
        if isinstance(part.content, FunctionCall) and _is_custom(part)
    )


def _is_custom(part: MessagePart) -> bool:
    own = part.opaque_for(WIRE)
    return isinstance(own, dict) and own.get("type") == CUSTOM_TOOL_CALL


def _user(message: Message, number: int, ids: CallIds, custom: frozenset[str]) -> Iterator[Item]:
    """Results first: servers that turn this into chat take nothing between them and the calls."""
    path = f"messages[{number}]"
    waiting: list[MessagePart] = []
    for position, part in enumerate(message.parts):
        where = f"{path}.parts[{position}]"
        match part.content:
            case FunctionResponse() as response:
                call_id = ids.of(number, position)
                is_custom = call_id in custom
                yield {
                    "type": CUSTOM_TOOL_CALL_OUTPUT if is_custom else FUNCTION_CALL_OUTPUT,
                    "call_id": call_id,
                    "output": _result(response, where),
                }
            case FunctionCall():
                raise InvalidRequest(
                    "A user's message cannot contain a function call.", param=where
                )
            case str() | File():
                if not part.is_thought:
                    waiting.append(part)
            case _:
                assert_never(part.content)
    if waiting or not message.parts:
        yield {"role": "user", "content": _content(waiting, path)}


def _result(response: FunctionResponse, path: str) -> JsonValue:
    if len(response.parts) > 1 or any(isinstance(one.content, File) for one in response.parts):
        return [_part(part, path) for part in response.parts]
    return response.as_text()


def _model(message: Message, number: int, ids: CallIds) -> Iterator[Item]:
    path = f"messages[{number}]"
    # Ids of calls are only known together with the reasoning that led to them.
    has_reasoning = any(
        item is not None and item["type"] == REASONING
        for item in (echoed_item(part) for part in message.parts if part.is_thought)
    )
    waiting: list[MessagePart] = []
    said_anything = False
    for position, part in enumerate(message.parts):
        item: Item | None
        if part.is_thought:
            item = echoed_item(part)
        else:
            match part.content:
                case str():
                    if waiting and _phase(waiting[-1]) != _phase(part):
                        yield _said(waiting)
                        waiting = []
                    waiting.append(part)
                    said_anything = True
                    continue
                case FunctionCall():
                    item = _call(part, ids.of(number, position), with_id=has_reasoning)
                case FunctionResponse():
                    raise InvalidRequest(
                        "A model's message cannot contain a function response.",
                        param=f"{path}.parts[{position}]",
                    )
                case File() as file:
                    item = _drawn(file, part, f"{path}.parts[{position}]")
                case _:
                    assert_never(part.content)
        if item is not None:
            if waiting:
                yield _said(waiting)
                waiting = []
            said_anything = True
            yield item
    if waiting:
        yield _said(waiting)
    elif not said_anything:
        yield {"role": "assistant", "content": ""}


def _phase(part: MessagePart) -> JsonValue:
    own = part.opaque_for(WIRE)
    return own.get("phase") if isinstance(own, dict) else None


def _said(parts: Sequence[MessagePart]) -> Item:
    """One message of the assistant: its texts and refusals."""
    message: Item = {"role": "assistant"}
    phase = _phase(parts[0])
    if phase is not None:
        message["phase"] = phase
    if len(parts) == 1 and not parts[0].refusal:
        return {**message, "content": parts[0].content}
    content: list[JsonValue] = [
        {"type": REFUSAL, "refusal": part.content}
        if part.refusal
        else {"type": OUTPUT_TEXT, "text": part.content, "annotations": []}
        for part in parts
    ]
    return {"type": MESSAGE, **message, "content": content}


def _call(part: MessagePart, call_id: str, *, with_id: bool) -> Item:
    call = part.content
    if not isinstance(call, FunctionCall):
        raise TypeError("Only a function call becomes a function_call item.")
    own = part.opaque_for(WIRE)
    kept = dict(own) if isinstance(own, dict) else {}
    if not with_id:
        kept.pop("id", None)
    kept.pop("item", None)
    if _is_custom(part):
        return {**kept, "call_id": call_id, "name": call.name or "", "input": call.arguments}
    return {
        **kept,
        "type": FUNCTION_CALL,
        "call_id": call_id,
        "name": call.name or "",
        "arguments": call.arguments or "{}",
    }


def _drawn(file: File, part: MessagePart, path: str) -> Item:
    """A picture that a model of this dialect drew, as the item that it came as."""
    own = part.opaque_for(WIRE)
    item = own.get("item") if isinstance(own, dict) else None
    if isinstance(item, dict) and file.base64_data is not None:
        return {**item, "result": file.base64_data}
    raise UnsupportedFeature(
        "OpenAI's Responses format takes no file in a model's message; send it in a user's message"
        " or use a connection of another format.",
        param=path,
    )


def _content(parts: Iterable[MessagePart], path: str) -> JsonValue:
    listed = list(parts)
    if not listed:
        return ""
    if len(listed) == 1 and isinstance(listed[0].content, str):
        return listed[0].content
    return [_part(part, path) for part in listed]


def _part(part: MessagePart, path: str) -> Item:
    match part.content:
        case str() as text:
            return {"type": INPUT_TEXT, "text": text}
        case File() as file:
            return _file(file, part.opaque_for(WIRE), path)
        case FunctionCall() | FunctionResponse():
            raise InvalidRequest("A function call or result cannot stand here.", param=path)
        case _:
            assert_never(part.content)


def _file(file: File, own: JsonValue, path: str) -> Item:
    kind = file.mime_type.lower().partition(";")[0]
    detail = own.get("detail") if isinstance(own, dict) else None
    said: Item = {} if detail is None else {"detail": detail}
    if kind.startswith(("audio/", "video/")):
        raise UnsupportedFeature(
            f"OpenAI's Responses format takes no {kind}; use a connection of another format.",
            param=path,
        )
    if kind.startswith("image/"):
        return {"type": INPUT_IMAGE, "image_url": file.url or file.data_uri(), **said}
    if not file.is_inline:
        return {"type": INPUT_FILE, "file_url": file.url, **said}
    name = file.name or _FILE_NAMES.get(kind, "document")
    return {"type": INPUT_FILE, "filename": name, "file_data": file.data_uri(), **said}
