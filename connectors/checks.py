"""System checks of settings, environment and stored keys.

connectors.W001  stored keys are encrypted under SECRET_KEY
connectors.W002  an application password in the environment or in CONNECTORS cannot be used
connectors.W003  an app failed to register its connectors
connectors.W004  two connectors have the same setting, so that one of them has none
connectors.E001  KONEEK_ENCRYPTION_KEYS cannot be used
connectors.E002  stored keys cannot be read (with ``--database``)
connectors.E003  a value in CONNECTORS has the wrong type, or CONNECTORS is no dictionary
connectors.E004  CONNECTORS has an unknown entry
connectors.E005  a provider's base URL in the environment or in CONNECTORS is malformed

Their messages are English, like those of Django and of other apps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections, router
from django.utils.translation import override

from connectors import application_passwords, conf
from connectors.credentials import address_of
from connectors.crypto import current_ring
from connectors.errors import InvalidBaseUrl, MalformedKeyRing
from connectors.models import Connection, Option
from connectors.registry import registry
from connectors.services.rotation import unreadable_secrets

_NEW_KEY = 'python -c "import secrets; print(secrets.token_urlsafe(32))"'


@register(Tags.security)
@override(None)
def check_key_ring(**_: object) -> list[CheckMessage]:
    """W001 and E001."""
    try:
        ring = current_ring()
    except MalformedKeyRing as error:
        return [
            Error(
                error.message,
                hint=f"Keys are separated by commas; make one with: {_NEW_KEY}",
                id="connectors.E001",
            )
        ]
    if not ring.derived:
        return []
    return [
        checks.Warning(
            "KONEEK_ENCRYPTION_KEYS is not set, so stored keys are encrypted under a key made "
            "from SECRET_KEY and are lost with it.",
            hint=f"Set it to what this prints, then run rotate_keys: {_NEW_KEY}",
            id="connectors.W001",
        )
    ]


@register()
def check_settings(**_: object) -> list[CheckMessage]:
    """E003 and E004."""
    declared = getattr(settings, "CONNECTORS", {})
    if not isinstance(declared, dict):
        return [
            Error(
                "The setting CONNECTORS must be a dictionary.",
                hint="Write CONNECTORS = {} to have nothing but defaults.",
                id="connectors.E003",
            )
        ]
    return list(_settings_messages())


@register()
@override(None)
def check_addresses(**_: object) -> list[CheckMessage]:
    """E005."""
    messages: list[CheckMessage] = []
    for connector in registry.all():
        named = connector.env_base_url
        if not (conf.from_environment(named) or conf.from_settings(named)):
            continue
        try:
            address_of(connector, "")
        except InvalidBaseUrl as error:
            messages.append(
                Error(
                    error.message,
                    hint=f"Correct {named}, or remove it to use {connector.name}'s own address.",
                    id="connectors.E005",
                )
            )
    return messages


@register()
@override(None)
def check_registrations(**_: object) -> list[CheckMessage]:
    """W003 and W004: warnings, because no app's mistake may keep a site from starting."""
    failed: list[CheckMessage] = [
        checks.Warning(
            f"{mistake.receiver} failed to register its connectors: {mistake.message}",
            hint="Correct it there; what was registered before stays.",
            id="connectors.W003",
        )
        for mistake in registry.mistakes()
    ]
    first: dict[str, str] = {}
    for connector in registry.all():
        name = connector.setting_name
        if name and name in first:
            failed.append(
                checks.Warning(
                    f"The connectors {first[name]!r} and {connector.slug!r} both have the setting "
                    f"{name!r}; it belongs to {first[name]!r}, and the other one has none.",
                    hint=f"Give {connector.slug!r} a setting_name (option_name) of its own.",
                    id="connectors.W004",
                )
            )
        elif name:
            first[name] = connector.slug
    return failed


@register()
def check_application_passwords(**_: object) -> list[CheckMessage]:
    """W002."""
    return [
        checks.Warning(
            mistake,
            hint="Write the user name, a colon and the password, or remove the value.",
            id="connectors.W002",
        )
        for connector in registry.all()
        if connector.method == "application_password"
        for mistake in application_passwords.resolve(connector, None).mistakes
    ]


@register(Tags.database)
def check_stored_keys(databases: Sequence[str] | None = None, **_: object) -> list[CheckMessage]:
    """E002, for the databases that are asked about."""
    database = router.db_for_read(Connection)
    if database not in (databases or ()):
        return []
    connection = connections[database]
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
    if not {Connection._meta.db_table, Option._meta.db_table} <= set(tables):
        return []
    try:
        names = unreadable_secrets(database)
    except MalformedKeyRing:
        return []
    if not names:
        return []
    return [
        Error(
            f"The stored key cannot be read: {', '.join(names)}.",
            hint="Put the lost key back into KONEEK_ENCRYPTION_KEYS (or SECRET_KEY_FALLBACKS), "
            "or type these keys again.",
            id="connectors.E002",
        )
    ]


def _settings_messages() -> Iterator[CheckMessage]:
    texts, lists = {conf.KEY_RING, conf.ADMIN_SITE}, set[str]()
    for connector in registry.all():
        texts |= {connector.constant_name, connector.env_base_url} - {""}
        lists |= set(connector.field_settings)
    known = sorted(texts | lists | {conf.AI_ENABLED, conf.APPROVAL, conf.DEFAULT_TIMEOUT})
    for name, value in conf.declared().items():
        if name not in known:
            close = get_close_matches(str(name), known, n=1)
            yield Error(
                f"CONNECTORS has an unknown entry {name!r}.",
                hint=f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(known)}.",
                id="connectors.E004",
            )
        elif name in texts and not isinstance(value, str):
            yield _wrong_type(name, "text")
        elif name in lists and not _is_text_or_texts(value):
            yield _wrong_type(name, "text or a list of texts")
        elif name == conf.AI_ENABLED and not isinstance(value, bool):
            yield _wrong_type(name, "True or False")
        elif name == conf.APPROVAL and value not in conf.APPROVAL_POLICIES:
            yield _wrong_type(name, "'allow' or 'ask'")
        elif name == conf.DEFAULT_TIMEOUT and not conf.is_timeout(value):
            yield _wrong_type(name, "a number of seconds above 0 and up to 600")


def _is_text_or_texts(value: object) -> bool:
    listed = value if isinstance(value, list | tuple) else [value]
    return all(isinstance(each, str) for each in listed)


def _wrong_type(name: str, wanted: str) -> CheckMessage:
    return Error(
        f"CONNECTORS[{name!r}] must be {wanted}.",
        hint="A value of another type is ignored; correct it or remove it.",
        id="connectors.E003",
    )
