"""The only writers of this app's tables.

Each write is one transaction that takes the lock of the configuration's version first, so that
writers follow each other, and moves the version when something changed. ``configuration_changed``
goes out after the commit.
"""

from __future__ import annotations

from connectors.services.applying import AppliedConnection, ApplyReport, apply_connections
from connectors.services.connections import (
    ConnectionUpdate,
    create_connection,
    delete_connection,
    reorder_connections,
    set_connection_enabled,
    update_connection,
)
from connectors.services.naming import connection_of_option
from connectors.services.options import delete_option, get_option, set_option
from connectors.services.planning import ConnectionValues
from connectors.services.rotation import Rotation, rotate_keys
from connectors.services.settings_group import Refusal, save_settings
from connectors.services.versions import bump_version, rehearsal

__all__ = [
    "AppliedConnection",
    "ApplyReport",
    "ConnectionUpdate",
    "ConnectionValues",
    "Refusal",
    "Rotation",
    "apply_connections",
    "bump_version",
    "connection_of_option",
    "create_connection",
    "delete_connection",
    "delete_option",
    "get_option",
    "rehearsal",
    "reorder_connections",
    "rotate_keys",
    "save_settings",
    "set_connection_enabled",
    "set_option",
    "update_connection",
]
