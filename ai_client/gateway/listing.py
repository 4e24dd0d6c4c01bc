"""The list of models in OpenAI's shape: every name that may stand in a request's ``model``."""

from __future__ import annotations

import orjson

from ai_client.router import AUTO
from ai_client.snapshot import Snapshot


def render(snapshot: Snapshot, created: float) -> bytes:
    """The body of ``GET /v1/models``. ``owned_by`` is a connection's provider, or the site's."""
    owners: dict[str, str] = {AUTO: "koneek"} if snapshot.connections else {}
    for connection in snapshot.connections:
        owners.setdefault(connection.name, "koneek")
    for connection in snapshot.connections:
        for model in (connection.model, *connection.models):
            if model:
                owners.setdefault(model, connection.provider.slug)
                owners.setdefault(f"{connection.name}/{model}", connection.provider.slug)
    return orjson.dumps(
        {
            "object": "list",
            "data": [
                {"id": name, "object": "model", "created": int(created), "owned_by": owner}
                for name, owner in owners.items()
            ],
        }
    )
