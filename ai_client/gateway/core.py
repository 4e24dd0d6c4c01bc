"""What every door of the gateway does, without I/O: bytes to a call, outputs to bytes.

A ``Call`` is one request that was let in. A door runs its session through a transport and hands
each output to ``complete`` (plain) or ``piece`` (stream); at the end it calls ``end``, ``fail``
or ``leave`` exactly once. The record is appended before the last bytes are handed out.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast
from urllib.parse import parse_qsl

from ai_client.approvals import caller_label, gateway_caller
from ai_client.ask import Ask
from ai_client.client import AiClient
from ai_client.errors import (
    AiClientError,
    InvalidRequest,
    MethodNotAllowed,
    UnsupportedFeature,
)
from ai_client.exchange import Answer, Output, Piece
from ai_client.gateway import counting, listing, results
from ai_client.gateway.admission import Admission, Lease
from ai_client.gateway.endpoints import Endpoint, Found, Kind
from ai_client.gateway_keys import authenticate
from ai_client.json_text import load
from ai_client.messages import GenerationRequest, GenerativeAiResult, JsonValue
from ai_client.prevention import require_enabled
from ai_client.progress import Progress
from ai_client.records import Outcome
from ai_client.router import AUTO, Route
from ai_client.session import Reserve, Session
from ai_client.snapshot import GatewayKeyConfig
from ai_client.sse import comment
from ai_client.trail import Trail
from ai_client.wire import (
    Framing,
    GatewayFace,
    RenderContext,
    ResultGatewayFace,
    StreamRenderer,
    WireResponse,
    framing_face,
    gateway_face,
    passed_headers,
    request_id_headers,
    result_gateway_face,
)

logger = logging.getLogger(__name__)

Headers = Iterable[tuple[bytes, bytes]]

JSON_HEADERS = {"content-type": "application/json"}
STREAM_HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    # Reverse proxies of the nginx family hold answers back without it.
    "x-accel-buffering": "no",
}
KEEP_ALIVE = comment("keep-alive")
LONGEST_MODEL = 400
"""Characters; the longest ``connection/model`` that can be stored has 301."""
NO_FALLBACK_HEADER = b"x-koneek-fallback"


@dataclass(slots=True)
class Call:
    """One request that was let in, on its way.

    ``chat`` is its ``face`` where a conversation is asked for, and may be streamed.
    """

    client: AiClient
    trail: Trail
    session: Session
    face: GatewayFace | ResultGatewayFace
    chat: GatewayFace | None
    context: RenderContext
    body: Mapping[str, JsonValue] = field(repr=False)
    stream: bool = False
    framing: Framing | None = None
    admission: Admission | None = None
    _renderer: StreamRenderer | None = None
    _lease: Lease | None = None
    _recorded: bool = False

    @property
    def is_limited(self) -> bool:
        """Whether ``admit`` or ``aadmit`` has to be called before the session runs."""
        key = self.trail.key
        return self.admission is not None and key is not None and self.admission.applies_to(key)

    def admit(self) -> WireResponse | None:
        """A place under the key's limits; the response with which it is refused if there is none.

        May wait for a shared store.
        """
        assert self.admission is not None
        assert self.trail.key is not None
        try:
            self._lease = self.admission.admit(self.trail.key)
        except AiClientError as error:
            return self._refused(error)
        return None

    async def aadmit(self) -> WireResponse | None:
        """As ``admit``, awaiting."""
        assert self.admission is not None
        assert self.trail.key is not None
        try:
            self._lease = await self.admission.aadmit(self.trail.key)
        except AiClientError as error:
            return self._refused(error)
        return None

    @property
    def keep_alive(self) -> bytes:
        """What may be sent while there is nothing to say."""
        return KEEP_ALIVE if self.framing is None else self.framing.keep_alive

    def complete(self, output: Output) -> WireResponse:
        """The response to a plain request; records it."""
        assert isinstance(output, Answer)
        self.trail.heard(output)
        response = self._whole(output)
        self._record(Outcome.SUCCESS, status=200)
        return WireResponse(
            200, response.body, {**JSON_HEADERS, **response.headers, **self.headers()}
        )

    def piece(self, output: Output) -> bytes:
        """The bytes of one output of a stream; records the request with the last one."""
        assert isinstance(output, Piece)
        self.trail.heard(output)
        if output.last:
            self._record(Outcome.SUCCESS, status=200)
        data = output.raw
        if data is None:
            renderer = self._rendering()
            data = b"".join([renderer.feed(event) for event in output.events])
        return data if self.framing is None else self.framing.feed(data)

    def end(self) -> bytes:
        """The end of a stream that succeeded; empty where the upstream's own end was passed on."""
        self._record(Outcome.SUCCESS, status=200)
        data = b"" if self._renderer is None else self._renderer.finish()
        return data if self.framing is None else self.framing.feed(data) + self.framing.finish()

    def fail(self, error: AiClientError) -> WireResponse:
        """The response for an error before anything was sent."""
        response = self.face.render_error(error, self.trail.request_id)
        self._record(Outcome.ERROR, status=response.status, error=error)
        return WireResponse(
            response.status,
            response.body,
            {**JSON_HEADERS, **response.headers, **self.headers()},
        )

    def break_off(self, error: AiClientError) -> bytes:
        """The dialect's error event for a stream that has begun; nothing follows it."""
        self._record(Outcome.ERROR, status=200, error=error)
        data = self._rendering().error(error)
        return data if self.framing is None else self.framing.feed(data) + self.framing.finish()

    def leave(self) -> None:
        """The caller went away; a request that was complete by then stays a success."""
        self._record(Outcome.CLIENT_CLOSED)

    def unexpected(self, defect: Exception) -> AiClientError:
        """As the function of this name."""
        return unexpected(self.trail, defect)

    def headers(self) -> dict[str, str]:
        """The headers that every answer carries; what is not known yet is left out."""
        progress = self.session.progress
        headers = dict.fromkeys(request_id_headers(self.trail.dialect), self.trail.request_id)
        if progress.attempts:
            headers["x-koneek-attempts"] = str(len(progress.attempts))
        if progress.route is not None and progress.committed:
            headers["x-koneek-connection"] = progress.route.connection.name
        if self._lease is not None:
            headers.update(self._lease.headers())
        return headers

    def stream_headers(self) -> dict[str, str]:
        """The headers with which a stream begins."""
        headers = {**STREAM_HEADERS, **self.headers()}
        if self.framing is not None:
            headers["content-type"] = self.framing.content_type
        return headers

    def _whole(self, output: Answer) -> WireResponse:
        if output.raw is not None:
            media_type = output.content_type
            return WireResponse(200, output.raw, {"content-type": media_type} if media_type else {})
        if self.chat is None:
            face = cast(ResultGatewayFace, self.face)
            route = self.session.progress.route
            asked = replace(self.context, model=route.model) if route else self.context
            return face.render_result(output.result, self.body, asked)
        assert isinstance(output.result, GenerativeAiResult)
        return WireResponse(200, self.chat.render_response(output.result, self.context))

    def _rendering(self) -> StreamRenderer:
        renderer = self._renderer
        if renderer is None:
            assert self.chat is not None
            renderer = self._renderer = self.chat.StreamRenderer(self.context)
        return renderer

    def _refused(self, error: AiClientError) -> WireResponse:
        response = self.face.render_error(error, self.trail.request_id)
        self._record(Outcome.REFUSED, status=response.status, error=error)
        return WireResponse(
            response.status, response.body, {**JSON_HEADERS, **response.headers, **self.headers()}
        )

    def _record(
        self, outcome: Outcome, *, status: int | None = None, error: AiClientError | None = None
    ) -> None:
        if self._recorded:
            return
        self._recorded = True
        record = self.client.finish(
            self.trail, self.session.progress, outcome, status=status, error=error
        )
        if self._lease is not None:
            self._lease.settle(record)


