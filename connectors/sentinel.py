"""The connector that tells other code whether at least one connection can be used.

It is hidden: on no page, in no settings group. Its option is "1" exactly while an enabled
connection to an AI provider has everything that it needs, and is not there otherwise. It is
brought up to date after every change of the configuration, after ``migrate``, and when a process
reads the configuration for the first time, which is when the environment may have changed.
"""

from __future__ import annotations

import logging
from typing import Final

from django.db import Error, router

from connectors.conf import ai_enabled
from connectors.credentials import resolve_all
from connectors.models import Connection, Option
from connectors.services.options import delete_option, set_option
from connectors.values import AI_PROVIDER, ConnectorType

logger = logging.getLogger(__name__)

SENTINEL: Final = ConnectorType(
    slug="koneek",
    name="Koneek",
    description="Whether at least one connection can be used.",
    option_name="connectors_ai_koneek_api_key",
    hidden=True,
)
_SET = "1"


def is_set() -> bool:
    """Whether the option says that something can be used."""
    return Option.objects.filter(name=SENTINEL.setting_name, value=_SET).exists()


def something_is_usable() -> bool:
    """Whether an enabled connection to an AI provider has everything that it needs."""
    enabled = Connection.objects.filter(enabled=True)
    return ai_enabled() and any(
        not each.unusable and each.connector is not None and each.connector.type == AI_PROVIDER
        for each in resolve_all(enabled)
    )


def sync() -> None:
    """Make the option say what is so. Nothing is served from it, so nobody is told."""
    if something_is_usable() == is_set():
        return
    if is_set():
        delete_option(SENTINEL.setting_name, announced=False)
    else:
        set_option(SENTINEL.setting_name, _SET, encrypted=False, announced=False)


def keep_up(using: str | None = None, **_: object) -> None:
    """Receiver of ``configuration_changed`` and ``post_migrate``: ``sync``, without ever failing.

    ``using`` is the database that was migrated; blank after a change.
    """
    if using not in (None, router.db_for_write(Option)):
        return
    try:
        sync()
    except Error:
        logger.warning("The option of the sentinel connector could not be written.", exc_info=True)
