"""Upstreams that are asked by OpenAI's Responses API: forwarded to, translated to, failing.

The simulator stands for OpenAI: its ``gpt-…-pro`` answers by that API only, and callers of the
API get every model's answer by it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
from openai.types.responses import Response

from ai_client.client import default_client
from ai_client.errors import EndpointMissing
from ai_client.messages import (
    FunctionCall,
    FunctionDeclaration,
    FunctionResponse,
    GenerationRequest,
    Message,
    MessagePart,
    ModelConfig,
    Reasoning,
    Role,
    user_message,
)
from ai_client.simulator import RecordedRequest, Simulator
from ai_client.simulator.azure import AzureSimulator
from ai_client.simulator.server import running
from tests.gateway.asking import ECHO, NEXT, health_left
from tests.gateway.failure_table import MODES, OPENAI, ROWS, STREAM, Row
from tests.gateway.test_failures_in_python import blocking
from tests.live_site import UPSTREAM_KEY, Site

PRO = "gpt-simulated-pro"
WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOL: Any = {"type": "function", "function": {"name": "weather", "parameters": WEATHER}}


@pytest.fixture
def sdk(shared_site: Site) -> Iterator[openai.OpenAI]:
    """The official SDK at the site, closed when the test is over."""
    with shared_site.sdk() as client:
        yield client


@pytest.fixture
def without_responses() -> Iterator[Simulator]:
    """A server of chat completions only."""
    with running(Simulator(serves_responses=False)) as simulator:
        yield simulator


def elsewhere(simulator: Simulator, **more: Any) -> dict[str, Any]:
    return {
        "name": "first",
        "provider": "openai",
        "base_url": simulator.base_url("openai"),
        "api_key": UPSTREAM_KEY,
        "model": "gpt-simulated",
        **more,
    }


def paths(simulator: Simulator) -> list[str]:
    return [request.path for request in simulator.requests]


def body_of(request: RecordedRequest) -> Any:
    return json.loads(request.body)


# --- forwarded ----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_a_callers_request_and_the_answer_go_through_as_they_are(
    shared_site: Site, mode: str
) -> None:
    shared_site.connect(shared_site.upstream("openai_chat", model="gpt-other"))
    body = {
        "model": "auto",
        "input": [{"role": "user", "content": [{"type": "input_text", "text": "Grüße \u2028"}]}],
        "metadata": {"z": "1", "a": "2"},
        "prompt_cache_key": "k",
        **({"stream": True} if mode == STREAM else {}),
    }
    answer = httpx.post(
        f"{shared_site.base_url}/v1/responses", content=json.dumps(body), timeout=30
    )
    (sent,) = shared_site.simulator.requests
    assert sent.path == "/v1/responses"
    assert list(body_of(sent).items()) == list({**body, "model": "gpt-other"}.items())
    again = httpx.post(
        f"{shared_site.simulator.base_url('openai')}/responses", content=sent.body, timeout=30
    )
    assert answer.content == again.content
    assert answer.headers["x-koneek-attempts"] == "1"
    row = shared_site.row()
    assert (row.prompt_tokens, row.completion_tokens) == (1, 2)


def test_a_response_that_the_upstream_holds_is_gone_on_from(
    shared_site: Site, sdk: openai.OpenAI
) -> None:
    shared_site.connect(shared_site.upstream("openai_chat"))
    first = sdk.responses.create(model="auto", input="one two three")
    second = sdk.responses.create(model="auto", input="four", previous_response_id=first.id)
    assert second.usage is not None
    assert second.usage.input_tokens > 4
    with pytest.raises(openai.BadRequestError) as refused:
        sdk.responses.create(model="auto", input="five", previous_response_id="resp_unknown")
    assert refused.value.param == "previous_response_id"
    assert "resp_unknown" in refused.value.message


def test_a_response_is_refused_by_an_upstream_of_another_dialect(
    shared_site: Site, sdk: openai.OpenAI
) -> None:
    shared_site.connect(shared_site.upstream("anthropic_messages"))
    with pytest.raises(openai.BadRequestError) as refused:
        sdk.responses.create(model="auto", input="x", previous_response_id="resp_1")
    assert "previous_response_id" in refused.value.message
    assert shared_site.simulator.requests == []


def test_work_in_the_background_is_refused(shared_site: Site, sdk: openai.OpenAI) -> None:
    shared_site.connect(shared_site.upstream("openai_chat"))
    with pytest.raises(openai.BadRequestError) as refused:
        sdk.responses.create(model="auto", input="x", background=True)
    assert refused.value.param == "background"


# --- a server without the API --------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_a_server_that_lacks_the_api_is_asked_in_its_own_format(
    shared_site: Site, sdk: openai.OpenAI, without_responses: Simulator, mode: str
) -> None:
    shared_site.connect(elsewhere(without_responses), shared_site.upstream("anthropic_messages"))
    answer: Response
    if mode == STREAM:
        with sdk.responses.stream(model="auto", input="Hello there") as stream:
            answer = stream.get_final_response()
    else:
        answer = sdk.responses.create(model="auto", input="Hello there")
    assert answer.output_text == ECHO
    assert paths(without_responses) == ["/v1/responses", "/v1/chat/completions"]
    assert shared_site.simulator.requests == []
    logged = shared_site.row().attempts
    assert [each["connection"] for each in logged] == ["first", "first"]
    assert [each["class"] for each in logged] == ["endpoint_missing", "ok"]
    assert health_left("first") == "untouched"


def test_another_failure_is_not_tried_again_in_another_format(
    shared_site: Site, sdk: openai.OpenAI
) -> None:
    shared_site.connect(
        shared_site.upstream("openai_chat", failure="status-500"),
        shared_site.upstream("anthropic_messages"),
    )
    assert sdk.responses.create(model="auto", input="Hello there").output_text == ECHO
    assert paths(shared_site.simulator) == ["/fail/status-500/v1/responses", "/v1/messages"]


def test_a_model_of_this_api_only_fails_where_the_server_lacks_it(
    shared_site: Site, without_responses: Simulator
) -> None:
    shared_site.connect(elsewhere(without_responses, model=PRO))
    with pytest.raises(EndpointMissing):
        default_client().generate(GenerationRequest((user_message("Hi"),)))
    assert paths(without_responses) == ["/v1/responses"]
    shared_site.connect(
        elsewhere(without_responses, model=PRO), shared_site.upstream("google_generate")
    )
    assert blocking("plain").to_text() == ECHO


@pytest.mark.parametrize(
    ("surface", "asked"),
    [
        ("v1", ["/openai/v1/responses"]),
        ("", ["/openai/deployments/my-gpt/chat/completions"]),
    ],
)
def test_azure_is_asked_by_it_where_the_connection_is_for_its_v1_api(
    shared_site: Site, sdk: openai.OpenAI, surface: str, asked: list[str]
) -> None:
    with running(AzureSimulator(UPSTREAM_KEY, deployments={"my-gpt": "gpt-4.1"})) as azure:
        connection = {
            "name": "azure",
            "provider": "azure-ai-foundry",
            "base_url": azure.address,
            "api_key": UPSTREAM_KEY,
            "fields": {"deployments": "my-gpt", "surface": surface, "endpoint_type": "foundry"},
        }
        shared_site.connect(connection)
        answer = sdk.responses.create(model="auto", input="Hello there")
        assert answer.output_text == ECHO
        assert paths(azure) == asked
        assert len(shared_site.row().attempts) == 1
        body = body_of(azure.requests[0])
        assert body["model"] == "my-gpt"


# --- translated to ------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_callers_of_another_dialect_reach_models_of_this_api_only(
    shared_site: Site, sdk: openai.OpenAI, mode: str
) -> None:
    shared_site.connect(shared_site.upstream("openai_chat", model=PRO))
    messages: Any = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
    if mode == STREAM:
        chunks = sdk.chat.completions.create(model=PRO, messages=messages, stream=True)
        text = "".join(each.delta.content or "" for chunk in chunks for each in chunk.choices)
    else:
        whole = sdk.chat.completions.create(model=PRO, messages=messages)
        text = whole.choices[0].message.content or ""
    assert text == "Echo: Hi"
    (sent,) = shared_site.simulator.requests
    assert sent.path == "/v1/responses"
    assert body_of(sent)["instructions"] == "Be brief."
    assert body_of(sent)["store"] is False


@pytest.mark.parametrize("mode", MODES)
def test_encrypted_reasoning_survives_the_rounds_of_a_tool_through_the_chat_dialect(
    shared_site: Site, sdk: openai.OpenAI, mode: str
) -> None:
    """The simulator refuses reasoning that it did not encrypt, and calls without results."""
    shared_site.connect(shared_site.upstream("openai_chat", model=PRO))
    history: list[Any] = [{"role": "user", "content": "think twice about the weather"}]
    for _ in range(3):
        options: Any = {"model": PRO, "messages": history, "tools": [TOOL]}
        if mode == STREAM:
            with sdk.chat.completions.stream(**options, reasoning_effort="low") as stream:
                said = stream.get_final_completion().choices[0].message
        else:
            whole = sdk.chat.completions.create(**options, reasoning_effort="low")
            said = whole.choices[0].message
        history.append(said.to_dict())
        history += [
            {"role": "tool", "tool_call_id": call.id, "content": "Sun"}
            for call in said.tool_calls or ()
        ]
    assert said.content == "Tool result: Sun"
    last = body_of(shared_site.simulator.requests[-1])["input"]
    kinds = [each.get("type", "message") for each in last]
    turn = ["reasoning", "function_call", "function_call_output"]
    assert kinds == ["message", *turn, *turn]
    assert all(each["id"].startswith("fc_") for each in last if each.get("type") == turn[1])


@pytest.mark.django_db(transaction=True)
def test_python_callers_see_the_thoughts_and_hand_them_back(shared_site: Site) -> None:
    shared_site.connect(shared_site.upstream("openai_chat", model=PRO))
    config = ModelConfig(
        reasoning=Reasoning(effort="low"),
        function_declarations=(FunctionDeclaration("weather", "", WEATHER),),
    )
    question = user_message("think about the weather")
    asked = default_client().generate(GenerationRequest((question,), config))
    turn = asked.candidates[0].message
    thought, call = turn.parts
    assert thought.is_thought
    assert thought.content == "Thinking about: think about the weather"
    assert isinstance(call.content, FunctionCall)
    result = FunctionResponse(call.content.id, "weather", "Sun")
    answered = default_client().generate(
        GenerationRequest((question, turn, Message(Role.USER, (MessagePart(result),))), config)
    )
    assert answered.to_text() == "Tool result: Sun"
    sent = body_of(shared_site.simulator.requests[-1])
    assert sent["input"][1]["encrypted_content"] == thought.thought_signature


# --- failing ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "row", [row for row in ROWS if OPENAI in row.dialects], ids=lambda row: f"{row.failure}"
)
def test_each_failure_of_the_table_ends_as_it_says(
    shared_site: Site, settings: Any, row: Row
) -> None:
    settings.AI_CLIENT = {**settings.AI_CLIENT, **row.limits}
    second = shared_site.upstream(NEXT[OPENAI], name="second")
    for mode in row.modes:
        ending = row.ending_for(OPENAI, mode)
        first = shared_site.upstream(
            OPENAI, name=f"first-{mode}", failure=row.failure, timeout=row.timeout, model=PRO
        )
        shared_site.connect(first, second)
        if ending.falls_back:
            assert blocking(mode).to_text() == ECHO
        else:
            with pytest.raises(ending.error):
                blocking(mode)
        logged = shared_site.rows()[-1].attempts
        assert [each["class"] for each in logged] == (
            [ending.code, "ok"] if ending.falls_back else [ending.code]
        )
        assert shared_site.simulator.requests[0].path.endswith("/responses")


@pytest.mark.parametrize(
    "failure",
    ["sse-error-later", "malformed-event-later", "truncated", "no-end-marker", "close-midstream"],
)
def test_nothing_that_breaks_off_later_passes_for_an_answer(
    shared_site: Site, sdk: openai.OpenAI, failure: str
) -> None:
    shared_site.connect(shared_site.upstream("openai_chat", failure=failure, model=PRO))
    chunks = sdk.chat.completions.create(
        model="auto", messages=[{"role": "user", "content": "one two three four"}], stream=True
    )
    with pytest.raises((openai.APIError, httpx.HTTPError)):
        list(chunks)
    forwarded = sdk.responses.create(model="auto", input="one two three four", stream=True)
    with pytest.raises((openai.APIError, httpx.HTTPError)):
        list(forwarded)


@pytest.mark.parametrize(
    "failure", ["crlf", "cr", "multiline", "comments", "bom", "u2028", "one-byte", "pings-then-ok",
                "azure-first-chunk", "usage-only", "ignore-stream"]
)  # fmt: skip
def test_every_shape_of_a_valid_stream_is_read(shared_site: Site, failure: str) -> None:
    shared_site.connect(shared_site.upstream("openai_chat", failure=failure, model=PRO))
    assert blocking(STREAM).to_text().startswith(ECHO)
    assert blocking("plain").to_text().startswith(ECHO)
