"""What tests of Anthropic's gateway face share: requests read, answers written and read back."""

from __future__ import annotations

import json
from typing import Any

from ai_client.events import Event, replay
from ai_client.messages import (
    Candidate,
    Channel,
    File,
    FinishReason,
    FunctionCall,
    GenerationRequest,
    GenerativeAiResult,
    Message,
    MessagePart,
    Role,
    TokenUsage,
)
from ai_client.sse import Decoder
from ai_client.wire import ClientFace, GatewayFace, RenderContext, Target, anthropic_messages

GATEWAY: GatewayFace = anthropic_messages
CLIENT: ClientFace = anthropic_messages
CONTEXT = RenderContext("req_1", "auto", 1_770_000_000)
CLAUDE = Target("claude-sonnet-4-6")
USER = {"role": "user", "content": "Hi"}


def parsed(*messages: Any, **fields: Any) -> GenerationRequest:
    body = {"model": "auto", "max_tokens": 99, "messages": list(messages) or [USER], **fields}
    return GATEWAY.parse_request(body)


def user(*blocks: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def assistant(*blocks: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


SIGNED = (
    MessagePart("Think.", Channel.THOUGHT, "sig-1", opaque={"google_generate": {"n": [1, "é"]}}),
    MessagePart("", Channel.THOUGHT, opaque={"openai_responses": {"encrypted": "ZW5j"}}),
    MessagePart("Answer.", thought_signature="sig-2", opaque={"google_generate": {"x": True}}),
    MessagePart("", thought_signature="sig-3"),
    MessagePart(FunctionCall("a", "f", '{"x":1}'), thought_signature="sig-4"),
    MessagePart(FunctionCall("b", "g"), opaque={"openai_chat": {"y": None}}),
    MessagePart(File("image/png", base64_data="AAAA"), thought_signature="sig-5"),
)


def result_of(
    *parts: MessagePart, reason: FinishReason = FinishReason.STOP, raw: str | None = None
) -> GenerativeAiResult:
    return GenerativeAiResult(
        "id",
        "model-x",
        (Candidate(Message(Role.MODEL, parts), reason, raw),),
        TokenUsage(10, 2, 12, thought_tokens=1, cached_tokens=4, cache_write_tokens=1),
    )


def plain_of(result: GenerativeAiResult, context: RenderContext = CONTEXT) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(GATEWAY.render_response(result, context))
    return answer


def stream_of(result: GenerativeAiResult, context: RenderContext = CONTEXT) -> bytes:
    renderer = GATEWAY.StreamRenderer(context)
    return b"".join(renderer.feed(event) for event in replay(result)) + renderer.finish()


def read_stream(stream: bytes, size: int | None = None) -> list[Event]:
    decoder, parser = Decoder(), CLIENT.StreamParser()
    events: list[Event] = []
    for start in range(0, len(stream), size or len(stream)):
        for sse in decoder.feed(stream[start : start + (size or len(stream))]):
            events += parser.feed(sse)
    assert decoder.trailing() == b""
    return [*events, *parser.close()]


def sent_events(stream: bytes) -> list[dict[str, Any]]:
    sent = Decoder().feed(stream)
    for each in sent:
        assert json.loads(each.data)["type"] == each.event
    return [json.loads(each.data) for each in sent]


def gathered(stream: bytes) -> list[dict[str, Any]]:
    """The content blocks that a caller has in the end."""
    blocks: list[dict[str, Any]] = []
    partial = ""
    for event in sent_events(stream):
        match event["type"]:
            case "content_block_start":
                assert event["index"] == len(blocks)
                blocks.append(event["content_block"])
                partial = ""
            case "content_block_delta":
                delta, block = event["delta"], blocks[event["index"]]
                match delta["type"]:
                    case "text_delta":
                        block["text"] += delta["text"]
                    case "thinking_delta":
                        block["thinking"] += delta["thinking"]
                    case "signature_delta":
                        block["signature"] = delta["signature"]
                    case "citations_delta":
                        block.setdefault("citations", []).append(delta["citation"])
                    case "input_json_delta":
                        partial += delta["partial_json"]
            case "content_block_stop":
                if partial:
                    block = blocks[event["index"]]
                    try:
                        block["input"] = json.loads(partial)
                    except ValueError:
                        block["input"] = partial
                    partial = ""
    return blocks
