"""The simulator's Responses API: the official SDK understands it, OpenAI's refusals are its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai.types.responses import Response

from ai_client.simulator import Simulator, running_simulator
from ai_client.simulator.server import running

WEATHER: dict[str, Any] = {
    "type": "function",
    "name": "weather",
    "strict": True,
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
}
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
FORMAT = {"format": {"type": "json_schema", "name": "city", "schema": CITY, "strict": True}}
THINKER = "gpt-5-mini"


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with running_simulator() as started:
        yield started


@pytest.fixture
def sdk(simulator: Simulator) -> Iterator[openai.OpenAI]:
    base_url = simulator.base_url("openai")
    with openai.OpenAI(api_key="sk-any", base_url=base_url, max_retries=0) as client:
        yield client


def streamed(sdk: openai.OpenAI, **asked: Any) -> Response:
    with sdk.responses.stream(**asked) as stream:
        return stream.get_final_response()


@pytest.mark.parametrize(
    "asked",
    [
        {"model": "gpt-4o", "input": "Hello there"},
        {"model": "gpt-4o", "input": "Hello there", "max_output_tokens": 16, "store": False},
        {"model": THINKER, "input": "think", "reasoning": {"effort": "low", "summary": "auto"}},
        {"model": THINKER, "input": "think", "include": ["reasoning.encrypted_content"]},
        {"model": "gpt-4o", "input": "parallel", "tools": [WEATHER, {**WEATHER, "name": "b"}]},
        {"model": "gpt-4o", "input": "x", "text": FORMAT},
        {"model": "gpt-4o", "input": "find it", "tools": [{"type": "web_search"}]},
        {
            "model": "gpt-4o",
            "input": "two words",
            "include": ["message.output_text.logprobs"],
            "top_logprobs": 2,
        },
    ],
    ids=lambda asked: json.dumps(asked)[:60],
)
def test_a_stream_says_what_the_whole_answer_says(
    sdk: openai.OpenAI, asked: dict[str, Any]
) -> None:
    whole = sdk.responses.create(**asked)
    Response.model_validate(whole.to_dict(mode="json"))
    if "text" not in asked:
        # The SDK parses the text of a stream by its format, which adds to it.
        again = streamed(sdk, **asked).to_dict(mode="json")
        assert again["usage"] == whole.to_dict(mode="json")["usage"]
        kinds: Any = again["output"]
        assert [each["type"] for each in kinds] == [each.type for each in whole.output]
    assert streamed(sdk, **asked).output_text == whole.output_text
    assert whole.status == "completed"


def test_an_answer_that_is_cut_says_why(sdk: openai.OpenAI) -> None:
    said = " ".join(f"word{number}" for number in range(30))
    whole = sdk.responses.create(model="gpt-4o", input=said, max_output_tokens=16)
    assert (whole.status, whole.output_text.count(" ")) == ("incomplete", 15)
    assert whole.incomplete_details is not None
    assert whole.incomplete_details.reason == "max_output_tokens"


def test_reasoning_comes_back_encrypted_or_not_at_all(sdk: openai.OpenAI) -> None:
    whole = sdk.responses.create(model=THINKER, input="think")
    reasoning = whole.output[0].to_dict(mode="json")
    later: Any = [{"role": "user", "content": "think"}, reasoning, {"role": "user", "content": "x"}]
    assert sdk.responses.create(model=THINKER, input=later, store=False).output_text == "Echo: x"
    later[1] = {**reasoning, "encrypted_content": "Zm9yZ2Vk"}
    with pytest.raises(openai.BadRequestError) as refused:
        sdk.responses.create(model=THINKER, input=later)
    assert refused.value.code == "invalid_encrypted_content"
    later[1] = {**reasoning, "encrypted_content": None}
    with pytest.raises(openai.NotFoundError):
        sdk.responses.create(model=THINKER, input=later)


CALL = {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": "Sun"}
LOOSE = {"type": "object", "properties": {"a": {"type": "string"}}}


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"messages": []}, "messages"),
        ({"input": None}, "input"),
        ({"input": [{"role": "tool", "content": "x"}]}, "input[0].role"),
        ({"input": [CALL]}, "input"),
        ({"input": [OUTPUT]}, "input"),
        ({"input": [{"role": "user", "content": [{"type": "text"}]}]}, "input[0].content[0]"),
        ({"max_output_tokens": 5}, "max_output_tokens"),
        ({"temperature": 3}, "temperature"),
        ({"include": ["nothing"]}, "include"),
        ({"include": ["reasoning.encrypted_content"]}, "include"),
        ({"reasoning": {"effort": "some"}}, "reasoning.effort"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools[0].name"),
        ({"tools": [{**WEATHER, "parameters": LOOSE}]}, "tools[0].parameters"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tools": [WEATHER], "tool_choice": {"type": "function", "name": "b"}}, "tool_choice"),
        ({"text": {"format": {"type": "json_object"}}}, "input"),
        ({"text": {"format": {"type": "json_schema", "schema": {}}}}, "text.format.name"),
        ({"stream_options": {}}, "stream_options"),
        ({"previous_response_id": "resp_x"}, "previous_response_id"),
    ],
)
def test_it_refuses_what_the_vendor_refuses(
    sdk: openai.OpenAI, asked: dict[str, Any], param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        sdk.post(
            "/responses", body={"model": "gpt-4o", "input": "x", **asked}, cast_to=httpx_response()
        )
    assert refused.value.param == param


def httpx_response() -> Any:
    return openai._legacy_response.HttpxBinaryResponseContent


def test_functions_are_strict_unless_that_is_denied(sdk: openai.OpenAI) -> None:
    loose: Any = {"type": "function", "name": "f", "parameters": LOOSE, "strict": False}
    assert sdk.responses.create(model="gpt-4o", input="x", tools=[loose]).output
    del loose["strict"]
    with pytest.raises(openai.BadRequestError):
        sdk.responses.create(model="gpt-4o", input="x", tools=[loose])


def test_what_it_holds_it_goes_on_from(sdk: openai.OpenAI) -> None:
    tools: Any = [WEATHER]
    first = sdk.responses.create(model="gpt-4o", input="one two", tools=tools)
    call: Any = first.output[0]
    result: Any = [{**OUTPUT, "call_id": call.call_id}]
    second = sdk.responses.create(
        model="gpt-4o", input=result, tools=tools, previous_response_id=first.id
    )
    assert second.output_text == "Tool result: Sun"
    unheld = sdk.responses.create(model="gpt-4o", input="other words", store=False)
    with pytest.raises(openai.BadRequestError) as refused:
        sdk.responses.create(model="gpt-4o", input="x", previous_response_id=unheld.id)
    assert refused.value.code == "previous_response_not_found"


def test_a_server_may_lack_this_api() -> None:
    with running(Simulator(serves_responses=False)) as simulator:
        client = openai.OpenAI(
            api_key="sk-any", base_url=simulator.base_url("openai"), max_retries=0
        )
        with client, pytest.raises(openai.NotFoundError) as missing:
            client.responses.create(model="gpt-4o", input="x")
    assert missing.value.code is None
