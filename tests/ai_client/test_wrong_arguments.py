"""Wrong arguments of Python programs: refused by name, before anything is sent."""

from __future__ import annotations

import asyncio
import copy
import math
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, dataclass, replace
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import FileField
from django.db.models.fields.files import FieldFile
from django.utils.translation import gettext_lazy

import ai_client
from ai_client import (
    File,
    MessagePart,
    Model,
    ModelConfig,
    RequestOptions,
    is_configured,
    prompt,
)
from ai_client.errors import CapabilityUnsupported, InvalidArgument
from ai_client.messages import (
    FunctionCall,
    FunctionDeclaration,
    FunctionResponse,
    Message,
    Role,
    ToolChoice,
    WebSearch,
    user_message,
)
from ai_client.prompt_builder import PromptBuilder
from ai_client.providers import Operation
from tests.ai_client.scripted_site import provider, registry_over

HALF = "a\ud800"
ENDLESS: list[Any] = []
ENDLESS.append(ENDLESS)
EMPTY = InMemoryStorage()
EMPTY.save("a.png", ContentFile(b""))
SCHEMA = {"type": "object", "properties": {"a": object()}}


@dataclass
class OfBytes:
    data: bytes


@dataclass
class Undefined:
    there: NotDefined  # type: ignore[name-defined]  # noqa: F821


def undefined(there: NotDefined) -> str:  # type: ignore[name-defined]  # noqa: F821
    """Takes what is not there."""
    return str(there)


@pytest.mark.parametrize(
    ("name", "arguments", "param"),
    [
        ("with_text", (HALF,), "text"),
        ("with_text", ("",), "text"),
        ("with_text", (" \n",), "text"),
        ("with_text", (5,), "text"),
        ("with_file", (b"", "image/png"), "file"),
        ("with_file", ("", "image/png"), "file"),
        ("with_file", ("data:image/png;base64,",), "file"),
        ("with_file", (SimpleUploadedFile("a.png", b"", "image/png"),), "file"),
        ("with_file", (FieldFile(None, FileField(storage=EMPTY), "a.png"),), "file"),  # type: ignore[arg-type]
        ("with_file", (File("image/png", base64_data=""),), "file"),
        ("with_message_parts", (MessagePart(File("image/png", base64_data="")),), "parts"),
        ("with_file", (File("image/png", base64_data="AAAA"), "image/jpeg"), "mime_type"),
        (
            "with_file",
            ({"fileType": "inline", "mimeType": "a/b", "base64Data": "AAAA"}, "image/jpeg"),
            "mime_type",
        ),
        ("with_file", ("abc", "image/png"), "file"),
        ("with_file", ("/etc/passwd", "text/plain"), "file"),
        ("with_file", ("data:image/png;base64,abc",), "file"),
        ("with_file", (b"abc",), "mime_type"),
        ("with_file", (b"abc", "foo"), "mime_type"),
        ("with_file", (b"abc", 5), "mime_type"),
        ("with_file", (File("image/png", base64_data="abc"),), "file"),
        ("with_file", ({"fileType": "inline", "mimeType": "a/b", "base64Data": "abc"},), "file"),
        ("with_file", ({"fileType": "inline"},), "file"),
        ("with_file", ({"a"},), "file"),
        ("with_function_response", (FunctionResponse("c", "f", object()),), "response"),
        ("with_function_response", (FunctionResponse("c", "f", ENDLESS),), "response"),
        ("with_message_parts", ({},), "parts"),
        ("with_message_parts", (4,), "parts"),
        ("with_message_parts", (MessagePart(HALF),), "parts"),
        ("with_message_parts", (MessagePart(5),), "parts"),  # type: ignore[arg-type]
        ("with_message_parts", (b"abc",), "parts"),
        ("with_history", ({"role": "user"},), "messages"),
        ("with_history", (Message("user", ()),), "messages"),  # type: ignore[arg-type]
        ("with_history", (Message(Role.USER, (MessagePart(HALF),)),), "messages"),
        ("with_input", ({},), "inputs"),
        ("with_input", ({"a": 1},), "inputs"),
        ("with_input", (b"abc",), "inputs"),
        ("using_caller", (5,), "caller"),
        ("using_system_instruction", (HALF,), "instruction"),
        ("using_max_tokens", (10**30,), "max_tokens"),
        ("using_seed", (10**5000,), "seed"),
        ("using_temperature", (10**400,), "temperature"),
        ("using_temperature", (True,), "temperature"),
        ("using_custom_option", ("k", object()), "value"),
        ("using_custom_option", ("k", {1: 2}), "value"),
        ("using_custom_option", ("k", [math.nan]), "value"),
        ("using_custom_option", ("k", 10**5000), "value"),
        ("using_custom_option", ("k", {"a": HALF}), "value"),
        ("using_custom_option", ("k", ENDLESS), "value"),
        ("using_model", ((" ", "a"),), "model"),
        ("using_model_config", ({"temperature": "x"},), "config"),
        ("using_model_config", (ModelConfig(output_schema=SCHEMA),), "config"),
        ("using_model_config", (ModelConfig(stop_sequences=(HALF,)),), "config"),
        ("using_function_declarations", ({"name": "x"},), "declarations"),
        (
            "using_function_declarations",
            (FunctionDeclaration("f", parameters=SCHEMA),),
            "declarations",
        ),
        ("using_function_declarations", (FunctionDeclaration(""),), "declarations"),
        ("using_functions", (undefined,), "functions"),
        ("using_functions", (int,), "functions"),
        ("as_output_schema", (SCHEMA,), "schema"),
        ("as_output_schema", (OfBytes,), "schema"),
        ("as_output_schema", (Undefined,), "schema"),
        ("as_json_response", (OfBytes,), "schema"),
        ("as_output_media_aspect_ratio", ("9" * 5000 + ":1",), "aspect_ratio"),
        ("generate_object", ({"type": "object"},), "kind"),
        ("generate_object", (None,), "kind"),
        ("generate_object", (OfBytes,), "kind"),
        ("generate_result", ("embedding_generation",), "capability"),
    ],
)
def test_a_wrong_argument_is_named_and_nothing_is_sent(
    name: str, arguments: tuple[Any, ...], param: str
) -> None:
    registry, engine = registry_over()
    builder = prompt("hello", registry=registry)
    ways: list[Callable[[], object]] = [lambda: getattr(builder, name)(*arguments)]
    if name.startswith("generate_"):
        ways.append(lambda: asyncio.run(getattr(builder, f"a{name}")(*arguments)))
    for way in ways:
        with pytest.raises(InvalidArgument) as raised:
            way()
        assert raised.value.param == param
    assert engine.sent == []


