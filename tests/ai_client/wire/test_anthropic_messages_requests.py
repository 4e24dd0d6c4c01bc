"""Requests in Anthropic's dialect, through the face that sessions use."""

from __future__ import annotations

import base64
import json
from typing import Any

import orjson
import pytest

from ai_client import providers
from ai_client.errors import AiClientError, InvalidRequest, UnsupportedFeature
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
from ai_client.wire import Target, WireRequest, client_face

OLD = "claude-sonnet-4-5"
CURRENT = "claude-sonnet-4-6"
STRICT = "claude-opus-5-5"
FOREIGN = "house-model"

face = client_face("anthropic_messages")


def render(
    *messages: Message,
    model: str = CURRENT,
    stream: bool = False,
    options: dict[str, Any] | None = None,
    **config: Any,
) -> WireRequest:
    request = GenerationRequest(
        messages or (user_message("Hi"),), ModelConfig(**config), stream=stream
    )
    return face.render_request(request, Target(model, "Anthropic", options or {}))


def body(*messages: Message, **keywords: Any) -> dict[str, Any]:
    rendered = render(*messages, **keywords).body
    orjson.dumps(rendered)
    return rendered


class TestProvider:
    def test_is_found_and_sends_its_key_in_its_own_header(self) -> None:
        [anthropic] = [found for found in providers.scan(providers) if found.slug == "anthropic"]
        assert anthropic.auth.headers("secret") == {"x-api-key": "secret"}
        assert (anthropic.base_url, anthropic.version_path) == ("https://api.anthropic.com", "/v1")
        assert client_face(anthropic.wire) is face

    def test_offers_the_option_that_requests_read(self) -> None:
        [anthropic] = [found for found in providers.scan(providers) if found.slug == "anthropic"]
        assert [field.name for field in anthropic.fields] == ["max_tokens"]


class TestRequest:
    def test_is_posted_to_messages_with_the_version_it_is_written_for(self) -> None:
        request = render()
        assert (request.method, request.path) == ("POST", "messages")
        assert request.headers == {"anthropic-version": "2023-06-01"}
        assert request.body == {
            "model": CURRENT,
            "max_tokens": 16_384,
            "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
        }

    def test_says_stream_only_when_streaming(self) -> None:
        assert body(stream=True)["stream"] is True
        assert "stream" not in body()

    @pytest.mark.parametrize(
        ("model", "option", "asked", "sent"),
        [
            (CURRENT, None, None, 16_384),
            (FOREIGN, None, None, 4_096),
            (CURRENT, 900, None, 900),
            (CURRENT, "", None, 16_384),
            (CURRENT, 900, 7, 7),
        ],
    )
    def test_always_says_max_tokens(
        self, model: str, option: Any, asked: int | None, sent: int
    ) -> None:
        assert (
            body(model=model, options={"max_tokens": option}, max_tokens=asked)["max_tokens"]
            == sent
        )

    @pytest.mark.parametrize("value", [0, -1, "many", 1.5, True])
    def test_names_the_setting_that_is_wrong(self, value: object) -> None:
        with pytest.raises(InvalidRequest, match="max_tokens of this Anthropic connection"):
            render(options={"max_tokens": value})

    def test_puts_each_part_of_the_system_prompt_into_a_block(self) -> None:
        system = (MessagePart("Be brief.", cache=CacheMarker("1h")), text_part("Be kind."))
        assert body(system_instruction=system)["system"] == [
            {
                "type": "text",
                "text": "Be brief.",
                "cache_control": {"type": "ephemeral", "ttl": "1h"},
            },
            {"type": "text", "text": "Be kind."},
        ]

    def test_names_the_end_user_unless_that_is_personal(self) -> None:
        assert body(end_user="user-17")["metadata"] == {"user_id": "user-17"}
        for personal in ("ann@example.org", "+49 30 1234567", "x" * 257):
            request = render(end_user=personal)
            assert "metadata" not in request.body
            assert [warning.partition(":")[0] for warning in request.warnings] == ["end_user"]

    def test_adds_custom_options_that_contradict_nothing(self) -> None:
        assert body(custom_options={"service_tier": "auto"})["service_tier"] == "auto"
        with pytest.raises(InvalidRequest, match="'model'"):
            render(custom_options={"model": "other"})

    def test_forwards_a_body_of_the_dialect_changed_only_in_model_and_stream(self) -> None:
        given_body = {
            "model": "auto",
            "messages": [{"role": "user", "content": "Hi"}],
            "max_tokens": 5,
            "x": {"y": [1]},
        }
        streamed = face.forward_request(given_body, Target(STRICT), stream=True)
        assert streamed.body == {**given_body, "model": STRICT, "stream": True}
        assert streamed.headers == {"anthropic-version": "2023-06-01"}
        plain = face.forward_request(given_body, Target(STRICT), stream=False)
        assert plain.body == {**given_body, "model": STRICT}
        again = face.forward_request({**given_body, "stream": True}, Target(STRICT), stream=False)
        assert again.body["stream"] is False
        assert given_body["model"] == "auto"


