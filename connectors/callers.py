"""Who can become a caller, known before it asks: the site's own apps, and a seam for the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeAlias

from django.apps import AppConfig, apps

CallerSource: TypeAlias = Callable[[], Iterable[str]]
"""Gives the names that approvals know callers by, with at most one query."""

_INSTALLED_PACKAGES = {"site-packages", "dist-packages"}
_NEVER = ("django", "connectors")

_sources: dict[str, CallerSource] = {}


def register_callers(name: str, source: CallerSource) -> None:
    """Offer what ``source`` returns for decisions; a second source of a name replaces the first.

    For installed packages whose code calls, and for whoever hands out keys to callers. An app that
    registers under its own dotted name speaks for itself: its label is not offered besides.
    """
    _sources[name] = source


def known_callers() -> frozenset[str]:
    """The labels of the site's own apps, and the callers of all sources.

    An app is the site's own if it is in no folder of installed packages: any of those could call
    too, but few do, and they say so with ``register_callers``.
    """
    own = {config.label for config in apps.get_app_configs() if _is_own(config)}
    return frozenset(own.union(*(source() for source in tuple(_sources.values()))))


def _is_own(config: AppConfig) -> bool:
    if config.name.partition(".")[0] in _NEVER or config.name in _sources:
        return False
    return not _INSTALLED_PACKAGES & set(Path(config.path).parts)
