"""Both engines against sockets whose bytes the test writes itself."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest

from ai_client.addresses import AllowList
from ai_client.errors import ConnectTimedOut, HeadersTimedOut, UpstreamError
from ai_client.exchange import Chunk, End, Open, Reply
from ai_client.transport.async_engine import AiohttpEngine
from ai_client.transport.guard import Guard
from ai_client.transport.sync_engine import HttpxEngine
from tests.upstreams import unaccepting_port

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
DRIPS = 100
"""Bytes of a header that come 0.02 seconds apart: two seconds, far beyond any timeout here."""

Handler = Callable[[socket.socket], None]


def guard() -> Guard:
    return Guard(lambda: AllowList.parse(("127.0.0.1",)))


def step(port: int, *, timeout: float = 5.0, connect_timeout: float = 5.0) -> Open:
    return Open(
        "POST",
        f"http://127.0.0.1:{port}/v1/chat/completions",
        {"content-type": "application/json"},
        b"{}",
        timeout=timeout,
        connect_timeout=connect_timeout,
        pool_timeout=1.0,
    )


def blocking(asked: Open) -> list[Reply]:
    """What a new blocking engine says to ``asked``: an error, or all replies up to the end."""
    engine = HttpxEngine(guard())
    try:
        return replies(engine, asked)
    finally:
        engine.close()


def replies(engine: HttpxEngine, asked: Open) -> list[Reply]:
    exchange = engine.open(asked)
    if isinstance(exchange, UpstreamError):
        return [exchange]
    read = [exchange.read(5.0)]
    while isinstance(read[-1], Chunk):
        read.append(exchange.read(5.0))
    exchange.close()
    return read


def awaiting(asked: Open) -> list[Reply]:
    """As ``blocking``, by the awaiting engine in a loop of its own."""
    return asyncio.run(areplies(AiohttpEngine(guard()), asked))


async def areplies(engine: AiohttpEngine, asked: Open) -> list[Reply]:
    exchange = await engine.open(asked)
    if isinstance(exchange, UpstreamError):
        return [exchange]
    read = [await exchange.read(5.0)]
    while isinstance(read[-1], Chunk):
        read.append(await exchange.read(5.0))
    exchange.close()
    return read


@contextmanager
def listening(handle: Handler) -> Iterator[tuple[int, list[socket.socket]]]:
    """A port whose connections ``handle`` answers, each in a thread; and those it has accepted."""
    accepted: list[socket.socket] = []
    threads: list[threading.Thread] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            handle(connection)

    def work() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                accepted.append(connection)
                threads.append(threading.Thread(target=serve, args=(connection,), daemon=True))
                threads[-1].start()

    acceptor = threading.Thread(target=work, daemon=True)
    acceptor.start()
    with ExitStack() as stack:
        stack.callback(acceptor.join, 10)
        stack.callback(listener.close)
        stack.callback(listener.shutdown, socket.SHUT_RDWR)
        try:
            yield listener.getsockname()[1], accepted
        finally:
            for connection in accepted:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join(10)


def whole_requests(connection: socket.socket) -> Iterator[None]:
    """Goes on each time that a request is there whole."""
    with connection.makefile("rb") as requests:
        while requests.readline():
            length = 0
            while (header := requests.readline().strip().lower()) != b"":
                if header.startswith(b"content-length:"):
                    length = int(header.partition(b":")[2])
            requests.read(length)
            yield


def keeps_alive(connection: socket.socket) -> None:
    """Answers every request and leaves the connection open."""
    for _ in whole_requests(connection):
        connection.sendall(ANSWER)


@pytest.mark.parametrize("door", [blocking, awaiting])
def test_headers_that_drip_are_given_up_when_their_time_is_over(
    door: Callable[[Open], list[Reply]],
) -> None:
    over = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nx-slow: ")
        for _ in range(DRIPS):
            if over.wait(0.02):
                return
            connection.sendall(b"y")
        connection.sendall(b"\r\ncontent-length: 0\r\n\r\n")

    with listening(drip) as (port, _):
        (error,) = door(step(port, timeout=0.3))
        over.set()
    assert isinstance(error, HeadersTimedOut)


@pytest.mark.parametrize("door", [blocking, awaiting])
def test_no_connection_within_a_timeout_shorter_than_that_for_connecting_is_a_connect_timeout(
    door: Callable[[Open], list[Reply]],
) -> None:
    with unaccepting_port() as port:
        (error,) = door(step(port, timeout=0.2, connect_timeout=0.2))
    assert isinstance(error, ConnectTimedOut)


@pytest.mark.parametrize("door", [blocking, awaiting])
@pytest.mark.parametrize(
    "rest", [b"zz\r\n{}\r\n", b"5\r\n{}", b"2\r\n{}\r\n", b"2\r\n{}X\r\n0\r\n\r\n"]
)
def test_a_chunked_body_that_is_broken_ends_in_an_error(
    door: Callable[[Open], list[Reply]], rest: bytes
) -> None:
    def answer(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n" + rest
        )

    with listening(answer) as (port, _):
        assert isinstance(door(step(port))[-1], UpstreamError)


@pytest.mark.parametrize("pieces", [(b"{}",), (b"{", b"}")])
def test_the_last_bytes_are_told_as_such_where_their_number_is(pieces: tuple[bytes, ...]) -> None:
    head = ANSWER.removesuffix(b"{}")

    def answer(connection: socket.socket) -> None:
        for _ in whole_requests(connection):
            connection.sendall(head + pieces[0])
            for piece in pieces[1:]:
                over.wait(0.05)
                connection.sendall(piece)

    async def twice() -> list[list[Reply]]:
        engine = AiohttpEngine(guard())
        return [await areplies(engine, step(port)) for _ in range(2)]

    over = threading.Event()
    whole = [Chunk(each, last=each is pieces[-1]) for each in pieces]
    with listening(answer) as (port, accepted):
        engine = HttpxEngine(guard())
        assert [replies(engine, step(port)) for _ in range(2)] == [[*whole, End()]] * 2
        engine.close()
        assert asyncio.run(twice()) == [[*whole, End()]] * 2
        # Whoever stops reading there leaves a socket behind that is asked again.
        assert len(accepted) == 2


@pytest.mark.parametrize("door", [blocking, awaiting])
def test_a_length_beside_chunks_ends_nothing(door: Callable[[Open], list[Reply]]) -> None:
    def answer(connection: socket.socket) -> None:
        next(whole_requests(connection))
        connection.sendall(
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 1\r\n\r\n"
        )
        for chunk in (b"1\r\n{\r\n", b"1\r\n}\r\n", b"0\r\n\r\n"):
            connection.sendall(chunk)
            over.wait(0.05)

    over = threading.Event()
    with listening(answer) as (port, _):
        read = door(step(port))
    # Whoever refuses such an answer is right as well.
    if not isinstance(read[0], UpstreamError):
        assert b"".join(each.data for each in read if isinstance(each, Chunk)) == b"{}"


@pytest.mark.parametrize("door", [blocking, awaiting])
def test_bytes_are_not_the_last_ones_where_more_are_announced_or_nothing_is(
    door: Callable[[Open], list[Reply]],
) -> None:
    def answer(connection: socket.socket) -> None:
        next(whole_requests(connection))
        connection.sendall(next(answers))

    answers = iter(
        (
            ANSWER.replace(b"content-length: 2", b"content-length: 3"),
            ANSWER.replace(b"content-length: 2", b"connection: close"),
        )
    )
    with listening(answer) as (port, _):
        first, error = door(step(port))
        assert first == Chunk(b"{}")
        assert isinstance(error, UpstreamError)
        bytes_told, end = door(step(port))
        assert isinstance(bytes_told, Chunk)
        assert bytes_told.data == b"{}"
        assert end == End()


CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
UNASKED = ANSWER.replace(b"{}", b"[]")


@pytest.mark.parametrize("asked_for", [ANSWER, CHUNKED], ids=["told length", "chunks"])
@pytest.mark.parametrize("surplus", [UNASKED, b"HTTP", b"\r\n"])
def test_what_comes_beyond_an_answer_answers_nobody_else(asked_for: bytes, surplus: bytes) -> None:
    def answer(connection: socket.socket) -> None:
        for _ in whole_requests(connection):
            connection.sendall(asked_for + surplus)

    def told(read: list[Reply]) -> bytes:
        return b"".join(each.data for each in read if isinstance(each, Chunk))

    async def thrice() -> list[bytes]:
        engine = AiohttpEngine(guard())
        return [told(await areplies(engine, step(port))) for _ in range(3)]

    with listening(answer) as (port, _):
        engine = HttpxEngine(guard())
        assert [told(replies(engine, step(port))) for _ in range(3)] == [b"{}"] * 3
        engine.close()
        assert asyncio.run(thrice()) == [b"{}"] * 3


def test_a_loop_that_ends_takes_its_sockets_with_it() -> None:
    engine = AiohttpEngine(guard())
    with listening(keeps_alive) as (port, accepted):
        for _ in range(3):
            assert isinstance(asyncio.run(areplies(engine, step(port)))[-1], End)
        assert len(accepted) == 3
        # The other side sees each of them closed.
        for connection in accepted:
            with suppress(OSError):
                connection.settimeout(5.0)
                assert connection.recv(1) == b""


def test_an_engine_works_on_in_its_loop_after_it_was_closed() -> None:
    async def twice() -> None:
        engine = AiohttpEngine(guard())
        assert isinstance((await areplies(engine, step(port)))[-1], End)
        await engine.close()
        assert isinstance((await areplies(engine, step(port)))[-1], End)

    with listening(keeps_alive) as (port, _):
        asyncio.run(twice())


def test_a_forked_process_does_not_talk_on_its_parents_connections() -> None:
    engine = HttpxEngine(guard())
    with listening(keeps_alive) as (port, accepted):
        assert isinstance(replies(engine, step(port))[-1], End)
        child = os.fork()
        if child == 0:
            answered = isinstance(replies(engine, step(port))[-1], End)
            os._exit(0 if answered else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert len(accepted) == 2
        assert isinstance(replies(engine, step(port))[-1], End)
        assert len(accepted) == 2
    engine.close()
