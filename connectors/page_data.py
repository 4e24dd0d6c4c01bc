"""What the page's scripts are told of the connectors: WordPress's script module data.

No secret, nothing of a hidden connector, one query, and nobody is asked over the network.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, Final

from connectors import settings_group
from connectors.application_passwords import resolve as resolve_pair
from connectors.binding import Credential, Source, bind
from connectors.credentials import provider_address
from connectors.models import Option
from connectors.registry import ConnectorRegistry
from connectors.registry import registry as site_registry
from connectors.values import ConnectorType

KEY_SOURCES: Final[Mapping[Source, str]] = {
    "env": "env",
    "setting": "constant",
    "database": "database",
    "app": "app",
    "none": "none",
}
"""Our sources by their names in WordPress, where a Django setting is a constant."""


def script_module_data(registry: ConnectorRegistry = site_registry) -> dict[str, Any]:
    """``connectors`` by slug, sorted, and that no file can be changed from the page."""
    connectors = sorted(registry.all(), key=lambda each: each.slug)
    names = {connector.setting_name for connector in connectors} - {""}
    options = {option.name: option for option in Option.objects.filter(name__in=names)}
    return {
        "connectors": {
            each.slug: _entry(each, options.get(each.setting_name)) for each in connectors
        },
        "isFileModDisabled": True,
    }


def _entry(connector: ConnectorType, option: Option | None) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": connector.name,
        "description": connector.description,
        "logoUrl": connector.logo_url or None,
        "type": connector.type,
        "authentication": _authentication(connector, option),
    }
    if connector.plugin_file:
        active = connector.active
        entry["plugin"] = {
            "file": connector.plugin_file,
            "isInstalled": active or _is_installed(connector.plugin_file),
            "isActivated": active,
        }
    return entry


def _authentication(connector: ConnectorType, option: Option | None) -> dict[str, Any]:
    if connector.method == "none":
        return {"method": "none"}
    return {
        "method": connector.method,
        "settingName": connector.setting_name,
        "credentialsUrl": connector.credentials_url or None,
        "keySource": KEY_SOURCES[settings_group.key_source(connector, option)],
        "isConnected": _is_connected(connector, option),
    }


def _is_connected(connector: ConnectorType, option: Option | None) -> bool:
    if connector.method == "application_password":
        return resolve_pair(connector, option).source != "none"
    address = provider_address(connector)
    found = bind(connector, option, address.origin if address else "")
    return isinstance(found, Credential) and found.source != "none"


def _is_installed(package: str) -> bool:
    """Whether the package could be imported; it is not."""
    top = package.partition(".")[0]
    try:
        return find_spec(top) is not None
    except (ImportError, ValueError):
        return False
