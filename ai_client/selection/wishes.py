"""What there is to choose from, and what a prompt asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import Protocol, TypeAlias

from ai_client.capabilities import ModelMetadata, ModelRequirements
from ai_client.model_catalog import known
from ai_client.snapshot import ConnectionConfig
from ai_client.values import value

Named: TypeAlias = tuple[str | None, str]
"""A provider's slug or a connection's name, None for any, with a model's id.

Without a provider the id may also be what the gateway takes: a connection's name, which stands for
its own model, or ``connection/model``.
"""

Models: TypeAlias = tuple[ModelMetadata, ...]


PATIENCE = 10.0
"""Seconds that a prompt waits for one upstream's list at most."""


class Listing(Protocol):
    """All models of a connection, for which its upstream may be asked."""

    def __call__(self, patience: float = PATIENCE) -> Models:
        """Wait at most ``patience`` seconds; then those that it names are all."""


def _unheard() -> Models | None:
    return None


@value(frozen=True, slots=True)
class Offer:
    """A connection with the models that it has.

    ``models`` gives all, the connection's own first, and may ask the upstream; ``peek`` gives them
    where they are at hand already, else None. ``named`` are those that the connection names.
    ``takes_any`` says that it takes the names of models that nobody lists, too.
    """

    connection: ConnectionConfig
    models: Listing
    peek: Callable[[], Models | None] = _unheard
    takes_any: bool = False
    named: Models = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "named", known(self.connection))

    def is_of(self, owner: str | None) -> bool:
        """Whether ``owner`` is its provider, its name or nobody in particular."""
        connection = self.connection
        return owner is None or owner in (connection.provider.slug, connection.name)


@value(frozen=True, slots=True)
class Wish:
    """What a prompt asks for. ``model`` is explicit: its requirements are not checked.

    ``provider`` is a slug or a connection's name: nobody else answers, except that an explicit
    model may name another one. Both go before ``preferences``. Without ``fallback`` there is one
    route.
    """

    requirements: ModelRequirements = field(default_factory=ModelRequirements)
    provider: str | None = None
    model: Named | None = None
    preferences: tuple[Named, ...] = ()
    fallback: bool = True
