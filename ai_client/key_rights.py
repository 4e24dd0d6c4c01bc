"""What a gateway key is for, and how much of it: pure values.

An entry of a scope is a name with ``*`` for any text, compared with regard to case. A model is
named as its connection knows it, ``gpt-5*``, or with that connection's name before it,
``claude/claude-opus-*``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class KeyScope:
    """The connections and models that a key is for; an empty one means all of them."""

    connections: tuple[str, ...] = ()
    models: tuple[str, ...] = ()

    def covers(self, connection: str, model: str) -> bool:
        """Whether the key may ask ``model`` of ``connection``, both by name."""
        if self.connections and connection not in self.connections:
            return False
        if not self.models:
            return True
        return _fits(model, self.models) or _fits(f"{connection}/{model}", self.models)

    def in_words(self) -> str:
        """What the key may use, for the refusal of anything else."""
        parts = []
        if self.connections:
            parts.append(f"the connections {', '.join(self.connections)}")
        if self.models:
            parts.append(f"the models {', '.join(self.models)}")
        return " and of these ".join(parts)


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """What a key may use up; None is no limit.

    ``concurrency`` is how many of its requests may run at once. Budgets are US dollars; days and
    months are those of UTC.
    """

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrency: int | None = None
    budget_per_day: Decimal | None = None
    budget_per_month: Decimal | None = None

    @property
    def has_budget(self) -> bool:
        """Whether the key's spending matters."""
        return self.budget_per_day is not None or self.budget_per_month is not None


def _fits(name: str, patterns: Sequence[str]) -> bool:
    return any(_compiled(pattern).fullmatch(name) for pattern in patterns)


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    """Several ``*`` in a row mean what one does, and would take their time."""
    parts = (re.escape(part) for part in re.split(r"\*+", pattern))
    return re.compile(".*".join(parts), re.DOTALL)
