"""How Anthropic checks a conversation: roles, blocks, tool turns, signatures of thinking.

Source: https://platform.claude.com/docs/en/api/messages,
.../build-with-claude/extended-thinking and .../build-with-claude/mid-conversation-system-messages.
"""

from __future__ import annotations

import re
from typing import NoReturn

from ai_client.simulator.dialect import JsonObject, Refused, decoded_size, dump, objects
from ai_client.simulator.http_server import Reply
from ai_client.simulator.signatures import issued, signs

VENDOR = "anthropic"
_BLOCKS = {
    "user": ("text", "image", "document", "search_result", "tool_result"),
    "assistant": (
        "text",
        "thinking",
        "redacted_thinking",
        "tool_use",
        "server_tool_use",
        "web_search_tool_result",
    ),
    "system": ("text",),
}
_IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp")
_ID = re.compile(r"[a-zA-Z0-9_-]+")
_NO_PREFILL = re.compile(r"claude-((opus|sonnet)-4-[6-9]|(opus|sonnet|haiku)-[5-9]|fable|mythos)")
_SYSTEM_INSIDE = re.compile(r"claude-(opus-4-[89]|(opus|sonnet|haiku)-[5-9]|fable|mythos)")


def refuse(message: str, status: int = 400, kind: str = "invalid_request_error") -> NoReturn:
    """Raises the refusal in Anthropic's shape."""
    error = {"type": kind, "message": message}
    raise Refused(
        Reply(status, dump({"type": "error", "error": error, "request_id": "req_simulated"}))
    )


def blocks(message: JsonObject) -> list[JsonObject]:
    """A message's content as blocks; a string is one text block."""
    content = message.get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return objects(content)


def block_texts(message: JsonObject) -> list[str]:
    """The texts of a message's text blocks."""
    return [str(block["text"]) for block in blocks(message) if block.get("type") == "text"]


def read_messages(body: JsonObject, model: str) -> list[JsonObject]:
    """The messages of a request; raises ``Refused``."""
    given = body["messages"]
    if not isinstance(given, list):
        refuse("messages: Input should be a valid list")
    if not given:
        refuse("messages: at least one message is required")
    messages = objects(given)
    if len(messages) != len(given):
        refuse("messages: Input should be an object")
    called: list[str] = []
    for at, message in enumerate(messages):
        role = message.get("role")
        if role not in _BLOCKS:
            refuse(f"messages.{at}.role: Input should be 'user' or 'assistant'")
        if role == "system":
            _check_system_inside(at, model)
        _check_blocks(message, at, last=at == len(messages) - 1)
        called = _check_tool_turns(message, at, called)
    if called:
        _refuse_unanswered(len(messages) - 1, called)
    if messages[0]["role"] == "assistant":
        refuse('messages: first message must use the "user" role')
    if messages[-1]["role"] == "assistant":
        if _NO_PREFILL.search(model):
            refuse(
                "This model does not support assistant message prefill. "
                "The conversation must end with a user message."
            )
        if "".join(block_texts(messages[-1])[-1:]).endswith((" ", "\n", "\t")):
            refuse("messages: final assistant content cannot end with trailing whitespace")
    return messages


def _check_system_inside(at: int, model: str) -> None:
    # https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages
    if at == 0:
        refuse("messages.0: use the top-level 'system' parameter for the initial system prompt")
    if not _SYSTEM_INSIDE.search(model):
        refuse("role 'system' is not supported on this model")


def _check_blocks(message: JsonObject, at: int, *, last: bool) -> None:
    content, role = message.get("content"), str(message["role"])
    if not isinstance(content, str | list):
        refuse(f"messages.{at}.content: Input should be a valid string or a list of blocks")
    if not content and not (last and role == "assistant"):
        refuse(
            f"messages.{at}: all messages must have non-empty content except for the optional "
            "final assistant message"
        )
    for number, block in enumerate(blocks(message)):
        where = f"messages.{at}.content.{number}"
        kind = block.get("type")
        if kind not in _BLOCKS[role]:
            refuse(f"{where}: Input tag '{kind}' found using 'type' does not match any expected")
        match kind:
            case "text":
                _check_text(block, where)
            case "image" | "document":
                _check_source(block, where)
            case "tool_use":
                _check_tool_use(block, where)
            case "tool_result":
                _check_result(block, where)
            case "thinking":
                signature, thinking = block.get("signature"), block.get("thinking")
                if not isinstance(signature, str) or not isinstance(thinking, str):
                    refuse(f"{where}.thinking.signature: Field required")
                if not signs(VENDOR, signature, thinking):
                    refuse(f"{where}: Invalid `signature` in `thinking` block")
            case "redacted_thinking":
                if not issued(VENDOR, str(block.get("data"))):
                    refuse(f"{where}: Invalid `data` in `redacted_thinking` block")


