"""A site of its own for a measurement: a fresh database, spool and key, gone at the end."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

UPSTREAM_KEY = "sk-measured-upstream-key-0123456789"


@contextmanager
def throwaway_site(upstream_port: int) -> Iterator[None]:
    """Django is set up over it inside the block; its one connection speaks to the upstream.

    The log's records are kept on disk as ever. They are stored when ``store_log`` is called, not by
    a thread beside the requests, whose time nobody could tell from theirs.
    """
    with tempfile.TemporaryDirectory(prefix="koneek-bench-") as scratch:
        folder = Path(scratch)
        os.environ.update(
            DJANGO_SETTINGS_MODULE="koneek_site.settings",
            DATABASE_URL=f"sqlite:///{folder / 'bench.sqlite3'}",
            AI_CLIENT_SPOOL_DIR=str(folder / "spool"),
            KONEEK_ENCRYPTION_KEYS=secrets.token_urlsafe(32),
            SECRET_KEY=secrets.token_urlsafe(48),
            HTTPS_ONLY="false",
            DEBUG="false",
        )
        _set_up(upstream_port)
        yield
        store_log()


def _set_up(upstream_port: int) -> None:
    import django
    from django.conf import settings
    from django.core.management import call_command

    settings.AI_CLIENT = {
        "LOG_WRITER": "manual",
        "CONFIGURATION_POLL": 0,
        "ALLOW_PRIVATE_HOSTS": [f"127.0.0.1:{upstream_port}"],
    }
    django.setup()
    call_command("migrate", verbosity=0, skip_checks=True)
    from connectors.services import apply_connections

    apply_connections(
        [
            {
                "name": "measured",
                "provider": "openai",
                "base_url": f"http://127.0.0.1:{upstream_port}/v1",
                "api_key": UPSTREAM_KEY,
                "model": "gpt-4o-mini",
                "priority": 1,
            }
        ]
    )


def store_log() -> int:
    """Puts the records that have gathered into the database; how many there were."""
    from ai_client.log.writer import default_writer

    return default_writer().drain_once()
