"""Counting tokens: who counts for whom, told in Google's dialect; Anthropic's is with its SDK."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from google.genai import errors as genai_errors

from tests.gateway.google_callers import google_sdk
from tests.live_site import DIALECTS, Site

PROMPT: Any = {"role": "user", "parts": [{"text": "Three little words"}]}


@pytest.fixture(params=DIALECTS)
def dialect(request: pytest.FixtureRequest, site: Site) -> str:
    """Each upstream dialect, as the one connection."""
    site.connect(site.upstream(request.param))
    return str(request.param)


def test_googles_sdk_gets_a_count_from_every_upstream(site: Site, dialect: str) -> None:
    with google_sdk(site) as client:
        counted = client.models.count_tokens(model="auto", contents="Three little words")
    assert counted.total_tokens == 3
    row = site.row()
    assert (row.outcome, row.dialect, row.total_tokens) == ("success", "google_count_tokens", None)
    assert site.simulator.requests[-1].path.endswith(
        ("/messages/count_tokens", ":countTokens", "/responses/input_tokens")
    )


def test_a_whole_request_counts_with_its_system_prompt(site: Site, dialect: str) -> None:
    whole = {
        "model": "models/of-the-caller",
        "contents": [PROMPT],
        "systemInstruction": {"parts": [{"text": "Be very brief."}]},
    }
    answer = _post(site, {"generateContentRequest": whole})
    assert answer.status_code == 200, answer.text
    assert answer.json()["totalTokens"] == 6
    assert "of-the-caller" not in site.simulator.requests[-1].body.decode()


def test_a_count_of_google_comes_back_byte_for_byte(site: Site) -> None:
    site.connect(site.upstream("google_generate"))
    answer = _post(site, {"contents": [PROMPT]})
    (sent,) = site.simulator.requests
    assert sent.path == "/v1beta/models/gemini-simulated:countTokens"
    assert sent.json == {"contents": [PROMPT]}
    assert b"promptTokensDetails" in answer.content


def test_what_is_no_prompt_is_refused_by_name(site: Site) -> None:
    site.connect(site.upstream("anthropic_messages"))
    for body, said in (
        ({"generateContentRequest": []}, "generateContentRequest"),
        ({"generateContentRequest": {"contents": [PROMPT]}, "contents": [PROMPT]}, "not both"),
        ({}, "contents"),
    ):
        answer = _post(site, body)
        assert answer.status_code == 400, answer.text
        assert said in answer.json()["error"]["message"]
    assert site.simulator.requests == []


def test_the_next_connection_counts_where_one_fails(site: Site) -> None:
    site.connect(
        site.upstream("openai_chat", name="cannot", provider="openai-compatible"),
        site.upstream("anthropic_messages", failure="status-500"),
        site.upstream("google_generate"),
    )
    answer = _post(site, {"contents": [PROMPT]})
    assert answer.json()["totalTokens"] == 3
    assert answer.headers["x-koneek-attempts"] == "2"
    assert [each["class"] for each in site.row().attempts] == ["upstream_error", "ok"]


def test_without_anybody_who_counts_the_sdk_gets_a_client_error(site: Site) -> None:
    site.connect(site.upstream("openai_chat", provider="openai-compatible"))
    with google_sdk(site) as client, pytest.raises(genai_errors.ClientError, match="counts tokens"):
        client.models.count_tokens(model="auto", contents="Three little words")


def _post(site: Site, body: Any) -> httpx.Response:
    url = f"{site.base_url}/v1beta/models/auto:countTokens"
    return httpx.post(url, json=body, headers={"x-goog-api-key": site.key}, verify=False)
