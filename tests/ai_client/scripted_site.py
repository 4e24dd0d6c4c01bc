"""A registry of two providers whose upstreams answer from a script."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ai_client import ProviderRegistry
from ai_client.capabilities import Capability, ModelMetadata, Option, SupportedOption
from ai_client.errors import UpstreamError
from ai_client.providers import Operation, Provider
from ai_client.registry import Transporter
from ai_client.testing import HttpAnswer, ScriptedTransport, SentRequest

ANY = tuple(SupportedOption(option) for option in Option)
FOR_TEXT = (Capability.TEXT_GENERATION, Capability.CHAT_HISTORY)
OPERATIONS = (
    Operation(Capability.IMAGE_GENERATION, "openai_images", ("*-image",)),
    Operation(Capability.EMBEDDING_GENERATION, "openai_embeddings", ("*-embed",)),
    Operation(Capability.TEXT_TO_SPEECH_CONVERSION, "openai_speech", ("*-speech",)),
    Operation(Capability.VIDEO_GENERATION, "openai_videos", ("*-video",)),
)
PICTURE = "aW1n"
VIDEO = b"a video"
AUDIO = b"ID3 audio"


def provider(slug: str) -> Provider:
    models = [("chat", FOR_TEXT)] + [
        (operation.models[0].removeprefix("*-"), (operation.capability,))
        for operation in OPERATIONS
    ]
    return Provider(
        slug=slug,
        name=slug.title(),
        wire="openai_chat",
        base_url=f"https://{slug}.example/v1",
        operations=OPERATIONS,
        models=tuple(
            ModelMetadata(f"{slug}-{kind}", kind, capabilities, ANY)
            for kind, capabilities in models
        ),
    )


def registry_over(
    script: Callable[[SentRequest], HttpAnswer | UpstreamError] | None = None, *slugs: str
) -> tuple[ProviderRegistry, ScriptedTransport]:
    """A registry of the providers ``slugs``, ``first`` and ``second`` unless given."""
    engine = ScriptedTransport(script or answer)
    registry = ProviderRegistry(map(provider, slugs or ("first", "second")))
    for slug in registry.ids():
        registry.set_authentication(slug, f"key-of-{slug}")
    registry.set_transporter(Transporter(engine.engine, engine.async_engine))
    return registry, engine


def answer(step: SentRequest) -> HttpAnswer:
    """What each endpoint says when all is well: the text is 'ok' for each candidate."""
    path = step.url.partition("/v1/")[2]
    if path == "videos/v1/content":
        return HttpAnswer(VIDEO, content_type="video/mp4")
    if path.startswith("videos"):
        state = "queued" if step.method == "POST" else "completed"
        return HttpAnswer.json({"id": "v1", "object": "video", "status": state, "progress": 0})
    if path == "audio/speech":
        return HttpAnswer(AUDIO, content_type="audio/mpeg")
    asked = json.loads(step.body)
    if path == "images/generations":
        return HttpAnswer.json({"data": [{"b64_json": PICTURE}] * asked.get("n", 1)})
    if path == "embeddings":
        inputs = asked["input"] if isinstance(asked["input"], list) else [asked["input"]]
        vectors = [
            {"object": "embedding", "index": number, "embedding": [float(len(each)), 1.0]}
            for number, each in enumerate(inputs)
        ]
        return HttpAnswer.json({"object": "list", "model": asked["model"], "data": vectors})
    if asked.get("stream"):
        return streamed("o", "k")
    return said("ok", count=asked.get("n", 1))


def said(
    text: str | None, *, calls: Any = None, count: int = 1, finish: str = "stop"
) -> HttpAnswer:
    """A chat completion with that text, or with calls as (id, name, arguments)."""
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if calls:
        message["tool_calls"] = [
            {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}
            for id_, name, arguments in calls
        ]
        finish = "tool_calls"
    choices = [
        {"index": index, "message": message, "finish_reason": finish} for index in range(count)
    ]
    return HttpAnswer.json(
        {
            "id": "r1",
            "object": "chat.completion",
            "model": "the-model",
            "choices": choices,
            "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
        }
    )


def streamed(*texts: str) -> HttpAnswer:
    """The same as a stream, a chunk for each text."""

    def chunk(delta: dict[str, str], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        value = {"id": "r1", "object": "chat.completion.chunk", "model": "m", "choices": [choice]}
        return b"data: " + json.dumps(value).encode() + b"\n\n"

    body = b"".join(chunk({"content": text}) for text in texts)
    body += chunk({}, "stop") + b"data: [DONE]\n\n"
    return HttpAnswer(body, content_type="text/event-stream")
