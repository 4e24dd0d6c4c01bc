"""Complete answers of upstreams that speak this dialect, and their items one by one.

https://platform.openai.com/docs/api-reference/responses/object
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import orjson

from ai_client.errors import AiClientError, EmptyAnswer, MalformedAnswer
from ai_client.messages import (
    Candidate,
    Channel,
    File,
    FinishReason,
    FunctionCall,
    GenerativeAiResult,
    JsonObject,
    JsonValue,
    Message,
    MessagePart,
    Role,
    TokenLogprob,
)
from ai_client.openai_envelope import error_inside, read_answer
from ai_client.wire.openai_responses.carried import Carried, unpack
from ai_client.wire.openai_responses.vocabulary import (
    CUSTOM_TOOL_CALL,
    FAILED,
    OUTPUT_TEXT,
    REFUSAL,
    WIRE,
    parse_finish_reason,
    parse_logprobs,
    parse_usage,
)

_KNOWN: Final = ("id", "output", "usage", "status", "error", "incomplete_details")
_OF_A_CALL: Final = ("type", "id", "call_id", "name", "arguments", "input", "status")
_IMAGE_TYPES: Final[Mapping[str, str]] = {
    "iVBOR": "image/png",
    "/9j/": "image/jpeg",
    "UklGR": "image/webp",
    "R0lGOD": "image/gif",
}
"""By what the base64 of such a file begins with."""

BETWEEN: Final = "\n\n"
"""What stands between the sections of a thought's text."""


def parse_response(body: bytes) -> GenerativeAiResult:
    """A complete 200 answer. An error inside it is raised as the error it is.

    ``BadContent`` for what is no JSON object (HTML, say), ``MalformedAnswer`` for cut JSON or an
    answer of another shape, ``EmptyAnswer`` where there is neither content nor an end.
    """
    data = read_answer(body)
    parts, logprobs = parse_output(data)
    calls = any(isinstance(part.content, FunctionCall) for part in parts)
    reason, word = finish_of(data, calls=calls) or (None, None)
    if not parts and reason is None:
        raise EmptyAnswer("The upstream's answer has neither content nor a finish reason.")
    return GenerativeAiResult(
        id=text_of(data, "id"),
        model=text_of(data, "model"),
        candidates=(Candidate(Message(Role.MODEL, parts), reason, word, logprobs),),
        usage=parse_usage(data.get("usage")),
        additional_data=additional_of(data),
    )


def additional_of(data: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """What a response object says beyond what every answer has."""
    return {name: value for name, value in data.items() if name not in _KNOWN}


def parse_output(
    data: Mapping[str, JsonValue],
) -> tuple[tuple[MessagePart, ...], tuple[TokenLogprob, ...]]:
    """The parts of a response object, and the log probabilities of its texts."""
    items = data.get("output")
    if not isinstance(items, list):
        raise MalformedAnswer("The upstream's answer has no list of output items.")
    parts: list[MessagePart] = []
    logprobs: list[TokenLogprob] = []
    for item in items:
        read = parse_item(item)
        logprobs += read.logprobs
        if read.for_previous is None:
            parts += read.parts
        else:
            _give_back(parts, read.for_previous)
    # Without a part there are no tokens that they could be of.
    return tuple(parts), tuple(logprobs) if parts else ()


def _give_back(parts: list[MessagePart], carried: Carried) -> None:
    """Adds what was carried for a text or call to it.

    A text that is not there was empty, which an item of this dialect cannot be.
    """
    if carried.call_id is None and (not parts or parts[-1].is_thought):
        parts.append(MessagePart("", thought_signature=carried.signature, opaque=carried.opaque))
        return
    for place in reversed(range(len(parts))):
        part = parts[place]
        call_id = part.content.id if isinstance(part.content, FunctionCall) else None
        if not part.is_thought and carried.call_id in (None, call_id):
            opaque = merged(part.opaque, carried.opaque)
            parts[place] = replace(part, thought_signature=carried.signature, opaque=opaque)
            return


def finish_of(data: Mapping[str, JsonValue], *, calls: bool) -> tuple[FinishReason, str] | None:
    """As ``parse_finish_reason``, of a response object; a failure is raised as the error it is."""
    if data.get("status") == FAILED:
        raise failure_of(data)
    return parse_finish_reason(data.get("status"), data.get("incomplete_details"), calls=calls)


def failure_of(data: Mapping[str, JsonValue]) -> AiClientError:
    """The error of a response object whose status is ``failed``."""
    error = data.get("error")
    return error_inside(error or {"message": "The upstream's answer failed."})


def text_of(data: Mapping[str, JsonValue], name: str) -> str:
    """A string of an answer, or the empty one."""
    value = data.get(name)
    return value if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True)
