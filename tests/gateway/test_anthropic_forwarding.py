"""An Anthropic caller over an Anthropic upstream: JSON goes on and comes back as it is.

What the upstream itself would say is had by sending it, once more and directly, the very bytes
that the site sent: the simulator answers equal requests with equal bytes.
"""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from ai_client.simulator import RecordedRequest
from ai_client.sse import Decoder
from tests.live_site import Site

BIG = 123456789012345678901234567890
UNKNOWN: dict[str, Any] = {
    "zebra": 1,
    "messages": [
        {
            "x_trace": {"deep": [1, {"er": None}]},
            "role": "user",
            "content": [{"type": "text", "text": "Hello there", "x_weight": 0.1}],
        }
    ],
    "model": "auto",
    "max_tokens": 99,
    "aardvark": {"b": [], "a": {}, "c": [None, True, -0.5, "", "ü", BIG]},
    "metadata": {"z": "1", "user_id": "2"},
}


def test_unknown_fields_and_the_order_of_keys_reach_the_upstream(site: Site) -> None:
    site.connect(site.upstream("anthropic_messages", model="claude-lenient"))
    assert _post(site, UNKNOWN).status_code == 200
    (sent,) = site.simulator.requests
    assert json.loads(sent.body, object_pairs_hook=list) == [
        (name, "claude-lenient" if name == "model" else value)
        for name, value in json.loads(json.dumps(UNKNOWN), object_pairs_hook=list)
    ]
    assert sent.headers["anthropic-version"] == "2023-06-01"


def test_all_lines_of_a_header_reach_the_upstream(site: Site) -> None:
    site.connect(site.upstream("anthropic_messages", model="claude-lenient"))
    lines = [("anthropic-beta", "one-2025"), ("x-api-key", site.key), ("anthropic-beta", "two")]
    answer = httpx.post(
        f"{site.base_url}/v1/messages", json=UNKNOWN, headers=lines, trust_env=False
    )
    assert answer.status_code == 200
    (sent,) = site.simulator.requests
    assert sent.headers["anthropic-beta"] == "one-2025,two"


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages?beta=true"])
def test_the_upstreams_answer_comes_back_byte_for_byte(site: Site, stream: bool, path: str) -> None:
    site.connect(site.upstream("anthropic_messages", model="claude-lenient"))
    asked = {**UNKNOWN, "stream": stream, "thinking": {"type": "enabled", "budget_tokens": 1024}}
    answer = _post(site, {**asked, "max_tokens": 2048}, path)
    (sent,) = site.simulator.requests
    assert answer.content == _directly(site, sent).content
    assert b'"thinking"' in answer.content
    assert answer.headers["content-type"].partition(";")[0] == (
        "text/event-stream" if stream else "application/json"
    )
    assert site.row().total_tokens is not None


@pytest.mark.parametrize("failure", ["crlf", "cr", "multiline", "u2028", "one-byte"])
def test_a_stream_written_in_an_unusual_way_comes_back_byte_for_byte(
    site: Site, failure: str
) -> None:
    site.connect(site.upstream("anthropic_messages", model="claude-lenient", failure=failure))
    answer = _post(site, {**UNKNOWN, "stream": True})
    (sent,) = site.simulator.requests
    assert answer.content == _directly(site, sent).content


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_an_answer_of_the_other_kind_is_told_as_it_was_asked_for(site: Site, stream: bool) -> None:
    """A stream for a plain call and the reverse; what Anthropic signed is its own in both."""
    failure = "ignore-stream" if stream else "force-stream"
    site.connect(site.upstream("anthropic_messages", model="claude-lenient", failure=failure))
    asked = {**UNKNOWN, "max_tokens": 2048, "thinking": {"type": "enabled", "budget_tokens": 1024}}
    answer = _post(site, {**asked, "stream": stream})
    assert answer.status_code == 200, answer.text
    (sent,) = site.simulator.requests
    assert b"koneek" not in answer.content
    if stream:
        told = [json.loads(event.data) for event in Decoder().feed(answer.content)]
        (signed,) = [each["delta"] for each in told if "signature" in each.get("delta", {})]
        signature = signed["signature"]
    else:
        thinking, text = answer.json()["content"]
        assert (thinking["type"], text["text"]) == ("thinking", "Echo: Hello there")
        signature = thinking["signature"]
    assert signature.encode() in _directly(site, sent).content


def test_a_count_comes_back_byte_for_byte(site: Site) -> None:
    site.connect(site.upstream("anthropic_messages"))
    asked = {"model": "auto", "messages": [{"role": "user", "content": "Three little words"}]}
    answer = _post(site, asked, "/v1/messages/count_tokens")
    assert answer.json() == {"input_tokens": 3}
    (sent,) = site.simulator.requests
    assert sent.json == {**asked, "model": "claude-simulated"}
    assert answer.content == _directly(site, sent).content


def test_the_same_body_is_translated_for_the_next_connection_of_another_dialect(
    site: Site,
) -> None:
    site.connect(
        site.upstream("anthropic_messages", model="claude-lenient", failure="status-500"),
        site.upstream("openai_chat"),
    )
    answer = _post(site, UNKNOWN)
    assert answer.status_code == 200, answer.text
    assert answer.json()["content"] == [{"type": "text", "text": "Echo: Hello there"}]
    forwarded, translated = site.simulator.requests
    assert "zebra" in json.loads(forwarded.body)
    assert json.loads(translated.body) == {
        "model": "gpt-simulated",
        "messages": [{"role": "user", "content": "Hello there"}],
        "max_completion_tokens": 99,
        "user": "2",
    }
    assert answer.headers["x-koneek-attempts"] == "2"
    warnings = " ".join(site.row().warnings)
    assert "zebra" in warnings
    assert "aardvark" in warnings


def _post(site: Site, body: dict[str, Any], path: str = "/v1/messages") -> httpx.Response:
    return httpx.post(
        f"{site.base_url}{path}",
        content=json.dumps(body).encode(),
        headers={"x-api-key": site.key, "anthropic-version": "2023-06-01"},
        verify=False,
    )


def _directly(site: Site, sent: RecordedRequest) -> httpx.Response:
    """The upstream's answer to exactly what the site sent."""
    names = ("x-api-key", "anthropic-version", "content-type", "accept")
    headers = {name: sent.headers[name] for name in names}
    url = f"http://127.0.0.1:{site.simulator.port}{sent.target}"
    return httpx.post(url, content=sent.body, headers=headers, verify=False)
