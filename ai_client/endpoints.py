"""Where a request goes and with which headers: pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import urlencode, urlsplit

from ai_client.providers import Call
from ai_client.snapshot import ConnectionConfig
from ai_client.wire import WireRequest

USER_AGENT = "koneek"
_NONE: Mapping[str, str] = {}


class UpstreamHeaders(dict[str, str]):
    """Headers that show their names only: error pages print what is in local variables."""

    def __repr__(self) -> str:
        return f"<headers: {', '.join(self)}>"


def endpoint(connection: ConnectionConfig, wire: WireRequest) -> str:
    """The absolute URL. The provider's version path is added unless the base URL ends with it."""
    return _joined(_versioned(connection.base_url, connection.provider.version_path), wire)


@lru_cache(maxsize=1024)
def _versioned(base_url: str, version: str) -> str:
    base = base_url.rstrip("/")
    return base if not version or base.endswith(version) else base + version


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
    # No local variable is the headers or the key: pages about errors print them.
    return UpstreamHeaders(
        {
            **(others or _NONE),
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
            "accept-encoding": "identity",
            "user-agent": USER_AGENT,
            **wire.headers,
            **(connection.provider.headers or _NONE),
            **(_credentials(connection) if connection.api_key else _NONE),
        }
    )


def _joined(base: str, wire: WireRequest) -> str:
    query = f"?{urlencode(wire.query)}" if wire.query else ""
    return f"{base}/{wire.path.lstrip('/')}{query}"


def _credentials(connection: ConnectionConfig) -> Mapping[str, str]:
    auth = connection.provider.auth.at(connection.base_url, connection.options)
    return auth.headers(connection.api_key)
