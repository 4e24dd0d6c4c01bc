"""Which key a connection uses, and where it may be sent.

A connection's own key comes first: the environment variable that it names, or the key stored in
it. A connection without one uses its provider's, see ``connectors.binding``. That key goes to the
provider's own address only (its default, or the one that its base-URL variable names), never to
an address that was typed into a connection; otherwise whoever may edit a connection could have
the site's key sent anywhere.

What is bound in the database (a stored key, the name of a variable, an Option) opens only for the
address that it was given for, so a row changed by hand yields no key.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from django.views.decorators.debug import sensitive_variables

from connectors import conf, crypto
from connectors.binding import (
    Credential,
    Resolution,
    Source,
    Unreadable,
    bind,
    is_sendable,
    option_binding,
    sendable,
)
from connectors.crypto import Binding
from connectors.errors import InvalidBaseUrl, MalformedKeyRing, Undecryptable
from connectors.models import Connection, Option
from connectors.origins import normalise_base_url, origin_of
from connectors.registry import registry
from connectors.values import ConnectorType, FieldValue

AddressSource: TypeAlias = Literal["connection", "env", "setting", "default"]

__all__ = [
    "Address",
    "AddressSource",
    "Credential",
    "Resolution",
    "ResolvedConnection",
    "Source",
    "Unreadable",
    "address_of",
    "is_sendable",
    "key_binding",
    "option_binding",
    "provider_address",
    "provider_keys",
    "resolve",
    "resolve_all",
]


@dataclass(frozen=True, slots=True)
class Address:
    """A normalised base URL, its origin, and where it comes from."""

    base_url: str
    origin: str
    source: AddressSource


@dataclass(frozen=True, slots=True)
class ResolvedConnection:
    """A connection with everything that a request needs.

    ``unusable`` says in a sentence why the connection cannot be used, and is blank when it can.
    ``fields`` are the provider's fields with the declared defaults.
    """

    connection: Connection
    connector: ConnectorType | None
    address: Address | None
    credential: Resolution
    fields: Mapping[str, FieldValue]
    unusable: str


def resolve(connection: Connection) -> ResolvedConnection:
    """Address and key of one connection. Never raises for what is stored."""
    return resolve_all([connection])[0]


def resolve_all(connections: Iterable[Connection]) -> list[ResolvedConnection]:
    """Addresses and keys of many connections, with at most one query for the providers' keys."""
    listed = list(connections)
    wanted = {
        connector.setting_name
        for connection in listed
        if not connection.api_key_encrypted and (connector := registry.get(connection.provider))
    }
    options = Option.objects.filter(name__in=wanted) if wanted else ()
    by_name = {option.name: option for option in options}
    return [_resolve(connection, by_name) for connection in listed]


def address_of(connector: ConnectorType, base_url: str) -> Address:
    """Where a connection goes: its own base URL, else environment, setting, provider's default.

    Raises InvalidBaseUrl where there is none, or where the one in force is malformed.
    """
    if base_url:
        return _address(base_url, "base_url", "connection")
    named = connector.env_base_url
    if text := conf.from_environment(named):
        return _address(text, named, "env")
    if text := conf.from_settings(named):
        return _address(text, named, "setting")
    if connector.base_url:
        return _address(connector.base_url, "base_url", "default")
    raise InvalidBaseUrl(f"{connector.name} has no address of its own: give the base_url.")


def provider_address(connector: ConnectorType) -> Address | None:
    """Where a connection of the provider goes unless it says otherwise; None if it has to say."""
    try:
        return address_of(connector, "")
    except InvalidBaseUrl:
        return None


def provider_keys(connectors: Iterable[ConnectorType]) -> dict[str, Resolution]:
    """The keys that belong to providers rather than to connections, by slug; one query.

    They are bound to the provider's own address, or to none where it has none.
    """
    listed = list(connectors)
    names = {connector.setting_name for connector in listed} - {""}
    options = {option.name: option for option in Option.objects.filter(name__in=names)}
    found = {}
    for connector in listed:
        address = provider_address(connector)
        origin = address.origin if address else ""
        found[connector.slug] = bind(connector, options.get(connector.setting_name), origin)
    return found


def key_binding(connection: Connection) -> Binding:
    """What a connection's own key, or the name of its variable, is bound to."""
    column = "api_key_env" if connection.api_key_env else "api_key"
    return Binding(Connection._meta.db_table, str(connection.pk), column, connection.api_key_origin)


def _resolve(connection: Connection, options: Mapping[str, Option]) -> ResolvedConnection:
    connector = registry.get(connection.provider)
    if connector is None:
        known = ", ".join(registry.slugs()) or "none"
        why = f"The provider {connection.provider!r} is not registered. Registered: {known}."
        return ResolvedConnection(connection, None, None, Credential(reason=why), {}, why)
    fields = connector.field_values(connection.fields)
    try:
        address = address_of(connector, connection.base_url)
    except InvalidBaseUrl as error:
        none = Credential(reason=error.message)
        return ResolvedConnection(connection, connector, None, none, fields, error.message)
    found = _key(connection, connector, address, options)
    missing = isinstance(found, Credential) and found.source == "none" and connector.key_required
    unusable = found.reason if missing or isinstance(found, Unreadable) else ""
    return ResolvedConnection(connection, connector, address, found, fields, unusable)


@sensitive_variables()
def _key(
    connection: Connection,
    connector: ConnectorType,
    address: Address,
    options: Mapping[str, Option],
) -> Resolution:
    if not connection.api_key_encrypted and not connection.api_key_env:
        return _provider_key(connector, address, options.get(connector.setting_name))
    if connection.api_key_origin != address.origin:
        return Unreadable(
            "The key was given for another address than the one that the connection has now. "
            "Type the key again."
        )
    try:
        opened = crypto.decrypt(connection.api_key_encrypted, key_binding(connection))
    except (Undecryptable, MalformedKeyRing) as error:
        return Unreadable(f"The stored key cannot be read. {error.message}")
    if not connection.api_key_env:
        return Credential(opened, "database")
    if opened != connection.api_key_env:
        return Unreadable("The name of the key's environment variable was changed by hand.")
    return _from_variable(connection.api_key_env)


@sensitive_variables()
def _from_variable(name: str) -> Credential:
    value = conf.from_environment(name)
    if not value:
        return Credential(name=name, reason=f"The environment variable {name} is not set.")
    return sendable(value, "env", name, f"environment variable {name}")


@sensitive_variables()
def _provider_key(connector: ConnectorType, address: Address, option: Option | None) -> Resolution:
    bound = bind(connector, option, address.origin)
    is_there = isinstance(bound, Unreadable) or bound.source != "none" or bound.name
    if is_there and address.origin not in _own_origins(connector):
        return Credential(
            reason=f"The key that is configured for {connector.name} is sent to "
            f"{connector.name}'s own address only. This connection has an address of its own: "
            "type a key into the connection."
        )
    return bound


def _own_origins(connector: ConnectorType) -> set[str]:
    address = provider_address(connector)
    own = {address.origin} if address else set()
    return own | ({origin_of(connector.base_url)} if connector.base_url else set())


def _address(text: str, field: str, source: AddressSource) -> Address:
    base_url = normalise_base_url(text, field=field)
    return Address(base_url, origin_of(base_url), source)
