"""Find out what an address has, and put it into a connection."""

from __future__ import annotations

import getpass
import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.views.decorators.debug import sensitive_variables

from connectors.conf import from_environment
from connectors.errors import ConnectorError
from connectors.models import Connection
from connectors.services import ConnectionValues
from connectors.services.detecting import store_detection
from connectors.trials import detection_of, target_for


class Command(BaseCommand):
    """``detect_models CONNECTION [--save]`` or ``detect_models --provider SLUG --base-url URL``"""

    help = (
        "Asks an address which models it has, as the provider does that (Azure AI Foundry: its "
        "deployments), and prints them with the fields to fill in. Without a CONNECTION the key "
        "is read from --key-env, else from standard input; it is never an argument."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("connection", nargs="?", metavar="CONNECTION", help="its name")
        parser.add_argument("--provider", metavar="SLUG")
        parser.add_argument("--base-url", metavar="URL", help="blank: the provider's own")
        parser.add_argument("--key-env", metavar="VARIABLE", help="the variable that has the key")
        parser.add_argument("--save", action="store_true", help="store it in the CONNECTION")
        parser.add_argument("--json", action="store_true", help="print a JSON object")

    @sensitive_variables()
    def handle(self, *args: Any, **options: Any) -> None:
        connection, values = _asked(options)
        try:
            found = detection_of(target_for(connection, **values))
            if options["save"] and connection is not None:
                store_detection(connection, found)
        except ConnectorError as error:
            raise CommandError(error.message) from None
        if options["json"]:
            shown = {"models": found.models, "fields": found.fields, "source": found.source}
            self.stdout.write(json.dumps(shown, indent=2, ensure_ascii=False))
            return
        self.stdout.write(f"Models: {', '.join(found.models)} ({found.source})")
        for name, value in found.fields.items():
            self.stdout.write(f"{name}: {value}")
        if options["save"]:
            self.stdout.write("Saved.")


@sensitive_variables()
def _asked(options: dict[str, Any]) -> tuple[Connection | None, ConnectionValues]:
    name = options["connection"]
    if name is not None:
        if options["provider"] or options["base_url"] or options["key_env"]:
            raise CommandError("Name a CONNECTION, or an address with --provider; not both.")
        connection = Connection.objects.filter(name__iexact=name).first()
        if connection is None:
            there = ", ".join(Connection.objects.values_list("name", flat=True)) or "none"
            raise CommandError(f"No connection {name!r}. There are: {there}.")
        return connection, ConnectionValues()
    if not options["provider"]:
        raise CommandError("Name a CONNECTION, or a provider with --provider.")
    if options["save"]:
        raise CommandError("--save needs the CONNECTION in which to store what is found.")
    values = ConnectionValues(provider=options["provider"], base_url=options["base_url"] or "")
    if key := _key(options["key_env"]):
        values["api_key"] = key
    return None, values


@sensitive_variables()
def _key(variable: str | None) -> str:
    if variable:
        found = from_environment(variable)
        if not found:
            raise CommandError(f"The environment variable {variable} is not set.")
        return found
    if sys.stdin.isatty():
        return getpass.getpass("API key (blank: the provider's own): ").strip()
    return sys.stdin.readline().strip()
