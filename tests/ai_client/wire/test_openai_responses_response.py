"""OpenAI's Responses dialect, client face: answers, streams and errors of upstreams.

What every dialect must do with its answers is in ``test_contract``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from ai_client import errors
from ai_client.events import Event, PartDelta, PartEnd, collect
from ai_client.messages import (
    Channel,
    FinishReason,
    FunctionCall,
    GenerativeAiResult,
    MessagePart,
    TokenUsage,
)
from ai_client.sse import Decoder
from ai_client.wire import ClientFace, openai_responses
from ai_client.wire.openai_responses.carried import Carried, pack
from tests.ai_client.wire import openai_responses_answers as answers

CLIENT: ClientFace = openai_responses
WIRE = "openai_responses"


def whole(data: Mapping[str, Any]) -> GenerativeAiResult:
    return CLIENT.parse_response(json.dumps(data).encode())


def streamed(lines: Sequence[Mapping[str, Any]]) -> list[Event]:
    parser = CLIENT.StreamParser()
    body = b"".join(b"data: " + json.dumps(line).encode() + b"\n\n" for line in lines)
    read = [event for each in Decoder().feed(body) for event in parser.feed(each)]
    return [*read, *parser.close()]


def test_a_stream_tells_of_the_answer_what_its_end_says() -> None:
    begun = {"id": "resp_1", "object": "response", "model": "m", "service_tier": "auto"}
    message = {"type": "message", "content": [{"type": "output_text", "text": "Hi"}]}
    ended = {**begun, "status": "completed", "service_tier": "flex", "output": [message]}
    read = streamed(
        [
            {"type": "response.created", "response": {**begun, "status": "in_progress"}},
            {"type": "response.completed", "response": ended},
        ]
    )
    assert collect(read) == CLIENT.parse_response(json.dumps(ended).encode())
    assert collect(read).additional_data["service_tier"] == "flex"


def parts_of(result: GenerativeAiResult) -> tuple[MessagePart, ...]:
    (candidate,) = result.candidates
    return candidate.message.parts


def test_an_answer_is_read_with_its_thoughts_calls_and_counts() -> None:
    plain, _ = answers.answered(
        answers.reasoning("Hm."), answers.message("Looking."), answers.call("call_1", "f", "{}")
    )
    result = whole(plain)
    thought, text, call = parts_of(result)
    assert (thought.content, thought.channel) == ("Hm.", Channel.THOUGHT)
    assert thought.thought_signature == "c2VjcmV0"
    assert thought.opaque == {WIRE: {"item": plain["output"][0]}}
    assert text == MessagePart("Looking.")
    assert call == MessagePart(
        FunctionCall("call_1", "f", "{}"), opaque={WIRE: {"id": "fc_call_1"}}
    )
    assert result.candidates[0].finish_reason is FinishReason.TOOL_CALLS
    assert result.usage == TokenUsage(20, 9, 29, thought_tokens=4, cached_tokens=8)
    assert (result.id, result.model) == ("resp_1", "gpt")


@pytest.mark.parametrize(
    ("end", "reason", "word"),
    [
        ({}, FinishReason.STOP, "completed"),
        (
            {"status": "incomplete", "reason": "max_output_tokens"},
            FinishReason.LENGTH,
            "max_output_tokens",
        ),
        (
            {"status": "incomplete", "reason": "content_filter"},
            FinishReason.CONTENT_FILTER,
            "content_filter",
        ),
        ({"status": "incomplete"}, FinishReason.LENGTH, "incomplete"),
        ({"status": "cancelled"}, FinishReason.ERROR, "cancelled"),
    ],
)
def test_each_end_has_its_reason(end: dict[str, str], reason: FinishReason, word: str) -> None:
    plain, lines = answers.answered(answers.message("Hi"), **end)
    for result in (whole(plain), collect(streamed(lines))):
        (candidate,) = result.candidates
        assert (candidate.finish_reason, candidate.raw_finish_reason) == (reason, word)


def test_several_sections_of_a_thought_are_kept_apart() -> None:
    sections = [{"type": "summary_text", "text": text} for text in ("One.", "Two.")]
    thought = answers.Streamed({**answers.reasoning("x").item, "summary": sections}, ())
    plain, lines = answers.answered(thought)
    assert parts_of(whole(plain))[0].content == "One.\n\nTwo."
    told = [
        {
            "type": "response.reasoning_summary_text.delta",
            "output_index": 0,
            "summary_index": index,
            "delta": text,
        }
        for index, text in enumerate(("One.", "Two."))
    ]
    at = next(n for n, each in enumerate(lines) if each["type"].endswith("item.added")) + 1
    kept = [each for each in lines[at:] if "summary" not in each["type"]]
    assert parts_of(collect(streamed([*lines[:at], *told, *kept]))) == parts_of(whole(plain))


def test_open_models_thoughts_are_read_too() -> None:
    raw = {"content": [{"type": "reasoning_text", "text": "Hm."}], "summary": []}
    plain, lines = answers.answered(answers.reasoning(encrypted=None, **raw))
    (thought,) = parts_of(whole(plain))
    assert (thought.content, thought.thought_signature) == ("Hm.", None)
    assert parts_of(collect(streamed(lines))) == (thought,)


def test_a_thought_that_nobody_could_hand_back_is_nothing() -> None:
    plain, lines = answers.answered(answers.reasoning(encrypted=None), answers.message("Hi"))
    assert parts_of(whole(plain)) == (MessagePart("Hi"),)
    assert parts_of(collect(streamed(lines))) == (MessagePart("Hi"),)


def test_what_another_dialect_signed_comes_out_again() -> None:
    foreign = {"google_generate": {"thoughtSignature": "c2ln"}}
    calls = answers.call("call_a", "f", "{}"), answers.call("call_b", "g", "{}")
    after = [
        answers.reasoning(encrypted=pack(Carried("sig-a", foreign, True, "call_a"))),
        answers.reasoning(encrypted=pack(Carried("sig-b", None, True, "call_b"))),
    ]
    before = answers.reasoning("Hm.", encrypted=pack(Carried("sig-t", foreign)))
    plain, lines = answers.answered(before, *calls, *after)
    for parts in (parts_of(whole(plain)), parts_of(collect(streamed(lines)))):
        assert [part.thought_signature for part in parts] == ["sig-t", "sig-a", "sig-b"]
        assert parts[0].opaque == foreign
        assert parts[1].opaque == {WIRE: {"id": "fc_call_a"}, **foreign}


def test_servers_that_send_things_whole_are_read_too() -> None:
    plain, lines = answers.answered(
        answers.reasoning("Hm."), answers.message("Hello"), answers.call("call_1", "f", "{}")
    )
    without_deltas = [each for each in lines if not each["type"].endswith(".delta")]
    only_the_end = [lines[-1]]
    for some in (without_deltas, only_the_end):
        assert parts_of(collect(streamed(some))) == parts_of(whole(plain))


def test_what_a_done_item_holds_beyond_its_deltas_is_added() -> None:
    plain, lines = answers.answered(answers.message("Hello ", "there"))
    cut = [each for each in lines if each.get("delta") != "there"]
    assert parts_of(collect(streamed(cut))) == parts_of(whole(plain))


def test_unknown_events_say_nothing_and_a_mark_of_other_streams_is_no_end() -> None:
    _, lines = answers.answered(answers.message("Hi"))
    more: list[Mapping[str, Any]] = [
        {"type": "keepalive", "sequence_number": 1},
        {"type": "response.new_thing", "x": []},
    ]
    assert collect(streamed([*more, *lines])) == collect(streamed(lines))
    parser = CLIENT.StreamParser()
    for each in Decoder().feed(b"data: [DONE]\n\n"):
        assert list(parser.feed(each)) == []
    with pytest.raises(errors.StreamTruncated):
        parser.close()


@pytest.mark.parametrize(
    "line",
    [
        {"hello": "world"},
        {"type": 5},
        {"type": "response.created"},
        {"type": "response.output_item.added", "output_index": 0, "item": {}},
        {"type": "response.output_item.done", "output_index": 0},
        {"type": "response.output_text.delta", "output_index": 0, "delta": 5},
        {"type": "response.output_text.delta", "delta": "x"},
        {"type": "response.function_call_arguments.delta", "output_index": None, "delta": "x"},
    ],
)
def test_malformed_events_are_never_skipped(line: dict[str, Any]) -> None:
    with pytest.raises(errors.MalformedAnswer):
        streamed([line])


def test_more_of_what_has_ended_is_malformed() -> None:
    _, lines = answers.answered(answers.message("Hi"))
    late = {
        "type": "response.output_text.delta",
        "output_index": 0,
        "content_index": 0,
        "delta": "!",
    }
    with pytest.raises(errors.MalformedAnswer):
        streamed([*lines[:-1], late])


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": "server_error", "message": "Sorry."}, errors.ServerFailed),
        ({"code": "rate_limit_exceeded", "message": "Slow."}, errors.RateLimited),
        ({"code": "invalid_prompt", "message": "No."}, errors.InvalidRequest),
        ({"code": "invalid_image_url", "message": "No."}, errors.InvalidRequest),
        ({"code": "image_content_policy_violation", "message": "No."}, errors.ContentFiltered),
        (None, errors.ServerFailed),
    ],
)
def test_a_failed_answer_is_the_error_it_says(error: Any, kind: type[Exception]) -> None:
    plain, lines = answers.answered(answers.message("Hi"), status="failed")
    failed = {**plain, "error": error}
    with pytest.raises(kind):
        whole(failed)
    with pytest.raises(kind):
        streamed([*lines[:-1], {"type": "response.failed", "response": failed}])
    if error is not None:
        for event in ({"type": "error", **error}, {"type": "error", "error": error}):
            with pytest.raises(kind):
                streamed([*lines[:3], event])


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<html>", errors.BadContent),
        (b'{"id": "resp_1", "output": [', errors.MalformedAnswer),
        (b'{"hello": "world"}', errors.MalformedAnswer),
        (b'{"output": [{"no": "type"}]}', errors.MalformedAnswer),
        (
            b'{"output": [{"type": "message", "role": "user", "content": []}]}',
            errors.MalformedAnswer,
        ),
        (
            b'{"output": [{"type": "message", "role": "assistant", "content": [{"type": []}]}]}',
            errors.MalformedAnswer,
        ),
        (b'{"output": []}', errors.EmptyAnswer),
        (b'{"error": {"message": "x", "code": "server_error"}}', errors.ServerFailed),
    ],
)
def test_what_is_no_answer_is_an_error(body: bytes, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        CLIENT.parse_response(body)


def test_an_answer_of_nothing_is_an_answer_where_it_says_that_it_ended() -> None:
    _, lines = answers.answered()
    assert collect(streamed(lines)).candidates[0].finish_reason is FinishReason.STOP
    unfinished = {**lines[-1]["response"], "status": "in_progress"}
    with pytest.raises(errors.EmptyAnswer):
        streamed([{"type": "response.completed", "response": unfinished}])


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (404, {"detail": "Not Found"}, errors.EndpointMissing),
        (405, {"detail": "Method Not Allowed"}, errors.EndpointMissing),
        (404, {"error": {"code": "404", "message": "Resource not found"}}, errors.EndpointMissing),
        (
            400,
            {"error": {"code": "OperationNotSupported", "message": "Choose another model."}},
            errors.EndpointMissing,
        ),
        (
            404,
            {"error": {"message": "This is only supported in v1/chat/completions and not in "
                       "v1/responses.", "param": "model"}},
            errors.EndpointMissing,
        ),
        (
            404,
            {"error": {"code": "model_not_found", "message": "No such model."}},
            errors.UpstreamModelMissing,
        ),
        (
            404,
            {"error": {"message": "The model `x` does not exist."}},
            errors.UpstreamModelMissing,
        ),
        (
            404,
            {"error": {"message": "Item with id 'rs_1' not found.", "param": "input"}},
            errors.InvalidRequest,
        ),
        (
            400,
            {
                "error": {
                    "code": "previous_response_not_found",
                    "message": "Previous response with id 'resp_1' not found.",
                }
            },
            errors.InvalidRequest,
        ),
        (500, {"error": {"message": "Sorry."}}, errors.ServerFailed),
    ],
)  # fmt: skip
def test_a_missing_endpoint_is_no_missing_model(
    status: int, error: dict[str, Any], kind: type[Exception]
) -> None:
    found = CLIENT.parse_error(status, {}, json.dumps(error).encode())
    assert type(found) is kind
    assert isinstance(found, errors.EndpointMissing) <= (found.retryable is True)


def test_an_end_comes_once_and_after_its_deltas() -> None:
    _, lines = answers.answered(answers.message("Hel", "lo"), answers.call("call_1", "f", "{}"))
    read = streamed(lines)
    ends = [each for each in read if isinstance(each, PartEnd)]
    assert [each.index for each in ends] == [0, 1]
    last = max(n for n, each in enumerate(read) if isinstance(each, PartDelta))
    assert read.index(ends[1]) > last
