"""The chat requests, answers and errors of the PHP AI Client, row by row, against ours.

Where the two differ the difference has a name, the rows that it shows in, and what ours says
instead. A row in no list has to be equal, and one in a list has to differ by it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from ai_client.capabilities import ModelMetadata, ProviderMetadata
from ai_client.errors import (
    AiClientError,
    BadContent,
    ContentMissing,
    EmptyAnswer,
    InvalidRequest,
    MalformedAnswer,
    RedirectRefused,
    RequestGivenUp,
    ServerFailed,
    UnsupportedFeature,
    UpstreamError,
    UpstreamModelMissing,
)
from ai_client.messages import (
    FinishReason,
    FunctionCall,
    GenerationRequest,
    GenerativeAiResult,
    Message,
    ModelConfig,
    TokenUsage,
)
from ai_client.wire import Target, client_face
from tests.ai_client.vectors import Row, load

CLIENT = client_face("openai_chat")
Body = dict[str, Any]
Evening = Callable[[Body], Body]


def named(file: str) -> dict[str, Row]:
    return {row["name"]: row for row in load(file)}


# --- requests -----------------------------------------------------------------------------------

REQUESTS = named("text_requests")


def target(row: Row) -> Target:
    return Target(row["input"]["model"]["id"], "Example", {"max_tokens_parameter": "max_tokens"})


def request_of(row: Row) -> GenerationRequest:
    return GenerationRequest(
        tuple(map(Message.from_dict, row["input"]["prompt"])),
        ModelConfig.from_dict(row["input"]["config"]),
    )


def on_messages(change: Callable[[Body], Body]) -> Evening:
    return lambda body: {**body, "messages": [change(each) for each in body["messages"]]}


def content_as_list(message: Body) -> Body:
    """Text alone is a string here, and so is none (null beside calls): servers want it so."""
    content = message["content"]
    if message["role"] == "tool" or isinstance(content, list):
        return message
    return {**message, "content": [{"type": "text", "text": content}] if content else []}


def results_decoded(message: Body) -> Body:
    """A function's text result is the content itself here, and quoted as JSON there."""
    if message["role"] != "tool":
        return message
    try:
        return {**message, "content": json.loads(message["content"])}
    except ValueError:
        return message


def arguments_decoded(message: Body) -> Body:
    """Arguments are the JSON text as the model wrote it here, and PHP's own rendering there."""
    calls = [
        {
            **call,
            "function": {
                **call["function"],
                "arguments": json.loads(call["function"]["arguments"]),
            },
        }
        for call in message.get("tool_calls", ())
    ]
    return {**message, "tool_calls": calls} if calls else message


def without_call_ids(message: Body) -> Body:
    """A call without an id gets one here, which its result repeats; OpenAI refuses null."""
    bare = {name: value for name, value in message.items() if name != "tool_call_id"}
    if "tool_calls" in bare:
        bare["tool_calls"] = [{**call, "id": None} for call in bare["tool_calls"]]
    return bare


def without_blank_descriptions(body: Body) -> Body:
    """A blank description is left out here."""
    tools = [
        {**tool, "function": {n: v for n, v in tool["function"].items() if v != ""}}
        for tool in body["tools"]
    ]
    return {**body, "tools": tools}


def with_lists_for_empty_maps(body: Body) -> Body:
    """An empty map is ``{}`` here; PHP sends ``[]``, which is no JSON schema."""

    def changed(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: changed(each) for name, each in value.items()} or []
        return [changed(each) for each in value] if isinstance(value, list) else value

    return {name: changed(value) for name, value in body.items()}


def with_bare_schema(body: Body) -> Body:
    """A schema stands in ``{name, schema}`` here, as OpenAI demands."""
    given = body["response_format"]
    held = given["json_schema"]
    schema = held["schema"] if held and set(held) == {"name", "schema"} else held
    return {**body, "response_format": {**given, "json_schema": schema}}


def without_blank_stop(body: Body) -> Body:
    """An empty list of stop sequences is left out here: OpenAI refuses it."""
    return {name: value for name, value in body.items() if (name, value) != ("stop", [])}


def with_logprobs(body: Body) -> Body:
    """``top_logprobs`` brings ``logprobs`` along here: OpenAI refuses it alone."""
    return {**body, "logprobs": True}


def without_voice(body: Body) -> Body:
    """Whoever asks for audio names voice and format here: OpenAI refuses it without them."""
    return {name: value for name, value in body.items() if name != "audio"}


def without_search(body: Body) -> Body:
    """A search of the web is asked for here; there it is left out without a word."""
    return {name: value for name, value in body.items() if name != "web_search_options"}


def without_asking_for_json(body: Body) -> Body:
    """JSON without a schema is asked for in words as well here: OpenAI refuses it otherwise."""
    kept = [m for m in body["messages"] if "Answer in JSON." not in str(m["content"])]
    return {**body, "messages": kept}


