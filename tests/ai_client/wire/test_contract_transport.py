"""Every example and every recorded stream through a session: blocking and awaiting, however cut."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from ai_client.ask import Ask, Limits
from ai_client.errors import AiClientError
from ai_client.events import Event
from ai_client.exchange import Output, Piece
from ai_client.health import Health
from ai_client.messages import GenerationRequest, user_message
from ai_client.providers import Provider
from ai_client.router import Route
from ai_client.session import Session
from ai_client.snapshot import ConnectionConfig
from ai_client.sse import Decoder
from ai_client.testing import HttpAnswer, ScriptedTransport
from ai_client.transport import arun, run
from ai_client.wire import client_face
from tests.ai_client.wire.contract_examples import EXAMPLES
from tests.ai_client.wire.test_contract import CHUNK_SIZES, CLIENTS, GATEWAYS

FIXTURES = Path(__file__).parent / "fixtures"
Said: TypeAlias = tuple[list[Event], type[AiClientError] | None]
"""Events, and the error that they end with."""


def streams() -> Iterator[Any]:
    for wire in CLIENTS:
        for example in EXAMPLES.get(wire, ()):
            yield pytest.param(wire, example.stream, id=f"{wire}: {example.name}")
        for path in sorted((FIXTURES / wire).glob("*.sse")):
            yield pytest.param(wire, path.read_bytes(), id=f"{wire}: {path.name}")


every_stream = pytest.mark.parametrize(("wire", "body"), list(streams()))


def over(
    wire: str, body: bytes, size: int, *, forwarded: bool
) -> tuple[Session, ScriptedTransport]:
    """A session with one upstream, which answers with ``body`` in chunks of ``size`` bytes."""
    pieces = tuple(body[start : start + size] for start in range(0, len(body), size))
    transport = ScriptedTransport(lambda _: HttpAnswer(pieces, content_type="text/event-stream"))
    connection = ConnectionConfig(
        id="1",
        name="one",
        provider=Provider(slug="one", name="One", wire=wire),
        model="model",
        base_url="https://one.example",
    )
    request = GenerationRequest((user_message("Hello"),))
    ask = (
        Ask(stream=True, dialect=wire, body={}, parse=lambda: request)
        if forwarded
        else Ask(stream=True, request=request.with_stream(True))
    )
    routes = (Route(connection, "model"),)
    return Session(ask, routes, Health(lambda: 0.5), transport.clock, Limits()), transport


def pieces_of(outputs: list[Output]) -> list[Piece]:
    assert all(isinstance(each, Piece) for each in outputs)
    return [each for each in outputs if isinstance(each, Piece)]


def blocking(session: Session, transport: ScriptedTransport) -> tuple[list[Piece], Any]:
    outputs: list[Output] = []
    try:
        outputs.extend(run(session, transport.engine))
    except AiClientError as error:
        return pieces_of(outputs), type(error)
    return pieces_of(outputs), None


async def awaiting(session: Session, transport: ScriptedTransport) -> tuple[list[Piece], Any]:
    outputs: list[Output] = []
    try:
        async for output in arun(session, transport.async_engine):
            outputs.append(output)  # noqa: PERF401  what came before an error counts too
    except AiClientError as error:
        return pieces_of(outputs), type(error)
    return pieces_of(outputs), None


def read(wire: str, body: bytes) -> Said:
    """What the parser says of all of it."""
    parser, said = client_face(wire).StreamParser(), list[Event]()
    try:
        for each in Decoder().feed(body):
            said += parser.feed(each)
            if parser.finished:
                return said, None
        said += parser.close()
    except AiClientError as error:
        return said, type(error)
    return said, None


@every_stream
@pytest.mark.parametrize("size", CHUNK_SIZES)
async def test_the_same_events_whoever_reads_and_however_it_is_cut(
    wire: str, body: bytes, size: int
) -> None:
    expected, failure = read(wire, body)
    for way in (
        blocking(*over(wire, body, size, forwarded=False)),
        await awaiting(*over(wire, body, size, forwarded=False)),
    ):
        pieces, error = way
        said = [event for piece in pieces for event in piece.events]
        assert error is failure
        assert said == expected[: len(said)]
        assert failure is not None or said == expected


@every_stream
@pytest.mark.parametrize("size", CHUNK_SIZES)
async def test_what_is_forwarded_is_what_came_and_no_more(
    wire: str, body: bytes, size: int
) -> None:
    if wire not in GATEWAYS:
        return
    # Comments are for the connection that they came on; OpenAI's SDK stumbles over some.
    spoken = re.sub(rb"(?m)^:.*\n\n", b"", body)
    _, failure = read(wire, body)
    for way in (
        blocking(*over(wire, body, size, forwarded=True)),
        await awaiting(*over(wire, body, size, forwarded=True)),
    ):
        pieces, error = way
        raw = b"".join(piece.raw or b"" for piece in pieces)
        assert error is failure
        assert spoken.startswith(raw)
        assert failure is not None or raw.strip() == spoken.strip()
