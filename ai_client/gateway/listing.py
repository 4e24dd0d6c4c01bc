"""Which names may stand for a model, told in the caller's dialect."""

from __future__ import annotations

from collections.abc import Mapping

from ai_client.approvals import caller_label, gateway_caller
from ai_client.errors import ModelNotFound
from ai_client.gateway.endpoints import Found, Kind
from ai_client.router import AUTO, visible_to
from ai_client.snapshot import GatewayKeyConfig, Snapshot
from ai_client.trail import Trail
from ai_client.wire import ServedModel, listing_face

SITE = "koneek"


def render(
    snapshot: Snapshot,
    found: Found,
    query: Mapping[str, str],
    trail: Trail,
    key: GatewayKeyConfig | None,
) -> bytes:
    """The list of models, or the one that the path names; ``ModelNotFound`` where it is none."""
    caller = caller_label(gateway_caller(None)) if key is None else key.label
    models = served(visible_to(snapshot, caller, key), int(trail.created))
    face = listing_face(found.endpoint.dialect)
    if found.endpoint.kind is Kind.MODELS:
        return face.render_models(models, query)
    for each in models:
        if each.name == found.model:
            return face.render_model(each)
    names = tuple(each.name for each in models)
    raise ModelNotFound(
        f"No connection or model is called {found.model!r}. Available: {', '.join(names)}.",
        available=names,
    )


def served(snapshot: Snapshot, created: int) -> list[ServedModel]:
    """Every name that a request may ask for. The owner is a provider, or the site."""
    owners: dict[str, str] = {AUTO: SITE} if snapshot.connections else {}
    for connection in snapshot.connections:
        if connection.model:
            owners.setdefault(connection.name, SITE)
    for connection in snapshot.connections:
        for model in (connection.model, *connection.models):
            if model:
                owners.setdefault(model, connection.provider.slug)
                owners.setdefault(f"{connection.name}/{model}", connection.provider.slug)
    return [ServedModel(name, owner, created) for name, owner in owners.items()]
