"""What a translation cannot say is refused by the name that the caller's own dialect has for it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.live_site import Site

HELLO = [{"role": "user", "content": "Hello there"}]
CHAT: dict[str, Any] = {"model": "auto", "messages": HELLO}
MESSAGES: dict[str, Any] = {**CHAT, "max_tokens": 100}
RESPONSES: dict[str, Any] = {"model": "auto", "input": "Hello"}
GEMINI: dict[str, Any] = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}
JSON_OBJECT = {"type": "json_object"}
PRO = "gpt-5-pro"
SEARCHES = {"tools": [{"googleSearch": {"excludeDomains": ["example.org"]}}]}


@pytest.mark.parametrize(
    ("said", "upstream", "model", "field"),
    [
        ({"n": 2}, "anthropic_messages", "", "n"),
        ({"stop": "  "}, "anthropic_messages", "", "stop"),
        ({"stop": "x"}, "openai_chat", PRO, "stop"),
        ({"response_format": JSON_OBJECT}, "anthropic_messages", "", "response_format"),
        ({"logprobs": True}, "anthropic_messages", "", "logprobs"),
    ],
)
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_in_chat_completions(
    site: Site, said: dict[str, Any], upstream: str, model: str, field: str, stream: bool
) -> None:
    _connect(site, upstream, model)
    error = _refused(site, "/v1/chat/completions", {**CHAT, **said, "stream": stream})
    assert error["code"] == "unsupported_feature"
    assert error["param"] == field
    assert site.simulator.requests == []


def test_in_responses(site: Site) -> None:
    _connect(site, "anthropic_messages")
    wanted = {"text": {"format": JSON_OBJECT}}
    assert _refused(site, "/v1/responses", {**RESPONSES, **wanted})["param"] == "text.format"


def test_in_messages(site: Site) -> None:
    _connect(site, "openai_chat", PRO)
    error = _refused(site, "/v1/messages", {**MESSAGES, "stop_sequences": ["x"]})
    assert error["details"]["param"] == "stop_sequences"


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"generationConfig": {"candidateCount": 2}}, "generationConfig.candidateCount"),
        ({"generationConfig": {"stopSequences": [" "]}}, "generationConfig.stopSequences"),
    ],
)
def test_in_gemini(site: Site, said: dict[str, Any], field: str) -> None:
    _connect(site, "anthropic_messages")
    error = _refused(site, "/v1beta/models/auto:generateContent", {**GEMINI, **said})
    fields = [
        each["field"] for detail in error["details"] for each in detail.get("fieldViolations", ())
    ]
    assert fields == [field]


def test_a_tool_of_gemini(site: Site) -> None:
    _connect(site, "openai_chat")
    error = _refused(site, "/v1beta/models/auto:generateContent", {**GEMINI, **SEARCHES})
    (violation,) = error["details"][2]["fieldViolations"]
    assert violation["field"] == "tools"


def test_a_picture_without_a_shape_is_told_by_its_size(site: Site) -> None:
    upstream = site.upstream("google_generate", model="imagen-4.0-generate-001")
    site.connect(upstream)
    body = {"model": "auto", "prompt": "A cat", "size": "1024x512"}
    assert _refused(site, "/v1/images/generations", body)["param"] == "size"


def _connect(site: Site, dialect: str, model: str = "") -> None:
    site.connect(site.upstream(dialect, **({"model": model} if model else {})))


def _refused(site: Site, path: str, body: dict[str, Any]) -> dict[str, Any]:
    key = {"authorization": f"Bearer {site.key}"}
    answer = httpx.post(f"{site.base_url}{path}", json=body, headers=key)
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert isinstance(error, dict)
    return error
