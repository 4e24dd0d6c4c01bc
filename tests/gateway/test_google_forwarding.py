"""A Gemini caller over a Gemini upstream: what comes back is what the upstream said."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from google.genai import types

from tests.gateway.google_callers import google_sdk
from tests.live_site import Site

METHODS = {"plain": "generateContent", "stream": "streamGenerateContent?alt=sse"}
ASKED = {"contents": [{"role": "user", "parts": [{"text": "Hello there"}]}]}
CHAT = {
    "tools": [{"type": "function", "function": {"name": "find"}}],
    "tool_choice": "required",
}
MESSAGES = {
    "tools": [{"name": "find", "input_schema": {"type": "object"}}],
    "tool_choice": {"type": "any"},
    "max_tokens": 100,
}


@pytest.mark.parametrize("mode", METHODS)
def test_a_blocked_prompt_comes_back_as_the_upstream_said_it(site: Site, mode: str) -> None:
    site.connect(site.upstream("google_generate", failure="filter"))
    answer = _post(site, mode)
    assert answer.status_code == 200, answer.text
    (sent,) = site.simulator.requests
    origin = f"http://127.0.0.1:{site.simulator.port}"
    direct = httpx.post(
        f"{origin}/fail/filter/v1beta/models/gemini-simulated:{METHODS[mode]}",
        content=sent.body,
        headers={"x-goog-api-key": "any", "content-type": "application/json"},
    )
    assert b"promptFeedback" in direct.content
    assert answer.content == direct.content
    row = site.row()
    assert (row.outcome, row.finish_reason, row.status) == ("success", "content_filter", 200)
    assert [each["class"] for each in row.attempts] == ["ok"]


def test_googles_own_sdk_is_told_why(site: Site) -> None:
    site.connect(site.upstream("google_generate", failure="filter"))
    with google_sdk(site) as sdk:
        whole = sdk.models.generate_content(model="auto", contents="Hello there")
        (piece,) = sdk.models.generate_content_stream(model="auto", contents="Hello there")
    for each in (whole, piece):
        assert each.prompt_feedback is not None
        assert each.prompt_feedback.block_reason is types.BlockedReason.PROHIBITED_CONTENT


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_callers_of_other_dialects_get_an_error(site: Site, stream: bool) -> None:
    site.connect(site.upstream("google_generate", failure="filter"))
    body = {"model": "auto", "messages": [{"role": "user", "content": "Hi"}], "stream": stream}
    answer = httpx.post(f"{site.base_url}/v1/chat/completions", json=body, headers=_key(site))
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "content_filter"


@pytest.mark.parametrize("mode", METHODS)
def test_a_stop_reason_that_is_only_googles_is_kept(site: Site, mode: str) -> None:
    site.connect(site.upstream("google_generate", failure="bad-tool-json"))
    calling = {"functionCallingConfig": {"mode": "ANY"}}
    tools = [{"functionDeclarations": [{"name": "find"}]}]
    answer = _post(site, mode, tools=tools, toolConfig=calling)
    assert answer.status_code == 200, answer.text
    assert "MALFORMED_FUNCTION_CALL" in answer.text
    assert site.row().outcome == "success"


@pytest.mark.parametrize(
    ("path", "body", "word"),
    [
        ("/v1/chat/completions", CHAT, '"finish_reason":"length"'),
        ("/v1/messages", MESSAGES, '"stop_reason":"max_tokens"'),
    ],
)
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_other_dialects_say_it_in_a_word_that_they_have(
    site: Site, path: str, body: dict[str, Any], word: str, stream: bool
) -> None:
    site.connect(site.upstream("google_generate", failure="bad-tool-json"))
    asked = {"model": "auto", "messages": [{"role": "user", "content": "Hi"}], "stream": stream}
    answer = httpx.post(f"{site.base_url}{path}", json={**asked, **body}, headers=_key(site))
    assert answer.status_code == 200, answer.text
    assert word in answer.text
    assert '":"error"' not in answer.text


def _post(site: Site, mode: str, **more: Any) -> httpx.Response:
    url = f"{site.base_url}/v1beta/models/auto:{METHODS[mode]}"
    return httpx.post(url, json={**ASKED, **more}, headers=_key(site))


def _key(site: Site) -> dict[str, str]:
    return {"authorization": f"Bearer {site.key}"}
