"""A stream through Django's handlers that its caller leaves: no place is lost, no row is missing.

Each caller leaves at a moment at which nobody closes the stream, or it was not begun.
"""

from __future__ import annotations

import asyncio
import gc
import json
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest, HttpResponseBase
from django.test import AsyncRequestFactory, RequestFactory
from django.utils.decorators import async_only_middleware

from ai_client.client import default_client
from ai_client.gateway.default import default_gateway
from ai_client.gateway.dropped import dropped
from ai_client.gateway.endpoints import find
from ai_client.gateway.views import gateway_view
from ai_client.key_services import create_gateway_key
from ai_client.log.writer import default_writer
from ai_client.models import RequestLog
from ai_client.simulator.server import Simulator
from tests.gateway.waiting import eventually
from tests.live_site import Site, forget_this_process

PATH = "/v1/chat/completions"
BODY = json.dumps(
    {"model": "auto", "stream": True, "messages": [{"role": "user", "content": "Hello there"}]}
).encode()
_FOUND = find(PATH)
assert _FOUND is not None
ENDPOINT = _FOUND.endpoint


@pytest.fixture
def asked(transactional_db: None, allow_local: None, simulator: Simulator, settings: Any) -> Site:
    """A site without a server, whose key has one place."""
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    simulator.clear()
    forget_this_process()
    default_writer().drain_once()
    RequestLog.objects.all().delete()
    _, key = create_gateway_key("tests", concurrency=1)
    site = Site("", key, simulator)
    site.connect(site.upstream("openai_chat", name="only"))
    return site


def in_one_loop(work: Callable[[], Awaitable[None]]) -> None:
    async def all_of_it() -> None:
        try:
            await work()
        finally:
            await default_client().close()

    asyncio.run(all_of_it())
    forget_this_process()


def request_of(factory: RequestFactory | AsyncRequestFactory, site: Site) -> Any:
    return factory.post(
        PATH, data=BODY, content_type="application/json", headers={"x-api-key": site.key}
    )


def wait_for_the_dropped() -> None:
    """Until all is done that finalizers have handed over; it is done in order."""
    done = threading.Event()
    dropped.hand_over(done.set)
    assert done.wait(10)


@pytest.mark.parametrize("held", ["spool", "places"])
def test_the_collector_may_run_while_a_lock_is_held(asked: Site, held: str) -> None:
    response: Any = async_to_sync(gateway_view)(request_of(RequestFactory(), asked), ENDPOINT)
    assert response.status_code == 200
    gc.collect()
    admission: Any = default_gateway().admission()
    # A cycle, as the traceback of an exception makes one.
    response.itself = response
    del response
    lock = default_writer().spool._lock if held == "spool" else admission._memory._lock
    collected = threading.Event()

    def collect() -> None:
        with lock:
            gc.collect()
        collected.set()

    threading.Thread(target=collect, daemon=True).start()
    assert collected.wait(10)
    wait_for_the_dropped()
    assert [row.outcome for row in asked.rows()] == ["client_closed"]
    default_client().engine.close()
    forget_this_process()


@pytest.mark.parametrize("is_closed", [True, False], ids=["closed", "dropped"])
def test_an_answer_of_asgi_that_nobody_reads(asked: Site, is_closed: bool) -> None:
    async def leave_each() -> None:
        for _ in range(3):
            response = await gateway_view(request_of(AsyncRequestFactory(), asked), ENDPOINT)
            assert response.status_code == 200, getattr(response, "content", b"")
            if is_closed:
                await asyncio.to_thread(response.close)
            del response
            gc.collect()
            await asyncio.to_thread(wait_for_the_dropped)

    in_one_loop(leave_each)
    assert [row.outcome for row in asked.rows()] == ["client_closed"] * 3


@pytest.mark.parametrize("is_closed", [True, False], ids=["closed", "dropped"])
def test_an_answer_of_wsgi_that_nobody_reads(asked: Site, is_closed: bool) -> None:
    for _ in range(3):
        response = async_to_sync(gateway_view)(request_of(RequestFactory(), asked), ENDPOINT)
        assert response.status_code == 200, getattr(response, "content", b"")
        if is_closed:
            response.close()
        del response
        gc.collect()
        wait_for_the_dropped()
    assert [row.outcome for row in asked.rows()] == ["client_closed"] * 3
    default_client().engine.close()
    forget_this_process()


@async_only_middleware
def holding(get_response: Callable[[HttpRequest], Awaitable[HttpResponseBase]]) -> Any:
    """A middleware that has the response and does not hand it on while it is asked to wait."""

    async def middleware(request: HttpRequest) -> HttpResponseBase:
        response = await get_response(request)
        if "x-hold" in request.headers:
            held.set()
            await asyncio.Event().wait()
        return response

    return middleware


held = asyncio.Event()


def scope_of(site: Site, **headers: str) -> dict[str, Any]:
    named = {"host": "127.0.0.1", "x-api-key": site.key, **headers}
    return {
        "type": "http",
        "method": "POST",
        "path": PATH,
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in named.items()],
    }


class Leaving:
    """A caller that sends its request and leaves once ``moment`` has come; what it was sent."""

    def __init__(self, moment: asyncio.Event | None = None) -> None:
        self.sent: list[Any] = []
        self._moment = moment or asyncio.Event()
        self._leaves_at_headers = moment is None
        self._asked = False

    async def receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": BODY}
        await self._moment.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)
        if self._leaves_at_headers:
            self._moment.set()
            await asyncio.Event().wait()


@pytest.mark.parametrize("moment", ["at the headers", "before the response exists"])
def test_a_caller_of_djangos_asgi_handler_that_leaves_early(
    asked: Site, moment: str, settings: Any
) -> None:
    settings.MIDDLEWARE = [f"{__name__}.holding"]

    async def leave_each() -> None:
        handler: Any = ASGIHandler()
        for _ in range(3):
            if moment == "at the headers":
                caller, scope = Leaving(), scope_of(asked)
            else:
                held.clear()
                caller, scope = Leaving(held), scope_of(asked, **{"x-hold": "yes"})
            await handler(scope, caller.receive, caller.send)
            statuses = [each["status"] for each in caller.sent if "status" in each]
            assert statuses == ([200] if moment == "at the headers" else [])

    in_one_loop(leave_each)
    assert [row.outcome for row in asked.rows()] == ["client_closed"] * 3
    # Whether its upstream was quicker or not, nobody waits for it any more.
    eventually(lambda: all(each.done for each in asked.simulator.requests))