@dataclass(frozen=True, slots=True)
class Gateway:
    """Lets requests in. ``peppers`` and ``require_key`` are read at use."""

    client: Callable[[], AiClient]
    peppers: Callable[[], tuple[bytes, ...]]
    require_key: Callable[[], bool] = field(default=lambda: True)
    admission: Callable[[], Admission | None] = field(default=lambda: None)

    def open(
        self, found: Found, headers: Headers, body: bytes, query: str = ""
    ) -> Call | WireResponse:
        """A call for the request, or the response with which it is turned away.

        ``query`` is what stands behind the question mark of the address.
        """
        client = self.client()
        found = listing.spoken(found, headers)
        endpoint = found.endpoint
        face = _face(endpoint)
        trail = client.trail(endpoint.dialect)
        try:
            key = self._authenticated(client, headers, trail.created)
            asked = _query(query)
            if endpoint.kind in (Kind.MODELS, Kind.MODEL):
                require_enabled()
                listed = listing.render(client.snapshot(), found, asked, trail, key)
                return WireResponse(200, listed, {**JSON_HEADERS, "x-request-id": trail.request_id})
            payload = _json_object(body)
            model, stream = found.model or _model(payload), _stream(endpoint, payload)
            trail.asked(_checked_length(model), key, stream=stream)
            return self._call(client, face, endpoint, headers, payload, asked, trail)
        except AiClientError as error:
            return refuse(client, face, trail, error)
        except Exception as defect:
            return refuse(client, face, trail, unexpected(trail, defect))

    def require_caller(self, headers: Headers) -> None:
        """Raise ``AuthenticationFailed`` where ``open`` would refuse the key."""
        self._authenticated(self.client(), headers, time.time())

    def _authenticated(
        self, client: AiClient, headers: Headers, now: float
    ) -> GatewayKeyConfig | None:
        if not self.require_key():
            return None
        return authenticate(headers, client.snapshot().gateway_keys, self.peppers(), now)

    def _call(
        self,
        client: AiClient,
        face: GatewayFace | ResultGatewayFace,
        endpoint: Endpoint,
        headers: Headers,
        payload: Mapping[str, JsonValue],
        query: Mapping[str, str],
        trail: Trail,
    ) -> Call:
        def parse() -> GenerationRequest:
            return face.parse_request({"model": trail.requested_model, **payload})

        chat = gateway_face(endpoint.dialect) if endpoint.kind is Kind.CHAT else None
        include_usage = chat is not None and chat.wants_usage(payload)
        ask = Ask(
            stream=trail.stream,
            dialect=endpoint.dialect,
            body=payload,
            parse=parse,
            hide_usage=not include_usage,
            passed=_passed(endpoint, headers),
            capability=endpoint.capability,
        )
        allow_fallback = _allows_fallback(trail.key, headers)
        model, reserve = _routes(client, endpoint, trail, allow_fallback)
        session = client.session(
            ask,
            model,
            allow_fallback=allow_fallback,
            caller=gateway_label(trail.key),
            key=trail.key,
            watcher=trail.watcher,
            reserve=reserve,
        )
        context = RenderContext(
            trail.request_id, trail.requested_model, int(trail.created), include_usage, payload
        )
        frames = framing_face(endpoint.dialect) if trail.stream else None
        return Call(
            client,
            trail,
            session,
            face,
            chat,
            context,
            payload,
            trail.stream,
            None if frames is None else frames.framing(query),
            self.admission(),
        )

    def refuse(self, endpoint: Endpoint, error: AiClientError) -> WireResponse:
        """The response for a request that a door itself turns away (key, size, time, method)."""
        client = self.client()
        face = _face(endpoint)
        response = refuse(client, face, client.trail(endpoint.dialect), error)
        if not isinstance(error, MethodNotAllowed):
            return response
        return replace(response, headers={**response.headers, "allow": endpoint.method})


