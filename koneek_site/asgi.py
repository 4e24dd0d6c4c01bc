"""The site for ASGI servers: the gateway has its own door, the rest is Django's.

Django's handler and middleware cost several times what the gateway's own work does, so requests
under ``/v1/`` do not pass through them.
"""

from __future__ import annotations

import os
import warnings
from typing import Any

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import re_path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "koneek_site.settings")

# WhiteNoise gives each static file as a synchronous iterator, and Django's ASGI handler says so for
# each one it reads. The files are small.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous")

# Any: Channels routes ASGI applications with Django's re_path, which is typed for views.
django_application: Any = get_asgi_application()

# The apps' models can only be imported once the line above has set Django up.
from ai_client.gateway.asgi import GatewayApplication  # noqa: E402
from ai_client.gateway.lifespan import Lifespan  # noqa: E402

gateway: Any = GatewayApplication()

application = ProtocolTypeRouter(
    {
        "http": URLRouter(
            [
                re_path(r"^v1/", gateway),
                re_path(r"", django_application),
            ]
        ),
        "lifespan": Lifespan(),
    }
)
