"""Which caller may use which connector, as requests see it: pure."""

from __future__ import annotations

from dataclasses import dataclass

UNNAMED = "unnamed"
"""Stands for Python code that does not say which app it belongs to."""

GATEWAY = "gateway"
"""The gateway's callers: this, a colon and the key's caller, its own name unless it says another;
this alone where no key is needed."""

LONGEST_CALLER = 150


def caller_label(caller: str) -> str:
    """The name under which a caller is decided about."""
    return caller.strip()[:LONGEST_CALLER] or UNNAMED


def gateway_caller(name: str | None) -> str:
    """The label of a gateway key's caller; None where the gateway asks for no key."""
    return GATEWAY if name is None else f"{GATEWAY}:{name}"


@dataclass(frozen=True, slots=True)
class Approvals:
    """Decisions by (caller, connector's slug). ``asks``: what was not allowed is refused."""

    asks: bool = False
    allowed: frozenset[tuple[str, str]] = frozenset()
    denied: frozenset[tuple[str, str]] = frozenset()

    @property
    def restrict(self) -> bool:
        """Whether anybody may be refused anything."""
        return self.asks or bool(self.denied)

    def permit(self, caller: str, connector: str) -> bool:
        """Whether the caller, by its label, may use the connector."""
        pair = (caller, connector)
        return pair in self.allowed if self.asks else pair not in self.denied
