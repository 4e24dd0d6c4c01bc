"""Complete answers to callers of this dialect.

https://platform.openai.com/docs/api-reference/chat/object
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ai_client.json_text import dump
from ai_client.messages import (
    Candidate,
    File,
    FunctionCall,
    GenerativeAiResult,
    JsonValue,
)
from ai_client.wire import RenderContext
from ai_client.wire.openai_chat.messages import render_assistant, render_call
from ai_client.wire.openai_chat.vocabulary import (
    render_finish_reason,
    render_logprobs,
    render_usage,
)


def render_response(result: GenerativeAiResult, context: RenderContext) -> bytes:
    """A complete answer's body."""
    body: dict[str, JsonValue] = {
        "id": answer_id(context),
        "object": "chat.completion",
        "created": context.created,
        "model": result.model or context.model,
        "choices": [
            _choice(number, each, context) for number, each in enumerate(result.candidates)
        ],
    }
    if result.usage is not None:
        body["usage"] = render_usage(result.usage)
    return dump(body)


def answer_id(context: RenderContext) -> str:
    """The id of an answer, complete or streamed."""
    return f"chatcmpl-{context.request_id}"


def call_id(given: str | None, context: RenderContext, candidate: int, part: int) -> str:
    """The id of a tool call; made up where the upstream's dialect has none.

    OpenAI refuses ids of more than 40 characters when they come back.
    """
    if given is not None:
        return given
    answer = "".join(sign for sign in context.request_id if sign.isalnum() and sign.isascii())
    return f"call_{answer[:24]}_{candidate}_{part}"


def render_image(file: File) -> dict[str, JsonValue]:
    """A file in an answer, as OpenRouter's ``images`` hold it; OpenAI's answers have no place."""
    return {"type": "image_url", "image_url": {"url": file.url or file.data_uri()}}


def render_annotations(citations: Iterable[JsonValue]) -> list[dict[str, JsonValue]]:
    """Citations of web addresses; those of other things cannot be said in this dialect."""
    rendered = []
    for citation in citations:
        if not isinstance(citation, dict):
            continue
        if isinstance(citation.get("url_citation"), dict):
            rendered.append(citation)
            continue
        url = citation.get("url") or citation.get("uri")
        if isinstance(url, str):
            cited = {
                "url": url,
                "title": citation.get("title") or "",
                "start_index": _index(citation, "start_index", "startIndex"),
                "end_index": _index(citation, "end_index", "endIndex"),
            }
            rendered.append({"type": "url_citation", "url_citation": cited})
    return rendered


def _index(citation: Mapping[str, JsonValue], *names: str) -> int:
    found = next((citation[name] for name in names if name in citation), 0)
    return found if isinstance(found, int) else 0


def _choice(number: int, candidate: Candidate, context: RenderContext) -> dict[str, JsonValue]:
    message = render_assistant(candidate.message, carry=True)
    message.setdefault("refusal", None)
    annotations: list[JsonValue] = []
    images: list[JsonValue] = []
    calls: list[JsonValue] = []
    for index, part in enumerate(candidate.message.parts):
        annotations += render_annotations(part.citations)
        if isinstance(part.content, File):
            images.append(render_image(part.content))
        elif isinstance(part.content, FunctionCall):
            made = call_id(part.content.id, context, number, index)
            calls.append(render_call(part, made, carry=True))
    for name, listed in (("annotations", annotations), ("images", images), ("tool_calls", calls)):
        if listed:
            message[name] = listed
    return {
        "index": number,
        "message": message,
        "logprobs": render_logprobs(candidate.logprobs),
        "finish_reason": render_finish_reason(candidate.finish_reason),
    }
