"""Same dialect in and out: the caller's JSON goes on and the answer comes back as they are.

What the upstream itself would say is had by sending it, once more and directly, the very bytes
that the site sent: the simulator answers equal requests with equal bytes.
"""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from ai_client.simulator import RecordedRequest
from tests.live_site import Site

BIG = 123456789012345678901234567890
UNKNOWN: dict[str, Any] = {
    "zebra": 1,
    "messages": [
        {
            "x_trace": {"deep": [1, {"er": None}]},
            "role": "user",
            "content": [{"type": "text", "text": "Hello there", "x_weight": 0.1}],
            "name": "somebody",
        }
    ],
    "model": "auto",
    "aardvark": {"b": [], "a": {}, "c": [None, True, -0.5, "", "ü"]},
    "metadata": {"z": "1", "a": "2"},
    "logit_bias": {"50256": -100},
}


def test_unknown_fields_and_the_order_of_keys_reach_the_upstream(site: Site) -> None:
    site.connect(site.upstream("openai_chat", model="gpt-other"))
    assert _post(site, json.dumps(UNKNOWN).encode()).status_code == 200
    (sent,) = site.simulator.requests
    assert json.loads(sent.body) == {**UNKNOWN, "model": "gpt-other"}
    assert _pairs(sent.body) == [
        (name, "gpt-other" if name == "model" else value)
        for name, value in _pairs(json.dumps(UNKNOWN).encode())
    ]


def test_numbers_and_texts_keep_their_values(site: Site) -> None:
    site.connect(site.upstream("openai_chat"))
    body = (
        '{"messages":[{"role":"user","content":"\\u00e9\\ud83d\\ude00\\u2028\\u0000\\/\\"é"}],'
        f'"seed":{BIG},"floor":{-(2**63) - 1},"ceiling":{2**64 - 1},"above":{2**64},'
        '"tiny":5e-324,"point":0.30000000000000004,"whole":1.0,"digits":"1234567890123456789012"}'
    ).encode()
    assert _post(site, body).status_code == 200
    (sent,) = site.simulator.requests
    received = json.loads(sent.body)
    assert received == {**json.loads(body), "model": "gpt-simulated"}
    for name in ("seed", "floor", "ceiling", "above"):
        assert isinstance(received[name], int)
    assert isinstance(received["whole"], float)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_the_upstreams_answer_comes_back_byte_for_byte(site: Site, stream: bool) -> None:
    site.connect(site.upstream("openai_chat", model="deepseek-reasoner"))
    body = {**UNKNOWN, "stream": stream, "n": 2, "logprobs": True, "top_logprobs": 3}
    if stream:
        body["stream_options"] = {"include_usage": True, "x_unknown": 1}
    answer = _post(site, json.dumps(body).encode())
    (sent,) = site.simulator.requests
    if stream:
        assert sent.json["stream_options"] == {"include_usage": True, "x_unknown": 1}  # type: ignore[index]
    direct = _directly(site, sent)
    assert answer.content == direct.content
    assert b"fp_simulated" in answer.content
    assert b"reasoning_content" in answer.content
    assert answer.headers["content-type"].partition(";")[0] == (
        "text/event-stream" if stream else "application/json"
    )


def test_a_stream_lacks_nothing_but_the_usage_that_was_not_asked_for(site: Site) -> None:
    site.connect(site.upstream("openai_chat"))
    answer = _post(site, json.dumps({**UNKNOWN, "stream": True}).encode())
    (sent,) = site.simulator.requests
    events = _directly(site, sent).content.split(b"\n\n")
    without = [event for event in events if b'"choices":[]' not in event]
    assert len(without) == len(events) - 1
    assert answer.content == b"\n\n".join(without)
    assert site.row().total_tokens is not None


