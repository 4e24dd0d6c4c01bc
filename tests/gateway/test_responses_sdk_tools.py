"""Tools through the official SDK's Responses over each upstream dialect, and thoughts before them.

The simulator verifies what it signed: an upstream whose signature did not come back unchanged
refuses the next turn. History is passed back as OpenAI's guide has it: ``input += output``.
"""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

from tests.gateway.responses_callers import (
    EVERY_WAY,
    OTHER_DIALECTS,
    ResponsesCaller,
    calls_of,
    results_of,
)
from tests.live_site import Site

THINKING_MODELS = {
    "openai_chat": "deepseek-reasoner",
    "anthropic_messages": "claude-sonnet-4-6",
    "google_generate": "gemini-3-signed",
    "openai_responses": "gpt-5.4-mini",
}


def _tool(name: str, **properties: Any) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    told = {"name": name, "description": f"Tells the {name}.", "parameters": schema}
    return {"type": "function", "strict": False, **told}


WEATHER = _tool("weather", city={"type": "string"}, days={"type": "integer", "minimum": 2})
CLOCK = _tool("clock", zone={"enum": ["UTC", "CET"]})
TOOLS = [WEATHER, CLOCK]
CALLED = {"weather": {"city": "city", "days": 2}, "clock": {"zone": "UTC"}}


@pytest.fixture(params=EVERY_WAY, ids=lambda way: "-".join(way))
def caller(request: pytest.FixtureRequest, site: Site) -> ResponsesCaller:
    """The SDK, both ways, over one connection in each dialect."""
    caller = ResponsesCaller(site, *request.param)
    caller.connect()
    return caller


@pytest.fixture(params=OTHER_DIALECTS)
def one_way(request: pytest.FixtureRequest, site: Site) -> ResponsesCaller:
    """The blocking SDK over one connection in each other dialect."""
    caller = ResponsesCaller(site, request.param)
    caller.connect()
    return caller


def test_a_call_is_the_same_plain_and_streamed(caller: ResponsesCaller) -> None:
    answer = caller.create("How is the weather?", tools=TOOLS)
    (call,) = calls_of(answer)
    assert (call.name, call.status, answer.status) == ("weather", "completed", "completed")
    assert json.loads(call.arguments) == CALLED["weather"]
    assert call.id.startswith("fc_")
    assert 0 < len(call.call_id) <= 64

    events = caller.stream("How is the weather?", tools=TOOLS)
    (streamed,) = calls_of(events[-1].response)
    assert (streamed.name, streamed.arguments) == ("weather", call.arguments)
    told = [each for each in events if each.type.startswith("response.function_call_arguments")]
    assert "".join(each.delta for each in told[:-1]) == told[-1].arguments == call.arguments
    assert {(each.item_id, each.output_index) for each in told} == {(streamed.id, 0)}
    assert not [each for each in events if each.type == "response.output_text.delta"]


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
def test_parallel_calls_over_three_turns_are_answered_in_the_end(
    caller: ResponsesCaller, streamed: bool
) -> None:
    ask = caller.assembled if streamed else caller.create
    given: list[Any] = [{"role": "user", "content": "Ask twice, in parallel"}]
    used: set[str] = set()
    for turn in (1, 2):
        answer = ask(given, tools=TOOLS, instructions="Use the tools.")
        assert [call.name for call in calls_of(answer)] == ["weather", "clock"]
        used |= {call.call_id for call in calls_of(answer)}
        given += answer.output
        given += results_of(answer, f"weather {turn}", f"clock {turn}")[::-1]
    assert len(used) == 4, "each call has an id of its own"

    answer = ask(given, tools=TOOLS)
    assert answer.output_text.startswith("Tool result: ")
    assert "weather 2" in answer.output_text
    assert "clock 2" in answer.output_text
    given += [*answer.output, {"role": "user", "content": "Thank you"}]
    assert ask(given, tools=TOOLS, tool_choice="none").output_text == "Echo: Thank you"
    assert "clock 1" in caller.sent().body.decode()


