"""Which connectors exist. Apps register theirs at start, or at any time after."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import RLock

from django.apps import apps

from connectors import conf
from connectors.errors import ConnectorError, RegistryError
from connectors.values import AI_PROVIDER, ConnectorType

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Mistake:
    """What an app did wrongly at start: where, and what to tell its author."""

    receiver: str
    message: str


class ConnectorRegistry:
    """The registered connectors, in the order in which they came.

    To override one: unregister it, change it with ``dataclasses.replace``, register it again,
    which moves it to the end. Readers never see a half-made change, because every change replaces
    the whole table.

    Wrong use raises RegistryError. While apps are still being loaded it would keep the site from
    starting, so there it is logged and noted for the system check instead, as for receivers of
    ``connectors_init``, and the call gives None.

    ``start`` runs once, before the first reader, when every app is ready: then all providers are
    there and every app has had its chance to listen to ``connectors_init``.
    """

    def __init__(self, start: Callable[[ConnectorRegistry], None] | None = None) -> None:
        self._types: dict[str, ConnectorType] = {}
        self._reserved: dict[str, str] = {}
        self._mistakes: tuple[Mistake, ...] = ()
        self._start = start
        self._started = start is None
        self._starting = RLock()

    def register(
        self, connector: ConnectorType | str, args: Mapping[str, object] | None = None
    ) -> ConnectorType | None:
        """Add a connector, or one made of a slug and WordPress's ``args``; returns it.

        None, and nothing else, for an AI provider where CONNECTORS["AI_ENABLED"] is False. Raises
        RegistryError for wrong arguments or a slug that is taken.
        """
        try:
            return self._register(connector, args)
        except RegistryError as error:
            self.raise_or_note(error)
            return None

    def _register(
        self, connector: ConnectorType | str, args: Mapping[str, object] | None
    ) -> ConnectorType | None:
        known = self._table()
        if not isinstance(connector, ConnectorType | str):
            raise RegistryError(
                f"A connector is registered as a ConnectorType or by its slug and arguments, not "
                f"as {type(connector).__name__}.",
                field="slug",
            )
        slug = connector.slug if isinstance(connector, ConnectorType) else connector
        if slug in known:
            raise RegistryError(
                f"The connector {slug!r} is registered already; unregister it first to "
                "override it.",
                field="slug",
            )
        if not isinstance(connector, ConnectorType):
            if not isinstance(args, Mapping | None):
                raise RegistryError(
                    f"The connector {slug!r} needs its arguments as a mapping, not as "
                    f"{type(args).__name__}.",
                    field="args",
                )
            connector = ConnectorType.from_args(connector, args or {})
        if connector.type == AI_PROVIDER and not conf.ai_enabled():
            return None
        self._types = {**self._types, connector.slug: connector}
        return connector

    def unregister(self, slug: str) -> ConnectorType:
        """Remove a connector and return it. Raises RegistryError if there is none."""
        removed = self._table().get(slug)
        if removed is None:
            raise RegistryError(f"No connector {slug!r} is registered.", field="slug")
        self._types = {key: value for key, value in self._types.items() if key != slug}
        return removed

    def amend(self, connector: ConnectorType) -> None:
        """Put another declaration in the place of the one with the same slug.

        For whoever registered it and has learnt more. Raises RegistryError if there is none.
        """
        if connector.slug not in self._table():
            raise RegistryError(f"No connector {connector.slug!r} is registered.", field="slug")
        self._types = {**self._types, connector.slug: connector}

    def reserve_name(self, name: str, meaning: str) -> None:
        """Keep connections from being called ``name``, because it means something else.

        ``meaning`` is for people, and may be lazily translated.
        """
        self._reserved = {**self._reserved, name.casefold(): meaning}

    def meaning_of(self, name: str) -> str:
        """What a reserved name means; blank where connections may have it."""
        return str(self._reserved.get(name.casefold(), ""))

    def get(self, slug: str) -> ConnectorType | None:
        """The connector of that slug, a hidden one too, or None."""
        return self._table().get(slug)

    def is_registered(self, slug: str) -> bool:
        """Whether a connector of that slug is registered, be it a hidden one."""
        return slug in self._table()

    def all(self, *, hidden: bool = False) -> tuple[ConnectorType, ...]:
        """All connectors, in order of registration; the hidden ones only if asked for."""
        return tuple(each for each in self._table().values() if hidden or not each.hidden)

    def slugs(self) -> tuple[str, ...]:
        """The slugs of all connectors that are not hidden, in order of registration."""
        return tuple(each.slug for each in self.all())

    def mistakes(self) -> tuple[Mistake, ...]:
        """What apps did wrongly at start, for the system check."""
        self._table()
        return self._mistakes

    def note_mistake(self, receiver: str, error: Exception) -> None:
        """Remember that a receiver of ``connectors_init`` failed; Django logs the traceback."""
        # What another exception says may hold anything; its traceback is in the log.
        what = error.message if isinstance(error, ConnectorError) else type(error).__name__
        self._mistakes = (*self._mistakes, Mistake(receiver, what))

    def raise_or_note(self, error: RegistryError) -> None:
        """Raise, or while apps are being loaded note what the first caller outside did wrongly."""
        if apps.ready:
            raise error
        frame = sys._getframe(1)
        while frame.f_back is not None and _is_ours(frame.f_globals.get("__name__", "")):
            frame = frame.f_back
        where = f"{frame.f_globals.get('__name__')}:{frame.f_lineno}"
        logger.error("%s: %s", where, error.message)
        self.note_mistake(where, error)

    def _table(self) -> dict[str, ConnectorType]:
        if not self._started and apps.ready:
            with self._starting:
                if self._start is not None:
                    # Taken first: what runs now reads the registry, in this same thread.
                    start, self._start = self._start, None
                    start(self)
                    self._started = True
        return self._types


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] == "connectors"


def announce(registry: ConnectorRegistry) -> None:
    """Register the site's own sentinel, then let apps in with ``connectors_init``.

    An app that fails there is noted for the system check and breaks nothing.
    """
    from connectors.sentinel import SENTINEL
    from connectors.signals import connectors_init

    if not registry.is_registered(SENTINEL.slug):
        registry.register(SENTINEL)
    for receiver, answer in connectors_init.send_robust(sender=type(registry), registry=registry):
        if isinstance(answer, Exception):
            module = getattr(receiver, "__module__", "")
            name = getattr(receiver, "__qualname__", repr(receiver))
            registry.note_mistake(f"{module}.{name}", answer)


registry = ConnectorRegistry(start=announce)
