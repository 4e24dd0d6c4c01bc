"""Requests that refer to what one account keeps: no other account of the dialect is asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from ai_client.client import default_client
from ai_client.errors import KeyRejected, RateLimited
from tests.gateway.asking import connection
from tests.gateway.told_upstream import Told, told_upstream
from tests.live_site import Site

SAID = {"role": "user", "content": "Hello there"}
OVERLOADED = {"error": {"message": "Come back later.", "type": "server_error"}}
GONE = {
    "error": {
        "message": "Previous response with id 'resp_1' not found.",
        "type": "invalid_request_error",
        "param": "previous_response_id",
        "code": "previous_response_not_found",
    }
}
GOOGLES = "https://generativelanguage.googleapis.com/v1beta/files/abc"

CHAT, RESPONSES = "/v1/chat/completions", "/v1/responses"
MESSAGES, GEMINI = "/v1/messages", "/v1beta/models/auto:generateContent"


def _chat(part: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [part]}]}


def _claude(block: Any, **more: Any) -> dict[str, Any]:
    return {"max_tokens": 9, "messages": [{"role": "user", "content": [block]}], **more}


FILE = {"type": "file", "file_id": "file_1"}
KEPT: dict[str, tuple[str, str, dict[str, Any]]] = {
    "response": (RESPONSES, "openai_chat", {"input": "Hi", "previous_response_id": "resp_1"}),
    "conversation": (RESPONSES, "openai_chat", {"input": "Hi", "conversation": {"id": "conv_1"}}),
    "prompt": (RESPONSES, "openai_chat", {"input": "Hi", "prompt": {"id": "pmpt_1"}}),
    "item": (
        RESPONSES,
        "openai_chat",
        {"input": [{"type": "item_reference", "id": "msg_1"}, SAID]},
    ),
    "file": (
        RESPONSES,
        "openai_chat",
        {"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "file-1"}]}]},
    ),
    "store": (
        RESPONSES,
        "openai_chat",
        {"input": "Hi", "tools": [{"type": "file_search", "vector_store_ids": ["vs_1"]}]},
    ),
    "chat file": (CHAT, "openai_chat", _chat({"type": "file", "file": {"file_id": "file-1"}})),
    "chat audio": (
        CHAT,
        "openai_chat",
        {"messages": [SAID, {"role": "assistant", "audio": {"id": "audio_1"}}, SAID]},
    ),
    "container": (
        MESSAGES,
        "anthropic_messages",
        _claude({"type": "text", "text": "Hi"}, container="c_1"),
    ),
    "document": (MESSAGES, "anthropic_messages", _claude({"type": "document", "source": FILE})),
    "result": (
        MESSAGES,
        "anthropic_messages",
        _claude(
            {
                "type": "tool_result",
                "tool_use_id": "toolu_1",
                "content": [{"type": "image", "source": FILE}],
            }
        ),
    ),
    "cache": (
        GEMINI,
        "google_generate",
        {"contents": [{"parts": [{"text": "Hi"}]}], "cachedContent": "cachedContents/1"},
    ),
    "google file": (
        GEMINI,
        "google_generate",
        {"contents": {"parts": {"file_data": {"file_uri": GOOGLES, "mime_type": "text/plain"}}}},
    ),
    "file of the system prompt": (
        GEMINI,
        "google_generate",
        {
            "contents": [{"parts": [{"text": "Hi"}]}],
            "systemInstruction": {"parts": [{"fileData": {"fileUri": GOOGLES}}]},
        },
    ),
    "store of files": (
        GEMINI,
        "google_generate",
        {
            "contents": [{"parts": [{"text": "Hi"}]}],
            "tools": [{"fileSearch": {"fileSearchStoreNames": ["fileSearchStores/1"]}}],
        },
    ),
    "document of blocks": (
        MESSAGES,
        "anthropic_messages",
        _claude(
            {
                "type": "document",
                "source": {"type": "content", "content": [{"type": "image", "source": FILE}]},
            }
        ),
    ),
    "picture": (
        RESPONSES,
        "openai_chat",
        {"input": [{"type": "image_generation_call", "id": "ig_1"}, SAID]},
    ),
    "computer": (
        RESPONSES,
        "openai_chat",
        {
            "input": [
                {"type": "code_interpreter_call", "id": "ci_1", "container_id": "cntr_1"},
                SAID,
            ]
        },
    ),
}

NOT_KEPT: dict[str, tuple[str, str, dict[str, Any]]] = {
    "chat file": (
        CHAT,
        "openai_chat",
        _chat({"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBERg=="}}),
    ),
    "tool": (RESPONSES, "openai_chat", {"input": "Hi", "tools": [{"type": "web_search"}]}),
    "skill": (
        MESSAGES,
        "anthropic_messages",
        _claude(
            {"type": "text", "text": "Hi"},
            container={"skills": [{"type": "anthropic", "skill_id": "pdf", "version": "latest"}]},
        ),
    ),
    "page": (
        GEMINI,
        "google_generate",
        {"contents": [{"parts": [{"fileData": {"fileUri": "https://site.example/files/a.pdf"}}]}]},
    ),
}


@pytest.fixture
def told() -> Iterator[Told]:
    with told_upstream() as upstream:
        yield upstream


def connect(site: Site, told: Told, dialect: str) -> None:
    translating = "google_generate" if dialect != "google_generate" else "openai_chat"
    site.connect(
        told.connection(dialect, "holder"),
        told.connection(dialect, "other"),
        site.upstream(translating, name="translated"),
    )


def ask(site: Site, path: str, body: dict[str, Any]) -> httpx.Response:
    body = body if "generateContent" in path else {"model": "auto", **body}
    return httpx.post(site.base_url + path, json=body, timeout=30, trust_env=False)


@pytest.mark.parametrize("what", KEPT)
def test_a_passing_failure_of_the_holder_stays_one(
    shared_site: Site, told: Told, what: str
) -> None:
    path, dialect, body = KEPT[what]
    connect(shared_site, told, dialect)
    told.will_say(503, OVERLOADED)
    told.will_say(400, GONE)
    answer = ask(shared_site, path, body)
    assert answer.status_code == 503, answer.text
    assert "Come back later." in answer.text
    assert answer.headers["x-koneek-attempts"] == "1"
    assert answer.headers.get("x-should-retry") != "false"
    assert len(told.bodies) == 1
    assert shared_site.simulator.requests == []


def test_what_refers_to_nothing_goes_on_to_the_next(shared_site: Site, told: Told) -> None:
    connect(shared_site, told, "openai_chat")
    told.will_say(503, OVERLOADED)
    told.will_say(503, OVERLOADED)
    text = {"type": "output_text", "text": "Hi"}
    said = {"type": "message", "id": "msg_1", "role": "assistant", "content": [text]}
    answer = ask(shared_site, RESPONSES, {"input": [SAID, said, SAID]})
    assert (answer.status_code, answer.headers["x-koneek-attempts"]) == (200, "3")


@pytest.mark.parametrize("what", NOT_KEPT)
def test_what_everybody_can_read_is_asked_of_the_next_account_too(
    shared_site: Site, told: Told, what: str
) -> None:
    path, dialect, body = NOT_KEPT[what]
    connect(shared_site, told, dialect)
    told.will_say(503, OVERLOADED)
    told.will_say(503, OVERLOADED)
    ask(shared_site, path, body)
    assert len(told.bodies) == 2


def test_a_thought_that_is_kept_is_done_without_in_another_dialect(
    shared_site: Site, told: Told
) -> None:
    connect(shared_site, told, "openai_chat")
    told.will_say(503, OVERLOADED)
    thought = {"type": "reasoning", "id": "rs_1", "summary": []}
    said = {"role": "assistant", "content": "Hi"}
    answer = ask(shared_site, RESPONSES, {"input": [SAID, thought, said, SAID]})
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-koneek-connection"] == "translated"
    assert len(told.bodies) == 1


def test_a_holder_that_is_to_be_left_alone_is_waited_for(shared_site: Site, told: Told) -> None:
    connect(shared_site, told, "openai_chat")
    of, client = connection("holder"), default_client()
    busy = RateLimited("Too many requests.", retry_after=30.0)
    client.health.fail(of.id, of.revision, of.model, busy, client.clock())
    path, _, body = KEPT["response"]
    answer = ask(shared_site, path, body)
    assert answer.status_code == 429, answer.text
    assert 0 < int(answer.headers["retry-after"]) <= 30
    assert told.bodies == []


def test_one_that_is_switched_off_holds_nothing_any_more(shared_site: Site, told: Told) -> None:
    connect(shared_site, told, "openai_chat")
    of, client = connection("holder"), default_client()
    client.health.fail(of.id, of.revision, of.model, KeyRejected("No."), client.clock())
    path, _, body = KEPT["response"]
    told.will_say(503, OVERLOADED)
    answer = ask(shared_site, path, body)
    assert answer.status_code == 503, answer.text
    assert [each["connection"] for each in shared_site.row().attempts] == ["other"]


def test_a_connection_of_another_dialect_before_it_is_passed_over(
    shared_site: Site, told: Told
) -> None:
    shared_site.connect(
        shared_site.upstream("google_generate"), told.connection("openai_chat", "holder")
    )
    told.will_say(400, GONE)
    path, _, body = KEPT["response"]
    answer = ask(shared_site, path, body)
    assert answer.status_code == 400
    assert "Previous response with id 'resp_1' not found." in answer.text
    assert answer.headers["x-should-retry"] == "false"
    assert [each["connection"] for each in shared_site.row().attempts] == ["holder"]
