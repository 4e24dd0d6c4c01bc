"""OpenAI's chat dialect, client face: what is sent to upstreams."""

from __future__ import annotations

from typing import Any

import pytest

from ai_client.errors import InvalidRequest, UnsupportedFeature
from ai_client.messages import (
    CacheMarker,
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
    model_message,
    text_part,
    user_message,
)
from ai_client.registration import provider_for
from ai_client.wire import ClientFace, Target, openai_chat

CLIENT: ClientFace = openai_chat
TARGET = Target("gpt-5.4-mini", "OpenAI")
HELLO = (user_message("Hello"),)


def rendered(
    *messages: Message, target: Target = TARGET, stream: bool = False, **config: Any
) -> dict[str, Any]:
    request = GenerationRequest(messages or HELLO, ModelConfig(**config), stream)
    return CLIENT.render_request(request, target).body


def messages_of(*messages: Message, **config: Any) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = rendered(*messages, **config)["messages"]
    return listed


def test_a_plain_request_is_as_small_as_it_can_be() -> None:
    request = CLIENT.render_request(GenerationRequest(HELLO), TARGET)
    assert (request.method, request.path, request.warnings) == ("POST", "chat/completions", ())
    assert request.body == {
        "model": "gpt-5.4-mini",
        "messages": [{"role": "user", "content": "Hello"}],
    }


def test_all_tuning_has_openais_names() -> None:
    body = rendered(
        target=Target("gpt-7"),
        candidate_count=2,
        max_tokens=100,
        temperature=0.0,
        top_p=0.9,
        stop_sequences=("a", "b"),
        presence_penalty=0.1,
        frequency_penalty=-0.1,
        seed=0,
        logprobs=True,
        top_logprobs=3,
        reasoning=Reasoning(effort="low"),
        end_user="u-1",
    )
    del body["model"], body["messages"]
    assert body == {
        "n": 2,
        "max_completion_tokens": 100,
        "temperature": 0.0,
        "top_p": 0.9,
        "stop": ["a", "b"],
        "presence_penalty": 0.1,
        "frequency_penalty": -0.1,
        "seed": 0,
        "logprobs": True,
        "top_logprobs": 3,
        "reasoning_effort": "low",
        "user": "u-1",
    }


def test_the_connection_says_how_the_token_limit_is_called() -> None:
    older = Target("m", options={"max_tokens_parameter": "max_tokens"})
    assert rendered(max_tokens=5, target=older)["max_tokens"] == 5
    wrong = Target("m", options={"max_tokens_parameter": "model"})
    with pytest.raises(InvalidRequest, match="max_tokens_parameter"):
        rendered(max_tokens=5, target=wrong)


def test_top_k_is_left_out_with_a_warning_unless_the_server_knows_it() -> None:
    request = GenerationRequest(HELLO, ModelConfig(top_k=5))
    openai = CLIENT.render_request(request, TARGET)
    assert "top_k" not in openai.body
    assert openai.warnings == ("top_k was left out",)
    other = CLIENT.render_request(request, Target("m", options={"top_k": True}))
    assert (other.body["top_k"], other.warnings) == (5, ())


@pytest.mark.parametrize(
    ("budget", "effort"), [(0, "none"), (1024, "low"), (10_000, "medium"), (50_000, "high")]
)
def test_a_reasoning_budget_becomes_an_effort(budget: int, effort: str) -> None:
    assert rendered(reasoning=Reasoning(budget_tokens=budget))["reasoning_effort"] == effort


def test_a_stream_asks_for_token_counts_where_the_server_knows_that() -> None:
    body = rendered(stream=True)
    assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})
    without = rendered(stream=True, target=Target("m", options={"stream_usage": False}))
    assert "stream_options" not in without


def test_the_system_prompt_comes_first() -> None:
    (system, _) = messages_of(system_instruction=(text_part("Be brief."),))
    assert system == {"role": "system", "content": "Be brief."}
    (system, _) = messages_of(
        system_instruction=(MessagePart("A", cache=CacheMarker()), text_part("B"))
    )
    assert system["content"] == [{"type": "text", "text": "A"}, {"type": "text", "text": "B"}]


