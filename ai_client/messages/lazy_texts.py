"""Knows texts that Django translates when they are read: the one place where that happens."""

from __future__ import annotations

from typing import Any


def read(value: Any) -> Any:
    """The text that a lazy one is now; anything else as it is."""
    if isinstance(value, str):
        return value
    from django.utils.functional import Promise

    return str(value) if isinstance(value, Promise) else value
