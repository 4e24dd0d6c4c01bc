"""Whatever is written by ``to_dict`` comes back from ``from_dict``, and fits its JSON schema."""

from __future__ import annotations

import json
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ai_client.capabilities import (
    AuthenticationMethod,
    Capability,
    FileType,
    MediaOrientation,
    Modality,
    ModelMetadata,
    Option,
    ProviderMetadata,
    ProviderType,
    SupportedOption,
)
from ai_client.messages import (
    CacheMarker,
    Candidate,
    Channel,
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
    Role,
    TokenLogprob,
    TokenUsage,
    ToolChoice,
    WebSearch,
)

TEXT = st.text(max_size=8)
WHOLE = st.integers(0, 10**20)
POSITIVE = st.integers(1, 10**20)
FINITE = st.floats(allow_nan=False, allow_infinity=False, width=64)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | FINITE | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
OBJECT = st.dictionaries(TEXT, JSON, max_size=3)


def some(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


def several(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(strategy, max_size=2).map(tuple)


def one_or_two(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(strategy, min_size=1, max_size=2).map(tuple)


NAMED = st.tuples(some(TEXT), some(TEXT)).filter(lambda pair: pair != (None, None))
MIME_TYPES = st.sampled_from(
    ["image/png", "IMAGE/PNG", "audio/L16;rate=24000", "text/x; charset=UTF-8", "image/*"]
)
FILES = st.builds(
    lambda mime, data, name: File(mime, data, name=name),
    MIME_TYPES,
    st.sampled_from(["", "AAAA", "A", "R0lGOD=="]),
    some(TEXT),
) | st.builds(
    lambda mime, url, name: File(mime, url=url, name=name),
    MIME_TYPES,
    st.sampled_from(["https://e.com/a.png", "HTTP://é.example/x?y#z", "gs://bucket/thing"]),
    some(TEXT),
)
CALLS = st.builds(
    lambda named, arguments: FunctionCall(named[0], named[1], arguments),
    NAMED,
    TEXT
    | JSON.map(json.dumps)
    | JSON.map(lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":"))),
)
CACHE = st.builds(CacheMarker, st.sampled_from([None, "5m", "1h"]))


def parts_of(content: st.SearchStrategy[Any]) -> st.SearchStrategy[MessagePart]:
    return st.builds(
        MessagePart,
        content,
        st.sampled_from(Channel),
        some(TEXT),
        st.booleans(),
        some(CACHE),
        several(JSON),
        some(OBJECT),
    )


SAID = parts_of(TEXT | FILES)
RESPONSES = st.builds(
    lambda named, response, parts, failed: FunctionResponse(
        named[0], named[1], response, parts, failed
    ),
    NAMED,
    JSON,
    several(SAID),
    st.booleans(),
)
OF_USER = parts_of(TEXT | FILES | RESPONSES)
OF_MODEL = parts_of(TEXT | FILES | CALLS)
ANSWERS = st.builds(Message, st.just(Role.MODEL), one_or_two(OF_MODEL))
MESSAGES = st.builds(Message, st.just(Role.USER), one_or_two(OF_USER)) | ANSWERS
DECLARATIONS = st.builds(
    FunctionDeclaration, TEXT, TEXT, some(OBJECT), some(st.booleans()), some(CACHE)
)
CHOICES = st.builds(
    ToolChoice, st.sampled_from(["auto", "none", "required", "function"]), some(TEXT)
)
SEARCHES = st.builds(WebSearch, several(TEXT), several(TEXT))
REASONING = st.builds(Reasoning, some(TEXT), some(WHOLE))
SHAPES = st.sampled_from(
    [
        (None, None),
        (MediaOrientation.SQUARE, None),
        (None, "3:2"),
        (MediaOrientation.PORTRAIT, "2:3"),
        (MediaOrientation.LANDSCAPE, "16:9"),
    ]
)
CONFIGS = st.builds(
    lambda shape, **values: ModelConfig(
        output_media_orientation=shape[0], output_media_aspect_ratio=shape[1], **values
    ),
    SHAPES,
    system_instruction=several(SAID),
    candidate_count=some(POSITIVE),
    max_tokens=some(POSITIVE),
    temperature=some(st.floats(0, 2) | st.integers(0, 2)),
    top_p=some(st.floats(0, 1)),
    top_k=some(POSITIVE),
    stop_sequences=some(several(TEXT)),
    presence_penalty=some(FINITE),
    frequency_penalty=some(FINITE),
    seed=some(st.integers()),
    logprobs=some(st.booleans()),
    top_logprobs=some(POSITIVE),
    function_declarations=some(several(DECLARATIONS)),
    tool_choice=some(CHOICES),
    parallel_tool_calls=some(st.booleans()),
    output_mime_type=some(TEXT),
    output_schema=some(OBJECT),
    output_schema_name=some(TEXT),
    output_schema_strict=some(st.booleans()),
    output_modalities=some(several(st.sampled_from(Modality))),
    output_file_type=some(st.sampled_from(FileType)),
    output_speech_voice=some(TEXT),
    dimensions=some(POSITIVE),
    web_search=some(SEARCHES),
    reasoning=some(REASONING),
    end_user=some(TEXT),
    custom_options=OBJECT,
)
USAGE = st.builds(TokenUsage, WHOLE, WHOLE, WHOLE, some(WHOLE), some(WHOLE), some(WHOLE))
LOGPROBS = st.builds(TokenLogprob, TEXT, FINITE, several(st.builds(TokenLogprob, TEXT, FINITE)))
PROVIDERS = st.builds(
    ProviderMetadata,
    id=st.just("acme"),
    name=TEXT,
    type=st.sampled_from(ProviderType),
    description=TEXT,
    credentials_url=TEXT,
    authentication_method=st.sampled_from([None, AuthenticationMethod.API_KEY]),
    logo_path=TEXT,
)
MODELS = st.builds(
    ModelMetadata,
    TEXT,
    TEXT,
    several(st.sampled_from(Capability)),
    several(st.builds(SupportedOption, st.sampled_from(Option))),
)


def results(complete: bool) -> st.SearchStrategy[Any]:
    """Complete ones have what the JSON schema asks for."""
    maybe = (lambda strategy: strategy) if complete else some
    candidates = st.builds(
        Candidate, ANSWERS, maybe(st.sampled_from(FinishReason)), some(TEXT), several(LOGPROBS)
    )
    return st.builds(
        GenerativeAiResult,
        TEXT,
        TEXT,
        one_or_two(candidates),
        maybe(USAGE),
        maybe(PROVIDERS),
        maybe(MODELS),
        OBJECT,
    )


def embeddings(complete: bool) -> st.SearchStrategy[Any]:
    maybe = (lambda strategy: strategy) if complete else some
    vectors = st.integers(1, 3).flatmap(
        lambda length: st.lists(st.tuples(*[FINITE] * length), min_size=1, max_size=3).map(tuple)
    )
    return st.builds(
        EmbeddingResult,
        TEXT,
        TEXT,
        vectors,
        maybe(USAGE),
        maybe(PROVIDERS),
        maybe(MODELS),
        OBJECT,
    )


def operations(complete: bool) -> st.SearchStrategy[Any]:
    going = st.sampled_from([state for state in OperationState if state != "succeeded"])
    return st.builds(GenerativeAiOperation, TEXT, going, st.none(), TEXT, some(WHOLE)) | st.builds(
        GenerativeAiOperation,
        TEXT,
        st.just(OperationState.SUCCEEDED),
        results(complete),
        TEXT,
        some(WHOLE),
    )


OPTIONS = st.builds(RequestOptions, some(st.floats(0, 1e9)), some(st.integers(0, 99)), some(WHOLE))
SIMPLE = {
    "File": FILES,
    "FunctionCall": CALLS,
    "FunctionResponse": RESPONSES,
    "CacheMarker": CACHE,
    "MessagePart": parts_of(TEXT | FILES | CALLS | RESPONSES),
    "Message": MESSAGES,
    "FunctionDeclaration": DECLARATIONS,
    "ToolChoice": CHOICES,
    "WebSearch": SEARCHES,
    "Reasoning": REASONING,
    "ModelConfig": CONFIGS,
    "TokenUsage": USAGE,
    "TokenLogprob": LOGPROBS,
    "RequestOptions": OPTIONS,
}
ANY = SIMPLE | {
    "GenerativeAiResult": results(complete=False),
    "EmbeddingResult": embeddings(complete=False),
    "GenerativeAiOperation": operations(complete=False),
}
COMPLETE = SIMPLE | {
    "GenerativeAiResult": results(complete=True),
    "EmbeddingResult": embeddings(complete=True),
    "GenerativeAiOperation": operations(complete=True),
}
WITHOUT_LIMITS = settings(
    database=None, deadline=None, max_examples=25, suppress_health_check=list(HealthCheck)
)


@pytest.mark.parametrize("name", ANY)
@WITHOUT_LIMITS
@given(data=st.data())
def test_what_is_written_comes_back(name: str, data: st.DataObject) -> None:
    value = data.draw(ANY[name])
    written = value.to_dict()
    assert type(value).from_dict(written) == value
    through_json = json.loads(json.dumps(written, allow_nan=False))
    assert type(value).from_dict(through_json) == value


@pytest.mark.parametrize("name", COMPLETE)
@WITHOUT_LIMITS
@given(data=st.data())
def test_what_is_written_fits_the_schema(name: str, data: st.DataObject) -> None:
    value = data.draw(COMPLETE[name])
    written = json.loads(json.dumps(value.to_dict()))
    validator = jsonschema.Draft202012Validator(type(value).json_schema())
    assert list(validator.iter_errors(written)) == []