def without_zero(body: Body) -> Body:
    """The system instruction "0" is one here; PHP takes it for none."""
    return {**body, "messages": [m for m in body["messages"] if m["role"] != "system"]}


SENT = {name for name, row in REQUESTS.items() if "request" in row["expected"]}
ONLY_LISTS = {
    "two_text_parts",
    "thought_channel_image_is_still_sent",
    "inline_png",
    "inline_png_with_text",
    "inline_mime_uppercased",
    "inline_empty_base64",
    "remote_png",
    "remote_then_inline_then_text",
    "inline_audio_wav",
    "inline_audio_flac",
    "inline_audio_m4a",
}
"""The content of all messages is more than one text."""

REQUEST_DIFFERENCES: Mapping[str, tuple[Evening, set[str]]] = {
    "content_as_list": (on_messages(content_as_list), SENT - ONLY_LISTS),
    "results_decoded": (
        on_messages(results_decoded),
        {
            "function_call_without_id",
            "function_call_scalar_args",
            "function_call_between_texts",
            "function_call_signature_not_sent",
        },
    ),
    "arguments_decoded": (
        on_messages(arguments_decoded),
        {"function_call_list_args", "function_call_scalar_args", "function_call_nested_args"},
    ),
    "without_call_ids": (on_messages(without_call_ids), {"function_call_without_id"}),
    "without_blank_descriptions": (without_blank_descriptions, {"function_declarations_many"}),
    "with_lists_for_empty_maps": (
        with_lists_for_empty_maps,
        {"function_parameters_empty_object", "function_parameters_empty", "empty_schema"},
    ),
    "with_bare_schema": (
        with_bare_schema,
        {"schema_alone_implies_json", "empty_schema", "all_options"},
    ),
    "without_blank_stop": (without_blank_stop, {"stop_sequences_empty"}),
    "with_logprobs": (with_logprobs, {"top_logprobs_only"}),
    "without_voice": (without_voice, {"all_options", "output_modalities_audio_text_order"}),
    "without_search": (without_search, {"all_options"}),
    "without_asking_for_json": (without_asking_for_json, {"json_without_schema"}),
    "without_zero": (without_zero, {"system_instruction_zero_string"}),
}

SENT_HERE: Mapping[str, list[Body]] = {
    # audio/mp3 is what many call audio/mpeg.
    "inline_audio_mp3_mime_not_in_map": [
        {
            "role": "user",
            "content": [
                {
                    "type": "input_audio",
                    "input_audio": {"data": "UklGRiQAAABXQVZF", "format": "mp3"},
                }
            ],
        }
    ],
    # Results and text in one message are two messages of this dialect, the results first.
    "function_response_with_text_rejected": [
        {"role": "tool", "tool_call_id": "a", "content": "1"},
        {"role": "user", "content": "and this"},
    ],
    "text_with_function_response_rejected": [
        {"role": "tool", "tool_call_id": "a", "content": "1"},
        {"role": "user", "content": "and this"},
    ],
}
"""What the PHP AI Client refuses and we can say."""


def evened(body: Body, names: Iterable[str], of: Mapping[str, tuple[Evening, set[str]]]) -> Body:
    for name in names:
        body = of[name][0](body)
    return body


def assert_differs_only_as_listed(
    row: str, ours: Body, php: Body, of: Mapping[str, tuple[Evening, set[str]]]
) -> None:
    """Equal once every listed difference is evened out, and not without any one of them."""
    listed = [name for name, (_, rows) in of.items() if row in rows]
    assert evened(ours, listed, of) == evened(php, listed, of)
    for name in listed:
        others = [each for each in listed if each != name]
        assert evened(ours, others, of) != evened(php, others, of), name


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request(name: str) -> None:
    row = REQUESTS[name]
    if name in SENT:
        sent = CLIENT.render_request(request_of(row), target(row))
        expected = row["expected"]["request"]
        assert expected["uri"].endswith(f"/v1/{sent.path}")
        assert expected["method"] == sent.method
        assert_differs_only_as_listed(name, sent.body, expected["bodyJson"], REQUEST_DIFFERENCES)
    elif name in SENT_HERE:
        sent = CLIENT.render_request(request_of(row), target(row))
        assert sent.body["messages"] == SENT_HERE[name]
    else:
        # Another connection may be able to say it: that is a class of its own here.
        with pytest.raises((InvalidRequest, UnsupportedFeature)):
            CLIENT.render_request(request_of(row), target(row))


# --- answers ------------------------------------------------------------------------------------

ANSWERS = named("text_responses")


def on_candidates(change: Callable[[Body], Body]) -> Evening:
    return lambda result: {
        **result,
        "candidates": [change(each) for each in result["candidates"]],
    }


