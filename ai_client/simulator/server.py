"""The simulator: routes requests to the dialects, performs the failures, keeps what it received."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

import orjson

from ai_client.simulator.answers import answer
from ai_client.simulator.anthropic_dialect import AnthropicDialect
from ai_client.simulator.dialect import Dialect, Media, Problem, Refused
from ai_client.simulator.fault_acts import act
from ai_client.simulator.faults import (
    OK,
    Fault,
    UnknownFault,
    fault_in_model,
    fault_in_path,
    parse_fault,
)
from ai_client.simulator.google_dialect import GoogleDialect
from ai_client.simulator.http_server import ClientLeft, Exchange, HttpRequest, HttpServer, Reply
from ai_client.simulator.openai_dialect import OpenAiDialect
from ai_client.simulator.openai_responses_dialect import OpenAiResponsesDialect
from ai_client.simulator.recording import RecordedRequest, Recorder, record_of
from ai_client.simulator.writing import Job, vendor_headers

MODELS: dict[str, tuple[str, ...]] = {
    "openai": (
        "gpt-4o-mini",
        "gpt-5.4-mini",
        "deepseek-reasoner",
        "gpt-audio",
        "gpt-image-1",
        "gpt-4o-mini-tts",
        "text-embedding-3-small",
        "sora-2",
    ),
    "anthropic": ("claude-haiku-4-5", "claude-sonnet-4-6", "claude-opus-5"),
    "google": (
        "gemini-2.5-flash",
        "gemini-3.8-flash",
        "gemini-3-signed",
        "gemini-3.1-flash-image",
        "gemini-3.8-flash-tts",
        "gemini-embedding-2",
        "veo-3.1-generate-preview",
    ),
}
AnySimulator = TypeVar("AnySimulator", bound="Simulator")

_RESPONSES = "/responses"
_PATHS = {"openai": "/v1", "anthropic": "", "google": ""}
_GENERATE = re.compile(r".*/models/.+:(generateContent|streamGenerateContent)")
_MODEL = re.compile(r".*/models(?:/(?P<model>[^:]+))?")


class Simulator:
    """Three vendors on one port. See the package's docstring for what it does when.

    ``require_key`` makes every dialect refuse other keys as the vendor does. Without
    ``serves_responses`` it is a server of chat completions that knows no Responses API. It is used
    from the loop that started it; what it recorded can be read from any thread.
    """

    def __init__(self, *, require_key: str | None = None, serves_responses: bool = True) -> None:
        self.require_key = require_key
        self.serves_responses = serves_responses
        self.host = ""
        self._server = HttpServer(self._handle)
        self._recorder = Recorder()
        self._dialects = _dialects()
        self._performed: dict[str, int] = {}

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listens; port 0 takes a free one."""
        self.host = host
        await self._server.start(host, port)

    async def stop(self) -> None:
        """Stops listening and drops every open connection."""
        await self._server.stop()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._server.port

    @property
    def sockets_accepted(self) -> int:
        """How many TCP connections came in."""
        return self._server.sockets_accepted

    @property
    def requests(self) -> list[RecordedRequest]:
        """What came in, in order of arrival."""
        return self._recorder.all()

    def clear(self) -> None:
        """Forgets what came in, what it began, and how often ``@N`` failures have happened."""
        self._recorder.clear()
        self._dialects = _dialects()
        self._performed.clear()

    def wait_for(
        self, wanted: Callable[[RecordedRequest], bool], timeout: float = 10
    ) -> RecordedRequest:
        """The first request for which ``wanted`` is true; blocks up to ``timeout`` seconds.

        Raises ``TimeoutError``. Not to be called in the simulator's own loop.
        """
        return self._recorder.wait_for(wanted, timeout)

    def base_url(self, dialect: str, failure: str = "") -> str:
        """The base URL for a vendor's SDK: ``openai`` (with /v1), ``anthropic`` or ``google``.

        With ``failure`` every request below it fails so.
        """
        host = f"[{self.host}]" if ":" in self.host else self.host
        prefix = f"/fail/{failure}" if failure else ""
        return f"http://{host}:{self.port}{prefix}{_PATHS[dialect]}"

    async def _handle(self, exchange: Exchange) -> None:
        request = exchange.request
        if request.path == "/_requests":
            await exchange.reply(self._control(request))
            return
        record = record_of(request, exchange.number)
        self._recorder.add(record)
        try:
            await self._respond(exchange, record)
        except ClientLeft:
            record.left_early = True
            record.left_after_ms = exchange.left_after_ms
            raise
        finally:
            record.status = exchange.status or None
            record.bytes_sent = exchange.bytes_sent
            record.done = True
            self._recorder.changed()

    def _control(self, request: HttpRequest) -> Reply:
        if request.method == "DELETE":
            self.clear()
            return Reply(200, b"[]")
        return Reply(200, orjson.dumps([record.to_dict() for record in self._recorder.all()]))

    async def _respond(self, exchange: Exchange, record: RecordedRequest) -> None:
        asked, path = fault_in_path(exchange.request.path)
        request = replace(exchange.request, path=path)
        if request.path.endswith(_RESPONSES) and not self.serves_responses:
            await exchange.reply(Reply(404, b'{"detail":"Not Found"}'))
            return
        dialect = self._dialects[_dialect_of(request)]
        try:
            if self.require_key is not None:
                dialect.authorize(request, self.require_key)
            asked = asked or fault_in_model(dialect.model_of(request))
            record.failure = asked
            fault = self._due(parse_fault(asked) if asked else OK, record)
            job = self._job(exchange, request, dialect)
        except UnknownFault as error:
            await self._refuse(exchange, dialect, dialect.error(Problem(404, message=str(error))))
        except Refused as refused:
            await self._refuse(exchange, dialect, refused.reply)
        else:
            await act(job, fault)

    async def _refuse(self, exchange: Exchange, dialect: Dialect, reply: Reply) -> None:
        headers = (*vendor_headers(dialect.name, "refused"), *reply.headers)
        await exchange.reply(replace(reply, headers=headers))

    def _due(self, fault: Fault, record: RecordedRequest) -> Fault:
        if fault.times is None:
            return fault
        model = record.json.get("model", "") if isinstance(record.json, dict) else ""
        key = f"{record.path} {model}"
        done = self._performed[key] = self._performed.get(key, 0) + 1
        return fault if done <= fault.times else OK

    def _job(self, exchange: Exchange, request: HttpRequest, dialect: Dialect) -> Job:
        names = MODELS[dialect.name]
        media = dialect.media(request)
        if media is not None:
            return Job(exchange, dialect, media=media)
        if request.method == "POST" and _is_generation(request.path):
            ask = dialect.read(request)
            return Job(exchange, dialect, ask, answer(ask))
        match = _MODEL.fullmatch(request.path)
        if request.method != "GET" or match is None:
            message = f"Unknown request URL: {request.method} {request.path}."
            raise Refused(dialect.error(Problem(404, message=message)))
        model = match["model"]
        listing = dialect.models(names) if model is None else dialect.model(model)
        return Job(exchange, dialect, media=Media(listing, digest="models"))


