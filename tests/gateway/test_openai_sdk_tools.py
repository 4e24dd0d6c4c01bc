"""Tools through the official openai SDK over each upstream dialect, and the thoughts before them.

The simulator verifies what it signed: an upstream whose signature did not come back unchanged
refuses the next turn.
"""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

from tests.gateway.openai_callers import EVERY_WAY, Caller, calls_of, finish_of
from tests.live_site import DIALECTS, Site

THINKING_MODELS = {
    "openai_chat": "deepseek-reasoner",
    "anthropic_messages": "claude-sonnet-4-6",
    "google_generate": "gemini-3-signed",
}


def _tool(name: str, **properties: Any) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    function = {"name": name, "description": f"Tells the {name}.", "parameters": schema}
    return {"type": "function", "function": function}


WEATHER = _tool("weather", city={"type": "string"}, days={"type": "integer", "minimum": 2})
CLOCK = _tool("clock", zone={"enum": ["UTC", "CET"]})
TOOLS = [WEATHER, CLOCK]
CALLED = {
    "weather": {"city": "city", "days": 2},
    "clock": {"zone": "UTC"},
}


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
    (choice,) = caller.create("How is the weather?", tools=TOOLS).choices
    (call,) = choice.message.tool_calls
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    assert call.type == "function"
    assert call.function.name == "weather"
    assert json.loads(call.function.arguments) == CALLED["weather"]
    assert 0 < len(call.id) <= 40

    chunks = caller.stream("How is the weather?", tools=TOOLS)
    (streamed,) = calls_of(chunks)
    assert streamed["name"] == "weather"
    assert json.loads(streamed["arguments"]) == CALLED["weather"]
    assert 0 < len(streamed["id"]) <= 40
    assert finish_of(chunks) == "tool_calls"
    assert not any(chunk.choices[0].delta.content for chunk in chunks)


def test_streamed_arguments_are_the_text_of_the_plain_answer(caller: Caller) -> None:
    asked = "Both in parallel, please"
    plain = caller.create(asked, tools=TOOLS).choices[0].message.tool_calls
    streamed = calls_of(caller.stream(asked, tools=TOOLS))
    assert [(each["name"], each["arguments"]) for each in streamed] == [
        (each.function.name, each.function.arguments) for each in plain
    ]
    assembled = caller.assembled(asked, tools=TOOLS).choices[0].message.tool_calls
    assert [each.function.arguments for each in assembled] == [
        each.function.arguments for each in plain
    ]


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
def test_two_rounds_of_parallel_calls_are_answered_in_the_end(
    caller: Caller, streamed: bool
) -> None:
    ask = caller.assembled if streamed else caller.create
    messages: list[Any] = [
        {"role": "system", "content": "Use the tools."},
        {"role": "user", "content": "Ask twice, in parallel"},
    ]
    used: set[str] = set()
    for turn in (1, 2):
        choice = ask(messages, tools=TOOLS).choices[0]
        assert choice.finish_reason == "tool_calls"
        calls = choice.message.tool_calls
        assert [call.function.name for call in calls] == ["weather", "clock"]
        used |= {call.id for call in calls}
        messages.append(_as_history(choice.message))
        messages += [_result(call, f"{call.function.name} {turn}") for call in reversed(calls)]
    assert len(used) == 4, "each call has an id of its own"

    choice = ask(messages, tools=TOOLS).choices[0]
    assert choice.finish_reason == "stop"
    assert choice.message.content.startswith("Tool result: ")
    assert "weather 2" in choice.message.content
    assert "clock 2" in choice.message.content
    messages.append(_as_history(choice.message))
    messages.append({"role": "user", "content": "Thank you"})
    thanks = ask(messages, tools=TOOLS, tool_choice="none").choices[0]
    assert thanks.message.content == "Echo: Thank you"
    assert "clock 1" in caller.sent().body.decode()


def test_the_declared_tools_reach_the_upstream_with_their_schemas(one_way: Caller) -> None:
    one_way.create("How is the weather?", tools=TOOLS)
    body = one_way.body()
    schema = WEATHER["function"]["parameters"]
    match one_way.dialect:
        case "openai_chat":
            assert body["tools"] == TOOLS
        case "anthropic_messages":
            weather, clock = body["tools"]
            assert (weather["name"], clock["name"]) == ("weather", "clock")
            assert weather["description"] == "Tells the weather."
            assert weather["input_schema"] == schema
        case _:
            weather, _ = body["tools"][0]["functionDeclarations"]
            assert weather == {
                "name": "weather",
                "description": "Tells the weather.",
                "parametersJsonSchema": schema,
            }


