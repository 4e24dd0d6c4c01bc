"""Writing registered settings: what is submitted is cleaned, checked, then stored at once.

A value that is refused changes nothing: what was stored stays. WordPress stores first and clears
the setting afterwards, which costs a site its good key for one mistyped one.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Literal, TypeAlias

from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from connectors import application_passwords as app_passwords
from connectors import conf, settings_group
from connectors.credentials import is_sendable, provider_address
from connectors.errors import FieldError
from connectors.masking import KeyChange, is_masked, merge
from connectors.probing import ProbeFailed, Target
from connectors.registry import ConnectorRegistry
from connectors.registry import registry as site_registry
from connectors.services.options import delete_option, set_option
from connectors.services.versions import writing
from connectors.settings_group import Held, RegisteredSetting
from connectors.values import AI_PROVIDER, ConnectorType

logger = logging.getLogger(__name__)

Code: TypeAlias = Literal[
    "key_rejected", "key_not_checked", "masked_key", "unsendable_key", "read_only"
]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a submitted value was not stored; what was stored before still is."""

    setting: str
    code: Code
    message: str


@dataclass(frozen=True, slots=True)
class _Change:
    setting: RegisteredSetting
    text: str | None = dataclass_field(repr=False)


@sensitive_variables()
def save_settings(
    submitted: Mapping[str, object], registry: ConnectorRegistry = site_registry
) -> Sequence[Refusal]:
    """Store what is submitted for registered settings; returns what was refused.

    What is not submitted is not touched, and names that are not registered are passed over. None
    removes a setting, blank clears it, the mask of the stored key keeps it. The key of an AI
    provider is shown to the provider first, and refused unless the provider takes it. Raises
    FieldError, before anything is stored, for a value of another type than the setting's.
    """
    settings = settings_group.registered_settings(registry)
    given = {name: value for name, value in submitted.items() if name in settings}
    for name, value in given.items():
        _check_type(settings[name], value)
    held = settings_group.read(settings[name] for name in given)
    changes: list[_Change] = []
    refusals: list[Refusal] = []
    for name, value in given.items():
        change = _change(settings[name], held[name], value)
        if isinstance(change, Refusal):
            refusals.append(change)
        elif change is not None:
            changes.append(change)
    if changes:
        with writing():
            for change in changes:
                _store(change)
    return refusals


def _store(change: _Change) -> None:
    if change.text is None:
        delete_option(change.setting.name)
    else:
        encrypted = change.setting.secret or change.setting.type == "object"
        set_option(change.setting.name, change.text, encrypted=encrypted)


@sensitive_variables()
def _change(setting: RegisteredSetting, held: Held, value: object) -> _Change | Refusal | None:
    """What to write, why not, or None where everything stays."""
    wanted = _wanted_pair(held, value) if setting.type == "object" else _wanted(held, value)
    if isinstance(wanted, _Kept):
        return None
    if held.is_read_only:
        if held.source == "env":
            why = _("%(label)s is set by the environment variable %(name)s; change it there.")
        else:
            why = _("%(label)s is set by the setting CONNECTORS: %(name)s; change it there.")
        names = {"label": setting.label, "name": held.name}
        return Refusal(setting.name, "read_only", why % names)
    if wanted is None or setting.type == "object":
        return _Change(setting, wanted)
    text = setting.sanitize(wanted)
    if not text:
        return _Change(setting, None)
    refusal = _refusal(setting, text) if setting.secret else None
    return refusal or _Change(setting, text)


class _Kept:
    """What is stored stays."""


@sensitive_variables()
def _wanted(held: Held, value: object) -> str | _Kept | None:
    if value is None:
        return None
    text = str(value)
    stored = held.stored if isinstance(held.stored, str) else ""
    if merge(stored, text) is KeyChange.KEEP:
        return _Kept()
    return text


@sensitive_variables()
def _wanted_pair(held: Held, value: object) -> str | _Kept | None:
    if value is None:
        return None
    stored = held.stored if isinstance(held.stored, dict) else app_passwords.NOTHING
    pair = app_passwords.merged(stored, value)
    if pair == stored:
        return _Kept()
    return app_passwords.dump(pair) if pair["username"] else None


@sensitive_variables()
def _refusal(setting: RegisteredSetting, key: str) -> Refusal | None:
    if is_masked(key):
        return Refusal(
            setting.name,
            "masked_key",
            _("%(label)s: this is the mask of another key. Send the key itself.")
            % {"label": setting.label},
        )
    connector = setting.connector
    if connector is None:
        return None
    if not is_sendable(key):
        return Refusal(
            setting.name,
            "unsendable_key",
            _("%(name)s holds characters that no HTTP header can carry.") % {"name": setting.label},
        )
    if connector.type == AI_PROVIDER and connector.probe is not None:
        return _refused_by_provider(setting, connector, key)
    return None


@sensitive_variables()
def _refused_by_provider(
    setting: RegisteredSetting, connector: ConnectorType, key: str
) -> Refusal | None:
    address = provider_address(connector)
    if address is None:
        return Refusal(
            setting.name,
            "key_not_checked",
            _("%(provider)s has no address of its own. Type the key into a connection.")
            % {"provider": connector.name},
        )
    target = Target(
        provider=connector.slug,
        base_url=address.base_url,
        api_key=key,
        model="",
        timeout=conf.default_timeout(),
        fields=connector.field_values({}),
    )
    assert connector.probe is not None
    try:
        accepted = connector.probe.accepts_key(target)
    except ProbeFailed as error:
        why = _("The key could not be checked and was not stored. %(reason)s")
        return Refusal(setting.name, "key_not_checked", why % {"reason": error.message})
    except Exception as error:
        # A probe is an app's code: whatever it raises, the key counts as not checked.
        logger.error("The probe of %s failed: %s", connector.slug, type(error).__name__)
        why = _("%(provider)s could not check the key, so it was not stored. Try again later.")
        return Refusal(setting.name, "key_not_checked", why % {"provider": connector.name})
    if accepted is True:
        return None
    return Refusal(
        setting.name,
        "key_rejected",
        _("%(provider)s does not accept this key, so it was not stored.")
        % {"provider": connector.name},
    )


def _check_type(setting: RegisteredSetting, value: object) -> None:
    if value is None:
        return
    if setting.type == "string":
        if not isinstance(value, str):
            raise FieldError(
                _("%(name)s must be text.") % {"name": setting.name}, field=setting.name
            )
        return
    if not isinstance(value, Mapping):
        raise FieldError(
            _("%(name)s must be an object with username and password.") % {"name": setting.name},
            field=setting.name,
        )
    for half, text in value.items():
        if half not in app_passwords.NOTHING:
            raise FieldError(
                _("%(name)s has no %(half)r; it holds username and password.")
                % {"name": setting.name, "half": half},
                field=setting.name,
            )
        if not isinstance(text, str):
            place = f"{setting.name}.{half}"
            raise FieldError(_("%(name)s must be text.") % {"name": place}, field=place)
