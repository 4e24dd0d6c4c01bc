"""The options of commands that make and change gateway keys."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser

from ai_client.key_services import KeyValues

NO_LIMIT = "none"
_NUMBERS = {
    "requests_per_minute": "requests in any 60 seconds",
    "tokens_per_minute": "tokens of prompts and answers per minute",
    "concurrency": "requests that may run at the same time",
}
_BUDGETS = {
    "budget_per_day": "US dollars per day (UTC), of what has a known price",
    "budget_per_month": "US dollars per calendar month (UTC), of what has a known price",
}
_OPTIONS = {
    "expires_at": "--expires",
    "allowed_connections": "--connection",
    "allowed_models": "--model",
}


def add_key_options(parser: CommandParser) -> None:
    """What a key may do, and how much of it."""
    parser.add_argument(
        "--expires",
        metavar="TIME",
        help="ISO 8601 time from which it is refused, 2030-01-31 or 2030-01-31T12:00+01:00; "
        f"without an offset in the site's time zone; {NO_LIMIT}: never",
    )
    parser.add_argument("--caller", help="the name under which its requests are approved")
    parser.add_argument(
        "--connection",
        action="append",
        metavar="NAME",
        help=f"a connection that it may use; again for more; {NO_LIMIT}: all of them",
    )
    parser.add_argument(
        "--model",
        action="append",
        metavar="NAME",
        help="a model that it may use, * for any text, or connection/model; again for more; "
        f"{NO_LIMIT}: all of them",
    )
    for name, what in {**_NUMBERS, **_BUDGETS}.items():
        parser.add_argument(_option(name), metavar="N", help=f"{what}; {NO_LIMIT}: no limit")


def key_values(options: Mapping[str, Any]) -> KeyValues:
    """What was given; ``CommandError`` names an option that cannot be read."""
    values: dict[str, Any] = {}
    if options["expires"] is not None:
        values["expires_at"] = _moment(options["expires"])
    if options["caller"] is not None:
        values["caller"] = options["caller"]
    for option, field in (("connection", "allowed_connections"), ("model", "allowed_models")):
        if options[option] is not None:
            values[field] = [] if options[option] == [NO_LIMIT] else options[option]
    for name in _NUMBERS:
        if options[name] is not None:
            values[name] = _number(name, options[name], int, "a whole number")
    for name in _BUDGETS:
        if options[name] is not None:
            values[name] = _number(name, options[name], Decimal, "US dollars, 12.50")
    return cast(KeyValues, values)


def refusal(error: ValidationError, name: str) -> CommandError:
    """Why a key cannot be so, by option; ``name`` is what this command calls the key's name."""
    return CommandError(
        "\n".join(
            f"{name if field == 'name' else _option(field)}: {message}"
            for field, messages in error.message_dict.items()
            for message in messages
        )
    )


def _option(field: str) -> str:
    return _OPTIONS.get(field) or f"--{field.replace('_', '-')}"


def _number(name: str, text: str, kind: type[int] | type[Decimal], what: str) -> object:
    if text == NO_LIMIT:
        return None
    try:
        return kind(text)
    except (ValueError, InvalidOperation) as error:
        raise CommandError(f"{_option(name)}: {text!r} is not {what}, or {NO_LIMIT!r}.") from error


def _moment(text: str) -> datetime | None:
    if text == NO_LIMIT:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(
            f"--expires: {text!r} is no ISO 8601 time. Write 2030-01-31 or 2030-01-31T12:00+01:00."
        ) from error
