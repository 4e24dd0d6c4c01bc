"""Providers as connectors: each provider value becomes a connector type, once, at start."""

from __future__ import annotations

from collections.abc import Iterable

from ai_client import providers
from ai_client.providers import Provider, scan
from ai_client.router import AUTO
from connectors.registry import ConnectorRegistry, registry
from connectors.values import ConnectorType

_providers: dict[str, Provider] = {}


def register_providers(
    found: Iterable[Provider] | None = None, into: ConnectorRegistry = registry
) -> None:
    """Register ``found`` (by default those of ``ai_client.providers``) where they are not yet.

    An app brings its own with ``register_providers(scan(my_package))`` in its ``ready``. A
    connector that an app registered first under the same slug keeps its own form.
    """
    into.reserve_name(AUTO, "the whole chain of connections")
    for provider in scan(providers) if found is None else found:
        _providers[provider.slug] = provider
        if not into.is_registered(provider.slug):
            into.register(as_connector(provider))


def provider_for(slug: str) -> Provider | None:
    """The provider of that slug, or None."""
    return _providers.get(slug)


def as_connector(provider: Provider) -> ConnectorType:
    """The connector type that a provider declares."""
    return ConnectorType(
        slug=provider.slug,
        name=provider.name,
        description=provider.description,
        credentials_url=provider.credentials_url,
        env_key=provider.env_key or "",
        env_base_url=provider.env_base_url or "",
        base_url=provider.base_url or "",
        key_required=provider.key_required,
        fields=provider.fields,
    )
