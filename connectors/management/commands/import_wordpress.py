"""Take connections over from WordPress."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import (
    BaseCommand,
    CommandError,
    CommandParser,
    no_translations,
)

from connectors.errors import ConnectorError
from connectors.services.importing import ImportReport, import_wordpress

_SECRETS_KEYS = ("WP_SECRETS_KEY", "WP_SECRETS_KEY_PREVIOUS")


class Command(BaseCommand):
    """``import_wordpress FILE|- [--dry-run]``"""

    help = (
        "Creates and updates connections from what `wp option list --format=json --unserialize` "
        "prints on a site with Koneek. Keys must be plain there, or encrypted by WordPress's AI "
        "plugin, whose WP_SECRETS_KEY is then read from the environment variable of that name. "
        "What does not come along is listed with the reason."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="JSON; - reads standard input")
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would happen and write nothing"
        )

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = import_wordpress(
                _document(options["file"]),
                dry_run=options["dry_run"],
                secrets_keys=[key for name in _SECRETS_KEYS if (key := os.environ.get(name))],
            )
        except ConnectorError as error:
            raise CommandError(error.message) from None
        self._tell(report)
        if options["dry_run"]:
            self.stdout.write("Nothing was written (--dry-run).")

    def _tell(self, report: ImportReport) -> None:
        for each in report.connections:
            values = f" ({', '.join(each.changed)})" if each.changed else ""
            self.stdout.write(f"{each.action} {each.name}{values}")
            if each.note:
                self.stderr.write(f"  {each.name}: {each.note}")
        for option in report.options:
            self.stdout.write(f"{option.action} option {option.name}")
        for skipped in report.skipped:
            self.stderr.write(f"skipped {skipped.name}: {skipped.reason}")
        if report.unknown:
            self.stdout.write(f"not ours: {', '.join(report.unknown)}")


def _document(name: str) -> object:
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8-sig")
        return json.loads(text)
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError):
        raise CommandError(f"{name} is not JSON in UTF-8.") from None