def test_items_of_parallel_calls_come_one_after_the_other(one_way: ResponsesCaller) -> None:
    events = one_way.stream("Both in parallel, please", tools=TOOLS)
    places = [each.output_index for each in events if hasattr(each, "output_index")]
    assert places == sorted(places)
    weather, clock = calls_of(events[-1].response)
    assert json.loads(weather.arguments) == CALLED["weather"]
    assert json.loads(clock.arguments) == CALLED["clock"]


def test_tool_choice_is_obeyed(caller: ResponsesCaller) -> None:
    def called(choice: Any) -> list[str]:
        return [
            call.name for call in calls_of(caller.create("Hi", tools=TOOLS, tool_choice=choice))
        ]

    assert called("none") == []
    assert called("required") == ["weather"]
    assert called("auto") == ["weather"]
    assert called({"type": "function", "name": "clock"}) == ["clock"]


def test_only_allowed_tools_are_left_to_the_model(one_way: ResponsesCaller) -> None:
    allowed = {"type": "allowed_tools", "tools": [{"type": "function", "name": "clock"}]}
    choice = {**allowed, "mode": "required"}
    answer = one_way.create("How is the weather?", tools=TOOLS, tool_choice=choice)
    assert [call.name for call in calls_of(answer)] == ["clock"]
    assert "Tells the weather." not in one_way.sent().body.decode()
    assert len(answer.tools) == 2


def test_results_of_every_shape_reach_the_model(one_way: ResponsesCaller) -> None:
    asked: list[Any] = [{"role": "user", "content": "How is the weather?"}]
    answer = one_way.create(asked, tools=TOOLS)
    parts = [{"type": "input_text", "text": "Sunny, "}, {"type": "input_text", "text": "then rain"}]
    for result in ("It rains", "", '{"sky": "grüne \u2028 Wolken"}', parts):
        results = results_of(answer, result)
        text = one_way.create([*asked, *answer.output, *results], tools=TOOLS).output_text
        assert text.startswith("Tool result: ")
        said = [result] if isinstance(result, str) else [part["text"] for part in result]
        seen = json.dumps(one_way.body(), ensure_ascii=False)
        for each in said:
            assert json.dumps(each, ensure_ascii=False)[1:-1] in seen


def test_arguments_of_a_strict_tool_are_parsed(caller: ResponsesCaller) -> None:
    strict: Any = {**WEATHER, "strict": True}
    with caller.site.sdk() as sdk:
        answer = sdk.responses.parse(model="auto", input="The weather?", tools=[strict])
    (call,) = calls_of(answer)
    # Anthropic's strict tools have no bounds: there a model is told of them and may not heed them.
    days = 1 if caller.dialect == "anthropic_messages" else 2
    assert call.parsed_arguments == {"city": "city", "days": days}


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
def test_thoughts_and_their_signatures_survive_the_rounds_of_a_tool(
    caller: ResponsesCaller, streamed: bool
) -> None:
    caller.connect(model=THINKING_MODELS[caller.dialect])
    said = _think_twice(caller, "Think twice", streamed=streamed)
    for answer in said[:3]:
        summaries = [item.summary for item in answer.output if item.type == "reasoning"]
        assert [each.text for summary in summaries for each in summary] == [
            "Thinking about: Think twice"
        ]
    sent = caller.body()
    match caller.dialect:
        case "openai_chat":
            assert sum("reasoning_content" in each for each in sent["messages"]) == 3
        case "anthropic_messages":
            kinds = _kinds_of_blocks(sent)
            assert kinds == ["thinking", "tool_use", "thinking", "tool_use", "thinking", "text"]
        case "openai_responses":
            kinds = [item.get("type") for item in sent["input"]]
            turn = ["reasoning", "function_call", "function_call_output"]
            assert kinds[1:-1] == [*turn, *turn, "reasoning", "message"]
        case _:
            parts = [part for turn in sent["contents"] for part in turn["parts"]]
            calls = [part for part in parts if "functionCall" in part]
            assert all(len(part["thoughtSignature"]) > 30 for part in calls)
            assert sum(part.get("thought", False) for part in parts) == 3
    assert "koneek" not in caller.sent().body.decode()


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("model", ["claude-sonnet-4-6", "claude-haiku-4-5"])
def test_thoughts_that_the_upstream_hides_survive_as_well(
    site: Site, model: str, streamed: bool
) -> None:
    caller = ResponsesCaller(site, "anthropic_messages")
    caller.connect(model=model)
    _think_twice(caller, "Think twice, redacted", streamed=streamed)
    kinds = _kinds_of_blocks(caller.body())
    hidden = "redacted_thinking"
    assert kinds == [hidden, "tool_use", hidden, "tool_use", hidden, "text"]


