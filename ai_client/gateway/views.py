"""The door inside Django, for sites that only include URLs: under ASGI and WSGI, streaming too.

``path("", include("ai_client.gateway.urls"))`` mounts it, under any prefix.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from contextlib import aclosing, closing
from functools import partial

from django.core.exceptions import RequestDataTooBig
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt

from ai_client import conf
from ai_client.errors import AiClientError, MethodNotAllowed, PayloadTooLarge
from ai_client.exchange import Output
from ai_client.gateway.call import Call
from ai_client.gateway.core import SMALL_BODY_BYTES
from ai_client.gateway.default import default_gateway
from ai_client.gateway.dialects import unknown
from ai_client.gateway.dropped import dropped
from ai_client.gateway.endpoints import Endpoint, Found, not_served
from ai_client.gateway.reading import Headers
from ai_client.transport import arun, run
from ai_client.wire import WireResponse


@csrf_exempt
async def gateway_view(
    request: HttpRequest, endpoint: Endpoint, model: str = ""
) -> HttpResponseBase:
    """One of the gateway's paths; ``model`` where the path names it.

    Under WSGI Django runs this coroutine in a loop of its own thread, so the blocking engine may
    be used there; its stream is then read by the server, outside any loop.
    """
    opened = _open(request, Found(endpoint, model))
    if isinstance(opened, WireResponse):
        return _response(opened)
    if isinstance(request, ASGIRequest):
        refusal = await opened.aadmit() if opened.is_limited else None
        return _response(refusal) if refusal else await _answer_awaiting(opened)
    refusal = opened.admit() if opened.is_limited else None
    return _response(refusal) if refusal else _answer_blocking(opened)


@csrf_exempt
async def unknown_view(request: HttpRequest, path: str) -> HttpResponseBase:
    """A path below those of the gateway that it does not serve."""
    headers = _headers(request)
    path = f"/{path}"
    return _response(default_gateway().refuse(unknown(path, headers), headers, not_served(path)))


def _open(request: HttpRequest, found: Found) -> Call | WireResponse:
    gateway, endpoint, headers = default_gateway(), found.endpoint, _headers(request)
    if request.method != endpoint.method:
        error = MethodNotAllowed(f"This path takes {endpoint.method}, not {request.method}.")
        return gateway.refuse(found, headers, error)
    maximum = conf.current().MAX_BODY_BYTES
    too_large = PayloadTooLarge(f"The request's body is larger than {maximum // 1024} KiB.")
    given = request.headers.get("content-length", "")
    length = int(given) if given.isdigit() else 0
    if length > maximum:
        return gateway.refuse(found, headers, too_large)
    spared = gateway.spare(found, headers) if length > SMALL_BODY_BYTES else None
    if spared is not None:
        return spared
    try:
        body = request.read(maximum + 1)
    except RequestDataTooBig:
        return gateway.refuse(found, headers, too_large)
    if len(body) > maximum:
        return gateway.refuse(found, headers, too_large)
    return gateway.open(found, headers, body, request.META.get("QUERY_STRING", ""))


def _headers(request: HttpRequest) -> Headers:
    return [
        (name.lower().encode("latin-1", "replace"), value.encode("latin-1", "replace"))
        for name, value in request.headers.items()
    ]


async def _answer_awaiting(call: Call) -> HttpResponseBase:
    outputs = arun(call.session, call.client.async_engine)
    try:
        first = await anext(outputs)
        if not call.stream:
            await outputs.aclose()
            return _response(call.complete(first))
    except AiClientError as error:
        return _response(call.fail(error))
    except Exception as error:
        return _response(call.fail(call.unexpected(error)))
    except BaseException:
        call.leave()
        raise
    return _streaming(call, _Awaited(call, outputs, first))


def _answer_blocking(call: Call) -> HttpResponseBase:
    outputs = run(call.session, call.client.engine)
    try:
        first: Output = next(outputs)
        if not call.stream:
            outputs.close()
            return _response(call.complete(first))
    except AiClientError as error:
        return _response(call.fail(error))
    except Exception as error:
        return _response(call.fail(call.unexpected(error)))
    except BaseException:
        call.leave()
        raise
    return _streaming(call, _Blocking(call, outputs, first))


class _Awaited:
    """A stream for ASGI, whose call ends with it: read to its end, left, or never begun.

    A generator that was not begun runs nothing when it is closed. Django calls ``close`` of what
    it was given, in a thread; where its task was cancelled before it had the response, nobody does.
    """

    def __init__(self, call: Call, outputs: AsyncGenerator[Output, None], first: Output) -> None:
        self._call = call
        self._outputs = outputs
        self._pieces = _awaited(call, outputs, first)
        self._loop = asyncio.get_running_loop()
        dropped.start()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._pieces

    def close(self) -> None:
        """The call is over, and the upstream is let go."""
        _end_awaited(self._call, self._pieces, self._outputs, self._loop)

    def __del__(self) -> None:
        if not self._call.is_over:
            end = partial(_end_awaited, self._call, self._pieces, self._outputs, self._loop)
            dropped.hand_over(end)


class _Blocking:
    """As ``_Awaited``, for WSGI."""

    def __init__(self, call: Call, outputs: Generator[Output, None, None], first: Output) -> None:
        self._call = call
        self._outputs = outputs
        self._pieces = _blocking(call, outputs, first)
        dropped.start()

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def close(self) -> None:
        """The call is over, and the upstream is let go."""
        _end_blocking(self._call, self._pieces, self._outputs)

    def __del__(self) -> None:
        if not self._call.is_over:
            dropped.hand_over(partial(_end_blocking, self._call, self._pieces, self._outputs))


async def _awaited(
    call: Call, outputs: AsyncGenerator[Output, None], first: Output
) -> AsyncGenerator[bytes, None]:
    try:
        async with aclosing(outputs):
            yield call.piece(first)
            async for output in outputs:
                yield call.piece(output)
        yield call.end()
    except AiClientError as error:
        yield call.break_off(error)
    except Exception as error:
        yield call.break_off(call.unexpected(error))
    finally:
        call.leave()


def _blocking(
    call: Call, outputs: Generator[Output, None, None], first: Output
) -> Generator[bytes, None, None]:
    try:
        with closing(outputs):
            yield call.piece(first)
            for output in outputs:
                yield call.piece(output)
        yield call.end()
    except AiClientError as error:
        yield call.break_off(error)
    except Exception as error:
        yield call.break_off(call.unexpected(error))
    finally:
        call.leave()


def _end_awaited(
    call: Call,
    pieces: AsyncGenerator[bytes, None],
    outputs: AsyncGenerator[Output, None],
    loop: asyncio.AbstractEventLoop,
) -> None:
    call.leave()
    if not loop.is_closed():
        asyncio.run_coroutine_threadsafe(_let_go(pieces, outputs), loop)


def _end_blocking(
    call: Call, pieces: Generator[bytes, None, None], outputs: Generator[Output, None, None]
) -> None:
    call.leave()
    pieces.close()
    outputs.close()


async def _let_go(*generators: AsyncGenerator[object, None]) -> None:
    for each in generators:
        await each.aclose()


def _streaming(call: Call, body: _Awaited | _Blocking) -> HttpResponseBase:
    return StreamingHttpResponse(body, headers=call.stream_headers())


def _response(response: WireResponse) -> HttpResponse:
    answer = HttpResponse(response.body, status=response.status, headers=dict(response.headers))
    # The request log has it. Django's would mail an upstream's failure to the site's ADMINS.
    vars(answer)["_has_been_logged"] = True
    return answer
