"""Why no model was found, told such that whoever asked knows what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ai_client.capabilities import Capability, ModelMetadata, ModelRequirements
from ai_client.errors import CapabilityUnsupported, NoModelFound
from ai_client.providers import Provider
from ai_client.requirements import are_met_by, described, unmet_by
from ai_client.selection.wishes import Offer, Wish


def nothing_found(
    offers: tuple[Offer, ...], wish: Wish, capability: Capability, others: Iterable[Provider]
) -> NoModelFound:
    """Why there is no route: what is missing and, of ``others`` too, who has it."""
    owner = wish.model[0] if wish.model else None
    asked = [offer for offer in offers if owner or offer.is_of(wish.provider)]
    if not offers:
        said = (
            f"No model found for {capability.value}: no connection is set up, and no provider has "
            "a key. Add a connection in the admin or with 'python manage.py apply_connections'."
        )
        return NoModelFound(said, param="provider")
    if not asked:
        names = ", ".join(dict.fromkeys(offer.connection.provider.slug for offer in offers))
        return NoModelFound(
            f"No model found for {capability.value}: the provider {wish.provider!r} has no "
            f"connection and no key. Those that have: {names}.",
            param="provider",
        )
    if wish.model is not None:
        return NoModelFound(
            f"No connection has the model {wish.model[1]!r}"
            + (f" of {wish.model[0]!r}" if wish.model[0] else "")
            + f". Models that connections name: {_named_models(asked)}.",
            param="model",
        )
    where = f" of the provider {wish.provider!r}" if wish.provider else ""
    needs = [each.value for each in wish.requirements.capabilities if each is not capability]
    needs += [described(each) for each in wish.requirements.options]
    lacking = "; ".join(dict.fromkeys(_lacking(asked, wish.requirements)))
    providers = {offer.connection.provider.slug: offer.connection.provider for offer in asked}
    if not wish.provider:
        providers |= {each.slug: each for each in others if each.slug not in providers}
    able = "; ".join(_able(providers.values(), wish.requirements, capability))
    return NoModelFound(
        f"No model{where} found for {capability.value}"
        + (f" with {', '.join(dict.fromkeys(needs))}" if needs else "")
        + (f". What is there lacks: {lacking}" if lacking else "")
        + (f". What has it all: {able}." if able else "."),
        param="model",
    )


def not_for_that(offer: Offer, model: str, capability: Capability) -> CapabilityUnsupported:
    """Why a provider is not asked for ``capability`` with that very model."""
    provider = offer.connection.provider
    able = "; ".join(_able((provider,), ModelRequirements((capability,)), capability))
    return CapabilityUnsupported(
        f"{provider.name} is not asked for {capability.value} with the model {model!r}"
        + (f"; with these it is: {able}." if able else "; take another provider."),
        param="model",
    )


def _lacking(offers: Iterable[Offer], requirements: ModelRequirements) -> Iterator[str]:
    for offer in offers:
        for model in offer.named:
            if lacks := unmet_by(requirements, model):
                yield f"{offer.connection.name}/{model.id} {', '.join(lacks)}"


def _able(
    providers: Iterable[Provider], requirements: ModelRequirements, capability: Capability
) -> Iterator[str]:
    for provider in providers:
        for kind in provider.kinds:
            model = ModelMetadata("", "", kind.capabilities, kind.options)
            names = [each for each in kind.models if provider.wire_for(capability, each)]
            if names and are_met_by(requirements, model):
                yield f"{provider.name} ({', '.join(names)})"
                break


def _named_models(offers: Iterable[Offer]) -> str:
    return ", ".join(
        dict.fromkeys(f"{each.connection.name}/{one.id}" for each in offers for one in each.named)
    )
