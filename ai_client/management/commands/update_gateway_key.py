"""``update_gateway_key NAME``: changes what a gateway key may do, or replaces the key."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser, no_translations

from ai_client.key_services import delete_gateway_key, rotate_gateway_key, update_gateway_key
from ai_client.management.key_options import add_key_options, key_values, refusal
from ai_client.models import GatewayKey


class Command(BaseCommand):
    """Changes a gateway key."""

    help = "Change a gateway key. What is not named stays as it is; running servers follow at once."

    def add_arguments(self, parser: CommandParser) -> None:
        """NAME and what is to be another way."""
        parser.add_argument("name", metavar="NAME", help="the key's name")
        parser.add_argument("--rename", metavar="NAME", help="call it something else")
        switch = parser.add_mutually_exclusive_group()
        switch.add_argument("--enable", action="store_true", help="let it in again")
        switch.add_argument("--disable", action="store_true", help="refuse it from now on")
        switch.add_argument(
            "--rotate", action="store_true", help="replace the key and print the new one once"
        )
        switch.add_argument("--delete", action="store_true", help="remove it")
        fallback = parser.add_mutually_exclusive_group()
        fallback.add_argument(
            "--fallback", action="store_true", help="the rest of the chain may answer too"
        )
        fallback.add_argument(
            "--no-fallback", action="store_true", help="only what is asked for may answer"
        )
        add_key_options(parser)

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        """Change it, say what it is now."""
        key = GatewayKey.objects.filter(name=options["name"]).first()
        if key is None:
            names = ", ".join(GatewayKey.objects.values_list("name", flat=True)) or "none"
            raise CommandError(f"There is no gateway key {options['name']!r}. There are: {names}.")
        if options["delete"]:
            delete_gateway_key(key)
            self.stdout.write(f"Gateway key “{options['name']}” deleted.")
            return
        values = key_values(options)
        if options["rename"] is not None:
            values["name"] = options["rename"]
        if options["enable"] or options["disable"]:
            values["enabled"] = options["enable"]
        if options["fallback"] or options["no_fallback"]:
            values["allow_fallback"] = options["fallback"]
        try:
            if values:
                update_gateway_key(key, **values)
        except ValidationError as error:
            raise refusal(error, "--rename") from error
        if options["rotate"]:
            self.stdout.write(rotate_gateway_key(key))
        elif values:
            self.stdout.write(f"Gateway key “{key.name}” changed.")
        else:
            raise CommandError("Say what to change; --help lists it.")
