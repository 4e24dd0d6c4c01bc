"""System checks of the app's settings: ``python manage.py check``."""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, register
from django.utils.module_loading import import_string

from ai_client import conf
from ai_client.prices import mistakes

_NUMBERS = frozenset(
    (
        "DEADLINE",
        "CONNECT_TIMEOUT",
        "POOL_TIMEOUT",
        "FIRST_EVENT_TIMEOUT",
        "IDLE_TIMEOUT",
        "MAX_ATTEMPTS",
        "MAX_BODY_BYTES",
        "MAX_PARTS",
        "BODY_TIMEOUT",
        "KEEP_ALIVE_AFTER",
        "SPOOL_MAX_BYTES",
    )
)


@register()
def check_settings(app_configs: object, **kwargs: object) -> list[CheckMessage]:
    """AI_CLIENT and KONEEK_ALLOW_PRIVATE_HOSTS."""
    given = getattr(settings, "AI_CLIENT", {})
    if not isinstance(given, Mapping):
        return [
            Error(
                "AI_CLIENT is not a dictionary.",
                hint='Write AI_CLIENT = {"DEADLINE": 600} or leave it out.',
                id="ai_client.E001",
            )
        ]
    return [
        *_names_and_types(given),
        *_prevention(given),
        *_prices(given),
        *_hosts(),
        *_open_gateway(given),
    ]


def _names_and_types(given: Mapping[str, Any]) -> Iterator[CheckMessage]:
    known = typing.get_type_hints(conf.AiClientSettings)
    for name, value in given.items():
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            names = ", ".join(each.name for each in fields(conf.AiClientSettings))
            yield Error(
                f"AI_CLIENT has no setting {name!r}.",
                hint=f"Did you mean {close[0]!r}?" if close else f"There are: {names}.",
                id="ai_client.E002",
            )
        elif not _fits(value, known[name]):
            yield Error(
                f"AI_CLIENT[{name!r}] is {value!r}.",
                hint=f"It takes {_in_words(known[name])}.",
                id="ai_client.E003",
            )
        elif name in _NUMBERS and value is not None and value <= 0:
            yield Error(
                f"AI_CLIENT[{name!r}] is {value!r}.",
                hint="It takes a number above zero.",
                id="ai_client.E003",
            )
        elif name == "LOG_WRITER" and value not in ("thread", "manual"):
            yield Error(
                f"AI_CLIENT['LOG_WRITER'] is {value!r}.",
                hint="It takes 'thread' or 'manual'.",
                id="ai_client.E003",
            )


def _prevention(given: Mapping[str, Any]) -> Iterator[CheckMessage]:
    path = given.get("PREVENT_PROMPT")
    if not path or not isinstance(path, str):
        return
    try:
        found = import_string(path)
    except ImportError as error:
        problem = str(error)
    else:
        if callable(found):
            return
        problem = "It is no function"
    yield Error(
        f"AI_CLIENT['PREVENT_PROMPT'] is {path!r}: {problem.rstrip('.')}.",
        hint="It takes the dotted path of a function, 'shop.prompts.prevent', that gets a Prompt.",
        id="ai_client.E005",
    )


def _prices(given: Mapping[str, Any]) -> Iterator[CheckMessage]:
    table = given.get("PRICES")
    if not isinstance(table, Mapping):
        return
    for pattern, way_out in mistakes(table):
        yield Error(
            f"AI_CLIENT['PRICES'][{pattern!r}] cannot be used; the row counts for nothing.",
            hint=way_out,
            id="ai_client.E006",
        )


def _fits(value: object, expected: Any) -> bool:
    for choice in _choices(expected):
        kind = typing.get_origin(choice) or choice
        if kind is bool or isinstance(value, bool):
            if kind is bool and isinstance(value, bool):
                return True
            continue
        if kind is float and isinstance(value, int | float):
            return True
        if isinstance(kind, type) and isinstance(value, kind):
            return True
    return False


def _in_words(expected: Any) -> str:
    names = {
        float: "a number",
        int: "a whole number",
        bool: "True or False",
        str: "text",
        type(None): "None",
        Mapping: "a dictionary",
    }
    kinds = [typing.get_origin(choice) or choice for choice in _choices(expected)]
    return " or ".join(dict.fromkeys(names.get(kind, "a list") for kind in kinds))


def _choices(expected: Any) -> tuple[Any, ...]:
    """The types of a union, or the one type."""
    if typing.get_origin(expected) in (typing.Union, types.UnionType):
        return typing.get_args(expected)
    return (expected,)


def _hosts() -> Iterator[CheckMessage]:
    try:
        conf.allowed_private_hosts()
    except (ValueError, TypeError) as error:
        yield Error(
            f"KONEEK_ALLOW_PRIVATE_HOSTS cannot be read: {error}.",
            hint="It takes hosts, each 'host' or 'host:port', separated by commas: "
            "127.0.0.1:11434,ollama.",
            id="ai_client.E004",
        )


def _open_gateway(given: Mapping[str, Any]) -> Iterator[CheckMessage]:
    if given.get("REQUIRE_GATEWAY_KEY") is False:
        yield checks.Warning(
            "The gateway answers anybody who can reach it.",
            hint="Remove REQUIRE_GATEWAY_KEY from AI_CLIENT unless only trusted programs can.",
            id="ai_client.W001",
        )
