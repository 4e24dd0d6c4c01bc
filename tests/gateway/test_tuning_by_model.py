"""Tuning that a model refuses is not sent to it where the request is translated.

The simulator refuses what OpenAI refuses of its models, by their names.
"""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.live_site import Site

HELLO = [{"role": "user", "content": "Hello there"}]
THINK = {"type": "enabled", "budget_tokens": 5000}
OFF = {"type": "disabled"}


@pytest.mark.parametrize("model", ["o3", "gpt-5", "gpt-5-pro", "gpt-5.6"])
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_a_reasoning_model_gets_no_temperature(site: Site, model: str, stream: bool) -> None:
    site.connect(site.upstream("openai_chat", model=model))
    answer = _messages(site, temperature=0.5, top_p=0.9, top_k=7, stream=stream)
    assert answer.status_code == 200, answer.text
    assert not {"temperature", "top_p", "top_k"} & _sent(site).keys()
    told = " ".join(site.row().warnings)
    assert all(name in told for name in ("temperature", "top_p", "top_k"))


@pytest.mark.parametrize(
    ("model", "said"),
    [("gpt-4o", {}), ("gpt-simulated", {}), ("gpt-5.2", {}), ("some-model", {})],
)
def test_other_models_get_it(site: Site, model: str, said: dict[str, Any]) -> None:
    site.connect(site.upstream("openai_chat", model=model))
    assert _messages(site, temperature=0.5, top_p=0.9, **said).status_code == 200
    assert (_sent(site)["temperature"], _sent(site)["top_p"]) == (0.5, 0.9)
    assert site.row().warnings == []


def test_it_is_dropped_in_azure_by_the_deployments_name(site: Site) -> None:
    upstream = {**site.upstream("openai_chat"), "provider": "azure-ai-foundry"}
    said = {"deployments": "o3", "surface": "v1", "endpoint_type": "foundry"}
    site.connect({**upstream, "model": "o3", "fields": said})
    _messages(site, temperature=0.5, presence_penalty=1)
    assert _sent(site)["model"] == "o3"
    assert "temperature" not in _sent(site)


@pytest.mark.parametrize(
    ("model", "thinking", "effort", "warned"),
    [
        ("gpt-4o", OFF, None, False),
        ("gpt-4o", THINK, None, True),
        ("gpt-4.1-mini", THINK, None, True),
        ("o3", OFF, "low", True),
        ("gpt-5-mini", OFF, "minimal", True),
        ("gpt-5.1", OFF, "none", False),
        ("gpt-5.4", THINK, "medium", True),
        ("gpt-simulated", OFF, "none", False),
    ],
)
def test_thinking_is_asked_for_as_the_model_knows_it(
    site: Site, model: str, thinking: Any, effort: str | None, warned: bool
) -> None:
    site.connect(site.upstream("openai_chat", model=model))
    answer = _messages(site, thinking=thinking, max_tokens=9000)
    assert answer.status_code == 200, answer.text
    assert _sent(site).get("reasoning_effort") == effort
    assert ("reason" in " ".join(site.row().warnings)) is warned


def test_a_model_asked_by_responses_only_gets_the_effort_that_it_has(site: Site) -> None:
    site.connect(site.upstream("openai_chat", model="gpt-5-pro"))
    answer = _messages(site, thinking=THINK, temperature=0.3, max_tokens=9000)
    assert answer.status_code == 200, answer.text
    assert _sent(site)["reasoning"] == {"effort": "high", "summary": "auto"}


@pytest.mark.parametrize(("thinking", "kept"), [(OFF, True), (THINK, False)])
def test_a_temperature_goes_where_thinking_is_off(site: Site, thinking: Any, kept: bool) -> None:
    site.connect(site.upstream("openai_chat", model="gpt-5.2"))
    answer = _messages(site, thinking=thinking, temperature=0.5, max_tokens=9000)
    assert answer.status_code == 200, answer.text
    assert ("temperature" in _sent(site)) is kept
    assert ("temperature" in " ".join(site.row().warnings)) is not kept


def test_penalties_do_not_go_to_gemini_models_that_refuse_them(site: Site) -> None:
    site.connect(site.upstream("google_generate", model="gemini-2.5-flash"))
    body = {"model": "auto", "messages": HELLO, "presence_penalty": 0.5, "temperature": 0.5}
    answer = httpx.post(f"{site.base_url}/v1/chat/completions", json=body, headers=_key(site))
    assert answer.status_code == 200, answer.text
    assert _sent(site)["generationConfig"] == {"temperature": 0.5}
    assert "presence_penalty" in " ".join(site.row().warnings)


@pytest.mark.parametrize(
    ("dialect", "model"),
    [("anthropic_messages", "claude-3-5-haiku-20241022"), ("google_generate", "gemini-2.0-flash")],
)
@pytest.mark.parametrize(("effort", "warned"), [("none", False), ("high", True)])
def test_a_model_that_does_not_think_is_told_nothing_of_it(
    site: Site, dialect: str, model: str, effort: str, warned: bool
) -> None:
    site.connect(site.upstream(dialect, model=model))
    body = {"model": "auto", "messages": HELLO, "reasoning_effort": effort}
    answer = httpx.post(f"{site.base_url}/v1/chat/completions", json=body, headers=_key(site))
    assert answer.status_code == 200, answer.text
    assert "thinking" not in json.dumps(_sent(site)).lower()
    assert ("reasoning" in " ".join(site.row().warnings)) is warned


def test_a_caller_of_the_models_own_dialect_is_forwarded_as_it_asked(site: Site) -> None:
    site.connect(site.upstream("openai_chat", model="o3"))
    body = {"model": "auto", "messages": HELLO, "temperature": 0.5}
    answer = httpx.post(f"{site.base_url}/v1/chat/completions", json=body, headers=_key(site))
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "temperature"
    assert _sent(site)["temperature"] == 0.5


def _messages(site: Site, **said: Any) -> httpx.Response:
    body = {"model": "auto", "max_tokens": 200, "messages": HELLO, **said}
    return httpx.post(f"{site.base_url}/v1/messages", json=body, headers=_key(site))


def _key(site: Site) -> dict[str, str]:
    return {"authorization": f"Bearer {site.key}"}


def _sent(site: Site) -> dict[str, Any]:
    sent = site.simulator.requests[-1].json
    assert isinstance(sent, dict)
    return sent
