"""The start and end of a server process (ASGI's lifespan protocol).

At start the configuration is read and the log's spool is looked through; at the end the log is
written out and sockets are closed. Servers without the protocol do the first at the first request
and leave the second to the next start.
"""

from __future__ import annotations

import asyncio
import gc
import logging

from django.db import connections

from ai_client.client import default_client
from ai_client.configuration import configuration
from ai_client.gateway.asgi import Receive, Scope, Send
from ai_client.limits.default import close_limits
from ai_client.log.writer import default_writer
from ai_client.refusals import default_refusals
from ai_client.wire import load_all

logger = logging.getLogger(__name__)

_COLLECT_AFTER = (10_000, 20, 20)
"""New objects before the youngest are looked through, and how often before older ones are."""


class Lifespan:
    """ASGI application for the ``lifespan`` scope."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await asyncio.to_thread(_start)
                _spare_the_collector()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await default_client().close()
                await asyncio.to_thread(_stop)
                await send({"type": "lifespan.shutdown.complete"})
                return


def _spare_the_collector() -> None:
    """Under load a seventh of all time went into looking for garbage where there is hardly any.

    What is there at the start stays, and what a request makes goes with its last reference.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)


def _stop() -> None:
    try:
        default_refusals().write()
    except Exception:
        logger.exception("Refused requests could not be counted.")
    finally:
        connections.close_all()
    close_limits()
    default_writer().close()


def _start() -> None:
    load_all()
    try:
        configuration().current()
    except Exception:
        # A server that starts while the database is away serves as soon as that is back.
        logger.exception("The configuration cannot be read yet.")
    finally:
        # This thread is a pool's and is not seen again; its connection would stay open.
        connections.close_all()
    default_writer().start()
