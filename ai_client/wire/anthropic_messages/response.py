"""Complete answers and errors in Anthropic's dialect, and what the stream shares with them.

Sources: https://platform.claude.com/docs/en/api/messages,
https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons,
https://platform.claude.com/docs/en/api/errors.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

import orjson

from ai_client.errors import AiClientError, BadContent, EmptyAnswer, MalformedAnswer
from ai_client.failures import error_for_status
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
    TokenUsage,
)
from ai_client.wire.anthropic_messages.carried import (
    Carried,
    assembled,
    carried_thought,
    unpack,
)
from ai_client.wire.anthropic_messages.conversation import WIRE

_FINISH: Final[Mapping[str, FinishReason]] = {
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    # The vendor's own tools took too many turns; the answer is unfinished, as with a limit.
    "pause_turn": FinishReason.LENGTH,
    "tool_use": FinishReason.TOOL_CALLS,
    "refusal": FinishReason.CONTENT_FILTER,
    # Anthropic has no such word; a gateway like this one passes another vendor's on.
    "error": FinishReason.ERROR,
}

# Causes that the API reports as a mere invalid request, told apart by their text only.
_TELLING_TEXTS: Final = (
    (re.compile(r"api usage limits|spend(?:ing)? limit", re.IGNORECASE), "billing_error"),
    (re.compile(r"content filtering policy|usage polic", re.IGNORECASE), "content_filter"),
    (re.compile(r"organization has been disabled", re.IGNORECASE), "organization_deactivated"),
)


def parse_response(body: bytes) -> GenerativeAiResult:
    """A complete answer.

    Raises the error that an error body says it is, ``MalformedAnswer`` for what is no JSON,
    ``BadContent`` for JSON or markup that is no answer, and ``EmptyAnswer`` for one without
    content and without a stop reason.
    """
    answer = _decode(body)
    if not isinstance(answer, dict):
        raise BadContent("The upstream's JSON is not an answer of the Messages API.")
    if answer.get("type") == "error" or ("error" in answer and "content" not in answer):
        raise error_in(answer, 200, {})
    blocks = answer.get("content")
    if not isinstance(blocks, list):
        raise BadContent("The upstream's JSON is not an answer of the Messages API.")
    if any(isinstance(block, dict) and block.get("type") == "tool_use" for block in blocks):
        # orjson reads integers beyond 64 bits as floats; arguments keep every digit.
        blocks = json.loads(body)["content"]
    parts = assembled(_piece(block) for block in blocks)
    stop_reason = answer.get("stop_reason")
    if not parts and not stop_reason:
        raise EmptyAnswer("The upstream's answer holds neither content nor a stop reason.")
    return GenerativeAiResult(
        id=str(answer.get("id") or ""),
        model=str(answer.get("model") or ""),
        candidates=(
            Candidate(
                Message(Role.MODEL, parts),
                finish_reason(stop_reason) if stop_reason else None,
                str(stop_reason) if stop_reason else None,
            ),
        ),
        usage=token_usage(answer.get("usage")),
    )


def parse_error(status: int, headers: Mapping[str, str], body: bytes) -> AiClientError:
    """The error for an answer with the status of one, from its type, its code and its text."""
    try:
        answer = orjson.loads(body)
    except ValueError:
        answer = body.decode(errors="replace")
    return error_in(answer, status, headers)


def error_in(answer: JsonValue, status: int | None, headers: Mapping[str, str]) -> AiClientError:
    """The error that an error body or an error event describes, not yet raised.

    ``answer`` is its decoded JSON, or its text where it is none.
    """
    error = answer
    if isinstance(answer, dict) and "error" in answer:
        error = answer["error"]
    if not isinstance(error, dict):
        error = {"message": error}
    message = error.get("message")
    text = message if isinstance(message, str) else ""
    details = error.get("details")
    code = details.get("error_code") if isinstance(details, dict) else error.get("code")
    kind = error.get("type")
    if status is None or 200 <= status < 300 or status in (400, 429):
        code = next((word for telling, word in _TELLING_TEXTS if telling.search(text)), code)
    return error_for_status(
        status,
        headers,
        text,
        code=code if isinstance(code, str) else None,
        error_type=kind if isinstance(kind, str) else None,
    )


def finish_reason(stop_reason: JsonValue) -> FinishReason:
    """The unified reason; a reason that is not known yet is taken for a regular end."""
    return _FINISH.get(str(stop_reason), FinishReason.STOP)


def token_usage(usage: JsonValue) -> TokenUsage | None:
    """The token counts, whose ``input_tokens`` leave cached ones out; None where none are said."""
    if not isinstance(usage, dict):
        return None
    details = usage.get("output_tokens_details")
    read = _count(usage, "cache_read_input_tokens")
    written = _count(usage, "cache_creation_input_tokens")
    prompt = (_count(usage, "input_tokens") or 0) + (read or 0) + (written or 0)
    completion = _count(usage, "output_tokens") or 0
    return TokenUsage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=prompt + completion,
        thought_tokens=_count(details, "thinking_tokens") if isinstance(details, dict) else None,
        cached_tokens=read,
        cache_write_tokens=written,
    )


def thought(text: str, block: JsonObject) -> MessagePart:
    """The thought that a thinking block with this text holds."""
    signature = text_if_any(block, "signature") or None
    carried = unpack(signature)
    if carried is not None:
        return carried_thought(text, carried)
    return MessagePart(
        text, Channel.THOUGHT, thought_signature=signature, opaque=thought_opaque(block)
    )


def thought_opaque(block: JsonObject) -> JsonObject | None:
    """What of a thinking block is echoed beside its text; None where it cannot be echoed.

    The API takes thinking back only with the signature that it came with.
    """
    if not block.get("signature"):
        return None
    return {WIRE: {name: value for name, value in block.items() if name != "thinking"}}


def call_opaque(block: JsonObject) -> JsonObject | None:
    """What of a call is echoed beside id, name and input (its ``caller`` for one)."""
    known = ("type", "id", "name", "input")
    extra = {name: value for name, value in block.items() if name not in known}
    return {WIRE: extra} if extra else None


def call_arguments(given: JsonValue) -> str:
    """The JSON text of a call's ``input``; itself where it is the text that a model wrote."""
    return given if isinstance(given, str) else compact({} if given is None else given)


