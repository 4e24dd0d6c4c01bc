"""Which connection answers a prompt, with which model, and who stands in for it: pure.

What is preferred comes first, in the caller's order; then each connection with its own model, or
the first of the others that it names, or what its upstream lists. An upstream is asked for its list
only while nothing before it is found: healthy connections that name their models wait for nobody.
Whoever else would have to be asked stands in last, when all others have failed (``Chain.ask``).

Everybody in the chain meets the prompt's requirements, so fallback never lands on a model that does
not; only mere tuning that a connection's own model refuses is left out instead. Of models of which
nothing is known it is taken on trust, so where more than text is asked for, those that are known to
do it go before them. A model that is named explicitly is taken as it is. For embeddings only the
same model stands in.
"""

from __future__ import annotations

from ai_client.capabilities import Capability, ModelMetadata, ModelRequirements
from ai_client.requirements import are_met_by
from ai_client.selection.chain import Chain, routes, routes_at_hand
from ai_client.selection.wishes import PATIENCE, Listing, Models, Named, Offer, Wish


def supports(
    offer: Offer, model: ModelMetadata, requirements: ModelRequirements, capability: Capability
) -> bool:
    """Whether the model meets the requirements and is spoken to for ``capability``."""
    return (
        are_met_by(requirements, model)
        and offer.connection.provider.wire_for(capability, model.id) is not None
    )


__all__ = [
    "PATIENCE",
    "Chain",
    "Listing",
    "Models",
    "Named",
    "Offer",
    "Wish",
    "routes",
    "routes_at_hand",
    "supports",
]