def gateway_label(key: GatewayKeyConfig | None) -> str:
    """The label under which a key's requests are approved."""
    return caller_label(gateway_caller(None)) if key is None else key.label


def unexpected(trail: Trail, defect: Exception) -> AiClientError:
    """Log a defect of ours; the error that the caller gets for it."""
    logger.error("Request %s failed.", trail.request_id, exc_info=defect)
    return AiClientError(
        f"The gateway failed. Its owner finds the reason in the log under {trail.request_id}."
    )


def refuse(
    client: AiClient, face: GatewayFace | ResultGatewayFace, trail: Trail, error: AiClientError
) -> WireResponse:
    """Turn a request away before any connection was asked, and record that."""
    response = face.render_error(error, trail.request_id)
    client.finish(trail, Progress(), Outcome.REFUSED, status=response.status, error=error)
    return WireResponse(
        response.status,
        response.body,
        {**JSON_HEADERS, "x-request-id": trail.request_id, **response.headers},
    )


def _face(endpoint: Endpoint) -> GatewayFace | ResultGatewayFace:
    if endpoint.kind in (Kind.RESULT, Kind.COUNT):
        return result_gateway_face(endpoint.dialect)
    return gateway_face(endpoint.dialect)


def _routes(
    client: AiClient, endpoint: Endpoint, trail: Trail, allow_fallback: bool
) -> tuple[str | Sequence[Route], Reserve | None]:
    """What the session is over: the model's name, or routes where that does not say it all."""
    model = trail.requested_model
    if endpoint.kind is Kind.COUNT:
        return counting.routes(client.snapshot(), model, allow_fallback=allow_fallback), None
    if endpoint.kind is Kind.RESULT:
        return results.routes(
            client.snapshot(),
            endpoint.capability,
            model,
            caller=gateway_label(trail.key),
            key=trail.key,
            allow_fallback=allow_fallback,
        )
    return model, None


