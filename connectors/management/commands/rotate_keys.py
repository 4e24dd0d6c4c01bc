"""Re-encrypt stored secrets under the first key of the ring."""

from __future__ import annotations

from typing import Any

from django.core.management.base import (
    BaseCommand,
    CommandError,
    CommandParser,
    no_translations,
)

from connectors import services
from connectors.errors import ConnectorError


class Command(BaseCommand):
    """``rotate_keys [--batch-size N]``"""

    help = (
        "Re-encrypts stored secrets under the first key of KONEEK_ENCRYPTION_KEYS. It can be "
        "interrupted and run again; its exit code is 1 while secrets under other keys remain."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--batch-size", type=int, default=100, help="secrets in one transaction (100)"
        )

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        if options["batch_size"] < 1:
            raise CommandError("--batch-size must be at least 1.")
        total = 0
        try:
            while (batch := services.rotate_keys(options["batch_size"])).rotated:
                total += batch.rotated
                self.stdout.write(f"re-encrypted {total}, remaining {batch.remaining}")
        except ConnectorError as error:
            raise CommandError(error.message) from None
        if batch.remaining:
            raise CommandError(
                f"{batch.remaining} cannot be read and remain: {', '.join(batch.unreadable)}. Put "
                "the lost key back into KONEEK_ENCRYPTION_KEYS, or type these secrets again."
            )
        self.stdout.write(f"All secrets are under the first key; re-encrypted {total}.")
