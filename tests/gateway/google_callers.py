"""The official google-genai SDK, blocking and awaiting, behind one blocking face.

A ``GoogleCaller`` is a program over one upstream dialect; what reached the upstream is read as
``openai_callers`` does.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest
from google import genai
from google.genai import types

from ai_client.simulator import RecordedRequest
from tests.live_site import Site

Found = TypeVar("Found")

ALLOWED = pytest.mark.filterwarnings(
    # The awaiting SDK makes a subclass of aiohttp's session, which aiohttp advises against.
    "ignore:Inheritance class AiohttpClientSession:DeprecationWarning"
)
"""What the SDK's own warnings are: a mark for the modules that use it."""


def _options(site: Site, **more: Any) -> types.HttpOptions:
    # There is no TLS here; without these each client would read all certificates, twice.
    reads_none = {"ssl": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)}
    return types.HttpOptions(
        base_url=site.base_url,
        client_args={"verify": False},
        async_client_args=reads_none,
        **more,
    )


@contextmanager
def google_sdk(site: Site, key: str = "", **more: Any) -> Iterator[Any]:
    """The SDK, pointed at the site; ``more`` are further HTTP options."""
    client = genai.Client(api_key=key or site.key, http_options=_options(site, **more))
    try:
        yield client
    finally:
        client.close()


@asynccontextmanager
async def async_google_sdk(site: Site) -> AsyncIterator[Any]:
    """As ``google_sdk``, awaiting, and of the version that is not the SDK's default."""
    client = genai.Client(api_key=site.key, http_options=_options(site, api_version="v1beta"))
    try:
        yield client.aio
    finally:
        await client.aio.aclose()
        client.close()


@dataclass(frozen=True, slots=True)
class GoogleCaller:
    """A program that asks the site for answers, which come from an upstream of ``dialect``."""

    site: Site
    dialect: str
    mode: str = "sync"

    def connect(self, **connection: Any) -> None:
        """Make one connection in the dialect the whole chain."""
        self.site.connect(self.site.upstream(self.dialect, **connection))

    def generate(self, contents: Any, model: str = "auto", **config: Any) -> Any:
        """A complete answer."""
        return self.ask(
            lambda sdk: sdk.models.generate_content(
                model=model, contents=contents, config=_config(config)
            )
        )

    def stream(self, contents: Any, model: str = "auto", **config: Any) -> list[Any]:
        """All pieces of a streamed answer."""
        given = {"model": model, "contents": contents, "config": _config(config)}
        if self.mode == "sync":
            with google_sdk(self.site) as sdk:
                return list(sdk.models.generate_content_stream(**given))

        async def run() -> list[Any]:
            async with async_google_sdk(self.site) as sdk:
                return [piece async for piece in await sdk.models.generate_content_stream(**given)]

        return asyncio.run(run())

    def said(self, contents: Any, *, streamed: bool, **config: Any) -> Any:
        """The content of an answer, as programs put it into their next request."""
        if not streamed:
            return self.generate(contents, **config).candidates[0].content
        pieces = self.stream(contents, **config)
        parts = [part for piece in pieces for part in parts_of(piece)]
        return types.Content(role="model", parts=parts)

    def ask(self, call: Callable[[Any], Any]) -> Any:
        """What ``call`` gives, awaited where the SDK is the awaiting one."""
        if self.mode == "sync":
            with google_sdk(self.site) as sdk:
                return call(sdk)

        async def run() -> Any:
            async with async_google_sdk(self.site) as sdk:
                awaited: Awaitable[Any] = call(sdk)
                return await awaited

        return asyncio.run(run())

    def leave_after_first_text(self, contents: str) -> str:
        """The first text of a stream that is closed as soon as that has come."""
        given = {"model": "auto", "contents": contents}
        if self.mode == "sync":
            with google_sdk(self.site) as sdk:
                stream = sdk.models.generate_content_stream(**given)
                text = next(piece.text for piece in stream if piece.text)
                stream.close()
                return str(text)

        async def run() -> str:
            async with async_google_sdk(self.site) as sdk:
                stream = await sdk.models.generate_content_stream(**given)
                async for piece in stream:
                    if piece.text:
                        await stream.aclose()
                        return str(piece.text)
                raise AssertionError("The stream ended without text.")

        return asyncio.run(run())

    def sent(self) -> RecordedRequest:
        """The last request that reached the upstream."""
        return self.site.simulator.requests[-1]

    def body(self) -> Any:
        """The JSON body of the last request that reached the upstream."""
        return self.sent().json


def _config(config: dict[str, Any]) -> types.GenerateContentConfig:
    return types.GenerateContentConfig(**config)


def parts_of(answer: Any) -> list[Any]:
    """The parts of the first candidate of an answer or a piece."""
    content = answer.candidates[0].content if answer.candidates else None
    return list(content.parts or ()) if content is not None else []


def text_of(pieces: list[Any], candidate: int = 0) -> str:
    """The text of a streamed answer, thoughts left out."""
    return "".join(
        part.text or ""
        for piece in pieces
        for each in piece.candidates or ()
        if (each.index or 0) == candidate
        for part in each.content.parts or ()
        if not part.thought
    )


def calls_of(parts: list[Any]) -> list[Any]:
    """The function calls among parts."""
    return [part.function_call for part in parts if part.function_call]


def result_of(call: Any, response: Any) -> types.Part:
    """What a function returned, as programs say it: without the call's id."""
    return types.Part.from_function_response(name=call.name, response=response)
