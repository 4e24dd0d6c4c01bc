"""The gateway of this process, over the site's client and settings."""

from __future__ import annotations

from functools import cache

from ai_client import conf
from ai_client.client import default_client
from ai_client.gateway.core import Gateway
from ai_client.key_services import peppers
from ai_client.limits.default import default_limits


@cache
def default_gateway() -> Gateway:
    """One gateway per process; its parts read their settings at use."""
    return Gateway(
        default_client, peppers, lambda: conf.current().REQUIRE_GATEWAY_KEY, default_limits
    )
