"""How OpenAI's chat completions read a conversation, and with which 400 they refuse one.

Source: https://platform.openai.com/docs/api-reference/chat/create.
"""

from __future__ import annotations

import re
from typing import NoReturn

from ai_client.simulator.dialect import JsonObject, decoded_size, objects
from ai_client.simulator.openai_refusals import refuse

_ROLES = ("system", "assistant", "user", "function", "tool", "developer")
_PARTS = {
    "user": ("text", "image_url", "input_audio", "file"),
    "assistant": ("text", "refusal"),
}
NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
"""What a function or a schema may be called."""
_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+);base64,(.*)", re.DOTALL)


def read_messages(body: JsonObject) -> list[JsonObject]:
    """The messages of a body; raises ``Refused``."""
    given = body.get("messages")
    if given is None:
        refuse("Missing required parameter: 'messages'.", "messages", "missing_required_parameter")
    if not isinstance(given, list):
        refuse("Invalid type for 'messages': expected an array.", "messages", "invalid_type")
    if not given:
        refuse("Invalid 'messages': empty array.", "messages", "empty_array")
    messages = objects(given)
    if len(messages) != len(given):
        refuse("Invalid type for 'messages': expected objects.", "messages", "invalid_type")
    open_calls: list[str] = []
    for at, message in enumerate(messages):
        where = f"messages.[{at}].role"
        role = message.get("role")
        if role not in _ROLES:
            known = ", ".join(repr(one) for one in _ROLES)
            refuse(
                f"Invalid value: {role!r}. Supported values are: {known}.",
                f"messages[{at}].role",
                "invalid_value",
            )
        if role == "tool":
            answered = message.get("tool_call_id")
            if not isinstance(answered, str):
                refuse(
                    f"Missing required parameter: 'messages[{at}].tool_call_id'.",
                    f"messages[{at}].tool_call_id",
                    "missing_required_parameter",
                )
            if answered not in open_calls:
                refuse(
                    "Invalid parameter: messages with role 'tool' must be a response to a "
                    "preceeding message with 'tool_calls'.",
                    where,
                )
            open_calls.remove(answered)
        elif open_calls:
            _refuse_unanswered(open_calls, where)
        _check_content(message, at)
        if role == "assistant":
            open_calls = _calls(message, at)
    if open_calls:
        _refuse_unanswered(open_calls, f"messages.[{len(messages)}].role")
    return messages


def trailing_results(messages: list[JsonObject]) -> list[JsonObject]:
    """The results of functions at the end, which ask for what comes next."""
    trailing: list[JsonObject] = []
    for message in reversed(messages):
        if message["role"] != "tool":
            break
        trailing.insert(0, message)
    return trailing


def texts_of(message: JsonObject) -> list[str]:
    """The texts of a message."""
    content = message.get("content")
    if isinstance(content, str):
        return [content]
    return [str(part["text"]) for part in objects(content) if part.get("type") == "text"]


def attachments_of(message: JsonObject) -> list[str]:
    """What else a message holds, in words."""
    return [
        _attachment(part) for part in objects(message.get("content")) if part.get("type") != "text"
    ]


def _refuse_unanswered(open_calls: list[str], where: str) -> NoReturn:
    refuse(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to "
        "each 'tool_call_id'. The following tool_call_ids did not have response messages: "
        + ", ".join(open_calls),
        where,
    )


def _calls(message: JsonObject, at: int) -> list[str]:
    calls = message.get("tool_calls")
    if calls is None:
        return []
    if not isinstance(calls, list) or not calls:
        where = f"messages[{at}].tool_calls"
        refuse(f"Invalid '{where}': empty array.", where, "empty_array")
    ids = []
    for number, call in enumerate(objects(calls)):
        where = f"messages[{at}].tool_calls[{number}]"
        function = call.get("function")
        if call.get("type") != "function" or not isinstance(function, dict):
            refuse(f"Missing required parameter: '{where}.type'.", where)
        if not isinstance(call.get("id"), str) or len(str(call["id"])) > 40:
            refuse(
                f"Invalid '{where}.id': expected a string with maximum length 40.",
                f"{where}.id",
                "string_above_max_length",
            )
        if not isinstance(function.get("name"), str) or not NAME.fullmatch(function["name"]):
            refuse(f"Invalid '{where}.function.name'.", where, "invalid_value")
        if not isinstance(function.get("arguments"), str):
            refuse(
                f"Invalid type for '{where}.function.arguments': expected a string.",
                f"{where}.function.arguments",
                "invalid_type",
            )
        ids.append(str(call["id"]))
    return ids


def _check_content(message: JsonObject, at: int) -> None:
    content, role = message.get("content"), str(message["role"])
    where = f"messages[{at}].content"
    if content is None:
        if role == "assistant" and (message.get("tool_calls") or message.get("refusal")):
            return
        refuse(
            "Invalid value for 'content': expected a string, got null.",
            f"messages.[{at}].content",
        )
    if isinstance(content, str):
        return
    if not isinstance(content, list) or not content or len(objects(content)) != len(content):
        refuse(f"Invalid type for '{where}': expected a string or parts.", where, "invalid_type")
    for number, part in enumerate(objects(content)):
        _check_part(part, role, f"{where}[{number}]")


def _check_part(part: JsonObject, role: str, where: str) -> None:
    kind = part.get("type")
    allowed = _PARTS.get(role, ("text",))
    if kind not in allowed:
        known = ", ".join(repr(one) for one in allowed)
        refuse(f"Invalid value: {kind!r}. Supported values are: {known}.", where, "invalid_value")
    held = part.get(str(kind))
    match kind:
        case "text" | "refusal":
            if not isinstance(held, str):
                refuse(f"Missing required parameter: '{where}.{kind}'.", where)
        case "image_url":
            url = held.get("url") if isinstance(held, dict) else None
            if not isinstance(url, str):
                refuse(f"Invalid type for '{where}.image_url': expected an object.", where)
            data = _DATA_URL.fullmatch(url)
            inline = data is not None and data[1].startswith("image/") and decoded_size(data[2])
            if not inline and not url.startswith(("https://", "http://")):
                refuse(
                    "Invalid image URL: expected a base64-encoded data URL of an image MIME type.",
                    where,
                    "invalid_image_url",
                )
        case "input_audio":
            if not isinstance(held, dict) or held.get("format") not in ("wav", "mp3"):
                refuse(f"Invalid value: '{where}.input_audio.format' is 'wav' or 'mp3'.", where)
            if decoded_size(held.get("data")) is None:
                refuse(f"Invalid '{where}.input_audio.data': expected base64.", where)
        case "file":
            if not isinstance(held, dict) or not (held.get("file_id") or held.get("file_data")):
                refuse(f"Missing required parameter: '{where}.file.file_id'.", where)
            if held.get("file_data") and not _DATA_URL.fullmatch(str(held["file_data"])):
                refuse(f"Invalid '{where}.file.file_data': expected a base64 data URL.", where)


def _attachment(part: JsonObject) -> str:
    kind = str(part["type"])
    held = part.get(kind)
    if not isinstance(held, dict):
        return f"[{kind}]"
    if kind == "input_audio":
        return f"[audio audio/{held.get('format')} {decoded_size(held.get('data'))} bytes]"
    word = "image" if kind == "image_url" else "file"
    source = str(held.get("url") or held.get("file_data") or held.get("file_id"))
    if match := _DATA_URL.fullmatch(source):
        return f"[{word} {match[1]} {decoded_size(match[2])} bytes]"
    return f"[{word} {'url' if word == 'image' else 'id'} {source}]"
