"""What the WordPress plugin for Azure AI Foundry does, case by case.

Where we differ the row is in ``DIFFERENT``, with what is done here instead; such a row is tested
for that.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from ai_client.ask import Ask, Limits
from ai_client.capabilities import Capability, ModelMetadata
from ai_client.connections import load
from ai_client.discovery import discover
from ai_client.errors import (
    AiClientError,
    EndpointNotFound,
    InvalidRequest,
    MalformedAnswer,
    UnsupportedFeature,
)
from ai_client.exchange import Answer
from ai_client.health import Health
from ai_client.messages import (
    AnyResult,
    EmbeddingResult,
    GenerationRequest,
    GenerativeAiResult,
    Message,
    ModelConfig,
    user_message,
)
from ai_client.model_catalog import known
from ai_client.providers import Detected
from ai_client.providers.azure_ai_foundry import PROVIDER
from ai_client.providers.azure_ai_foundry.deployments import all_of, parse_capabilities, parse_names
from ai_client.providers.azure_ai_foundry.endpoint import INFERENCE_VERSION, OPENAI_VERSION
from ai_client.reading import Patience
from ai_client.registration import provider_for
from ai_client.router import Route
from ai_client.session import Session
from ai_client.snapshot import ConnectionConfig
from ai_client.testing import HttpAnswer, ScriptedTransport, SentRequest
from ai_client.transport import drive, run
from connectors.errors import FieldError
from connectors.masking import mask
from connectors.services import create_connection
from connectors.trials import target_for
from tests.ai_client.vectors import Row, rows
from tests.ai_client.vectors import load as load_vectors

pytestmark = pytest.mark.django_db

DIFFERENT = {
    "text_endpoint_empty": "a connection without an address is never asked",
    "image_options": "an image of this API is never remote, so asking for one is refused",
    "embedding_string": "vectors are an EmbeddingResult, as many as there are inputs",
    "embedding_list": "vectors are an EmbeddingResult, in the order of their inputs",
    "embedding_malformed_is_not_an_error": "an answer without vectors is an error",
    "tts": "MP3 is called audio/mpeg, its registered name",
    "tts_voice": "MP3 is called audio/mpeg, its registered name",
    "tts_speed_out_of_range_dropped": "MP3 is called audio/mpeg, its registered name",
    "tts_joins_all_texts": "what is said is one message of the user, not a whole conversation",
    "urls_slash": "/info is asked of the host: the path of an endpoint leads nowhere else either",
    "models_default": "a model that is not there is not offered",
    "models_no_credentials": "a connection without address or deployment offers nothing",
    "models_named": "what a request can say is listed too; web search, which Azure lacks, is not",
    "models_named_capabilities_missing_deployments": "what nobody named is not offered",
    "models_only_text_of_two_text_deployments": "every deployment is offered, the first one first",
    "mask:null": "a key is text",
    "mask:5": "a key is text",
    "sanitize_capabilities_not_list": "a text is a list with commas, as in the environment",
    "detect_older_api_version": "that a model could be deployed is no capability: it is tried too; "
    "an answer without choices is none",
    "detect_missing_key": "says which of the two is missing",
}
OPERATIONS = {
    "generateTextResult": (Capability.TEXT_GENERATION, "openai_chat"),
    "generateImageResult": (Capability.IMAGE_GENERATION, "openai_images"),
    "generateEmbeddingResult": (Capability.EMBEDDING_GENERATION, "openai_embeddings"),
    "convertTextToSpeechResult": (Capability.TEXT_TO_SPEECH_CONVERSION, "openai_speech"),
}
CHAT_ANSWER = {
    "id": "chatcmpl-oracle",
    "object": "chat.completion",
    "created": 1,
    "model": "oracle",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"}
    ],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    "data": [{"b64_json": "aW1n"}],
}


def of(operation: str) -> list[Any]:
    return rows("azure", lambda given: given["op"] == operation)


def test_every_difference_is_of_a_row_and_every_row_has_a_test() -> None:
    listed = load_vectors("azure")
    assert DIFFERENT.keys() <= {row["name"] for row in listed}
    tested = ("request", "urls", "models", "parse_names", "find", "detect")
    others = ("settings", "mask", "sanitize_capabilities")
    assert {row["input"]["op"] for row in listed} == {*tested, *others}
    assert len(listed) == 40


def connection(settings: Any, model: str = "") -> ConnectionConfig:
    """A connection with the plugin's settings."""
    settings = settings if isinstance(settings, dict) else {}
    fields = {
        "deployments": settings.get("model", ""),
        "capabilities": ", ".join(settings.get("capabilities", ())),
    }
    return ConnectionConfig(
        id="1",
        name="azure",
        provider=PROVIDER,
        model=model,
        base_url=settings.get("endpoint", "").rstrip("/"),
        api_key=settings.get("apiKey", ""),
        options=PROVIDER.wire_options(fields),
    )


