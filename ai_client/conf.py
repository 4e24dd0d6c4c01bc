"""The settings of this app: the dict ``AI_CLIENT``, read at use, each value with its default.

``checks.py`` reports unknown names and values of the wrong type with what to write instead.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.crypto import salted_hmac
from django.utils.module_loading import import_string

from ai_client.addresses import AllowList
from ai_client.ask import Limits
from ai_client.prices import NO_PRICES, PriceTable, price_table
from connectors.conf import ai_enabled, leaves_on, setting

__all__ = ["ai_enabled"]

_HOSTS_VARIABLE = "KONEEK_ALLOW_PRIVATE_HOSTS"
_SPOOL_VARIABLE = "AI_CLIENT_SPOOL_DIR"
_REDIS_VARIABLE = "REDIS_URL"


@dataclass(frozen=True, slots=True)
class AiClientSettings:
    """Defaults and meaning of every key of ``AI_CLIENT``. Times are in seconds."""

    ENABLED: bool = True
    """False, or what Python takes for false, switches AI off, as ``CONNECTORS["AI_ENABLED"]``
    does: nothing is sent."""
    PREVENT_PROMPT: str = ""
    """Dotted path of a function that gets each ``Prompt`` of Python code; True, or a reason as
    text, keeps it from being sent."""
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
    MAX_PARTS: int = 20_000
    """Messages and parts of a caller's request that are translated for a connection of another
    dialect; a request with more gets 413 unless a connection speaks its dialect."""
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
    PRICES: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """US dollars per million tokens, before the list in genai-prices: ``"provider/model"``, with
    ``*`` for any text, the first that fits, to ``input_mtok``, ``output_mtok`` and if they differ
    ``cached_input_mtok`` and ``cache_write_mtok``."""
    REDIS_URL: str = ""
    """Redis in which the processes of a site count the limits of gateway keys together; empty: the
    environment variable REDIS_URL. Without either each process counts by itself."""
    TRACE_CONTENT: bool = False
    """True: OpenTelemetry's spans hold prompts and answers."""
    TRACE_UPSTREAM: bool = False
    """True: upstreams are sent the header ``traceparent``."""


_NAMES = frozenset(each.name for each in fields(AiClientSettings))


def current() -> AiClientSettings:
    """The settings as they are now; unknown keys are ignored here and reported by the checks."""
    return _as_given().settings


@dataclass(frozen=True, slots=True)
class _Given:
    """What the dict said when it was last read, and what that came to."""

    said: Mapping[str, Any]
    settings: AiClientSettings
    limits: Limits
    switched_on: bool


def _as_given() -> _Given:
    # Each request asks several times, and the dict hardly ever changes: to compare is cheaper.
    global _last_given
    said = _said()
    found = _last_given
    if found is None or found.said != said:
        found = _last_given = _read(dict(said))
    return found


def _read(said: Mapping[str, Any]) -> _Given:
    found = AiClientSettings(**{name: value for name, value in said.items() if name in _NAMES})
    limits = Limits(
        deadline=found.DEADLINE,
        connect=found.CONNECT_TIMEOUT,
        pool=found.POOL_TIMEOUT,
        first_event=found.FIRST_EVENT_TIMEOUT,
        idle=found.IDLE_TIMEOUT,
        attempts=found.MAX_ATTEMPTS,
    )
    return _Given(said, found, limits, leaves_on(found.ENABLED))


_last_given: _Given | None = None


def switched_on() -> bool:
    """Whether ``AI_CLIENT["ENABLED"]`` leaves AI on, by ``connectors.conf.leaves_on``.

    ``apps`` has told the connectors of this switch, so ``ai_enabled`` asks for both.
    """
    return _as_given().switched_on


def traces_content() -> bool:
    """Whether spans hold prompts and answers; only ``TRACE_CONTENT = True`` does it."""
    return _given("TRACE_CONTENT") is True


def traces_upstream() -> bool:
    """Whether upstreams are told of the trace; only ``TRACE_UPSTREAM = True`` does it."""
    return _given("TRACE_UPSTREAM") is True


def prices() -> PriceTable:
    """The parsed ``AI_CLIENT["PRICES"]``; what is wrong in it is left out, the checks report it."""
    given = _given("PRICES")
    return price_table(given) if isinstance(given, Mapping) and given else NO_PRICES


def _given(name: str) -> object:
    return _said().get(name)


def _said() -> Mapping[str, Any]:
    said: Any = setting("AI_CLIENT")
    return said or {}


def prevent_prompt() -> Callable[..., object] | None:
    """What decides about each prompt; None where nobody does. ``ImportError`` for a wrong path."""
    path = _as_given().settings.PREVENT_PROMPT
    if not path:
        return None
    found: Callable[..., object] = import_string(path)
    return found


def limits() -> Limits:
    """The time limits of a request."""
    return _as_given().limits


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


def redis_url() -> str:
    """Where Redis is, empty where there is none. It may hold a password: not for anybody's eyes."""
    return current().REDIS_URL or os.environ.get(_REDIS_VARIABLE, "")


def site_mark() -> str:
    """What tells this site's names from those of others in a shared store."""
    return salted_hmac("ai_client.site", "mark").hexdigest()[:16]


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
