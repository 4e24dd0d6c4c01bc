"""What an address has, found out now: a provider's detection, carried out.

Every question goes through the address guard, over a socket of its own, to the connection's own
origin; no redirect is followed.
"""

from __future__ import annotations

import time
from contextlib import closing

from ai_client import conf
from ai_client.ask import Limits
from ai_client.discovery import discover
from ai_client.log.redaction import hide
from ai_client.providers import Detected
from ai_client.reading import Patience
from ai_client.snapshot import ConnectionConfig
from ai_client.transport import drive
from ai_client.transport.guard import Guard
from ai_client.transport.sync_engine import HttpxEngine


def detected(connection: ConnectionConfig, limits: Limits) -> Detected:
    """What the connection's provider finds at its address.

    ``EndpointNotFound`` where that is nothing; else the ``AiClientError`` that happened.
    """
    flow = discover(connection, Patience(limits, time.monotonic), limits.connect, hide)
    engine = HttpxEngine(Guard(conf.allowed_private_hosts))
    with closing(engine), closing(drive(flow, engine)) as found:
        return next(found)