@pytest.mark.parametrize(
    ("make", "param"),
    [
        (lambda: prompt({"a"}), "prompt"),
        (lambda: prompt(b"x"), "prompt"),
        (lambda: prompt(HALF), "prompt"),
        (lambda: prompt(["fine", HALF]), "prompt"),
        (lambda: prompt({"text": HALF}), "prompt"),
        (lambda: prompt([Message(Role.USER, (MessagePart(HALF),))]), "prompt"),
        (lambda: prompt({"role": "user", "parts": [{}]}), "prompt"),
        (lambda: prompt({"role": "user", "content": "hi"}), "prompt"),
        (lambda: prompt("x", caller=5), "caller"),  # type: ignore[arg-type]
        (lambda: prompt("x", registry=5), "registry"),  # type: ignore[arg-type]
        (lambda: is_configured("x", registry=5), "registry"),  # type: ignore[arg-type]
        (lambda: ai_client.operation(5), "operation_id"),  # type: ignore[arg-type]
        (lambda: ai_client.operation(b"op_x"), "operation_id"),  # type: ignore[arg-type]
        (lambda: ai_client.operation("op_x", caller=5), "caller"),  # type: ignore[arg-type]
        (lambda: asyncio.run(ai_client.aoperation(5)), "operation_id"),  # type: ignore[arg-type]
        (lambda: Model(None, 5), "id"),  # type: ignore[arg-type]
        (lambda: Model(None, " "), "id"),
        (lambda: Model(5, "a"), "provider"),  # type: ignore[arg-type]
        (lambda: Model(None, "a", config={}), "config"),  # type: ignore[arg-type]
        (lambda: ModelConfig(system_instruction="be nice"), "system_instruction"),  # type: ignore[arg-type]
        (lambda: ModelConfig(temperature="hot"), "temperature"),  # type: ignore[arg-type]
        (lambda: ModelConfig(temperature=math.inf), "temperature"),
        (lambda: ModelConfig(max_tokens=True), "max_tokens"),
        (lambda: ModelConfig(stop_sequences="END"), "stop_sequences"),  # type: ignore[arg-type]
        (lambda: ModelConfig(output_modalities=("text",)), "output_modalities"),  # type: ignore[arg-type]
        (lambda: ModelConfig(output_schema="x"), "output_schema"),  # type: ignore[arg-type]
        (lambda: ModelConfig(tool_choice="auto"), "tool_choice"),  # type: ignore[arg-type]
        (lambda: ModelConfig(system_instruction=None), "system_instruction"),  # type: ignore[arg-type]
        (lambda: ModelConfig(custom_options=None), "custom_options"),  # type: ignore[arg-type]
        (lambda: WebSearch("example.com"), "allowed_domains"),  # type: ignore[arg-type]
        (lambda: WebSearch(5), "allowed_domains"),  # type: ignore[arg-type]
        (lambda: WebSearch((), None), "disallowed_domains"),  # type: ignore[arg-type]
        (lambda: WebSearch((HALF,)), "allowed_domains"),
        (lambda: FunctionCall(5, "f"), "id"),  # type: ignore[arg-type]
        (lambda: FunctionCall("c", name=5), "name"),  # type: ignore[arg-type]
        (lambda: FunctionCall("c", "f", {}), "arguments"),  # type: ignore[arg-type]
        (lambda: FunctionResponse([], "f"), "id"),  # type: ignore[arg-type]
        (lambda: FunctionResponse("c", 5), "name"),  # type: ignore[arg-type]
        (lambda: FunctionResponse("c", "f", parts="x"), "parts"),  # type: ignore[arg-type]
        (lambda: FunctionResponse("c", "f", parts=None), "parts"),  # type: ignore[arg-type]
        (lambda: FunctionResponse("c", "f", is_error="no"), "is_error"),  # type: ignore[arg-type]
        (lambda: FunctionDeclaration(5), "name"),  # type: ignore[arg-type]
        (lambda: FunctionDeclaration("f", 5), "description"),  # type: ignore[arg-type]
        (lambda: FunctionDeclaration("f", "", "x"), "parameters"),  # type: ignore[arg-type]
        (
            lambda: ModelConfig(output_media_aspect_ratio="9" * 5000 + ":1"),
            "output_media_aspect_ratio",
        ),
        (lambda: File(None, url="https://a.example/b.png"), "mime_type"),  # type: ignore[arg-type]
        (lambda: File("image/png", base64_data=b"AAAA"), "base64_data"),  # type: ignore[arg-type]
        (lambda: File.from_base64("abc", "image/png"), "data"),
        (lambda: File.from_base64(b"AAAA", "image/png"), "data"),  # type: ignore[arg-type]
        (lambda: File.from_base64("AAAA", None), "mime_type"),  # type: ignore[arg-type]
        (lambda: File.from_bytes("text", "image/png"), "data"),  # type: ignore[arg-type]
        (lambda: File.from_url(5), "url"),  # type: ignore[arg-type]
        (lambda: File.from_data_uri(5), "uri"),  # type: ignore[arg-type]
        (lambda: RequestOptions(timeout="x"), "timeout"),  # type: ignore[arg-type]
        (lambda: RequestOptions(timeout=math.nan), "timeout"),
        (lambda: RequestOptions(connect_timeout=True), "connect_timeout"),
        (lambda: RequestOptions(max_redirects=1.5), "max_redirects"),  # type: ignore[arg-type]
    ],
)
def test_a_wrong_value_is_named_where_it_is_made(make: Callable[[], object], param: str) -> None:
    with pytest.raises(InvalidArgument) as raised:
        make()
    assert raised.value.param == param


