"""The start and end of a server process (ASGI's lifespan protocol).

At start the configuration is read and the log's spool is looked through; at the end the log is
written out and sockets are closed. Servers without the protocol do the first at the first request
and leave the second to the next start.
"""

from __future__ import annotations

import asyncio
import logging

from django.db import connections

from ai_client.client import default_client
from ai_client.configuration import configuration
from ai_client.gateway.asgi import Receive, Scope, Send
from ai_client.log.writer import default_writer
from ai_client.refusals import default_refusals
from ai_client.wire import load_all

logger = logging.getLogger(__name__)


class Lifespan:
    """ASGI application for the ``lifespan`` scope."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await asyncio.to_thread(_start)
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await default_client().close()
                await asyncio.to_thread(_stop)
                await send({"type": "lifespan.shutdown.complete"})
                return


def _stop() -> None:
    try:
        default_refusals().write()
    except Exception:
        logger.exception("Refused requests could not be counted.")
    finally:
        connections.close_all()
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
