"""A key for some models cannot have others by naming them in fields that a server reads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from ai_client.key_services import create_gateway_key
from tests.gateway.told_upstream import Told, told_upstream
from tests.live_site import Site

OWN = "openai/gpt-4o"
OTHER = "openai/o1-pro"
HELLO = [{"role": "user", "content": "Hello there"}]
ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "model": OWN,
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Here I am"},
            "finish_reason": "stop",
        }
    ],
}
FUNCTION = {
    "type": "function",
    "function": {
        "name": "order_model",
        "parameters": {"type": "object", "properties": {"model": {"enum": [OTHER]}}},
    },
}

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "fallbacks of OpenRouter": ({"models": [OWN, OTHER], "route": "fallback"}, "models[1]"),
    "any fallback": ({"route": "fallback"}, "route"),
    "a preset": ({"preset": "the-best"}, "preset"),
    "a router": (
        {"plugins": [{"id": "auto-router", "allowed_models": ["anthropic/*"]}]},
        "plugins[0].allowed_models[0]",
    ),
    "a panel": ({"plugins": [{"id": "fusion", "analysis_models": [OTHER]}]},
                "plugins[0].analysis_models[0]"),
    "a panel by itself": ({"plugins": [{"id": "fusion"}]}, "plugins[0]"),
    "a tool": (
        {"tools": [FUNCTION, {"type": "openrouter:advisor", "parameters": {"model": OTHER}}]},
        "tools[1].parameters.model",
    ),
    "a tool by itself": ({"tools": [{"type": "image_generation"}]}, "tools[0]"),
    "a tool with no model": ({"tools": [{"type": "image_generation", "model": 7}]}, "tools[0]"),
    "a tool that looks like a function inside": (
        {
            "tools": [
                {
                    "type": "openrouter:subagent",
                    "parameters": {"type": "function", "model": OTHER},
                }
            ]
        },
        "tools[0].parameters.model",
    ),
    "fallbacks of LiteLLM": ({"fallbacks": [OTHER]}, "fallbacks[0]"),
    "a map of them": (
        {"context_window_fallbacks": [{OWN: [OTHER]}]},
        f"context_window_fallbacks[0].{OWN}[0]",
    ),
    "a list of models": (
        {"user_config": {"model_list": [{"model_name": OWN, "litellm_params": {"model": OTHER}}]}},
        "user_config.model_list[0].litellm_params.model",
    ),
    "fallbacks of Vercel": (
        {"providerOptions": {"gateway": {"models": [OTHER]}}},
        "providerOptions.gateway.models[0]",
    ),
    "a body within": ({"extra_body": {"Models": [OTHER]}}, "extra_body.Models[0]"),
    "a function by its type alone": (
        {"plugins": [{"type": "function", "id": "x", "model": OTHER}]},
        "plugins[0].model",
    ),
}  # fmt: skip
ALLOWED: dict[str, dict[str, Any]] = {
    "covered": {"models": [OWN, "openai/gpt-4o-mini"], "fallbacks": [{"model": OWN}]},
    "nothing": {"models": [], "fallbacks": None, "provider": {"allow_fallbacks": True}},
    "the caller's own": {
        "metadata": {"model": OTHER},
        "tools": [FUNCTION],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "car", "schema": {"properties": {"model": {"const": OTHER}}}},
        },
        "modalities": ["text"],
        "provider": {"order": ["azure"]},
        "plugins": [{"id": "web", "engine": "exa"}],
    },
}


@pytest.fixture
def told(site: Site) -> Iterator[Told]:
    with told_upstream() as upstream:
        site.connect(
            upstream.connection("openai_chat", "router", provider="openai-compatible", model=OWN)
        )
        yield upstream


def limited(*models: str) -> str:
    return create_gateway_key("limited", allowed_models=list(models))[1]


def ask(site: Site, key: str, body: dict[str, Any]) -> httpx.Response:
    return httpx.post(
        f"{site.base_url}/v1/chat/completions",
        json={"model": "router", "messages": HELLO, **body},
        headers={"authorization": f"Bearer {key}"},
        timeout=30,
        trust_env=False,
    )


@pytest.mark.parametrize("way", REFUSED)
def test_a_model_that_the_key_is_not_for_is_refused_and_not_sent(
    site: Site, told: Told, way: str
) -> None:
    body, path = REFUSED[way]
    answer = ask(site, limited("openai/gpt-4o*"), body)
    assert answer.status_code == 403, answer.text
    error = answer.json()["error"]
    assert (error["code"], error["param"]) == ("permission_denied", path)
    assert "openai/gpt-4o*" in error["message"]
    assert told.bodies == []


@pytest.mark.parametrize("way", ALLOWED)
def test_what_the_key_is_for_goes_on_as_it_came(site: Site, told: Told, way: str) -> None:
    told.will_say(200, ANSWER)
    answer = ask(site, limited("router/openai/gpt-4o*"), ALLOWED[way])
    assert answer.status_code == 200, answer.text
    assert told.bodies == [{"model": OWN, "messages": HELLO, **ALLOWED[way]}]


def test_a_key_for_all_models_may_name_them_all(site: Site, told: Told) -> None:
    told.will_say(200, ANSWER)
    body = {"models": [OTHER], "route": "fallback"}
    assert ask(site, site.key, body).status_code == 200
    assert told.bodies == [{"model": OWN, "messages": HELLO, **body}]


def test_more_fields_than_can_be_looked_at_are_refused(site: Site, told: Told) -> None:
    many: dict[str, Any] = {"x": [[]] * 30_000}
    answer = ask(site, limited("openai/gpt-4o*"), many)
    assert answer.status_code == 403, answer.text
    assert told.bodies == []


def test_anthropics_fallbacks_are_refused_in_its_dialect(site: Site, told: Told) -> None:
    site.connect(told.connection("anthropic_messages", "claude", model="claude-opus-4-8"))
    body = {"model": "claude", "max_tokens": 9, "messages": HELLO, "fallbacks": "default"}
    answer = httpx.post(
        f"{site.base_url}/v1/messages",
        content=json.dumps(body),
        headers={
            "x-api-key": limited("claude-opus-4-8"),
            "anthropic-beta": "server-side-fallback-2026-07-01",
        },
        timeout=30,
        trust_env=False,
    )
    assert answer.status_code == 403, answer.text
    assert answer.json()["error"]["type"] == "permission_error"
    assert "'fallbacks'" in answer.json()["error"]["message"]
    assert told.bodies == []


def test_googles_own_way_to_name_the_model_again_is_no_other_model(site: Site) -> None:
    site.connect(site.upstream("google_generate", name="google", model="gemini-embedding-001"))
    each = {"model": "models/whatever", "content": {"parts": [{"text": "Hi"}]}}
    answer = httpx.post(
        f"{site.base_url}/v1beta/models/google:batchEmbedContents",
        json={"requests": [each, each]},
        headers={"x-goog-api-key": limited("gemini-embedding-*")},
        timeout=30,
        trust_env=False,
    )
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["embeddings"]) == 2