class Read:
    """What an output item says; ``for_previous`` is of the part before it, see ``carried``."""

    parts: Sequence[MessagePart] = ()
    logprobs: tuple[TokenLogprob, ...] = ()
    for_previous: Carried | None = None


def merged(own: JsonObject | None, carried: JsonObject | None) -> JsonObject | None:
    """A part's opaque data with what was carried for it."""
    return {**(own or {}), **(carried or {})} or None


def parse_item(item: JsonValue) -> Read:
    """An output item. ``MalformedAnswer`` for what is none.

    Items of the vendor's own tools, and of kinds that are yet to come, are not for reading but part
    of the turn, so they are kept to be echoed.
    """
    if not isinstance(item, dict) or not isinstance(item.get("type"), str):
        raise MalformedAnswer("The upstream's answer has an output item without a type.")
    match item["type"]:
        case "message":
            return _message(item)
        case "reasoning":
            return _reasoning(item)
        case "function_call" | "custom_tool_call":
            return Read((MessagePart(parse_call(item), opaque=call_opaque(item)),))
        case "image_generation_call" if item.get("result"):
            return Read((parse_image(item),))
        case _:
            return Read((MessagePart("", Channel.THOUGHT, opaque={WIRE: {"item": item}}),))


def _message(item: Mapping[str, JsonValue]) -> Read:
    if item.get("role", "assistant") != "assistant":
        raise MalformedAnswer("The upstream answered in another name than the model's.")
    content = item.get("content")
    if not isinstance(content, list):
        raise MalformedAnswer("A message of the upstream's answer has no list of contents.")
    parts: list[MessagePart] = []
    logprobs: list[TokenLogprob] = []
    for each in content:
        part, tokens = parse_content(each, item)
        if part is not None:
            parts.append(part)
            logprobs += tokens
    return Read(tuple(parts), tuple(logprobs))


def parse_content(
    content: JsonValue, item: Mapping[str, JsonValue]
) -> tuple[MessagePart | None, tuple[TokenLogprob, ...]]:
    """One content of the message ``item``; None where it says nothing."""
    kind = content.get("type") if isinstance(content, dict) else None
    text = content.get(_TEXT_FIELD.get(str(kind), "text")) if isinstance(content, dict) else None
    if (
        not isinstance(kind, str)
        or kind not in _TEXT_FIELD
        or not isinstance(text, str)
        or not isinstance(content, dict)
    ):
        raise MalformedAnswer("A content of the upstream's answer is of unknown kind.")
    if kind == REFUSAL:
        return (MessagePart(text, refusal=True) if text else None), ()
    citations = citations_of(content)
    tokens = parse_logprobs(content.get("logprobs"))
    if not text and not citations and not tokens:
        return None, ()
    return MessagePart(text, citations=citations, opaque=phase_opaque(item)), tokens


_TEXT_FIELD: Final[Mapping[str, str]] = {OUTPUT_TEXT: "text", REFUSAL: "refusal"}


