"""Callers against connectors, for the page of approvals: who asked for what, and what was decided.

The number of queries does not depend on how much there is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.core.paginator import Page, Paginator
from django.db.models import Case, Max, Value, When

from connectors.models import Approval, ApprovalState, Connection
from connectors.registry import ConnectorRegistry
from connectors.registry import registry as site_registry

CALLERS_ON_A_PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class Column:
    """A connector that is in use or was asked for. ``known``: it is registered."""

    slug: str
    name: str
    known: bool


@dataclass(frozen=True, slots=True)
class Cell:
    """A caller and a connector; ``approval`` is None where nobody asked and nobody decided."""

    column: Column
    approval: Approval | None

    @property
    def state(self) -> str:
        """The decision, or "undecided"."""
        return str(self.approval.state) if self.approval else "undecided"

    @property
    def can_be_allowed(self) -> bool:
        """Whether allowing would be a change, and is possible."""
        return self._can_become(ApprovalState.ALLOWED)

    @property
    def can_be_denied(self) -> bool:
        """Whether denying would be a change, and is possible."""
        return self._can_become(ApprovalState.DENIED)

    def _can_become(self, state: ApprovalState) -> bool:
        if self.approval is None:
            return self.column.known
        return self.approval.state != state


@dataclass(frozen=True, slots=True)
class Row:
    """One caller, with a cell for each column."""

    caller: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """One page of callers, those with open questions first, and all columns."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    callers: Page[Any]


def matrix(page: str = "", registry: ConnectorRegistry = site_registry) -> Matrix:
    """The matrix at that page number; the nearest there is where the number is none."""
    columns = _columns(registry)
    callers = Paginator(_callers(), CALLERS_ON_A_PAGE).get_page(page)
    names = list(callers.object_list)
    found = {
        (each.caller, each.connector): each for each in Approval.objects.filter(caller__in=names)
    }
    return Matrix(columns, tuple(_row(name, columns, found) for name in names), callers)


def waiting() -> int:
    """How many pairs of caller and connector nobody has decided about."""
    return Approval.objects.filter(state=ApprovalState.PENDING).count()


def _callers() -> Any:
    pending = Case(When(state=ApprovalState.PENDING, then=Value(1)), default=Value(0))
    grouped = Approval.objects.order_by().values("caller").annotate(asks=Max(pending))
    return grouped.order_by("-asks", "caller").values_list("caller", flat=True)


def _columns(registry: ConnectorRegistry) -> tuple[Column, ...]:
    used = set(Connection.objects.order_by().values_list("provider", flat=True).distinct())
    asked = set(Approval.objects.order_by().values_list("connector", flat=True).distinct())
    known = {each.slug: each.name for each in registry.all(hidden=True)}
    columns = [Column(slug, known.get(slug, slug), slug in known) for slug in used | asked]
    return tuple(sorted(columns, key=lambda column: (column.name.casefold(), column.slug)))


def _row(
    caller: str, columns: tuple[Column, ...], found: Mapping[tuple[str, str], Approval]
) -> Row:
    return Row(caller, tuple(Cell(each, found.get((caller, each.slug))) for each in columns))
