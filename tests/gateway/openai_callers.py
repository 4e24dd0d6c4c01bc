"""The official openai SDK, blocking and awaiting, behind one blocking face.

``caller`` fixtures of the test modules are a ``Caller`` over one upstream dialect; what reached the
upstream is read with the functions at the end, which know where each dialect keeps it.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeVar

import openai
from pydantic import BaseModel

from ai_client.simulator import RecordedRequest
from tests.live_site import DIALECTS, UPSTREAM_KEY, Site

MODES = ("sync", "async")
EVERY_WAY = [(dialect, mode) for dialect, mode in product(DIALECTS, MODES)]
"""Every upstream dialect, asked by the blocking and by the awaiting SDK."""

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(60)).decode()
PDF = base64.b64encode(b"%PDF-1.7\n" + bytes(91)).decode()

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Caller:
    """A program that asks the site for answers, which come from an upstream of ``dialect``."""

    site: Site
    dialect: str
    mode: str = "sync"

    def connect(self, **connection: Any) -> None:
        """Make one connection in the dialect the whole chain."""
        self.site.connect(self.site.upstream(self.dialect, **connection))

    def create(self, messages: Any, **options: Any) -> Any:
        """A complete answer."""
        return self._ask(lambda sdk: sdk.chat.completions.create, messages, options)

    def raw(self, messages: Any, **options: Any) -> Any:
        """A complete answer with its status and headers; ``parse()`` gives the answer."""
        return self._ask(
            lambda sdk: sdk.chat.completions.with_raw_response.create, messages, options
        )

    def parse(self, messages: Any, shape: type[BaseModel], **options: Any) -> Any:
        """A complete answer in the shape of a pydantic model."""
        options["response_format"] = shape
        return self._ask(lambda sdk: sdk.chat.completions.parse, messages, options)

    def stream(self, messages: Any, **options: Any) -> list[Any]:
        """All chunks of a streamed answer."""
        given = _options(messages, options) | {"stream": True}
        if self.mode == "sync":
            with self.site.sdk() as sdk:
                return list(sdk.chat.completions.create(**given))

        async def run() -> list[Any]:
            async with self.site.async_sdk() as sdk:
                return [chunk async for chunk in await sdk.chat.completions.create(**given)]

        return asyncio.run(run())

    def assembled(self, messages: Any, **options: Any) -> Any:
        """A streamed answer, put together by the SDK's own stream helper."""
        given = _options(messages, options)
        if self.mode == "sync":
            with self.site.sdk() as sdk, sdk.chat.completions.stream(**given) as stream:
                return stream.get_final_completion()

        async def run() -> Any:
            async with (
                self.site.async_sdk() as sdk,
                sdk.chat.completions.stream(**given) as stream,
            ):
                return await stream.get_final_completion()

        return asyncio.run(run())

    def leave_after_first_content(self, messages: Any) -> str:
        """The first content of a stream that is closed as soon as that has come."""
        given = _options(messages, {}) | {"stream": True}
        if self.mode == "sync":
            with self.site.sdk() as sdk:
                stream = sdk.chat.completions.create(**given)
                content = next(said for chunk in stream if (said := _said(chunk)))
                stream.close()
                return content

        async def run() -> str:
            async with self.site.async_sdk() as sdk:
                stream = await sdk.chat.completions.create(**given)
                async for chunk in stream:
                    if said := _said(chunk):
                        await stream.close()
                        return said
                raise AssertionError("The stream ended without content.")

        return asyncio.run(run())

    def sent(self) -> RecordedRequest:
        """The last request that reached the upstream."""
        return self.site.simulator.requests[-1]

    def body(self) -> Any:
        """The JSON body of the last request that reached the upstream."""
        return self.sent().json

    def _ask(self, method: Callable[[Any], Any], messages: Any, options: dict[str, Any]) -> Any:
        given = _options(messages, options)
        if self.mode == "sync":
            with self.site.sdk() as sdk:
                return method(sdk)(**given)
        return asyncio.run(self._awaiting(lambda sdk: method(sdk)(**given)))

    async def _awaiting(self, call: Callable[[openai.AsyncOpenAI], Awaitable[Found]]) -> Found:
        async with self.site.async_sdk() as sdk:
            return await call(sdk)


def _options(messages: Any, options: dict[str, Any]) -> dict[str, Any]:
    given = [{"role": "user", "content": messages}] if isinstance(messages, str) else messages
    return {"model": "auto", "messages": given, **options}


def _said(chunk: Any) -> str:
    return (chunk.choices[0].delta.content or "") if chunk.choices else ""


def text_of(chunks: list[Any], choice: int = 0) -> str:
    """The text of a streamed answer."""
    return "".join(
        each.delta.content or ""
        for chunk in chunks
        for each in chunk.choices
        if each.index == choice
    )


def calls_of(chunks: list[Any]) -> list[dict[str, Any]]:
    """The tool calls of a streamed answer, put together by index."""
    calls: dict[int, dict[str, Any]] = {}
    for chunk in chunks:
        for piece in chunk.choices[0].delta.tool_calls or () if chunk.choices else ():
            call = calls.setdefault(piece.index, {"id": "", "name": "", "arguments": ""})
            call["id"] = piece.id or call["id"]
            call["name"] += piece.function.name or "" if piece.function else ""
            call["arguments"] += piece.function.arguments or "" if piece.function else ""
    return [calls[index] for index in sorted(calls)]


def finish_of(chunks: list[Any]) -> str:
    """The one finish reason of a streamed answer with one choice."""
    (reason,) = [
        each.finish_reason for chunk in chunks for each in chunk.choices if each.finish_reason
    ]
    return str(reason)


def turns(dialect: str, body: Any) -> list[tuple[str, str]]:
    """Role and text of each turn that reached an upstream, its system prompt first."""
    match dialect:
        case "openai_chat":
            return [(each["role"], _joined(each["content"])) for each in body["messages"]]
        case "anthropic_messages":
            said = [(each["role"], _joined(each["content"])) for each in body["messages"]]
            return [("system", _joined(body["system"])), *said] if "system" in body else said
        case _:
            said = [(each["role"], _joined(each["parts"])) for each in body["contents"]]
            system = body.get("systemInstruction")
            return [("system", _joined(system["parts"])), *said] if system else said


def _joined(content: Any) -> str:
    return content if isinstance(content, str) else "|".join(part["text"] for part in content)


def key_sent(dialect: str, request: RecordedRequest) -> str | None:
    """The key in the header where the dialect's vendor wants it."""
    header = {
        "openai_chat": "authorization",
        "anthropic_messages": "x-api-key",
        "google_generate": "x-goog-api-key",
    }[dialect]
    return request.headers.get(header)


KEY_AS_SENT = {
    "openai_chat": f"Bearer {UPSTREAM_KEY}",
    "anthropic_messages": UPSTREAM_KEY,
    "google_generate": UPSTREAM_KEY,
}
