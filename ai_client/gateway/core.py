"""What every door of the gateway does, without I/O: bytes to a call, or to a refusal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from ai_client import conf
from ai_client.approvals import caller_label, gateway_caller
from ai_client.ask import Ask
from ai_client.client import AiClient
from ai_client.errors import AiClientError, MethodNotAllowed
from ai_client.gateway import bulk, counting, listing, reading, results
from ai_client.gateway.admission import Admission
from ai_client.gateway.call import JSON_HEADERS, Call, own_headers, unexpected
from ai_client.gateway.dialects import spoken
from ai_client.gateway.endpoints import Endpoint, Found, Kind
from ai_client.gateway.reading import Headers
from ai_client.gateway.strangers import Strangers
from ai_client.messages import GenerationRequest, JsonValue
from ai_client.prevention import require_enabled
from ai_client.progress import Progress
from ai_client.records import Outcome
from ai_client.router import Route
from ai_client.session import Reserve
from ai_client.snapshot import GatewayKeyConfig
from ai_client.trail import Trail
from ai_client.wire import (
    GatewayFace,
    RenderContext,
    ResultGatewayFace,
    WireResponse,
    framing_face,
    gateway_face,
    result_gateway_face,
)

SMALL_BODY_BYTES = 64 * 1024
"""A larger body is neither read nor parsed for whoever gets nothing for it anyway."""
_LISTS = (Kind.MODELS, Kind.MODEL)


@dataclass(frozen=True, slots=True)
class Gateway:
    """Lets requests in. ``peppers`` and ``require_key`` are read at use."""

    client: Callable[[], AiClient]
    peppers: Callable[[], tuple[bytes, ...]]
    require_key: Callable[[], bool] = field(default=lambda: True)
    admission: Callable[[], Admission | None] = field(default=lambda: None)
    strangers: Strangers = field(default_factory=Strangers)

    def open(
        self, found: Found, headers: Headers, body: bytes, query: str = ""
    ) -> Call | WireResponse:
        """A call for the request, or the response with which it is turned away.

        ``query`` is what stands behind the question mark of the address.
        """
        client = self.client()
        found = spoken(found, headers)
        endpoint = found.endpoint
        face = _face(endpoint)
        trail = client.trail(endpoint.dialect)
        try:
            self._identify(client, headers, trail)
            asked = reading.query_of(query)
            if endpoint.kind in _LISTS:
                require_enabled()
                listed = listing.render(client.snapshot(), found, asked, trail, trail.key)
                return WireResponse(200, listed, {**JSON_HEADERS, **own_headers(trail)})
            if len(body) > SMALL_BODY_BYTES:
                self._require_room(trail.key)
            payload = reading.json_object(body)
            model, stream = reading.model_of(found, payload), reading.is_streamed(endpoint, payload)
            trail.asked(model, trail.key, stream=stream)
            return self._call(client, face, endpoint, headers, payload, asked, trail)
        except AiClientError as error:
            return self._turn_away(client, face, trail, error)
        except Exception as defect:
            return self._turn_away(client, face, trail, unexpected(trail, defect))

    def spare(self, found: Found, headers: Headers) -> WireResponse | None:
        """The response for whoever gets nothing, whatever is in the body; None where it counts.

        That are callers without a key in force, and keys that have used up a minute or a budget.
        For large bodies, which are not worth reading then. No place is taken, and none is asked
        for: one may be free once the body has arrived.
        """
        client = self.client()
        found = spoken(found, headers)
        trail = client.trail(found.endpoint.dialect)
        try:
            self._identify(client, headers, trail)
            if found.endpoint.kind not in _LISTS:
                self._require_room(trail.key)
        except AiClientError as error:
            return self._turn_away(client, _face(found.endpoint), trail, error)
        return None

    def refuse(self, found: Found, headers: Headers, error: AiClientError) -> WireResponse:
        """The response for a request that a door itself turns away (size, time, method, path)."""
        client = self.client()
        endpoint = spoken(found, headers).endpoint
        trail = client.trail(endpoint.dialect)
        with suppress(AiClientError):
            self._identify(client, headers, trail)
        response = self._turn_away(client, _face(endpoint), trail, error)
        if not isinstance(error, MethodNotAllowed):
            return response
        return replace(response, headers={**response.headers, "allow": endpoint.method})

    def _identify(self, client: AiClient, headers: Headers, trail: Trail) -> None:
        """Whose request it is; from then on its record says so."""
        if self.require_key():
            key = reading.caller(headers, client.snapshot(), self.peppers(), trail.created)
            trail.asked("", key, stream=False)

    def _require_room(self, key: GatewayKeyConfig | None) -> None:
        admission = self.admission()
        if key is not None and admission is not None and admission.applies_to(key):
            admission.require_room(key)

    def _turn_away(
        self,
        client: AiClient,
        face: GatewayFace | ResultGatewayFace,
        trail: Trail,
        error: AiClientError,
    ) -> WireResponse:
        """Turn a request away before any connection was asked, and record that."""
        response = face.render_error(error, trail.request_id)
        if trail.key is not None or not self.require_key() or self.strangers.take_row():
            client.finish(trail, Progress(), Outcome.REFUSED, status=response.status, error=error)
        elif trail.watcher is not None:
            progress, now = Progress(), client.clock()
            record = trail.record(
                progress, now, Outcome.REFUSED, status=response.status, error=error
            )
            trail.watcher.ended(record, progress, now)
        return WireResponse(
            response.status,
            response.body,
            {**JSON_HEADERS, **own_headers(trail), **response.headers},
        )

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
            bulk.require_translatable(payload, conf.current().MAX_PARTS)
            return face.parse_request({"model": trail.requested_model, **payload})

        chat = gateway_face(endpoint.dialect) if endpoint.kind is Kind.CHAT else None
        include_usage = chat is not None and chat.wants_usage(payload)
        ask = Ask(
            stream=trail.stream,
            dialect=endpoint.dialect,
            body=payload,
            parse=parse,
            hide_usage=not include_usage,
            passed=reading.passed_on(endpoint, headers),
            capability=endpoint.capability,
        )
        allow_fallback = reading.allows_fallback(trail.key, headers)
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


def gateway_label(key: GatewayKeyConfig | None) -> str:
    """The label under which a key's requests are approved."""
    return caller_label(gateway_caller(None)) if key is None else key.label


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
