"""User name and password of a connector that is authenticated by an application password.

In the environment and in CONNECTORS they stand in one text, ``user:password``. Stored they are
one encrypted object. The user name is shown, the password is 16 bullets.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import TypedDict

from django.views.decorators.debug import sensitive_variables

from connectors import conf, crypto
from connectors.binding import Source, option_binding
from connectors.errors import ConnectorError
from connectors.masking import BULLET
from connectors.models import Option
from connectors.sanitising import sanitize_text_field
from connectors.values import ConnectorType

MASK = BULLET * 16


class Pair(TypedDict):
    """The object as it is stored and sent."""

    username: str
    password: str


NOTHING: Pair = {"username": "", "password": ""}


@dataclass(frozen=True, slots=True)
class ApplicationPassword:
    """What is known of an application password. Both halves are there unless ``source`` is none.

    ``name`` is the variable, entry or Option. ``mistakes`` are sentences on what stands in the
    environment or in CONNECTORS and cannot be used.
    """

    username: str = ""
    password: str = dataclass_field(default="", repr=False)
    source: Source = "none"
    name: str = ""
    mistakes: tuple[str, ...] = ()


@sensitive_variables()
def parse(text: str) -> Pair:
    """``user:password``, cut at the first colon; two blanks where one of them is missing."""
    username, _, password = text.partition(":")
    username, password = username.strip(), password.strip()
    return {"username": username, "password": password} if username and password else {**NOTHING}


@sensitive_variables()
def masked(pair: Pair) -> Pair:
    """The pair as it may be shown."""
    return {"username": pair["username"], "password": MASK if pair["password"] else ""}


@sensitive_variables()
def merged(stored: Pair, submitted: object) -> Pair:
    """What is to be stored after this was submitted.

    What is no object keeps everything; a half that is missing or no text stays, and so does the
    password where 16 bullets are sent for it. A blank user name discards both.
    """
    if not isinstance(submitted, Mapping):
        return stored
    username = submitted.get("username")
    password = submitted.get("password")
    new: Pair = {
        "username": sanitize_text_field(username)
        if isinstance(username, str)
        else stored["username"],
        "password": sanitize_text_field(password)
        if isinstance(password, str) and password != MASK
        else stored["password"],
    }
    return new if new["username"] else {**NOTHING}


@sensitive_variables()
def read(option: Option | None) -> Pair:
    """The stored pair; blank where there is none or where it cannot be read. Never raises."""
    if option is None or not option.encrypted:
        return {**NOTHING}
    try:
        found = json.loads(crypto.decrypt(option.value, option_binding(option)))
    except (ConnectorError, ValueError):
        return {**NOTHING}
    if not isinstance(found, dict):
        return {**NOTHING}
    halves = {name: found.get(name) for name in NOTHING}
    return {
        "username": halves["username"] if isinstance(halves["username"], str) else "",
        "password": halves["password"] if isinstance(halves["password"], str) else "",
    }


def dump(pair: Pair) -> str:
    """The pair as the text that is encrypted; ASCII, whatever the halves hold."""
    return json.dumps(pair, sort_keys=True)


@sensitive_variables()
def resolve(connector: ConnectorType, option: Option | None) -> ApplicationPassword:
    """Environment, then CONNECTORS, then the stored one; what cannot be used is passed over."""
    mistakes: tuple[str, ...] = ()
    for source, found, name in (
        ("env", conf.from_environment(connector.env_var_name), connector.env_var_name),
        ("setting", conf.from_settings(connector.constant_name), connector.constant_name),
    ):
        pair = parse(found)
        if pair["username"]:
            kind: Source = "env" if source == "env" else "setting"
            return ApplicationPassword(**pair, source=kind, name=name, mistakes=mistakes)
        if found:
            where = f"environment variable {name}" if source == "env" else f"CONNECTORS[{name!r}]"
            mistakes += (f"The {where} must hold 'username:password' for {connector.name}.",)
    pair = read(option)
    complete = bool(pair["username"] and pair["password"])
    return ApplicationPassword(
        **pair,
        source="database" if complete else "none",
        name=connector.setting_name if complete else "",
        mistakes=mistakes,
    )
