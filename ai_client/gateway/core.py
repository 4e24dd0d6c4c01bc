"""What every door of the gateway does, without I/O: bytes to a call, outputs to bytes.

A ``Call`` is one request that was let in. A door runs its session through a transport and hands
each output to ``complete`` (plain) or ``piece`` (stream); at the end it calls ``end``, ``fail``
or ``leave`` exactly once. The record is appended before the last bytes are handed out.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from ai_client.approvals import caller_label, gateway_caller
from ai_client.ask import Ask
from ai_client.client import AiClient
from ai_client.errors import (
    AiClientError,
    InvalidRequest,
    MethodNotAllowed,
)
from ai_client.exchange import Answer, Output, Piece
from ai_client.gateway import listing
from ai_client.gateway_keys import authenticate
from ai_client.json_text import load
from ai_client.messages import GenerationRequest, GenerativeAiResult, JsonValue
from ai_client.prevention import require_enabled
from ai_client.progress import Progress
from ai_client.records import Outcome
from ai_client.router import AUTO, visible_to
from ai_client.session import Session
from ai_client.snapshot import GatewayKeyConfig
from ai_client.trail import Trail
from ai_client.wire import GatewayFace, RenderContext, StreamRenderer, WireResponse, gateway_face

logger = logging.getLogger(__name__)

Headers = Iterable[tuple[bytes, bytes]]

JSON_HEADERS = {"content-type": "application/json"}
STREAM_HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    # Reverse proxies of the nginx family hold answers back without it.
    "x-accel-buffering": "no",
}
LONGEST_MODEL = 400
"""Characters; the longest ``connection/model`` that can be stored has 301."""
NO_FALLBACK_HEADER = b"x-koneek-fallback"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A path that the gateway serves: its dialect, method, and whether it lists or generates."""

    dialect: str
    method: str
    lists_models: bool = False


ENDPOINTS: Mapping[str, Endpoint] = {
    "/v1/chat/completions": Endpoint("openai_chat", "POST"),
    "/v1/models": Endpoint("openai_chat", "GET", lists_models=True),
}

UNKNOWN = Endpoint("openai_chat", "")
"""Stands for a path that is not served: the error is told in the most common dialect."""


@dataclass(slots=True)
class Call:
    """One request that was let in, on its way."""

    client: AiClient
    trail: Trail
    session: Session
    face: GatewayFace
    context: RenderContext
    stream: bool
    _renderer: StreamRenderer | None = None
    _recorded: bool = False

    def complete(self, output: Output) -> WireResponse:
        """The response to a plain request; records it."""
        assert isinstance(output, Answer)
        self.trail.heard(output)
        body = output.raw
        if body is None:
            assert isinstance(output.result, GenerativeAiResult)
            body = self.face.render_response(output.result, self.context)
        self._record(Outcome.SUCCESS, status=200)
        return WireResponse(200, body, {**JSON_HEADERS, **self.headers()})

    def piece(self, output: Output) -> bytes:
        """The bytes of one output of a stream; records the request with the last one."""
        assert isinstance(output, Piece)
        self.trail.heard(output)
        if output.last:
            self._record(Outcome.SUCCESS, status=200)
        if output.raw is not None:
            return output.raw
        renderer = self._renderer
        if renderer is None:
            renderer = self._renderer = self.face.StreamRenderer(self.context)
        return b"".join([renderer.feed(event) for event in output.events])

    def end(self) -> bytes:
        """The end of a stream that succeeded; empty where the upstream's own end was passed on."""
        self._record(Outcome.SUCCESS, status=200)
        return b"" if self._renderer is None else self._renderer.finish()

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
        renderer = self._renderer or self.face.StreamRenderer(self.context)
        return renderer.error(error)

    def leave(self) -> None:
        """The caller went away; a request that was complete by then stays a success."""
        self._record(Outcome.CLIENT_CLOSED)

    def unexpected(self, defect: Exception) -> AiClientError:
        """As the function of this name."""
        return unexpected(self.trail, defect)

    def headers(self) -> dict[str, str]:
        """The headers that every answer carries; what is not known yet is left out."""
        progress = self.session.progress
        headers = {"x-request-id": self.trail.request_id}
        if progress.attempts:
            headers["x-koneek-attempts"] = str(len(progress.attempts))
        if progress.route is not None and progress.committed:
            headers["x-koneek-connection"] = progress.route.connection.name
        return headers

    def _record(
        self, outcome: Outcome, *, status: int | None = None, error: AiClientError | None = None
    ) -> None:
        if self._recorded:
            return
        self._recorded = True
        self.client.finish(self.trail, self.session.progress, outcome, status=status, error=error)


