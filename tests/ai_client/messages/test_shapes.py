"""``to_dict`` and ``from_dict`` in the PHP AI Client's array shapes."""

from __future__ import annotations

import json
from typing import Any, Protocol, Self

import pytest

from ai_client import capabilities, messages
from ai_client.endpoints import endpoint, upstream_headers
from ai_client.errors import InvalidArgument
from ai_client.exchange import Chunk, Opened
from ai_client.messages import (
    CacheMarker,
    Candidate,
    EmbeddingResult,
    File,
    FinishReason,
    FunctionCall,
    FunctionDeclaration,
    FunctionResponse,
    GenerativeAiOperation,
    GenerativeAiResult,
    Message,
    MessagePart,
    ModelConfig,
    OperationState,
    Reasoning,
    RequestOptions,
    TokenUsage,
    ToolChoice,
    model_message,
)
from ai_client.providers.openai_compatible import PROVIDER
from ai_client.registry import Authentication
from ai_client.snapshot import ConnectionConfig
from ai_client.wire import WireRequest
from tests.ai_client.vectors import Row, as_json, load, rows, with_lists_for_empty_maps


class Shaped(Protocol):
    def to_dict(self) -> dict[str, Any]: ...

    @classmethod
    def from_dict(cls, data: Any) -> Self: ...


TRANSPORT = {"Request", "Response"}
UNDER_ANOTHER_NAME: dict[str, type[Shaped]] = {
    "ApiKeyRequestAuthentication": Authentication,
    "ProviderModelsMetadata": capabilities.ProviderModels,
}

REFUSED = {
    "File:inline_base64_trailing_newline": "base64-newline",
    "RequestOptions:non_numeric_string_cast": "no-silent-casts",
}
TAKEN = {"File:inline_data_uri_charset": "mime-parameters"}
IN_OTHER_WORDS = {
    row["name"]: "transport-values"
    for row in load("dto_roundtrip")
    if row["input"]["dto"] in TRANSPORT
}
DIFFERENCES = REFUSED | TAKEN | IN_OTHER_WORDS


def kind(dto: str) -> type[Shaped]:
    if dto in UNDER_ANOTHER_NAME:
        return UNDER_ANOTHER_NAME[dto]
    found: type[Shaped] = getattr(messages, dto, None) or getattr(capabilities, dto)
    return found


@pytest.mark.parametrize("row", rows("dto_roundtrip", lambda asked: asked["dto"] not in TRANSPORT))
def test_each_type_reads_and_writes_the_shape(row: Row) -> None:
    read = kind(row["input"]["dto"]).from_dict
    if row["name"] in REFUSED or ("exception" in row["expected"] and row["name"] not in TAKEN):
        with pytest.raises(InvalidArgument):
            read(row["input"]["array"])
        return
    written = read(row["input"]["array"]).to_dict()
    assert as_json(read(written).to_dict()) == as_json(written)
    if row["name"] not in DIFFERENCES:
        expected = row["expected"]
        assert as_json(written) == as_json(expected["jsonSerialize"])
        assert as_json(with_lists_for_empty_maps(written)) == as_json(
            with_lists_for_empty_maps(expected["toArray"])
        )


def test_parameters_of_a_mime_type_are_kept() -> None:
    uri = "data:Text/Plain;charset=utf-8;base64,AAAA"
    file = File.from_dict({"fileType": "inline", "base64Data": uri})
    assert file == File("text/plain;charset=utf-8", "AAAA")


def test_every_difference_is_of_a_row_that_exists() -> None:
    assert DIFFERENCES.keys() <= {row["name"] for row in load("dto_roundtrip")}


