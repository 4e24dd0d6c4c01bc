"""The app's settings, typed and read at use.

A value is looked up by one name in two places: the environment variable of that name, then
``settings.CONNECTORS[name]``. Blank counts as absent.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from operator import call

from django.conf import settings

KEY_RING = "KONEEK_ENCRYPTION_KEYS"
DEFAULT_TIMEOUT = "DEFAULT_TIMEOUT"
ADMIN_SITE = "ADMIN_SITE"
AI_ENABLED = "AI_ENABLED"
APPROVAL = "APPROVAL"
APPROVAL_POLICIES = ("allow", "ask")
MAXIMUM_TIMEOUT = 600.0
"""Seconds."""

_WORDS_FOR_OFF = frozenset(("", "0", "f", "false", "n", "no", "off"))
# What Django has looked up before: it forgets a setting that changes. Asking Django itself costs a
# microsecond, and every request asks several times.
_looked_up: Callable[[str], object] = vars(settings).get


def setting(name: str, default: object = None) -> object:
    """A Django setting as it is now."""
    found = _looked_up(name)
    return getattr(settings, name, default) if found is None else found


def declared() -> Mapping[str, object]:
    """The CONNECTORS setting; empty where it is missing or no dictionary."""
    value = setting("CONNECTORS")
    return value if isinstance(value, dict) else {}


def from_environment(name: str) -> str:
    """The environment variable without surrounding spaces; blank when absent or unnamed."""
    return os.environ.get(name, "").strip() if name else ""


def from_settings(name: str) -> str:
    """The text in ``CONNECTORS[name]`` without surrounding spaces; blank when it is no text."""
    value = declared().get(name) if name else None
    return value.strip() if isinstance(value, str) else ""


def encryption_keys() -> str:
    """The key ring as written: Django's KONEEK_ENCRYPTION_KEYS, CONNECTORS, the environment.

    The other way round than for the keys of providers: a site's settings usually read the
    variable themselves, from a file of their own as well.
    """
    top_level = getattr(settings, KEY_RING, "")
    if isinstance(top_level, list | tuple):
        top_level = ",".join(map(str, top_level))
    return str(top_level or "").strip() or from_settings(KEY_RING) or from_environment(KEY_RING)


_switches: list[Callable[[], bool]] = []


def add_ai_switch(is_on: Callable[[], bool]) -> None:
    """From now on AI is off as well while ``is_on``, another app's switch, says so."""
    if is_on not in _switches:
        _switches.append(is_on)


def ai_enabled() -> bool:
    """Whether AI is on, so that connectors of the type ``ai_provider`` may register.

    Other apps may have switches of their own, see ``add_ai_switch``.
    """
    said = declared().get(AI_ENABLED, True)
    return (said is True or leaves_on(said)) and all(map(call, _switches))


def leaves_on(value: object) -> bool:
    """Whether a switch with this value is on.

    What Python takes for false switches it off, and so do the words for it that environment
    variables hold: sending nothing is the safer reading.
    """
    if isinstance(value, str):
        return value.strip().lower() not in _WORDS_FOR_OFF
    return bool(value)


def approval() -> str:
    """Whether callers that nobody has decided about may use connectors: "allow" or "ask".

    A value that is neither counts as "ask", which lets nobody in by mistake.
    """
    value = declared().get(APPROVAL, "allow")
    return "allow" if value == "allow" else "ask"


def default_timeout() -> float:
    """Seconds that a new connection waits for an answer unless it says otherwise."""
    value = declared().get(DEFAULT_TIMEOUT)
    return float(value) if is_timeout(value) and isinstance(value, int | float) else 60.0


def is_timeout(value: object) -> bool:
    """Whether the value is a number of seconds above 0 and up to 600."""
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and 0 < value <= MAXIMUM_TIMEOUT
    )
