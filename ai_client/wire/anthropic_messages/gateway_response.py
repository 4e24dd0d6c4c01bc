"""Complete answers to callers of this dialect, and what streams share with them.

https://platform.claude.com/docs/en/api/messages,
https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons

An answer of this dialect has one candidate and no log probabilities; its callers have no words to
ask for more. Anthropic's answers hold no files; those of other vendors are ``image`` and
``document`` blocks, as requests have them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, assert_never

from ai_client.json_text import dump
from ai_client.messages import (
    File,
    FinishReason,
    FunctionCall,
    FunctionResponse,
    GenerativeAiResult,
    JsonValue,
    MessagePart,
    TokenUsage,
)
from ai_client.wire import RenderContext
from ai_client.wire.anthropic_messages.carried import (
    Carried,
    carrying_block,
    foreign_signature,
)
from ai_client.wire.anthropic_messages.conversation import (
    WIRE,
    Block,
    echo,
    native_citations,
)
from ai_client.wire.anthropic_messages.response import finish_reason

_STOP: Final[Mapping[FinishReason, str]] = {
    FinishReason.STOP: "end_turn",
    FinishReason.LENGTH: "max_tokens",
    FinishReason.TOOL_CALLS: "tool_use",
    FinishReason.CONTENT_FILTER: "refusal",
    # Its SDKs have no word for an answer that broke off; of those they have, this says that there
    # is less of it than there should be, and neither that it is whole nor that it was refused.
    FinishReason.ERROR: "max_tokens",
}
_OWN_WORDS: Final = (
    "end_turn",
    "stop_sequence",
    "max_tokens",
    "model_context_window_exceeded",
    "pause_turn",
    "tool_use",
    "refusal",
)


def render_response(result: GenerativeAiResult, context: RenderContext) -> bytes:
    """A complete answer's body."""
    candidate = result.candidates[0] if result.candidates else None
    parts = () if candidate is None else candidate.message.parts
    content = [
        block for number, part in enumerate(parts) for block in _blocks(part, number, context)
    ]
    body: Block = {
        **head(context, result.model),
        "content": content,
        "usage": render_usage(result.usage),
    }
    if candidate is not None and candidate.finish_reason is not None:
        refused = any(part.refusal for part in parts)
        body |= render_stop(candidate.finish_reason, candidate.raw_finish_reason, refused=refused)
    return dump(body)


def head(context: RenderContext, model: str) -> Block:
    """A message before anything is in it."""
    return {
        "id": f"msg_{context.request_id}",
        "type": "message",
        "role": "assistant",
        "model": model or context.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def render_stop(reason: FinishReason, raw: str | None, *, refused: bool) -> Block:
    """``stop_reason``, in Anthropic's own word where it was Anthropic's.

    Which of the stop sequences it was is not known of other vendors' answers. ``refused`` says that
    the model refused in words, which is a stop reason here.
    """
    if refused and reason is FinishReason.STOP:
        reason = FinishReason.CONTENT_FILTER
    own = raw in _OWN_WORDS and finish_reason(raw) is reason
    return {"stop_reason": raw if own else _STOP[reason], "stop_sequence": None}


def render_usage(usage: TokenUsage | None) -> Block:
    """Token counts; ``input_tokens`` leave those of the cache out. Zeros where none are known."""
    if usage is None:
        return {"input_tokens": 0, "output_tokens": 0}
    cached = (usage.cached_tokens or 0) + (usage.cache_write_tokens or 0)
    rendered: Block = {
        "input_tokens": max(usage.prompt_tokens - cached, 0),
        "cache_creation_input_tokens": usage.cache_write_tokens,
        "cache_read_input_tokens": usage.cached_tokens,
        "output_tokens": usage.completion_tokens,
    }
    if usage.thought_tokens is not None:
        rendered["output_tokens_details"] = {"thinking_tokens": usage.thought_tokens}
    return rendered


def call_id(given: str | None, context: RenderContext, part: int) -> str:
    """The id of a call; made up where the upstream's dialect has none."""
    if given:
        return given
    answer = "".join(sign for sign in context.request_id if sign.isalnum() and sign.isascii())
    return f"toolu_{answer[:24]}_{part}"


def render_file(file: File) -> Block:
    """A file in an answer, as a request would hold it."""
    source: Block = (
        {"type": "url", "url": file.url}
        if file.base64_data is None
        else {"type": "base64", "data": file.base64_data}
    )
    source["media_type"] = file.mime_type
    title = {} if file.name is None else {"title": file.name}
    return {"type": "image" if file.is_image else "document", "source": source, **title}


def render_citations(citations: Iterable[JsonValue]) -> Iterator[JsonValue]:
    """Anthropic's own as they are; another vendor's of the web without the encrypted index."""
    for each in citations:
        if not isinstance(each, dict):
            continue
        if native_citations([each]):
            yield each
            continue
        of_web = each.get("url_citation")
        cited = of_web if isinstance(of_web, dict) else each
        url = cited.get("url") or cited.get("uri")
        if isinstance(url, str):
            yield {
                "type": "web_search_result_location",
                "url": url,
                "title": cited.get("title") or None,
                "cited_text": "",
                "encrypted_index": "",
            }


def _blocks(part: MessagePart, number: int, context: RenderContext) -> Iterator[Block]:
    carried = Carried(part.thought_signature, part.opaque, of_previous=True)
    match part.content:
        case str() as text if part.is_thought:
            echoed = echo(part)
            if echoed is not None:
                yield echoed
            else:
                signature = foreign_signature(part.thought_signature, part.opaque)
                yield {"type": "thinking", "thinking": text, "signature": signature}
        case str() as text:
            # Anthropic takes no blank text back.
            said = bool(text.strip())
            if said:
                cited = list(render_citations(part.citations))
                yield {"type": "text", "text": text, **({"citations": cited} if cited else {})}
            if carried.says_anything:
                yield carrying_block(Carried(carried.signature, carried.opaque, of_previous=said))
        case File() as file:
            yield render_file(file)
            if carried.says_anything:
                yield carrying_block(carried)
        case FunctionCall() as call:
            yield from _call_blocks(part, call, call_id(call.id, context, number))
        case FunctionResponse():
            return
        case _:
            assert_never(part.content)


def _call_blocks(part: MessagePart, call: FunctionCall, identifier: str) -> Iterator[Block]:
    own = part.opaque_for(WIRE)
    foreign = {name: value for name, value in (part.opaque or {}).items() if name != WIRE}
    carried = Carried(part.thought_signature, foreign, call=identifier)
    if carried.says_anything:
        # Before the call: programs look for a call at the end of an answer.
        yield carrying_block(carried)
    yield {
        **(own if isinstance(own, dict) else {}),
        "type": "tool_use",
        "id": identifier,
        "name": call.name or "",
        "input": _input(call.arguments),
    }


def _input(arguments: str) -> JsonValue:
    """The arguments as an object; as the text that the model wrote where they are none."""
    if not arguments:
        return {}
    try:
        given = json.loads(arguments, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return arguments
    return given if isinstance(given, dict) else arguments


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON.")
