"""The site for ASGI servers: the gateway has its own door, the rest is Django's.

Django's handler and middleware cost several times what the gateway's own work does, so requests
under ``/v1/`` and ``/v1beta/`` do not pass through them.
"""

from __future__ import annotations

import os
import warnings
from typing import Any

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "koneek_site.settings")

# WhiteNoise gives each static file as a synchronous iterator, and Django's ASGI handler says so for
# each one it reads. The files are small.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous")

# Any: Django types its application for its own handlers.
django_application: Any = get_asgi_application()

# The apps' models can only be imported once the line above has set Django up.
from ai_client.gateway.asgi import (  # noqa: E402
    GatewayApplication,
    Receive,
    Scope,
    Send,
    request_path,
)
from ai_client.gateway.lifespan import Lifespan  # noqa: E402

gateway = GatewayApplication()
_GATEWAY_PATHS = ("/v1/", "/v1beta/")


async def http(scope: Scope, receive: Receive, send: Send) -> None:
    """The gateway's requests to the gateway, all others to Django.

    Channels' ``URLRouter`` would do the same; it copies each request's scope on the way.
    """
    is_for_gateway = request_path(scope).startswith(_GATEWAY_PATHS)
    await (gateway if is_for_gateway else django_application)(scope, receive, send)


application = ProtocolTypeRouter(
    {
        "http": http,
        "lifespan": Lifespan(),
    }
)
