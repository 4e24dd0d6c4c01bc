"""Google's dialect, client face: what is sent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.genai import types as sdk

from ai_client.errors import (
    InvalidRequest,
    UnsupportedFeature,
)
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
    user_message,
)
from ai_client.wire import Target
from tests.ai_client.wire.google_generate import FACE, contents, render

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = FunctionDeclaration("weather", "The weather of a city.", SCHEMA)
PICTURE = File("image/png", "iVBORw0KGgo=")


def generation_config(config: ModelConfig, model: str = "gemini-3.5-flash") -> dict[str, Any]:
    rendered: dict[str, Any] = render(model=model, config=config).body["generationConfig"]
    sdk.GenerationConfig.model_validate(rendered)
    return rendered


class TestPath:
    def test_plain_and_stream_are_two_methods_and_no_key_is_in_the_address(self) -> None:
        plain = render(model="gemini-3.5-flash")
        assert (plain.path, dict(plain.query)) == ("models/gemini-3.5-flash:generateContent", {})
        streamed = FACE.render_request(
            GenerationRequest((user_message("Hi"),), stream=True), Target("models/gemini-3.5-flash")
        )
        assert streamed.path == "models/gemini-3.5-flash:streamGenerateContent"
        assert dict(streamed.query) == {"alt": "sse"}
        assert "stream" not in streamed.body

    @pytest.mark.parametrize(
        ("model", "segment"),
        [
            ("tunedModels/mine-1", "tunedModels/mine-1"),
            ("../../v1/files", "models/..%2F..%2Fv1%2Ffiles"),
            ("models/../x", "models/..%2Fx"),
            ("a?key=1#b", "models/a%3Fkey%3D1%23b"),
            ("a:deleteModel", "models/a%3AdeleteModel"),
            ("a\r\nb", "models/a%0D%0Ab"),
        ],
    )
    def test_a_model_id_stays_inside_its_segment(self, model: str, segment: str) -> None:
        assert render(model=model).path == f"{segment}:generateContent"

    @pytest.mark.parametrize("model", ["", " ", "models/"])
    def test_without_a_model_nothing_is_sent(self, model: str) -> None:
        with pytest.raises(UnsupportedFeature, match="connection's model"):
            render(model=model)


class TestMessages:
    def test_roles_text_and_system_prompt(self) -> None:
        config = ModelConfig(
            system_instruction=(MessagePart("Be brief."), MessagePart("Be kind.")),
        )
        wire = render(user_message("Hi"), model_message("Hello"), user_message("Go"), config=config)
        assert wire.body["contents"] == [
            {"role": "user", "parts": [{"text": "Hi"}]},
            {"role": "model", "parts": [{"text": "Hello"}]},
            {"role": "user", "parts": [{"text": "Go"}]},
        ]
        assert wire.body["systemInstruction"] == {
            "parts": [{"text": "Be brief."}, {"text": "Be kind."}]
        }

    def test_files_inline_and_by_address(self) -> None:
        page = File("application/pdf", url="https://example.org/a")
        picture = File("image/*", url="https://example.org/cat.JPG?v=2")
        unknown = File("", url="gs://bucket/thing")
        [turn] = contents(user_message("See", PICTURE, page, picture, unknown))
        assert turn["parts"][1:] == [
            {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}},
            {"fileData": {"mimeType": "application/pdf", "fileUri": "https://example.org/a"}},
            {
                "fileData": {
                    "mimeType": "image/jpeg",
                    "fileUri": "https://example.org/cat.JPG?v=2",
                }
            },
            {"fileData": {"fileUri": "gs://bucket/thing"}},
        ]

    @pytest.mark.parametrize(
        ("file", "model"),
        [
            (File("image/gif", "R0lGOD=="), "gemini-3.5-flash"),
            (File("image/*", url="https://example.org/a.gif"), "gemini-3.5-flash"),
            (File("image/png", url="file:///etc/passwd"), "gemini-3.5-flash"),
            (File("image/png", url="/etc/passwd"), "gemini-3.5-flash"),
            (File("image/png", url="https://example.org/a.png"), "gemini-2.0-flash"),
        ],
    )
    def test_files_that_google_does_not_read_are_refused(self, file: File, model: str) -> None:
        with pytest.raises(UnsupportedFeature, match="Google"):
            render(user_message(file), model=model)

    def test_parallel_results_stand_together_and_apart_from_the_next_words(self) -> None:
        turns = contents(
            user_message("Weather?"),
            model_message(
                FunctionCall("a", "weather", '{"city": "Köln"}'), FunctionCall("b", "time", "")
            ),
            user_message(MessagePart(FunctionResponse("a", None, {"degrees": 20}))),
            user_message(
                MessagePart("And?"),
                MessagePart(FunctionResponse("b", None, "no clock", is_error=True)),
            ),
        )
        assert turns[1]["parts"] == [
            {
                "functionCall": {"name": "weather", "args": {"city": "Köln"}, "id": "a"},
                "thoughtSignature": "skip_thought_signature_validator",
            },
            {"functionCall": {"name": "time", "args": {}, "id": "b"}},
        ]
        assert turns[2] == {
            "role": "user",
            "parts": [
                {"functionResponse": {"name": "weather", "id": "a", "response": {"degrees": 20}}},
                {
                    "functionResponse": {
                        "name": "time",
                        "id": "b",
                        "response": {"error": "no clock"},
                    }
                },
            ],
        }
        assert turns[3] == {"role": "user", "parts": [{"text": "And?"}]}

    def test_each_round_of_calls_has_results_of_its_own(self) -> None:
        turns = contents(
            model_message(FunctionCall("a", "f")),
            user_message(MessagePart(FunctionResponse("a", None, 1))),
            model_message(FunctionCall("b", "f")),
            user_message(MessagePart(FunctionResponse("b", None, 2))),
        )
        assert [(turn["role"], len(turn["parts"])) for turn in turns] == [
            ("model", 1),
            ("user", 1),
            ("model", 1),
            ("user", 1),
        ]

    @pytest.mark.parametrize(
        ("result", "response"),
        [
            (FunctionResponse("x", "f", "20"), {"result": "20"}),
            (FunctionResponse("x", "f", None), {"result": None}),
            (FunctionResponse("x", "f", [1, 2]), {"result": [1, 2]}),
            (FunctionResponse("x", "f", parts=(MessagePart("a"),)), {"result": "a"}),
            (FunctionResponse("x", "f", {"a": 1}, is_error=True), {"error": {"a": 1}}),
        ],
    )
    def test_a_result_is_always_an_object(
        self, result: FunctionResponse, response: dict[str, Any]
    ) -> None:
        [turn] = contents(user_message(MessagePart(result)))
        assert turn["parts"][0]["functionResponse"]["response"] == response

    def test_a_result_may_hold_a_picture_since_gemini_3(self) -> None:
        parts = (MessagePart("shot"), MessagePart(PICTURE))
        message = user_message(MessagePart(FunctionResponse("x", "f", parts=parts)))
        [turn] = contents(message)
        assert turn["parts"][0]["functionResponse"] == {
            "id": "x",
            "name": "f",
            "response": {"result": "shot"},
            "parts": [{"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}],
        }
        with pytest.raises(UnsupportedFeature):
            contents(message, model="gemini-2.5-flash")

    def test_a_call_without_object_and_a_result_without_name_are_refused(self) -> None:
        for arguments in ("[1]", "{broken", '"text"'):
            with pytest.raises(UnsupportedFeature, match="JSON object"):
                contents(model_message(FunctionCall("a", "f", arguments)))
        with pytest.raises(UnsupportedFeature, match="name of the function"):
            contents(user_message(MessagePart(FunctionResponse("unknown", None, 1))))

    def test_older_models_get_no_stand_in_for_signatures(self) -> None:
        [turn] = contents(model_message(FunctionCall("a", "f")), model="gemini-2.5-pro")
        assert turn["parts"] == [{"functionCall": {"name": "f", "args": {}, "id": "a"}}]

    def test_thinking_of_other_vendors_and_empty_text_stay_behind(self) -> None:
        foreign = MessagePart(
            "Hm.", Channel.THOUGHT, thought_signature="sig", opaque={"anthropic_messages": {}}
        )
        bare = MessagePart("Hm.", Channel.THOUGHT, thought_signature="sig")
        turns = contents(
            user_message("Hi", MessagePart("")),
            Message(Role.MODEL, (foreign, bare)),
            Message(Role.MODEL, (foreign, MessagePart("Yes."))),
        )
        assert turns == [
            {"role": "user", "parts": [{"text": "Hi"}]},
            {"role": "model", "parts": [{"text": "Yes."}]},
        ]

    def test_cache_markers_have_no_equivalent_and_cost_nothing(self) -> None:
        wire = render(user_message(MessagePart("Hi", cache=CacheMarker("1h"))))
        assert wire.body["contents"] == [{"role": "user", "parts": [{"text": "Hi"}]}]
        assert wire.warnings == ()

    def test_a_request_without_any_message_is_refused(self) -> None:
        with pytest.raises(UnsupportedFeature, match="message of the user"):
            render(Message(Role.USER, (MessagePart(""),)))

    def test_a_system_prompt_with_a_picture_is_refused(self) -> None:
        with pytest.raises(UnsupportedFeature, match="system prompt"):
            render(config=ModelConfig(system_instruction=(MessagePart(PICTURE),)))


class TestSettings:
    @pytest.mark.parametrize(
        ("config", "expected"),
        [
            (ModelConfig(max_tokens=9), {"maxOutputTokens": 9}),
            (ModelConfig(temperature=0.0), {"temperature": 0.0}),
            (ModelConfig(top_p=0.5, top_k=3), {"topP": 0.5, "topK": 3}),
            (ModelConfig(stop_sequences=("a", "b")), {"stopSequences": ["a", "b"]}),
            (ModelConfig(candidate_count=2, seed=7), {"candidateCount": 2, "seed": 7}),
            (
                ModelConfig(presence_penalty=0.1, frequency_penalty=-0.1),
                {"presencePenalty": 0.1, "frequencyPenalty": -0.1},
            ),
            (ModelConfig(logprobs=True), {"responseLogprobs": True}),
            (ModelConfig(top_logprobs=2), {"responseLogprobs": True, "logprobs": 2}),
            (
                ModelConfig(logprobs=True, top_logprobs=4),
                {"responseLogprobs": True, "logprobs": 4},
            ),
            (
                ModelConfig(output_mime_type="application/json"),
                {"responseMimeType": "application/json"},
            ),
            (
                ModelConfig(output_schema=SCHEMA, output_schema_name="x"),
                {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA},
            ),
        ],
    )
    def test_each_setting_has_its_field(
        self, config: ModelConfig, expected: dict[str, Any]
    ) -> None:
        assert generation_config(config) == expected

    def test_what_is_not_said_is_not_sent(self) -> None:
        assert render().body.keys() == {"contents"}

    @pytest.mark.parametrize(
        ("model", "reasoning", "expected"),
        [
            ("gemini-3.5-flash", Reasoning("low"), {"thinkingLevel": "LOW"}),
            ("gemini-4-argon", Reasoning("max"), {"thinkingLevel": "HIGH"}),
            ("gemini-flash-latest", Reasoning("minimal"), {"thinkingLevel": "MINIMAL"}),
            ("gemini-3.1-pro-preview", Reasoning("minimal"), {"thinkingLevel": "LOW"}),
            ("gemini-3.1-pro-preview", Reasoning("medium"), {"thinkingLevel": "MEDIUM"}),
            ("gemini-3-pro-preview", Reasoning("medium"), {"thinkingLevel": "HIGH"}),
            ("gemini-3.5-flash", Reasoning(budget_tokens=8000), {"thinkingLevel": "MEDIUM"}),
            ("gemini-2.5-flash", Reasoning("medium"), {"thinkingBudget": 8192}),
            ("gemini-2.5-flash", Reasoning(budget_tokens=99999), {"thinkingBudget": 24576}),
            ("gemini-2.5-flash-lite", Reasoning(budget_tokens=9), {"thinkingBudget": 512}),
            ("gemini-2.5-pro", Reasoning(budget_tokens=30000), {"thinkingBudget": 30000}),
        ],
    )
    def test_thinking_is_set_as_the_generation_has_it(
        self, model: str, reasoning: Reasoning, expected: dict[str, Any]
    ) -> None:
        config = generation_config(ModelConfig(reasoning=reasoning), model)
        assert config["thinkingConfig"] == {**expected, "includeThoughts": True}

    @pytest.mark.parametrize(
        ("model", "expected"),
        [
            ("gemini-2.5-flash", {"thinkingBudget": 0}),
            ("gemini-2.5-pro", {"thinkingBudget": 128}),
            ("gemini-3.5-flash", {"thinkingLevel": "MINIMAL"}),
            ("gemini-3.1-pro-preview", {"thinkingLevel": "LOW"}),
        ],
    )
    def test_thinking_off_is_off_or_the_least(self, model: str, expected: dict[str, Any]) -> None:
        for off in (Reasoning("none"), Reasoning(budget_tokens=0)):
            config = generation_config(ModelConfig(reasoning=off), model)
            assert config["thinkingConfig"] == expected

    def test_tuning_that_google_lacks_is_left_out_with_a_warning(self) -> None:
        config = ModelConfig(
            function_declarations=(FunctionDeclaration("f", strict=True),),
            parallel_tool_calls=False,
            end_user="alice",
            reasoning=Reasoning("intense"),
        )
        request = GenerationRequest((user_message("Hi"),), config, dropped=("service_tier",))
        wire = FACE.render_request(request, Target("gemini-3.5-flash"))
        assert set(wire.warnings) == {
            "service_tier", "strict", "parallel_tool_calls", "end_user", "reasoning",
        }  # fmt: skip
        assert "alice" not in json.dumps(wire.body)
        for model in ("gemini-2.0-flash", "gemma-3-27b-it"):
            wire = render(model=model, config=ModelConfig(reasoning=Reasoning("low")))
            assert wire.warnings == ("reasoning",)
            assert "generationConfig" not in wire.body

    def test_features_of_other_dialects_are_refused_by_name(self) -> None:
        request = GenerationRequest(
            (user_message("Hi"),), untranslatable=("web_search_options", "audio")
        )
        with pytest.raises(UnsupportedFeature, match="web_search_options, audio"):
            FACE.render_request(request, Target("gemini-3.5-flash"))

    @pytest.mark.parametrize(
        ("choice", "expected"),
        [
            (None, None),
            (ToolChoice("auto"), {"mode": "AUTO"}),
            (ToolChoice("none"), {"mode": "NONE"}),
            (ToolChoice("required"), {"mode": "ANY"}),
            (
                ToolChoice("function", "weather"),
                {"mode": "ANY", "allowedFunctionNames": ["weather"]},
            ),
        ],
    )
    def test_tools_and_the_choice_among_them(
        self, choice: ToolChoice | None, expected: dict[str, Any] | None
    ) -> None:
        declarations = (WEATHER, FunctionDeclaration("now"))
        config = ModelConfig(function_declarations=declarations, tool_choice=choice)
        body = render(config=config).body
        assert body["tools"] == [
            {
                "functionDeclarations": [
                    {
                        "name": "weather",
                        "description": "The weather of a city.",
                        "parametersJsonSchema": SCHEMA,
                    },
                    {"name": "now"},
                ]
            }
        ]
        sdk.Tool.model_validate(body["tools"][0])
        if expected is None:
            assert "toolConfig" not in body
        else:
            assert body["toolConfig"] == {"functionCallingConfig": expected}
            sdk.ToolConfig.model_validate(body["toolConfig"])

    def test_a_choice_without_tools_is_not_sent(self) -> None:
        assert "toolConfig" not in render(config=ModelConfig(tool_choice=ToolChoice("none"))).body

    def test_tools_with_json_output_need_gemini_3(self) -> None:
        config = ModelConfig(function_declarations=(WEATHER,), output_schema=SCHEMA)
        assert "tools" in render(config=config).body
        with pytest.raises(UnsupportedFeature, match="tools with JSON output"):
            render(model="gemini-2.5-flash", config=config)

    def test_custom_options_stand_beside_the_settings_and_never_against_them(self) -> None:
        options = {"safetySettings": [], "generationConfig": {"mediaResolution": "LOW"}}
        wire = render(config=ModelConfig(temperature=1.0, custom_options=options))
        assert wire.body["safetySettings"] == []
        assert wire.body["generationConfig"] == {"temperature": 1.0, "mediaResolution": "LOW"}
        against = {"generationConfig": {"temperature": 2}}
        with pytest.raises(InvalidRequest, match=r"generationConfig\.temperature"):
            render(config=ModelConfig(temperature=1.0, custom_options=against))


class TestForwarding:
    def test_the_body_goes_on_as_it_came(self) -> None:
        body = {
            "model": "models/auto",
            "contents": [{"parts": [{"text": "Hi", "novelty": 1}]}],
            "tools": [{"googleSearch": {}}],
        }
        plain = FACE.forward_request(body, Target("gemini-3.5-flash"), stream=False)
        assert plain.path == "models/gemini-3.5-flash:generateContent"
        assert plain.body == {name: body[name] for name in ("contents", "tools")}
        streamed = FACE.forward_request(body, Target("gemini-3.5-flash"), stream=True)
        assert streamed.path == "models/gemini-3.5-flash:streamGenerateContent"
        assert dict(streamed.query) == {"alt": "sse"}
        assert "model" in body