def _dialects() -> dict[str, Dialect]:
    return {
        "openai": OpenAiDialect(),
        "openai responses": OpenAiResponsesDialect(),
        "anthropic": AnthropicDialect(),
        "google": GoogleDialect(),
    }


def _is_generation(path: str) -> bool:
    return path.endswith(("/chat/completions", "/messages", _RESPONSES)) or bool(
        _GENERATE.fullmatch(path)
    )


def _dialect_of(request: HttpRequest) -> str:
    path = request.path
    if path.endswith("/chat/completions"):
        return "openai"
    if path.endswith(_RESPONSES):
        return "openai responses"
    if path.endswith("/messages"):
        return "anthropic"
    if _GENERATE.fullmatch(path) or "/v1beta/" in path or request.header("x-goog-api-key"):
        return "google"
    if request.header("anthropic-version") or request.header("x-api-key"):
        return "anthropic"
    return "openai"


@contextmanager
def running_simulator(
    *, host: str = "127.0.0.1", port: int = 0, require_key: str | None = None
) -> Iterator[Simulator]:
    """A simulator in a thread of its own, listening when the block begins, gone when it ends."""
    with running(Simulator(require_key=require_key), host=host, port=port) as simulator:
        yield simulator


@contextmanager
def running(
    simulator: AnySimulator, *, host: str = "127.0.0.1", port: int = 0
) -> Iterator[AnySimulator]:
    """As ``running_simulator``, for a simulator that was made already."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="simulator", daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(simulator.start(host, port), loop).result(timeout=30)
        try:
            yield simulator
        finally:
            asyncio.run_coroutine_threadsafe(simulator.stop(), loop).result(timeout=30)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=30)
        loop.close()
