"""The prompt builder over a scripted upstream: what it takes, what it sends, what it gives."""

from __future__ import annotations

import asyncio
import base64
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from ai_client import (
    File,
    Message,
    MessagePart,
    Model,
    ModelConfig,
    PromptBuilder,
    RequestOptions,
    Role,
    prompt,
    user_message,
)
from ai_client.capabilities import Capability, FileType
from ai_client.errors import (
    AiClientError,
    CapabilityUnsupported,
    InvalidArgument,
    MalformedAnswer,
    NoModelFound,
    ServerFailed,
)
from ai_client.messages import (
    EmbeddingResult,
    FunctionCall,
    FunctionDeclaration,
    FunctionResponse,
    GenerativeAiResult,
    WebSearch,
    model_message,
)
from ai_client.testing import HttpAnswer, SentRequest
from tests.ai_client.scripted_site import AUDIO, PICTURE, VIDEO, answer, registry_over, said

PNG = "iVBORw0KGgo="


def weather(city: str) -> str:
    """The weather in a city."""
    return f"fine in {city}"


CHANGES: dict[str, tuple[Any, ...]] = {
    "with_text": ("more",),
    "with_file": (PNG, "image/png"),
    "with_function_response": (FunctionResponse("c", "f", 1),),
    "with_message_parts": (MessagePart("more"),),
    "with_history": (user_message("q"), model_message("a")),
    "with_input": ("more",),
    "using_model": (Model("first", "first-chat", ModelConfig(seed=1)),),
    "using_model_preference": ("second-chat", ("first", "first-chat")),
    "using_provider": ("second",),
    "using_request_options": (RequestOptions(timeout=3),),
    "using_caller": ("shop",),
    "without_fallback": (),
    "using_model_config": (ModelConfig(seed=2),),
    "using_system_instruction": ("Be brief.",),
    "using_max_tokens": (5,),
    "using_temperature": (0.5,),
    "using_top_p": (0.5,),
    "using_top_k": (5,),
    "using_stop_sequences": ("END",),
    "using_candidate_count": (2,),
    "using_presence_penalty": (0.5,),
    "using_frequency_penalty": (0.5,),
    "using_top_logprobs": (2,),
    "using_seed": (1,),
    "using_dimensions": (3,),
    "using_reasoning": ("low",),
    "using_custom_option": ("key", 1),
    "using_function_declarations": (FunctionDeclaration("f"),),
    "using_functions": (weather,),
    "using_tool_choice": ("required",),
    "using_web_search": (WebSearch(),),
    "as_output_mime_type": ("text/plain",),
    "as_output_schema": ({"type": "object"},),
    "as_output_modalities": ("text",),
    "as_output_file_type": ("remote",),
    "as_output_media_orientation": ("square",),
    "as_output_media_aspect_ratio": ("3:2",),
    "as_output_speech_voice": ("alloy",),
    "as_json_response": (),
}
"""Every method that makes another builder, with arguments."""

OF_PHP = [
    "withText",
    "withFile",
    "withFunctionResponse",
    "withMessageParts",
    "withHistory",
    "usingModel",
    "usingModelPreference",
    "usingModelConfig",
    "usingProvider",
    "usingSystemInstruction",
    "usingMaxTokens",
    "usingTemperature",
    "usingTopP",
    "usingTopK",
    "usingStopSequences",
    "usingCandidateCount",
    "usingFunctionDeclarations",
    "usingPresencePenalty",
    "usingFrequencyPenalty",
    "usingWebSearch",
    "usingRequestOptions",
    "usingTopLogprobs",
    "asOutputMimeType",
    "asOutputSchema",
    "asOutputModalities",
    "asOutputFileType",
    "asOutputMediaOrientation",
    "asOutputMediaAspectRatio",
    "asOutputSpeechVoice",
    "asJsonResponse",
    "isSupported",
    "isSupportedForTextGeneration",
    "isSupportedForImageGeneration",
    "isSupportedForTextToSpeechConversion",
    "isSupportedForVideoGeneration",
    "isSupportedForSpeechGeneration",
    "isSupportedForMusicGeneration",
    "isSupportedForEmbeddingGeneration",
    "generateResult",
    "generateTextResult",
    "generateImageResult",
    "generateSpeechResult",
    "convertTextToSpeechResult",
    "generateVideoResult",
    "generateText",
    "generateTexts",
    "generateImage",
    "generateImages",
    "convertTextToSpeech",
    "convertTextToSpeeches",
    "generateSpeech",
    "generateSpeeches",
    "generateVideo",
    "generateVideos",
]
"""Every public method of the PHP AI Client's builder."""