def citations_of(content: Mapping[str, JsonValue]) -> tuple[JsonValue, ...]:
    """The citations of a text, in the vendor's own shape."""
    annotations = content.get("annotations")
    return tuple(annotations) if isinstance(annotations, list) else ()


def phase_opaque(item: Mapping[str, JsonValue]) -> JsonObject | None:
    """What of a message is echoed beside its texts: whether it is a comment or the answer."""
    phase = item.get("phase")
    return {WIRE: {"phase": phase}} if isinstance(phase, str) else None


def _reasoning(item: Mapping[str, JsonValue]) -> Read:
    text = BETWEEN.join(_sections(item))
    carried = unpack(item.get("encrypted_content"))
    if carried is None:
        signature, opaque = reasoning_end(item)
        if not text and opaque is None:
            return Read()
        return Read(
            (MessagePart(text, Channel.THOUGHT, thought_signature=signature, opaque=opaque),)
        )
    if carried.of_previous:
        return Read(for_previous=carried)
    return Read(
        (
            MessagePart(
                text,
                Channel.THOUGHT,
                thought_signature=carried.signature,
                opaque=carried.opaque,
            ),
        )
    )


def _sections(item: Mapping[str, JsonValue]) -> Iterator[str]:
    for name in ("summary", "content"):
        sections = item.get(name)
        if sections is None:
            continue
        if not isinstance(sections, list):
            raise MalformedAnswer("The reasoning of the upstream's answer is not a list.")
        for section in sections:
            text = section.get("text") if isinstance(section, dict) else None
            if not isinstance(text, str):
                raise MalformedAnswer("The reasoning of the upstream's answer lacks its text.")
            if text:
                yield text


def reasoning_end(item: Mapping[str, JsonValue]) -> tuple[str | None, JsonObject | None]:
    """The signature and the opaque data of an upstream's own reasoning.

    There is none of either where the item could not be sent back.
    """
    encrypted = item.get("encrypted_content")
    signature = encrypted if isinstance(encrypted, str) and encrypted else None
    if signature is None and not item.get("content"):
        return None, None
    kept = {name: value for name, value in item.items() if name != "status"}
    return signature, {WIRE: {"item": kept}}


def parse_call(item: Mapping[str, JsonValue]) -> FunctionCall:
    """A call. Arguments that are no string become JSON text."""
    call_id, name = text_of(item, "call_id") or text_of(item, "id"), text_of(item, "name")
    if not call_id and not name:
        raise MalformedAnswer("A call of the upstream's answer has neither id nor name.")
    is_custom = item.get("type") == CUSTOM_TOOL_CALL
    arguments = item.get("input" if is_custom else "arguments")
    if arguments is None:
        arguments = ""
    elif not isinstance(arguments, str):
        arguments = orjson.dumps(arguments).decode()
    return FunctionCall(call_id or None, name or None, arguments or "{}")


def call_opaque(item: Mapping[str, JsonValue]) -> JsonObject | None:
    """What of a call is echoed beside its id, name and arguments: the item's own id for one."""
    kept = {name: value for name, value in item.items() if name not in _OF_A_CALL and value}
    if text_of(item, "id"):
        kept["id"] = item["id"]
    if item.get("type") == CUSTOM_TOOL_CALL:
        kept["type"] = CUSTOM_TOOL_CALL
    return {WIRE: kept} if kept else None


def parse_image(item: Mapping[str, JsonValue]) -> MessagePart:
    """A picture that the model drew."""
    data = item.get("result")
    if not isinstance(data, str):
        raise MalformedAnswer("An image of the upstream's answer is not base64.")
    said = item.get("output_format")
    found = next((kind for start, kind in _IMAGE_TYPES.items() if data.startswith(start)), None)
    mime_type = found or (f"image/{said}" if isinstance(said, str) and said else "image/png")
    kept = {name: value for name, value in item.items() if name != "result"}
    return MessagePart(File(mime_type, base64_data=data), opaque={WIRE: {"item": kept}})
