"""Which key a connection uses, and where it may be sent.

A connection's own key comes first: the environment variable that it names, or the key stored in
it. A connection without one uses its provider's, see ``connectors.binding``. That key goes to the
provider's own address only (its default, or the one that its base-URL variable names), never to
an address that was typed into a connection; otherwise whoever may edit a connection could have
the site's key sent anywhere. For the same reason a variable that was named by a request has to be
the provider's own, and goes there only.

What is bound in the database (a stored key, the name of a variable, an Option) opens only for the
address that it was given for, so a row changed by hand yields no key.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from connectors import conf, crypto
from connectors.binding import (
    Credential,
    Resolution,
    Source,
    Unreadable,
    bind,
    from_variable,
    is_sendable,
    option_binding,
)
from connectors.crypto import Binding
from connectors.errors import InvalidBaseUrl, MalformedKeyRing, Undecryptable
from connectors.models import Connection, Option
from connectors.origins import normalise_base_url, origin_of
from connectors.registry import registry
from connectors.values import ConnectorType, FieldValue

logger = logging.getLogger(__name__)

AddressSource: TypeAlias = Literal["connection", "env", "setting", "app", "default"]

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
    "own_origins",
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
    """Where a connection goes: its own base URL, else environment, setting, app, default.

    Raises InvalidBaseUrl where there is none, or where the one in force is malformed.
    """
    if base_url:
        return _address(base_url, "base_url", "connection")
    named = connector.env_base_url
    if text := conf.from_environment(named):
        return _address(text, named, "env")
    if text := conf.from_settings(named):
        return _address(text, named, "setting")
    if text := _kept_by_app(connector):
        return _address(text, "base_url", "app")
    if connector.base_url:
        return _address(connector.base_url, "base_url", "default")
    raise InvalidBaseUrl(
        _("%(provider)s has no address of its own: give the base_url.")
        % {"provider": connector.name}
    )


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


def own_origins(connector: ConnectorType) -> set[str]:
    """Where the site's keys for the provider may go: its default, and where it is in force."""
    address = provider_address(connector)
    own = {address.origin} if address else set()
    return own | ({origin_of(connector.base_url)} if connector.base_url else set())


def _resolve(connection: Connection, options: Mapping[str, Option]) -> ResolvedConnection:
    connector = registry.get(connection.provider)
    if connector is None:
        why = _("The provider %(slug)r is not registered. Registered: %(listed)s.") % {
            "slug": connection.provider,
            "listed": ", ".join(registry.slugs()) or _("none"),
        }
        return ResolvedConnection(connection, None, None, Credential(reason=why), {}, why)
    fields = connector.field_values(connection.fields)
    if not connector.active:
        why = _("%(provider)s is not in use on this site: the app that brings it is not active.")
        why = why % {"provider": connector.name}
        none = Credential(reason=why)
        return ResolvedConnection(connection, connector, None, none, fields, why)
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
            _(
                "The key was given for another address than the one that the connection has now. "
                "Type the key again."
            )
        )
    try:
        opened = crypto.decrypt(connection.api_key_encrypted, key_binding(connection))
    except (Undecryptable, MalformedKeyRing) as error:
        return Unreadable(
            _("The stored key cannot be read. %(reason)s") % {"reason": error.message}
        )
    if not connection.api_key_env:
        return Credential(opened, "database")
    if opened != connection.api_key_env:
        return Unreadable(_("The name of the key's environment variable was changed by hand."))
    return _from_variable(connection.api_key_env)


@sensitive_variables()
def _from_variable(name: str) -> Credential:
    value = conf.from_environment(name)
    if not value:
        reason = _("The environment variable %(name)s is not set.") % {"name": name}
        return Credential(name=name, reason=reason)
    return from_variable(name, value)


@sensitive_variables()
def _provider_key(connector: ConnectorType, address: Address, option: Option | None) -> Resolution:
    bound = bind(connector, option, address.origin)
    is_there = isinstance(bound, Unreadable) or bound.source != "none" or bound.name
    if is_there and address.origin not in own_origins(connector):
        return Credential(
            reason=_(
                "The key that is configured for %(provider)s is sent to %(provider)s's own "
                "address only. This connection has an address of its own: type a key into the "
                "connection."
            )
            % {"provider": connector.name}
        )
    return bound


def _kept_by_app(connector: ConnectorType) -> str:
    if connector.address is None:
        return ""
    try:
        return connector.address().strip()
    except Exception:
        logger.exception("The connector %s cannot say its address.", connector.slug)
        return ""


def _address(text: str, field: str, source: AddressSource) -> Address:
    base_url = normalise_base_url(text, field=field)
    return Address(base_url, origin_of(base_url), source)
