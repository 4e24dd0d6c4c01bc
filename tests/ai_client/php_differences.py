"""Where our requests say the same as the PHP AI Client's in other words, one function each.

``chat_body`` puts a request body of either side into one form; what is still different then is
different.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

Body = dict[str, Any]


def chat_body(body: Body) -> Body:
    """A body for ``chat/completions`` with everything below evened out."""
    evened = newer_token_limit(body)
    evened["messages"] = [
        function_arguments_decoded(function_result_decoded(content_as_list(message)))
        for message in evened.get("messages", [])
    ]
    return evened


def newer_token_limit(body: Body) -> Body:
    """``max_tokens`` is called ``max_completion_tokens`` by OpenAI today."""
    evened = dict(body)
    if "max_completion_tokens" in evened:
        evened["max_tokens"] = evened.pop("max_completion_tokens")
    return evened


def content_as_list(message: Body) -> Body:
    """Text alone is sent as text, and no content as null; there both are lists."""
    content = message.get("content")
    if message.get("role") == "tool":
        return message
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    return {**message, "content": content or []}


def function_result_decoded(message: Body) -> Body:
    """JSON is compared as what it says. A text result is sent as it is; there it is quoted."""
    if message.get("role") != "tool":
        return message
    content = message["content"]
    with suppress(ValueError):
        content = json.loads(content)
    return {**message, "content": content}


def function_arguments_decoded(message: Body) -> Body:
    """JSON is compared as what it says."""
    if "tool_calls" not in message:
        return message
    calls = [
        {**call, "function": {**call["function"], "arguments": json.loads(text)}}
        for call in message["tool_calls"]
        if (text := call["function"]["arguments"]) is not None
    ]
    return {**message, "tool_calls": calls}