class TestWhatIsSentAndReceived:
    """There are no DTOs of HTTP here: WireRequest, Opened and Chunk are."""

    def connection(self, base_url: str) -> ConnectionConfig:
        return ConnectionConfig("1", "one", PROVIDER, "m", base_url)

    def row(self, name: str) -> Any:
        [found] = [row for row in load("dto_roundtrip") if row["name"] == name]
        assert name in DIFFERENCES
        return found["input"]["array"]

    def test_a_request_is_a_path_below_the_connections_address(self) -> None:
        asked = self.row("Request:post_json")
        wire = WireRequest("x", json.loads(asked["body"]), method=asked["method"])
        connection = self.connection("https://e.com")
        assert endpoint(connection, wire).endswith("/x")
        sent = upstream_headers(connection, wire)
        assert [sent["content-type"]] == asked["headers"]["Content-Type"]
        assert RequestOptions.from_dict(asked["options"]) == RequestOptions(timeout=1.0)

    def test_a_header_with_commas_is_one_header(self) -> None:
        wire = WireRequest("x", {}, self.row("Request:header_string_split_on_comma")["headers"])
        sent = upstream_headers(self.connection("https://e.com"), wire)
        assert sent["Accept"] == "text/html, application/json"
        assert sent["X-One"] == "a"

    def test_without_a_path_it_goes_to_the_address_itself(self) -> None:
        wire = WireRequest(self.row("Request:empty_uri")["uri"], {})
        assert endpoint(self.connection("https://e.com/v1"), wire).startswith("https://e.com/v1")

    def test_a_request_needs_path_and_body(self) -> None:
        assert self.row("Request:missing") == []
        with pytest.raises(TypeError):
            WireRequest()  # type: ignore[call-arg]

    def test_an_answer_is_a_status_with_headers_then_pieces_of_a_body(self) -> None:
        answer = self.row("Response:full")
        opened = Opened(answer["statusCode"], {"a": ", ".join(answer["headers"]["A"])})
        assert (opened.status, opened.headers["a"]) == (200, "1, 2")
        assert Chunk(answer["body"].encode()).data == b"x"

    def test_an_empty_body_is_an_empty_piece(self) -> None:
        assert Chunk(self.row("Response:empty_body_kept")["body"].encode()).data == b""


class TestWhatPhpDoesNotHave:
    def test_is_written_only_if_it_is_set(self) -> None:
        assert MessagePart("Hi", refusal=True, cache=CacheMarker("1h")).to_dict() == {
            "channel": "content",
            "type": "text",
            "text": "Hi",
            "refusal": True,
            "cache": {"ttl": "1h"},
        }
        assert TokenUsage(1, 2, 3, cached_tokens=0).to_dict() == {
            "promptTokens": 1,
            "completionTokens": 2,
            "totalTokens": 3,
            "cachedTokens": 0,
        }
        assert FunctionDeclaration("f", "d", strict=True).to_dict() == {
            "name": "f",
            "description": "d",
            "strict": True,
        }
        assert FunctionResponse("a", "f", 1, is_error=True).to_dict() == {
            "id": "a",
            "name": "f",
            "response": 1,
            "isError": True,
        }

    def test_settings_keep_their_names(self) -> None:
        config = ModelConfig(
            seed=7,
            tool_choice=ToolChoice("function", "f"),
            parallel_tool_calls=False,
            output_schema={"type": "object"},
            output_schema_name="answer",
            output_schema_strict=True,
            dimensions=3,
            reasoning=Reasoning("low", 0),
            end_user="alice",
        )
        assert config.to_dict() == {
            "outputMimeType": "application/json",
            "outputSchema": {"type": "object"},
            "seed": 7,
            "toolChoice": {"mode": "function", "name": "f"},
            "parallelToolCalls": False,
            "outputSchemaName": "answer",
            "outputSchemaStrict": True,
            "dimensions": 3,
            "reasoning": {"effort": "low", "budgetTokens": 0},
            "endUser": "alice",
        }

    def test_a_system_prompt_of_several_parts_is_also_one_text(self) -> None:
        parts = (MessagePart("Be brief."), MessagePart(" Rhyme.", cache=CacheMarker()))
        written = ModelConfig(system_instruction=parts).to_dict()
        assert written["systemInstruction"] == "Be brief. Rhyme."
        assert [part["text"] for part in written["systemInstructionParts"]] == [
            "Be brief.",
            " Rhyme.",
        ]
        assert ModelConfig.from_dict(written).system_instruction == parts

    def test_a_result_says_which_model_answered_if_it_is_another(self) -> None:
        asked = capabilities.ModelMetadata("small", "Small")
        candidate = Candidate(model_message("Hi"), FinishReason.STOP)
        same = GenerativeAiResult("r", "small", (candidate,), model_metadata=asked)
        other = GenerativeAiResult("r", "small-2026", (candidate,), model_metadata=asked)
        assert "model" not in same.to_dict()
        assert GenerativeAiResult.from_dict(same.to_dict()).model == "small"
        assert GenerativeAiResult.from_dict(other.to_dict()).model == "small-2026"

    def test_an_operation_says_how_far_it_is_and_why_it_failed(self) -> None:
        failed = GenerativeAiOperation("o", OperationState.FAILED, error="no", progress=40)
        assert failed.to_dict() == {"id": "o", "state": "failed", "error": "no", "progress": 40}
        assert GenerativeAiOperation.from_dict(failed.to_dict()) == failed

    def test_embeddings_say_their_dimensions(self) -> None:
        result = EmbeddingResult("e", "m", ((0.5, 1.0), (0.0, 2.0)))
        assert result.to_dict() == {
            "id": "e",
            "embeddings": [[0.5, 1.0], [0.0, 2.0]],
            "dimensions": 2,
            "tokenUsage": None,
            "providerMetadata": None,
            "modelMetadata": None,
            "model": "m",
        }