def _json_object(body: bytes) -> dict[str, JsonValue]:
    try:
        payload = load(body)
    except json.JSONDecodeError as error:
        raise InvalidRequest(f"The body is not valid JSON: {error.msg} (at {error.pos}).") from None
    if not isinstance(payload, dict):
        raise InvalidRequest("The body must be a JSON object.")
    return payload


def _query(query: str) -> Mapping[str, str]:
    return dict(parse_qsl(query, keep_blank_values=True)) if query else {}


def _model(payload: Mapping[str, JsonValue]) -> str:
    model = payload.get("model", AUTO)
    if not isinstance(model, str) or not model:
        raise InvalidRequest(
            f"'model' must be a non-empty string; {AUTO!r} asks the whole chain.", param="model"
        )
    return model


def _checked_length(model: str) -> str:
    if len(model) > LONGEST_MODEL:
        raise InvalidRequest(
            f"'model' must have at most {LONGEST_MODEL} characters.", param="model"
        )
    return model


def _stream(endpoint: Endpoint, payload: Mapping[str, JsonValue]) -> bool:
    if endpoint.stream is not None:
        return endpoint.stream
    stream = payload.get("stream")
    if stream is None:
        return False
    if not isinstance(stream, bool):
        raise InvalidRequest("'stream' must be true or false.", param="stream")
    if stream and endpoint.kind is not Kind.CHAT:
        raise UnsupportedFeature(f"{endpoint.path} answers in one piece only.", param="stream")
    return stream


def _passed(endpoint: Endpoint, headers: Headers) -> Mapping[str, str] | None:
    names = passed_headers(endpoint.dialect)
    if not names:
        return None
    return {
        name.lower().decode("latin-1"): value.decode("latin-1")
        for name, value in headers
        if name.lower() in names
    }


def _allows_fallback(key: GatewayKeyConfig | None, headers: Headers) -> bool:
    return (key is None or key.allow_fallback) and not _forbids_fallback(headers)


def _forbids_fallback(headers: Headers) -> bool:
    for name, value in headers:
        if name.lower() == NO_FALLBACK_HEADER:
            word = value.decode("latin-1").strip().lower()
            if word in ("false", "0", "no", "off"):
                return True
            if word not in ("true", "1", "yes", "on"):
                raise InvalidRequest("x-koneek-fallback must be 'true' or 'false'.")
    return False
