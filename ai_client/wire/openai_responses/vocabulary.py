"""The words and small things that both faces of the Responses format share.

https://platform.openai.com/docs/api-reference/responses/object
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from ai_client.errors import MalformedAnswer
from ai_client.messages import FinishReason, JsonValue, TokenLogprob, TokenUsage

WIRE: Final = "openai_responses"
"""The name under which parts keep this dialect's opaque data."""

PARAMS: Final[Mapping[str, str]] = {
    "messages": "input",
    "max_tokens": "max_output_tokens",
    "output_schema": "text.format",
    "output_mime_type": "text.format",
    "function_declarations": "tools",
    "web_search": "tools",
    "system_instruction": "instructions",
    "end_user": "user",
}
"""The fields in which callers say our settings, where they have other names."""

# The ``status`` of a response, and of an item in it.
COMPLETED: Final = "completed"
INCOMPLETE: Final = "incomplete"
IN_PROGRESS: Final = "in_progress"
FAILED: Final = "failed"
CANCELLED: Final = "cancelled"
QUEUED: Final = "queued"

# ``incomplete_details.reason``.
MAX_OUTPUT_TOKENS: Final = "max_output_tokens"
CONTENT_FILTER: Final = "content_filter"

# The ``type`` of an item of ``input`` or ``output``.
MESSAGE: Final = "message"
REASONING: Final = "reasoning"
FUNCTION_CALL: Final = "function_call"
FUNCTION_CALL_OUTPUT: Final = "function_call_output"
CUSTOM_TOOL_CALL: Final = "custom_tool_call"
CUSTOM_TOOL_CALL_OUTPUT: Final = "custom_tool_call_output"
IMAGE_GENERATION_CALL: Final = "image_generation_call"
WEB_SEARCH_CALL: Final = "web_search_call"
ITEM_REFERENCE: Final = "item_reference"

# The ``type`` of a part of an item's content.
INPUT_TEXT: Final = "input_text"
INPUT_IMAGE: Final = "input_image"
INPUT_FILE: Final = "input_file"
INPUT_AUDIO: Final = "input_audio"
OUTPUT_TEXT: Final = "output_text"
REFUSAL: Final = "refusal"
SUMMARY_TEXT: Final = "summary_text"
REASONING_TEXT: Final = "reasoning_text"

# Values of ``include``.
ENCRYPTED_REASONING: Final = "reasoning.encrypted_content"
LOGPROBS: Final = "message.output_text.logprobs"
SEARCH_SOURCES: Final = "web_search_call.action.sources"


def parse_finish_reason(
    status: JsonValue, details: JsonValue, *, calls: bool
) -> tuple[FinishReason, str] | None:
    """The unified reason and the vendor's word for it; None where the answer is still being made.

    ``details`` is ``incomplete_details``; ``calls`` says whether the answer calls functions, for
    which this dialect has no word of its own. A failed answer is an error, not a finish reason.
    """
    if status == COMPLETED:
        return (FinishReason.TOOL_CALLS if calls else FinishReason.STOP), COMPLETED
    if status == INCOMPLETE:
        why = details.get("reason") if isinstance(details, dict) else None
        word = why if isinstance(why, str) and why else INCOMPLETE
        filtered = word == CONTENT_FILTER
        return (FinishReason.CONTENT_FILTER if filtered else FinishReason.LENGTH), word
    if status == CANCELLED:
        return FinishReason.ERROR, CANCELLED
    return None


def render_status(reason: FinishReason | None) -> tuple[str, dict[str, JsonValue] | None]:
    """The ``status`` and the ``incomplete_details`` of an answer that ended for ``reason``."""
    if reason is FinishReason.LENGTH:
        return INCOMPLETE, {"reason": MAX_OUTPUT_TOKENS}
    if reason is FinishReason.CONTENT_FILTER:
        return INCOMPLETE, {"reason": CONTENT_FILTER}
    if reason is FinishReason.ERROR:
        return INCOMPLETE, None
    return COMPLETED, None


def parse_usage(usage: JsonValue) -> TokenUsage | None:
    """Token counts from a ``usage`` object; None where there is none."""
    if not isinstance(usage, dict):
        return None
    prompt = _count(usage, "input_tokens") or 0
    completion = _count(usage, "output_tokens") or 0
    total = _count(usage, "total_tokens")
    of_prompt, of_completion = usage.get("input_tokens_details"), usage.get("output_tokens_details")
    return TokenUsage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=prompt + completion if total is None else total,
        thought_tokens=_count(of_completion, "reasoning_tokens"),
        cached_tokens=_count(of_prompt, "cached_tokens"),
        cache_write_tokens=_count(of_prompt, "cache_write_tokens"),
    )


def _count(holder: JsonValue, name: str) -> int | None:
    value = holder.get(name) if isinstance(holder, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def render_usage(usage: TokenUsage) -> dict[str, JsonValue]:
    """A ``usage`` object. The SDKs insist on all details, so what is not known counts as 0."""
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cached_tokens or 0,
            "cache_write_tokens": usage.cache_write_tokens or 0,
        },
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.thought_tokens or 0},
        "total_tokens": usage.total_tokens,
    }


def parse_logprobs(logprobs: JsonValue) -> tuple[TokenLogprob, ...]:
    """The tokens of a text's or a delta's ``logprobs``; empty where there are none."""
    if not logprobs:
        return ()
    if not isinstance(logprobs, list):
        raise MalformedAnswer("The upstream's logprobs are not a list.")
    return tuple(_token(entry) for entry in logprobs)


def _token(entry: JsonValue) -> TokenLogprob:
    if not isinstance(entry, dict):
        raise MalformedAnswer("An entry of the upstream's logprobs is not an object.")
    token, logprob = entry.get("token"), entry.get("logprob")
    if not isinstance(token, str) or not isinstance(logprob, int | float):
        raise MalformedAnswer("An entry of the upstream's logprobs lacks its token or logprob.")
    return TokenLogprob(token, logprob, parse_logprobs(entry.get("top_logprobs")))


def render_logprobs(logprobs: Sequence[TokenLogprob]) -> list[JsonValue]:
    """The ``logprobs`` of a text or a delta."""
    return [
        {**_rendered_token(each), "top_logprobs": [_rendered_token(top) for top in each.top]}
        for each in logprobs
    ]


def _rendered_token(each: TokenLogprob) -> Mapping[str, JsonValue]:
    return {
        "token": each.token,
        "logprob": each.logprob,
        "bytes": list(each.token.encode("utf-8", "replace")),
    }
