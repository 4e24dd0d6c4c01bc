"""``gateway_keys``: lists the gateway keys, what they may do and what they have used."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser, no_translations
from django.utils import timezone

from ai_client.key_forms import limits_in_words
from ai_client.key_use import KeyUse, uses
from ai_client.models import GatewayKey
from connectors.moments import in_utc

_HEAD = ("name", "key", "state", "limits", "may use", "today (UTC)", "this month", "last used")


class Command(BaseCommand):
    """Lists gateway keys."""

    help = "List the gateway keys with their limits and their use. No key is shown."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which of them."""
        parser.add_argument("name", nargs="*", help="only these")

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        """Print a table."""
        keys = list(GatewayKey.objects.all())
        if options["name"]:
            keys = [key for key in keys if key.name in options["name"]]
        used = uses(keys)
        rows = [_HEAD, *(_row(key, used.get(key.pk, KeyUse())) for key in keys)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
        for row in rows:
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            self.stdout.write("  ".join(cells).rstrip())


def _row(key: GatewayKey, use: KeyUse) -> tuple[str, ...]:
    scope = [*key.allowed_connections, *key.allowed_models]
    return (
        key.name,
        f"{key.prefix}…",
        _state(key),
        ", ".join(limits_in_words(key)) or "none",
        ", ".join(scope) or "everything",
        f"{use.requests_today} requests, ${use.cost_today:.4f}",
        f"{use.requests_this_month} requests, ${use.cost_this_month:.4f}",
        f"{in_utc(key.last_used):%Y-%m-%d %H:%M} UTC" if key.last_used else "never",
    )


def _state(key: GatewayKey) -> str:
    if not key.enabled:
        return "off"
    if key.expires_at is None:
        return "on"
    if key.expires_at <= timezone.now():
        return "expired"
    return f"on until {in_utc(key.expires_at):%Y-%m-%d %H:%M} UTC"
