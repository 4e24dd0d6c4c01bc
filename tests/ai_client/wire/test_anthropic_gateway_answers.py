"""Anthropic's dialect, gateway face: answers, and what other dialects signed in them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from anthropic.types import Message as SdkMessage
from anthropic.types import RawMessageStreamEvent
from pydantic import TypeAdapter

from ai_client.errors import ServerFailed, UnsupportedFeature
from ai_client.events import Event, PartDelta, PartEnd, PartKind, PartStart, collect
from ai_client.messages import (
    Channel,
    FinishReason,
    FunctionCall,
    MessagePart,
)
from ai_client.sse import Decoder
from tests.ai_client.wire.anthropic_gateway import (
    CLAUDE,
    CLIENT,
    CONTEXT,
    GATEWAY,
    SIGNED,
    USER,
    assistant,
    gathered,
    parsed,
    plain_of,
    read_stream,
    result_of,
    sent_events,
    stream_of,
    user,
)


def test_a_complete_answer_is_one_the_sdk_knows() -> None:
    own = MessagePart(
        "Hm.",
        Channel.THOUGHT,
        "c2ln",
        opaque={"anthropic_messages": {"type": "thinking", "signature": "c2ln"}},
    )
    answered = plain_of(
        result_of(own, MessagePart("Yes."), reason=FinishReason.LENGTH, raw="max_tokens")
    )
    message = SdkMessage.model_validate(answered, strict=True)
    assert (message.id, message.model, message.role) == ("msg_req_1", "model-x", "assistant")
    assert (message.stop_reason, message.stop_sequence) == ("max_tokens", None)
    assert answered["content"] == [
        {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
        {"type": "text", "text": "Yes."},
    ]
    assert (message.usage.input_tokens, message.usage.output_tokens) == (5, 2)
    assert message.usage.cache_read_input_tokens == 4
    assert message.usage.cache_creation_input_tokens == 1
    assert message.usage.output_tokens_details is not None
    assert message.usage.output_tokens_details.thinking_tokens == 1


def test_each_event_is_one_the_sdk_knows() -> None:
    events = sent_events(stream_of(result_of(*SIGNED[:-1])))
    adapter: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
    for event in events:
        adapter.validate_python(event, strict=True)
    assert [event["type"] for event in events[:1]] == ["message_start"]
    assert [event["type"] for event in events[-2:]] == ["message_delta", "message_stop"]
    open_blocks = 0
    for event in events:
        open_blocks += (event["type"] == "content_block_start") - (
            event["type"] == "content_block_stop"
        )
        assert open_blocks in (0, 1), "one block after the other"


@pytest.mark.parametrize(
    ("reason", "raw", "word"),
    [
        (FinishReason.STOP, "stop", "end_turn"),
        (FinishReason.STOP, "stop_sequence", "stop_sequence"),
        (FinishReason.LENGTH, "length", "max_tokens"),
        (FinishReason.LENGTH, "pause_turn", "pause_turn"),
        (FinishReason.LENGTH, "model_context_window_exceeded", "model_context_window_exceeded"),
        (FinishReason.TOOL_CALLS, "STOP", "tool_use"),
        (FinishReason.CONTENT_FILTER, "SAFETY", "refusal"),
        (FinishReason.LENGTH, "end_turn", "max_tokens"),
    ],
)
def test_stop_reasons(reason: FinishReason, raw: str, word: str) -> None:
    result = result_of(reason=reason, raw=raw)
    assert plain_of(result)["stop_reason"] == word
    delta = sent_events(stream_of(result))[-2]
    assert delta["delta"]["stop_reason"] == word
    assert CLIENT.parse_response(GATEWAY.render_response(result, CONTEXT)).candidates[
        0
    ].finish_reason is (reason)


def test_an_answer_that_broke_off_is_told_in_a_word_that_the_sdk_has() -> None:
    result = result_of(reason=FinishReason.ERROR, raw="OTHER")
    assert plain_of(result)["stop_reason"] == "max_tokens"
    assert sent_events(stream_of(result))[-2]["delta"]["stop_reason"] == "max_tokens"


def test_a_refusal_in_words_is_a_stop_reason() -> None:
    result = result_of(MessagePart("I can't.", refusal=True))
    assert plain_of(result)["stop_reason"] == "refusal"
    assert plain_of(result)["content"] == [{"type": "text", "text": "I can't."}]
    assert sent_events(stream_of(result))[-2]["delta"]["stop_reason"] == "refusal"


def test_the_start_of_an_answer_is_held_back_until_its_content() -> None:
    renderer = GATEWAY.StreamRenderer(CONTEXT)
    assert renderer.feed(PartStart(0, PartKind.TEXT)) == b""
    assert renderer.feed(PartDelta(0, " \n")) == b""
    first = sent_events(renderer.feed(PartDelta(0, "Hi")))
    assert [each["type"] for each in first] == [
        "message_start",
        "content_block_start",
        "content_block_delta",
    ]
    assert first[0]["message"]["usage"] == {"input_tokens": 0, "output_tokens": 0}
    assert first[2]["delta"]["text"] == " \nHi"


def test_blank_text_which_anthropic_would_not_take_back_is_no_block() -> None:
    result = result_of(MessagePart("\n\n"), MessagePart(FunctionCall("a", "f", "{}")))
    assert [block["type"] for block in plain_of(result)["content"]] == ["tool_use"]
    assert [block["type"] for block in gathered(stream_of(result))] == ["tool_use"]


def test_parts_that_come_in_turns_leave_one_after_the_other() -> None:
    renderer = GATEWAY.StreamRenderer(CONTEXT)
    interleaved: list[Event] = [
        PartStart(0, PartKind.FUNCTION_CALL, call_id="a", name="f"),
        PartStart(1, PartKind.FUNCTION_CALL, call_id="b", name="g"),
        PartDelta(1, '{"y":'),
        PartDelta(0, '{"x":1}'),
        PartDelta(1, "2}"),
        PartEnd(0),
        PartEnd(1),
    ]
    stream = b"".join([*map(renderer.feed, interleaved), renderer.finish()])
    assert gathered(stream) == [
        {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
        {"type": "tool_use", "id": "b", "name": "g", "input": {"y": 2}},
    ]
    indexes = [event["index"] for event in sent_events(stream) if "index" in event]
    assert indexes == sorted(indexes)


def test_an_error_is_an_event_and_the_last_one() -> None:
    renderer = GATEWAY.StreamRenderer(CONTEXT)
    renderer.feed(PartStart(0, PartKind.TEXT))
    renderer.feed(PartDelta(0, "Hi"))
    (event,) = Decoder().feed(renderer.error(ServerFailed("Broken.")))
    assert event.event == "error"
    told = json.loads(event.data)
    assert (told["type"], told["request_id"]) == ("error", "req_1")
    assert told["error"] == {
        "type": "api_error",
        "message": "Broken.",
        "details": {"error_code": "upstream_error"},
    }


def test_calls_without_ids_get_some_that_are_the_same_in_a_stream() -> None:
    result = result_of(MessagePart(FunctionCall(None, "f")), MessagePart(FunctionCall(None, "g")))
    ids = [block["id"] for block in plain_of(result)["content"]]
    assert len(set(ids)) == 2
    assert [block["id"] for block in gathered(stream_of(result))] == ids
    assert all(each.replace("_", "").isalnum() for each in ids)


@pytest.mark.parametrize("arguments", ['{"broken": "arg', "[1]", "null", '"x"', '{"n":NaN}'])
def test_arguments_that_are_no_object_are_passed_on_as_the_model_wrote_them(
    arguments: str,
) -> None:
    result = result_of(MessagePart(FunctionCall("a", "f", arguments)))
    (block,) = plain_of(result)["content"]
    assert block["input"] == arguments
    for back in (
        CLIENT.parse_response(GATEWAY.render_response(result, CONTEXT)),
        collect(read_stream(stream_of(result))),
    ):
        assert back.candidates[0].message.parts == result.candidates[0].message.parts
    assert parsed(USER, assistant(block)).messages[1].parts[0].content == FunctionCall(
        "a", "f", arguments
    )
    with pytest.raises(UnsupportedFeature):
        CLIENT.forward_request({"messages": [USER, assistant(block)]}, CLAUDE, stream=False)


def test_citations_of_the_web_have_anthropics_shape_and_are_not_passed_off_as_its_own() -> None:
    own = {"type": "char_location", "cited_text": "x", "document_index": 0}
    of_openai = {"type": "url_citation", "url_citation": {"url": "https://a.org", "title": "A"}}
    of_google = {"uri": "https://b.org", "title": "B", "startIndex": 0}
    text = MessagePart("x", citations=(own, of_openai, of_google, {"odd": 1}, "odd"))
    (block,) = plain_of(result_of(text))["content"]
    assert [each["type"] for each in block["citations"]] == [
        "char_location",
        "web_search_result_location",
        "web_search_result_location",
    ]
    assert [each.get("url") for each in block["citations"]] == [
        None,
        "https://a.org",
        "https://b.org",
    ]
    assert gathered(stream_of(result_of(text))) == [block]
    sent = CLIENT.forward_request({"messages": [USER, assistant(block)]}, CLAUDE, stream=False)
    assert sent.body["messages"][1]["content"] == [{**block, "citations": [own]}]
    again = CLIENT.render_request(parsed(USER, assistant(block), USER), CLAUDE)
    assert again.body["messages"][1]["content"] == [{**block, "citations": [own]}]


def test_what_other_dialects_signed_comes_back_as_history() -> None:
    for content in (
        plain_of(result_of(*SIGNED))["content"],
        gathered(stream_of(result_of(*SIGNED))),
    ):
        assert parsed(USER, assistant(*content)).messages[1].parts == SIGNED


def test_what_other_dialects_signed_comes_back_through_a_gateway_behind_this_one() -> None:
    result = result_of(*SIGNED)
    plain = CLIENT.parse_response(GATEWAY.render_response(result, CONTEXT))
    assert plain.candidates[0].message.parts == SIGNED
    for size in (1, 7, None):
        streamed = collect(read_stream(stream_of(result), size))
        assert streamed.candidates[0].message.parts == SIGNED


@pytest.mark.parametrize("streamed", [False, True])
def test_what_other_dialects_signed_never_reaches_anthropic(streamed: bool) -> None:
    result = result_of(*SIGNED[:-1])
    content = gathered(stream_of(result)) if streamed else plain_of(result)["content"]
    body = {"messages": [USER, assistant(*content), USER], "max_tokens": 1}
    sent = CLIENT.forward_request(body, CLAUDE, stream=False).body["messages"]
    assert sent[0] is USER
    assert sent[1]["content"] == [
        {"type": "text", "text": "Answer."},
        {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
        {"type": "tool_use", "id": "b", "name": "g", "input": {}},
    ]
    only_thoughts = {"messages": [USER, assistant(*content[:2]), USER]}
    assert CLIENT.forward_request(only_thoughts, CLAUDE, stream=False).body["messages"] == [
        USER,
        USER,
    ]
    assert "koneek" in json.dumps(content)


def test_what_anthropic_signed_goes_on_as_it_came() -> None:
    thinking = {"type": "thinking", "thinking": "Hm", "signature": "EqQBCgIYAg=="}
    redacted = {"type": "redacted_thinking", "data": "EmwKAhgBEgy3"}
    body = {"messages": [USER, assistant(thinking, redacted, {"type": "text", "text": "A"}), USER]}
    assert CLIENT.forward_request(body, CLAUDE, stream=False).body["messages"] is body["messages"]


def test_a_picture_in_the_models_own_turn_is_refused_before_anthropic_does() -> None:
    content = plain_of(result_of(SIGNED[-1]))["content"]
    with pytest.raises(UnsupportedFeature, match="own turn"):
        CLIENT.forward_request({"messages": [USER, assistant(*content)]}, CLAUDE, stream=False)


def test_ids_that_anthropic_would_refuse_are_changed_in_call_and_result_alike() -> None:
    call = {"type": "tool_use", "id": "functions.f:0", "name": "f", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "functions.f:0", "content": "x"}
    sent = CLIENT.forward_request(
        {"messages": [USER, assistant(call), user(result)]}, CLAUDE, stream=False
    ).body["messages"]
    changed = sent[1]["content"][0]["id"]
    assert changed == sent[2]["content"][0]["tool_use_id"]
    assert changed.replace("_", "").isalnum()


@pytest.mark.parametrize(
    "data", ["koneek-v1.", "koneek-v1.{", "koneek-v1.[1]", 'koneek-v1.{"signature":1,"opaque":[]}']
)
def test_carried_data_that_a_caller_spoiled_is_not_believed(data: str) -> None:
    thinking = {"type": "thinking", "thinking": "Hm", "signature": data}
    parts = parsed(USER, assistant(thinking)).messages[1].parts
    assert parts == (MessagePart("Hm", Channel.THOUGHT),)
    carrying = {"type": "redacted_thinking", "data": data}
    (part,) = parsed(USER, assistant(carrying)).messages[1].parts
    assert part == MessagePart("")
