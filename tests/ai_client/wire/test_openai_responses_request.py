"""OpenAI's Responses dialect, client face: what is sent to upstreams."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ai_client.capabilities import Modality
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
from ai_client.wire import ClientFace, GatewayFace, Target, openai_responses
from ai_client.wire.openai_responses.carried import Carried, pack

CLIENT: ClientFace = openai_responses
GATEWAY: GatewayFace = openai_responses
WIRE = "openai_responses"
TARGET = Target("gpt-4.1", "OpenAI")
THINKER = Target("gpt-7", "OpenAI")
HELLO = (user_message("Hello"),)
PNG = File("image/png", base64_data="aGk=")
REASONING = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [{"type": "summary_text", "text": "Hm."}],
    "encrypted_content": "c2VjcmV0",
}


def rendered(
    *messages: Message, target: Target = TARGET, stream: bool = False, **config: Any
) -> dict[str, Any]:
    request = GenerationRequest(messages or HELLO, ModelConfig(**config), stream)
    return CLIENT.render_request(request, target).body


def items(*messages: Message, **config: Any) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = rendered(*messages, **config)["input"]
    return listed


def thought(item: dict[str, Any] | None = None, text: str = "Hm.") -> MessagePart:
    opaque = {WIRE: {"item": item}} if item else {"anthropic_messages": {"signature": "x"}}
    return MessagePart(text, Channel.THOUGHT, opaque=opaque)


def test_a_plain_request_is_small_and_stores_nothing() -> None:
    request = CLIENT.render_request(GenerationRequest(HELLO), TARGET)
    assert (request.method, request.path, request.warnings) == ("POST", "responses", ())
    assert request.body == {
        "model": "gpt-4.1",
        "input": [{"role": "user", "content": "Hello"}],
        "store": False,
    }


@pytest.mark.parametrize(
    ("model", "config", "asked"),
    [
        ("gpt-5-pro", {}, True),
        ("o3-pro", {}, True),
        ("gpt-5.1-codex-max", {}, True),
        ("codex-mini-latest", {}, True),
        ("gpt-4o", {"reasoning": Reasoning(effort="low")}, False),
        ("gpt-5-chat-latest", {}, False),
        ("gpt-5.2-chat-latest", {}, False),
        ("my-deployment", {}, False),
        ("my-deployment", {"reasoning": Reasoning(effort="low")}, True),
    ],
)
def test_reasoning_is_asked_for_where_the_model_may_have_some(
    model: str, config: dict[str, Any], asked: bool
) -> None:
    """OpenAI refuses the question for a model that does not think."""
    body = rendered(target=Target(model), **config)
    assert ("reasoning.encrypted_content" in body.get("include", [])) is asked


@pytest.mark.parametrize(
    ("system", "said"),
    [
        ((), ["Answer in JSON."]),
        ((MessagePart("Be brief."),), ["Be brief.", "Answer in JSON."]),
        ((MessagePart("Write Json."),), ["Write Json."]),
    ],
)
def test_json_of_any_shape_is_asked_for_in_a_message(
    system: tuple[MessagePart, ...], said: list[str]
) -> None:
    """OpenAI refuses it where no message has the word, and instructions are none."""
    body = rendered(system_instruction=system, output_mime_type="application/json")
    assert "instructions" not in body
    assert body["input"][0] == {
        "role": "system",
        "content": [{"type": "input_text", "text": text} for text in said],
    }


def test_one_system_prompt_is_the_instructions_and_several_are_a_message() -> None:
    one = rendered(system_instruction=(MessagePart("Be brief."),))
    assert one["instructions"] == "Be brief."
    several = rendered(system_instruction=(MessagePart("Be brief."), MessagePart("Be kind.")))
    assert "instructions" not in several
    assert several["input"][0] == {
        "role": "system",
        "content": [
            {"type": "input_text", "text": "Be brief."},
            {"type": "input_text", "text": "Be kind."},
        ],
    }


def test_images_and_files_are_said_inline_and_by_address() -> None:
    by_url = File("application/pdf", url="https://files.example/a.pdf")
    inline = File("text/csv", base64_data="YQ==")
    picture = MessagePart(PNG, opaque={WIRE: {"detail": "low"}})
    (message,) = items(user_message("Look:", picture, by_url, inline))
    assert message["content"] == [
        {"type": "input_text", "text": "Look:"},
        {"type": "input_image", "image_url": "data:image/png;base64,aGk=", "detail": "low"},
        {"type": "input_file", "file_url": "https://files.example/a.pdf"},
        {
            "type": "input_file",
            "filename": "document.csv",
            "file_data": "data:text/csv;base64,YQ==",
        },
    ]


def test_calls_and_their_results_are_items() -> None:
    listed = items(
        user_message("Weather?"),
        model_message("Looking.", FunctionCall("call_1", "weather", '{"city":"Rome"}')),
        Message(
            Role.USER,
            (
                MessagePart(
                    FunctionResponse(
                        "call_1", "weather", parts=(MessagePart("Sun"), MessagePart(PNG))
                    )
                ),
            ),
        ),
    )
    assert listed[1:] == [
        {"role": "assistant", "content": "Looking."},
        {
            "type": "function_call",
            "call_id": "call_1",
            "name": "weather",
            "arguments": '{"city":"Rome"}',
        },
        {
            "type": "function_call_output",
            "call_id": "call_1",
            "output": [
                {"type": "input_text", "text": "Sun"},
                {"type": "input_image", "image_url": "data:image/png;base64,aGk="},
            ],
        },
    ]


def test_calls_without_ids_get_some() -> None:
    listed = items(
        user_message("?"),
        model_message(FunctionCall(None, "f"), FunctionCall(None, "f")),
        Message(
            Role.USER,
            (
                MessagePart(FunctionResponse(None, "f", 1)),
                MessagePart(FunctionResponse(None, "f", 2)),
            ),
        ),
    )
    called = [each["call_id"] for each in listed if each.get("type") == "function_call"]
    answered = [each["call_id"] for each in listed if each.get("type") == "function_call_output"]
    assert called == answered
    assert len(set(called)) == 2


def test_reasoning_comes_back_as_it_was_with_the_ids_of_its_calls() -> None:
    call = MessagePart(FunctionCall("call_1", "f"), opaque={WIRE: {"id": "fc_1"}})
    listed = items(HELLO[0], Message(Role.MODEL, (thought(REASONING), call)))
    assert listed[1] == REASONING
    assert (listed[2]["id"], listed[2]["call_id"]) == ("fc_1", "call_1")
    alone = items(HELLO[0], Message(Role.MODEL, (call,)))
    assert "id" not in alone[1]


def test_reasoning_that_the_upstream_could_not_know_is_not_said() -> None:
    bare = {"type": "reasoning", "id": "rs_1", "summary": []}
    ours = {**bare, "encrypted_content": pack(Carried("c2ln"))}
    for part in (thought(), thought(bare), thought(ours)):
        listed = items(HELLO[0], Message(Role.MODEL, (part, MessagePart("Hi"))))
        assert listed[1:] == [{"role": "assistant", "content": "Hi"}]


def test_what_the_vendors_own_tools_did_comes_back() -> None:
    search = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    listed = items(HELLO[0], Message(Role.MODEL, (thought(search, ""), MessagePart("Hi"))))
    assert listed[1:] == [search, {"role": "assistant", "content": "Hi"}]


def test_phases_and_refusals_stay_apart() -> None:
    comment = MessagePart("Let me see.", opaque={WIRE: {"phase": "commentary"}})
    refused = MessagePart("I can't.", refusal=True)
    listed = items(HELLO[0], Message(Role.MODEL, (comment, MessagePart("No."), refused)))
    assert listed[1] == {"role": "assistant", "content": "Let me see.", "phase": "commentary"}
    assert [part["type"] for part in listed[2]["content"]] == ["output_text", "refusal"]


def test_a_result_of_a_custom_tool_is_said_as_one() -> None:
    call = MessagePart(
        FunctionCall("call_1", "shell", "ls -l"), opaque={WIRE: {"type": "custom_tool_call"}}
    )
    result = MessagePart(FunctionResponse("call_1", "shell", "total 0"))
    listed = items(HELLO[0], Message(Role.MODEL, (call,)), Message(Role.USER, (result,)))
    assert listed[1:] == [
        {"type": "custom_tool_call", "call_id": "call_1", "name": "shell", "input": "ls -l"},
        {"type": "custom_tool_call_output", "call_id": "call_1", "output": "total 0"},
    ]


def test_all_settings_have_this_apis_names() -> None:
    body = rendered(
        target=THINKER,
        stream=True,
        max_tokens=100,
        temperature=0.0,
        top_p=0.9,
        logprobs=True,
        top_logprobs=3,
        reasoning=Reasoning(effort="low"),
        end_user="u-1",
        output_schema={"type": "object"},
        output_schema_strict=True,
        parallel_tool_calls=False,
        tool_choice=ToolChoice("function", "f"),
        function_declarations=(FunctionDeclaration("f", "Does f."),),
        web_search=WebSearch(("a.example",)),
        custom_options={"verbosity": "low"},
    )
    del body["model"], body["input"]
    assert body == {
        "store": False,
        "stream": True,
        "include": ["reasoning.encrypted_content", "message.output_text.logprobs"],
        "max_output_tokens": 100,
        "temperature": 0.0,
        "top_p": 0.9,
        "top_logprobs": 3,
        "user": "u-1",
        "reasoning": {"effort": "low", "summary": "auto"},
        "tools": [
            {
                "type": "function",
                "name": "f",
                "description": "Does f.",
                "parameters": {"type": "object", "properties": {}},
                "strict": False,
            },
            {"type": "web_search", "filters": {"allowed_domains": ["a.example"]}},
        ],
        "tool_choice": {"type": "function", "name": "f"},
        "parallel_tool_calls": False,
        "text": {
            "format": {
                "type": "json_schema",
                "name": "response",
                "schema": {"type": "object"},
                "strict": True,
            }
        },
        "verbosity": "low",
    }


def test_tuning_that_this_api_lacks_is_left_out_with_a_warning() -> None:
    config = ModelConfig(
        top_k=5,
        presence_penalty=0.1,
        frequency_penalty=0.1,
        seed=1,
        max_tokens=5,
        reasoning=Reasoning(budget_tokens=1000),
    )
    asked = GenerationRequest(HELLO, config, dropped=("metadata",))
    request = CLIENT.render_request(asked, THINKER)
    assert request.body["max_output_tokens"] == 16
    assert request.body["reasoning"] == {"effort": "low", "summary": "auto"}
    told = " ".join(request.warnings)
    for name in (
        "metadata",
        "top_k",
        "presence_penalty",
        "frequency_penalty",
        "seed",
        "16",
        "1000",
    ):
        assert name in told
    assert not {"top_k", "seed", "presence_penalty", "frequency_penalty"} & request.body.keys()


@pytest.mark.parametrize(
    ("config", "param"),
    [
        ({"candidate_count": 2}, "candidate_count"),
        ({"stop_sequences": ("x",)}, "stop_sequences"),
        ({"output_modalities": (Modality.AUDIO,)}, "output_modalities"),
        ({"output_mime_type": "image/png"}, "output_mime_type"),
        ({"web_search": WebSearch((), ("b.example",))}, "web_search"),
        ({"system_instruction": (MessagePart(PNG),)}, "system_instruction"),
    ],
)
def test_features_that_this_api_lacks_are_refused(config: dict[str, Any], param: str) -> None:
    with pytest.raises(UnsupportedFeature) as refused:
        rendered(**config)
    assert refused.value.param == param


@pytest.mark.parametrize("kind", ["audio/wav", "video/mp4"])
def test_sound_and_film_are_refused(kind: str) -> None:
    with pytest.raises(UnsupportedFeature):
        rendered(user_message(File(kind, base64_data="aGk=")))


def test_a_setting_cannot_be_said_twice() -> None:
    with pytest.raises(InvalidRequest):
        rendered(temperature=1.0, custom_options={"temperature": 0.5})


def test_a_callers_body_goes_on_as_it_came() -> None:
    body = {
        "model": "auto",
        "input": [{"role": "user", "content": "Hi", "x": 1}],
        "store": True,
        "previous_response_id": "resp_1",
        "prompt_cache_key": "k",
        "x": None,
    }
    sent = CLIENT.forward_request(body, TARGET, stream=False)
    assert sent.path == "responses"
    assert list(sent.body.items()) == list({**body, "model": "gpt-4.1"}.items())
    assert CLIENT.forward_request(body, TARGET, stream=True).body["stream"] is True


def test_only_what_we_put_into_a_callers_history_is_taken_out() -> None:
    carried = {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [],
        "encrypted_content": pack(Carried()),
    }
    sent = CLIENT.forward_request(
        {"input": [{"role": "user", "content": "Hi"}, REASONING, carried], "stream": True},
        TARGET,
        stream=False,
    )
    assert sent.body["input"] == [{"role": "user", "content": "Hi"}, REASONING]
    assert sent.body["stream"] is False


def test_work_in_the_background_is_refused() -> None:
    with pytest.raises(InvalidRequest) as refused:
        CLIENT.forward_request({"input": "Hi", "background": True}, TARGET, stream=False)
    assert refused.value.param == "background"


TEXT = st.text(min_size=1, max_size=12)
NAME = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
FILES = st.sampled_from(
    [
        PNG,
        File("image/webp", url="https://files.example/a.webp"),
        File("application/pdf", base64_data="aGk=", name="a.pdf"),
    ]
)
SCHEMA = st.fixed_dictionaries(
    {"type": st.just("object"), "properties": st.dictionaries(NAME, st.just({"type": "string"}))}
)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Message, ...]:
    messages: list[Message] = []
    for number in range(draw(st.integers(1, 3))):
        said = draw(st.lists(TEXT | FILES, min_size=1, max_size=3))
        messages.append(Message(Role.USER, tuple(map(MessagePart, said))))
        texts = draw(st.lists(TEXT, max_size=2))
        names = draw(st.lists(NAME, max_size=2, min_size=0 if texts else 1))
        calls = [
            FunctionCall(f"call_{number}_{at}", name, draw(TEXT)) for at, name in enumerate(names)
        ]
        turn = [*map(MessagePart, texts), *map(MessagePart, calls)]
        messages.append(Message(Role.MODEL, tuple(turn)))
        results = [FunctionResponse(call.id, call.name, draw(TEXT)) for call in calls]
        if results:
            messages.append(Message(Role.USER, tuple(map(MessagePart, results))))
            if number < 2:
                messages.append(Message(Role.MODEL, (MessagePart(draw(TEXT)),)))
    return tuple(messages)


@st.composite
def configs(draw: st.DrawFn) -> ModelConfig:
    def maybe(strategy: st.SearchStrategy[Any]) -> Any:
        return draw(st.none() | strategy)

    tools = maybe(
        st.lists(
            st.builds(FunctionDeclaration, NAME, TEXT, SCHEMA, st.booleans()),
            min_size=1,
            max_size=2,
            unique_by=lambda each: each.name,
        )
    )
    choices = [ToolChoice("auto"), ToolChoice("none"), ToolChoice("required")]
    if tools:
        choices.append(ToolChoice("function", tools[0].name))
    top = maybe(st.integers(1, 20))
    schema = maybe(SCHEMA)
    mime_type = maybe(st.just("application/json"))
    # JSON of any shape that nobody speaks of is asked for in one more text.
    asked = ["Speak JSON."] if mime_type and not schema else []
    return ModelConfig(
        system_instruction=tuple(map(MessagePart, [*draw(st.lists(TEXT, max_size=3)), *asked])),
        max_tokens=maybe(st.integers(16, 10**6)),
        temperature=maybe(st.floats(0, 2)),
        top_p=maybe(st.floats(0, 1)),
        logprobs=True if top else maybe(st.just(True)),
        top_logprobs=top,
        function_declarations=tuple(tools) if tools else None,
        tool_choice=maybe(st.sampled_from(choices)) if tools else None,
        parallel_tool_calls=maybe(st.booleans()) if tools else None,
        output_mime_type=mime_type,
        output_schema=schema,
        output_schema_name=draw(NAME) if schema else None,
        output_schema_strict=maybe(st.booleans()) if schema else None,
        web_search=maybe(st.builds(WebSearch, st.lists(NAME, max_size=2).map(tuple))),
        reasoning=maybe(st.builds(Reasoning, st.sampled_from(["none", "low", "high"]))),
        end_user=maybe(TEXT),
    )


# A busy machine is no defect.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(conversations(), configs(), st.booleans())
def test_what_is_rendered_is_read_again(
    messages: tuple[Message, ...], config: ModelConfig, stream: bool
) -> None:
    request = GenerationRequest(messages, config, stream)
    sent = CLIENT.render_request(request, THINKER)
    assert sent.warnings == ()
    assert GATEWAY.parse_request(sent.body) == request
