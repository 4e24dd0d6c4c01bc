"""Print the connections in the shape that apply_connections reads."""

from __future__ import annotations

import json
from typing import Any

import yaml
from django.core.management.base import BaseCommand, CommandParser

from connectors.models import Connection
from connectors.services import declarations


class Command(BaseCommand):
    """``export_connections [--format json|yaml]``"""

    help = (
        "Prints the connections in the shape that apply_connections reads. Stored keys are left "
        "out; names of environment variables are not secret and stay."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--format", choices=["json", "yaml"], default="json")

    def handle(self, *args: Any, **options: Any) -> None:
        document = declarations.dump(list(Connection.objects.all()))
        if options["format"] == "yaml":
            text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
        else:
            text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        self.stdout.write(text, ending="")