def test_tool_choice_is_obeyed(caller: Caller) -> None:
    def called(choice: Any) -> list[str]:
        message = caller.create("Hello", tools=TOOLS, tool_choice=choice).choices[0].message
        return [call.function.name for call in message.tool_calls or ()]

    def said() -> Any:
        body = caller.body()
        if caller.dialect == "google_generate":
            return body["toolConfig"]["functionCallingConfig"]
        return body["tool_choice"]

    expected: dict[str, Any] = {
        "openai_chat": ["none", "required", "auto"],
        "anthropic_messages": [{"type": "none"}, {"type": "any"}, {"type": "auto"}],
        "google_generate": [{"mode": "NONE"}, {"mode": "ANY"}, {"mode": "AUTO"}],
    }
    none, required, auto = expected[caller.dialect]
    assert (called("none"), said()) == ([], none)
    assert (called("required"), said()) == (["weather"], required)
    assert (called("auto"), said()) == (["weather"], auto)
    named = {"type": "function", "function": {"name": "clock"}}
    assert called(named) == ["clock"]
    assert (
        said()
        == {
            "openai_chat": named,
            "anthropic_messages": {"type": "tool", "name": "clock"},
            "google_generate": {"mode": "ANY", "allowedFunctionNames": ["clock"]},
        }[caller.dialect]
    )


def test_one_call_at_a_time_where_the_upstream_has_that(one_way: Caller) -> None:
    answer = one_way.create("In parallel!", tools=TOOLS, parallel_tool_calls=False)
    calls = answer.choices[0].message.tool_calls
    if one_way.dialect == "google_generate":
        assert len(calls) == 2
        assert one_way.site.row().warnings == ["parallel_tool_calls"]
    else:
        assert [call.function.name for call in calls] == ["weather"]
        assert one_way.site.row().warnings == []


RESULTS: dict[str, Any] = {
    "an error": 'The service is down: {"error": 503}',
    "nothing": "",
    "parts": [{"type": "text", "text": "Sunny, "}, {"type": "text", "text": "then rain"}],
    "JSON": json.dumps({"sky": "grüne \u2028 Wolken", "degrees": [1, 2.5, None]}),
}


def test_results_of_every_shape_reach_the_model(one_way: Caller) -> None:
    asked: list[Any] = [{"role": "user", "content": "How is the weather?"}]
    message = one_way.create(asked, tools=TOOLS).choices[0].message
    for shape, result in RESULTS.items():
        messages = [*asked, _as_history(message), _result(message.tool_calls[0], result)]
        choice = one_way.create(messages, tools=TOOLS).choices[0]
        assert choice.message.content.startswith("Tool result: "), shape
        texts = [result] if isinstance(result, str) else [part["text"] for part in result]
        seen = json.dumps(one_way.body(), ensure_ascii=False)
        for text in texts:
            assert json.dumps(text, ensure_ascii=False)[1:-1] in seen, shape


def test_a_call_with_text_beside_it_and_one_with_null_content(one_way: Caller) -> None:
    def call(number: int) -> dict[str, Any]:
        function = {"name": "clock", "arguments": '{"zone": "CET"}'}
        return {"id": f"call_{number}", "type": "function", "function": function}

    messages = [
        {"role": "user", "content": "What time is it?"},
        {"role": "assistant", "content": "Let me look.", "tool_calls": [call(1)]},
        {"role": "tool", "tool_call_id": "call_1", "content": "noon"},
        {"role": "assistant", "content": None, "tool_calls": [call(2)]},
        {"role": "tool", "tool_call_id": "call_2", "content": "still noon"},
    ]
    answer = one_way.create(messages, tools=TOOLS)
    assert "still noon" in answer.choices[0].message.content
    sent = one_way.sent().body.decode()
    assert "Let me look." in sent
    assert sent.count('"CET"') + sent.count('\\"CET\\"') == 3


def test_a_tool_without_parameters_can_be_called(one_way: Caller) -> None:
    tool = {"type": "function", "function": {"name": "now"}}
    messages: list[Any] = [{"role": "user", "content": "What time is it?"}]
    message = one_way.create(messages, tools=[tool]).choices[0].message
    (call,) = message.tool_calls
    assert (call.function.name, json.loads(call.function.arguments)) == ("now", {})
    (streamed,) = calls_of(one_way.stream(messages, tools=[tool]))
    assert json.loads(streamed["arguments"]) == {}
    messages += [_as_history(message), _result(call, "noon")]
    assert "noon" in one_way.create(messages, tools=[tool]).choices[0].message.content


