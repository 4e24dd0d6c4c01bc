"""Names of functions that the upstream's dialect does not allow go there and come back."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.live_site import Site

NAME = "github.search:repos"
TWIN = "github_search_repos"
LONG = "mcp__" + "a-rather-long-server-name__" * 3 + "find"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FOREIGN = ["openai_chat", "anthropic_messages"]


@pytest.mark.parametrize(
    ("dialect", "more"),
    [(each, {}) for each in FOREIGN] + [("openai_chat", {"model": "gpt-5-codex"})],
    ids=[*FOREIGN, "openai_responses"],
)
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_a_call_has_the_callers_name(
    site: Site, dialect: str, more: dict[str, Any], stream: bool
) -> None:
    site.connect(site.upstream(dialect, **more))
    asked = _gemini(site, [NAME, TWIN], NAME, stream=stream)
    assert _called(asked) == NAME
    names = _declared(site)
    assert names[1] == TWIN
    assert len({*names}) == 2
    assert all(each.replace("_", "").isalnum() for each in names)


@pytest.mark.parametrize("dialect", FOREIGN)
def test_the_history_has_the_upstreams_names(site: Site, dialect: str) -> None:
    site.connect(site.upstream(dialect))
    first = _gemini(site, [NAME], NAME)
    (call,) = [part for part in _parts(first) if "functionCall" in part]
    result = {"functionResponse": {"name": NAME, "response": {"found": 3}}}
    again = _gemini(
        site,
        [NAME],
        "",
        {"role": "model", "parts": [call]},
        {"role": "user", "parts": [result]},
    )
    assert again.status_code == 200, again.text
    first_body, second_body = (each.body.decode() for each in site.simulator.requests)
    assert NAME not in first_body
    assert NAME not in second_body
    assert second_body.count(_declared(site)[0]) == 2


def test_what_google_allows_goes_there_as_it_is(site: Site) -> None:
    site.connect(site.upstream("google_generate"))
    tools = [{"name": NAME, "input_schema": SCHEMA}, {"name": LONG, "input_schema": SCHEMA}]
    choice = {"type": "tool", "name": LONG}
    answer = _post(
        site,
        "/v1/messages",
        {
            "model": "auto",
            "max_tokens": 100,
            "messages": [{"role": "user", "content": "Weather?"}],
            "tools": tools,
            "tool_choice": choice,
        },
    )
    assert answer.status_code == 200, answer.text
    (called,) = [each for each in answer.json()["content"] if each["type"] == "tool_use"]
    assert called["name"] == LONG
    sent = json.loads(site.simulator.requests[-1].body)
    declared = [each["name"] for each in sent["tools"][0]["functionDeclarations"]]
    assert declared[0] == NAME
    assert len(declared[1]) <= 64


def test_names_that_are_cut_to_the_same_stay_apart(site: Site) -> None:
    names = [f"{LONG}_one", f"{LONG}_two"]
    site.connect(site.upstream("openai_chat"))
    for name in names:
        assert _called(_gemini(site, names, name)) == name
        assert len({*_declared(site)}) == 2


def _gemini(
    site: Site, names: list[str], chosen: str, *more: dict[str, Any], stream: bool = False
) -> httpx.Response:
    declared = [{"name": name, "parametersJsonSchema": SCHEMA} for name in names]
    body: dict[str, Any] = {
        "contents": [{"role": "user", "parts": [{"text": "Weather?"}]}, *more],
        "tools": [{"functionDeclarations": declared}],
    }
    if chosen:
        calling = {"mode": "ANY", "allowedFunctionNames": [chosen]}
        body["toolConfig"] = {"functionCallingConfig": calling}
    method = "streamGenerateContent?alt=sse" if stream else "generateContent"
    return _post(site, f"/v1beta/models/auto:{method}", body)


def _post(site: Site, path: str, body: dict[str, Any]) -> httpx.Response:
    key = {"authorization": f"Bearer {site.key}"}
    return httpx.post(f"{site.base_url}{path}", json=body, headers=key)


def _parts(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    if answer.headers["content-type"].startswith("text/event-stream"):
        events = [line[6:] for line in answer.text.splitlines() if line.startswith("data: ")]
        chunks = [json.loads(each) for each in events]
    else:
        chunks = [answer.json()]
    return [
        part
        for chunk in chunks
        for candidate in chunk.get("candidates", [])
        for part in candidate.get("content", {}).get("parts", [])
    ]


def _called(answer: httpx.Response) -> str:
    (name,) = {each["functionCall"]["name"] for each in _parts(answer) if "functionCall" in each}
    return str(name)


def _declared(site: Site) -> list[str]:
    sent = json.loads(site.simulator.requests[-1].body)
    return [(each.get("function") or each)["name"] for each in sent["tools"]]