def snake(name: str) -> str:
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in name)


def public(prefixes: tuple[str, ...]) -> set[str]:
    return {name for name in dir(PromptBuilder) if name.startswith(prefixes)}


@pytest.mark.parametrize("name", OF_PHP)
def test_every_method_of_the_php_builder_is_here(name: str) -> None:
    assert callable(getattr(PromptBuilder, snake(name)))


def test_every_answer_can_be_awaited() -> None:
    blocking = public(("generate_", "convert_", "start_", "run_", "stream_", "is_supported"))
    assert {f"a{name}" for name in blocking} <= set(dir(PromptBuilder))


def test_the_list_of_changes_is_complete() -> None:
    assert public(("with_", "using_", "as_", "without_")) == set(CHANGES)


@pytest.mark.parametrize("name", CHANGES)
def test_no_method_changes_the_builder_that_it_is_called_on(name: str) -> None:
    builder = prompt("hello", registry=registry_over()[0])
    before = replace(builder)
    other = getattr(builder, name)(*CHANGES[name])
    assert other is not builder
    assert other != builder
    assert builder == before
    assert type(other) is PromptBuilder
    with pytest.raises(AttributeError):
        builder.said = other.said  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "arguments", "param"),
    [
        ("with_text", (5,), "text"),
        ("with_file", ("AAAA", " "), "mime_type"),
        ("with_file", ("/etc/passwd",), "file"),
        ("with_file", (5,), "file"),
        ("with_function_response", ({"id": "a"},), "response"),
        ("with_history", ("text",), "messages"),
        ("using_model", (5,), "model"),
        ("using_model", ("",), "model"),
        ("using_model_preference", (), "models"),
        ("using_model_preference", (("a",),), "models"),
        ("using_provider", (" ",), "provider"),
        ("using_model_config", ("fast",), "config"),
        ("using_request_options", (5,), "options"),
        ("using_max_tokens", (0,), "max_tokens"),
        ("using_max_tokens", (1.5,), "max_tokens"),
        ("using_max_tokens", (True,), "max_tokens"),
        ("using_temperature", ("hot",), "temperature"),
        ("using_temperature", (float("nan"),), "temperature"),
        ("using_top_k", (0.5,), "top_k"),
        ("using_stop_sequences", ("a", 5), "stop_sequences"),
        ("using_candidate_count", (0,), "candidate_count"),
        ("using_function_declarations", (5,), "declarations"),
        ("using_functions", (), "functions"),
        ("using_reasoning", (), "effort"),
        ("using_web_search", (True,), "web_search"),
        ("as_output_schema", ("Recipe",), "schema"),
        ("as_json_response", (int,), "schema"),
        ("as_output_modalities", ("smell",), "modalities"),
        ("as_output_file_type", ("paper",), "file_type"),
        ("as_output_media_orientation", ("tilted",), "orientation"),
        ("as_output_media_aspect_ratio", ("16:9\n",), "aspect_ratio"),
        ("generate_result", ("poetry",), "capability"),
        ("generate_texts", (0,), "candidate_count"),
        ("run_functions", (), "functions"),
    ],
)
def test_a_wrong_argument_is_named_and_nothing_is_sent(
    name: str, arguments: tuple[Any, ...], param: str
) -> None:
    registry, engine = registry_over()
    with pytest.raises(InvalidArgument) as raised:
        getattr(prompt("hello", registry=registry), name)(*arguments)
    assert raised.value.param == param
    assert engine.sent == []


@pytest.mark.parametrize("bad", ["", " \n", [], 5, True, {"foo": 1}, ["a", 5], ["a", {"b": 1}]])
def test_what_is_no_prompt_is_refused(bad: object) -> None:
    with pytest.raises(InvalidArgument):
        prompt(bad)


