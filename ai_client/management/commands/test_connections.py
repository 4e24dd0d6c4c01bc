"""One small request to each connection, to see which ones work."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError, no_translations

from ai_client.client import AiClient, default_client
from ai_client.errors import AiClientError
from ai_client.snapshot import ConnectionConfig
from ai_client.step_by_step import TRIAL
from connectors.services import connection_of_option


class Command(BaseCommand):
    """``python manage.py test_connections [NAME…]``"""

    help = "Send one small request to each connection; exit 1 if any fails."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "names",
            nargs="*",
            metavar="NAME",
            help="Connections, by name or by option name (koneek_api_key_...); default: all.",
        )

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        client = default_client()
        chosen = self._chosen(client, options["names"])
        rows = [("CONNECTION", "PROVIDER", "MODEL", "MS", "RESULT")]
        failures = 0
        for connection in chosen:
            milliseconds, problem = _try(client, connection)
            failures += problem is not None
            rows.append(
                (
                    connection.name,
                    connection.provider.slug,
                    connection.model or "-",
                    f"{milliseconds:.0f}",
                    problem or "OK",
                )
            )
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        for row in rows:
            cells = [cell.ljust(width) for cell, width in zip(row[:4], widths, strict=True)]
            self.stdout.write("  ".join([*cells, row[4]]))
        if failures:
            raise CommandError(f"{failures} of {len(chosen)} connections failed.")

    def _chosen(self, client: AiClient, names: list[str]) -> list[ConnectionConfig]:
        connections = {each.name: each for each in client.snapshot().connections}
        names = [_name_of(name) for name in names]
        unknown = [name for name in names if name not in connections]
        if unknown:
            there = ", ".join(connections) or "none"
            raise CommandError(f"No enabled connection {unknown[0]!r}. There are: {there}.")
        if not connections:
            raise CommandError("No connection is enabled. Add one with apply_connections.")
        return [connections[name] for name in names or connections]


def _name_of(given: str) -> str:
    """The connection's name where its option was given; else what was given."""
    found = connection_of_option(given)
    return found.name if found else given


def _try(client: AiClient, connection: ConnectionConfig) -> tuple[float, str | None]:
    started = time.perf_counter()
    problem: str | None = None
    if not connection.model:
        return 0.0, "No model: give the connection one."
    try:
        client.generate_from(connection, TRIAL, caller="test_connections")
    except AiClientError as error:
        problem = f"{error.code}: {error.message}"
    return (time.perf_counter() - started) * 1000, problem
