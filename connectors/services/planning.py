"""What a write would make of a connection: every rule about its values, and no write."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import NoReturn, TypedDict

from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from connectors import conf, crypto
from connectors.credentials import address_of, is_sendable, key_binding
from connectors.errors import (
    ConnectorError,
    FieldError,
    InvalidBaseUrl,
    NameTaken,
    UnknownProvider,
)
from connectors.masking import KeyChange, is_masked, merge
from connectors.models import Connection
from connectors.registry import registry
from connectors.services.variables import usable_name
from connectors.values import UNSET, ConnectorType, EnvironmentKey, FieldValue, Unset

NAME = re.compile(r"[A-Za-z0-9-]{1,100}")
_LONGEST_MODEL = 200
_LAST_PRIORITY = 2**31 - 1
_LONGEST_URL = 500
_COLUMNS = (
    "name",
    "provider",
    "base_url",
    "model",
    "models",
    "priority",
    "timeout",
    "enabled",
    "fields",
)


class ConnectionValues(TypedDict, total=False):
    """What can be said about a connection. What is left out stays as it is.

    ``name`` blank: made from the provider. ``base_url`` blank: the provider's own. ``timeout`` in
    seconds, above 0 and up to 600. ``fields`` replace all of the provider's fields. ``api_key``:
    UNSET or left out keeps, None and blank clear, text replaces (the mask of the stored key keeps
    it), EnvironmentKey leaves the key in that variable; one that was named by a request has to be
    the provider's own, at the provider's own address.
    """

    name: str
    provider: str
    base_url: str
    model: str
    models: Sequence[str]
    priority: int
    timeout: float
    enabled: bool
    fields: Mapping[str, object]
    api_key: str | EnvironmentKey | Unset | None


@dataclass(frozen=True, slots=True)
class Plan:
    """A connection as it would be, not saved; what would change; whether its key would go."""

    connection: Connection
    changed: tuple[str, ...]
    key_cleared: bool


@sensitive_variables()
def plan(existing: Connection | None, given: ConnectionValues, database: str) -> Plan:
    """The connection with the given values. Raises ConnectorError, and writes nothing."""
    if strange := sorted(given.keys() - ConnectionValues.__annotations__.keys()):
        raise TypeError(f"A connection has no {', '.join(strange)}.")
    connection = copy(existing) if existing else _new(given, database)
    _take_values(connection, given)
    connector = registry.get(connection.provider)
    if connector is not None and connector.hidden:
        raise UnknownProvider(connection.provider, registry.slugs())
    kept_as_is = existing is not None and existing.provider == connection.provider
    if connector is not None and not kept_as_is and not connector.connectable:
        _refuse("provider", _not_connectable(connector))
    if connector is not None:
        if not kept_as_is or "base_url" in given:
            _take_address(connection, connector)
        _take_fields(connection, connector, given, is_kept=kept_as_is)
    elif not kept_as_is or {"base_url", "fields"} & given.keys():
        raise UnknownProvider(connection.provider, registry.slugs())
    _take_name(connection, given, existing, database)
    key_changed, key_cleared = _take_key(connection, connector, given.get("api_key", UNSET))
    changed = tuple(
        column
        for column in _COLUMNS
        if existing is None or getattr(connection, column) != getattr(existing, column)
    )
    return Plan(connection, (*changed, "api_key") if key_changed else changed, key_cleared)


def _not_connectable(connector: ConnectorType) -> str:
    if connector.method == "application_password":
        said = _(
            "%(provider)s is opened with a user name and an application password, which belong to "
            "the site's settings (/wp/v2/settings), not to a connection."
        )
    else:
        said = _("%(provider)s is not in use on this site: the app that brings it is not active.")
    return said % {"provider": connector.name}


def _new(given: ConnectionValues, database: str) -> Connection:
    if "provider" not in given:
        raise FieldError(_("A connection needs a provider."), field="provider")
    connection = Connection(timeout=conf.default_timeout())
    if "priority" not in given:
        last = Connection.objects.using(database).order_by("-priority").first()
        connection.priority = min(last.priority + 1, _LAST_PRIORITY) if last else 1
    return connection


def _take_values(connection: Connection, given: Mapping[str, object]) -> None:
    connection.provider = _text(given, "provider", connection.provider, 100)
    connection.model = _text(given, "model", connection.model, _LONGEST_MODEL)
    connection.models = _models(given, connection.models)
    connection.base_url = _text(given, "base_url", connection.base_url, _LONGEST_URL)
    if "priority" in given:
        priority = given["priority"]
        if (
            not isinstance(priority, int)
            or isinstance(priority, bool)
            or abs(priority) > _LAST_PRIORITY
        ):
            _refuse("priority", _("The priority must be a whole number."))
        connection.priority = priority
    if "timeout" in given:
        timeout = given["timeout"]
        if not isinstance(timeout, int | float) or not conf.is_timeout(timeout):
            _refuse("timeout", _("The timeout must be a number of seconds above 0 and up to 600."))
        connection.timeout = float(timeout)
    if "enabled" in given:
        enabled = given["enabled"]
        if not isinstance(enabled, bool):
            _refuse("enabled", _("The enabled must be true or false."))
        connection.enabled = enabled


def _take_address(connection: Connection, connector: ConnectorType) -> None:
    address = address_of(connector, connection.base_url)
    if connection.base_url and connector.check_address is not None:
        try:
            connector.check_address(address.base_url)
        except ValueError as error:
            # The provider marks its words, and leaves them as they are.
            raise InvalidBaseUrl(translation.gettext(str(error))) from None
    connection.base_url = address.base_url if connection.base_url else ""


def _take_fields(
    connection: Connection, connector: ConnectorType, given: ConnectionValues, *, is_kept: bool
) -> None:
    if "fields" in given:
        fields: object = given["fields"]
        if not isinstance(fields, Mapping):
            _refuse("fields", _("The fields must be names and values."))
        connection.fields = _cleaned(connector, fields)
    elif not is_kept:
        declared = {field.name for field in connector.fields}
        shared = {name: value for name, value in connection.fields.items() if name in declared}
        connection.fields = _cleaned(connector, shared)


def _cleaned(connector: ConnectorType, given: Mapping[str, object]) -> dict[str, FieldValue]:
    try:
        return connector.clean_fields(given)
    except FieldError as error:
        raise type(error)(error.message, field=f"fields.{error.field}") from None


def _take_name(
    connection: Connection, given: ConnectionValues, existing: Connection | None, database: str
) -> None:
    if existing is not None and "name" not in given:
        return
    name = _text(given, "name", "", 100)
    others = Connection.objects.using(database).exclude(pk=connection.pk)
    taken = {other.casefold() for other in others.values_list("name", flat=True)}
    if not name:
        name = generated_name(connection.provider, taken)
    elif not NAME.fullmatch(name):
        _refuse("name", _("The name may hold letters, digits and hyphens only, 100 at most."))
    elif meaning := registry.meaning_of(name):
        what = _("The name must not be %(name)r, which means %(meaning)s.")
        _refuse("name", what % {"name": name, "meaning": meaning})
    elif name.casefold() in taken:
        raise NameTaken(name)
    connection.name = name


def generated_name(provider: str, taken: set[str]) -> str:
    """The provider's slug, with -2, -3… where it is taken. ``taken`` is in lower case."""
    stem = provider.replace("_", "-")[:90]
    name, number = stem, 1
    while name in taken:
        number += 1
        name = f"{stem}-{number}"
    return name


