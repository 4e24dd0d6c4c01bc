"""Where a request goes and with which headers: pure."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from ai_client.providers import Call
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
    return _joined(base, wire)


def addressed(
    connection: ConnectionConfig, wire: WireRequest, format_name: str, model: str
) -> tuple[str, WireRequest]:
    """The absolute URL and the request as it leaves, by the provider's own addressing if any.

    A provider's addressing may change path, query and body, never the origin.
    """
    address = connection.provider.address
    if address is None:
        return endpoint(connection, wire), wire
    sent = address(Call(connection.base_url, format_name, model, connection.options, wire))
    return at_origin(connection, sent), sent


def at_origin(connection: ConnectionConfig, wire: WireRequest) -> str:
    """The absolute URL of a path that is relative to the base URL's origin."""
    parts = urlsplit(connection.base_url)
    return _joined(f"{parts.scheme}://{parts.netloc}", wire)


def upstream_headers(
    connection: ConnectionConfig, wire: WireRequest, others: Mapping[str, str] | None = None
) -> Mapping[str, str]:
    """All headers of an upstream request: nothing a caller of the gateway sent is among them.

    ``others`` are this site's own; those of the dialect and the provider go before them.
    """
    headers = UpstreamHeaders(
        {
            **(others or {}),
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
            "accept-encoding": "identity",
            "user-agent": USER_AGENT,
            **wire.headers,
            **(connection.provider.headers or {}),
        }
    )
    if connection.api_key:
        auth = connection.provider.auth.at(connection.base_url, connection.options)
        headers.update(auth.headers(connection.api_key))
    return headers


def _joined(base: str, wire: WireRequest) -> str:
    query = f"?{urlencode(wire.query)}" if wire.query else ""
    return f"{base}/{wire.path.lstrip('/')}{query}"