def file_in(block: JsonObject) -> File | None:
    """The file in a block of an answer; None where there is none. Anthropic's answers hold none."""
    source = block.get("source")
    if not isinstance(source, dict):
        return None
    mime_type, data, url = (source.get(name) for name in ("media_type", "data", "url"))
    mime_type = mime_type if isinstance(mime_type, str) else ""
    name = block.get("title") if isinstance(block.get("title"), str) else None
    if source.get("type") == "base64" and isinstance(data, str) and mime_type:
        return File(mime_type, base64_data=data, name=name)
    if source.get("type") == "url" and isinstance(url, str):
        return File(mime_type, url=url, name=name)
    return None


def compact(value: JsonValue) -> str:
    """``value`` as JSON without white space."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def text_of(holder: JsonObject, name: str) -> str:
    """The text in the field ``name``; ``MalformedAnswer`` where there is none."""
    value = holder.get(name)
    if not isinstance(value, str):
        raise MalformedAnswer(f"The upstream's answer has no text in {name!r}.")
    return value


def text_if_any(holder: JsonObject, name: str) -> str:
    """The text in the field ``name``, empty where the field is missing or null."""
    return "" if holder.get(name) is None else text_of(holder, name)


def citations_in(block: JsonObject) -> tuple[JsonValue, ...]:
    """The citations of a text block, in the vendor's own shape."""
    citations = block.get("citations")
    return tuple(citations) if isinstance(citations, list) else ()


def _decode(body: bytes) -> JsonValue:
    try:
        return orjson.loads(body)
    except ValueError as error:
        if body.lstrip().startswith(b"<"):
            raise BadContent("The upstream answered with markup instead of JSON.") from error
        raise MalformedAnswer("The upstream's answer is not complete JSON.") from error


def _piece(block: JsonValue) -> MessagePart | Carried:
    if not isinstance(block, dict):
        raise MalformedAnswer("A content block of the upstream's answer is not an object.")
    match block.get("type"):
        case "text":
            return MessagePart(text_of(block, "text"), citations=citations_in(block))
        case "thinking":
            return thought(text_of(block, "thinking"), block)
        case "tool_use":
            call = FunctionCall(
                text_of(block, "id"), text_of(block, "name"), call_arguments(block.get("input"))
            )
            return MessagePart(call, opaque=call_opaque(block))
        case "image" | "document" if file := file_in(block):
            return MessagePart(file)
        case kind:
            carried = unpack(block.get("data")) if kind == "redacted_thinking" else None
            # Redacted thinking, the vendor's own tools, and what is yet to come: not for reading,
            # but part of the turn, so they are kept to be echoed.
            return carried or MessagePart("", Channel.THOUGHT, opaque={WIRE: block})


def _count(holder: JsonObject, name: str) -> int | None:
    value = holder.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