def test_a_part_that_its_speaker_cannot_say_is_refused() -> None:
    call, result = FunctionCall("c", "f"), FunctionResponse("c", "f", 1)
    attempts: list[Callable[[], object]] = [
        lambda: prompt(Message(Role.USER, (MessagePart(call),))),
        lambda: prompt([user_message("q"), Message(Role.MODEL, (MessagePart(result),))]),
        lambda: prompt("x").with_message_parts(MessagePart(call)),
        lambda: prompt("x").with_history(Message(Role.USER, (MessagePart(call),))),
    ]
    for attempt in attempts:
        with pytest.raises(InvalidArgument):
            attempt()


@pytest.mark.parametrize(
    "conversation",
    [
        [],
        [model_message("hello")],
        [user_message("hello"), model_message("hello")],
        [Message(Role.USER, ())],
    ],
)
def test_a_conversation_that_nobody_could_answer_is_refused_before_models_are_looked_for(
    conversation: list[Message],
) -> None:
    registry, engine = registry_over()
    with pytest.raises(InvalidArgument) as raised:
        prompt(registry=registry).with_history(*conversation).generate_text()
    assert raised.value.param == "prompt"
    assert engine.sent == []


def test_files_come_in_every_form(tmp_path: Path) -> None:
    data = base64.b64decode(PNG)
    path = tmp_path / "dot.png"
    path.write_bytes(data)
    named = BytesIO(data)
    named.name = "dot.png"
    forms = [
        path,
        f"data:image/png;base64,{PNG}",
        SimpleUploadedFile("dot.png", data, "image/png"),
        named,
        File.from_base64(PNG, "image/png"),
        {"fileType": "inline", "mimeType": "image/png", "base64Data": PNG},
    ]
    builder = prompt("Which dot?")
    for each in forms:
        builder = builder.with_file(each)
    builder = builder.with_file(data, "image/png").with_file(PNG, "image/png")
    builder = builder.with_file("https://pictures.example/dot.png")
    (message,) = builder.messages
    *inline, remote = [part.content for part in message.parts[1:]]
    assert len(inline) == 8
    assert all(isinstance(each, File) and each.base64_data == PNG for each in inline)
    assert isinstance(remote, File)
    assert remote.file_type is FileType.REMOTE


def test_a_prompt_may_be_a_list_of_texts_and_files(tmp_path: Path) -> None:
    path = tmp_path / "dot.png"
    path.write_bytes(base64.b64decode(PNG))
    registry, engine = registry_over()
    assert prompt(["Which dot?", path], registry=registry).generate_text() == "ok"
    assert [each["type"] for each in engine.bodies[0]["messages"][0]["content"]] == [
        "text",
        "image_url",
    ]


ASKS: dict[str, Callable[[PromptBuilder], Any]] = {
    "generate_text": lambda builder: builder.generate_text(),
    "generate_texts": lambda builder: builder.generate_texts(2),
    "generate_text_result": lambda builder: builder.generate_text_result().to_text(),
    "generate_image": lambda builder: builder.generate_image().base64_data,
    "generate_images": lambda builder: [each.base64_data for each in builder.generate_images(2)],
    "generate_embeddings": lambda builder: builder.with_input("four").generate_embeddings(),
    "convert_text_to_speech": lambda builder: builder.convert_text_to_speech().as_bytes(),
    "convert_text_to_speeches": lambda builder: len(builder.convert_text_to_speeches()),
    "generate_result": lambda builder: builder.generate_result().to_text(),
}