def test_a_thought_is_streamed_as_a_summary(one_way: ResponsesCaller) -> None:
    one_way.connect(model=THINKING_MODELS[one_way.dialect])
    events = one_way.stream("Please think")
    told = [each for each in events if "reasoning" in each.type]
    deltas = [each.delta for each in told if each.type.endswith("summary_text.delta")]
    assert "".join(deltas) == "Thinking about: Please think"
    assert [each.type for each in told if not each.type.endswith("delta")] == [
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_text.done",
        "response.reasoning_summary_part.done",
    ]
    reasoning, *_ = events[-1].response.output
    assert reasoning.type == "reasoning"
    assert [each.text for each in reasoning.summary] == ["Thinking about: Please think"]
    assert reasoning.encrypted_content


def test_reasoning_effort_is_said_in_the_upstreams_words(one_way: ResponsesCaller) -> None:
    model = {
        "openai_chat": "gpt-5.4-mini",
        "anthropic_messages": "claude-sonnet-4-6",
        "google_generate": "gemini-3.8-flash",
    }[one_way.dialect]
    one_way.connect(model=model)
    answer = one_way.create("Hello", reasoning={"effort": "low", "summary": "auto"})
    assert answer.reasoning.effort == "low"
    assert answer.usage.output_tokens_details.reasoning_tokens == 3
    assert one_way.site.row().warnings == []


@pytest.mark.parametrize("before", THINKING_MODELS)
def test_a_conversation_goes_on_in_another_dialect(site: Site, before: str) -> None:
    first = ResponsesCaller(site, before)
    first.connect(model=THINKING_MODELS[before])
    asking = {
        "tools": TOOLS,
        "reasoning": {"effort": "low", "summary": "auto"},
        "include": ["reasoning.encrypted_content"],
        "store": False,
    }
    given: list[Any] = [{"role": "user", "content": "Think, in parallel"}]
    answer = first.create(given, **asking)
    given += [*answer.output, *results_of(answer, "weather", "clock")]

    others = {**THINKING_MODELS, "openai_chat": "gpt-4-strict"}
    for after in sorted(others.keys() - {before}):
        then = ResponsesCaller(site, after)
        then.connect(model=others[after])
        text = then.create(given, **asking).output_text
        assert "weather" in text
        assert "clock" in text
        sent = then.sent().body.decode()
        assert "koneek" not in sent
        assert "Thinking about" not in sent


def test_tools_of_this_dialect_alone_are_refused_elsewhere(site: Site) -> None:
    caller = ResponsesCaller(site, "anthropic_messages")
    caller.connect()
    for kind in ("file_search", "custom", "image_generation"):
        with pytest.raises(openai.BadRequestError, match=kind) as caught:
            caller.create("Hello", tools=[{"type": kind}])
        assert caught.value.code == "unsupported_feature"
        assert caught.value.param == f"tools[0] ({kind})"
    assert site.simulator.requests == []


def _think_twice(caller: ResponsesCaller, prompt: str, *, streamed: bool) -> list[Any]:
    """Two rounds with a tool, an answer, and one more question; what the model said each time."""
    ask = caller.assembled if streamed else caller.create
    options: dict[str, Any] = {"include": ["reasoning.encrypted_content"], "store": False}
    if caller.dialect != "openai_chat":
        options["reasoning"] = {"effort": "high", "summary": "auto"}
    given: list[Any] = [{"role": "user", "content": prompt}]
    said: list[Any] = []
    for _ in range(2):
        said.append(ask(given, tools=TOOLS, **options))
        given += [*said[-1].output, *results_of(said[-1], "sunny")]
    said.append(ask(given, tools=TOOLS, **options))
    assert "sunny" in said[-1].output_text
    given += [*said[-1].output, {"role": "user", "content": "And now? Think"}]
    said.append(ask(given, **options))
    assert said[-1].output_text == "Echo: And now? Think"
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
