"""What the upstream answers: the same complete answer, or the same 102 events, in each dialect."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Literal, get_args

Dialect = Literal["openai", "anthropic", "google"]
DIALECTS: tuple[Dialect, ...] = get_args(Dialect)
EVENTS = 102
TEXT = "Gravity is the curvature of space and time that mass and energy bring about. " * 5
QUESTION = "Explain gravity in one sentence."
FIRST_TEXT = b'"piece 0 "'
_PIECE = re.compile(rb'"piece (\d+) "')
_USAGE = {"prompt_tokens": 19, "completion_tokens": 84, "total_tokens": 103}


def body(dialect: Dialect) -> bytes:
    """The complete answer, some 0.8 kB."""
    return json.dumps(_COMPLETE[dialect]).encode()


def events(dialect: Dialect) -> list[bytes]:
    """The answer as server-sent events, each with the empty line that ends it."""
    match dialect:
        case "openai":
            found = openai_events(_pieces(dialect))
        case "anthropic":
            found = _anthropic_events(_pieces(dialect))
        case "google":
            found = _google_events(_pieces(dialect))
    assert len(found) == EVENTS
    return found


def is_whole(stream: bytes, dialect: Dialect) -> bool:
    """Whether OpenAI's events in ``stream`` say all that ``events`` say, in order."""
    said = [int(number) for number in _PIECE.findall(stream)]
    return said == list(range(len(_pieces(dialect))))


def up_to_first_text(events: Sequence[bytes]) -> tuple[Sequence[bytes], Sequence[bytes]]:
    """The events with which an answer has begun for whoever reads it, and those after them."""
    first = next(number for number, event in enumerate(events) if FIRST_TEXT in event)
    return events[: first + 1], events[first + 1 :]


def _pieces(dialect: Dialect) -> list[str]:
    """A text per event that has one. No two are equal: LiteLLM takes that for a model in a loop."""
    without_text = {"openai": 4, "anthropic": 6, "google": 0}[dialect]
    return [f"piece {number} " for number in range(EVENTS - without_text)]


def question(model: str, *, stream: bool) -> bytes:
    """What every server is asked, in OpenAI's dialect."""
    asked: dict[str, Any] = {
        "model": model,
        "messages": [
            {"role": "system", "content": "You are a patient teacher of physics."},
            {"role": "user", "content": QUESTION},
        ],
        "max_tokens": 200,
        "temperature": 0.2,
    }
    if stream:
        # Everybody is asked for the usage, so that everybody passes the same events on.
        asked |= {"stream": True, "stream_options": {"include_usage": True}}
    return json.dumps(asked).encode()


def openai_events(pieces: Sequence[str]) -> list[bytes]:
    """A stream of OpenAI's that says ``pieces``: role, pieces, finish, usage, ``[DONE]``."""

    def chunk(choices: list[Any], usage: Any = None) -> bytes:
        return _data(
            {
                "id": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
                "object": "chat.completion.chunk",
                "created": 1741569952,
                "model": "gpt-simulated",
                "service_tier": "default",
                "choices": choices,
                "usage": usage,
            }
        )

    def choice(delta: dict[str, str], finish: str | None = None) -> list[Any]:
        return [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]

    return [
        chunk(choice({"role": "assistant", "content": ""})),
        *(chunk(choice({"content": piece})) for piece in pieces),
        chunk(choice({}, "stop")),
        chunk([], _USAGE),
        b"data: [DONE]\n\n",
    ]


def _anthropic_events(pieces: Sequence[str]) -> list[bytes]:
    def delta(text: str) -> dict[str, Any]:
        said = {"type": "text_delta", "text": text}
        return {"type": "content_block_delta", "index": 0, "delta": said}

    start: dict[str, Any] = {
        **_COMPLETE["anthropic"],
        "content": [],
        "stop_reason": None,
        "usage": {"input_tokens": 19, "output_tokens": 1},
    }
    found: list[dict[str, Any]] = [
        {"type": "message_start", "message": start},
        {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "text", "text": ""},
        },
        {"type": "ping"},
        *map(delta, pieces),
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": 84},
        },
        {"type": "message_stop"},
    ]
    return [f"event: {each['type']}\n".encode() + _data(each) for each in found]


def _google_events(pieces: Sequence[str]) -> list[bytes]:
    last = len(pieces) - 1
    said = [_google(text, last=number == last) for number, text in enumerate(pieces)]
    # Its lines end in CRLF, and Portkey's gateway relies on that.
    return [_data(each).replace(b"\n", b"\r\n") for each in said]


def _google(text: str, *, last: bool) -> dict[str, Any]:
    candidate = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0}
    return {
        "candidates": [{**candidate, **({"finishReason": "STOP"} if last else {})}],
        "usageMetadata": {
            "promptTokenCount": 19,
            "candidatesTokenCount": 84,
            "totalTokenCount": 103,
        },
        "modelVersion": "gemini-simulated",
        "responseId": "qLcYaZqVHqS8xN8P5b2a4Ac",
    }


def _data(value: Any) -> bytes:
    return b"data: %s\n\n" % json.dumps(value, separators=(",", ":")).encode()


_COMPLETE: dict[Dialect, dict[str, Any]] = {
    "openai": {
        "id": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
        "object": "chat.completion",
        "created": 1741569952,
        "model": "gpt-simulated",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": TEXT, "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {**_USAGE, "prompt_tokens_details": {"cached_tokens": 0}},
        "service_tier": "default",
    },
    "anthropic": {
        "id": "msg_01XFDUDYJgAACzvnptvVoYEL",
        "type": "message",
        "role": "assistant",
        "model": "claude-simulated",
        "content": [{"type": "text", "text": TEXT}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 19, "output_tokens": 84},
    },
    "google": _google(TEXT, last=True),
}