def test_users_send_text_images_audio_and_files() -> None:
    detail = {"openai_chat": {"detail": "low"}, "other": {"detail": "x"}}
    (message,) = messages_of(
        user_message(
            "Look",
            MessagePart(File("image/png", base64_data="AAAA"), opaque=detail),
            File("image/jpeg", url="https://example.org/a.jpg"),
            File("audio/mpeg", base64_data="BBBB"),
            File("application/pdf", base64_data="CCCC"),
            File("text/csv", base64_data="DDDD", name="rows.csv"),
        )
    )
    assert message["content"] == [
        {"type": "text", "text": "Look"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "https://example.org/a.jpg"}},
        {"type": "input_audio", "input_audio": {"data": "BBBB", "format": "mp3"}},
        {
            "type": "file",
            "file": {
                "filename": "document.pdf",
                "file_data": "data:application/pdf;base64,CCCC",
            },
        },
        {
            "type": "file",
            "file": {"filename": "rows.csv", "file_data": "data:text/csv;base64,DDDD"},
        },
    ]


@pytest.mark.parametrize(
    "message",
    [
        user_message(File("application/pdf", url="https://example.org/a.pdf")),
        user_message(File("audio/wav", url="https://example.org/a.wav")),
        user_message(File("audio/midi", base64_data="AAAA")),
        user_message(File("video/mp4", base64_data="AAAA")),
        model_message(File("image/png", base64_data="AAAA")),
        Message(
            Role.USER,
            (
                MessagePart(
                    FunctionResponse("a", "f", parts=(MessagePart(File("image/png", "AAAA")),))
                ),
            ),
        ),
    ],
)
def test_files_it_cannot_say_are_refused_before_sending(message: Message) -> None:
    with pytest.raises(UnsupportedFeature) as caught:
        rendered(message)
    assert str(caught.value.param).startswith("messages[0]")


def test_a_file_in_the_system_prompt_is_refused() -> None:
    with pytest.raises(UnsupportedFeature, match="system prompt"):
        rendered(system_instruction=(MessagePart(File("image/png", base64_data="AAAA")),))


def test_results_go_out_as_tool_messages_before_what_is_said_beside_them() -> None:
    result = MessagePart(FunctionResponse("call_b", "time", {"hour": 5}))
    several = MessagePart(FunctionResponse("call_a", "f", parts=(text_part("x"), text_part("y"))))
    assert messages_of(
        user_message("Go"),
        model_message("Wait.", FunctionCall("call_a", "f", "{"), FunctionCall("call_b", "time")),
        Message(Role.USER, (several, text_part("and"), result, text_part("then?"))),
    )[1:] == [
        {
            "role": "assistant",
            "content": "Wait.",
            "tool_calls": [
                {
                    "id": "call_a",
                    "type": "function",
                    "function": {"name": "f", "arguments": "{"},
                },
                {
                    "id": "call_b",
                    "type": "function",
                    "function": {"name": "time", "arguments": "{}"},
                },
            ],
        },
        {
            "role": "tool",
            "tool_call_id": "call_a",
            "content": [{"type": "text", "text": "x"}, {"type": "text", "text": "y"}],
        },
        {"role": "tool", "tool_call_id": "call_b", "content": '{"hour":5}'},
        {
            "role": "user",
            "content": [{"type": "text", "text": "and"}, {"type": "text", "text": "then?"}],
        },
    ]


def test_calls_without_ids_get_some_and_results_find_them_by_name() -> None:
    messages = messages_of(
        model_message(FunctionCall(None, "f"), FunctionCall(None, "g"), FunctionCall(None, "f")),
        Message(
            Role.USER,
            tuple(MessagePart(FunctionResponse(None, name, "r")) for name in ("g", "f", "f")),
        ),
    )
    first, second, third = (call["id"] for call in messages[0]["tool_calls"])
    assert len({first, second, third}) == 3
    assert [each["tool_call_id"] for each in messages[1:]] == [second, first, third]


