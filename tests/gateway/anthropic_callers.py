"""The official anthropic SDK, blocking and awaiting, behind one blocking face.

``caller`` fixtures of the test modules are a ``Caller`` over one upstream dialect.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeVar

import anthropic
from pydantic import BaseModel

from ai_client.simulator import RecordedRequest
from tests.live_site import DIALECTS, Site

MODES = ("sync", "async")
EVERY_WAY = [(dialect, mode) for dialect, mode in product(DIALECTS, MODES)]
"""Every upstream dialect, asked by the blocking and by the awaiting SDK."""

HELLO: Any = [{"role": "user", "content": "Hello there"}]

Found = TypeVar("Found")


def sdk(site: Site, **options: Any) -> anthropic.Anthropic:
    """The official SDK, pointed at the site; retries off unless asked for."""
    client = anthropic.DefaultHttpxClient(verify=False)
    given = {"http_client": client, **_given(site, options)}
    return site.clients.enter_context(anthropic.Anthropic(**given))


def async_sdk(site: Site, **options: Any) -> anthropic.AsyncAnthropic:
    """As ``sdk``, awaiting."""
    client = anthropic.DefaultAsyncHttpxClient(verify=False)
    return anthropic.AsyncAnthropic(**{"http_client": client, **_given(site, options)})


def _given(site: Site, options: dict[str, Any]) -> dict[str, Any]:
    # There is no TLS here; without ``verify`` each client would read all certificates.
    return {"base_url": site.base_url, "api_key": site.key, "max_retries": 0} | options


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
        return self._ask(lambda client: client.messages.create, _options(messages, options))

    def raw(self, messages: Any, **options: Any) -> Any:
        """A complete answer with its status and headers; ``parse()`` gives the answer."""
        return self._ask(
            lambda client: client.messages.with_raw_response.create, _options(messages, options)
        )

    def parse(self, messages: Any, shape: type[BaseModel], **options: Any) -> Any:
        """A complete answer in the shape of a pydantic model."""
        given = _options(messages, options) | {"output_format": shape}
        return self._ask(lambda client: client.messages.parse, given)

    def count(self, messages: Any, **options: Any) -> int:
        """How many tokens the prompt has."""
        given = _options(messages, options)
        del given["max_tokens"]
        return int(self._ask(lambda client: client.messages.count_tokens, given).input_tokens)

    def events(self, messages: Any, **options: Any) -> list[Any]:
        """All events of a streamed answer, as they came."""
        given = _options(messages, options) | {"stream": True}
        if self.mode == "sync":
            with sdk(self.site) as client:
                return list(client.messages.create(**given))

        async def run() -> list[Any]:
            async with async_sdk(self.site) as client:
                return [event async for event in await client.messages.create(**given)]

        return asyncio.run(run())

    def assembled(self, messages: Any, **options: Any) -> Any:
        """A streamed answer, put together by the SDK's own stream helper."""
        given = _options(messages, options)
        if self.mode == "sync":
            with sdk(self.site) as client, client.messages.stream(**given) as stream:
                return stream.get_final_message()

        async def run() -> Any:
            async with async_sdk(self.site) as client, client.messages.stream(**given) as stream:
                return await stream.get_final_message()

        return asyncio.run(run())

    def leave_after_first_text(self, messages: Any) -> str:
        """The first text of a stream that is closed as soon as that has come."""
        given = _options(messages, {})
        if self.mode == "sync":
            helper: AbstractContextManager[Any]
            with sdk(self.site) as client, client.messages.stream(**given) as helper:
                return next(iter(helper.text_stream))

        async def run() -> str:
            async with async_sdk(self.site) as client, client.messages.stream(**given) as stream:
                async for text in stream.text_stream:
                    return text
            raise AssertionError("The stream ended without text.")

        return asyncio.run(run())

    def sent(self) -> RecordedRequest:
        """The last request that reached the upstream."""
        return self.site.simulator.requests[-1]

    def body(self) -> Any:
        """The JSON body of the last request that reached the upstream."""
        return self.sent().json

    def _ask(self, method: Callable[[Any], Any], given: dict[str, Any]) -> Any:
        if self.mode == "sync":
            with sdk(self.site) as client:
                return method(client)(**given)
        return asyncio.run(self._awaiting(lambda client: method(client)(**given)))

    async def _awaiting(
        self, call: Callable[[anthropic.AsyncAnthropic], Awaitable[Found]]
    ) -> Found:
        async with async_sdk(self.site) as client:
            return await call(client)


def _options(messages: Any, options: dict[str, Any]) -> dict[str, Any]:
    given = [{"role": "user", "content": messages}] if isinstance(messages, str) else messages
    return {"model": "auto", "max_tokens": 4096, "messages": given, **options}


def text_of(message: Any) -> str:
    """The text of an answer."""
    return "".join(block.text for block in message.content if block.type == "text")


def calls_of(message: Any) -> list[Any]:
    """The calls of an answer."""
    return [block for block in message.content if block.type == "tool_use"]


def result_of(call: Any, content: Any, **more: Any) -> dict[str, Any]:
    """The result of a call, as a block of the user's next message."""
    return {"type": "tool_result", "tool_use_id": call.id, "content": content, **more}
