"""An upstream's list of models, page by page: a flow of steps, without I/O."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field

from ai_client.discovery import discover
from ai_client.encoding import BodyDecoder
from ai_client.endpoints import endpoint, upstream_headers
from ai_client.errors import AiClientError, BadContent, EndpointNotFound, UpstreamError
from ai_client.exchange import Drop, Open, Opened, Reply, Step
from ai_client.providers import Detected
from ai_client.reading import Patience, is_web_page, read_refusal, read_whole
from ai_client.snapshot import ConnectionConfig
from ai_client.wire import ListedModel, ModelPage, ModelsFace, WireRequest, client_face, models_face

MAXIMUM_PAGES = 20
"""An upstream that has more goes round in circles."""


@dataclass(frozen=True, slots=True)
class DetectedModel(ListedModel):
    """A model that was found out. ``fields`` are the provider's, which say what for."""

    fields: Mapping[str, str] = field(default_factory=dict)


def list_models(
    connection: ConnectionConfig,
    patience: Patience,
    connect_timeout: float,
    hide: Callable[[str, str], str],
) -> Generator[Step | ModelPage, Reply, None]:
    """The pages as they come. Raises the ``AiClientError`` that the upstream's answer is.

    ``EndpointNotFound`` where the dialect cannot list models. A provider that detects its models
    is asked so instead. ``hide`` takes the connection's key, its second argument, out of what an
    upstream said.
    """
    if connection.provider.detect is not None:
        yield from _detected(connection, patience, connect_timeout, hide)
        return
    face = models_face(connection.provider.wire)
    if face is None:
        raise EndpointNotFound(f"{connection.provider.name} has no list of models.")
    patience.begin(connection.timeout)
    cursor = ""
    for _ in range(MAXIMUM_PAGES):
        try:
            page = yield from _page(
                connection, face, face.models_request(cursor), patience, connect_timeout, hide
            )
        except AiClientError as error:
            error.clean(lambda text: hide(text, connection.api_key))
            raise
        yield page
        if not page.cursor or page.cursor == cursor:
            return
        cursor = page.cursor


def _detected(
    connection: ConnectionConfig,
    patience: Patience,
    connect_timeout: float,
    hide: Callable[[str, str], str],
) -> Generator[Step | ModelPage, Reply, None]:
    """As one page; the flow's other steps are handed on."""
    flow = discover(connection, patience, connect_timeout, hide)
    reply: Reply = None
    while True:
        try:
            step = flow.send(reply)
        except StopIteration:
            return
        if isinstance(step, Detected):
            yield ModelPage(tuple(DetectedModel(name, fields=step.fields) for name in step.models))
            reply = None
        else:
            reply = yield step


def _page(
    connection: ConnectionConfig,
    face: ModelsFace,
    wire: WireRequest,
    patience: Patience,
    connect_timeout: float,
    hide: Callable[[str, str], str],
) -> Generator[Step, Reply, ModelPage]:
    timeout = min(connection.timeout, patience.remaining())
    opened = yield Open(
        wire.method,
        endpoint(connection, wire),
        upstream_headers(connection, wire),
        b"",
        timeout=timeout,
        connect_timeout=min(connect_timeout, timeout),
        pool_timeout=timeout,
        # A list is asked for so seldom that a kept socket would be a stale one.
        fresh=True,
    )
    if isinstance(opened, UpstreamError):
        raise opened
    assert isinstance(opened, Opened)
    if opened.status != 200:
        refusing = client_face(connection.provider.wire)
        raise (
            yield from read_refusal(
                opened, refusing, patience, lambda text: hide(text, connection.api_key)
            )
        )
    if is_web_page(opened):
        raise BadContent(f"{connection.provider.name} answered with a web page.")
    decoder = BodyDecoder(opened.headers.get("content-encoding", ""))
    page = face.parse_models((yield from read_whole(decoder, patience)))
    yield Drop()
    return page