def test_a_result_of_no_call_is_refused() -> None:
    with pytest.raises(InvalidRequest) as caught:
        rendered(Message(Role.USER, (MessagePart(FunctionResponse(None, "f", "r")),)))
    assert caught.value.param == "messages[0].parts[0]"


@pytest.mark.parametrize(
    "message",
    [
        Message(Role.USER, (MessagePart(FunctionCall("a", "f")),)),
        Message(Role.MODEL, (MessagePart(FunctionResponse("a", "f", "r")),)),
    ],
)
def test_parts_of_the_wrong_side_are_refused(message: Message) -> None:
    with pytest.raises(InvalidRequest, match="cannot contain"):
        rendered(message)


def test_a_models_texts_and_refusals() -> None:
    assert messages_of(
        model_message("A", "B"),
        Message(Role.MODEL, (MessagePart("No.", refusal=True),)),
        Message(Role.MODEL, ()),
    ) == [
        {
            "role": "assistant",
            "content": [{"type": "text", "text": "A"}, {"type": "text", "text": "B"}],
        },
        {"role": "assistant", "content": None, "refusal": "No."},
        {"role": "assistant", "content": ""},
    ]


def test_thoughts_go_back_only_where_they_came_from_this_dialect() -> None:
    own = {"openai_chat": {"field": "reasoning", "details": [{"type": "reasoning.text"}]}}
    ours, theirs = messages_of(
        model_message(MessagePart("Hm.", Channel.THOUGHT, opaque=own), "A"),
        model_message(
            MessagePart("Hm.", Channel.THOUGHT, "sig", opaque={"anthropic_messages": {}}),
            MessagePart("B", thought_signature="sig"),
            MessagePart(FunctionCall("a", "f"), thought_signature="sig"),
        ),
    )
    assert ours == {
        "role": "assistant",
        "content": "A",
        "reasoning": "Hm.",
        "reasoning_details": [{"type": "reasoning.text"}],
    }
    assert sorted(theirs) == ["content", "role", "tool_calls"]
    assert sorted(theirs["tool_calls"][0]) == ["function", "id", "type"]


def test_googles_signatures_go_back_to_servers_of_this_dialect() -> None:
    extra = {"google": {"thought_signature": "sig"}}
    own = {"openai_chat": {"extra_content": extra}}
    (message,) = messages_of(model_message(MessagePart(FunctionCall("a", "f"), opaque=own)))
    assert message["tool_calls"][0]["extra_content"] == extra


def test_tools_and_their_choice() -> None:
    body = rendered(
        function_declarations=(
            FunctionDeclaration("f", "Does f.", {"type": "object"}, True, CacheMarker()),
            FunctionDeclaration("g"),
        ),
        tool_choice=ToolChoice("function", "f"),
        parallel_tool_calls=False,
    )
    assert body["tools"] == [
        {
            "type": "function",
            "function": {
                "name": "f",
                "description": "Does f.",
                "parameters": {"type": "object"},
                "strict": True,
            },
        },
        {"type": "function", "function": {"name": "g"}},
    ]
    assert body["tool_choice"] == {"type": "function", "function": {"name": "f"}}
    assert body["parallel_tool_calls"] is False


@pytest.mark.parametrize("mode", ["auto", "none", "required"])
def test_a_choice_is_sent_with_tools(mode: Any) -> None:
    tools = (FunctionDeclaration("f"),)
    body = rendered(function_declarations=tools, tool_choice=ToolChoice(mode))
    assert body["tool_choice"] == mode


def test_a_choice_that_says_nothing_is_not_sent_without_tools() -> None:
    assert "tool_choice" not in rendered(tool_choice=ToolChoice("auto"), parallel_tool_calls=True)


