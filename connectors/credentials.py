"""Which key a connection uses, and where it may be sent.

A connection's own key comes first: the environment variable that it names, or the key stored in
it. A connection without one uses its provider's: the environment variable that the provider
declares, then the CONNECTORS setting, then the stored Option. The provider's key goes to the
provider's own address only (its default, or the one that its base-URL variable names), never to
an address that was typed into a connection; otherwise whoever may edit a connection could have
the site's key sent anywhere.

What is bound in the database (a stored key, the name of a variable, an Option) opens only for the
address that it was given for, so a row changed by hand yields no key.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Literal, TypeAlias

from django.views.decorators.debug import sensitive_variables

from connectors import conf, crypto
from connectors.crypto import Binding
from connectors.errors import InvalidBaseUrl, MalformedKeyRing, Undecryptable
from connectors.models import Connection, Option
from connectors.origins import normalise_base_url, origin_of
from connectors.registry import registry
from connectors.values import ConnectorType, FieldValue

Source: TypeAlias = Literal["env", "setting", "database", "none"]
AddressSource: TypeAlias = Literal["connection", "env", "setting", "default"]

_UNSENDABLE = "holds characters that no HTTP header can carry"


@dataclass(frozen=True, slots=True)
class Credential:
    """A key and where it comes from; ``source`` is "none" and ``reason`` says why without one.

    ``name`` is the environment variable, the entry of CONNECTORS or the Option; blank for a key
    stored in the connection itself.
    """

    value: str = dataclass_field(default="", repr=False)
    source: Source = "none"
    name: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A key is stored but must not be used: it cannot be decrypted, or not for this address."""

    reason: str


Resolution: TypeAlias = Credential | Unreadable


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
        connector.stored_option
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


def key_binding(connection: Connection) -> Binding:
    """What a connection's own key, or the name of its variable, is bound to."""
    column = "api_key_env" if connection.api_key_env else "api_key"
    return Binding(Connection._meta.db_table, str(connection.pk), column, connection.api_key_origin)


def option_binding(option: Option) -> Binding:
    """What an encrypted Option is bound to; its name is its row."""
    return Binding(Option._meta.db_table, option.name, "value", option.origin)


def is_sendable(key: str) -> bool:
    """Whether a key can stand in an HTTP header: printable ASCII."""
    return key.isascii() and key.isprintable()


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
        return _provider_key(connector, address, options.get(connector.stored_option))
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
    return _sendable(value, "env", name, f"environment variable {name}")


@sensitive_variables()
def _provider_key(connector: ConnectorType, address: Address, option: Option | None) -> Resolution:
    stored = option if option is not None and option.value else None
    found = _configured_key(connector)
    if (found or stored) and address.origin not in _own_origins(connector):
        return Credential(
            reason=f"The key that is configured for {connector.name} is sent to "
            f"{connector.name}'s own address only. This connection has an address of its own: "
            "type a key into the connection."
        )
    if found is not None:
        return found
    if stored is not None:
        return _option_key(stored, address)
    return Credential(reason=_how_to_give_a_key(connector))


@sensitive_variables()
def _configured_key(connector: ConnectorType) -> Credential | None:
    if value := conf.from_environment(connector.env_key):
        place = f"environment variable {connector.env_key}"
        return _sendable(value, "env", connector.env_key, place)
    if value := conf.from_settings(connector.setting_name):
        place = f"setting CONNECTORS[{connector.setting_name!r}]"
        return _sendable(value, "setting", connector.setting_name, place)
    return None


@sensitive_variables()
def _option_key(option: Option, address: Address) -> Resolution:
    if not option.encrypted:
        return Unreadable(
            f"The option {option.name} holds a key that is not encrypted. Set the option again."
        )
    if option.origin != address.origin:
        return Unreadable(
            f"The key in the option {option.name} was given for another address than the one "
            "that the provider has now. Type the key again."
        )
    try:
        return Credential(
            crypto.decrypt(option.value, option_binding(option)), "database", option.name
        )
    except (Undecryptable, MalformedKeyRing) as error:
        return Unreadable(f"The key in the option {option.name} cannot be read. {error.message}")


def _sendable(value: str, source: Source, name: str, place: str) -> Credential:
    if is_sendable(value):
        return Credential(value, source, name)
    return Credential(name=name, reason=f"The key in the {place} {_UNSENDABLE}.")


def _own_origins(connector: ConnectorType) -> set[str]:
    address = provider_address(connector)
    own = {address.origin} if address else set()
    return own | ({origin_of(connector.base_url)} if connector.base_url else set())


def _how_to_give_a_key(connector: ConnectorType) -> str:
    elsewhere = f" or set the environment variable {connector.env_key}" if connector.env_key else ""
    return f"No key for {connector.name}: type one into the connection{elsewhere}."


def _address(text: str, field: str, source: AddressSource) -> Address:
    base_url = normalise_base_url(text, field=field)
    return Address(base_url, origin_of(base_url), source)