class TestConversation:
    def test_alternates_and_puts_tool_results_first(self) -> None:
        messages = body(
            user_message("a"),
            user_message("b"),
            model_message(FunctionCall("c1", "one", "{}"), FunctionCall("c2", "two", '{"x":1}')),
            user_message("meanwhile"),
            user_message(MessagePart(FunctionResponse("c1", "one", "sunny"))),
            user_message(MessagePart(FunctionResponse("c2", "two", {"t": 1}, is_error=True))),
        )["messages"]
        assert [message["role"] for message in messages] == ["user", "assistant", "user"]
        assert [block["text"] for block in messages[0]["content"]] == ["a", "b"]
        assert messages[1]["content"] == [
            {"type": "tool_use", "id": "c1", "name": "one", "input": {}},
            {"type": "tool_use", "id": "c2", "name": "two", "input": {"x": 1}},
        ]
        assert messages[2]["content"] == [
            {"type": "tool_result", "tool_use_id": "c1", "content": "sunny"},
            {"type": "tool_result", "tool_use_id": "c2", "content": '{"t":1}', "is_error": True},
            {"type": "text", "text": "meanwhile"},
        ]

    def test_gives_calls_without_an_id_one_that_their_results_find(self) -> None:
        messages = body(
            user_message("go"),
            model_message(FunctionCall(None, "one"), FunctionCall(None, "two")),
            user_message(
                MessagePart(FunctionResponse(None, "two", "2")),
                MessagePart(FunctionResponse(None, "one", "1")),
            ),
        )["messages"]
        ids = {block["name"]: block["id"] for block in messages[1]["content"]}
        assert len(set(ids.values())) == 2
        assert [block["tool_use_id"] for block in messages[2]["content"]] == [
            ids["two"],
            ids["one"],
        ]

    def test_gives_ids_of_other_vendors_characters_that_are_allowed(self) -> None:
        messages = body(
            user_message("go"),
            model_message(FunctionCall("call|é:1", "one")),
            user_message(MessagePart(FunctionResponse("call|é:1", "one", "1"))),
        )["messages"]
        [call], [result] = messages[1]["content"], messages[2]["content"]
        assert call["id"] == result["tool_use_id"]
        assert call["id"].isascii()
        assert call["id"].replace("_", "").isalnum()

    def test_sends_results_with_parts_as_blocks(self) -> None:
        result = FunctionResponse(
            "c1", "draw", parts=(text_part("here:"), MessagePart(File("image/png", "aGk=")))
        )
        last = body(
            user_message("go"),
            model_message(FunctionCall("c1", "draw")),
            user_message(MessagePart(result, cache=CacheMarker())),
        )["messages"][-1]["content"]
        assert last == [
            {
                "type": "tool_result",
                "tool_use_id": "c1",
                "content": [
                    {"type": "text", "text": "here:"},
                    {
                        "type": "image",
                        "source": {"type": "base64", "media_type": "image/png", "data": "aGk="},
                    },
                ],
                "cache_control": {"type": "ephemeral"},
            }
        ]

    @pytest.mark.parametrize(
        ("file", "block"),
        [
            (
                File("image/jpg", "aGk="),
                {
                    "type": "image",
                    "source": {"type": "base64", "media_type": "image/jpeg", "data": "aGk="},
                },
            ),
            (
                File("image/*", url="https://example.org/a"),
                {"type": "image", "source": {"type": "url", "url": "https://example.org/a"}},
            ),
            (
                File("application/pdf", "aGk=", name="a.pdf"),
                {
                    "type": "document",
                    "source": {"type": "base64", "media_type": "application/pdf", "data": "aGk="},
                    "title": "a.pdf",
                },
            ),
            (
                File("application/pdf", url="https://example.org/a.pdf"),
                {"type": "document", "source": {"type": "url", "url": "https://example.org/a.pdf"}},
            ),
            (
                File("text/markdown; charset=utf-8", base64.b64encode("# ä".encode()).decode()),
                {
                    "type": "document",
                    "source": {"type": "text", "media_type": "text/plain", "data": "# ä"},
                },
            ),
        ],
    )
    def test_sends_images_and_documents(self, file: File, block: dict[str, Any]) -> None:
        assert body(user_message(file))["messages"][0]["content"] == [block]

    @pytest.mark.parametrize(
        ("file", "named"),
        [
            (File("audio/wav", "aGk="), "audio/wav"),
            (File("image/tiff", "aGk="), "image/tiff"),
            (File("video/mp4", url="https://example.org/v"), "video/mp4"),
            (File("text/plain", url="https://example.org/t"), "text/plain"),
        ],
    )
    def test_refuses_files_that_the_dialect_does_not_take(self, file: File, named: str) -> None:
        with pytest.raises(UnsupportedFeature, match=named):
            render(user_message(file))

    @pytest.mark.parametrize("data", ["%%%", "/w=="])
    def test_says_when_an_inline_text_is_none(self, data: str) -> None:
        with pytest.raises(InvalidRequest, match="UTF-8"):
            render(user_message(File("text/plain", data)))

    def test_marks_what_is_to_be_cached(self) -> None:
        request = body(
            user_message(MessagePart("long", cache=CacheMarker("5m"))),
            function_declarations=(FunctionDeclaration("f", cache=CacheMarker()),),
        )
        [block] = request["messages"][0]["content"]
        assert block["cache_control"] == {"type": "ephemeral", "ttl": "5m"}
        assert request["tools"][0]["cache_control"] == {"type": "ephemeral"}

    def test_leaves_blank_text_out(self) -> None:
        blank = MessagePart("  ")
        messages = body(
            user_message("Hi", blank),
            model_message(MessagePart("\n")),
            user_message("there"),
        )
        assert messages["messages"] == [
            {
                "role": "user",
                "content": [{"type": "text", "text": "Hi"}, {"type": "text", "text": "there"}],
            }
        ]

    def test_leaves_thoughts_of_other_dialects_out(self) -> None:
        foreign = (
            MessagePart("hm", Channel.THOUGHT),
            MessagePart("hm", Channel.THOUGHT, thought_signature="sig"),
            MessagePart("hm", Channel.THOUGHT, opaque={"google_generate": {"x": 1}}),
        )
        messages = body(
            user_message("go"), Message(Role.MODEL, (*foreign, text_part("so"))), user_message("on")
        )["messages"]
        assert messages[1]["content"] == [{"type": "text", "text": "so"}]

    def test_trims_a_begun_answer_and_refuses_it_where_the_model_cannot_go_on(self) -> None:
        prefilled = (user_message("Name?"), model_message("It is \n"))
        assert body(*prefilled, model=OLD)["messages"][-1]["content"][0]["text"] == "It is"
        with pytest.raises(UnsupportedFeature, match=CURRENT):
            render(*prefilled, model=CURRENT)

    @pytest.mark.parametrize("arguments", ["{", "[]", "null", '{"x": NaN}', "3"])
    def test_refuses_arguments_that_are_no_object_and_names_the_function(
        self, arguments: str
    ) -> None:
        with pytest.raises(UnsupportedFeature, match="'look'"):
            render(user_message("go"), model_message(FunctionCall("c", "look", arguments)))

    def test_takes_empty_arguments_for_none(self) -> None:
        messages = body(user_message("go"), model_message(FunctionCall("c", "look", "")))
        assert messages["messages"][1]["content"][0]["input"] == {}

    @pytest.mark.parametrize(
        ("messages", "error"),
        [
            ([Message(Role.USER, (MessagePart(" "),))], InvalidRequest),
            ([model_message("I begin"), user_message("Hi")], UnsupportedFeature),
            ([Message(Role.USER, (MessagePart(FunctionCall("c", "f")),))], InvalidRequest),
            ([user_message("Hi"), model_message(FunctionCall("c", None))], InvalidRequest),
            (
                [
                    user_message("Hi"),
                    Message(Role.MODEL, (MessagePart(FunctionResponse("c", "f")),)),
                ],
                InvalidRequest,
            ),
            ([user_message(MessagePart(FunctionResponse(None, "f")))], InvalidRequest),
            ([user_message("Hi"), model_message(File("image/png", "aGk="))], UnsupportedFeature),
        ],
    )
    def test_refuses_conversations_that_cannot_be_said(
        self, messages: list[Message], error: type[AiClientError]
    ) -> None:
        with pytest.raises(error) as raised:
            render(*messages)
        assert type(raised.value) is error


