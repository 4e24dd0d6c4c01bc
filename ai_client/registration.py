"""Providers as connectors: each provider value becomes a connector type, once, at start."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from django.utils.functional import lazy
from django.utils.translation import gettext

from ai_client import providers
from ai_client.probes import DetectingProbe, ProviderProbe
from ai_client.providers import Provider, gettext_noop, scan
from ai_client.router import AUTO
from connectors.registry import ConnectorRegistry, registry
from connectors.values import ConnectorType, Field

_providers: dict[str, Provider] = {}

_lazily = lazy(gettext, str)


def register_providers(
    found: Iterable[Provider] | None = None, into: ConnectorRegistry = registry
) -> None:
    """Make connectors of ``found``, by default of those in ``ai_client.providers``.

    An app brings its own with ``register_providers(scan(my_package))`` in its ``ready``. One with
    the slug of a provider that is there takes its place, and the texts that it leaves blank stay.
    A connector that an app registered itself under the same slug keeps its form.
    """
    global _providers
    into.reserve_name(AUTO, _lazily(gettext_noop("the whole chain of connections")))
    for provider in scan(providers) if found is None else found:
        earlier = _providers.get(provider.slug)
        # Another thread may be looking at those that were there.
        _providers = {**_providers, provider.slug: provider}
        registered = into.get(provider.slug)
        if registered is None:
            into.register(as_connector(provider))
        elif earlier is not None and registered == as_connector(earlier):
            into.amend(_with_texts_of(registered, as_connector(provider)))


def registered() -> Mapping[str, Provider]:
    """All providers by slug, in order of registration."""
    return _providers


def provider_for(slug: str) -> Provider | None:
    """The provider of that slug, or None."""
    return _providers.get(slug)


def as_connector(provider: Provider) -> ConnectorType:
    """The connector type that a provider declares.

    Where a provider with an address names no variable for its key, it is called after the slug,
    as in WordPress. Without an address there is nowhere to send a key that all connections share.
    Texts are in the language of whoever reads them.
    """
    variable = provider.env_key or (key_variable(provider.slug) if provider.base_url else "")
    return ConnectorType(
        slug=provider.slug,
        name=_lazily(provider.name),
        description=_lazily(provider.description),
        credentials_url=provider.credentials_url,
        env_key=variable,
        setting_key=variable,
        option_name=f"connectors_ai_{provider.slug}_api_key".replace("-", "_"),
        env_base_url=provider.env_base_url or "",
        base_url=provider.base_url or "",
        key_required=provider.key_required,
        fields=tuple(_translated(each) for each in provider.fields),
        default_model=provider.default_model,
        probe=(ProviderProbe if provider.detect is None else DetectingProbe)(provider),
        check_address=provider.check_address,
        field_settings=tuple(provider.environment.values()),
    )


def key_variable(slug: str) -> str:
    """The environment variable of a provider's key, ``AZURE_AI_FOUNDRY_API_KEY``."""
    return re.sub(r"[^A-Z0-9]+", "_", slug.upper()) + "_API_KEY"


def _translated(field: Field) -> Field:
    return replace(field, label=_lazily(field.label), help=_lazily(field.help))


def _with_texts_of(earlier: ConnectorType, later: ConnectorType) -> ConnectorType:
    return replace(
        later,
        description=later.description or earlier.description,
        logo_url=later.logo_url or earlier.logo_url,
        credentials_url=later.credentials_url or earlier.credentials_url,
    )