@pytest.mark.parametrize("failure", ["", "bad-tool-json"], ids=["valid", "invalid"])
def test_arguments_are_passed_on_as_the_model_wrote_them(site: Site, failure: str) -> None:
    caller = Caller(site, "openai_chat")
    caller.connect(failure=failure)
    call = caller.create("Hello", tools=TOOLS).choices[0].message.tool_calls[0]
    assert call.function.arguments == ('{"broken": "arg' if failure else '{"city":"city","days":2}')


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
def test_thoughts_and_their_signatures_survive_the_rounds_of_a_tool(
    caller: Caller, streamed: bool
) -> None:
    caller.connect(model=THINKING_MODELS[caller.dialect])
    said = _think_twice(caller, "Think twice", streamed=streamed)
    assert [each.reasoning_content for each in said[:3]] == ["Thinking about: Think twice"] * 3
    sent = caller.body()
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
@pytest.mark.parametrize("model", ["claude-sonnet-4-6", "claude-haiku-4-5"])
def test_thoughts_that_the_upstream_hides_survive_as_well(
    site: Site, model: str, streamed: bool
) -> None:
    caller = Caller(site, "anthropic_messages")
    caller.connect(model=model)
    _think_twice(caller, "Think twice, redacted", streamed=streamed)
    hidden, *_ = kinds = _kinds_of_blocks(caller.body())
    assert kinds == [hidden, "tool_use", hidden, "tool_use", hidden, "text"]
    assert hidden == "redacted_thinking"


def test_a_model_that_must_have_thought_before_a_call_answers_one_of_another_dialect(
    site: Site,
) -> None:
    function = {"name": "clock", "arguments": '{"zone": "CET"}'}
    caller = Caller(site, "anthropic_messages")
    caller.connect(model="claude-haiku-4-5")
    answer = caller.create(
        [
            {"role": "user", "content": "What time is it?"},
            {
                "role": "assistant",
                "tool_calls": [{"id": "call_1", "type": "function", "function": function}],
            },
            {"role": "tool", "tool_call_id": "call_1", "content": "noon"},
        ],
        tools=TOOLS,
        reasoning_effort="high",
    )
    assert answer.choices[0].message.content == "Tool result: noon"
    assert site.row().warnings == ["reasoning: not possible together with these tools"]


@pytest.mark.parametrize("before", DIALECTS)
def test_a_conversation_goes_on_in_another_dialect(site: Site, before: str) -> None:
    first = Caller(site, before)
    first.connect(model=THINKING_MODELS[before])
    messages: list[Any] = [{"role": "user", "content": "Think, in parallel"}]
    message = first.create(messages, tools=TOOLS, reasoning_effort="low").choices[0].message
    messages.append(_as_history(message))
    messages += [_result(call, call.function.name) for call in message.tool_calls]

    others = {**THINKING_MODELS, "openai_chat": "gpt-strict"}
    for after in DIALECTS.keys() - {before}:
        then = Caller(site, after)
        then.connect(model=others[after])
        answer = then.create(messages, tools=TOOLS, reasoning_effort="low")
        content = answer.choices[0].message.content
        assert "weather" in content
        assert "clock" in content
        sent = then.sent().body.decode()
        assert "koneek" not in sent
        assert "Thinking about" not in sent


def test_tools_of_this_dialect_alone_are_refused_elsewhere_and_skipped_in_a_chain(
    site: Site,
) -> None:
    custom = {"type": "custom", "custom": {"name": "shell"}}
    caller = Caller(site, "anthropic_messages")
    caller.connect()
    with pytest.raises(openai.BadRequestError, match="custom") as caught:
        caller.create("Hello", tools=[custom])
    assert caught.value.code == "unsupported_feature"
    assert site.simulator.requests == []


def _think_twice(caller: Caller, prompt: str, *, streamed: bool) -> list[Any]:
    """Two rounds with a tool, an answer, and one more question; what the model said each time."""
    ask = caller.assembled if streamed else caller.create
    options = {} if caller.dialect == "openai_chat" else {"reasoning_effort": "high"}
    messages: list[Any] = [{"role": "user", "content": prompt}]
    said: list[Any] = []
    for _ in range(2):
        said.append(ask(messages, tools=TOOLS, **options).choices[0].message)
        messages += [_as_history(said[-1]), _result(said[-1].tool_calls[0], "sunny")]
    said.append(ask(messages, tools=TOOLS, **options).choices[0].message)
    assert "sunny" in said[-1].content
    messages += [_as_history(said[-1]), {"role": "user", "content": "And now? Think"}]
    said.append(ask(messages, **options).choices[0].message)
    assert said[-1].content == "Echo: And now? Think"
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


def _as_history(message: Any) -> dict[str, Any]:
    """An answer as programs put it into the next request: all that came, nulls left out."""
    given: dict[str, Any] = message.to_dict(mode="json", exclude_unset=True, exclude_none=True)
    given.pop("parsed", None)
    for call in given.get("tool_calls") or ():
        call["function"].pop("parsed_arguments", None)
        call.pop("index", None)
    return given


def _result(call: Any, content: Any) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call.id, "content": content}
