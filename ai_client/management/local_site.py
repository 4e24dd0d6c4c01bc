"""What the commands share that serve the site on this machine."""

from __future__ import annotations

import os

from django.conf import settings

from ai_client import conf

_VARIABLE = "KONEEK_ALLOW_PRIVATE_HOSTS"


def allow_private_hosts(*addresses: str) -> None:
    """Let this process, and the workers it starts, send to ``host:port`` of this machine."""
    listed = conf.current().ALLOW_PRIVATE_HOSTS
    if listed is None:
        listed = os.environ.get(_VARIABLE, "")
    entries = listed.split(",") if isinstance(listed, str) else list(listed)
    entries = [entry for entry in (*entries, *addresses) if entry]
    os.environ[_VARIABLE] = ",".join(dict.fromkeys(entries))
    settings.AI_CLIENT = {**getattr(settings, "AI_CLIENT", {}), "ALLOW_PRIVATE_HOSTS": entries}


def asgi_path() -> str:
    """``package.module:name`` from the ASGI_APPLICATION setting."""
    module, _, name = settings.ASGI_APPLICATION.rpartition(".")
    return f"{module}:{name}"
