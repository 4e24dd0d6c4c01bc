"""The official openai SDK's Responses, blocking and awaiting, behind one blocking face."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import product
from typing import Any, get_args

import openai
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import BaseModel

from ai_client.simulator import RecordedRequest
from tests.gateway.openai_callers import MODES
from tests.live_site import DIALECTS, Site

EVENTS: dict[str, type[BaseModel]] = {
    kind: each
    for each in get_args(get_args(ResponseStreamEvent)[0])
    for kind in get_args(each.model_fields["type"].annotation)
}
"""The SDK's types of events, by the words that they have for themselves."""


OTHER_DIALECTS = tuple(DIALECTS)
"""Those from which an answer is translated; OpenAI's own servers are asked in this one."""
OTHERS = list(product(OTHER_DIALECTS, MODES))
EVERY_WAY = [*OTHERS, *product(["openai_responses"], MODES)]


@dataclass(frozen=True, slots=True)
class ResponsesCaller:
    """A program that asks the site for answers, which come from an upstream of ``dialect``."""

    site: Site
    dialect: str
    mode: str = "sync"

    def connect(self, **connection: Any) -> None:
        """Make one connection in the dialect the whole chain."""
        if self.dialect == "openai_chat":
            # OpenAI itself would be asked in this very dialect.
            connection.setdefault("provider", "openai-compatible")
        dialect = "openai_chat" if self.dialect == "openai_responses" else self.dialect
        if self.dialect == "openai_chat":
            connection = {"provider": "openai-compatible", **connection}
        self.site.connect(self.site.upstream(dialect, **connection))

    def create(self, given: Any, **options: Any) -> Any:
        """A complete answer, of the shape that the SDK's types prescribe."""
        answer = self._ask(lambda sdk: sdk.responses.create, given, options)
        Response.model_validate(answer.to_dict(mode="json"), strict=True)
        return answer

    def raw(self, given: Any, **options: Any) -> Any:
        """A complete answer with its status and headers; ``parse()`` gives the answer."""
        return self._ask(lambda sdk: sdk.responses.with_raw_response.create, given, options)

    def parse(self, given: Any, shape: type[BaseModel], **options: Any) -> Any:
        """A complete answer in the shape of a pydantic model."""
        return self._ask(lambda sdk: sdk.responses.parse, given, {**options, "text_format": shape})

    def stream(self, given: Any, **options: Any) -> list[Any]:
        """All events of a streamed answer, of the shapes that the SDK's types prescribe."""
        asked = _options(given, options) | {"stream": True}
        if self.mode == "sync":
            with self.site.sdk() as sdk:
                events = list(sdk.responses.create(**asked))
        else:

            async def run() -> list[Any]:
                async with self.site.async_sdk() as sdk:
                    return [event async for event in await sdk.responses.create(**asked)]

            events = asyncio.run(run())
        for event in events:
            EVENTS[event.type].model_validate(event.to_dict(mode="json"), strict=True)
        return events

    def assembled(self, given: Any, **options: Any) -> Any:
        """A streamed answer, put together by the SDK's own stream helper."""
        asked = _options(given, options)
        if self.mode == "sync":
            with self.site.sdk() as sdk, sdk.responses.stream(**asked) as stream:
                return stream.get_final_response()

        async def run() -> Any:
            async with self.site.async_sdk() as sdk, sdk.responses.stream(**asked) as stream:
                return await stream.get_final_response()

        return asyncio.run(run())

    def leave_after_first_content(self, given: Any) -> str:
        """The first content of a stream that is closed as soon as that has come."""
        asked = _options(given, {}) | {"stream": True}
        if self.mode == "sync":
            with self.site.sdk() as sdk:
                stream = sdk.responses.create(**asked)
                said = next(each.delta for each in stream if _is_text(each))
                stream.close()
                return str(said)

        async def run() -> str:
            async with self.site.async_sdk() as sdk:
                stream = await sdk.responses.create(**asked)
                async for each in stream:
                    if _is_text(each):
                        await stream.close()
                        return str(each.delta)
                raise AssertionError("The stream ended without content.")

        return asyncio.run(run())

    def sent(self) -> RecordedRequest:
        """The last request that reached the upstream."""
        return self.site.simulator.requests[-1]

    def body(self) -> Any:
        """The JSON body of the last request that reached the upstream."""
        return self.sent().json

    def _ask(self, method: Callable[[Any], Any], given: Any, options: dict[str, Any]) -> Any:
        asked = _options(given, options)
        if self.mode == "sync":
            with self.site.sdk() as sdk:
                return method(sdk)(**asked)
        return asyncio.run(self._awaiting(lambda sdk: method(sdk)(**asked)))

    async def _awaiting(self, call: Callable[[openai.AsyncOpenAI], Awaitable[Any]]) -> Any:
        async with self.site.async_sdk() as sdk:
            return await call(sdk)


def _options(given: Any, options: dict[str, Any]) -> dict[str, Any]:
    return {"model": "auto", "input": given, **options}


def _is_text(event: Any) -> bool:
    return bool(event.type == "response.output_text.delta" and event.delta)


def text_of(events: list[Any]) -> str:
    """The text of a streamed answer, by its deltas."""
    return "".join(each.delta for each in events if each.type == "response.output_text.delta")


def calls_of(answer: Any) -> list[Any]:
    """The calls of functions in an answer."""
    return [item for item in answer.output if item.type == "function_call"]


def results_of(answer: Any, *outputs: Any) -> list[dict[str, Any]]:
    """Results for the calls of an answer, in their order, as input items."""
    return [
        {"type": "function_call_output", "call_id": call.call_id, "output": output}
        for call, output in zip(calls_of(answer), outputs, strict=True)
    ]