def on_parts(change: Callable[[Body], Body | None]) -> Evening:
    def changed(candidate: Body) -> Body:
        message = candidate["message"]
        parts = [new for part in message["parts"] if (new := change(part)) is not None]
        return {**candidate, "message": {**message, "parts": parts}}

    return on_candidates(changed)


def lacking(*names: str) -> Callable[[Body], Body]:
    return lambda held: {name: value for name, value in held.items() if name not in names}


def without_refusals(part: Body) -> Body | None:
    """A refusal is a part here, marked as one; there it is dropped."""
    return None if part.get("refusal") else part


def without_empty_texts(part: Body) -> Body | None:
    """An empty text beside a call is no part here."""
    return None if part["type"] == "text" and not part["text"] else part


def without_calls(part: Body) -> Body | None:
    """The call of the older ``function_call`` field is one here."""
    return None if part["type"] == "function_call" else part


def without_empty_arguments(part: Body) -> Body:
    """Arguments that are missing, null or blank are an empty map here: a function can be called."""
    if part["type"] != "function_call":
        return part
    return {**part, "functionCall": {k: v for k, v in part["functionCall"].items() if v != {}}}


def with_usage(result: Body) -> Body:
    """Token counts that were not told are None here, not zeros."""
    none = {"promptTokens": 0, "completionTokens": 0, "totalTokens": 0}
    return {**result, "tokenUsage": result["tokenUsage"] or none}


def without_thought_tokens(result: Body) -> Body:
    """Tokens of thoughts are counted here, as they are in later versions there."""
    return {**result, "tokenUsage": lacking("thoughtTokens")(result["tokenUsage"])}


def in_any_order(result: Body) -> Body:
    """Candidates stand in the order of their numbers here."""
    return {**result, "candidates": sorted(result["candidates"], key=json.dumps)}


def with_rounded_integers(result: Body) -> Body:
    """Integers over 64 bits stay exact here."""
    data = result["additionalData"]
    return {**result, "additionalData": {name: float(value) for name, value in data.items()}}


def stopped_by_calls(candidate: Body) -> Body:
    """A candidate that calls a function ended for that, whatever the word."""
    return {**candidate, "finishReason": "stop"}


GOOD = {name for name, row in ANSWERS.items() if "result" in row["expected"]}
REFUSED_HERE = {"choices_object_with_key_0"}
"""PHP cannot tell a map whose key is 0 from a list."""

ANSWER_DIFFERENCES: Mapping[str, tuple[Evening, set[str]]] = {
    # The vendor's own word is kept beside the unified one.
    "raw_finish_reason": (on_candidates(lacking("rawFinishReason")), GOOD - REFUSED_HERE),
    # The model that the upstream answered with.
    "model": (lacking("model"), GOOD - REFUSED_HERE),
    "with_usage": (
        with_usage,
        {
            "no_usage",
            "usage_null",
            "usage_not_array",
            "body_duplicate_keys_last_wins",
            "body_big_integer",
        },
    ),
    "without_thought_tokens": (without_thought_tokens, {"usage_reasoning_tokens_ignored"}),
    "in_any_order": (in_any_order, {"choices_order_is_array_order_not_index"}),
    "without_refusals": (on_parts(without_refusals), {"refusal_ignored", "refusal_with_content"}),
    # What the dialect wants back with the next turn.
    "opaque": (
        on_parts(lacking("opaque")),
        {"reasoning_content_only", "tool_call_with_reasoning"},
    ),
    "citations": (on_parts(lacking("citations")), {"annotations_and_logprobs_dropped"}),
    "without_empty_texts": (on_parts(without_empty_texts), {"tool_call_with_reasoning"}),
    "without_empty_arguments": (
        on_parts(without_empty_arguments),
        {
            "tool_call_arguments_empty_string",
            "tool_call_arguments_null",
            "tool_call_arguments_missing",
        },
    ),
    "without_calls": (on_parts(without_calls), {"legacy_function_call_ignored"}),
    "stopped_by_calls": (on_candidates(stopped_by_calls), {"legacy_function_call_ignored"}),
    "with_rounded_integers": (with_rounded_integers, {"body_big_integer"}),
}

Check = Callable[[GenerativeAiResult], bool]


def finished(reason: FinishReason | None, word: str | None) -> Check:
    return lambda result: (
        (result.candidates[0].finish_reason, result.candidates[0].raw_finish_reason)
        == (reason, word)
    )