def test_structured_output() -> None:
    schema = {"type": "object"}
    assert rendered(output_schema=schema)["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "response", "schema": schema},
    }
    named = rendered(output_schema=schema, output_schema_name="x", output_schema_strict=True)
    assert named["response_format"]["json_schema"] == {
        "name": "x",
        "schema": schema,
        "strict": True,
    }
    groq = provider_for("groq")
    assert groq is not None
    config = ModelConfig(output_schema=schema, output_schema_strict=True)
    there = Target("llama", "Groq", groq.options)
    sent = CLIENT.render_request(GenerationRequest(HELLO, config), there)
    assert "strict" not in sent.body["response_format"]["json_schema"]
    assert sent.warnings == ("output_schema_strict was left out",)
    loose = rendered(output_mime_type="application/json")
    assert loose["response_format"] == {"type": "json_object"}
    assert loose["messages"][0] == {"role": "system", "content": "Answer in JSON."}
    with pytest.raises(UnsupportedFeature, match="not text/x"):
        rendered(output_mime_type="text/x.enum")


def test_custom_options_add_and_never_replace() -> None:
    assert rendered(custom_options={"verbosity": "low"})["verbosity"] == "low"
    for name in ("model", "messages", "stream", "temperature"):
        with pytest.raises(InvalidRequest) as caught:
            rendered(temperature=1.0, custom_options={name: 1})
        assert caught.value.param == f"custom_options.{name}"


def test_what_belongs_to_another_dialect_is_refused_or_warned_about() -> None:
    tuned = CLIENT.render_request(GenerationRequest(HELLO, dropped=("store",)), TARGET)
    assert tuned.warnings == ("store was left out",)
    with pytest.raises(UnsupportedFeature, match=r"OpenAI cannot .*cachedContent"):
        CLIENT.render_request(GenerationRequest(HELLO, untranslatable=("cachedContent",)), TARGET)


def test_a_request_needs_a_message() -> None:
    with pytest.raises(InvalidRequest) as caught:
        CLIENT.render_request(GenerationRequest(()), TARGET)
    assert caught.value.param == "messages"


def test_a_callers_body_is_forwarded_as_it_came_but_for_the_model() -> None:
    body = {
        "model": "auto",
        "messages": [{"role": "user", "content": "Hi", "unknown": 1}],
        "logit_bias": {"5": 1},
        "unknown": {"a": None},
        "max_completion_tokens": 5,
    }
    request = CLIENT.forward_request(body, TARGET, stream=False)
    assert request.path == "chat/completions"
    assert request.body == {**body, "model": "gpt-5.4-mini"}
    assert list(request.body) == list(body)
    assert body["model"] == "auto"


def test_a_forwarded_stream_asks_for_token_counts() -> None:
    body = {"messages": [], "stream": False, "stream_options": {"include_obfuscation": False}}
    request = CLIENT.forward_request(body, TARGET, stream=True)
    assert request.body["stream"] is True
    assert request.body["stream_options"] == {"include_obfuscation": False, "include_usage": True}
    without = Target("m", options={"stream_usage": False})
    assert (
        CLIENT.forward_request(body, without, stream=True).body["stream_options"]
        == body["stream_options"]
    )


def test_a_stream_forwarded_as_a_plain_call_loses_what_belongs_to_streams() -> None:
    body = {"messages": [], "stream": True, "stream_options": {"include_usage": True}}
    assert CLIENT.forward_request(body, TARGET, stream=False).body == {
        "model": "gpt-5.4-mini",
        "messages": [],
        "stream": False,
    }


@pytest.mark.parametrize("model", ["o3", "gpt-5", "gpt-5.4-mini", "openai/gpt-6"])
def test_the_token_limit_is_renamed_for_a_model_that_refuses_the_old_name(model: str) -> None:
    forwarded = CLIENT.forward_request({"max_tokens": 5}, Target(model), stream=False)
    assert forwarded.body == {"model": model, "max_completion_tokens": 5}


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4.1-mini", "gpt-35-turbo", "llama-3", "qwen3"])
def test_the_token_limit_of_any_other_model_is_forwarded_as_it_came(model: str) -> None:
    forwarded = CLIENT.forward_request({"max_tokens": 5}, Target(model), stream=False)
    assert forwarded.body == {"model": model, "max_tokens": 5}


def test_the_token_limit_is_renamed_where_the_connection_says_so() -> None:
    older = Target("m", options={"max_tokens_parameter": "max_tokens"})
    forwarded = CLIENT.forward_request({"max_completion_tokens": 5}, older, stream=False)
    assert forwarded.body == {"model": "m", "max_tokens": 5}