def asked(
    at: ConnectionConfig, wire: str, request: GenerationRequest, said: HttpAnswer
) -> tuple[AnyResult | AiClientError, ScriptedTransport]:
    engine = ScriptedTransport(lambda step: said)
    route = Route(at, at.model, wire)
    session = Session(
        Ask(stream=False, request=request), (route,), Health(lambda: 0.0), time.monotonic, Limits()
    )
    try:
        with closing(run(session, engine.engine)) as outputs:
            answer = next(outputs)
    except AiClientError as error:
        return error, engine
    assert isinstance(answer, Answer)
    return answer.result, engine


def messages_of(given: Mapping[str, Any]) -> tuple[Message, ...]:
    if "embeddingInput" in given:
        inputs = given["embeddingInput"]
        return tuple(map(user_message, [inputs] if isinstance(inputs, str) else inputs))
    return tuple(map(Message.from_dict, given["prompt"]))


def evened(body: dict[str, Any]) -> dict[str, Any]:
    """Text alone is sent as text."""
    for message in body.get("messages", ()):
        if isinstance(message["content"], str):
            message["content"] = [{"type": "text", "text": message["content"]}]
    return body


@pytest.mark.parametrize("row", of("request"))
def test_requests_and_results(row: Row) -> None:
    name, given, expected = row["name"], row["input"], row["expected"]
    capability, wire = OPERATIONS[given["call"]]
    at = connection(given["settings"], given["model"]["id"])
    assert PROVIDER.wire_for(capability, at.model) == wire
    messages = messages_of(given)
    config = dict(given.get("config", {}))
    if name == "text_endpoint_empty":
        with pytest.raises(FieldError, match="no address"):
            target_for(None, provider=PROVIDER.slug, api_key="az-key-1")
        return
    if name == "image_options":
        request = GenerationRequest(messages, ModelConfig.from_dict(config))
        refused, engine = asked(at, wire, request, HttpAnswer.json(CHAT_ANSWER))
        assert isinstance(refused, UnsupportedFeature)
        assert not engine.sent
        del config["outputFileType"]
    if name == "tts_joins_all_texts":
        refused, engine = asked(at, wire, GenerationRequest(messages), HttpAnswer(b""))
        assert isinstance(refused, InvalidRequest)
        assert not engine.sent
        return
    said = HttpAnswer.json(CHAT_ANSWER)
    if "response" in given:
        kind = "audio/mpeg" if wire == "openai_speech" else "application/json"
        said = HttpAnswer(given["response"]["body"].encode(), given["response"]["statusCode"], kind)
    request = GenerationRequest(messages, ModelConfig.from_dict(config))
    result, engine = asked(at, wire, request, said)
    (sent,) = engine.sent
    assert (sent.method, sent.url) == (expected["request"]["method"], expected["request"]["uri"])
    assert sent.headers["api-key"] == "az-key-1"
    assert sent.headers["content-type"] == "application/json"
    assert "authorization" not in sent.headers
    assert evened(json.loads(sent.body)) == expected["request"]["bodyJson"]
    check_result(name, result, expected["result"])


