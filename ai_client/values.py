"""Frozen dataclasses for what every request makes several of.

``value`` is ``dataclass`` in all but one thing: that a value does not change is checked by mypy and
not again at run time, where Python's guard makes setting each attribute several times as dear.
Callers' own types, messages and results say, have the guard.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as value
else:
    from dataclasses import dataclass

    def value(*, frozen: bool, slots: bool):
        """As ``dataclass``; equal values have equal hashes."""
        return dataclass(slots=slots, unsafe_hash=frozen)


__all__ = ["value"]
