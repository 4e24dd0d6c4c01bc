"""Google's dialect, gateway face: what callers send."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
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
from ai_client.wire import Target, client_face, gateway_face

GATEWAY = gateway_face("google_generate")
USER = {"role": "user", "parts": [{"text": "Hi"}]}
WEATHER = {"name": "weather", "description": "Tells it.", "parameters": {"type": "OBJECT"}}


def parsed(*contents: Any, **fields: Any) -> GenerationRequest:
    return GATEWAY.parse_request({"model": "auto", "contents": [*contents] or [USER], **fields})


def parts_of(*parts: Any, role: str = "user") -> tuple[MessagePart, ...]:
    return parsed({"role": role, "parts": [*parts]}).messages[0].parts


def config_of(**fields: Any) -> ModelConfig:
    return parsed(generationConfig=fields).config


def test_a_small_request() -> None:
    assert parsed() == GenerationRequest((user_message("Hi"),))


def test_the_shapes_that_google_takes_for_one_message_and_for_no_role() -> None:
    request = GATEWAY.parse_request(
        {
            "model": "auto",
            "system_instruction": {"parts": {"text": "Be brief."}},
            "contents": {"parts": {"text": "Hi"}},
        }
    )
    assert request.messages == (user_message("Hi"),)
    assert request.config.system_instruction == (MessagePart("Be brief."),)


@pytest.mark.parametrize(
    "instruction",
    [
        "Be brief.",
        {"parts": [{"text": "Be brief."}]},
        {"role": "user", "parts": [{"text": "Be brief."}]},
        {"parts": "Be brief."},
    ],
)
@pytest.mark.parametrize("name", ["systemInstruction", "system_instruction"])
def test_every_form_of_a_system_instruction(name: str, instruction: Any) -> None:
    request = parsed(**{name: instruction})
    assert request.config.system_instruction == (MessagePart("Be brief."),)


def test_tuning_in_camel_case() -> None:
    assert config_of(
        temperature=1,
        topP=0.5,
        topK=7,
        candidateCount=2,
        maxOutputTokens=9,
        stopSequences=["end"],
        presencePenalty=-1,
        frequencyPenalty=0.5,
        seed=-3,
        responseLogprobs=True,
        logprobs=2,
        responseMimeType="text/plain",
    ) == ModelConfig(
        temperature=1,
        top_p=0.5,
        top_k=7,
        candidate_count=2,
        max_tokens=9,
        stop_sequences=("end",),
        presence_penalty=-1,
        frequency_penalty=0.5,
        seed=-3,
        logprobs=True,
        top_logprobs=2,
    )


def test_tuning_in_snake_case_and_numbers_as_json_of_protocol_buffers_has_them() -> None:
    request = parsed(
        generation_config={
            "top_p": "0.5",
            "top_k": 40.0,
            "max_output_tokens": "9",
            "stop_sequences": "end",
        }
    )
    assert request.config == ModelConfig(top_p=0.5, top_k=40, max_tokens=9, stop_sequences=("end",))


@pytest.mark.parametrize(
    ("thinking", "reasoning", "dropped"),
    [
        ({"thinkingBudget": 0}, Reasoning(budget_tokens=0), ()),
        ({"thinkingBudget": 2048, "includeThoughts": True}, Reasoning(budget_tokens=2048), ()),
        ({"thinking_level": "HIGH"}, Reasoning("high"), ()),
        ({"thinkingLevel": "minimal"}, Reasoning("minimal"), ()),
        ({"thinkingLevel": "THINKING_LEVEL_UNSPECIFIED"}, None, ()),
        ({"thinkingBudget": -1}, None, ()),
        (
            {"includeThoughts": True},
            None,
            ("generationConfig.thinkingConfig.includeThoughts",),
        ),
    ],
)
def test_thinking(
    thinking: dict[str, Any], reasoning: Reasoning | None, dropped: tuple[str, ...]
) -> None:
    request = parsed(generationConfig={"thinkingConfig": thinking})
    assert (request.config.reasoning, request.dropped) == (reasoning, dropped)


def test_json_output_by_googles_schema_and_by_json_schema() -> None:
    older = config_of(
        responseMimeType="application/json",
        responseSchema={
            "type": "OBJECT",
            "properties": {
                "name": {"type": "STRING", "max_length": "9", "format": "enum", "enum": ["a"]},
                "born": {"type": "STRING", "format": "date", "nullable": True, "example": "x"},
                "any_of": {"type": "INTEGER", "format": "int32", "minimum": 1},
                "tags": {"type": "ARRAY", "items": {"type": "NUMBER"}, "minItems": 1},
                "either": {"anyOf": [{"type": "STRING"}, {"type": "BOOLEAN"}], "nullable": True},
            },
            "propertyOrdering": ["tags", "name"],
            "required": ["name"],
        },
    )
    schema = older.output_schema
    assert schema == {
        "type": "object",
        "properties": {
            "tags": {"type": "array", "items": {"type": "number"}, "minItems": 1},
            "name": {"type": "string", "maxLength": 9, "enum": ["a"]},
            "born": {"type": ["string", "null"], "format": "date", "examples": ["x"]},
            "any_of": {"type": "integer", "minimum": 1},
            "either": {"anyOf": [{"type": "string"}, {"type": "boolean"}, {"type": "null"}]},
        },
        "required": ["name"],
    }
    assert list(schema["properties"])[:2] == ["tags", "name"]
    assert older.wants_json

    newer = {"type": ["object", "null"], "properties": {"snake_case": {"$ref": "#/$defs/a"}}}
    assert config_of(responseJsonSchema=newer).output_schema == newer


def test_what_an_answer_is_to_be_made_of() -> None:
    request = parsed(
        generationConfig={
            "responseModalities": ["TEXT", "image"],
            "imageConfig": {"aspectRatio": "16:9", "imageSize": "2K"},
            "speechConfig": {
                "voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Puck"}},
                "languageCode": "de-DE",
            },
        }
    )
    assert request.config.output_modalities == (Modality.TEXT, Modality.IMAGE)
    assert request.config.output_media_aspect_ratio == "16:9"
    assert request.config.output_speech_voice == "Puck"
    assert request.dropped == (
        "generationConfig.imageConfig.imageSize",
        "generationConfig.speechConfig.languageCode",
    )


def test_functions_in_both_kinds_of_schema() -> None:
    request = parsed(
        tools=[
            {"functionDeclarations": [WEATHER]},
            {
                "function_declarations": [
                    {"name": "clock", "parameters_json_schema": {"type": "object"}},
                    {"name": "now", "behavior": "BLOCKING"},
                ]
            },
        ]
    )
    assert request.config.function_declarations == (
        FunctionDeclaration("weather", "Tells it.", {"type": "object"}),
        FunctionDeclaration("clock", "", {"type": "object"}),
        FunctionDeclaration("now"),
    )
    assert request.dropped == ("tools[1].functionDeclarations[1].behavior",)


CLOCK = {"name": "clock"}
NOW = {"name": "now"}


@pytest.mark.parametrize(
    ("calling", "choice", "names"),
    [
        ({"mode": "AUTO"}, ToolChoice("auto"), "weather clock now"),
        ({"mode": "MODE_UNSPECIFIED"}, None, "weather clock now"),
        ({"mode": "NONE"}, ToolChoice("none"), "weather clock now"),
        ({"mode": "any"}, ToolChoice("required"), "weather clock now"),
        (
            {"mode": "ANY", "allowedFunctionNames": ["clock"]},
            ToolChoice("function", "clock"),
            "weather clock now",
        ),
        (
            {"mode": "ANY", "allowed_function_names": ["now", "clock"]},
            ToolChoice("required"),
            "clock now",
        ),
        ({"mode": "VALIDATED"}, ToolChoice("auto"), "weather clock now"),
        ({"mode": "VALIDATED", "allowedFunctionNames": ["now"]}, ToolChoice("auto"), "now"),
    ],
)
@pytest.mark.parametrize("camel", [True, False])
def test_which_functions_may_be_called(
    calling: dict[str, Any], choice: ToolChoice | None, names: str, camel: bool
) -> None:
    name, inner = (
        ("toolConfig", "functionCallingConfig")
        if camel
        else ("tool_config", "function_calling_config")
    )
    tools = [{"functionDeclarations": [WEATHER, CLOCK, NOW]}]
    config = parsed(tools=tools, **{name: {inner: calling}}).config
    assert config.tool_choice == choice
    assert [each.name for each in config.function_declarations or ()] == names.split()


def test_web_search_and_googles_other_tools() -> None:
    searching = parsed(tools=[{"googleSearch": {}}, {"functionDeclarations": [CLOCK]}])
    assert searching.config.web_search == WebSearch()
    assert searching.untranslatable == ()
    older = parsed(tools=[{"google_search_retrieval": {"dynamicRetrievalConfig": {}}}])
    assert older.config.web_search == WebSearch()
    assert older.dropped == ("tools[0].googleSearchRetrieval.dynamicRetrievalConfig",)
    narrowed = parsed(
        tools=[{"googleSearch": {"excludeDomains": ["a.example"], "timeRangeFilter": {"x": 1}}}]
    )
    assert narrowed.config.web_search == WebSearch(disallowed_domains=("a.example",))
    assert narrowed.untranslatable == ("tools[0].googleSearch.timeRangeFilter",)
    for name in ("codeExecution", "urlContext", "googleMaps", "fileSearch", "computerUse"):
        assert parsed(tools=[{name: {}}]).untranslatable == (f"tools[0].{name}",)


@pytest.mark.parametrize(
    ("fields", "untranslatable", "dropped"),
    [
        ({"cachedContent": "cachedContents/1"}, ("cachedContent",), ()),
        ({"cached_content": "cachedContents/1"}, ("cachedContent",), ()),
        ({"safetySettings": [{}]}, (), ("safetySettings",)),
        ({"safety_settings": [{}], "labels": {"a": "b"}}, (), ("safetySettings", "labels")),
        ({"toolConfig": {"retrievalConfig": {}}}, (), ("toolConfig.retrievalConfig",)),
        (
            {"generationConfig": {"mediaResolution": "LOW", "responseFormat": {}}},
            ("generationConfig.responseFormat",),
            ("generationConfig.mediaResolution",),
        ),
        (
            {"generationConfig": {"responseMimeType": "text/x.enum", "responseSchema": {}}},
            ("generationConfig.responseMimeType (text/x.enum)",),
            (),
        ),
        (
            {"generationConfig": {"speechConfig": {"multiSpeakerVoiceConfig": {}}}},
            ("generationConfig.speechConfig.multiSpeakerVoiceConfig",),
            (),
        ),
    ],
)
def test_what_only_google_has_is_named(
    fields: dict[str, Any], untranslatable: tuple[str, ...], dropped: tuple[str, ...]
) -> None:
    request = parsed(**fields)
    assert (request.untranslatable, request.dropped) == (untranslatable, dropped)
    if untranslatable:
        for other in ("openai_chat", "anthropic_messages"):
            with pytest.raises(UnsupportedFeature):
                client_face(other).render_request(request, Target("m"))


def test_files() -> None:
    data = base64.b64encode(b"\xfb\xff\xfe\x00").decode()
    safe = data.replace("+", "-").replace("/", "_").rstrip("=")
    assert parts_of(
        {"inlineData": {"mimeType": "image/png", "data": data}},
        {"inline_data": {"mime_type": "image/png", "data": safe, "display_name": "a.png"}},
        {"fileData": {"fileUri": "https://a.example/b.pdf"}},
        {"file_data": {"file_uri": "https://a.example/b", "mime_type": "image/webp"}},
    ) == (
        MessagePart(File("image/png", base64_data=data)),
        MessagePart(File("image/png", base64_data=data, name="a.png")),
        MessagePart(File("application/pdf", url="https://a.example/b.pdf")),
        MessagePart(File("image/webp", url="https://a.example/b")),
    )


@pytest.mark.parametrize(
    "url",
    [
        "gs://bucket/a.png",
        "https://generativelanguage.googleapis.com/v1beta/files/abc",
        "https://www.youtube.com/watch?v=1",
    ],
)
def test_files_that_only_google_reads_are_for_google_only(url: str) -> None:
    request = parsed({"parts": [{"fileData": {"fileUri": url}}, {"text": "What is it?"}]})
    assert request.untranslatable == ("contents[0].parts[0].fileData.fileUri",)


def test_a_cut_of_a_video_is_for_google_only() -> None:
    part = {
        "inlineData": {"mimeType": "video/mp4", "data": "aGk="},
        "videoMetadata": {"startOffset": "2s"},
        "mediaResolution": {"level": "LOW"},
    }
    request = parsed({"parts": [part]})
    assert request.untranslatable == ("contents[0].parts[0].videoMetadata",)
    assert request.dropped == ("contents[0].parts[0].mediaResolution",)


def test_calls_and_results_with_ids() -> None:
    request = parsed(
        USER,
        {
            "role": "model",
            "parts": [
                {"functionCall": {"id": "c1", "name": "weather", "args": {"city": "Rome"}}},
                {"function_call": {"id": "c2", "name": "weather"}},
            ],
        },
        {
            "role": "function",
            "parts": [
                {"functionResponse": {"id": "c2", "name": "weather", "response": {"a": 1}}},
                {
                    "function_response": {
                        "id": "c1",
                        "name": "weather",
                        "response": {"error": "down"},
                    }
                },
            ],
        },
    )
    assert request.messages[1:] == (
        model_message(
            FunctionCall("c1", "weather", '{"city":"Rome"}'), FunctionCall("c2", "weather", "{}")
        ),
        user_message(
            FunctionResponse("c2", "weather", {"a": 1}),
            FunctionResponse("c1", "weather", "down", is_error=True),
        ),
    )


def test_results_without_ids_get_those_of_the_calls_they_answer() -> None:
    """``Part.from_function_response`` of the SDK takes no id."""
    request = parsed(
        USER,
        {
            "role": "model",
            "parts": [
                {"functionCall": {"id": "c1", "name": "weather"}},
                {"functionCall": {"id": "c2", "name": "clock"}},
                {"functionCall": {"id": "c3", "name": "weather"}},
            ],
        },
        {"role": "user", "parts": [_result("clock"), _result("weather")]},
        {"role": "user", "parts": [_result("weather")]},
    )
    results = [part.content for part in request.messages[2].parts]
    assert [each.id for each in results if isinstance(each, FunctionResponse)] == ["c2", "c1", "c3"]


@pytest.mark.parametrize(
    ("response", "value", "is_error"),
    [
        ({"result": "sunny"}, "sunny", False),
        ({"output": [1, None]}, [1, None], False),
        ({"error": {"code": 5}}, {"code": 5}, True),
        ({"error": "x", "result": "y"}, {"error": "x", "result": "y"}, False),
        ({}, {}, False),
    ],
)
def test_what_a_function_returned(response: Any, value: Any, is_error: bool) -> None:
    part = {"functionResponse": {"name": "weather", "response": response}}
    assert parts_of(part) == (
        MessagePart(FunctionResponse(None, "weather", value, is_error=is_error)),
    )


def test_a_result_with_a_picture() -> None:
    part = {
        "functionResponse": {
            "name": "look",
            "response": {"result": "a cat"},
            "parts": [{"inlineData": {"mimeType": "image/png", "data": "aGk="}}],
        }
    }
    picture = MessagePart(File("image/png", base64_data="aGk="))
    assert parts_of(part) == (
        MessagePart(FunctionResponse(None, "look", parts=(MessagePart("a cat"), picture))),
    )


def test_the_pieces_of_a_stream_that_a_chat_keeps_as_turns_become_one_message() -> None:
    pieces = [{"role": "model", "parts": [{"text": text}]} for text in ("Good ", "morning", "")]
    request = parsed(USER, *pieces, USER)
    assert request.messages == (
        user_message("Hi"),
        model_message("Good morning"),
        user_message("Hi"),
    )


def test_googles_own_signatures_and_parts_are_kept_for_google() -> None:
    code = {"executableCode": {"language": "PYTHON", "code": "1"}}
    parts = parts_of(
        {"text": "Hm.", "thought": True},
        {"text": "", "thought": True, "thoughtSignature": "c2ln"},
        {"functionCall": {"name": "f", "args": {}}, "thought_signature": "c2lH"},
        {"text": "Yes.", "thoughtSignature": "c2lI"},
        code,
        role="model",
    )
    own = [part.opaque_for("google_generate") for part in parts]
    assert own == [
        {},
        {"thoughtSignature": "c2ln"},
        {"thoughtSignature": "c2lH"},
        {"thoughtSignature": "c2lI"},
        {"part": code},
    ]
    assert [part.channel for part in parts[:2]] == [Channel.THOUGHT] * 2
    message = Message(Role.MODEL, parts)
    request = GenerationRequest((user_message("Hi"), message, user_message("Go on")))
    rendered = client_face("google_generate").render_request(request, Target("gemini-3-pro"))
    assert [part.get("thoughtSignature") for part in rendered.body["contents"][1]["parts"]] == [
        None,
        "c2ln",
        "c2lH",
        "c2lI",
        None,
    ]


MALFORMED: list[tuple[Any, str]] = [
    ({}, "contents"),
    ({"contents": []}, "contents"),
    ({"contents": "Hi"}, "contents[0]"),
    ({"contents": [{"role": "system", "parts": [{"text": "x"}]}]}, "contents[0].role"),
    ({"contents": [{"role": "user", "parts": []}]}, "contents[0].parts"),
    ({"contents": [{"parts": [{}]}]}, "contents[0].parts[0]"),
    ({"contents": [{"parts": [{"text": 5}]}]}, "contents[0].parts[0].text"),
    (
        {"contents": [{"parts": [{"text": "a", "inlineData": {}}]}]},
        "contents[0].parts[0]",
    ),
    (
        {"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": "@"}}]}]},
        "contents[0].parts[0].inlineData.data",
    ),
    (
        {"contents": [{"parts": [{"inline_data": {"mime_type": "image/png"}}]}]},
        "contents[0].parts[0].inlineData.data",
    ),
    (
        {"contents": [{"parts": [{"fileData": {"fileUri": "file:///etc/passwd"}}]}]},
        "contents[0].parts[0].fileData.fileUri",
    ),
    (
        {"contents": [{"parts": [{"functionCall": {"name": "f", "args": "x"}}]}]},
        "contents[0].parts[0].functionCall.args",
    ),
    (
        {"contents": [{"parts": [{"functionResponse": {"name": "f", "response": "x"}}]}]},
        "contents[0].parts[0].functionResponse.response",
    ),
    ({"contents": [USER], "generationConfig": {"topK": 1.5}}, "generationConfig.topK"),
    ({"contents": [USER], "generation_config": {"temperature": 3}}, "generationConfig.temperature"),
    ({"contents": [USER], "generationConfig": {"seed": "x"}}, "generationConfig.seed"),
    (
        {"contents": [USER], "generationConfig": {"imageConfig": {"aspectRatio": "wide"}}},
        "generationConfig.imageConfig.aspectRatio",
    ),
    (
        {"contents": [USER], "generationConfig": {"responseModalities": ["SMELL"]}},
        "generationConfig.responseModalities[0]",
    ),
    (
        {"contents": [USER], "tools": [{"functionDeclarations": [{"description": "x"}]}]},
        "tools[0].functionDeclarations[0].name",
    ),
    (
        {
            "contents": [USER],
            "tools": [{"functionDeclarations": [WEATHER]}],
            "toolConfig": {
                "functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["clock"]}
            },
        },
        "toolConfig.functionCallingConfig.allowedFunctionNames",
    ),
    (
        {
            "contents": [USER],
            "tools": [{"functionDeclarations": [WEATHER]}],
            "toolConfig": {"functionCallingConfig": {"mode": "NOW"}},
        },
        "toolConfig.functionCallingConfig.mode",
    ),
    (
        {"contents": [USER], "systemInstruction": {"parts": [{"inlineData": {}}]}},
        "systemInstruction.parts[0]",
    ),
]


@pytest.mark.parametrize(("body", "path"), MALFORMED)
def test_what_is_malformed_is_named(body: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        GATEWAY.parse_request({"model": "auto", **body})
    assert caught.value.param == path
    assert path in caught.value.message


def test_usage_is_always_wanted() -> None:
    assert GATEWAY.wants_usage({}) is True


# --- What is said to Google is read as it was meant -----------------------------------------------

TEXTS = st.text(st.characters(codec="utf-8"), max_size=9).map(lambda text: f"x{text}")
NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,9}", fullmatch=True)
VALUES = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS
OBJECTS = st.dictionaries(TEXTS, VALUES, min_size=2, max_size=3)
FILES = st.sampled_from(
    [
        File("image/png", base64_data="aGk="),
        File("application/pdf", url="https://a.example/b.pdf"),
        File("audio/wav", base64_data="aGkh"),
    ]
)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Message, ...]:
    """Turns of a user and a model, calls answered in the next turn."""
    turns: list[Message] = []
    for number in range(draw(st.integers(1, 3))):
        asked = draw(st.lists(TEXTS | FILES, min_size=1, max_size=3))
        turns.append(user_message(*asked))
        if draw(st.booleans()):
            calls = [
                FunctionCall(f"c{number}-{place}", draw(NAMES), json.dumps(draw(OBJECTS)))
                for place in range(draw(st.integers(1, 3)))
            ]
            turns.append(model_message(draw(TEXTS), *calls))
            results = [
                FunctionResponse(call.id, call.name, draw(OBJECTS | TEXTS), is_error=False)
                for call in draw(st.permutations(calls))
            ]
            turns.append(user_message(*results))
        turns.append(model_message(draw(TEXTS)))
    return (*turns, user_message(draw(TEXTS)))


@st.composite
def configs(draw: st.DrawFn) -> ModelConfig:
    """All that both sides can say; a Gemini since 3 combines tools with JSON."""

    def maybe(strategy: st.SearchStrategy[Any]) -> Any:
        return draw(st.none() | strategy)

    names = draw(st.lists(NAMES, unique=True, max_size=3))
    functions = tuple(
        FunctionDeclaration(name, draw(st.just("") | TEXTS), maybe(st.just({"type": "object"})))
        for name in names
    )
    choices = [ToolChoice("auto"), ToolChoice("none"), ToolChoice("required")]
    choices += [ToolChoice("function", name) for name in names]
    fraction = st.floats(0, 1, allow_nan=False)
    return ModelConfig(
        system_instruction=tuple(map(MessagePart, draw(st.lists(TEXTS, max_size=2)))),
        candidate_count=maybe(st.integers(1, 8)),
        max_tokens=maybe(st.integers(1, 9999)),
        temperature=maybe(fraction),
        top_p=maybe(fraction),
        top_k=maybe(st.integers(1, 99)),
        stop_sequences=maybe(st.lists(TEXTS, min_size=1, max_size=2).map(tuple)),
        presence_penalty=maybe(fraction),
        frequency_penalty=maybe(fraction),
        seed=maybe(st.integers(-9, 9)),
        logprobs=True,
        top_logprobs=maybe(st.integers(1, 20)),
        function_declarations=functions or None,
        tool_choice=maybe(st.sampled_from(choices)) if functions else None,
        output_schema=maybe(st.just({"type": "object", "properties": {"a_b": {}}})),
        web_search=maybe(st.just(WebSearch())),
        reasoning=maybe(st.sampled_from([Reasoning("low"), Reasoning("high")])),
    )


@given(conversations(), configs())
def test_a_request_is_read_as_it_was_written(
    messages: tuple[Message, ...], config: ModelConfig
) -> None:
    request = GenerationRequest(messages, config)
    sent = client_face("google_generate").render_request(request, Target("gemini-3-flash"))
    assert sent.warnings == ()
    again = GATEWAY.parse_request({"model": "auto", **sent.body})
    assert _meaning(again) == _meaning(request)


@given(conversations(), configs())
def test_snake_case_says_the_same(messages: tuple[Message, ...], config: ModelConfig) -> None:
    request = GenerationRequest(messages, config)
    sent = client_face("google_generate").render_request(request, Target("gemini-3-flash"))
    body = {"model": "auto", **sent.body}
    assert GATEWAY.parse_request(_snake(body)) == GATEWAY.parse_request(body)


def _meaning(request: GenerationRequest) -> GenerationRequest:
    """Arguments are an object in this dialect, so that their text is its plainest form."""

    def plain(part: MessagePart) -> MessagePart:
        call = part.content
        if not isinstance(call, FunctionCall):
            return part
        return replace(
            part, content=replace(call, arguments=json.dumps(json.loads(call.arguments)))
        )

    messages = tuple(
        replace(message, parts=tuple(map(plain, message.parts))) for message in request.messages
    )
    return replace(request, messages=messages)


FREE = ("args", "response", "parametersJsonSchema", "responseJsonSchema")
"""Fields whose objects are the caller's own."""


def _snake(value: Any, name: str = "") -> Any:
    if isinstance(value, list):
        return [_snake(each) for each in value]
    if not isinstance(value, dict) or name in FREE:
        return value
    return {
        re.sub("[A-Z]", lambda found: f"_{found[0].lower()}", key): _snake(held, key)
        for key, held in value.items()
    }


def _result(name: str) -> dict[str, Any]:
    return {"functionResponse": {"name": name, "response": {"result": name}}}