def awaited(name: str) -> Callable[[PromptBuilder], Awaitable[Any]]:
    async def ask(builder: PromptBuilder) -> Any:
        match name:
            case "generate_texts":
                return await builder.agenerate_texts(2)
            case "generate_text_result":
                return (await builder.agenerate_text_result()).to_text()
            case "generate_image":
                return (await builder.agenerate_image()).base64_data
            case "generate_images":
                return [each.base64_data for each in await builder.agenerate_images(2)]
            case "generate_embeddings":
                return await builder.with_input("four").agenerate_embeddings()
            case "convert_text_to_speech":
                return (await builder.aconvert_text_to_speech()).as_bytes()
            case "convert_text_to_speeches":
                return len(await builder.aconvert_text_to_speeches())
            case "generate_result":
                return (await builder.agenerate_result()).to_text()
        return await builder.agenerate_text()

    return ask


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("generate_text", "ok"),
        ("generate_texts", ["ok", "ok"]),
        ("generate_text_result", "ok"),
        ("generate_image", PICTURE),
        ("generate_images", [PICTURE, PICTURE]),
        ("generate_embeddings", [(5.0, 1.0), (4.0, 1.0)]),
        ("convert_text_to_speech", AUDIO),
        ("convert_text_to_speeches", 1),
        ("generate_result", "ok"),
    ],
)
def test_awaiting_gives_and_sends_what_blocking_does(name: str, expected: Any) -> None:
    registry, engine = registry_over()
    builder = prompt("hello", registry=registry)
    assert ASKS[name](builder) == expected
    assert asyncio.run(_run(awaited(name), builder)) == expected
    first, second = engine.sent
    assert (first.url, first.body, first.headers) == (second.url, second.body, second.headers)


async def _run(ask: Callable[[PromptBuilder], Awaitable[Any]], builder: PromptBuilder) -> Any:
    return await ask(builder)


def test_a_streamed_answer_is_the_same_text_in_pieces() -> None:
    registry, engine = registry_over()
    builder = prompt("hello", registry=registry)

    async def collect() -> list[str]:
        return [piece async for piece in builder.astream_text()]

    assert list(builder.stream_text()) == ["o", "k"]
    assert asyncio.run(collect()) == ["o", "k"]
    assert [each["stream"] for each in engine.bodies] == [True, True]


def test_a_stream_of_a_wrong_prompt_is_refused_before_it_is_read() -> None:
    with pytest.raises(InvalidArgument):
        prompt().stream_text()
    with pytest.raises(InvalidArgument):
        prompt().astream_text()


def test_the_events_of_a_stream_are_those_of_the_representation() -> None:
    registry, _ = registry_over()
    kinds = [type(each).__name__ for each in prompt("hello", registry=registry).stream_events()]
    assert kinds == ["ResponseStart", "PartStart", "PartDelta", "PartDelta", "PartEnd", "Finish"]


def failing_first(step: SentRequest) -> HttpAnswer:
    if step.url.startswith("https://first."):
        return HttpAnswer.json({"error": {"message": "down"}}, 500)
    return answer(step)


def test_the_next_connection_answers_and_signs_when_the_first_one_fails() -> None:
    registry, engine = registry_over(failing_first)
    result = prompt("hello", registry=registry).generate_text_result()
    assert [each.url.split("/")[2] for each in engine.sent] == ["first.example", "second.example"]
    assert result.provider_metadata is not None
    assert result.model_metadata is not None
    assert (result.provider_metadata.id, result.model_metadata.id) == ("second", "second-chat")


def test_without_fallback_the_failure_of_the_first_choice_is_raised() -> None:
    registry, engine = registry_over(failing_first)
    with pytest.raises(ServerFailed):
        prompt("hello", registry=registry).without_fallback().generate_text()
    assert len(engine.sent) == 1


def test_a_provider_that_was_asked_for_is_not_left() -> None:
    registry, engine = registry_over(failing_first)
    with pytest.raises(ServerFailed):
        prompt("hello", registry=registry).using_provider("first").generate_text()
    assert len(engine.sent) == 1


@pytest.mark.parametrize(
    ("model", "url"),
    [
        ("second-chat", "second.example"),
        (("second", "of-my-own"), "second.example"),
        (Model("second", "second-chat"), "second.example"),
        ("second/anything", "second.example"),
    ],
)
def test_a_model_is_named_in_every_way(model: Any, url: str) -> None:
    registry, engine = registry_over()
    prompt("hello", registry=registry).using_model(model).generate_text()
    assert engine.sent[0].url.split("/")[2] == url


def test_what_nobody_can_do_is_refused_and_says_so() -> None:
    registry, engine = registry_over()
    builder = prompt("hum", registry=registry)
    with pytest.raises(NoModelFound, match="music_generation"):
        builder.generate_result(Capability.MUSIC_GENERATION)
    with pytest.raises(CapabilityUnsupported, match="first-image"):
        builder.using_model("first-image").generate_text()
    assert not builder.is_supported_for_music_generation()
    assert builder.is_supported_for_embedding_generation()
    assert not asyncio.run(builder.ais_supported("music_generation"))
    assert asyncio.run(builder.ais_supported())
    assert not builder.using_provider("third").is_supported()
    assert engine.sent == []


