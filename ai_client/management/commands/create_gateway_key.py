"""``create_gateway_key NAME``: a key for a program that calls the gateway, printed once."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandParser, no_translations

from ai_client.key_services import create_gateway_key
from ai_client.management.key_options import add_key_options, key_values, refusal


class Command(BaseCommand):
    """Makes a gateway key."""

    help = "Make a gateway key and print it once. It is not stored and cannot be shown again."

    def add_arguments(self, parser: CommandParser) -> None:
        """NAME and the key's rights."""
        parser.add_argument(
            "name", metavar="NAME", help="what the key is called in the log and the admin"
        )
        parser.add_argument(
            "--plain", action="store_true", help="print the key and nothing else, for scripts"
        )
        parser.add_argument(
            "--no-fallback",
            action="store_true",
            help="only the connections asked for may answer, not the rest of the chain",
        )
        add_key_options(parser)

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        """Make it, print it."""
        try:
            values = key_values(options)
            values["allow_fallback"] = not options["no_fallback"]
            key, plain = create_gateway_key(options["name"], **values)
        except ValidationError as error:
            raise refusal(error, "NAME") from error
        if options["plain"]:
            self.stdout.write(plain)
            return
        self.stdout.write(f"Gateway key “{key.name}”, shown only now:\n\n    {plain}\n\n")
        self.stdout.write("Send it as “Authorization: Bearer …” or as “x-api-key”.")
