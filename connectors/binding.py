"""In which order a provider gets its key. ``ORDER`` is that order; a later one wins.

1. The default: the environment variable that the connector declares, then its entry in the
   Django setting CONNECTORS.
2. The settings group: the stored Option, unless the default found something.
3. The app: what ``ConnectorType.authentication`` returns, unless that is blank.

WordPress does the same at the priorities 5, 20 and 30 of ``init``. A connection's own key is not
part of it: where there is one, the provider's is not looked for.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Final, Literal, TypeAlias

from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from connectors import conf, crypto
from connectors.crypto import Binding
from connectors.errors import MalformedKeyRing, Undecryptable
from connectors.models import Option
from connectors.values import ConnectorType

logger = logging.getLogger(__name__)

Source: TypeAlias = Literal["env", "setting", "database", "app", "none"]


@dataclass(frozen=True, slots=True)
class Credential:
    """A key and where it comes from; ``source`` is "none" and ``reason`` says why without one.

    ``name`` is the environment variable, the entry of CONNECTORS or the Option; blank for a key
    stored in the connection itself and for one that an app keeps.
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
class Occasion:
    """What a step may look at. ``origin`` is the address that the key would be sent to."""

    connector: ConnectorType
    option: Option | None
    origin: str


Step: TypeAlias = Callable[[Occasion, Resolution], Resolution]


def bind(connector: ConnectorType, option: Option | None, origin: str) -> Resolution:
    """The provider's key. ``option`` is the stored one, None where nothing is stored."""
    occasion = Occasion(connector, option, origin)
    bound: Resolution = Credential(reason=_how_to_give_a_key(connector))
    for step in ORDER:
        bound = step(occasion, bound)
    return bound


@sensitive_variables()
def configured(connector: ConnectorType) -> Credential | None:
    """What environment or Django settings say; None where they say nothing."""
    if value := conf.from_environment(connector.env_var_name):
        return from_variable(connector.env_var_name, value)
    if value := conf.from_settings(connector.constant_name):
        name = connector.constant_name
        if is_sendable(value):
            return Credential(value, "setting", name)
        reason = _(
            "The key in the setting %(name)s holds characters that no HTTP header can carry."
        )
        return Credential(name=name, reason=reason % {"name": f"CONNECTORS[{name!r}]"})
    return None


@sensitive_variables()
def from_variable(name: str, value: str) -> Credential:
    """The credential in an environment variable, or why its text cannot be one."""
    if is_sendable(value):
        return Credential(value, "env", name)
    reason = _(
        "The key in the environment variable %(name)s holds characters that no HTTP header can "
        "carry."
    )
    return Credential(name=name, reason=reason % {"name": name})


def is_sendable(key: str) -> bool:
    """Whether a key can stand in an HTTP header: printable ASCII."""
    return key.isascii() and key.isprintable()


def option_binding(option: Option) -> Binding:
    """What an encrypted Option is bound to; its name is its row."""
    return Binding(Option._meta.db_table, option.name, "value", option.origin)


def _default(occasion: Occasion, bound: Resolution) -> Resolution:
    return configured(occasion.connector) or bound


@sensitive_variables()
def _settings_group(occasion: Occasion, bound: Resolution) -> Resolution:
    option = occasion.option
    found = isinstance(bound, Credential) and (bound.source != "none" or bound.name)
    if found or option is None or not option.value:
        return bound
    if not option.encrypted:
        return Unreadable(
            _("The option %(name)s holds a key that is not encrypted. Set the option again.")
            % {"name": option.name}
        )
    if option.origin != occasion.origin:
        return Unreadable(
            _(
                "The key in the option %(name)s was given for another address than the one that "
                "the provider has now. Type the key again."
            )
            % {"name": option.name}
        )
    try:
        return Credential(
            crypto.decrypt(option.value, option_binding(option)), "database", option.name
        )
    except (Undecryptable, MalformedKeyRing) as error:
        return Unreadable(
            _("The key in the option %(name)s cannot be read. %(reason)s")
            % {"name": option.name, "reason": error.message}
        )


@sensitive_variables()
def _app(occasion: Occasion, bound: Resolution) -> Resolution:
    connector = occasion.connector
    if connector.authentication is None:
        return bound
    try:
        value = connector.authentication()
    except Exception as error:
        # Whatever an app of others raises must not take the site's other connections along.
        kind = type(error).__name__
        logger.error("The app that keeps the key of %s failed: %s", connector.slug, kind)
        return Unreadable(
            _("The app that keeps the key of %(provider)s failed (%(kind)s).")
            % {"provider": connector.name, "kind": kind}
        )
    if not value:
        return bound
    if is_sendable(value):
        return Credential(value, "app")
    return Credential(
        reason=_(
            "The key that an app keeps for %(provider)s holds characters that no HTTP header can "
            "carry."
        )
        % {"provider": connector.name}
    )


ORDER: Final[tuple[Step, ...]] = (_default, _settings_group, _app)


def _how_to_give_a_key(connector: ConnectorType) -> str:
    names = {"provider": connector.name, "variable": connector.env_key}
    if not connector.env_key:
        return _("No key for %(provider)s: type one into the connection.") % names
    return (
        _(
            "No key for %(provider)s: type one into the connection or set the environment "
            "variable %(variable)s."
        )
        % names
    )
