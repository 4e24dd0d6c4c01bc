"""A provider's detection, question by question: a flow of steps, without I/O."""

from __future__ import annotations

from collections.abc import Callable, Generator

import orjson

from ai_client.encoding import BodyDecoder
from ai_client.endpoints import at_origin, upstream_headers
from ai_client.errors import (
    AiClientError,
    EndpointNotFound,
    HeadersTimedOut,
    UpstreamError,
)
from ai_client.exchange import Drop, Open, Opened, Reply, Step
from ai_client.json_text import dump
from ai_client.providers import Answered, Detected, NothingDetected, Probe
from ai_client.reading import Patience, read_refusal, read_whole
from ai_client.snapshot import ConnectionConfig
from ai_client.wire import WireRequest, client_face


def discover(
    connection: ConnectionConfig,
    patience: Patience,
    connect_timeout: float,
    hide: Callable[[str, str], str],
) -> Generator[Step | Detected, Reply, None]:
    """What the connection's provider finds out, as the last thing that comes.

    Raises ``EndpointNotFound`` with the provider's own words where it finds nothing or cannot
    look, and the ``AiClientError`` that a rejected key (401), a redirect or a broken connection
    is. ``hide`` takes the connection's key, its second argument, out of what a server said.
    """
    provider = connection.provider
    if provider.detect is None:
        raise EndpointNotFound(f"{provider.name} cannot be asked what it has.")
    patience.begin(connection.timeout)
    flow = provider.detect(connection.base_url, connection.options)
    try:
        probe = next(flow)
        while True:
            answered = yield from _answer(connection, probe, patience, connect_timeout, hide)
            probe = flow.send(answered)
    except StopIteration as found:
        yield found.value
    except NothingDetected as error:
        raise EndpointNotFound(str(error)) from None
    except AiClientError as error:
        error.clean(lambda text: hide(text, connection.api_key))
        raise
    finally:
        flow.close()


def _answer(
    connection: ConnectionConfig,
    probe: Probe,
    patience: Patience,
    connect_timeout: float,
    hide: Callable[[str, str], str],
) -> Generator[Step, Reply, Answered]:
    wire = WireRequest(
        probe.path,
        dict(probe.body or {}),
        query=probe.query,
        method="GET" if probe.body is None else "POST",
    )
    timeout = min(probe.timeout, connection.timeout, patience.remaining())
    opened = yield Open(
        wire.method,
        at_origin(connection, wire),
        upstream_headers(connection, wire),
        b"" if probe.body is None else dump(wire.body),
        timeout=timeout,
        connect_timeout=min(connect_timeout, timeout),
        pool_timeout=timeout,
        # Asked so seldom that a kept socket would be a stale one.
        fresh=True,
    )
    if isinstance(opened, HeadersTimedOut):
        patience.remaining()
        return Answered(0)
    if isinstance(opened, UpstreamError):
        raise opened
    assert isinstance(opened, Opened)
    if opened.status == 401 or 300 <= opened.status < 400:
        face = client_face(connection.provider.wire)
        raise (
            yield from read_refusal(
                opened, face, patience, lambda text: hide(text, connection.api_key)
            )
        )
    decoder = BodyDecoder(opened.headers.get("content-encoding", ""))
    body = yield from read_whole(decoder, patience)
    yield Drop()
    try:
        return Answered(opened.status, orjson.loads(body))
    except orjson.JSONDecodeError:
        return Answered(opened.status)
