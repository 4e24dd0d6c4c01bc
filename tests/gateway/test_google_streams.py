"""Google's streams by a plain HTTP client, in both frames, and what is forwarded to Google itself.

Without ``alt=sse`` a stream is one JSON array, which is readable as it comes and valid at its end.
"""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.live_site import DIALECTS, Site

BODY: dict[str, Any] = {"contents": [{"role": "user", "parts": [{"text": "Hello there, friend"}]}]}


def _post(site: Site, method: str, body: Any = BODY, **query: str) -> httpx.Response:
    return httpx.post(
        f"{site.base_url}/v1beta/models/auto:{method}",
        params=query,
        headers={"x-goog-api-key": site.key, "content-type": "application/json"},
        content=body if isinstance(body, bytes) else json.dumps(body).encode(),
        timeout=60,
    )


def _text(elements: list[Any]) -> str:
    return "".join(
        part.get("text", "")
        for each in elements
        for candidate in each["candidates"]
        for part in candidate["content"]["parts"]
    )


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("failure", ["", "one-byte", "crlf", "comments", "multiline", "u2028"])
def test_a_stream_is_one_json_array(site: Site, dialect: str, failure: str) -> None:
    site.connect(site.upstream(dialect, failure=failure))
    answer = _post(site, "streamGenerateContent")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json; charset=UTF-8"
    elements = answer.json()
    assert len(elements) > 2
    assert _text(elements).startswith("Echo: ")
    assert elements[-1]["candidates"][0]["finishReason"] == "STOP"
    assert elements[-1]["usageMetadata"]["totalTokenCount"] > 0
    as_events = _post(site, "streamGenerateContent", alt="sse")
    assert as_events.headers["content-type"].startswith("text/event-stream")
    if failure == "":
        events = [line[6:] for line in as_events.text.split("\n") if line.startswith("data: ")]
        assert _text([json.loads(each) for each in events]) == _text(elements)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_array_grows_as_the_stream_does(site: Site, dialect: str) -> None:
    site.connect(site.upstream(dialect, failure="hang-midstream"))
    url = f"{site.base_url}/v1beta/models/auto:streamGenerateContent"
    headers = {"x-goog-api-key": site.key}
    came = b""
    with httpx.stream("POST", url, headers=headers, json=BODY, timeout=60) as answer:
        for chunk in answer.iter_bytes(1):
            came += chunk
            if came.count(b'"text"') and came.endswith(b"}"):
                elements = _whole_so_far(came)
                if elements is not None:
                    break
    assert elements is not None
    assert _text(elements).startswith("Echo")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_error_is_the_last_element_and_the_array_is_closed(site: Site, dialect: str) -> None:
    site.connect(site.upstream(dialect, failure="malformed-event-later"))
    *before, last = _post(site, "streamGenerateContent").json()
    assert _text(before).startswith("Echo")
    assert not any("finishReason" in each["candidates"][0] for each in before)
    assert last["error"]["code"] == 502
    assert last["error"]["status"] == "UNAVAILABLE"


def test_an_error_before_anything_was_sent_has_its_status(site: Site) -> None:
    site.connect(site.upstream("openai_chat", failure="status-500"))
    answer = _post(site, "streamGenerateContent")
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, 502)
    assert answer.headers["content-type"] == "application/json"


def test_a_frame_that_there_is_not_is_refused_by_name(site: Site) -> None:
    site.connect(site.upstream("openai_chat"))
    answer = _post(site, "streamGenerateContent", alt="proto")
    assert answer.status_code == 400
    assert "'alt'" in answer.json()["error"]["message"]
    assert site.simulator.requests == []


ODD = (
    b'{"contents": [{"parts": [{"text": "Hello"}], "role": "user"}],'
    b' "generation_config": {"top_k": 3, "maxOutputTokens": 50, "seed": 4},'
    b' "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],'
    b' "labels": {"mine": "yes"}}'
)


@pytest.mark.parametrize("method", ["generateContent", "streamGenerateContent"])
def test_the_body_goes_to_google_as_it_came_and_the_answer_comes_back_byte_for_byte(
    site: Site, method: str
) -> None:
    connection = site.upstream("google_generate")
    site.connect(connection)
    ours = _post(site, method, ODD, alt="sse")
    assert ours.status_code == 200, ours.text
    (sent,) = site.simulator.requests
    assert json.dumps(sent.json) == json.dumps(json.loads(ODD)), "in the caller's order, too"
    url = f"{connection['base_url']}/v1beta/models/{connection['model']}:{method}"
    headers = {"x-goog-api-key": connection["api_key"], "content-type": "application/json"}
    theirs = httpx.post(url, params={"alt": "sse"}, headers=headers, content=sent.body, timeout=30)
    assert theirs.status_code == 200
    assert ours.content == theirs.content


def test_what_google_streams_is_the_same_in_the_array(site: Site) -> None:
    site.connect(site.upstream("google_generate"))
    events = _post(site, "streamGenerateContent", alt="sse").text
    data = [line[6:] for line in events.splitlines() if line.startswith("data: ")]
    array = _post(site, "streamGenerateContent").text
    assert all(each in array for each in data)
    assert json.loads(array) == [json.loads(each) for each in data]


def test_the_smallest_body_of_googles_documentation(site: Site) -> None:
    site.connect(site.upstream("anthropic_messages"))
    body = {
        "system_instruction": {"parts": {"text": "You are a cat."}},
        "contents": {"parts": {"text": "Hello there"}},
    }
    answer = _post(site, "generateContent", body)
    assert answer.status_code == 200, answer.text
    assert _text([answer.json()]) == "Echo: Hello there"


def test_a_google_caller_falls_back_to_another_dialect(site: Site) -> None:
    site.connect(
        site.upstream("google_generate", failure="overloaded-5"), site.upstream("openai_chat")
    )
    answer = _post(site, "generateContent")
    assert _text([answer.json()]) == "Echo: Hello there, friend"
    assert answer.headers["x-koneek-attempts"] == "2"


def _whole_so_far(came: bytes) -> list[Any] | None:
    """The elements of an array that has not ended, if the last one is whole."""
    try:
        found = json.loads(came + b"]")
    except json.JSONDecodeError:
        return None
    return found if isinstance(found, list) else None
