"""Complete answers to callers of this dialect, and what streams share with them.

https://ai.google.dev/api/generate-content#generatecontentresponse

Arguments of a call are an object here. Those that another vendor's model wrote as something else
cannot be passed on as a call, and are not repaired: the candidate ends with
``MALFORMED_FUNCTION_CALL``, Google's own word for it, and ``finishMessage`` has what was written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

from ai_client.json_text import dump, load
from ai_client.messages import (
    Candidate,
    File,
    FinishReason,
    FunctionCall,
    GenerativeAiResult,
    JsonObject,
    JsonValue,
    MessagePart,
    TokenLogprob,
    TokenUsage,
)
from ai_client.wire import RenderContext
from ai_client.wire.google_generate.carrying import render_signature
from ai_client.wire.google_generate.contents import WIRE
from ai_client.wire.google_generate.gateway_sources import Sources
from ai_client.wire.google_generate.response import unified_reason

_FINISH: Final[Mapping[FinishReason, str]] = {
    FinishReason.STOP: "STOP",
    FinishReason.TOOL_CALLS: "STOP",
    FinishReason.LENGTH: "MAX_TOKENS",
    FinishReason.CONTENT_FILTER: "SAFETY",
    FinishReason.ERROR: "OTHER",
}


def render_response(result: GenerativeAiResult, context: RenderContext) -> bytes:
    """A complete answer's body."""
    body: dict[str, JsonValue] = {
        "candidates": [_candidate(number, each) for number, each in enumerate(result.candidates)]
    }
    if result.usage is not None:
        body["usageMetadata"] = render_usage(result.usage)
    return dump({**body, **render_origin(result.model, context)})


def render_origin(model: str, context: RenderContext) -> dict[str, JsonValue]:
    """Which model answered, and the answer's id."""
    return {"modelVersion": model or context.model, "responseId": context.request_id}


def render_text(
    text: str, *, thinks: bool = False, signature: str | None = None
) -> dict[str, JsonValue]:
    """A part of text."""
    part: dict[str, JsonValue] = {"text": text}
    if thinks:
        part["thought"] = True
    return with_signature(part, signature)


def render_file(file: File) -> dict[str, JsonValue]:
    """A part that is a file."""
    if file.base64_data is None:
        return {"fileData": {"mimeType": file.mime_type, "fileUri": file.url}}
    return {"inlineData": {"mimeType": file.mime_type, "data": file.base64_data}}


def render_call(call: FunctionCall) -> dict[str, JsonValue] | None:
    """A part that calls a function; None where its arguments are no object."""
    try:
        arguments = load((call.arguments.strip() or "{}").encode())
    except (json.JSONDecodeError, UnicodeEncodeError):
        return None
    if not isinstance(arguments, dict):
        return None
    rendered: dict[str, JsonValue] = {"name": call.name or "", "args": arguments}
    if call.id:
        rendered["id"] = call.id
    return {"functionCall": rendered}


def with_signature(part: dict[str, JsonValue], signature: str | None) -> dict[str, JsonValue]:
    """``part`` with the signature that belongs to it, if there is one."""
    return part if signature is None else {**part, "thoughtSignature": signature}


def kept_whole(opaque: JsonObject | None) -> dict[str, JsonValue] | None:
    """The part of Google's that was kept as it came, for what no other dialect has."""
    own = (opaque or {}).get(WIRE)
    whole = own.get("part") if isinstance(own, Mapping) else None
    return dict(whole) if isinstance(whole, Mapping) else None


def render_end(
    reason: FinishReason | None, raw: str | None, broken: Sequence[FunctionCall]
) -> dict[str, JsonValue]:
    """How a candidate ended. ``broken`` are calls whose arguments are no object."""
    if broken:
        written = "; ".join(f"{call.name}({call.arguments})" for call in broken)
        return {
            "finishReason": "MALFORMED_FUNCTION_CALL",
            "finishMessage": f"Malformed function call: {written}",
        }
    if reason is None:
        return {}
    own = raw is not None and raw.isupper() and _is_word_for(raw, reason)
    return {"finishReason": raw if own else _FINISH[reason]}


def _is_word_for(raw: str, reason: FinishReason) -> bool:
    said = unified_reason(raw)
    return said is reason or (said, reason) == (FinishReason.STOP, FinishReason.TOOL_CALLS)


def render_usage(usage: TokenUsage) -> dict[str, JsonValue]:
    """``usageMetadata``; details only where they are known. Thoughts are not among candidates'."""
    rendered: dict[str, JsonValue] = {
        "promptTokenCount": usage.prompt_tokens,
        "candidatesTokenCount": max(usage.completion_tokens - (usage.thought_tokens or 0), 0),
        "totalTokenCount": usage.total_tokens,
    }
    if usage.thought_tokens is not None:
        rendered["thoughtsTokenCount"] = usage.thought_tokens
    if usage.cached_tokens is not None:
        rendered["cachedContentTokenCount"] = usage.cached_tokens
    return rendered


def render_logprobs(logprobs: Sequence[TokenLogprob]) -> dict[str, JsonValue]:
    """A candidate's ``logprobsResult``, in its field; nothing where there are none."""
    if not logprobs:
        return {}
    result: dict[str, JsonValue] = {"chosenCandidates": [_logprob(each) for each in logprobs]}
    if any(each.top for each in logprobs):
        result["topCandidates"] = [
            {"candidates": [_logprob(top) for top in each.top]} for each in logprobs
        ]
    return {"logprobsResult": result}


def _logprob(each: TokenLogprob) -> dict[str, JsonValue]:
    return {"token": each.token, "logProbability": each.logprob}


def _candidate(number: int, candidate: Candidate) -> dict[str, JsonValue]:
    parts: list[JsonValue] = []
    broken: list[FunctionCall] = []
    sources = Sources()
    for part in candidate.message.parts:
        rendered = _part(part)
        if rendered is None:
            if isinstance(part.content, FunctionCall):
                broken.append(part.content)
            continue
        if part.citations:
            text = part.content if isinstance(part.content, str) else ""
            sources.add(part.citations, text, len(parts))
        parts.append(rendered)
    return {
        "content": {"parts": parts, "role": "model"},
        **render_end(candidate.finish_reason, candidate.raw_finish_reason, broken),
        "index": number,
        **sources.render(),
        **render_logprobs(candidate.logprobs),
    }


def _part(part: MessagePart) -> dict[str, JsonValue] | None:
    """The part; None for a call that cannot be said."""
    whole = kept_whole(part.opaque)
    if whole is not None:
        return whole
    marked = part.is_thought or isinstance(part.content, FunctionCall)
    signature = render_signature(
        part.thought_signature, part.opaque, marked=marked, refusal=part.refusal
    )
    if isinstance(part.content, str):
        return render_text(part.content, thinks=part.is_thought, signature=signature)
    if isinstance(part.content, File):
        return with_signature(render_file(part.content), signature)
    if isinstance(part.content, FunctionCall):
        call = render_call(part.content)
        return None if call is None else with_signature(call, signature)
    raise ValueError("An answer cannot contain a function response.")
