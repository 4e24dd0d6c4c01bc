"""Callers against connectors: who can ask, who asked for what, and what was decided.

The number of queries does not depend on how much there is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.core.paginator import Page, Paginator
from django.db.models import Case, Max, Value, When

from connectors.approvals import Policy, policy
from connectors.callers import known_callers
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


@dataclass(frozen=True, slots=True)
class CallerStates:
    """One caller, and what holds for each connector by slug: the decision, or else the policy."""

    caller: str
    states: Mapping[str, str]


def matrix(page: str = "", registry: ConnectorRegistry = site_registry) -> Matrix:
    """The matrix at that page number; the nearest there is where the number is none."""
    columns = _columns(registry)
    callers = Paginator(_callers(), CALLERS_ON_A_PAGE).get_page(page)
    names = list(callers.object_list)
    found = _by_pair(Approval.objects.filter(caller__in=names))
    return Matrix(columns, tuple(_row(name, columns, found) for name in names), callers)


def caller_states(
    approvals: Iterable[Approval], connectors: Iterable[str]
) -> tuple[CallerStates, ...]:
    """The whole matrix in short: a row for each caller of ``approvals`` and each that can ask."""
    found = _by_pair(approvals)
    slugs, otherwise = tuple(connectors), policy()
    return tuple(
        CallerStates(caller, {slug: _state(found.get((caller, slug)), otherwise) for slug in slugs})
        for caller in sorted({caller for caller, _ in found} | known_callers())
    )


def waiting() -> int:
    """How many pairs of caller and connector nobody has decided about."""
    return Approval.objects.filter(state=ApprovalState.PENDING).count()


def _callers() -> list[str]:
    """Those with open questions, then the others, each in alphabetical order."""
    pending = Case(When(state=ApprovalState.PENDING, then=Value(1)), default=Value(0))
    grouped = Approval.objects.order_by().values("caller").annotate(asks=Max(pending))
    asks = dict.fromkeys(known_callers(), 0) | dict(grouped.values_list("caller", "asks"))
    return sorted(asks, key=lambda caller: (-asks[caller], caller))


def _by_pair(approvals: Iterable[Approval]) -> dict[tuple[str, str], Approval]:
    return {(each.caller, each.connector): each for each in approvals}


def _state(approval: Approval | None, otherwise: Policy) -> str:
    return str(approval.state) if approval else otherwise


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
