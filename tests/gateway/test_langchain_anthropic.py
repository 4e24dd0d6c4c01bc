"""LangChain's ChatAnthropic over each upstream dialect: it keeps what the site signs for others."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from pydantic import SecretStr

from tests.gateway.test_anthropic_sdk_tools import THINKING_MODELS
from tests.live_site import DIALECTS, Site


@tool
def weather(city: str) -> str:
    """Tells the weather."""
    return f"sunny in {city}"


@pytest.fixture(params=DIALECTS)
def model(request: pytest.FixtureRequest, site: Site) -> Any:
    """The chat model, thinking, over one connection in each dialect."""
    dialect = str(request.param)
    site.connect(site.upstream(dialect, model=THINKING_MODELS[dialect]))
    thinking: dict[str, Any] = {} if dialect == "openai_chat" else {"type": "adaptive"}
    return ChatAnthropic(
        model_name="auto",
        base_url=site.base_url,
        api_key=SecretStr(site.key),
        max_retries=0,
        timeout=60,
        stop=None,
        thinking=thinking or None,
    )


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
def test_two_rounds_with_a_tool(model: Any, streamed: bool) -> None:
    calling = model.bind_tools([weather])
    messages: list[Any] = [HumanMessage("Think twice")]
    for _ in range(2):
        answer = _ask(calling, messages, streamed=streamed)
        (call,) = answer.tool_calls
        assert (call["name"], call["args"]) == ("weather", {"city": "city"})
        messages += [answer, ToolMessage(weather.invoke(call["args"]), tool_call_id=call["id"])]
    answer = _ask(calling, messages, streamed=streamed)
    assert "sunny in city" in answer.text
    assert answer.response_metadata["stop_reason"] == "end_turn"
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["output_tokens"] > 0


def _ask(model: Any, messages: list[Any], *, streamed: bool) -> AIMessage:
    if not streamed:
        answer: AIMessage = model.invoke(messages)
        return answer
    whole, *others = list(model.stream(messages))
    for each in others:
        whole += each
    return AIMessage(
        whole.content,
        tool_calls=whole.tool_calls,
        response_metadata=whole.response_metadata,
        usage_metadata=whole.usage_metadata,
    )
