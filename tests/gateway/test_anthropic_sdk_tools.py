"""Tools through the official anthropic SDK over each upstream dialect, thoughts before them.

The simulator verifies what it signed: an upstream whose signature did not come back unchanged
refuses the next turn.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.gateway.anthropic_callers import EVERY_WAY, Caller, calls_of, result_of, text_of
from tests.live_site import DIALECTS, Site

THINKING_MODELS = {
    "openai_chat": "deepseek-reasoner",
    "anthropic_messages": "claude-sonnet-4-6",
    "google_generate": "gemini-3-signed",
}
ADAPTIVE = {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}


def _tool(name: str, **properties: Any) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    return {"name": name, "description": f"Tells the {name}.", "input_schema": schema}


TOOLS = [
    _tool("weather", city={"type": "string"}, days={"type": "integer", "minimum": 2}),
    _tool("clock", zone={"enum": ["UTC", "CET"]}),
]
CALLED = {"weather": {"city": "city", "days": 2}, "clock": {"zone": "UTC"}}


@pytest.fixture(params=EVERY_WAY, ids=lambda way: "-".join(way))
def caller(request: pytest.FixtureRequest, site: Site) -> Caller:
    """The SDK, both ways, over one connection in each dialect."""
    caller = Caller(site, *request.param)
    caller.connect()
    return caller


@pytest.fixture(params=DIALECTS)
def one_way(request: pytest.FixtureRequest, site: Site) -> Caller:
    """The blocking SDK over one connection in each dialect."""
    caller = Caller(site, request.param)
    caller.connect()
    return caller


def test_a_call_is_the_same_plain_and_streamed(caller: Caller) -> None:
    for ask in (caller.create, caller.assembled):
        answer = ask("How is the weather?", tools=TOOLS)
        assert answer.stop_reason == "tool_use"
        (call,) = calls_of(answer)
        assert (call.type, call.name, call.input) == ("tool_use", "weather", CALLED["weather"])
        assert call.id.replace("_", "").replace("-", "").isalnum()


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
def test_two_rounds_of_parallel_calls_are_answered_in_the_end(
    caller: Caller, streamed: bool
) -> None:
    ask = caller.assembled if streamed else caller.create
    messages: list[Any] = [{"role": "user", "content": "Ask twice, in parallel"}]
    used: set[str] = set()
    for turn in (1, 2):
        answer = ask(messages, tools=TOOLS, system="Use the tools.")
        assert answer.stop_reason == "tool_use"
        calls = calls_of(answer)
        assert [(call.name, call.input) for call in calls] == list(CALLED.items())
        used |= {call.id for call in calls}
        messages.append({"role": "assistant", "content": answer.content})
        results = [result_of(call, f"{call.name} {turn}") for call in reversed(calls)]
        messages.append({"role": "user", "content": results})
    assert len(used) == 4, "each call has an id of its own"

    answer = ask(messages, tools=TOOLS)
    assert answer.stop_reason == "end_turn"
    assert text_of(answer).startswith("Tool result: ")
    assert "weather 2" in text_of(answer)
    assert "clock 2" in text_of(answer)
    messages.append({"role": "assistant", "content": answer.content})
    messages.append({"role": "user", "content": "Thank you"})
    thanks = ask(messages, tools=TOOLS, tool_choice={"type": "none"})
    assert text_of(thanks) == "Echo: Thank you"
    assert "clock 1" in caller.sent().body.decode()


def test_tool_choice_is_obeyed(caller: Caller) -> None:
    def called(**choice: Any) -> list[str]:
        answer = caller.create("Hello, in parallel", tools=TOOLS, tool_choice=choice)
        return [call.name for call in calls_of(answer)]

    assert called(type="none") == []
    assert called(type="any") == ["weather", "clock"]
    assert called(type="auto") == ["weather", "clock"]
    assert called(type="tool", name="clock") == ["clock"]
    if caller.dialect != "google_generate":
        assert called(type="auto", disable_parallel_tool_use=True) == ["weather"]


RESULTS: dict[str, Any] = {
    "a text": "Sunny",
    "parts": [{"type": "text", "text": "Sunny, "}, {"type": "text", "text": "then rain"}],
}


@pytest.mark.parametrize("failed", [False, True])
def test_results_of_every_shape_reach_the_model(one_way: Caller, failed: bool) -> None:
    asked = {"role": "user", "content": "How is the weather?"}
    answer = one_way.create([asked], tools=TOOLS)
    for shape, content in RESULTS.items():
        result = result_of(calls_of(answer)[0], content, is_error=failed)
        messages = [
            asked,
            {"role": "assistant", "content": answer.content},
            {"role": "user", "content": [result]},
        ]
        said = text_of(one_way.create(messages, tools=TOOLS))
        # OpenAI's chat format has no word for a result that is an error.
        known = failed and one_way.dialect != "openai_chat"
        assert said.startswith("Tool error: " if known else "Tool result: "), shape
        assert "Sunny" in said


def test_the_result_of_a_tool_may_be_a_picture_where_the_upstream_sees_it(site: Site) -> None:
    png = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
    for dialect, model in (
        ("anthropic_messages", "claude-sonnet-4-6"),
        ("google_generate", "gemini-3-signed"),
    ):
        caller = Caller(site, dialect)
        caller.connect(model=model)
        asked = {"role": "user", "content": "How is the weather?"}
        answer = caller.create([asked], tools=TOOLS)
        result = result_of(calls_of(answer)[0], [{"type": "image", "source": png}])
        messages = [
            asked,
            {"role": "assistant", "content": answer.content},
            {"role": "user", "content": [result]},
        ]
        caller.create(messages, tools=TOOLS)
        assert png["data"] in caller.sent().body.decode()


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
def test_thoughts_and_their_signatures_survive_the_rounds_of_a_tool(
    caller: Caller, streamed: bool
) -> None:
    caller.connect(model=THINKING_MODELS[caller.dialect])
    said = _think_twice(caller, "Think twice", streamed=streamed)
    for answer in said[:3]:
        thinking = answer.content[0]
        assert (thinking.type, thinking.thinking) == ("thinking", "Thinking about: Think twice")
        assert thinking.signature
    sent = caller.body()
    assert "koneek" not in caller.sent().body.decode()
    match caller.dialect:
        case "openai_chat":
            assert sum("reasoning_content" in each for each in sent["messages"]) == 3
        case "anthropic_messages":
            kinds = _kinds_of_blocks(sent)
            assert kinds == ["thinking", "tool_use", "thinking", "tool_use", "thinking", "text"]
        case _:
            parts = [part for turn in sent["contents"] for part in turn["parts"]]
            calls = [part for part in parts if "functionCall" in part]
            assert all(len(part["thoughtSignature"]) > 30 for part in calls)
            assert sum(part.get("thought", False) for part in parts) == 3


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
def test_thoughts_that_the_upstream_hides_survive_as_well(site: Site, streamed: bool) -> None:
    caller = Caller(site, "anthropic_messages")
    caller.connect(model="claude-sonnet-4-6")
    said = _think_twice(caller, "Think twice, redacted", streamed=streamed)
    assert said[0].content[0].type == "redacted_thinking"
    assert _kinds_of_blocks(caller.body())[0] == "redacted_thinking"


@pytest.mark.parametrize("before", DIALECTS)
@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
def test_a_conversation_goes_on_in_another_dialect(site: Site, before: str, streamed: bool) -> None:
    first = Caller(site, before)
    first.connect(model=THINKING_MODELS[before])
    asked = {"role": "user", "content": "Think, in parallel"}
    answer = (first.assembled if streamed else first.create)([asked], tools=TOOLS, **ADAPTIVE)
    messages = [
        asked,
        {"role": "assistant", "content": answer.content},
        {"role": "user", "content": [result_of(call, call.name) for call in calls_of(answer)]},
    ]
    others = {**THINKING_MODELS, "openai_chat": "gpt-4-strict"}
    for after in DIALECTS.keys() - {before}:
        then = Caller(site, after)
        then.connect(model=others[after])
        said = text_of(then.create(messages, tools=TOOLS, **ADAPTIVE))
        assert "weather" in said
        assert "clock" in said
        sent = then.sent().body.decode()
        assert "koneek" not in sent
        assert "Thinking about" not in sent


def test_thinking_is_asked_for_in_the_upstreams_words(site: Site) -> None:
    models = {
        "openai_chat": "gpt-5.4-mini",
        "anthropic_messages": "claude-sonnet-4-6",
        "google_generate": "gemini-3.8-flash",
    }
    for dialect, model in models.items():
        caller = Caller(site, dialect)
        caller.connect(model=model)
        config = {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}
        usage = caller.create("Hello", **config).usage
        assert usage.output_tokens_details.thinking_tokens == 3
        body = caller.body()
        match dialect:
            case "openai_chat":
                assert body["reasoning_effort"] == "low"
            case "anthropic_messages":
                assert {name: body[name] for name in config} == config
            case _:
                assert body["generationConfig"]["thinkingConfig"]["thinkingLevel"] == "LOW"


def _think_twice(caller: Caller, prompt: str, *, streamed: bool) -> list[Any]:
    """Two rounds with a tool, an answer, and one more question; what the model said each time."""
    ask = caller.assembled if streamed else caller.create
    options: dict[str, Any] = {} if caller.dialect == "openai_chat" else ADAPTIVE
    messages: list[Any] = [{"role": "user", "content": prompt}]
    said: list[Any] = []
    for _ in range(2):
        said.append(ask(messages, tools=TOOLS, **options))
        messages.append({"role": "assistant", "content": said[-1].content})
        result = result_of(calls_of(said[-1])[0], "sunny")
        messages.append({"role": "user", "content": [result]})
    said.append(ask(messages, tools=TOOLS, **options))
    assert "sunny" in text_of(said[-1])
    messages.append({"role": "assistant", "content": said[-1].content})
    messages.append({"role": "user", "content": "And now? Think"})
    said.append(ask(messages, **options))
    assert text_of(said[-1]) == "Echo: And now? Think"
    assert len(caller.site.simulator.requests) == 4
    return said


def _kinds_of_blocks(body: Any) -> list[str]:
    """The types of the blocks in the assistant's turns of a request to Anthropic."""
    return [
        block["type"]
        for turn in body["messages"]
        if turn["role"] == "assistant"
        for block in turn["content"]
    ]
