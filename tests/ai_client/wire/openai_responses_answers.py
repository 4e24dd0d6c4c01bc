"""Answers of OpenAI's Responses API, whole and as the typed events that they are streamed as.

The shapes follow https://platform.openai.com/docs/api-reference/responses-streaming.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

USAGE = {
    "input_tokens": 20,
    "input_tokens_details": {"cached_tokens": 8},
    "output_tokens": 9,
    "output_tokens_details": {"reasoning_tokens": 4},
    "total_tokens": 29,
}


@dataclass(frozen=True)
class Streamed:
    """An output item, and the deltas of its one content."""

    item: Mapping[str, Any]
    deltas: Sequence[str] = ()
    logprobs: Sequence[Any] = ()


def message(*texts: str, logprobs: Sequence[Any] = (), **content: Any) -> Streamed:
    part = {
        "type": "output_text",
        "text": "".join(texts),
        "annotations": [],
        "logprobs": [*logprobs],
        **content,
    }
    item = {
        "type": "message",
        "id": "msg_1",
        "status": "completed",
        "role": "assistant",
        "content": [part] if texts else [],
    }
    return Streamed(item, texts, logprobs)


def refusal(*texts: str) -> Streamed:
    said = message(*texts)
    part = {"type": "refusal", "refusal": "".join(texts)}
    return Streamed({**said.item, "content": [part]}, texts)


def reasoning(*texts: str, encrypted: str | None = "c2VjcmV0", **more: Any) -> Streamed:
    summary = [{"type": "summary_text", "text": "".join(texts)}] if texts else []
    item = {
        "type": "reasoning",
        "id": "rs_1",
        "summary": summary,
        "encrypted_content": encrypted,
        **more,
    }
    return Streamed(item, texts)


def call(call_id: str, name: str, *arguments: str) -> Streamed:
    item = {
        "type": "function_call",
        "id": f"fc_{call_id}",
        "status": "completed",
        "call_id": call_id,
        "name": name,
        "arguments": "".join(arguments),
    }
    return Streamed(item, arguments)


def answered(
    *items: Streamed, status: str = "completed", reason: str | None = None
) -> tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]:
    """The whole answer, and its events."""
    head = {"id": "resp_1", "object": "response", "created_at": 1, "model": "gpt"}
    plain = {
        **head,
        "status": status,
        "error": None,
        "incomplete_details": None if reason is None else {"reason": reason},
        "output": [each.item for each in items],
        "usage": USAGE,
    }
    empty = {**head, "status": "in_progress", "output": [], "usage": None}
    events: list[Mapping[str, Any]] = [
        {"type": "response.created", "response": empty},
        {"type": "response.in_progress", "response": empty},
    ]
    for index, each in enumerate(items):
        events += _of_item(index, each)
    events.append({"type": f"response.{status}", "response": plain})
    return plain, [{**event, "sequence_number": at} for at, event in enumerate(events)]


def _of_item(index: int, streamed: Streamed) -> Iterator[Mapping[str, Any]]:
    item = streamed.item
    at = {"item_id": item.get("id", "item_1"), "output_index": index}
    bare: dict[str, Any] = {
        "summary": [],
        "content": [],
        "arguments": "",
        "encrypted_content": None,
    }
    begun = {
        **{name: bare.get(name, value) for name, value in item.items()},
        "status": "in_progress",
    }
    yield {"type": "response.output_item.added", "output_index": index, "item": begun}
    match item["type"]:
        case "message" if item["content"]:
            yield from _of_message({**at, "content_index": 0}, streamed)
        case "reasoning" if item["summary"]:
            yield from _of_reasoning({**at, "summary_index": 0}, streamed)
        case "function_call":
            kind = "response.function_call_arguments"
            for delta in streamed.deltas:
                yield {"type": f"{kind}.delta", **at, "delta": delta}
            yield {"type": f"{kind}.done", **at, "arguments": item["arguments"]}
    yield {"type": "response.output_item.done", "output_index": index, "item": item}


def _of_message(at: Mapping[str, Any], streamed: Streamed) -> Iterator[Mapping[str, Any]]:
    content = streamed.item["content"][0]
    field = "refusal" if content["type"] == "refusal" else "text"
    empty = {**content, field: "", **({"annotations": []} if field == "text" else {})}
    kind = f"response.{content['type']}"
    yield {"type": "response.content_part.added", **at, "part": empty}
    for number, delta in enumerate(streamed.deltas):
        tokens = {"logprobs": list(streamed.logprobs[number : number + 1])}
        more = tokens if field == "text" else {}
        yield {"type": f"{kind}.delta", **at, "delta": delta, "obfuscation": "xY", **more}
    for number, annotation in enumerate(content.get("annotations", ())):
        cited = {"annotation": annotation, "annotation_index": number}
        yield {"type": f"{kind}.annotation.added", **at, **cited}
    yield {"type": f"{kind}.done", **at, field: content[field]}
    yield {"type": "response.content_part.done", **at, "part": content}


def _of_reasoning(at: Mapping[str, Any], streamed: Streamed) -> Iterator[Mapping[str, Any]]:
    kind = "response.reasoning_summary"
    part = streamed.item["summary"][0]
    yield {"type": f"{kind}_part.added", **at, "part": {**part, "text": ""}}
    for delta in streamed.deltas:
        yield {"type": f"{kind}_text.delta", **at, "delta": delta}
    yield {"type": f"{kind}_text.done", **at, "text": part["text"]}
    yield {"type": f"{kind}_part.done", **at, "part": part}
