"""What the modules in ``ai_client.wire`` take, give back and have to offer: values and faces.

A face is a set of pure functions that a module has; whoever needs one asks ``ai_client.wire`` for
it by the dialect's name. The values are imported from there too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from ai_client.errors import AiClientError
from ai_client.events import Event
from ai_client.messages import (
    AnyResult,
    GenerationRequest,
    GenerativeAiOperation,
    GenerativeAiResult,
    JsonValue,
)
from ai_client.sse import ServerSentEvent
from ai_client.values import value


@value(frozen=True, slots=True)
class Target:
    """Where a request is going: the model id there, and what the connection says about it.

    ``options`` are the connection's provider fields (the provider declares which); ``provider``
    is the display name used in messages.
    """

    model: str
    provider: str = ""
    options: Mapping[str, JsonValue] = field(default_factory=dict)


@value(frozen=True, slots=True)
class WireRequest:
    """A request in a dialect: path relative to the base URL, own headers, JSON body.

    Credentials are not in it; the provider's authentication adds them when it is sent.
    ``warnings`` names tuning that the dialect cannot say and that was left out. ``expects`` is
    what reading the answer needs to know of the request (the format of an image, say).
    ``tool_names`` are functions that go by another name here: that name, and the caller's.
    """

    path: str
    body: dict[str, JsonValue]
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"
    warnings: tuple[str, ...] = ()
    expects: Mapping[str, JsonValue] = field(default_factory=dict)
    tool_names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WireResponse:
    """A complete answer to a caller. The body is JSON unless ``headers`` say otherwise."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RenderContext:
    """What a gateway face needs to know beside the answer itself.

    ``created`` is Unix seconds; ``include_usage`` whether the caller asked for usage in the
    stream; ``model`` the name to answer with where the upstream gave none; ``body`` what the
    caller sent, for dialects whose answers repeat the request.
    """

    request_id: str
    model: str
    created: int
    include_usage: bool = False
    body: Mapping[str, JsonValue] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model that an upstream offers: the id to send, and the vendor's name for it."""

    id: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class ModelPage:
    """One page of an upstream's model list. ``cursor`` asks for the next; blank at the end."""

    models: tuple[ListedModel, ...]
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A name that may stand in a caller's ``model``; ``owner`` is a provider, or this site."""

    name: str
    owner: str
    created: int


class StreamParser(Protocol):
    """Reads one upstream stream. Made per attempt."""

    finished: bool
    """Whether the dialect's own end of stream has been seen."""

    last_usage_only: bool = False
    """Whether the event just fed carried token counts and nothing else for the caller.

    Set by dialects where counts come only when asked for (OpenAI's chunk without choices): a
    caller who did not ask must not get that event. False, and never touched, in the others.
    """

    def feed(self, event: ServerSentEvent) -> Sequence[Event]:
        """Events in one server-sent event.

        Raises ``MalformedAnswer`` where the data is not what the dialect prescribes and the class
        that fits an error sent inside the stream. Never skips silently.
        """

    def close(self) -> Sequence[Event]:
        """What is left at the end of the body; ``StreamTruncated`` if the end was not seen."""


@runtime_checkable
class ClientFace(Protocol):
    """Speaks a dialect to upstreams."""

    def render_request(self, request: GenerationRequest, target: Target) -> WireRequest:
        """The request in this dialect; ``UnsupportedFeature`` for what it cannot say."""

    def forward_request(
        self, body: Mapping[str, JsonValue], target: Target, *, stream: bool
    ) -> WireRequest:
        """A caller's body of the same dialect, changed only in the model and what must be."""

    def parse_response(self, body: bytes) -> GenerativeAiResult:
        """A complete 200 answer. An error body inside it is raised as the error it is."""

    def parse_error(self, status: int, headers: Mapping[str, str], body: bytes) -> AiClientError:
        """The class and a cleaned message for an answer with an error status."""

    def StreamParser(self) -> StreamParser:
        """A parser for one stream."""


@runtime_checkable
class ResultFace(Protocol):
    """Asks an upstream for what is no conversation: images, embeddings, speech, videos."""

    def render_request(self, request: GenerationRequest, target: Target) -> WireRequest:
        """As ``ClientFace.render_request``."""

    def forward_request(
        self, body: Mapping[str, JsonValue], target: Target, *, stream: bool
    ) -> WireRequest:
        """As ``ClientFace.forward_request``."""

    def parse_result(self, body: bytes, content_type: str, sent: WireRequest) -> AnyResult:
        """A complete 200 answer to ``sent``; the body may be media of ``content_type``."""

    def parse_error(self, status: int, headers: Mapping[str, str], body: bytes) -> AiClientError:
        """As ``ClientFace.parse_error``."""