def check_result(name: str, result: AnyResult | AiClientError, expected: Any) -> None:
    if name in ("embedding_string", "embedding_malformed_is_not_an_error"):
        assert isinstance(result, MalformedAnswer)
        return
    if name == "embedding_list":
        assert isinstance(result, EmbeddingResult)
        told = {
            each["index"]: each["embedding"] for each in expected["additionalData"]["embeddings"]
        }
        assert [list(each) for each in result.embeddings] == [told[0], told[1]]
        assert result.model == expected["additionalData"]["model"]
        assert result.usage is not None
        assert result.usage.prompt_tokens == expected["tokenUsage"]["promptTokens"]
        return
    assert isinstance(result, GenerativeAiResult)
    (part,) = result.candidates[0].message.parts
    (told,) = expected["candidates"][0]["message"]["parts"]
    if name.startswith("tts"):
        assert told["file"]["mimeType"] == "audio/mp3"
        told = {**told, "file": {**told["file"], "mimeType": "audio/mpeg"}}
    assert part.to_dict() == told
    if "usage" in result.to_dict() or name.startswith("text"):
        assert result.usage is not None
        assert result.usage.total_tokens == expected["tokenUsage"]["totalTokens"]


@pytest.mark.parametrize("row", of("urls"))
def test_addresses(row: Row) -> None:
    expected = row["expected"]
    _, engine = detecting(connection({**row["input"]["settings"], "apiKey": "k"}), [])
    first = engine.sent[0].url
    assert first == expected["apiUrl"] == f"{expected['url']}?api-version={INFERENCE_VERSION}"
    assert first.startswith(expected["resourceRoot"])
    assert expected["openAiApiVersion"] == OPENAI_VERSION


@pytest.mark.parametrize("row", of("parse_names"))
def test_names_of_deployments(row: Row) -> None:
    assert list(parse_names(row["input"]["value"])) == row["expected"]["names"]


@pytest.mark.parametrize("row", of("find"))
def test_the_deployment_for_a_purpose(row: Row) -> None:
    best = next(iter(all_of(row["input"]["names"], row["input"]["type"])), None)
    assert best == row["expected"]["name"]


@pytest.mark.parametrize("row", of("models"))
def test_models(row: Row) -> None:
    name, given = row["name"], row["input"]
    at = connection(given["settings"])
    found = known(at)
    expected = row["expected"]["models"]
    if name in ("models_default", "models_no_credentials"):
        assert [each["id"] for each in expected] == ["azure-ai-foundry-model"]
        assert found == ()
        if name == "models_default":
            _, engine = detecting(at, given["http"])
            told = row["expected"]["http"][0]["url"].replace("/api/projects/my-proj", "/models")
            assert engine.sent[0].url == told
        return
    if name == "models_named_capabilities_missing_deployments":
        assert {each["id"] for each in expected[1:]} == {
            f"gpt-4.1-{kind}" for kind in ("image", "embedding", "tts")
        }
        expected = expected[:1]
    if name == "models_only_text_of_two_text_deployments":
        assert [each.id for each in found] == ["gpt-4.1", "gpt-4o"]
        found = found[:1]
    assert [(each.id, each.name) for each in found] == [
        (each["id"], each["name"]) for each in expected
    ]
    for ours, theirs in zip(found, expected, strict=True):
        check_model(ours, theirs)


def check_model(ours: ModelMetadata, theirs: Mapping[str, Any]) -> None:
    """Everything that is listed there is listed here, but for what cannot be said."""
    assert {*theirs["supportedCapabilities"]} <= {*ours.capabilities}
    here = {each.name.value: each.to_dict().get("supportedValues") for each in ours.options}
    for option in theirs["supportedOptions"]:
        if option["name"] == "webSearch":
            assert "webSearch" not in here
        elif option["name"] == "outputFileType":
            assert here["outputFileType"] == ["inline"]
        elif option["name"] == "outputMimeType" and "supportedValues" in option:
            assert set(option["supportedValues"]) <= set(here["outputMimeType"] or ())
        else:
            assert here[option["name"]] == option.get("supportedValues")


