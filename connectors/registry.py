"""Which connectors exist. Apps register theirs at start, or at any time after."""

from __future__ import annotations

from connectors.errors import RegistryError
from connectors.values import ConnectorType


class ConnectorRegistry:
    """The registered connectors, in the order in which they came.

    To override one: unregister it, change it with ``dataclasses.replace``, register it again.
    Readers never see a half-made change, because every change replaces the whole table.
    """

    def __init__(self) -> None:
        self._types: dict[str, ConnectorType] = {}
        self._reserved: dict[str, str] = {}

    def register(self, connector: ConnectorType) -> ConnectorType:
        """Add a connector and return it. Raises RegistryError if its slug is taken."""
        if connector.slug in self._types:
            raise RegistryError(
                f"The connector {connector.slug!r} is registered already; unregister it first to "
                "override it.",
                field="slug",
            )
        self._types = {**self._types, connector.slug: connector}
        return connector

    def unregister(self, slug: str) -> ConnectorType:
        """Remove a connector and return it. Raises RegistryError if there is none."""
        removed = self._types.get(slug)
        if removed is None:
            raise RegistryError(f"No connector {slug!r} is registered.", field="slug")
        self._types = {key: value for key, value in self._types.items() if key != slug}
        return removed

    def reserve_name(self, name: str, meaning: str) -> None:
        """Keep connections from being called ``name``, because it means something else."""
        self._reserved = {**self._reserved, name.casefold(): meaning}

    def meaning_of(self, name: str) -> str:
        """What a reserved name means; blank where connections may have it."""
        return self._reserved.get(name.casefold(), "")

    def get(self, slug: str) -> ConnectorType | None:
        """The connector of that slug, or None."""
        return self._types.get(slug)

    def is_registered(self, slug: str) -> bool:
        """Whether a connector of that slug is registered."""
        return slug in self._types

    def all(self) -> tuple[ConnectorType, ...]:
        """All connectors, in order of registration."""
        return tuple(self._types.values())

    def slugs(self) -> tuple[str, ...]:
        """The slugs of all connectors, in order of registration."""
        return tuple(self._types)


registry = ConnectorRegistry()