@pytest.mark.parametrize(
    ("arguments", "param"),
    [
        ({"timeout": "x"}, "timeout"),
        ({"timeout": math.nan}, "timeout"),
        ({"timeout": -1}, "timeout"),
        ({"pause": -1}, "pause"),
        ({"pause": None}, "pause"),
    ],
)
def test_waiting_needs_times(arguments: dict[str, Any], param: str) -> None:
    registry, engine = registry_over()
    started = prompt("waves", registry=registry).start_video()
    ways: list[Callable[[], object]] = [
        lambda: started.wait(**arguments),
        lambda: asyncio.run(started.await_result(**arguments)),
    ]
    for way in ways:
        with pytest.raises(InvalidArgument) as raised:
            way()
        assert raised.value.param == param
    assert len(engine.sent) == 1


def test_a_function_to_be_called_has_to_be_declared() -> None:
    registry, engine = registry_over()
    chosen = prompt("?", registry=registry).using_tool_choice("nope")
    others = chosen.using_function_declarations(FunctionDeclaration("other"))
    by_config = prompt("?", registry=registry).using_model_config(
        ModelConfig(tool_choice=ToolChoice("function", "nope"))
    )
    for builder in (chosen, others, by_config):
        with pytest.raises(InvalidArgument, match="'nope'") as raised:
            builder.generate_text()
        assert raised.value.param == "mode"
    assert engine.sent == []
    declared = chosen.using_function_declarations(FunctionDeclaration("nope"))
    assert declared.generate_text() == "ok"