@pytest.mark.parametrize("row", of("settings"))
def test_what_is_stored_goes_before_the_environment(
    row: Row, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    given, expected = row["input"], row["expected"]
    settings.CONNECTORS = {}
    for name, value in given["env"].items():
        monkeypatch.setenv(name, value)
    create_connection(
        provider=PROVIDER.slug,
        base_url=given["settings"]["endpoint"],
        api_key=given["settings"]["apiKey"],
    )
    (found,) = load().connections
    assert found.provider is provider_for(PROVIDER.slug)
    assert (found.base_url, found.api_key) == (expected["endpoint"], expected["apiKey"])
    assert found.model == expected["model"] == ""
    assert [each.value for each in PROVIDER.kinds[-1].capabilities] == expected["capabilities"]


@pytest.mark.parametrize("row", of("mask"))
def test_masks(row: Row, admin_client: Client) -> None:
    key = row["input"]["key"]
    if row["name"] not in DIFFERENT:
        assert mask(key) == row["expected"]["masked"]
        return
    assert not isinstance(key, str)
    said = {"provider": PROVIDER.slug, "base_url": "https://r.openai.azure.com", "api_key": key}
    response = admin_client.post("/connectors/v1/detect", said, content_type="application/json")
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == "api_key"


@pytest.mark.parametrize("row", of("sanitize_capabilities"))
def test_capabilities_as_they_are_typed(row: Row) -> None:
    found = [each.value for each in parse_capabilities(row["input"]["value"])]
    if row["name"] in DIFFERENT:
        assert (found, row["expected"]["capabilities"]) == ([row["input"]["value"]], [])
        return
    assert found == row["expected"]["capabilities"]


def detecting(
    at: ConnectionConfig, routes: Sequence[Mapping[str, Any]]
) -> tuple[Detected | None, ScriptedTransport]:
    """What is found at a server that answers as the row says, 404 by default."""

    def script(step: SentRequest) -> HttpAnswer:
        for route in routes:
            if route["method"] == step.method and route["urlContains"] in step.url:
                body = route["body"]
                text = body if isinstance(body, str) else json.dumps(body)
                return HttpAnswer(text.encode(), route["status"])
        return HttpAnswer.json({}, 404)

    engine = ScriptedTransport(script)
    limits = Limits()
    flow = discover(at, Patience(limits, time.monotonic), 5.0, lambda text, key: text)
    try:
        with closing(drive(flow, engine.engine)) as found:
            return next(found), engine
    except EndpointNotFound:
        return None, engine


@pytest.mark.parametrize("row", of("detect"))
def test_detection(row: Row) -> None:
    name, given, expected = row["name"], row["input"], row["expected"]
    params = given["params"]
    if name == "detect_missing_key":
        with pytest.raises(FieldError) as refused:
            target_for(None, provider=PROVIDER.slug, base_url=params["endpoint"], api_key="")
        assert refused.value.field == "api_key"
        assert expected["result"]["status"] == 400
        return
    stored = given.get("settings", {})
    settings = {"endpoint": params["endpoint"], "apiKey": stored.get("apiKey", params["api_key"])}
    routes = given["http"]
    if name == "detect_older_api_version":
        # Some servers say 200 to whatever they are asked.
        assert detecting(connection(settings), routes)[0] is None
        assert routes[-1]["body"] == "{}"
        routes = [*routes[:-1], {**routes[-1], "body": CHAT_ANSWER}]
    found, engine = detecting(connection(settings), routes)
    sent = [(each.method, each.url, json.loads(each.body or b"null")) for each in engine.sent]
    told = [(each["method"], each["url"], each["body"]) for each in expected["http"]]
    assert [each.timeout for each in engine.sent[: len(told)]] == [
        each["timeout"] for each in expected["http"]
    ]
    assert {each.headers["api-key"] for each in engine.sent} == {settings["apiKey"]}
    if "error" in expected["result"]:
        assert (found, sent) == (None, told)
        return
    data = expected["result"]["data"]
    if name == "detect_older_api_version":
        assert "embedding_generation" in data["capabilities"]
        data = {**data, "capabilities": ["text_generation", "chat_history"]}
        more = [
            url.partition("/deployments/")[2].partition("?")[0] for _, url, _ in sent[len(told) :]
        ]
        assert more == [
            f"text-embedding-{each}/embeddings" for each in ("3-small", "3-large", "ada-002")
        ]
        sent = sent[: len(told)]
    assert sent == told
    assert found is not None
    assert found.source == data["source"]
    assert ", ".join(found.models) == found.fields["deployments"] == data["model_name"]
    assert [*parse_capabilities(found.fields["capabilities"])] == data["capabilities"]
