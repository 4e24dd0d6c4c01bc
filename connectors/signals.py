"""Signals for other people's code. Sent robustly: a receiver that fails breaks nothing here."""

from __future__ import annotations

from django.dispatch import Signal

connectors_init = Signal()
"""At start, with ``registry``: register, unregister or override connectors. No database yet."""

configuration_changed = Signal()
"""After the commit of every write, with ``version``: the configuration's new version number."""