ANSWERED_HERE: Mapping[str, Check] = {
    # Counts that are no whole numbers count as not told.
    "usage_float_type_error": lambda result: result.usage == TokenUsage(0, 1, 1),
    "usage_string_type_error": lambda result: result.usage == TokenUsage(0, 1, 1),
    # A finish without a message, as content filters send it, is an answer without content.
    "message_null": lambda result: not result.candidates[0].message.parts,
    # Other words for the end, and none, are read as what they mean.
    "finish_invalid_function_call": finished(FinishReason.TOOL_CALLS, "function_call"),
    "finish_invalid_error": finished(FinishReason.ERROR, "error"),
    "finish_null": finished(None, None),
    # Calls of custom tools, whose input need not be JSON, are calls.
    "tool_call_type_custom_rejected": lambda result: (
        result.candidates[0].message.parts[0].content == FunctionCall("x", "f", "x")
    ),
    # A byte order mark before JSON is skipped.
    "body_with_bom": lambda result: result.to_text() == "Hello there",
}

REFUSED_AS: Mapping[type[AiClientError], set[str]] = {
    EmptyAnswer: {"choices_empty"},
    BadContent: {
        "body_empty",
        "body_json_string",
        "body_json_number",
        "body_json_list",
        "body_sse_stream",
        "status_204_no_body",
    },
    ServerFailed: {"error_payload_with_status_200"},
}
"""All others are ``MalformedAnswer``."""

TEXT_DIFFERENCES: Mapping[str, str | None] = {
    "choices_order_is_array_order_not_index": "second",
    # A refusal is what a reader is to see.
    "refusal_ignored": "I cannot help with that.",
    "refusal_with_content": "partialno",
    "tool_call_with_reasoning": None,
}


def answered(row: Row) -> GenerativeAiResult:
    body = row["input"]["response"].get("body") or ""
    result = CLIENT.parse_response(body.encode())
    return replace(
        result,
        provider_metadata=ProviderMetadata.from_dict(row["input"]["provider"]),
        model_metadata=ModelMetadata.from_dict(row["input"]["model"]),
    )


@pytest.mark.parametrize("name", sorted(GOOD - REFUSED_HERE))
def test_an_answer(name: str) -> None:
    row, expected = ANSWERS[name], ANSWERS[name]["expected"]
    result = answered(row)
    php = {**expected["result"], "additionalData": expected["result"]["additionalData"] or {}}
    assert_differs_only_as_listed(name, result.to_dict(), php, ANSWER_DIFFERENCES)
    assert result.candidate_count == expected["candidateCount"]
    assert result.has_multiple_candidates == expected["hasMultipleCandidates"]


@pytest.mark.parametrize("name", sorted(GOOD - REFUSED_HERE))
def test_the_text_of_an_answer(name: str) -> None:
    result, php = answered(ANSWERS[name]), ANSWERS[name]["expected"].get("toText")
    try:
        text = result.to_text()
    except ContentMissing:
        text = None
    assert text == TEXT_DIFFERENCES.get(name, php)
    assert (text == php) != (name in TEXT_DIFFERENCES)


@pytest.mark.parametrize("name", sorted(set(ANSWERS) - GOOD | REFUSED_HERE))
def test_what_is_no_answer_there(name: str) -> None:
    if name in ANSWERED_HERE:
        assert ANSWERED_HERE[name](answered(ANSWERS[name]))
        return
    kind = next((kind for kind, rows in REFUSED_AS.items() if name in rows), MalformedAnswer)
    with pytest.raises(UpstreamError) as caught:
        answered(ANSWERS[name])
    assert type(caught.value) is kind


# --- errors -------------------------------------------------------------------------------------

ERRORS = named("error_responses")
BY_EXCEPTION: Mapping[str, type[AiClientError]] = {
    "ClientException": InvalidRequest,
    "ServerException": ServerFailed,
    "RedirectException": RedirectRefused,
}
ERROR_DIFFERENCES: Mapping[str, type[AiClientError]] = {
    # The connection's fault rather than the caller's, so another connection is asked.
    "400_error_string": UpstreamModelMissing,
    "status_404": UpstreamModelMissing,
    "status_408": RequestGivenUp,
    # No status at all; there it is the response that is invalid.
    "status_600_invalid": ServerFailed,
}


@pytest.mark.parametrize("name", ERRORS)
def test_an_error(name: str) -> None:
    response, expected = ERRORS[name]["input"]["response"], ERRORS[name]["expected"]["exception"]
    headers = {key.lower(): values[0] for key, values in response.get("headers", {}).items()}
    body = (response.get("body") or "").encode()
    error = CLIENT.parse_error(response["statusCode"], headers, body)
    known = BY_EXCEPTION.get(expected["type"])
    if name in ERROR_DIFFERENCES:
        assert type(error) is ERROR_DIFFERENCES[name]
        assert known is None or not isinstance(error, known)
    else:
        assert known is not None
        assert isinstance(error, known)
    assert isinstance(error, InvalidRequest | UpstreamError)
    assert error.upstream_status == response["statusCode"]
    for said in ("boom", "Model not found", "Not authorised", "nope"):
        assert (said in error.message) == (f'"{said}"' in body.decode())
