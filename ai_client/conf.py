"""The settings of this app: the dict ``AI_CLIENT``, read at use, each value with its default.

``checks.py`` reports unknown names and values of the wrong type with what to write instead.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.crypto import salted_hmac

from ai_client.addresses import AllowList
from ai_client.ask import Limits

_HOSTS_VARIABLE = "KONEEK_ALLOW_PRIVATE_HOSTS"
_SPOOL_VARIABLE = "AI_CLIENT_SPOOL_DIR"


@dataclass(frozen=True, slots=True)
class AiClientSettings:
    """Defaults and meaning of every key of ``AI_CLIENT``. Times are in seconds."""

    DEADLINE: float = 600.0
    """Total time of a request with all its attempts."""
    CONNECT_TIMEOUT: float = 5.0
    """To make a TCP and TLS connection."""
    POOL_TIMEOUT: float = 2.0
    """To wait for a free connection of our own."""
    FIRST_EVENT_TIMEOUT: float | None = None
    """From headers to the first event; None: the connection's own timeout."""
    IDLE_TIMEOUT: float = 60.0
    """Between two events of a stream; pings do not count."""
    MAX_ATTEMPTS: int = 4
    """Connections asked for one request."""
    MAX_BODY_BYTES: int = 32 * 1024 * 1024
    """A caller's request body; larger ones get 413."""
    BODY_TIMEOUT: float = 30.0
    """For a caller to send its body; slower ones get 408."""
    KEEP_ALIVE_AFTER: float = 15.0
    """A streamed answer that has not begun by then gets its headers and comments."""
    REQUIRE_GATEWAY_KEY: bool = True
    """Whether callers of the gateway need a key."""
    CONFIGURATION_POLL: float = 0.5
    """How often another process's changes are looked for; 0 switches polling off."""
    ALLOW_PRIVATE_HOSTS: Sequence[str] | str | None = None
    """Hosts (``host`` or ``host:port``) that may be on private addresses; None: the environment
    variable KONEEK_ALLOW_PRIVATE_HOSTS, or the setting of that name."""
    SPOOL_DIR: str = ""
    """Folder of the request log's spool; empty: the setting or environment variable
    AI_CLIENT_SPOOL_DIR, else one in the system's temporary folder."""
    SPOOL_MAX_BYTES: int = 1024 * 1024 * 1024
    """Beyond this the spool drops new records instead of filling the disk."""
    LOG_WRITER: str = "thread"
    """``thread`` writes the log in the background; ``manual`` only when told to (tests)."""
    LOG_RETENTION_DAYS: int = 30
    """Age at which rows of the request log are deleted, by the log's writer and by
    prune_request_log; 0 keeps them for ever."""


def current() -> AiClientSettings:
    """The settings as they are now; unknown keys are ignored here and reported by the checks."""
    given: Mapping[str, Any] = getattr(settings, "AI_CLIENT", None) or {}
    known = {each.name for each in fields(AiClientSettings)}
    return AiClientSettings(**{name: value for name, value in given.items() if name in known})


def limits() -> Limits:
    """The time limits of a request."""
    now = current()
    return Limits(
        deadline=now.DEADLINE,
        connect=now.CONNECT_TIMEOUT,
        pool=now.POOL_TIMEOUT,
        first_event=now.FIRST_EVENT_TIMEOUT,
        idle=now.IDLE_TIMEOUT,
        attempts=now.MAX_ATTEMPTS,
    )


def allowed_private_hosts() -> AllowList:
    """The parsed KONEEK_ALLOW_PRIVATE_HOSTS; ``ValueError`` names a malformed entry."""
    given = current().ALLOW_PRIVATE_HOSTS
    if given is None:
        given = getattr(settings, _HOSTS_VARIABLE, None)
    if given is None:
        given = os.environ.get(_HOSTS_VARIABLE, "")
    entries = tuple(given.split(",")) if isinstance(given, str) else tuple(given)
    return _parsed(entries)


@lru_cache(maxsize=8)
def _parsed(entries: tuple[str, ...]) -> AllowList:
    return AllowList.parse(entries)


def spool_directory() -> Path:
    """Where the request log's spool lies."""
    chosen = (
        current().SPOOL_DIR
        or getattr(settings, _SPOOL_VARIABLE, "")
        or os.environ.get(_SPOOL_VARIABLE, "")
    )
    if chosen:
        return Path(chosen)
    # Each site its own: what lies in a spool is stored in the database of whoever finds it.
    site = salted_hmac("ai_client.spool", "directory").hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"koneek-spool-{site}"
