"""The stand-in upstreams count tokens, and refuse to as the vendors do."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from ai_client.simulator import Simulator
from tests import upstreams

simulator = upstreams.simulator

TURN = {"role": "user", "content": "Three little words"}
CONTENTS = [{"role": "user", "parts": [{"text": "Three little words"}]}]
ANTHROPIC = "/v1/messages/count_tokens"
GOOGLE = "/v1beta/models/gemini-2.5-flash:countTokens"
OPENAI = "/v1/responses/input_tokens"


def post(simulator: Simulator, path: str, body: Any) -> httpx.Response:
    url = f"http://127.0.0.1:{simulator.port}{path}"
    headers = {"anthropic-version": "2023-06-01"} if path == ANTHROPIC else {}
    return httpx.post(url, json=body, headers=headers, verify=False)


@pytest.mark.parametrize(
    ("path", "body", "answer"),
    [
        (ANTHROPIC, {"model": "claude-x", "messages": [TURN]}, {"input_tokens": 3}),
        (
            ANTHROPIC,
            {"model": "claude-x", "messages": [TURN], "system": "Be brief."},
            {"input_tokens": 5},
        ),
        (
            GOOGLE,
            {"contents": CONTENTS},
            {
                "totalTokens": 3,
                "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 3}],
            },
        ),
        (
            OPENAI,
            {"model": "gpt-5.4-mini", "input": "Three little words", "instructions": "Be brief."},
            {"object": "response.input_tokens", "input_tokens": 5},
        ),
    ],
)
def test_words_are_counted(simulator: Simulator, path: str, body: Any, answer: Any) -> None:
    counted = post(simulator, path, body)
    assert (counted.status_code, counted.json()) == (200, answer)


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        (ANTHROPIC, {"model": "m", "messages": [TURN], "max_tokens": 1}, "max_tokens: Extra"),
        (ANTHROPIC, {"model": "m"}, "messages: Field required"),
        (GOOGLE, {"contents": CONTENTS, "generationConfig": {}}, "generationConfig"),
        (GOOGLE, {"generateContentRequest": {"contents": CONTENTS}}, "model must match"),
        (
            GOOGLE,
            {"contents": CONTENTS, "generateContentRequest": {"contents": CONTENTS}},
            "Only one of",
        ),
        (OPENAI, {"model": "m", "input": "Hi", "store": False}, "store"),
        (OPENAI, {"model": "m"}, "input"),
    ],
)
def test_what_the_vendor_refuses_is_refused(
    simulator: Simulator, path: str, body: Any, said: str
) -> None:
    refused = post(simulator, path, body)
    assert refused.status_code == 400
    assert said in refused.json()["error"]["message"]