@runtime_checkable
class OperationFace(Protocol):
    """Follows work that an upstream goes on with after it has answered."""

    def operation_request(self, operation_id: str) -> WireRequest:
        """Asks how far it is. ``InvalidRequest`` for what cannot be an id of this dialect."""

    def parse_operation(self, body: bytes) -> GenerativeAiOperation:
        """How far it is; with its result where the answer holds it."""

    def content_request(self, operation: GenerativeAiOperation) -> WireRequest | None:
        """Fetches the result of a succeeded operation; None where ``parse_operation`` gave it."""

    def parse_content(
        self, operation: GenerativeAiOperation, body: bytes, content_type: str
    ) -> GenerativeAiOperation:
        """The operation with the result that was fetched."""


@runtime_checkable
class ModelsFace(Protocol):
    """Lists an upstream's models; a dialect may lack it."""

    def models_request(self, cursor: str) -> WireRequest:
        """The request for the page at ``cursor``, blank for the first. It has no body."""

    def parse_models(self, body: bytes) -> ModelPage:
        """A page. ``BadContent`` for what is none, the error that an error body says it is."""


class StreamRenderer(Protocol):
    """Writes one stream to a caller. Made per answer."""

    def feed(self, event: Event) -> bytes:
        """The bytes for one event; may be empty."""

    def finish(self) -> bytes:
        """The dialect's end of a successful stream."""

    def error(self, error: AiClientError) -> bytes:
        """The dialect's error event; nothing that looks like success follows it."""


@runtime_checkable
class GatewayFace(Protocol):
    """Serves callers of a dialect."""

    def parse_request(self, body: Mapping[str, JsonValue]) -> GenerationRequest:
        """The caller's request; ``InvalidRequest`` naming the field where it is malformed."""

    def wants_usage(self, body: Mapping[str, JsonValue]) -> bool:
        """Whether the caller asked for usage inside a stream."""

    def render_response(self, result: GenerativeAiResult, context: RenderContext) -> bytes:
        """A complete answer's body."""

    def render_error(self, error: AiClientError, request_id: str) -> WireResponse:
        """The status, body and headers with which the dialect's SDKs raise the right class."""

    def StreamRenderer(self, context: RenderContext) -> StreamRenderer:
        """A renderer for one stream."""


class Framing(Protocol):
    """Puts a stream that is written as server-sent events into another frame, whole events each.

    ``keep_alive`` are bytes that say nothing, to be sent while there is nothing to say.
    """

    content_type: str
    keep_alive: bytes

    def feed(self, events: bytes) -> bytes:
        """The same events in this frame."""

    def finish(self) -> bytes:
        """What closes the frame, after a success and after an error alike."""


@runtime_checkable
class FramingFace(Protocol):
    """Sends streams in other frames than server-sent events, where a caller asks for that."""

    def framing(self, query: Mapping[str, str]) -> Framing | None:
        """The frame for a stream that was asked for with ``query``; None for server-sent events."""


@runtime_checkable
class ResultGatewayFace(Protocol):
    """Serves callers of a dialect with what is no conversation: vectors, images, speech, counts."""

    def parse_request(self, body: Mapping[str, JsonValue]) -> GenerationRequest:
        """As ``GatewayFace.parse_request``."""

    def render_result(
        self, result: AnyResult, body: Mapping[str, JsonValue], context: RenderContext
    ) -> WireResponse:
        """A complete answer to the caller's ``body``; it may be media of another type than JSON."""

    def render_error(self, error: AiClientError, request_id: str) -> WireResponse:
        """As ``GatewayFace.render_error``."""


@runtime_checkable
class ListingFace(Protocol):
    """Tells callers of a dialect which names may stand in a request's ``model``."""

    def render_models(self, models: Sequence[ServedModel], query: Mapping[str, str]) -> bytes:
        """The list, or the page of it that the caller's ``query`` asks for.

        ``InvalidRequest`` naming the parameter where that is malformed.
        """

    def render_model(self, model: ServedModel) -> bytes:
        """One of them."""
