"""``prune_request_log``: delete old rows of the request log."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser, no_translations
from django.utils import timezone

from ai_client import conf
from ai_client.log.retention import delete_older


class Command(BaseCommand):
    """Deletes rows of the request log, a few at a time."""

    help = "Delete requests from the log that are older than AI_CLIENT['LOG_RETENTION_DAYS']."

    def add_arguments(self, parser: CommandParser) -> None:
        """The age, if not the setting's."""
        parser.add_argument(
            "--days", type=float, help="delete what is older than this many days instead"
        )

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        """Delete, and say how many rows there were."""
        chosen = options["days"]
        days = conf.current().LOG_RETENTION_DAYS if chosen is None else chosen
        if days < 0:
            raise CommandError("--days must not be negative.")
        if chosen is None and days == 0:
            self.stdout.write("LOG_RETENTION_DAYS is 0: requests are kept for ever.")
            return
        try:
            before = timezone.now() - timedelta(days=days)
        except (OverflowError, ValueError) as error:
            raise CommandError(f"--days: {days} is not a usable number of days.") from error
        count = delete_older(before)
        self.stdout.write(f"{count} requests older than {days:g} days were deleted.")
