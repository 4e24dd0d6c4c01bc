"""Where a request goes and with which headers: pure."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from ai_client.snapshot import ConnectionConfig
from ai_client.wire import WireRequest

USER_AGENT = "koneek"


class UpstreamHeaders(dict[str, str]):
    """Headers that show their names only: error pages print what is in local variables."""

    def __repr__(self) -> str:
        return f"<headers: {', '.join(self)}>"


def endpoint(connection: ConnectionConfig, wire: WireRequest) -> str:
    """The absolute URL. The provider's version path is added unless the base URL ends with it."""
    base = connection.base_url.rstrip("/")
    version = connection.provider.version_path
    if version and not base.endswith(version):
        base += version
    query = f"?{urlencode(wire.query)}" if wire.query else ""
    return f"{base}/{wire.path.lstrip('/')}{query}"


def upstream_headers(connection: ConnectionConfig, wire: WireRequest) -> Mapping[str, str]:
    """All headers of an upstream request: nothing a caller of the gateway sent is among them."""
    headers = UpstreamHeaders(
        {
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
            "accept-encoding": "identity",
            "user-agent": USER_AGENT,
            **wire.headers,
            **(connection.provider.headers or {}),
        }
    )
    if connection.api_key:
        headers.update(connection.provider.auth.headers(connection.api_key))
    return headers
