"""Connections as people write them in a file: the shape, checked with the path to each mistake.

::

    {"connections": [{"name", "provider", "option_name", "base_url",
                      "api_key": "…" or {"env": "NAME"}, "model", "models", "priority", "timeout",
                      "enabled", "fields"}]}

``option_name`` counts where the connection is made by it; one that is there keeps its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from difflib import get_close_matches
from typing import cast

import yaml
from django.utils.translation import gettext as _

from connectors.errors import DeclarationError
from connectors.models import Connection
from connectors.services.planning import ConnectionValues, generated_name
from connectors.values import EnvironmentKey

ROOT = "connections"
_KNOWN = (*ConnectionValues.__annotations__, "option_name")
_BLANKS: dict[str, object] = {
    "name": "",
    "option_name": "",
    "base_url": "",
    "model": "",
    "models": [],
    "fields": {},
}


@dataclass(frozen=True, slots=True)
class Declaration:
    """One connection of a file: where it stands in it, its names, and what is said about it.

    ``option_name`` is blank where the file leaves it out.
    """

    path: str
    name: str
    option_name: str
    values: ConnectionValues = dataclass_field(repr=False)


def read(text: str) -> list[object]:
    """The entries of a JSON or YAML document. Raises DeclarationError, never quoting the text."""
    document = _load(text)
    if not isinstance(document, dict):
        raise DeclarationError(ROOT, _('The file must hold {"connections": [...]}.'))
    _refuse_strangers(document, (ROOT,), "")
    entries = document.get(ROOT)
    if not isinstance(entries, list):
        raise DeclarationError(ROOT, _("must be a list of connections."))
    return entries


def parse(entries: Sequence[object]) -> list[Declaration]:
    """The declared connections. An entry without a name gets one from its provider and its place.

    Raises DeclarationError for unknown keys, for a name that stands there twice, and where the
    provider is missing.
    """
    checked = [_entry(entry, f"{ROOT}[{index}]") for index, entry in enumerate(entries)]
    given = [str(entry.get("name") or "").strip() for entry in checked]
    taken: set[str] = set()
    for index, name in enumerate(given):
        if name and name.casefold() in taken:
            twice = _("%(name)r stands there twice.") % {"name": name}
            raise DeclarationError(f"{ROOT}[{index}].name", twice)
        taken.add(name.casefold())
    declarations = []
    for index, (entry, written) in enumerate(zip(checked, given, strict=True)):
        name = written or generated_name(str(entry["provider"]), taken)
        taken.add(name.casefold())
        option = str(entry.pop("option_name", "")).strip()
        values = cast(ConnectionValues, {**entry, "name": name})
        declarations.append(Declaration(f"{ROOT}[{index}]", name, option, values))
    return declarations


def dump(connections: Sequence[Connection]) -> dict[str, list[dict[str, object]]]:
    """Connections in the same shape, secrets left out."""
    return {ROOT: [_written(connection) for connection in connections]}


def _load(text: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        as_json = _place(error.lineno, error.colno)
    except (ValueError, RecursionError):
        as_json = _("its start")
    try:
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        as_yaml = _place(mark.line + 1, mark.column + 1) if mark else _("its start")
    except (yaml.YAMLError, ValueError, RecursionError):
        as_yaml = _("its start")
    raise DeclarationError(
        ROOT,
        _("The file is neither JSON (wrong at %(json)s) nor YAML (wrong at %(yaml)s).")
        % {"json": as_json, "yaml": as_yaml},
    )


def _place(line: int, column: int) -> str:
    return _("line %(line)d, column %(column)d") % {"line": line, "column": column}


def _entry(entry: object, path: str) -> dict[str, object]:
    if not isinstance(entry, Mapping):
        raise DeclarationError(path, _("must be an object with a provider."))
    _refuse_strangers(entry, _KNOWN, path)
    if not isinstance(entry.get("provider"), str) or not entry["provider"].strip():
        raise DeclarationError(f"{path}.provider", _("is required: the slug of a provider."))
    for key in ("name", "option_name"):
        if not isinstance(entry.get(key) or "", str):
            raise DeclarationError(f"{path}.{key}", _("must be text."))
    values = {str(key): value for key, value in entry.items()}
    for key in [key for key, value in values.items() if value is None and key != "api_key"]:
        if key in _BLANKS:
            values[key] = _BLANKS[key]
        else:
            why = _("must not be null; leave it out to keep it.")
            raise DeclarationError(f"{path}.{key}", why)
    if "api_key" in values:
        values["api_key"] = _api_key(values["api_key"], f"{path}.api_key")
    return values


def _api_key(value: object, path: str) -> str | EnvironmentKey | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, Mapping) and list(value) == ["env"] and isinstance(value["env"], str):
        return EnvironmentKey(value["env"])
    raise DeclarationError(path, _('must be a key, null, or {"env": "NAME_OF_A_VARIABLE"}.'))


def _refuse_strangers(given: Mapping[object, object], known: Sequence[str], path: str) -> None:
    for key in given:
        if key not in known:
            close = get_close_matches(str(key), known, n=1)
            shown = f"{path}.{key}" if path else str(key)
            if close:
                why = _("is not known here; did you mean %(name)r?") % {"name": close[0]}
            else:
                why = _("is not known here; known: %(names)s.") % {"names": ", ".join(known)}
            raise DeclarationError(shown, why)


def _written(connection: Connection) -> dict[str, object]:
    entry: dict[str, object] = {
        "name": connection.name,
        "provider": connection.provider,
        "option_name": connection.option_name,
    }
    if connection.base_url:
        entry["base_url"] = connection.base_url
    if connection.api_key_env:
        entry["api_key"] = {"env": connection.api_key_env}
    entry |= {
        "model": connection.model,
        "models": connection.models,
        "priority": connection.priority,
        "timeout": connection.timeout,
        "enabled": connection.enabled,
        "fields": connection.fields,
    }
    return entry
