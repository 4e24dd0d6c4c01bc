"""A 403 about what one request names: it says nothing of the key, so nobody else is kept away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from ai_client.health import Standing
from tests.gateway.asking import standing
from tests.gateway.told_upstream import Told, told_upstream
from tests.live_site import Site

OTHER = "claude-other"


def _refusal(message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": "permission_error", "message": message}}


RESOURCE = _refusal("Your API key does not have permission to use the specified resource.")
MODEL = _refusal("Your organization does not have access to the model claude-other.")
KEY = _refusal("OAuth authentication is currently not allowed for this organization.")
GONE = {
    "type": "error",
    "error": {
        "type": "not_found_error",
        "message": "File not found: file_011CNha8iCJcU1wXNR6q4V8w",
    },
}
# llama.cpp's, for an address that it does not serve.
NO_SUCH_ADDRESS = {"error": {"code": 404, "message": "File Not Found", "type": "not_found_error"}}
ANSWER = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-simulated",
    "content": [{"type": "text", "text": "Here I am"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 1, "output_tokens": 3},
}


@pytest.fixture
def told(shared_site: Site) -> Iterator[Told]:
    """The first of two connections."""
    with told_upstream() as upstream:
        works = shared_site.upstream("openai_chat", name="works")
        shared_site.connect(upstream.connection("anthropic_messages", "first"), works)
        yield upstream


def ask(site: Site, model: str = "first") -> httpx.Response:
    messages = [{"role": "user", "content": "Hello there"}]
    body = {"model": model, "max_tokens": 9, "messages": messages}
    return httpx.post(f"{site.base_url}/v1/messages", json=body, timeout=30, trust_env=False)


@pytest.mark.parametrize("model", ["first", f"first/{OTHER}"])
def test_one_requests_resource_leaves_the_connection_to_the_others(
    shared_site: Site, told: Told, model: str
) -> None:
    told.will_say(403, RESOURCE)
    assert ask(shared_site, model).headers["x-koneek-connection"] == "works"
    (attempt, _) = shared_site.row().attempts
    assert attempt["class"] == "upstream_auth"
    told.will_say(200, ANSWER)
    assert ask(shared_site).headers["x-koneek-connection"] == "first"


def test_a_model_that_nobody_may_use_is_left_alone_after_a_while(
    shared_site: Site, told: Told
) -> None:
    for _ in range(10):
        told.will_say(403, RESOURCE)
        assert ask(shared_site).headers["x-koneek-connection"] == "works"
    assert standing("first") is Standing.OPEN
    assert standing("first", OTHER) is Standing.READY


def test_a_model_that_the_account_may_not_use_is_off_and_no_other(
    shared_site: Site, told: Told
) -> None:
    told.will_say(403, MODEL)
    assert ask(shared_site, f"first/{OTHER}").headers["x-koneek-connection"] == "works"
    assert standing("first", OTHER) is Standing.OFF
    assert standing("first") is Standing.READY


def test_a_file_that_is_gone_is_the_callers_affair(shared_site: Site, told: Told) -> None:
    told.will_say(404, GONE)
    answer = ask(shared_site)
    assert (answer.status_code, answer.headers["x-koneek-attempts"]) == (400, "1")
    assert "File not found" in answer.text
    assert standing("first") is Standing.READY


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("dialect", "path", "classes"),
    [
        ("openai_chat", "chat/completions", ["model_not_found"]),
        ("openai_chat", "responses", ["endpoint_missing", "model_not_found"]),
        ("anthropic_messages", "messages", ["model_not_found"]),
    ],
)
def test_a_server_without_the_address_is_passed_over(
    shared_site: Site, told: Told, dialect: str, path: str, classes: list[str], stream: bool
) -> None:
    works = shared_site.upstream("openai_chat", name="works")
    shared_site.connect(told.connection(dialect, "first"), works)
    for _ in classes:
        told.will_say(404, NO_SUCH_ADDRESS)
    said = [{"role": "user", "content": "Hello there"}]
    body = {"model": "auto", "stream": stream, "input" if path == "responses" else "messages": said}
    if path == "messages":
        body["max_tokens"] = 9
    url = f"{shared_site.base_url}/v1/{path}"
    answer = httpx.post(url, json=body, timeout=30, trust_env=False)
    assert answer.status_code == 200
    assert answer.headers["x-koneek-connection"] == "works"
    assert [each["class"] for each in shared_site.row().attempts] == [*classes, "ok"]


@pytest.mark.parametrize(
    "message",
    [
        "You don't have permission to access this resource.",
        "This API key is not allowed to access models.",
    ],
)
def test_a_403_that_names_nothing_is_about_the_key(
    shared_site: Site, told: Told, message: str
) -> None:
    told.will_say(403, _refusal(message))
    assert ask(shared_site).headers["x-koneek-connection"] == "works"
    assert standing("first", OTHER) is Standing.OFF


def test_what_is_said_of_the_key_switches_the_connection_off(shared_site: Site, told: Told) -> None:
    told.will_say(403, KEY)
    assert ask(shared_site).headers["x-koneek-connection"] == "works"
    assert standing("first", OTHER) is Standing.OFF
