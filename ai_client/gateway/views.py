"""The door inside Django, for sites that only include URLs: under ASGI and WSGI, streaming too.

``path("", include("ai_client.gateway.urls"))`` mounts it, under any prefix.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, closing

from django.core.exceptions import RequestDataTooBig
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt

from ai_client import conf
from ai_client.errors import AiClientError, MethodNotAllowed, PayloadTooLarge
from ai_client.exchange import Output
from ai_client.gateway.core import Call, Headers
from ai_client.gateway.default import default_gateway
from ai_client.gateway.endpoints import Endpoint, Found
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


def _open(request: HttpRequest, found: Found) -> Call | WireResponse:
    gateway, endpoint = default_gateway(), found.endpoint
    if request.method != endpoint.method:
        return gateway.refuse(
            endpoint,
            MethodNotAllowed(f"This path takes {endpoint.method}, not {request.method}."),
        )
    maximum = conf.current().MAX_BODY_BYTES
    too_large = PayloadTooLarge(f"The request's body is larger than {maximum // 1024} KiB.")
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > maximum:
        return gateway.refuse(endpoint, too_large)
    try:
        body = request.read(maximum + 1)
    except RequestDataTooBig:
        return gateway.refuse(endpoint, too_large)
    if len(body) > maximum:
        return gateway.refuse(endpoint, too_large)
    return gateway.open(found, _headers(request), body, request.META.get("QUERY_STRING", ""))


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

    async def body() -> AsyncIterator[bytes]:
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

    return _streaming(call, body())


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

    def body() -> Iterator[bytes]:
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

    return _streaming(call, body())


def _streaming(call: Call, body: Iterator[bytes] | AsyncIterator[bytes]) -> HttpResponseBase:
    return StreamingHttpResponse(body, headers=call.stream_headers())


def _response(response: WireResponse) -> HttpResponse:
    return HttpResponse(response.body, status=response.status, headers=dict(response.headers))
