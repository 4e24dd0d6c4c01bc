"""Who can count the tokens of a conversation: pure."""

from __future__ import annotations

from ai_client.errors import UnsupportedFeature
from ai_client.router import Route, resolve
from ai_client.snapshot import Snapshot


def routes(snapshot: Snapshot, name: str, *, allow_fallback: bool) -> tuple[Route, ...]:
    """Those of the routes for ``name`` whose provider counts; ``UnsupportedFeature`` if none."""
    found = resolve(snapshot, name, allow_fallback=allow_fallback)
    counting = tuple(
        Route(route.connection, route.model, route.connection.provider.counts_in)
        for route in found
        if route.connection.provider.counts_in
    )
    if not counting:
        providers = dict.fromkeys(route.connection.provider.name for route in found)
        raise UnsupportedFeature(
            f"{', '.join(providers)}: there is no endpoint that counts tokens."
        )
    return counting
