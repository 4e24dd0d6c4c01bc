"""Answers of upstreams: https://platform.openai.com/docs/api-reference/images/object"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ai_client.errors import EmptyAnswer, MalformedAnswer
from ai_client.media import file_of
from ai_client.messages import (
    Candidate,
    FinishReason,
    GenerativeAiResult,
    JsonValue,
    Message,
    MessagePart,
    Role,
    TokenUsage,
)
from ai_client.openai_envelope import read_answer
from ai_client.wire import WireRequest

_KNOWN: Final = ("id", "data", "usage")


def parse_result(body: bytes, content_type: str, sent: WireRequest) -> GenerativeAiResult:
    """The images, each a candidate. An error body inside a 200 is raised as the error it is."""
    data = read_answer(body)
    images = data.get("data")
    if not isinstance(images, list):
        raise MalformedAnswer("The upstream's answer has no list of images.")
    if not images:
        raise EmptyAnswer("The upstream's answer holds no image.")
    output = data.get("output_format")
    known = sent.expects.get("mime_type")
    mime_type = known if isinstance(known, str) else "image/png"
    if isinstance(output, str) and output:
        mime_type = f"image/{output.lower()}"
    answer = data.get("id")
    model = data.get("model")
    return GenerativeAiResult(
        id=answer if isinstance(answer, str) else "",
        model=model if isinstance(model, str) else "",
        candidates=tuple(_candidates(images, mime_type)),
        usage=_usage(data.get("usage")),
        additional_data={name: value for name, value in data.items() if name not in _KNOWN},
    )


def _candidates(images: list[JsonValue], mime_type: str) -> Iterator[Candidate]:
    for image in images:
        held = (image.get("url") or image.get("b64_json")) if isinstance(image, dict) else None
        if not isinstance(held, str):
            raise MalformedAnswer("An entry of the upstream's images is no image.")
        part = MessagePart(file_of(held, mime_type))
        yield Candidate(Message(Role.MODEL, (part,)), FinishReason.STOP)


def _usage(usage: JsonValue) -> TokenUsage | None:
    if not isinstance(usage, dict):
        return None
    counts = [
        value if isinstance(value, int) and not isinstance(value, bool) else None
        for value in (usage.get(f"{name}_tokens") for name in ("input", "output", "total"))
    ]
    prompt, completion, total = counts[0] or 0, counts[1] or 0, counts[2]
    return TokenUsage(prompt, completion, prompt + completion if total is None else total)
