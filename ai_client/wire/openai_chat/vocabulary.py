"""The small things that answers and chunks share: finish reasons, token counts, log probabilities.

https://platform.openai.com/docs/api-reference/chat/object
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from ai_client.errors import MalformedAnswer
from ai_client.messages import FinishReason, JsonValue, TokenLogprob, TokenUsage

WIRE: Final = "openai_chat"
"""The name under which parts keep this dialect's opaque data."""

PARAMS: Final[Mapping[str, str]] = {
    "candidate_count": "n",
    "stop_sequences": "stop",
    "output_schema": "response_format",
    "output_mime_type": "response_format",
    "output_modalities": "modalities",
    "output_speech_voice": "audio",
    "function_declarations": "tools",
    "web_search": "web_search_options",
    "system_instruction": "messages",
    "reasoning": "reasoning_effort",
    "end_user": "user",
}
"""The fields in which callers say our settings, where they have other names."""

_UNIFIED: Final[Mapping[str, FinishReason]] = {
    "stop": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "content_filter": FinishReason.CONTENT_FILTER,
    "tool_calls": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
    # Words of compatible servers.
    "max_tokens": FinishReason.LENGTH,
    "model_length": FinishReason.LENGTH,
    "safety": FinishReason.CONTENT_FILTER,
    "recitation": FinishReason.CONTENT_FILTER,
    "error": FinishReason.ERROR,
    "abort": FinishReason.ERROR,
    "cancelled": FinishReason.ERROR,
    "insufficient_system_resource": FinishReason.ERROR,
}


def parse_finish_reason(word: JsonValue, *, calls: bool) -> tuple[FinishReason, str] | None:
    """The unified reason and the word itself; None where the candidate has not finished.

    ``calls`` says whether the candidate calls functions: OpenAI itself says ``stop`` after a call
    that ``tool_choice`` forced. A word not known here counts as ``STOP``.
    """
    if word is None or word == "":
        return None
    if not isinstance(word, str):
        raise MalformedAnswer("The upstream's finish_reason is not a string.")
    reason = _UNIFIED.get(word.lower(), FinishReason.STOP)
    if reason is FinishReason.STOP and calls:
        reason = FinishReason.TOOL_CALLS
    return reason, word


def render_finish_reason(reason: FinishReason | None) -> str | None:
    """OpenAI's word. For an answer that broke off its SDKs have none.

    ``length`` says that there is less of it than there should be, and neither that it is whole nor
    that a filter kept something back.
    """
    if reason is FinishReason.ERROR:
        reason = FinishReason.LENGTH
    return None if reason is None else reason.value


_NOTHING: Final[Mapping[str, JsonValue]] = {}
_COUNTED: Final = frozenset((int, type(None)))


def parse_usage(usage: JsonValue) -> TokenUsage | None:
    """Token counts from a ``usage`` object; None where there is none."""
    if not isinstance(usage, dict):
        return None
    of_prompt = usage.get("prompt_tokens_details")
    of_prompt = of_prompt if isinstance(of_prompt, dict) else _NOTHING
    of_answer = usage.get("completion_tokens_details")
    of_answer = of_answer if isinstance(of_answer, dict) else _NOTHING
    counts: list[int | None] = [
        usage.get("prompt_tokens"),
        usage.get("completion_tokens"),
        usage.get("total_tokens"),
        of_answer.get("reasoning_tokens"),
        of_prompt.get("cached_tokens"),
        of_prompt.get("cache_write_tokens"),
        # DeepSeek's name: https://api-docs.deepseek.com/guides/kv_cache
        usage.get("prompt_cache_hit_tokens"),
    ]
    if not _COUNTED.issuperset(map(type, counts)):
        counts = [each if type(each) is int else None for each in counts]
    prompt, completion, total, thought, cached, written, hit = counts
    prompt, completion = prompt or 0, completion or 0
    return TokenUsage(
        prompt,
        completion,
        prompt + completion if total is None else total,
        thought,
        hit if cached is None else cached,
        written,
    )


def render_usage(usage: TokenUsage) -> dict[str, JsonValue]:
    """A ``usage`` object; details only where they are known."""
    rendered: dict[str, JsonValue] = {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
    }
    of_prompt = {
        name: count
        for name, count in (
            ("cached_tokens", usage.cached_tokens),
            ("cache_write_tokens", usage.cache_write_tokens),
        )
        if count is not None
    }
    if of_prompt:
        rendered["prompt_tokens_details"] = of_prompt
    if usage.thought_tokens is not None:
        rendered["completion_tokens_details"] = {"reasoning_tokens": usage.thought_tokens}
    return rendered


def parse_logprobs(logprobs: JsonValue) -> tuple[TokenLogprob, ...]:
    """The tokens of a choice's ``logprobs``; empty where there are none."""
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not content:
        return ()
    return tuple(_token(entry) for entry in _entries(content))


def _token(entry: JsonValue) -> TokenLogprob:
    if not isinstance(entry, dict):
        raise MalformedAnswer("An entry of the upstream's logprobs is not an object.")
    token, logprob = entry.get("token"), entry.get("logprob")
    if not isinstance(token, str) or not isinstance(logprob, int | float):
        raise MalformedAnswer("An entry of the upstream's logprobs lacks its token or logprob.")
    top = entry.get("top_logprobs")
    return TokenLogprob(token, logprob, tuple(_token(each) for each in _entries(top or [])))


def _entries(value: JsonValue) -> Sequence[JsonValue]:
    if not isinstance(value, list):
        raise MalformedAnswer("The upstream's logprobs are not a list.")
    return value


def render_logprobs(logprobs: Sequence[TokenLogprob]) -> dict[str, JsonValue] | None:
    """A choice's ``logprobs``; None where there are none."""
    if not logprobs:
        return None
    return {
        "content": [
            {**_rendered_token(each), "top_logprobs": [_rendered_token(top) for top in each.top]}
            for each in logprobs
        ],
        "refusal": None,
    }


def _rendered_token(each: TokenLogprob) -> dict[str, JsonValue]:
    return {
        "token": each.token,
        "logprob": each.logprob,
        "bytes": list(each.token.encode("utf-8", "replace")),
    }
