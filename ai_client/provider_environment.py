"""Provider fields that the environment, or ``CONNECTORS``, holds for a provider's own address."""

from __future__ import annotations

from collections.abc import Mapping

from ai_client.providers import JsonValue, Provider
from connectors.conf import declared, from_environment
from connectors.credentials import provider_address
from connectors.errors import ConnectorError
from connectors.origins import origin_of
from connectors.values import ConnectorType


def environment_fields(
    provider: Provider, connector: ConnectorType | None, base_url: str
) -> Mapping[str, JsonValue]:
    """The fields that the environment says, for a connection to ``base_url``.

    None of them for another address than the provider's own: what is deployed at one says nothing
    of the other. The environment goes before ``CONNECTORS``, which may hold a list as well.
    """
    if not provider.environment or connector is None or not base_url:
        return {}
    own = provider_address(connector)
    try:
        if own is None or own.origin != origin_of(base_url):
            return {}
    except ConnectorError:
        return {}
    said = {
        name: from_environment(variable) or declared().get(variable)
        for name, variable in provider.environment.items()
    }
    return {name: value for name, value in said.items() if value}