class TestTools:
    DECLARED = (
        FunctionDeclaration("now"),
        FunctionDeclaration("look", "Looks.", {"properties": {"at": {"type": "string"}}}, True),
    )

    def test_are_declared_with_a_schema_even_without_parameters(self) -> None:
        assert body(function_declarations=self.DECLARED)["tools"] == [
            {"name": "now", "input_schema": {"type": "object", "properties": {}}},
            {
                "name": "look",
                "description": "Looks.",
                "input_schema": {
                    "type": "object",
                    "properties": {"at": {"type": "string"}},
                    "additionalProperties": False,
                },
                "strict": True,
            },
        ]

    @pytest.mark.parametrize(
        ("choice", "parallel", "sent"),
        [
            (None, None, None),
            (None, True, None),
            (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
            (ToolChoice("auto"), None, {"type": "auto"}),
            (ToolChoice("required"), None, {"type": "any"}),
            (ToolChoice("required"), False, {"type": "any", "disable_parallel_tool_use": True}),
            (ToolChoice("function", "now"), None, {"type": "tool", "name": "now"}),
            (
                ToolChoice("function", "now"),
                False,
                {"type": "tool", "name": "now", "disable_parallel_tool_use": True},
            ),
            (ToolChoice("none"), False, {"type": "none"}),
        ],
    )
    def test_are_chosen_in_the_words_of_the_dialect(
        self, choice: ToolChoice | None, parallel: bool | None, sent: dict[str, Any] | None
    ) -> None:
        request = body(
            function_declarations=self.DECLARED, tool_choice=choice, parallel_tool_calls=parallel
        )
        assert request.get("tool_choice") == sent

    @pytest.mark.parametrize("choice", [ToolChoice("required"), ToolChoice("function", "now")])
    def test_cannot_be_forced_where_none_is_declared(self, choice: ToolChoice) -> None:
        with pytest.raises(InvalidRequest, match="none is declared"):
            render(tool_choice=choice)

    @pytest.mark.parametrize("choice", [ToolChoice("auto"), ToolChoice("none")])
    def test_are_not_chosen_where_none_is_declared(self, choice: ToolChoice) -> None:
        assert not {"tools", "tool_choice"} & set(body(tool_choice=choice))


class TestJsonOutput:
    def test_sends_the_schema_with_its_objects_closed(self) -> None:
        schema = {
            "type": "object",
            "properties": {
                "properties": {"type": ["object", "null"], "properties": {}},
                "list": {"type": "array", "items": {"$ref": "#/$defs/Item"}},
            },
            "$defs": {"Item": {"anyOf": [{"type": "object", "properties": {}}, {"type": "null"}]}},
        }
        untouched = json.dumps(schema)
        sent = body(output_schema=schema)["output_config"]["format"]
        assert sent["type"] == "json_schema"
        closed = sent["schema"]
        assert closed["additionalProperties"] is False
        assert closed["properties"]["properties"]["additionalProperties"] is False
        assert closed["$defs"]["Item"]["anyOf"][0]["additionalProperties"] is False
        assert "additionalProperties" not in closed["properties"]
        assert json.dumps(schema) == untouched

    @pytest.mark.parametrize(
        ("given", "sent"),
        [
            (
                {"type": "integer", "minimum": 1, "multipleOf": 2, "description": "Rooms."},
                {"type": "integer", "description": "Rooms.\n\n{minimum: 1, multipleOf: 2}"},
            ),
            (
                {"type": "string", "minLength": 2, "maxLength": 3},
                {"type": "string", "description": "{minLength: 2, maxLength: 3}"},
            ),
            (
                {"type": "array", "items": {"type": "number", "maximum": 5}, "minItems": 2},
                {
                    "type": "array",
                    "items": {"type": "number", "description": "{maximum: 5}"},
                    "description": "{minItems: 2}",
                },
            ),
            (
                {"type": "array", "items": {}, "minItems": 1, "uniqueItems": True},
                {"type": "array", "items": {}, "minItems": 1, "description": "{uniqueItems: true}"},
            ),
            (
                {"type": "array", "prefixItems": [{"type": "string"}, {"type": "null"}]},
                {
                    "type": "array",
                    "items": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                    "description": '{prefixItems: [{"type": "string"}, {"type": "null"}]}',
                },
            ),
            (
                {"oneOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
                {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
            ),
            (
                {"type": "string", "format": "regex", "pattern": "^a(?!b)"},
                {"type": "string", "description": '{format: "regex", pattern: "^a(?!b)"}'},
            ),
            ({"type": "string", "pattern": "^a+$"}, {"type": "string", "pattern": "^a+$"}),
        ],
    )
    def test_says_in_words_what_no_schema_may_hold(self, given: Any, sent: Any) -> None:
        schema = {"type": "object", "properties": {"x": given}, "additionalProperties": False}
        strict = FunctionDeclaration("f", parameters=schema, strict=True)
        loose = FunctionDeclaration("g", parameters=schema)
        rendered = body(output_schema=schema, function_declarations=(strict, loose))
        assert rendered["output_config"]["format"]["schema"]["properties"] == {"x": sent}
        of_tools = [tool["input_schema"]["properties"]["x"] for tool in rendered["tools"]]
        assert of_tools == [sent, given]

    @pytest.mark.parametrize(
        "schema",
        [
            {"type": "object", "additionalProperties": {"type": "integer"}},
            {"type": "object", "properties": {"x": {"additionalProperties": True}}},
            {"type": "object", "patternProperties": {"^x": {}}},
            {"type": "object", "properties": {"child": {"$ref": "#"}}},
            {
                "$ref": "#/$defs/A",
                "$defs": {
                    "A": {"properties": {"b": {"$ref": "#/$defs/B"}}},
                    "B": {"type": "array", "items": {"$ref": "#/$defs/A"}},
                },
            },
        ],
    )
    def test_of_any_name_or_depth_is_refused(self, schema: Any) -> None:
        with pytest.raises(UnsupportedFeature) as caught:
            render(output_schema=schema)
        assert caught.value.param == "output_schema"
        strict = FunctionDeclaration("f", parameters=schema, strict=True)
        with pytest.raises(UnsupportedFeature) as caught:
            render(function_declarations=(strict,))
        assert caught.value.param == "function_declarations"

    def test_takes_the_same_definition_twice(self) -> None:
        twice = {"$ref": "#/$defs/A"}
        schema = {
            "type": "object",
            "properties": {"a": twice, "b": twice},
            "$defs": {"A": {"type": "string"}},
        }
        sent = body(output_schema=schema)["output_config"]["format"]["schema"]
        assert sent["properties"] == {"a": twice, "b": twice}

    def test_without_a_schema_is_refused(self) -> None:
        with pytest.raises(UnsupportedFeature, match="JSON schema"):
            render(output_mime_type="application/json")


class TestTuning:
    @pytest.mark.parametrize(
        ("model", "config", "sent", "warned"),
        [
            (CURRENT, {"temperature": 0.3, "top_k": 5}, {"temperature": 0.3, "top_k": 5}, []),
            (CURRENT, {"temperature": 1.7}, {"temperature": 1.0}, ["temperature"]),
            (CURRENT, {"top_p": 0.4}, {"top_p": 0.4}, []),
            (CURRENT, {"temperature": 0, "top_p": 0.4}, {"temperature": 0}, ["top_p"]),
            (
                FOREIGN,
                {"temperature": 0, "top_p": 0.4},
                {"temperature": 0, "top_p": 0.4},
                [],
            ),
            (
                STRICT,
                {"temperature": 0, "top_p": 0.4, "top_k": 5},
                {},
                ["temperature", "top_p", "top_k"],
            ),
            (STRICT, {"temperature": 1}, {}, []),
            ("claude-mythos-preview", {"temperature": 0.1}, {}, ["temperature"]),
            (
                CURRENT,
                {"seed": 1, "presence_penalty": 0.1, "frequency_penalty": 0.2},
                {},
                ["presence_penalty", "frequency_penalty", "seed"],
            ),
            (CURRENT, {"stop_sequences": ("END",)}, {"stop_sequences": ["END"]}, []),
        ],
    )
    def test_is_said_or_left_out_with_a_warning(
        self, model: str, config: dict[str, Any], sent: dict[str, Any], warned: list[str]
    ) -> None:
        request = render(model=model, **config)
        rest = {
            name: value
            for name, value in request.body.items()
            if name not in ("model", "max_tokens", "messages")
        }
        assert rest == sent
        assert [warning.partition(":")[0] for warning in request.warnings] == warned

    def test_that_the_caller_lost_already_is_a_warning_too(self) -> None:
        request = GenerationRequest((user_message("Hi"),), dropped=("verbosity",))
        assert face.render_request(request, Target(CURRENT)).warnings == ("verbosity",)

    @pytest.mark.parametrize(
        ("model", "config", "named"),
        [
            (CURRENT, {"candidate_count": 2}, "one candidate"),
            (CURRENT, {"logprobs": True}, "log probabilities"),
            (CURRENT, {"top_logprobs": 3}, "log probabilities"),
            (CURRENT, {"stop_sequences": ("\n",)}, "stop sequence"),
            (
                CURRENT,
                {"system_instruction": (MessagePart(File("image/png", "aGk=")),)},
                "text only",
            ),
        ],
    )
    def test_of_what_the_answer_is_is_refused(
        self, model: str, config: dict[str, Any], named: str
    ) -> None:
        with pytest.raises(UnsupportedFeature, match=named):
            render(model=model, **config)

    def test_names_features_that_were_not_translated(self) -> None:
        request = GenerationRequest(
            (user_message("Hi"),), untranslatable=("web_search_options", "audio")
        )
        with pytest.raises(UnsupportedFeature, match="web_search_options, audio") as raised:
            face.render_request(request, Target(CURRENT))
        assert raised.value.param == "web_search_options"


class TestThinking:
    @pytest.mark.parametrize(
        ("model", "reasoning", "thinking", "effort", "warned"),
        [
            (CURRENT, Reasoning("high"), {"type": "adaptive"}, "high", 0),
            (CURRENT, Reasoning("xhigh"), {"type": "adaptive"}, "high", 0),
            (CURRENT, Reasoning("minimal"), {"type": "adaptive"}, "low", 0),
            (
                CURRENT,
                Reasoning(budget_tokens=2_000),
                {"type": "enabled", "budget_tokens": 2_000},
                None,
                0,
            ),
            (CURRENT, Reasoning("none"), {"type": "disabled"}, None, 0),
            (STRICT, Reasoning("max"), {"type": "adaptive", "display": "summarized"}, "max", 0),
            (
                STRICT,
                Reasoning(budget_tokens=2_000),
                {"type": "adaptive", "display": "summarized"},
                None,
                1,
            ),
            (STRICT, Reasoning(budget_tokens=0), None, "low", 1),
            ("claude-opus-4-8", Reasoning(budget_tokens=0), {"type": "disabled"}, None, 0),
            (OLD, Reasoning("low"), {"type": "enabled", "budget_tokens": 2_048}, None, 0),
            (
                OLD,
                Reasoning(budget_tokens=10),
                {"type": "enabled", "budget_tokens": 1_024},
                None,
                0,
            ),
            (FOREIGN, Reasoning("medium"), {"type": "adaptive"}, "medium", 0),
            (
                FOREIGN,
                Reasoning(budget_tokens=5_000),
                {"type": "enabled", "budget_tokens": 5_000},
                None,
                0,
            ),
            (CURRENT, Reasoning("very"), None, None, 1),
        ],
    )
    def test_is_asked_for_as_the_generation_takes_it(
        self,
        model: str,
        reasoning: Reasoning,
        thinking: dict[str, Any] | None,
        effort: str | None,
        warned: int,
    ) -> None:
        request = render(model=model, reasoning=reasoning)
        assert request.body.get("thinking") == thinking
        assert request.body.get("output_config", {}).get("effort") == effort
        assert len(request.warnings) == warned

    @pytest.mark.parametrize(
        ("name", "adaptive"),
        [
            ("claude-3-7-sonnet-20250219", False),
            ("claude-opus-4-20250514", False),
            ("anthropic/claude-sonnet-4.5", False),
            ("us.anthropic.claude-haiku-4-5-20251001-v1:0", False),
            ("claude-opus-4-6", True),
            ("us.anthropic.claude-opus-4-6-v1", True),
            ("claude-sonnet-5", True),
            ("claude-haiku-5-5-20261001", True),
            ("claude-fable-5-2", True),
        ],
    )
    def test_reads_the_generation_from_the_id(self, name: str, adaptive: bool) -> None:
        thinking = body(model=name, reasoning=Reasoning("high"))["thinking"]
        assert (thinking["type"] == "adaptive") is adaptive

    def test_leaves_room_for_the_answer(self) -> None:
        free = body(model=OLD, reasoning=Reasoning("medium"))
        assert free["max_tokens"] == 16_384 + free["thinking"]["budget_tokens"]
        tight = body(model=OLD, reasoning=Reasoning("high"), max_tokens=4_000)
        assert (tight["max_tokens"], tight["thinking"]["budget_tokens"]) == (4_000, 2_000)
        exact = body(model=OLD, reasoning=Reasoning(budget_tokens=4_000), max_tokens=4_000)
        assert exact["thinking"]["budget_tokens"] == 3_999
        none = render(model=OLD, reasoning=Reasoning("high"), max_tokens=1_000)
        assert "thinking" not in none.body
        assert len(none.warnings) == 1

    def test_shares_the_output_settings_with_a_schema(self) -> None:
        sent = body(reasoning=Reasoning("low"), output_schema={"type": "object"})["output_config"]
        assert set(sent) == {"effort", "format"}

    def test_goes_before_sampling(self) -> None:
        request = render(
            model=OLD, reasoning=Reasoning("low"), temperature=0.2, top_k=3, top_p=0.97
        )
        assert (request.body["top_p"], request.warnings) == (0.97, ("temperature", "top_k"))
        assert not {"temperature", "top_k"} & set(request.body)
        low = render(model=OLD, reasoning=Reasoning("low"), top_p=0.5)
        assert ("top_p" in low.body, low.warnings) == (False, ("top_p",))
        off = body(model=OLD, reasoning=Reasoning("none"), temperature=0.2)
        assert off["temperature"] == 0.2

    @pytest.mark.parametrize(("model", "thinks"), [(OLD, False), (CURRENT, False), (STRICT, True)])
    def test_gives_way_to_a_forced_call_on_models_that_cannot_do_both(
        self, model: str, thinks: bool
    ) -> None:
        request = render(
            model=model,
            reasoning=Reasoning("low"),
            function_declarations=(FunctionDeclaration("f"),),
            tool_choice=ToolChoice("required"),
        )
        assert ("thinking" in request.body) is thinks
        assert len(request.warnings) == (not thinks)
        assert request.body["tool_choice"] == {"type": "any"}

    @pytest.mark.parametrize(("model", "thinks"), [(OLD, False), (CURRENT, True)])
    def test_gives_way_to_results_of_a_call_whose_thinking_is_lost(
        self, model: str, thinks: bool
    ) -> None:
        lost = (
            user_message("go"),
            model_message(FunctionCall("c", "f")),
            user_message(MessagePart(FunctionResponse("c", "f", "1"))),
        )
        assert ("thinking" in body(*lost, model=model, reasoning=Reasoning("low"))) is thinks
        signed = MessagePart(
            "hm",
            Channel.THOUGHT,
            opaque={"anthropic_messages": {"type": "thinking", "signature": "s"}},
        )
        kept = (lost[0], Message(Role.MODEL, (signed, *lost[1].parts)), lost[2])
        assert "thinking" in body(*kept, model=model, reasoning=Reasoning("low"))
