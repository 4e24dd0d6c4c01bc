"""OpenAI's Responses, gateway face: what callers send. Answers are in ``..._gateway_answers``.

That ``parse_request`` reads all that ``render_request`` writes is in ``..._request``.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ai_client.errors import InvalidRequest, UnsupportedFeature
from ai_client.messages import (
    Channel,
    File,
    FunctionCall,
    FunctionDeclaration,
    FunctionResponse,
    GenerationRequest,
    Message,
    MessagePart,
    ModelConfig,
    Reasoning,
    Role,
    ToolChoice,
    WebSearch,
    model_message,
    user_message,
)
from ai_client.wire import GatewayFace, openai_responses
from ai_client.wire.openai_responses.carried import Carried, pack

GATEWAY: GatewayFace = openai_responses
PNG = "iVBORw0KGgo="
SCHEMA = {"type": "object", "properties": {}}


def parsed(given: Any = "Hi", **fields: Any) -> GenerationRequest:
    return GATEWAY.parse_request({"model": "auto", "input": given, **fields})


def user(*content: Any) -> dict[str, Any]:
    return {"role": "user", "content": [*content]}


def parts_of(*content: Any) -> tuple[MessagePart, ...]:
    return parsed([user(*content)]).messages[0].parts


def test_a_text_is_a_whole_request() -> None:
    assert parsed() == GenerationRequest((user_message("Hi"),))


def test_settings() -> None:
    request = parsed(
        instructions="Be brief.",
        max_output_tokens=5,
        temperature=1,
        top_p=0.5,
        top_logprobs=2,
        include=["message.output_text.logprobs", "reasoning.encrypted_content"],
        parallel_tool_calls=False,
        reasoning={"effort": "high", "summary": "auto"},
        safety_identifier="u-1",
        user="u-2",
        stream=True,
        store=False,
        background=False,
        truncation="disabled",
        service_tier="auto",
    )
    assert request == GenerationRequest(
        (user_message("Hi"),),
        ModelConfig(
            system_instruction=(MessagePart("Be brief."),),
            max_tokens=5,
            temperature=1,
            top_p=0.5,
            logprobs=True,
            top_logprobs=2,
            parallel_tool_calls=False,
            reasoning=Reasoning("high"),
            end_user="u-1",
        ),
        stream=True,
    )


def test_log_probabilities_are_asked_for_in_two_ways() -> None:
    only = parsed(include=["message.output_text.logprobs"], top_logprobs=0).config
    assert (only.logprobs, only.top_logprobs) == (True, None)
    assert parsed(top_logprobs=3).config.logprobs is True


def test_what_only_this_dialect_tunes_is_named() -> None:
    request = parsed(
        store=True,
        metadata={"a": "b"},
        truncation="auto",
        service_tier="flex",
        prompt_cache_key="k",
        max_tool_calls=3,
        text={"verbosity": "low", "format": {"type": "text"}},
        reasoning={"effort": "low", "mode": "pro"},
        include=["web_search_call.action.sources"],
    )
    assert set(request.dropped) == {
        "store",
        "metadata",
        "truncation",
        "service_tier",
        "prompt_cache_key",
        "max_tool_calls",
        "text.verbosity",
        "reasoning.mode",
        "include (web_search_call.action.sources)",
    }
    assert request.untranslatable == ()


@pytest.mark.parametrize("field", ["previous_response_id", "conversation", "prompt"])
def test_what_an_upstream_keeps_cannot_be_known_elsewhere(field: str) -> None:
    with pytest.raises(UnsupportedFeature, match="Send the") as caught:
        GATEWAY.parse_request({"model": "auto", field: "id_1"})
    assert caught.value.param == field


def test_roles() -> None:
    request = parsed(
        [
            {"role": "system", "content": "One."},
            {"role": "user", "content": "Two"},
            {"role": "developer", "content": [{"type": "input_text", "text": "Three."}]},
            {"role": "assistant", "content": "Four"},
        ],
        instructions="Zero.",
    )
    said = [part.content for part in request.config.system_instruction]
    assert said == ["Zero.", "One.", "Three."]
    assert request.messages == (user_message("Two"), model_message("Four"))


def test_images_files_and_sound() -> None:
    uri = f"data:image/png;base64,{PNG}"
    png = File("image/png", base64_data=PNG)
    detail = {"openai_responses": {"detail": "low"}}
    assert parts_of(
        {"type": "input_image", "image_url": uri, "detail": "low"},
        {"type": "input_image", "image_url": "https://a.example/b.webp?c"},
        {"type": "input_file", "filename": "a.txt", "file_data": "aGk="},
        {
            "type": "input_file",
            "filename": "a.pdf",
            "file_data": "data:application/pdf;base64,aGk=",
        },
        {"type": "input_file", "file_url": "https://a.example/b.csv"},
        {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "mp3"}},
    ) == (
        MessagePart(png, opaque=detail),
        MessagePart(File("image/webp", url="https://a.example/b.webp?c")),
        MessagePart(File("text/plain", base64_data="aGk=", name="a.txt")),
        MessagePart(File("application/pdf", base64_data="aGk=", name="a.pdf")),
        MessagePart(File("text/csv", url="https://a.example/b.csv")),
        MessagePart(File("audio/mpeg", base64_data="aGk=")),
    )


@pytest.mark.parametrize("address", ["/etc/passwd", "file:///etc/passwd", "ftp://a.example/b", ""])
def test_a_path_is_no_address(address: str) -> None:
    with pytest.raises(InvalidRequest, match="http or https") as caught:
        parts_of({"type": "input_image", "image_url": address})
    assert caught.value.param == "input[0].content[0].image_url"


def test_items_of_the_model_become_one_message_and_results_another() -> None:
    def call(number: int) -> dict[str, Any]:
        called = {"call_id": f"c{number}", "name": "f", "arguments": '{"n": 1}'}
        return {"type": "function_call", "id": f"fc_{number}", "status": "completed", **called}

    def result(number: int, output: Any) -> dict[str, Any]:
        return {"type": "function_call_output", "call_id": f"c{number}", "output": output}

    image = {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}"}
    request = parsed(
        [
            {"type": "message", "role": "user", "content": "Hi"},
            {
                "type": "message",
                "role": "assistant",
                "content": [
                    {"type": "output_text", "text": "Well", "annotations": []},
                    {"type": "refusal", "refusal": "no"},
                ],
            },
            call(1),
            call(2),
            result(2, "two"),
            result(1, [{"type": "input_text", "text": "one"}, image]),
        ]
    )
    one = FunctionResponse(
        "c1", "f", parts=(MessagePart("one"), MessagePart(File("image/png", base64_data=PNG)))
    )
    assert request.messages == (
        user_message("Hi"),
        Message(
            Role.MODEL,
            (
                MessagePart("Well"),
                MessagePart("no", refusal=True),
                MessagePart(FunctionCall("c1", "f", '{"n": 1}')),
                MessagePart(FunctionCall("c2", "f", '{"n": 1}')),
            ),
        ),
        Message(
            Role.USER,
            (MessagePart(FunctionResponse("c2", "f", "two")), MessagePart(one)),
        ),
    )


def test_reasoning_of_this_dialect_stays_its_own() -> None:
    item = {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": "Hm"}],
        "encrypted_content": "gAAAA",
    }
    (part,) = parsed([item]).messages[0].parts
    assert (part.content, part.channel) == ("Hm", Channel.THOUGHT)
    assert part.opaque == {"openai_responses": {"item": item}}


def test_what_others_signed_comes_back() -> None:
    opaque = {"anthropic_messages": {"type": "thinking", "signature": "s"}}
    thought = pack(Carried("s", opaque))
    signed = pack(Carried("g", None, of_previous=True, call_id="c1"))
    text = pack(Carried("t", {"google_generate": {}}, of_previous=True))

    def carrier(encrypted: str, *summary: str) -> dict[str, Any]:
        listed = [{"type": "summary_text", "text": each} for each in summary]
        return {"type": "reasoning", "id": "rs", "summary": listed, "encrypted_content": encrypted}

    def call(call_id: str) -> dict[str, Any]:
        return {"type": "function_call", "call_id": call_id, "name": "f", "arguments": "{}"}

    (message,) = parsed(
        [
            carrier(thought, "Hm"),
            {"role": "assistant", "content": "Well"},
            carrier(text),
            call("c1"),
            call("c2"),
            carrier(signed),
        ]
    ).messages
    assert message.parts == (
        MessagePart("Hm", Channel.THOUGHT, thought_signature="s", opaque=opaque),
        MessagePart("Well", thought_signature="t", opaque={"google_generate": {}}),
        MessagePart(FunctionCall("c1", "f", "{}"), thought_signature="g"),
        MessagePart(FunctionCall("c2", "f", "{}")),
    )


def test_what_the_vendors_own_tools_did_is_not_said_elsewhere() -> None:
    item = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    (part,) = parsed([item]).messages[0].parts
    assert (part.content, part.channel) == ("", Channel.THOUGHT)
    assert part.opaque == {"openai_responses": {"item": item}}


@pytest.mark.parametrize("kind", ["custom_tool_call", "computer_call", "compaction", "shell_call"])
def test_items_that_matter_are_refused_elsewhere(kind: str) -> None:
    request = parsed([{"role": "user", "content": "Hi"}, {"type": kind}])
    assert request.untranslatable == (f"input[1] ({kind})",)


def test_tools() -> None:
    function = {"type": "function", "name": "f", "description": "d", "parameters": SCHEMA}
    request = parsed(
        tools=[
            {**function, "strict": True},
            {"type": "web_search", "filters": {"allowed_domains": ["a.example"]}},
            {"type": "code_interpreter", "container": {"type": "auto"}},
        ],
        tool_choice={"type": "function", "name": "f"},
    )
    assert request.config.function_declarations == (FunctionDeclaration("f", "d", SCHEMA, True),)
    assert request.config.web_search == WebSearch(("a.example",))
    assert request.config.tool_choice == ToolChoice("function", "f")
    assert request.untranslatable == ("tools[2] (code_interpreter)",)
    search = parsed(tools=[{"type": "web_search_preview", "search_context_size": "low"}])
    assert search.dropped == ("tools[0].search_context_size",)


def test_allowed_tools_are_the_only_ones_elsewhere() -> None:
    tools = [{"type": "function", "name": name} for name in ("f", "g")]
    allowed = {"type": "allowed_tools", "mode": "required", "tools": [tools[1]]}
    config = parsed(tools=[*tools, {"type": "web_search"}], tool_choice=allowed).config
    assert config.function_declarations == (FunctionDeclaration("g"),)
    assert config.tool_choice == ToolChoice("required")
    assert config.web_search is None
    unknown = {**allowed, "tools": [{"type": "function", "name": "h"}]}
    with pytest.raises(InvalidRequest, match="'h'"):
        parsed(tools=tools, tool_choice=unknown)
    assert parsed(tool_choice={"type": "mcp"}).untranslatable == ("tool_choice (mcp)",)


def test_output_formats() -> None:
    shape = {"type": "json_schema", "name": "n", "schema": SCHEMA, "strict": True}
    assert parsed(text={"format": shape}).config == ModelConfig(
        output_mime_type="application/json",
        output_schema=SCHEMA,
        output_schema_name="n",
        output_schema_strict=True,
    )
    assert parsed(text={"format": {"type": "json_object"}}).config.wants_json
    assert not parsed(text={"format": {"type": "text"}}).config.wants_json


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 30)
    | st.floats(allow_nan=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
WHOLE: Any = {
    "model": "auto",
    "input": [
        {"role": "user", "content": [{"type": "input_text", "text": "Hi"}]},
        {"role": "user", "content": [{"type": "input_image", "image_url": "https://a.example"}]},
        {"role": "user", "content": [{"type": "input_file", "file_data": "aGk="}]},
        {"type": "reasoning", "summary": [{"text": "x"}], "encrypted_content": "koneek-v1.{}"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": ""}]},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text"}]},
        {"type": "image_generation_call", "result": PNG, "output_format": "png"},
    ],
    "instructions": "x",
    "max_output_tokens": 16,
    "temperature": 1,
    "top_p": 1,
    "top_logprobs": 1,
    "include": ["message.output_text.logprobs"],
    "tools": [
        {"type": "function", "name": "f", "parameters": {}},
        {"type": "web_search", "filters": {"allowed_domains": ["a"]}},
    ],
    "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function"}]},
    "text": {"format": {"type": "json_schema", "name": "n", "schema": {}}},
    "reasoning": {"effort": "low"},
    "stream": True,
}


@st.composite
def vandalized(draw: st.DrawFn) -> Any:
    """A whole request with one of its values replaced by something else."""
    document = json.loads(json.dumps(WHOLE))
    holder = document
    while True:
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        key = draw(st.sampled_from(keys))
        inner = holder[key]
        if not isinstance(inner, dict | list) or not inner or draw(st.integers(0, 3)) == 0:
            holder[key] = draw(JSON)
            return document
        holder = inner


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(vandalized())
def test_whatever_is_sent_the_only_errors_are_the_callers(body: Any) -> None:
    with suppress(InvalidRequest, UnsupportedFeature):
        assert isinstance(GATEWAY.parse_request(body), GenerationRequest)
