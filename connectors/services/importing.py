"""Storing what an export of WordPress or Koneek holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from connectors.errors import ConnectorError
from connectors.models import Connection
from connectors.registry import registry
from connectors.services.applying import (
    KEY_REMOVED,
    Action,
    AppliedConnection,
    naming_note,
)
from connectors.services.connections import create_connection, update_connection
from connectors.services.options import set_option
from connectors.services.planning import ConnectionValues
from connectors.services.versions import rehearsal, writing
from connectors.wordpress_import import (
    ImportedConnection,
    ImportedOption,
    Skipped,
    parse_wordpress,
)


@dataclass(frozen=True, slots=True)
class ImportedName:
    """What happened to an option: the key of a provider."""

    name: str
    action: Action


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did, or with ``dry_run`` would have done. It holds names, never values."""

    connections: tuple[AppliedConnection, ...]
    options: tuple[ImportedName, ...]
    skipped: tuple[Skipped, ...]
    unknown: tuple[str, ...]


@sensitive_variables()
def import_wordpress(
    document: object, *, dry_run: bool = False, secrets_keys: Iterable[str] = ()
) -> ImportReport:
    """Create and update connections and providers' keys from an export.

    One that cannot be stored is left out with the reason, and the others come along. A connection
    of another provider is never written over. ``secrets_keys`` open what WordPress's AI plugin has
    encrypted. Raises DeclarationError for what is no export.
    """
    providers = {each.slug: each.setting_name for each in registry.all()}
    found = parse_wordpress(document, providers, secrets_keys)
    skipped = list(found.skipped)
    with rehearsal() if dry_run else writing():
        stored = {each.name.casefold(): each for each in Connection.objects.all()}
        connections = []
        for imported in found.connections:
            try:
                connections.append(_store(imported, stored))
            except ConnectorError as error:
                skipped.append(Skipped(imported.option, error.message))
        options = []
        for option in found.options:
            try:
                options.append(_store_option(option))
            except ConnectorError as error:
                skipped.append(Skipped(option.name, error.message))
    return ImportReport(tuple(connections), tuple(options), tuple(skipped), found.unknown)


@sensitive_variables()
def _store(imported: ImportedConnection, stored: Mapping[str, Connection]) -> AppliedConnection:
    existing = stored.get(imported.name.casefold())
    if existing is not None and existing.provider != imported.provider:
        raise ConnectorError(
            _(
                "A connection %(name)r to %(provider)s is there already. Rename it to bring this "
                "one in."
            )
            % {"name": existing.name, "provider": existing.provider}
        )
    values = _values(imported)
    if existing is None:
        connection = create_connection(option_name=imported.option, **values)
        note = naming_note(connection, imported.option)
        return AppliedConnection(connection.name, "created", (), note)
    update = update_connection(existing, **values)
    action: Action = "updated" if update.changed else "unchanged"
    note = str(KEY_REMOVED) if update.key_cleared else ""
    return AppliedConnection(update.connection.name, action, update.changed, note)


def _values(imported: ImportedConnection) -> ConnectionValues:
    values = ConnectionValues(name=imported.name, provider=imported.provider)
    if imported.api_key:
        values["api_key"] = imported.api_key
    if imported.base_url:
        values["base_url"] = imported.base_url
    if imported.model:
        values["model"] = imported.model
    if imported.priority is not None:
        values["priority"] = imported.priority
    if imported.enabled is not None:
        values["enabled"] = imported.enabled
    return values


@sensitive_variables()
def _store_option(option: ImportedOption) -> ImportedName:
    changed = set_option(option.name, option.value)
    return ImportedName(option.name, "updated" if changed else "unchanged")
