"""Request records as tests need them."""

from __future__ import annotations

import itertools
from typing import Any

from ai_client.messages import TokenUsage
from ai_client.records import AttemptRecord, Outcome, RequestRecord

_numbers = itertools.count(1)


def a_record(**changes: Any) -> RequestRecord:
    """A successful request of its own id, with ``changes``."""
    values: dict[str, Any] = {
        "request_id": f"req_{next(_numbers):06d}",
        "created": 1_780_000_000.25,
        "dialect": "openai_chat",
        "outcome": Outcome.SUCCESS,
        "total_ms": 120.5,
        "first_event_ms": 80.25,
        "requested_model": "auto",
        "connection": "primary",
        "connection_id": "0b7f3a52-6f0e-4b53-9b0b-0a4c3f7f1c11",
        "provider": "openai",
        "price_id": "openai",
        "model": "gpt-4o-mini",
        "attempts": (
            AttemptRecord("broken", "gpt-4o", "upstream_error", 11.5, "ServerFailed", 500, "Down."),
            AttemptRecord("primary", "gpt-4o-mini", "ok", 99.0, status=200),
        ),
        "usage": TokenUsage(1000, 100, 1100, thought_tokens=20, cached_tokens=500),
        "status": 200,
        "finish_reason": "stop",
        "warnings": ("top_k was left out.",),
    }
    return RequestRecord(**{**values, **changes})
