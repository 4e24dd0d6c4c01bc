"""What the page shows of connectors that no AI connection is made of: one setting each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from connectors import settings_group
from connectors.application_passwords import Pair
from connectors.settings_group import Held, RegisteredSetting
from connectors.tiles import Logo, logo_of
from connectors.values import AI_PROVIDER, ConnectorType


@dataclass(frozen=True, slots=True)
class RefusedService:
    """What was just sent for a service and refused: why, and the user name that was typed."""

    slug: str
    reason: str
    username: str


@dataclass(frozen=True, slots=True)
class ServiceCard:
    """One service: its setting masked, and where what is in force comes from.

    ``stored`` says that the database holds something which can be removed. ``username`` is what
    the form begins with; ``refused`` is why what was sent was not stored.
    """

    connector: ConnectorType
    setting: RegisteredSetting
    logo: Logo
    masked: str
    badge: str
    source: str
    read_only: bool
    connected: bool
    stored: bool
    username: str = ""
    refused: str = ""

    @property
    def has_username(self) -> bool:
        """Whether there are a user name and a password, rather than one key."""
        return self.setting.type == "object"


def service_settings() -> dict[str, RegisteredSetting]:
    """The settings of the services by the slug of their connector."""
    return {
        setting.connector.slug: setting
        for setting in settings_group.registered_settings().values()
        if setting.connector is not None and _is_service(setting.connector)
    }


def service_cards(told: Mapping[str, Any], refused: RefusedService | None) -> list[ServiceCard]:
    """The cards, in order of registration; one query however many there are.

    ``told`` is what scripts are told of the connectors.
    """
    found = service_settings()
    held = settings_group.read(found.values())
    return [
        _card(
            setting,
            held[setting.name],
            connected=told["connectors"][slug]["authentication"]["isConnected"],
            refused=refused if refused and refused.slug == slug else None,
        )
        for slug, setting in found.items()
    ]


def _is_service(connector: ConnectorType) -> bool:
    return not connector.connectable or connector.type != AI_PROVIDER


def _card(
    setting: RegisteredSetting, held: Held, *, connected: bool, refused: RefusedService | None
) -> ServiceCard:
    connector = setting.connector
    assert connector is not None
    in_force = held.elsewhere if held.is_read_only else held.shown
    stored = held.stored if isinstance(held.stored, str) else held.stored["username"]
    username = "" if isinstance(held.shown, str) else held.shown["username"]
    return ServiceCard(
        connector=connector,
        setting=setting,
        logo=logo_of(connector, str(connector.name)),
        masked=in_force if isinstance(in_force, str) else _pair(in_force),
        badge=_badge(held),
        source=held.source,
        read_only=held.is_read_only,
        connected=connected,
        stored=bool(stored) or held.source == "database",
        username=refused.username if refused else username,
        refused=refused.reason if refused else "",
    )


def _pair(pair: Pair) -> str:
    return ": ".join(half for half in (pair["username"], pair["password"]) if half)


def _badge(held: Held) -> str:
    match held.source:
        case "env":
            return _("Environment: %(name)s") % {"name": held.name}
        case "setting":
            return _("Setting: %(name)s") % {"name": f"CONNECTORS[{held.name!r}]"}
        case "database":
            return _("Stored here")
        case _:
            return _("Nothing stored")
