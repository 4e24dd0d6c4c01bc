"""The office with both apps."""

from __future__ import annotations

from office.settings_alone import *  # noqa: F403
from office.settings_alone import FOLDER, INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "ai_client"]
ROOT_URLCONF = "office.urls_both"
AI_CLIENT = {
    "ALLOW_PRIVATE_HOSTS": ["127.0.0.1"],
    "SPOOL_DIR": str(FOLDER / "spool"),
    # The suite says itself when the log is written and when changes are looked for.
    "LOG_WRITER": "manual",
    "CONFIGURATION_POLL": 0,
}
