"""One request that was let in: outputs of its session to bytes, and its record.

A door runs the session through a transport and hands each output to ``complete`` (plain) or
``piece`` (stream); at the end it calls ``end``, ``fail`` or ``leave`` exactly once. The record is
appended before the last bytes are handed out.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import cast

from ai_client.client import AiClient
from ai_client.errors import AiClientError
from ai_client.exchange import Answer, Output, Piece
from ai_client.gateway.admission import Admission, Lease
from ai_client.messages import GenerativeAiResult, JsonValue
from ai_client.records import Outcome
from ai_client.session import Session
from ai_client.sse import comment
from ai_client.trail import Trail
from ai_client.wire import (
    Framing,
    GatewayFace,
    RenderContext,
    ResultGatewayFace,
    StreamRenderer,
    WireResponse,
    request_id_headers,
)

logger = logging.getLogger(__name__)

JSON_HEADERS = {"content-type": "application/json"}
STREAM_HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    # Reverse proxies of the nginx family hold answers back without it.
    "x-accel-buffering": "no",
}
KEEP_ALIVE = comment("keep-alive")
_ATTEMPTS = "x-koneek-attempts"


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
        except BaseException:
            self.leave()
            raise
        return None

    async def aadmit(self) -> WireResponse | None:
        """As ``admit``, awaiting."""
        assert self.admission is not None
        assert self.trail.key is not None
        try:
            self._lease = await self.admission.aadmit(self.trail.key)
        except AiClientError as error:
            return self._refused(error)
        except BaseException:
            self.leave()
            raise
        return None

    @property
    def is_over(self) -> bool:
        """Whether it is recorded, and its place under the key's limits given back."""
        return self._recorded

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
        """The headers that every answer carries; who answers only where that is known."""
        progress = self.session.progress
        headers = dict.fromkeys(request_id_headers(self.trail.dialect), self.trail.request_id)
        headers[_ATTEMPTS] = str([each.asked for each in progress.attempts].count(True))
        if progress.route is not None and progress.committed:
            headers["x-koneek-connection"] = progress.route.connection.name
        if self._lease is not None:
            headers.update(self._lease.headers())
        return headers

    def stream_headers(self) -> dict[str, str]:
        """The headers with which a stream begins, be it with a comment while nobody was asked."""
        headers = {**STREAM_HEADERS, **self.headers()}
        if not self.session.progress.attempts:
            del headers[_ATTEMPTS]
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


def unexpected(trail: Trail, defect: Exception) -> AiClientError:
    """Log a defect of ours; the error that the caller gets for it."""
    logger.error("Request %s failed.", trail.request_id, exc_info=defect)
    return AiClientError(
        f"The gateway failed. Its owner finds the reason in the log under {trail.request_id}."
    )


def own_headers(trail: Trail) -> dict[str, str]:
    """The headers of an answer for which no connection was asked."""
    headers = dict.fromkeys(request_id_headers(trail.dialect), trail.request_id)
    headers[_ATTEMPTS] = "0"
    return headers