def test_an_explicit_model_says_what_the_answer_is() -> None:
    registry, engine = registry_over()
    result = prompt("a cat", registry=registry).using_model("first-image").generate_result()
    assert result.to_file().base64_data == PICTURE
    assert engine.sent[0].url.endswith("/images/generations")


def test_the_time_limits_of_the_request_hold() -> None:
    registry, engine = registry_over()
    options = RequestOptions(timeout=7, connect_timeout=2, max_redirects=3)
    prompt("hello", registry=registry).using_request_options(options).generate_text()
    assert 0 < engine.sent[0].timeout <= 7
    assert engine.sent[0].connect_timeout == 2


def test_an_embedding_needs_an_input_and_a_vector_for_each() -> None:
    registry, engine = registry_over()
    builder = prompt(["a", "bb"], registry=registry).using_dimensions(2)
    result = builder.generate_embedding_result()
    assert isinstance(result, EmbeddingResult)
    assert result.provider_metadata is not None
    assert engine.bodies[0]["dimensions"] == 2
    assert prompt("abc", registry=registry).generate_embedding() == (3.0, 1.0)
    with pytest.raises(InvalidArgument, match="blank"):
        builder.with_input(" ").generate_embeddings()
    with pytest.raises(InvalidArgument, match="generate_embedding_result"):
        builder.generate_result(Capability.EMBEDDING_GENERATION)

    def one_too_few(step: SentRequest) -> HttpAnswer:
        return HttpAnswer.json({"data": [{"index": 0, "embedding": [1.0]}]})

    registry, _ = registry_over(one_too_few)
    with pytest.raises(MalformedAnswer):
        prompt(["a", "bb"], registry=registry).generate_embeddings()


def test_thoughts_are_no_text() -> None:
    def thinking(step: SentRequest) -> HttpAnswer:
        message = {"role": "assistant", "reasoning_content": "Hm.", "content": "Yes."}
        return HttpAnswer.json({"choices": [{"message": message, "finish_reason": "stop"}]})

    registry, _ = registry_over(thinking)
    result: GenerativeAiResult = prompt("?", registry=registry).generate_text_result()
    assert result.to_text() == "Yes."


def test_errors_of_the_upstream_are_those_of_the_client() -> None:
    registry, _ = registry_over(
        lambda step: HttpAnswer.json({"error": {"message": "no"}}, 400), "first"
    )
    with pytest.raises(AiClientError) as raised:
        prompt("hello", registry=registry).generate_text()
    assert raised.value.status == 400


def test_a_video_is_started_and_waited_for() -> None:
    registry, engine = registry_over()
    started = prompt("waves", registry=registry).start_video()
    assert not started.is_over
    assert started.wait(pause=0).to_file().as_bytes() == VIDEO
    assert [each.method for each in engine.sent] == ["POST", "GET", "GET"]

    async def wait() -> bytes:
        begun = await prompt("waves", registry=registry).astart_video()
        return (await begun.await_result(pause=0)).to_file().as_bytes()

    assert asyncio.run(wait()) == VIDEO


def test_the_settings_of_the_builder_go_before_those_of_a_model() -> None:
    registry, engine = registry_over()
    mine = ModelConfig(temperature=0.9, max_tokens=3)
    builder = prompt("x", registry=registry).using_temperature(0.1)
    builder.using_model(Model("first", "first-chat", mine)).generate_text()
    assert engine.bodies[0]["temperature"] == 0.1
    assert engine.bodies[0]["max_completion_tokens"] == 3


def test_said_is_a_whole_answer() -> None:
    registry, _ = registry_over(lambda step: said("hi"))
    result = prompt("x", registry=registry).generate_result()
    assert result.to_dict()["tokenUsage"]["totalTokens"] == 3


def test_public_methods_are_documented() -> None:
    for name, member in inspect.getmembers(PromptBuilder, inspect.isfunction):
        assert name.startswith("_") or member.__doc__, name