async def _streamed(builder: PromptBuilder) -> list[str]:
    return [each async for each in builder.astream_text()]


TEXT_WAYS: list[Callable[[PromptBuilder], Any]] = [
    lambda builder: builder.generate_text(),
    lambda builder: asyncio.run(builder.agenerate_text()),
    lambda builder: list(builder.stream_text()),
    lambda builder: asyncio.run(_streamed(builder)),
]


@pytest.mark.parametrize("ask", TEXT_WAYS)
def test_a_function_is_required_only_where_there_is_one(ask: Callable[[Any], Any]) -> None:
    registry, engine = registry_over()
    required = prompt("?", registry=registry).using_tool_choice("required")
    none_declared = required.using_function_declarations()
    for builder in (required, none_declared):
        with pytest.raises(InvalidArgument, match="no function to call") as raised:
            ask(builder)
        assert raised.value.param == "mode"
    assert engine.sent == []
    for builder in (
        required.using_function_declarations(FunctionDeclaration("f")),
        required.using_web_search(),
        required.using_custom_option("tools", [{"type": "theirs"}]),
    ):
        assert "".join(ask(builder)) == "ok"


@pytest.mark.parametrize("ask", TEXT_WAYS)
def test_no_two_functions_may_be_declared_by_one_name(ask: Callable[[Any], Any]) -> None:
    registry, engine = registry_over()
    builder = prompt("?", registry=registry)
    twice = (FunctionDeclaration("f"), FunctionDeclaration("g"), FunctionDeclaration("f", "other"))
    for asking in (
        builder.using_function_declarations(*twice),
        builder.using_model_config(ModelConfig(function_declarations=twice)),
    ):
        with pytest.raises(InvalidArgument, match="Two functions are called 'f'") as raised:
            ask(asking)
        assert raised.value.param == "declarations"
    assert engine.sent == []


def test_an_embedding_model_is_not_asked_for_an_answer() -> None:
    registry, engine = registry_over()
    builder = prompt("x", registry=registry).using_model("first-embed")
    asks: list[Callable[[], object]] = [
        builder.generate_result,
        lambda: asyncio.run(builder.agenerate_result()),
    ]
    for ask in asks:
        with pytest.raises(CapabilityUnsupported, match="generate_embedding_result"):
            ask()
    assert engine.sent == []


def test_a_video_is_not_started_where_it_would_come_at_once() -> None:
    at_once = [
        replace(each, wire="openai_images") if each.wire == "openai_videos" else each
        for each in provider("own").operations
    ]
    assert all(isinstance(each, Operation) for each in at_once)
    registry, engine = registry_over()
    own = replace(provider("own"), operations=tuple(at_once))
    registry.register(own)
    registry.set_authentication("own", "key")
    builder = prompt("waves", registry=registry).using_provider("own")
    asks: list[Callable[[], object]] = [
        builder.start_video,
        lambda: asyncio.run(builder.astart_video()),
    ]
    for ask in asks:
        with pytest.raises(CapabilityUnsupported, match="answers at once"):
            ask()
    assert engine.sent == []


