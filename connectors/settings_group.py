"""The registered settings of the group ``connectors``: what they are, hold and show.

Each active connector that takes a key or an application password has one. An app that keeps its
credentials itself registers its own with ``register_setting``; it is masked like the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any, Final, Literal, TypeAlias

from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from connectors import application_passwords as app_passwords
from connectors import conf, crypto
from connectors.application_passwords import Pair
from connectors.binding import Credential, Source, configured, option_binding
from connectors.errors import ConnectorError, RegistryError
from connectors.masking import mask
from connectors.models import Option
from connectors.registry import ConnectorRegistry
from connectors.registry import registry as site_registry
from connectors.sanitising import sanitize_text_field
from connectors.values import ConnectorType

GROUP: Final = "connectors"

SettingType: TypeAlias = Literal["string", "object"]
SettingValue: TypeAlias = "str | Pair"

PAIR_SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {"username": {"type": "string"}, "password": {"type": "string"}},
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class RegisteredSetting:
    """One setting: its name is that of its Option. ``sanitize`` is applied to what is submitted.

    A ``secret`` one is stored encrypted and shown masked; objects always are. ``connector`` is
    None where an app registered the setting itself.
    """

    name: str
    label: str
    description: str
    type: SettingType = "string"
    default: SettingValue = ""
    sanitize: Callable[[object], str] = dataclass_field(
        default=sanitize_text_field, compare=False, repr=False
    )
    show_in_rest: bool = True
    secret: bool = True
    connector: ConnectorType | None = None

    def schema(self) -> dict[str, Any]:
        """The setting's JSON Schema."""
        about = {"title": self.label, "description": self.description, "default": self.default}
        shape = PAIR_SCHEMA if self.type == "object" else {"type": "string"}
        return {**shape, **about}

    def is_read_only(self) -> bool:
        """Whether the environment or Django's settings are in force, whatever is stored."""
        connector = self.connector
        return connector is not None and key_source(connector, None) != "none"


@dataclass(frozen=True, slots=True)
class Held:
    """What a setting holds: ``stored`` in the database, and what is in force from elsewhere.

    ``source`` is where the value in force comes from, ``name`` the variable or entry that it
    stands in, and ``elsewhere`` that value masked; both blank where the database is in force.
    """

    stored: SettingValue = dataclass_field(repr=False)
    shown: SettingValue
    source: Source
    name: str = ""
    elsewhere: SettingValue = ""

    @property
    def is_read_only(self) -> bool:
        """Whether the environment or Django's settings are in force."""
        return self.source in ("env", "setting")


_own: dict[str, RegisteredSetting] = {}


def register_setting(setting: RegisteredSetting) -> RegisteredSetting:
    """Add a setting that belongs to an app. Raises RegistryError if its name is taken."""
    if setting.name in _own:
        raise RegistryError(f"The setting {setting.name!r} is registered already.", field="name")
    _own[setting.name] = setting
    return setting


def unregister_setting(name: str) -> RegisteredSetting:
    """Remove a setting that an app registered. Raises RegistryError if there is none."""
    if name not in _own:
        raise RegistryError(f"No app has registered the setting {name!r}.", field="name")
    return _own.pop(name)


def registered_settings(
    registry: ConnectorRegistry = site_registry,
) -> dict[str, RegisteredSetting]:
    """All settings of the group by name: the apps' own, then those of active connectors.

    A name belongs to whoever registered it first.
    """
    found = dict(_own)
    for connector in registry.all():
        name = connector.setting_name
        if name and name not in found and connector.active:
            found[name] = _setting_of(connector)
    return found


def read(settings: Iterable[RegisteredSetting]) -> dict[str, Held]:
    """What the settings hold, by name; one query."""
    listed = list(settings)
    options = Option.objects.filter(name__in=[setting.name for setting in listed])
    by_name = {option.name: option for option in options}
    return {setting.name: _held(setting, by_name.get(setting.name)) for setting in listed}


def key_source(connector: ConnectorType, option: Option | None) -> Source:
    """Where the key or the application password that is in force comes from.

    A stored key counts even if it cannot be read, because it still is in the way of no other.
    """
    if connector.method == "none":
        return "none"
    if connector.method == "application_password":
        return app_passwords.resolve(connector, option).source
    found = configured(connector)
    if found is not None:
        return "env" if conf.from_environment(connector.env_var_name) else "setting"
    return "database" if option is not None and option.value else "none"


def _setting_of(connector: ConnectorType) -> RegisteredSetting:
    named = {"name": connector.name}
    if connector.method == "application_password":
        return RegisteredSetting(
            name=connector.setting_name,
            label=_("%(name)s Credentials") % named,
            description=_("Application password credentials for the %(name)s connector.") % named,
            type="object",
            default={"username": "", "password": ""},
            connector=connector,
        )
    return RegisteredSetting(
        name=connector.setting_name,
        label=_("%(name)s API Key") % named,
        description=_("API key for the %(name)s connector.") % named,
        connector=connector,
    )


@sensitive_variables()
def _held(setting: RegisteredSetting, option: Option | None) -> Held:
    connector = setting.connector
    if setting.type == "object":
        return _held_pair(connector, option)
    stored = _text(option)
    shown = mask(stored) if setting.secret else stored
    found = configured(connector) if connector is not None else None
    if connector is None or found is None:
        source: Source = "database" if option is not None and option.value else "none"
        return Held(stored or setting.default, shown or setting.default, source)
    return Held(stored, shown, key_source(connector, option), found.name, _masked(found))


@sensitive_variables()
def _held_pair(connector: ConnectorType | None, option: Option | None) -> Held:
    stored = app_passwords.read(option)
    shown = app_passwords.masked(stored)
    if connector is None:
        source: Source = "database" if stored["password"] else "none"
        return Held(stored, shown, source)
    found = app_passwords.resolve(connector, option)
    if found.source in ("env", "setting"):
        pair: Pair = {"username": found.username, "password": found.password}
        return Held(stored, shown, found.source, found.name, app_passwords.masked(pair))
    return Held(stored, shown, found.source)


@sensitive_variables()
def _masked(found: Credential) -> str:
    return mask(found.value)


@sensitive_variables()
def _text(option: Option | None) -> str:
    """The stored text; blank where it cannot be read, never the envelope."""
    if option is None:
        return ""
    if not option.encrypted:
        return option.value
    try:
        return crypto.decrypt(option.value, option_binding(option))
    except ConnectorError:
        return ""
