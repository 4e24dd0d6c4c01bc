"""Create and update connections from a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import (
    BaseCommand,
    CommandError,
    CommandParser,
    no_translations,
)

from connectors import services
from connectors.errors import ConnectorError
from connectors.services import declarations


class Command(BaseCommand):
    """``apply_connections FILE|- [--prune] [--dry-run]``"""

    help = (
        "Creates and updates connections as a JSON or YAML file declares them, by name: all of it "
        "or, on any mistake, nothing. The same file twice changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="JSON or YAML; - reads standard input")
        parser.add_argument(
            "--prune", action="store_true", help="remove the connections that are not in the file"
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would happen and write nothing"
        )

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = services.apply_connections(
                declarations.read(_text_of(options["file"])),
                prune=options["prune"],
                dry_run=options["dry_run"],
            )
        except ConnectorError as error:
            raise CommandError(error.message) from None
        for each in report.connections:
            values = f" ({', '.join(each.changed)})" if each.changed else ""
            self.stdout.write(f"{each.action} {each.name}{values}")
            if each.note:
                self.stderr.write(f"  {each.name}: {each.note}")
        if options["dry_run"]:
            self.stdout.write("Nothing was written (--dry-run).")


def _text_of(name: str) -> str:
    try:
        return sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise CommandError(f"{name} is not text in UTF-8.") from None
