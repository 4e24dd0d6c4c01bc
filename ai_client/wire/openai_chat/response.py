"""Complete answers of upstreams that speak this dialect.

https://platform.openai.com/docs/api-reference/chat/object
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import orjson

from ai_client.errors import EmptyAnswer, MalformedAnswer
from ai_client.messages import (
    Candidate,
    Channel,
    File,
    FunctionCall,
    GenerativeAiResult,
    JsonObject,
    JsonValue,
    Message,
    MessagePart,
    Role,
)
from ai_client.openai_envelope import error_inside, read_answer
from ai_client.wire.openai_chat.audio import parse_audio
from ai_client.wire.openai_chat.reasoning import parse_extra, parse_thoughts
from ai_client.wire.openai_chat.vocabulary import (
    WIRE,
    parse_finish_reason,
    parse_logprobs,
    parse_usage,
)

_KNOWN: Final = frozenset(("id", "choices", "usage"))
_TEXT_ONLY: Final = frozenset(("role", "content"))


def parse_response(body: bytes) -> GenerativeAiResult:
    """A complete 200 answer. An error body inside it is raised as the error it is.

    ``BadContent`` for what is no JSON object (HTML, say), ``MalformedAnswer`` for cut JSON or an
    answer of another shape, ``EmptyAnswer`` where there is neither content nor finish reason.
    """
    data = read_answer(body)
    choices = data.get("choices")
    if not isinstance(choices, list):
        raise MalformedAnswer("The upstream's answer has no list of choices.")
    candidates = tuple([_candidate(choice) for choice in _in_order(choices)])
    if not any(each.message.parts or each.finish_reason for each in candidates):
        raise EmptyAnswer("The upstream's answer has neither content nor a finish reason.")
    return GenerativeAiResult(
        id=text_of(data, "id"),
        model=text_of(data, "model"),
        candidates=candidates,
        usage=parse_usage(data.get("usage")),
        additional_data={name: value for name, value in data.items() if name not in _KNOWN},
    )


def _in_order(choices: list[JsonValue]) -> list[JsonValue]:
    """By their numbers, where each has one: the one that was ready first may stand first."""
    if len(choices) < 2:
        return choices
    if not all(isinstance(each, dict) and isinstance(each.get("index"), int) for each in choices):
        return choices
    return sorted(choices, key=lambda choice: int(choice["index"]))


def text_of(data: Mapping[str, JsonValue], name: str) -> str:
    """A string of an answer, or the empty one."""
    value = data.get(name)
    return value if isinstance(value, str) else ""


def parse_image(image: JsonValue) -> File | None:
    """An image in an answer (OpenRouter's ``images``); None where it is not one."""
    holder = image.get("image_url") if isinstance(image, dict) else None
    url = holder.get("url") if isinstance(holder, dict) else None
    if not isinstance(url, str) or not url:
        return None
    if not url.startswith("data:"):
        return File("image/png", url=url)
    head, _, data = url[len("data:") :].partition(",")
    return File(head.partition(";")[0] or "image/png", base64_data=data)


def call_opaque(opaque: JsonObject | None, *, custom: bool) -> JsonObject | None:
    """A call's opaque data, with the note that it is one of a custom tool where it is."""
    if not custom:
        return opaque
    own = (opaque or {}).get(WIRE)
    noted = {**own, "type": "custom"} if isinstance(own, dict) else {"type": "custom"}
    return {**(opaque or {}), WIRE: noted}


def parse_call(call: JsonValue) -> MessagePart:
    """One entry of ``tool_calls``. Arguments that are no string become JSON text."""
    if not isinstance(call, dict):
        raise MalformedAnswer("A tool call of the upstream's answer is not an object.")
    custom = call.get("type") == "custom"
    function = call.get("custom" if custom else "function")
    if not isinstance(function, dict):
        raise MalformedAnswer("A tool call of the upstream's answer has no function.")
    signature, opaque = parse_extra(call.get("extra_content"))
    call_id, name = text_of(call, "id") or None, text_of(function, "name") or None
    if call_id is None and name is None:
        raise MalformedAnswer("A tool call of the upstream's answer has neither id nor name.")
    return MessagePart(
        FunctionCall(
            call_id,
            name,
            text_of(function, "input") if custom else arguments_of(function),
        ),
        thought_signature=signature,
        opaque=call_opaque(opaque, custom=custom),
    )


def arguments_of(function: Mapping[str, JsonValue]) -> str:
    """A call's arguments as the JSON text that they are; nothing counts as no arguments."""
    arguments = function.get("arguments")
    if isinstance(arguments, str):
        return arguments or "{}"
    return "{}" if arguments is None else orjson.dumps(arguments).decode()


def _candidate(choice: JsonValue) -> Candidate:
    if not isinstance(choice, dict):
        raise MalformedAnswer("A choice of the upstream's answer is not an object.")
    if choice.get("error"):
        # https://openrouter.ai/docs/api/reference/errors-and-debugging
        raise error_inside(choice["error"])
    message = choice.get("message")
    if message is None and choice.get("finish_reason"):
        message = {}
    if not isinstance(message, dict):
        raise MalformedAnswer("A choice of the upstream's answer has no message.")
    if message.get("role") == "user":
        raise MalformedAnswer("The upstream answered in the user's name.")
    parts = tuple(parse_message(message))
    calls = any(isinstance(part.content, FunctionCall) for part in parts)
    reason, word = parse_finish_reason(choice.get("finish_reason"), calls=calls) or (None, None)
    # Without a part there are no tokens that they could be of.
    logprobs = parse_logprobs(choice.get("logprobs")) if parts else ()
    return Candidate(Message(Role.MODEL, parts), reason, word, logprobs)


def parse_message(message: Mapping[str, JsonValue]) -> list[MessagePart]:
    """The parts of an assistant's message: thoughts, text, refusal, audio, images, calls."""
    content = message.get("content")
    if isinstance(content, str) and content:
        for field, said in message.items():
            if said and field not in _TEXT_ONLY:
                break
        else:
            # Most answers are this.
            return [MessagePart(content)]
    parts = parse_thoughts(message)
    parts += _content(message)
    refusal = message.get("refusal")
    if isinstance(refusal, str) and refusal:
        parts.append(MessagePart(refusal, refusal=True))
    parts += parse_audio(message.get("audio"))
    images = message.get("images")
    for image in images if isinstance(images, list) else ():
        file = parse_image(image)
        if file is not None:
            parts.append(MessagePart(file))
    calls = message.get("tool_calls")
    if isinstance(calls, list):
        parts += [parse_call(call) for call in calls]
    legacy = message.get("function_call")
    if isinstance(legacy, dict) and not calls:
        name = text_of(legacy, "name") or None
        parts.append(MessagePart(FunctionCall(None, name, arguments_of(legacy))))
    return parts


def _content(message: Mapping[str, JsonValue]) -> list[MessagePart]:
    content = message.get("content")
    annotations = message.get("annotations")
    signature, opaque = parse_extra(message.get("extra_content"))
    if isinstance(content, list):
        # Mistral's reasoning models: https://docs.mistral.ai/capabilities/reasoning
        return [part for chunk in content for part in _chunk(chunk)]
    if content is not None and not isinstance(content, str):
        raise MalformedAnswer("The content of the upstream's answer is not a string.")
    citations = tuple(annotations) if isinstance(annotations, list) else ()
    if not (content or citations or signature is not None or opaque is not None):
        return []
    text = content or ""
    return [MessagePart(text, thought_signature=signature, citations=citations, opaque=opaque)]


def _chunk(chunk: JsonValue) -> Iterator[MessagePart]:
    if isinstance(chunk, dict) and isinstance(chunk.get("text"), str):
        yield MessagePart(chunk["text"])
    elif isinstance(chunk, dict) and isinstance(chunk.get("thinking"), list):
        for inner in chunk["thinking"]:
            for part in _chunk(inner):
                yield MessagePart(part.content, Channel.THOUGHT)
    else:
        raise MalformedAnswer("The content of the upstream's answer has a part of unknown kind.")