def test_what_the_program_keeps_does_not_change_a_prompt() -> None:
    option: dict[str, Any] = {"a": [1]}
    schema: dict[str, Any] = {"type": "object", "properties": {}}
    builder = prompt("x").using_custom_option("k", option).as_output_schema(schema)
    by_config = prompt("x").using_model_config(ModelConfig(output_schema=schema))
    declared = prompt("x").using_function_declarations(FunctionDeclaration("f", "", schema))
    parts = [MessagePart("x")]
    domains = ["a.example"]
    history = Message(Role.USER, parts)  # type: ignore[arg-type]
    returned = FunctionResponse("c", "f", parts=parts)  # type: ignore[arg-type]
    searching = prompt("x").using_web_search(WebSearch(domains))  # type: ignore[arg-type]
    builder = builder.with_history(history).with_function_response(returned)
    before = builder.asked
    option["a"].append(2)
    parts.append(MessagePart("y"))
    domains.append("b.example")
    schema["properties"]["b"] = {}
    assert builder.asked == before
    assert [len(each.parts) for each in builder.messages] == [1, 2]
    assert searching.config.web_search == WebSearch(("a.example",))
    assert by_config.config.output_schema == {"type": "object", "properties": {}}
    (declaration,) = declared.config.function_declarations or ()
    assert declaration.parameters == {"type": "object", "properties": {}}
    given: Any = builder.config
    given.output_schema["y"] = given.custom_options["y"] = 1
    assert builder.asked == before


def test_a_message_in_another_shape_is_told_ours() -> None:
    with pytest.raises(InvalidArgument, match=r"no parts.*'parts': \[\{'text': 'Hello'\}\]"):
        prompt({"role": "user", "content": "hi"})
    with pytest.raises(InvalidArgument, match=r"from_dict.*'parts': \[\{'text': 'Hello'\}\]"):
        prompt([{"role": "user", "content": "hi"}])


def test_lazy_texts_are_texts() -> None:
    lazy: Any = gettext_lazy("hi")
    for builder in (
        prompt(lazy),
        prompt([lazy]),
        prompt().with_text(lazy),
        prompt().with_message_parts(lazy),
        prompt().with_input(lazy),
    ):
        assert builder.messages == (user_message("hi"),)
        assert type(builder.messages[0].parts[0].content) is str
    instructed = prompt("x").using_system_instruction(lazy)
    assert instructed.config.system_instruction == (MessagePart("hi"),)


def test_a_file_keeps_its_mime_type() -> None:
    picture = File("image/png", base64_data="AAAA")
    assert prompt().with_file(picture, "image/PNG").messages[0].files() == (picture,)


def test_a_prompt_cannot_be_changed_from_outside() -> None:
    builder: Any = prompt("x").using_temperature(0.5)
    for held in (builder.said, builder.configured):
        with pytest.raises(TypeError):
            held["messages"] = ()
    changes: list[Callable[[], object]] = [
        lambda: setattr(builder, "foo", 1),
        lambda: setattr(builder, "said", {}),
        lambda: delattr(builder, "said"),
    ]
    for change in changes:
        with pytest.raises(FrozenInstanceError, match="does not change"):
            change()


@pytest.mark.django_db
def test_a_prompt_can_be_copied_and_stored() -> None:
    builder = prompt("x").using_temperature(0.5)
    assert not builder.is_supported()
    for other in (copy.copy(builder), copy.deepcopy(builder), pickle.loads(pickle.dumps(builder))):
        assert type(other) is PromptBuilder
        assert other.asked == builder.asked


def test_no_trace_holds_a_whole_file() -> None:
    data = "QUJD" * 1000
    signed = MessagePart("x", thought_signature=data, opaque={"any": data})
    builder = prompt(File("image/png", base64_data=data)).with_message_parts(signed)
    shown = [repr(builder), repr(builder.asked), repr(File("image/png", url=f"data:a/b,{data}"))]
    assert all("QUJD" * 15 not in each for each in shown)
    assert "4000 characters" in shown[0]
    assert repr(File("image/png", "QUJD")).startswith("File(mime_type='image/png', base64_data='QU")