def _check_text(block: JsonObject, where: str) -> None:
    if not isinstance(block.get("text"), str):
        refuse(f"{where}.text.text: Field required")
    if not block["text"]:
        refuse("messages: text content blocks must be non-empty")


def _check_source(block: JsonObject, where: str) -> None:
    source, kind = block.get("source"), str(block["type"])
    if not isinstance(source, dict):
        refuse(f"{where}.{kind}.source: Field required")
    form = source.get("type")
    if form == "base64":
        allowed = _IMAGES if kind == "image" else ("application/pdf",)
        if source.get("media_type") not in allowed:
            known = ", ".join(repr(one) for one in allowed)
            refuse(f"{where}.{kind}.source.base64.media_type: Input should be {known}")
        if not decoded_size(source.get("data")):
            refuse(f"{where}.{kind}.source.base64: invalid base64 data")
    elif form == "url":
        if not str(source.get("url")).startswith(("https://", "http://")):
            refuse(f"{where}.{kind}.source.url.url: Only HTTPS URLs are supported.")
    elif form not in (("file",) if kind == "image" else ("file", "text", "content")):
        refuse(f"{where}.{kind}.source: Input tag '{form}' does not match any expected")


def _check_tool_use(block: JsonObject, where: str) -> None:
    if not isinstance(block.get("id"), str) or not _ID.fullmatch(str(block["id"])):
        refuse(f"{where}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'")
    if not isinstance(block.get("input"), dict):
        refuse(f"{where}.tool_use.input: Input should be a valid dictionary")
    if not isinstance(block.get("name"), str):
        refuse(f"{where}.tool_use.name: Field required")


def _check_result(block: JsonObject, where: str) -> None:
    if not isinstance(block.get("tool_use_id"), str):
        refuse(f"{where}.tool_result.tool_use_id: Field required")
    content = block.get("content")
    if not isinstance(content, str | list | None):
        refuse(f"{where}.tool_result.content: Input should be a valid string or a list of blocks")
    for number, inner in enumerate(objects(content)):
        inside = f"{where}.tool_result.content.{number}"
        match inner.get("type"):
            case "text":
                _check_text(inner, inside)
            case "image" | "document":
                _check_source(inner, inside)
            case "search_result":
                pass
            case kind:
                refuse(f"{inside}: Input tag '{kind}' does not match any expected")


def _check_tool_turns(message: JsonObject, at: int, called: list[str]) -> list[str]:
    answered = []
    for number, block in enumerate(blocks(message)):
        if block.get("type") == "tool_result":
            use = str(block["tool_use_id"])
            if use not in called:
                refuse(
                    f"messages.{at}.content.{number}: unexpected `tool_use_id` found in "
                    f"`tool_result` blocks: {use}. Each `tool_result` block must have a "
                    "corresponding `tool_use` block in the previous message."
                )
            answered.append(use)
    if missing := [use for use in called if use not in answered]:
        _refuse_unanswered(at - 1, missing)
    if answered and blocks(message)[0].get("type") != "tool_result":
        _refuse_unanswered(at - 1, answered)
    uses = [str(block["id"]) for block in blocks(message) if block.get("type") == "tool_use"]
    if len(set(uses)) != len(uses):
        refuse(f"messages.{at}: `tool_use` ids must be unique")
    return uses


def _refuse_unanswered(at: int, missing: list[str]) -> NoReturn:
    refuse(
        f"messages.{at}: `tool_use` ids were found without `tool_result` blocks immediately after: "
        f"{', '.join(missing)}. Each `tool_use` block must have a corresponding `tool_result` "
        "block in the next message."
    )


def check_thinking_first(messages: list[JsonObject]) -> None:
    """With thinking on, an assistant turn whose tools were answered begins with its thinking."""
    at = max((at for at, one in enumerate(messages) if one["role"] == "assistant"), default=-1)
    answered = at >= 0 and any(
        block.get("type") == "tool_result" for one in messages[at + 1 :] for block in blocks(one)
    )
    kind = blocks(messages[at])[0].get("type") if answered else "thinking"
    if kind not in ("thinking", "redacted_thinking"):
        refuse(
            f"messages.{at}.content.0.type: Expected `thinking` or `redacted_thinking`, but found "
            f"`{kind}`. When `thinking` is enabled, a final `assistant` message must start with a "
            "thinking block (preceeding the lastmost set of `tool_use` and `tool_result` blocks)."
        )
