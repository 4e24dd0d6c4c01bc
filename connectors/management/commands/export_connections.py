"""Print the connections in the shape that apply_connections reads."""

from __future__ import annotations

import json
from typing import Any

import yaml
from django.core.management.base import BaseCommand, CommandError, CommandParser

from connectors.models import Connection
from connectors.services import declarations


class Command(BaseCommand):
    """``export_connections [NAME…] [--format json|yaml]``"""

    help = (
        "Prints the connections in the shape that apply_connections reads. Stored keys are left "
        "out; names of environment variables are not secret and stay."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "names",
            nargs="*",
            metavar="NAME",
            help="connections, by their name or their option's (koneek_api_key_…); default: all",
        )
        parser.add_argument("--format", choices=["json", "yaml"], default="json")

    def handle(self, *args: Any, **options: Any) -> None:
        document = declarations.dump(_chosen(set(options["names"])))
        if options["format"] == "yaml":
            text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
        else:
            text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        self.stdout.write(text, ending="")


def _chosen(wanted: set[str]) -> list[Connection]:
    """What is named, in the order of the site; everything where nothing is named."""
    connections = list(Connection.objects.all())
    known = {name for each in connections for name in (each.name, each.option_name)}
    if unknown := sorted(wanted - known):
        there = ", ".join(each.name for each in connections) or "none"
        raise CommandError(f"No connection {unknown[0]!r}. There are: {there}.")
    return [each for each in connections if not wanted or wanted & {each.name, each.option_name}]
