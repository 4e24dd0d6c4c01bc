"""Long operations, such as videos, after they have begun: a flow of steps, without I/O.

An upstream knows its work by an id of its own, and only the connection that started it may ask.
So the ``id`` of every ``GenerativeAiOperation`` that ``AiClient`` returns is a *handle*: text that
names the connection, the wire format, the model and the upstream's id. It can be stored (in a
database, between two requests of a browser) and given to ``AiClient.operation`` by any process of
the site, for as long as the connection exists; ``read_handle`` tells what is in it. It holds no key
and is not signed: whoever may hand one in can ask about any work of the site's connections, so
look up the stored one of the person who asks, as with a row's primary key.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, replace
from typing import Final

import orjson

from ai_client.encoding import BodyDecoder
from ai_client.endpoints import addressed, upstream_headers
from ai_client.errors import (
    AiClientError,
    BadContent,
    CapabilityUnsupported,
    InvalidArgument,
    KeyUnreadable,
    NoConnection,
    UpstreamError,
)
from ai_client.exchange import Drop, Open, Opened, Reply, Step
from ai_client.messages import GenerativeAiOperation, OperationState
from ai_client.reading import Patience, content_type, is_web_page, read_refusal, read_whole
from ai_client.router import Route
from ai_client.snapshot import ConnectionConfig
from ai_client.wire import (
    OperationFace,
    ResultFace,
    UnknownWireFormat,
    WireRequest,
    asking_face,
    operation_face,
)

MAXIMUM_FILES: Final = 16
"""An upstream whose work has more results goes round in circles."""

_MARK: Final = "op_"
_FIELDS: Final = 5


@dataclass(frozen=True, slots=True)
class OperationHandle:
    """Which work is meant. ``connection`` is the connection's id, ``provider`` its slug.

    ``id`` is the upstream's own.
    """

    connection: str
    provider: str
    wire: str
    model: str
    id: str

    def __str__(self) -> str:
        """As text of letters, digits, ``_`` and ``-``; ``read_handle`` reads it."""
        values = [self.connection, self.provider, self.wire, self.model, self.id]
        text = base64.urlsafe_b64encode(orjson.dumps(values)).decode()
        return _MARK + text.rstrip("=")


def read_handle(text: str) -> OperationHandle:
    """What a handle says. ``InvalidArgument`` for what is none."""
    packed = text.removeprefix(_MARK)
    try:
        values = orjson.loads(base64.b64decode(packed + "=" * (-len(packed) % 4), b"-_", True))
    except (ValueError, binascii.Error):
        values = None
    if (
        not text.startswith(_MARK)
        or not isinstance(values, list)
        or len(values) != _FIELDS
        or not all(isinstance(value, str) for value in values)
    ):
        raise InvalidArgument("This is no id of an operation.", param="operation_id")
    return OperationHandle(*values)


def with_handle(operation: GenerativeAiOperation, route: Route) -> GenerativeAiOperation:
    """The operation as callers get it: named by a handle in place of the upstream's id."""
    connection = route.connection
    handle = OperationHandle(
        connection.id, connection.provider.slug, route.wire_format, route.model, operation.id
    )
    return replace(operation, id=str(handle))


def route_of(handle: OperationHandle, connections: Iterable[ConnectionConfig]) -> Route:
    """The route by which work was started.

    ``NoConnection`` where its connection is not among ``connections`` any more,
    ``InvalidArgument`` where the handle names a wire format that its provider does not speak.
    """
    for connection in connections:
        provider = connection.provider
        if (connection.id, provider.slug) != (handle.connection, handle.provider):
            continue
        if handle.wire not in (each.wire for each in provider.operations):
            break
        return Route(connection, handle.model, handle.wire)
    else:
        raise NoConnection(
            "The connection that started this operation does not exist any more, or is switched"
            " off."
        )
    raise InvalidArgument("This is no id of an operation.", param="operation_id")


def follow(
    route: Route,
    operation_id: str,
    patience: Patience,
    connect_timeout: float,
    hide: Callable[[str, str], str],
) -> Generator[Step | GenerativeAiOperation, Reply, None]:
    """How far the work is, asked once; once it has succeeded, with its result, which is fetched.

    ``operation_id`` is the upstream's own, and what is yielded has a handle. Everything is asked
    of the connection's own origin. Raises the ``AiClientError`` that the upstream's answer is.
    ``hide`` takes the connection's key, its second argument, out of what an upstream said.
    """
    connection = route.connection
    face, asking = _faces(route)
    if connection.unusable:
        raise KeyUnreadable(connection.unusable)
    try:
        body, _ = yield from _asked(
            route, face.operation_request(operation_id), asking, patience, connect_timeout, hide
        )
        operation = face.parse_operation(body)
        if operation.state is OperationState.SUCCEEDED:
            for _ in range(MAXIMUM_FILES):
                wanted = face.content_request(operation)
                if wanted is None:
                    break
                body, kind = yield from _asked(
                    route, wanted, asking, patience, connect_timeout, hide
                )
                operation = face.parse_content(operation, body, kind)
    except AiClientError as error:
        error.clean(lambda text: hide(text, connection.api_key))
        raise
    operation = replace(operation, error=hide(operation.error, connection.api_key))
    yield with_handle(operation, route)


def _faces(route: Route) -> tuple[OperationFace, ResultFace]:
    try:
        face, asking = operation_face(route.wire_format), asking_face(route.wire_format)
    except UnknownWireFormat:
        face = None
    if face is None or not isinstance(asking, ResultFace):
        raise CapabilityUnsupported(
            f"{route.connection.provider.name} has no long operations of this kind."
        )
    return face, asking


def _asked(
    route: Route,
    wire: WireRequest,
    asking: ResultFace,
    patience: Patience,
    connect_timeout: float,
    hide: Callable[[str, str], str],
) -> Generator[Step, Reply, tuple[bytes, str]]:
    """The body of the answer, and its media type."""
    connection = route.connection
    url, wire = addressed(connection, wire, route.wire_format, route.model)
    patience.begin(connection.timeout)
    timeout = min(connection.timeout, patience.remaining())
    opened = yield Open(
        wire.method,
        url,
        upstream_headers(connection, wire),
        b"" if wire.method == "GET" else orjson.dumps(wire.body),
        timeout=timeout,
        connect_timeout=min(connect_timeout, timeout),
        pool_timeout=timeout,
        # Looks are far apart, and a kept socket would be a stale one.
        fresh=True,
    )
    if isinstance(opened, UpstreamError):
        raise opened
    assert isinstance(opened, Opened)
    if opened.status != 200:
        raise (
            yield from read_refusal(
                opened, asking, patience, lambda text: hide(text, connection.api_key)
            )
        )
    if is_web_page(opened):
        raise BadContent(f"{connection.provider.name} answered with a web page.")
    decoder = BodyDecoder(opened.headers.get("content-encoding", ""))
    body = yield from read_whole(decoder, patience)
    yield Drop()
    return body, content_type(opened)