@sensitive_variables()
def _take_key(
    connection: Connection,
    connector: ConnectorType | None,
    submitted: str | EnvironmentKey | Unset | None,
) -> tuple[bool, bool]:
    """Puts the key into the row; returns whether it changed, and whether a kept one had to go."""
    has_key = bool(connection.api_key_encrypted or connection.api_key_env)
    origin = _origin(connection, connector)
    moved = has_key and origin is not None and connection.api_key_origin != origin
    text = submitted.strip() if isinstance(submitted, str) else submitted
    change = _change(connection, text, moved=moved)
    if change is KeyChange.KEEP and not moved:
        return False, False
    if change is not KeyChange.REPLACE or not isinstance(text, str | EnvironmentKey):
        connection.api_key_encrypted = connection.api_key_env = connection.api_key_origin = ""
        return has_key, has_key and change is KeyChange.KEEP
    if connector is None:
        raise UnknownProvider(connection.provider, registry.slugs())
    connection.api_key_origin = address_of(connector, connection.base_url).origin
    if isinstance(text, EnvironmentKey):
        secret = connection.api_key_env = usable_name(text, connector, connection.api_key_origin)
    else:
        secret, connection.api_key_env = _key(text), ""
    connection.api_key_encrypted = crypto.encrypt(secret, key_binding(connection))
    return True, False


def _origin(connection: Connection, connector: ConnectorType | None) -> str | None:
    """Where the connection goes; None where that cannot be told, which must not lock the row."""
    try:
        return address_of(connector, connection.base_url).origin if connector else None
    except InvalidBaseUrl:
        return None


@sensitive_variables()
def _change(
    connection: Connection, submitted: str | EnvironmentKey | Unset | None, *, moved: bool
) -> KeyChange:
    stored = _stored(connection)
    if isinstance(submitted, EnvironmentKey):
        same = not moved and stored != "" and submitted.name == connection.api_key_env
        return KeyChange.KEEP if same else KeyChange.REPLACE
    known = "" if connection.api_key_env else stored
    if moved and submitted == known != "":
        return KeyChange.REPLACE
    return merge(known, submitted)


@sensitive_variables()
def _stored(connection: Connection) -> str:
    """What is in the envelope; blank where there is none or where it cannot be read."""
    try:
        return crypto.decrypt(connection.api_key_encrypted, key_binding(connection))
    except ConnectorError:
        return ""


@sensitive_variables()
def _key(text: str) -> str:
    if is_masked(text):
        _refuse(
            "api_key",
            _("The api_key is the mask of another key; send the key itself, or leave it out."),
        )
    if not is_sendable(text):
        _refuse("api_key", _("The api_key holds characters that no HTTP header can carry."))
    return text


def _models(given: Mapping[str, object], present: list[str]) -> list[str]:
    if "models" not in given:
        return present
    listed = given["models"]
    if not isinstance(listed, Sequence) or isinstance(listed, str | bytes):
        _refuse("models", _("The models must be a list of model ids."))
    if not all(isinstance(model, str) for model in listed):
        _refuse("models", _("The models must be a list of model ids."))
    names = [model.strip() for model in listed]
    for name in names:
        if not name or len(name) > _LONGEST_MODEL or not name.isprintable():
            what = _("The models must be model ids of 1 to %(longest)d characters.")
            _refuse("models", what % {"longest": _LONGEST_MODEL})
    return list(dict.fromkeys(names))


def _text(given: Mapping[str, object], name: str, present: str, longest: int) -> str:
    value = given.get(name, present)
    if not isinstance(value, str) or not value.isprintable() or len(value.strip()) > longest:
        what = _("The %(field)s must be text on one line, up to %(longest)d characters.")
        _refuse(name, what % {"field": name, "longest": longest})
    return value.strip()


def _refuse(field: str, what: str) -> NoReturn:
    raise FieldError(what, field=field)