@dataclass(frozen=True, slots=True)
class Gateway:
    """Lets requests in. ``peppers`` and ``require_key`` are read at use."""

    client: Callable[[], AiClient]
    peppers: Callable[[], tuple[bytes, ...]]
    require_key: Callable[[], bool] = field(default=lambda: True)

    def open(self, endpoint: Endpoint, headers: Headers, body: bytes) -> Call | WireResponse:
        """A call for the request, or the response with which it is turned away."""
        client = self.client()
        face = gateway_face(endpoint.dialect)
        trail = client.trail(endpoint.dialect)
        try:
            key = self._authenticated(client, headers, trail.created)
            require_enabled()
            if endpoint.lists_models:
                visible = visible_to(client.snapshot(), _caller(key))
                listed = listing.render(visible, trail.created)
                return WireResponse(200, listed, {**JSON_HEADERS, "x-request-id": trail.request_id})
            payload = _json_object(body)
            model, stream = _model(payload), _stream(payload)
            trail = _named(trail, model, stream, key)
            return self._call(client, face, endpoint, headers, payload, trail, key)
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
        face: GatewayFace,
        endpoint: Endpoint,
        headers: Headers,
        payload: Mapping[str, JsonValue],
        trail: Trail,
        key: GatewayKeyConfig | None,
    ) -> Call:
        def parse() -> GenerationRequest:
            return face.parse_request({"model": trail.requested_model, **payload})

        include_usage = face.wants_usage(payload)
        ask = Ask(
            stream=trail.stream,
            dialect=endpoint.dialect,
            body=payload,
            parse=parse,
            hide_usage=not include_usage,
        )
        allow_fallback = (key is None or key.allow_fallback) and not _forbids_fallback(headers)
        session = client.session(
            ask,
            trail.requested_model,
            allow_fallback=allow_fallback,
            caller=_caller(key),
            watcher=trail.watcher,
        )
        context = RenderContext(
            trail.request_id, trail.requested_model, int(trail.created), include_usage
        )
        return Call(client, trail, session, face, context, trail.stream)

    def refuse(self, endpoint: Endpoint, error: AiClientError) -> WireResponse:
        """The response for a request that a door itself turns away (key, size, time, method)."""
        client = self.client()
        face = gateway_face(endpoint.dialect)
        response = refuse(client, face, client.trail(endpoint.dialect), error)
        if not isinstance(error, MethodNotAllowed):
            return response
        return replace(response, headers={**response.headers, "allow": endpoint.method})


def unexpected(trail: Trail, defect: Exception) -> AiClientError:
    """Log a defect of ours; the error that the caller gets for it."""
    logger.error("Request %s failed.", trail.request_id, exc_info=defect)
    return AiClientError(
        f"The gateway failed. Its owner finds the reason in the log under {trail.request_id}."
    )


def refuse(client: AiClient, face: GatewayFace, trail: Trail, error: AiClientError) -> WireResponse:
    """Turn a request away before any connection was asked, and record that."""
    response = face.render_error(error, trail.request_id)
    client.finish(trail, Progress(), Outcome.REFUSED, status=response.status, error=error)
    return WireResponse(
        response.status,
        response.body,
        {**JSON_HEADERS, "x-request-id": trail.request_id, **response.headers},
    )


def _json_object(body: bytes) -> dict[str, JsonValue]:
    try:
        payload = load(body)
    except json.JSONDecodeError as error:
        raise InvalidRequest(f"The body is not valid JSON: {error.msg} (at {error.pos}).") from None
    if not isinstance(payload, dict):
        raise InvalidRequest("The body must be a JSON object.")
    return payload


def _model(payload: Mapping[str, JsonValue]) -> str:
    model = payload.get("model", AUTO)
    if not isinstance(model, str) or not model:
        raise InvalidRequest(
            f"'model' must be a non-empty string; {AUTO!r} asks the whole chain.", param="model"
        )
    if len(model) > LONGEST_MODEL:
        raise InvalidRequest(
            f"'model' must have at most {LONGEST_MODEL} characters.", param="model"
        )
    return model


def _stream(payload: Mapping[str, JsonValue]) -> bool:
    stream = payload.get("stream")
    if stream is None:
        return False
    if not isinstance(stream, bool):
        raise InvalidRequest("'stream' must be true or false.", param="stream")
    return stream


def _caller(key: GatewayKeyConfig | None) -> str:
    return caller_label(gateway_caller(key.name if key else None))


def _named(trail: Trail, model: str, stream: bool, key: GatewayKeyConfig | None) -> Trail:
    return replace(
        trail,
        requested_model=model,
        stream=stream,
        key=key,
        caller=key.name if key else "",
    )


def _forbids_fallback(headers: Headers) -> bool:
    for name, value in headers:
        if name.lower() == NO_FALLBACK_HEADER:
            word = value.decode("latin-1").strip().lower()
            if word in ("false", "0", "no", "off"):
                return True
            if word not in ("true", "1", "yes", "on"):
                raise InvalidRequest("x-koneek-fallback must be 'true' or 'false'.")
    return False
