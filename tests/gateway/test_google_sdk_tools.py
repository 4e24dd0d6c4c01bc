"""Tools through the official google-genai SDK over each upstream dialect, and thoughts before them.

The simulator verifies what it signed: an upstream whose signature did not come back unchanged
refuses the next turn.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.genai import types

from tests.gateway.google_callers import (
    ALLOWED,
    GoogleCaller,
    calls_of,
    google_sdk,
    parts_of,
    result_of,
)
from tests.gateway.openai_callers import EVERY_WAY
from tests.live_site import DIALECTS, Site

pytestmark = ALLOWED

THINKING_MODELS = {
    "openai_chat": "deepseek-reasoner",
    "anthropic_messages": "claude-sonnet-4-6",
    "google_generate": "gemini-3-signed",
}
WEATHER = types.FunctionDeclaration(
    name="weather",
    description="Tells the weather.",
    parameters=types.Schema(
        type=types.Type.OBJECT,
        properties={
            "city": types.Schema(type=types.Type.STRING),
            "days": types.Schema(type=types.Type.INTEGER, minimum=2),
        },
        required=["city", "days"],
    ),
)
CLOCK = types.FunctionDeclaration(
    name="clock",
    description="Tells the time.",
    parameters_json_schema={
        "type": "object",
        "properties": {"zone": {"enum": ["UTC", "CET"]}},
        "required": ["zone"],
    },
)
TOOLS = [types.Tool(function_declarations=[WEATHER, CLOCK])]
CALLED = {"weather": {"city": "city", "days": 2}, "clock": {"zone": "UTC"}}


@pytest.fixture(params=EVERY_WAY, ids=lambda way: "-".join(way))
def caller(request: pytest.FixtureRequest, site: Site) -> GoogleCaller:
    """The SDK, both ways, over one connection in each dialect."""
    caller = GoogleCaller(site, *request.param)
    caller.connect()
    return caller


@pytest.fixture(params=DIALECTS)
def one_way(request: pytest.FixtureRequest, site: Site) -> GoogleCaller:
    """The blocking SDK over one connection in each dialect."""
    caller = GoogleCaller(site, request.param)
    caller.connect()
    return caller


def test_a_call_is_whole_plain_and_streamed(caller: GoogleCaller) -> None:
    answer = caller.generate("How is the weather?", tools=TOOLS)
    (call,) = calls_of(parts_of(answer))
    assert (call.name, call.args) == ("weather", CALLED["weather"])
    assert answer.candidates[0].finish_reason is types.FinishReason.STOP
    pieces = caller.stream("How is the weather?", tools=TOOLS)
    (streamed,) = calls_of([part for piece in pieces for part in parts_of(piece)])
    assert (streamed.name, streamed.args) == ("weather", CALLED["weather"])


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
def test_two_rounds_of_parallel_calls_are_answered_in_the_end(
    caller: GoogleCaller, streamed: bool
) -> None:
    config: dict[str, Any] = {"tools": TOOLS, "system_instruction": "Use the tools."}
    contents: list[Any] = [types.UserContent("Ask twice, in parallel")]
    for turn in (1, 2):
        said = caller.said(contents, streamed=streamed, **config)
        calls = calls_of(said.parts)
        assert [call.name for call in calls] == ["weather", "clock"]
        assert [call.args for call in calls] == list(CALLED.values())
        results = [result_of(call, {"result": f"{call.name} {turn}"}) for call in reversed(calls)]
        contents += [said, types.UserContent(results)]

    answer = caller.generate(contents, **config)
    assert answer.text.startswith("Tool result: ")
    assert "weather 2" in answer.text
    assert "clock 2" in answer.text
    contents += [answer.candidates[0].content, types.UserContent("Thank you")]
    none = types.ToolConfig(function_calling_config=_calling("NONE"))
    assert caller.generate(contents, tool_config=none, **config).text == "Echo: Thank you"
    assert "clock 1" in caller.sent().body.decode()


def test_python_functions_are_called_by_the_sdk_itself(one_way: GoogleCaller) -> None:
    asked: list[str] = []

    def weather(city: str) -> str:
        """Tells the weather."""
        asked.append(city)
        return f"sunny in {city}"

    answer = one_way.generate("How is the weather?", tools=[weather])
    assert asked == ["city"]
    said = "sunny in city"
    if one_way.dialect == "google_generate":
        said = json.dumps({"result": said}, separators=(",", ":"))
    assert answer.text == f"Tool result: {said}"


def test_the_declared_tools_reach_the_upstream_with_their_schemas(one_way: GoogleCaller) -> None:
    one_way.generate("How is the weather?", tools=TOOLS)
    body = one_way.body()
    weather = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 2}},
        "required": ["city", "days"],
    }
    match one_way.dialect:
        case "openai_chat":
            schemas = [each["function"]["parameters"] for each in body["tools"]]
        case "anthropic_messages":
            schemas = [each["input_schema"] for each in body["tools"]]
        case _:
            first, second = body["tools"][0]["functionDeclarations"]
            assert first["parameters"]["type"] == "OBJECT"
            # The SDK itself writes this field, which holds JSON of any kind, in snake case.
            assert second["parameters_json_schema"] == CLOCK.parameters_json_schema
            return
    assert schemas == [weather, CLOCK.parameters_json_schema]


def test_the_choice_of_tools_is_obeyed(caller: GoogleCaller) -> None:
    def called(mode: str, *names: str) -> list[str]:
        config = types.ToolConfig(function_calling_config=_calling(mode, *names))
        answer = caller.generate("Hello", tools=TOOLS, tool_config=config)
        return [call.name for call in calls_of(parts_of(answer))]

    assert called("NONE") == []
    assert called("ANY") == ["weather"]
    assert called("AUTO") == ["weather"]
    assert called("ANY", "clock") == ["clock"]
    assert called("ANY", "clock", "weather") == ["weather"]


def test_arguments_that_are_no_json_are_told_as_google_tells_its_own(site: Site) -> None:
    caller = GoogleCaller(site, "openai_chat")
    caller.connect(failure="bad-tool-json")
    answer = caller.generate("How is the weather?", tools=TOOLS)
    assert calls_of(parts_of(answer)) == []
    malformed = types.FinishReason.MALFORMED_FUNCTION_CALL
    assert answer.candidates[0].finish_reason is malformed
    pieces = caller.stream("How is the weather?", tools=TOOLS)
    assert pieces[-1].candidates[0].finish_reason is malformed


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
def test_thoughts_and_their_signatures_survive_the_rounds_of_a_tool(
    caller: GoogleCaller, streamed: bool
) -> None:
    caller.connect(model=THINKING_MODELS[caller.dialect])
    said = _think_twice(caller, "Think twice", streamed=streamed)
    thoughts = [
        "".join(part.text or "" for part in each.parts if part.thought) for each in said[:3]
    ]
    assert thoughts == ["Thinking about: Think twice"] * 3
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


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
def test_thoughts_that_the_upstream_hides_survive_as_well(site: Site, streamed: bool) -> None:
    caller = GoogleCaller(site, "anthropic_messages")
    caller.connect(model="claude-sonnet-4-6")
    _think_twice(caller, "Think twice, redacted", streamed=streamed)
    hidden = "redacted_thinking"
    kinds = _kinds_of_blocks(caller.body())
    assert kinds == [hidden, "tool_use", hidden, "tool_use", hidden, "text"]


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("before", DIALECTS)
def test_a_conversation_goes_on_in_another_dialect(site: Site, before: str, streamed: bool) -> None:
    first = GoogleCaller(site, before)
    first.connect(model=THINKING_MODELS[before])
    contents: list[Any] = [types.UserContent("Think, in parallel")]
    config: dict[str, Any] = {"tools": TOOLS, "thinking_config": _thinking(before)}
    said = first.said(contents, streamed=streamed, **config)
    results = [result_of(call, {"result": call.name}) for call in calls_of(said.parts)]
    contents += [said, types.UserContent(results)]

    others = {**THINKING_MODELS, "openai_chat": "gpt-4-strict"}
    for after in DIALECTS.keys() - {before}:
        then = GoogleCaller(site, after)
        then.connect(model=others[after])
        answer = then.generate(contents, tools=TOOLS, thinking_config=_thinking(after))
        assert "weather" in answer.text
        assert "clock" in answer.text
        sent = then.sent().body.decode()
        assert "a29uZWVr" not in sent, "no mark of ours leaves for an upstream"
        assert "Thinking about" not in sent


def test_tools_of_google_alone_are_refused_elsewhere(site: Site) -> None:
    caller = GoogleCaller(site, "anthropic_messages")
    caller.connect()
    tools: list[Any] = [types.Tool(code_execution=types.ToolCodeExecution())]
    with google_sdk(site) as sdk, pytest.raises(Exception, match="codeExecution") as caught:
        sdk.models.generate_content(
            model="auto", contents="Hello", config=types.GenerateContentConfig(tools=tools)
        )
    assert getattr(caught.value, "code", None) == 400
    assert site.simulator.requests == []


def _calling(mode: str, *names: str) -> types.FunctionCallingConfig:
    return types.FunctionCallingConfig(
        mode=types.FunctionCallingConfigMode(mode), allowed_function_names=list(names) or None
    )


def _thinking(dialect: str) -> types.ThinkingConfig:
    if dialect == "google_generate":
        return types.ThinkingConfig(thinking_level=types.ThinkingLevel.HIGH, include_thoughts=True)
    return types.ThinkingConfig(thinking_budget=2048, include_thoughts=True)


def _think_twice(caller: GoogleCaller, prompt: str, *, streamed: bool) -> list[Any]:
    """Two rounds with a tool, an answer, and one more question; what the model said each time."""
    config: dict[str, Any] = {}
    if caller.dialect != "openai_chat":
        config["thinking_config"] = _thinking(caller.dialect)
    contents: list[Any] = [types.UserContent(prompt)]
    said: list[Any] = []
    for _ in range(2):
        said.append(caller.said(contents, streamed=streamed, tools=TOOLS, **config))
        (call, *_rest) = calls_of(said[-1].parts)
        contents += [said[-1], types.UserContent([result_of(call, {"result": "sunny"})])]
    said.append(caller.said(contents, streamed=streamed, tools=TOOLS, **config))
    assert "sunny" in _text(said[-1])
    contents += [said[-1], types.UserContent("And now? Think")]
    said.append(caller.said(contents, streamed=streamed, **config))
    assert _text(said[-1]) == "Echo: And now? Think"
    assert len(caller.site.simulator.requests) == 4
    return said


def _text(content: Any) -> str:
    return "".join(part.text or "" for part in content.parts if not part.thought)


def _kinds_of_blocks(body: Any) -> list[str]:
    """The types of the blocks in the assistant's turns of a request to Anthropic."""
    return [
        block["type"]
        for turn in body["messages"]
        if turn["role"] == "assistant"
        for block in turn["content"]
    ]


def test_what_a_function_returned_reaches_the_model(one_way: GoogleCaller) -> None:
    asked: list[Any] = [types.UserContent("How is the weather?")]
    said = one_way.said(asked, streamed=False, tools=TOOLS)
    (call,) = calls_of(said.parts)
    for response in ({"output": "sunny"}, {"error": "down: 503"}, {"sky": ["grüne Wolken", 1]}):
        answer = one_way.generate(
            [*asked, said, types.UserContent([result_of(call, response)])], tools=TOOLS
        )
        assert answer.text.startswith(("Tool result: ", "Tool error: "))
        value = next(iter(response.values()))
        seen = one_way.sent().body.decode()
        word = value if isinstance(value, str) else str(value[0])
        assert word in seen or json.dumps(word)[1:-1] in seen