@pytest.mark.parametrize(
    "failure",
    ["crlf", "cr", "multiline", "u2028", "one-byte", "azure-first-chunk"],
)
def test_a_stream_written_in_an_unusual_way_comes_back_byte_for_byte(
    site: Site, failure: str
) -> None:
    site.connect(site.upstream("openai_chat", failure=failure))
    body = {**UNKNOWN, "stream": True, "stream_options": {"include_usage": True}}
    answer = _post(site, json.dumps(body).encode())
    (sent,) = site.simulator.requests
    assert answer.content == _directly(site, sent).content


@pytest.mark.parametrize("failure", ["comments", "bom"])
def test_a_stream_loses_what_the_sdk_stumbles_over_and_is_no_event(
    site: Site, failure: str
) -> None:
    site.connect(site.upstream("openai_chat", failure=failure))
    body = {**UNKNOWN, "stream": True, "stream_options": {"include_usage": True}}
    answer = _post(site, json.dumps(body).encode())
    (sent,) = site.simulator.requests
    blocks = _directly(site, sent).content.removeprefix(b"\xef\xbb\xbf").split(b"\n\n")
    events = [block + b"\n\n" for block in blocks if b"data:" in block]
    assert answer.content == b"".join(events)


def test_a_connections_own_server_is_not_asked_for_usage_it_refuses(site: Site) -> None:
    site.connect(
        site.upstream("openai_chat", provider="openai-compatible", fields={"stream_usage": False})
    )
    answer = _post(site, json.dumps({**UNKNOWN, "stream": True}).encode())
    (sent,) = site.simulator.requests
    assert json.loads(sent.body) == {**UNKNOWN, "stream": True, "model": "gpt-simulated"}
    assert answer.content == _directly(site, sent).content


def test_an_empty_stream_options_and_nulls_are_the_upstreams_to_judge(site: Site) -> None:
    site.connect(site.upstream("openai_chat"))
    nulls = {"temperature": None, "tools": None, "stream": None, "user": None}
    assert _post(site, json.dumps({**UNKNOWN, **nulls}).encode()).status_code == 200
    (sent,) = site.simulator.requests
    assert json.loads(sent.body) == {**UNKNOWN, **nulls, "model": "gpt-simulated"}


def test_the_same_body_is_translated_for_the_next_connection_of_another_dialect(
    site: Site,
) -> None:
    site.connect(
        site.upstream("openai_chat", failure="status-500"),
        site.upstream("anthropic_messages"),
    )
    answer = _post(site, json.dumps(UNKNOWN).encode())
    assert answer.json()["choices"][0]["message"]["content"] == "Echo: Hello there"
    forwarded, translated = site.simulator.requests
    assert "zebra" in json.loads(forwarded.body)
    assert json.loads(translated.body) == {
        "model": "claude-simulated",
        "max_tokens": 4096,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hello there"}]}],
    }
    assert {"zebra", "aardvark", "metadata", "logit_bias"} <= set(site.row().warnings)


@pytest.mark.parametrize("dialect", ["openai_chat", "anthropic_messages"])
def test_a_body_without_a_model_asks_the_whole_chain(site: Site, dialect: str) -> None:
    site.connect(site.upstream(dialect))
    body = {"messages": [{"role": "user", "content": "Hello there"}]}
    answer = _post(site, json.dumps(body).encode())
    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"][0]["message"]["content"] == "Echo: Hello there"


def _post(site: Site, body: bytes) -> httpx.Response:
    return httpx.post(
        f"{site.base_url}/v1/chat/completions",
        content=body,
        headers={"authorization": f"Bearer {site.key}", "content-type": "application/json"},
        verify=False,
    )


def _directly(site: Site, sent: RecordedRequest) -> httpx.Response:
    """The upstream's answer to exactly what the site sent."""
    headers = {name: sent.headers[name] for name in ("authorization", "content-type", "accept")}
    url = f"http://127.0.0.1:{site.simulator.port}{sent.target}"
    return httpx.post(url, content=sent.body, headers=headers, verify=False)


def _pairs(body: bytes) -> list[tuple[str, Any]]:
    """The top level of an object as its names and values in order, nested ones likewise."""
    pairs: list[tuple[str, Any]] = json.loads(body, object_pairs_hook=list)
    return [(name, value) for name, value in pairs]
