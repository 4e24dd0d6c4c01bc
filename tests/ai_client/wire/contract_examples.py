"""Examples of every wire format: the same answer plain and streamed, as its vendor sends it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ai_client.messages import JsonValue
from tests.ai_client.wire import openai_responses_answers as answers

TEXT = "Grüße, 世界 \N{LINE SEPARATOR}\N{PARTY POPPER}"

Lines = Sequence[JsonValue]


@dataclass(frozen=True)
class Example:
    """One answer: ``plain`` its body, ``stream`` the events that it is streamed as."""

    name: str
    plain: Mapping[str, Any]
    stream: bytes


def sse(lines: Lines) -> bytes:
    return b"".join(
        b"data: " + (line if isinstance(line, str) else json.dumps(line)).encode() + b"\n\n"
        for line in lines
    )


def typed(lines: Sequence[Mapping[str, Any]]) -> bytes:
    return b"".join(f"event: {line['type']}\n".encode() + sse([line]) for line in lines)


# --- OpenAI -------------------------------------------------------------------------------------

OPENAI_USAGE = {
    "prompt_tokens": 20,
    "completion_tokens": 9,
    "total_tokens": 29,
    "prompt_tokens_details": {"cached_tokens": 8},
    "completion_tokens_details": {"reasoning_tokens": 4},
}


def openai(
    name: str, message: Any, deltas: Sequence[Any], reason: str, logprobs: Any = None
) -> Example:
    return openai_choices(name, [(message, deltas, reason, logprobs)])


def openai_choices(name: str, choices: Sequence[tuple[Any, Sequence[Any], str, Any]]) -> Example:
    head = {"id": "chatcmpl-1", "created": 1, "model": "gpt"}
    plain = {
        **head,
        "object": "chat.completion",
        "choices": [
            {
                "index": index,
                "message": {"role": "assistant", **message},
                "finish_reason": reason,
                "logprobs": logprobs,
            }
            for index, (message, _, reason, logprobs) in enumerate(choices)
        ],
        "usage": OPENAI_USAGE,
    }
    chunk = {**head, "object": "chat.completion.chunk"}
    lines: list[JsonValue] = [
        {**chunk, "choices": [{"index": index, "delta": {"role": "assistant", "content": ""}}]}
        for index in range(len(choices))
    ]
    for turn in range(max(len(deltas) for _, deltas, _, _ in choices)):
        for index, (_, deltas, _, logprobs) in enumerate(choices):
            if turn < len(deltas):
                said = {"index": index, "delta": deltas[turn]}
                if logprobs and "content" in deltas[turn]:
                    said["logprobs"] = {"content": [logprobs["content"][turn]]}
                lines.append({**chunk, "choices": [said]})
    lines += [
        {**chunk, "choices": [{"index": index, "delta": {}, "finish_reason": reason}]}
        for index, (_, _, reason, _) in enumerate(choices)
    ]
    lines += [{**chunk, "choices": [], "usage": OPENAI_USAGE}, "[DONE]"]
    return Example(name, plain, sse(lines))


def tool_call(index: int | None, call_id: str, name: str, arguments: str) -> dict[str, Any]:
    call = {
        "id": call_id,
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }
    return call if index is None else {"index": index, **call}


def arguments(index: int, text: str) -> dict[str, Any]:
    return {"tool_calls": [{"index": index, "function": {"arguments": text}}]}


LOGPROBS = {
    "content": [
        {"token": "Hel", "logprob": -0.5, "top_logprobs": [{"token": "Hel", "logprob": -0.5}]},
        {"token": "lo", "logprob": -0.25, "top_logprobs": []},
    ]
}

OPENAI = (
    openai("text", {"content": TEXT}, [{"content": TEXT[:3]}, {"content": TEXT[3:]}], "stop"),
    openai("no content", {"content": None}, [], "length"),
    openai("filtered", {"content": "Hel"}, [{"content": "Hel"}], "content_filter"),
    openai(
        "refusal",
        {"content": None, "refusal": "I can't."},
        [{"refusal": "I "}, {"refusal": "can't."}],
        "stop",
    ),
    openai(
        "logprobs", {"content": "Hello"}, [{"content": "Hel"}, {"content": "lo"}], "stop", LOGPROBS
    ),
    openai(
        "text and parallel calls",
        {
            "content": "Looking.",
            "tool_calls": [
                tool_call(None, "call_a", "weather", '{"city":"Rome"}'),
                tool_call(None, "call_b", "time", "{}"),
                tool_call(None, "call_c", "weather", '{"city":'),
            ],
        },
        [
            {"content": "Looking."},
            {"tool_calls": [tool_call(0, "call_a", "weather", "")]},
            arguments(0, '{"city":'),
            {"tool_calls": [tool_call(1, "call_b", "time", "")]},
            {"tool_calls": [tool_call(2, "call_c", "weather", "")]},
            arguments(0, '"Rome"}'),
            arguments(1, "{}"),
            arguments(2, '{"city":'),
        ],
        "tool_calls",
    ),
    openai(
        "log probabilities of a call",
        {"tool_calls": [tool_call(None, "call_a", "time", "{}")]},
        [{"content": None, "tool_calls": [tool_call(0, "call_a", "time", "{}")]}],
        "tool_calls",
        {"content": LOGPROBS["content"][:1]},
    ),
    openai(
        "reasoning",
        {"reasoning_content": "Hm, well.", "content": "Yes"},
        [{"reasoning_content": "Hm, "}, {"reasoning_content": "well."}, {"content": "Yes"}],
        "stop",
    ),
    openai(
        "spoken",
        {
            "content": None,
            "audio": {"id": "audio_1", "expires_at": 2, "transcript": "Hi you", "data": "SUQzYWI="},
        },
        [
            {"content": None, "audio": {"id": "audio_1", "transcript": "Hi"}},
            {"audio": {"transcript": " you"}},
            {"audio": {"id": "audio_1", "data": "SUQz"}},
            {"audio": {"data": "YWI="}},
            {"audio": {"expires_at": 2}},
        ],
        "stop",
    ),
    openai_choices(
        "two candidates in turns",
        [
            ({"content": "one"}, [{"content": "o"}, {"content": "ne"}], "stop", None),
            (
                {"content": None, "tool_calls": [tool_call(None, "call_d", "time", "{}")]},
                [{"tool_calls": [tool_call(0, "call_d", "time", "{}")]}],
                "tool_calls",
                None,
            ),
        ],
    ),
)

# --- Anthropic ----------------------------------------------------------------------------------

ANTHROPIC_USAGE = {
    "input_tokens": 12,
    "cache_read_input_tokens": 8,
    "cache_creation_input_tokens": 0,
    "output_tokens": 9,
}


def anthropic(name: str, blocks: Sequence[tuple[Any, Any, Sequence[Any]]], reason: str) -> Example:
    """Each block whole, as it starts, and its deltas."""
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude"}
    lines: list[Mapping[str, Any]] = [
        {
            "type": "message_start",
            "message": {
                **head,
                "content": [],
                "stop_reason": None,
                "usage": {**ANTHROPIC_USAGE, "output_tokens": 1},
            },
        },
        {"type": "ping"},
    ]
    for index, (_, start, deltas) in enumerate(blocks):
        lines.append({"type": "content_block_start", "index": index, "content_block": start})
        lines += [
            {"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas
        ]
        lines.append({"type": "content_block_stop", "index": index})
    lines += [
        {
            "type": "message_delta",
            "delta": {"stop_reason": reason, "stop_sequence": None},
            "usage": {"output_tokens": 9},
        },
        {"type": "message_stop"},
    ]
    plain = {
        **head,
        "content": [block for block, _, _ in blocks],
        "stop_reason": reason,
        "usage": ANTHROPIC_USAGE,
    }
    return Example(name, plain, typed(lines))


def text_block(*pieces: str) -> tuple[Any, Any, Sequence[Any]]:
    return (
        {"type": "text", "text": "".join(pieces)},
        {"type": "text", "text": ""},
        [{"type": "text_delta", "text": piece} for piece in pieces],
    )


def tool_use(call_id: str, name: str, given: Any, *pieces: str) -> tuple[Any, Any, Sequence[Any]]:
    block = {"type": "tool_use", "id": call_id, "name": name}
    return (
        {**block, "input": given},
        {**block, "input": {}},
        [{"type": "input_json_delta", "partial_json": piece} for piece in ("", *pieces)],
    )


THINKING = (
    {"type": "thinking", "thinking": "Hm, well.", "signature": "c2lnbmVk"},
    {"type": "thinking", "thinking": "", "signature": ""},
    [
        {"type": "thinking_delta", "thinking": "Hm, "},
        {"type": "thinking_delta", "thinking": "well."},
        {"type": "signature_delta", "signature": "c2lnbmVk"},
    ],
)
REDACTED = {"type": "redacted_thinking", "data": "b3BhcXVl"}

ANTHROPIC = (
    anthropic("text", [text_block(TEXT[:3], TEXT[3:])], "end_turn"),
    anthropic("no content", [], "end_turn"),
    anthropic("limit", [text_block("Hel")], "max_tokens"),
    anthropic("refused", [text_block("Hel")], "refusal"),
    anthropic(
        "thinking, text and parallel calls",
        [
            THINKING,
            (REDACTED, REDACTED, []),
            text_block("Looking."),
            tool_use("toolu_a", "weather", {"city": "Rome"}, '{"city":', '"Rome"}'),
            tool_use("toolu_b", "time", {}),
        ],
        "tool_use",
    ),
)

# --- Google -------------------------------------------------------------------------------------

GOOGLE_USAGE = {
    "promptTokenCount": 20,
    "candidatesTokenCount": 5,
    "thoughtsTokenCount": 4,
    "cachedContentTokenCount": 8,
    "totalTokenCount": 29,
}


def google(name: str, chunks: Sequence[Sequence[Any]], reason: str, **more: Any) -> Example:
    head = {"responseId": "r1", "modelVersion": "gemini"}

    def answer(parts: Sequence[Any], last: bool) -> dict[str, Any]:
        candidate: dict[str, Any] = {
            "index": 0,
            "content": {"role": "model", "parts": list(parts)},
        }
        if last:
            candidate |= {"finishReason": reason, **more}
        return {"candidates": [candidate], "usageMetadata": GOOGLE_USAGE, **head}

    lines = [answer(parts, number == len(chunks) - 1) for number, parts in enumerate(chunks)]
    return Example(name, answer([part for parts in chunks for part in parts], True), sse(lines))


def google_call(name: str, **more: Any) -> dict[str, Any]:
    return {"functionCall": {"name": name, "args": {"city": "Rome"}}, **more}


GOOGLE = (
    google("text", [[{"text": TEXT[:3]}], [{"text": TEXT[3:]}]], "STOP"),
    google("no content", [[]], "MAX_TOKENS"),
    google("filtered", [[{"text": "Hel"}], []], "SAFETY"),
    google(
        "thoughts, text and parallel calls",
        [
            [{"text": "Hm, ", "thought": True}],
            [{"text": "well.", "thought": True}],
            [{"text": "Looking."}],
            [google_call("weather", thoughtSignature="c2ln"), google_call("weather")],
            [],
        ],
        "STOP",
    ),
    google(
        "a signed end",
        [[{"text": "Yes"}], [{"text": "", "thoughtSignature": "c2ln"}]],
        "STOP",
    ),
    google(
        "logprobs",
        [[{"text": "Hello"}]],
        "STOP",
        logprobsResult={
            "chosenCandidates": [{"token": "Hello", "logProbability": -0.5}],
            "topCandidates": [{"candidates": [{"token": "Hello", "logProbability": -0.5}]}],
        },
    ),
    google(
        "an image",
        [[{"text": "Here:"}], [{"inlineData": {"mimeType": "image/png", "data": "aGk="}}]],
        "STOP",
    ),
)

# --- OpenAI's Responses ---------------------------------------------------------------------------


def responses(name: str, *items: answers.Streamed, **end: str) -> Example:
    whole, lines = answers.answered(*items, **end)
    return Example(name, whole, typed(lines))


RESPONSES = (
    responses("text", answers.message(TEXT[:3], TEXT[3:])),
    responses("no content", status="incomplete", reason="max_output_tokens"),
    responses("filtered", answers.message("Hel"), status="incomplete", reason="content_filter"),
    responses("refusal", answers.refusal("I ", "can't.")),
    responses(
        "logprobs",
        answers.message("Hel", "lo", logprobs=LOGPROBS["content"]),
    ),
    responses(
        "thoughts, text and parallel calls",
        answers.reasoning("Hm, ", "well."),
        answers.message("Looking."),
        answers.call("call_a", "weather", '{"city":', '"Rome"}'),
        answers.call("call_b", "time", "{}"),
        answers.call("call_c", "weather", '{"city":'),
    ),
    responses("hidden thoughts", answers.reasoning(), answers.message("Yes.")),
    responses(
        "a search, and what it found",
        answers.Streamed({"type": "web_search_call", "id": "ws_1", "status": "completed"}),
        answers.message(
            "Rome.", annotations=[{"type": "url_citation", "url": "https://r.example/"}]
        ),
    ),
    responses(
        "a picture",
        answers.Streamed({"type": "image_generation_call", "id": "ig_1", "result": "aGk="}),
        answers.message("There."),
    ),
)

EXAMPLES: Mapping[str, Sequence[Example]] = {
    "openai_responses": RESPONSES,
    "openai_chat": OPENAI,
    "anthropic_messages": ANTHROPIC,
    "google_generate": GOOGLE,
}