class TestArguments:
    @pytest.mark.parametrize("text", ["{}", '{"a":1}', '"x"', "[1.0,2]", "0", "false", "ä"])
    def test_plain_json_needs_no_second_key(self, text: str) -> None:
        text = json.dumps(text) if text == "ä" else text
        call = FunctionCall("a", "f", text)
        written = call.to_dict()
        assert FunctionCall.from_dict(written) == call
        assert as_json(written["args"]) == as_json(json.loads(text))
        assert ("arguments" in written) == ("\\" in text)

    def test_no_arguments_are_not_empty_arguments(self) -> None:
        assert FunctionCall("a", "f", "").to_dict() == {"id": "a", "name": "f"}
        assert FunctionCall.from_dict({"id": "a", "name": "f"}).arguments == ""
        assert FunctionCall("a", "f").to_dict() == {"id": "a", "name": "f", "args": {}}

    @pytest.mark.parametrize("text", ['{"a": 1}', '{"a":', "null", '{"a":NaN}', '{"a":1,"a":1}'])
    def test_what_the_model_wrote_is_kept_to_the_letter(self, text: str) -> None:
        call = FunctionCall("a", "f", text)
        assert call.to_dict()["arguments"] == text
        assert FunctionCall.from_dict(call.to_dict()) == call

    def test_changed_args_count_more_than_the_text_beside_them(self) -> None:
        written = FunctionCall("a", "f", '{"a": 1}').to_dict() | {"args": {"a": True}}
        assert FunctionCall.from_dict(written) == FunctionCall("a", "f", '{"a":true}')

    def test_args_that_are_no_json_are_refused(self) -> None:
        for args in (float("nan"), object()):
            with pytest.raises(InvalidArgument, match="args"):
                FunctionCall.from_dict({"id": "a", "args": args})


class TestErrors:
    def test_all_missing_keys_are_named(self) -> None:
        with pytest.raises(InvalidArgument, match="role, parts"):
            Message.from_dict({})
        with pytest.raises(
            InvalidArgument, match="candidates, tokenUsage, providerMetadata, modelMetadata"
        ):
            GenerativeAiResult.from_dict({"id": "r"})

    @pytest.mark.parametrize(
        ("kind", "data", "param"),
        [
            (MessagePart, {"text": 5}, "text"),
            (MessagePart, {"text": "a", "cache": {"ttl": "1d"}}, "ttl"),
            (MessagePart, {"file": "a.png"}, "file"),
            (Message, {"role": "user", "parts": [{"text": "a"}, "b"]}, "parts[1]"),
            (ModelConfig, {"maxTokens": True}, "maxTokens"),
            (ModelConfig, {"temperature": "0.5"}, "temperature"),
            (ModelConfig, {"temperature": 10**400}, "temperature"),
            (ModelConfig, {"toolChoice": {"mode": "any"}}, "mode"),
            (ModelConfig, {"logprobs": 1}, "logprobs"),
            (ModelConfig, {"customOptions": [1]}, "customOptions"),
            (RequestOptions, {"maxRedirects": -1}, "max_redirects"),
            (RequestOptions, {"connectTimeout": float("inf")}, "connectTimeout"),
            (EmbeddingResult, {}, "id"),
        ],
    )
    def test_the_wrong_key_is_named(
        self, kind: type[Shaped], data: dict[str, Any], param: str
    ) -> None:
        with pytest.raises(InvalidArgument) as raised:
            kind.from_dict(data)
        assert raised.value.param == param

    @pytest.mark.parametrize("data", [None, "x", 5, ["x"]])
    def test_only_maps_are_read(self, data: Any) -> None:
        with pytest.raises(InvalidArgument, match="Message is made of a dict"):
            Message.from_dict(data)

    def test_what_was_read_does_not_change_with_its_source(self) -> None:
        source: dict[str, Any] = {"customOptions": {"a": [1]}}
        config = ModelConfig.from_dict(source)
        source["customOptions"]["a"].append(2)
        config.to_dict()["customOptions"]["a"].append(3)
        assert config.custom_options == {"a": [1]}
