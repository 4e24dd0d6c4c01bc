"""Connections as people write them in a file: the shape, checked with the path to each mistake.

::

    {"connections": [{"name", "provider", "base_url", "api_key": "…" or {"env": "NAME"}, "model",
                      "models", "priority", "timeout", "enabled", "fields"}]}
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from difflib import get_close_matches
from typing import cast

import yaml

from connectors.errors import DeclarationError
from connectors.models import Connection
from connectors.services.planning import ConnectionValues, generated_name
from connectors.values import EnvironmentKey

ROOT = "connections"
_BLANKS: dict[str, object] = {"name": "", "base_url": "", "model": "", "models": [], "fields": {}}


@dataclass(frozen=True, slots=True)
class Declaration:
    """One connection of a file: where it stands in it, its name, and what is said about it."""

    path: str
    name: str
    values: ConnectionValues = dataclass_field(repr=False)


def read(text: str) -> list[object]:
    """The entries of a JSON or YAML document. Raises DeclarationError, never quoting the text."""
    document = _load(text)
    if not isinstance(document, dict):
        raise DeclarationError(ROOT, 'The file must hold {"connections": [...]}.')
    _refuse_strangers(document, (ROOT,), "")
    entries = document.get(ROOT)
    if not isinstance(entries, list):
        raise DeclarationError(ROOT, "must be a list of connections.")
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
            raise DeclarationError(f"{ROOT}[{index}].name", f"{name!r} stands there twice.")
        taken.add(name.casefold())
    declarations = []
    for index, (entry, written) in enumerate(zip(checked, given, strict=True)):
        name = written or generated_name(str(entry["provider"]), taken)
        taken.add(name.casefold())
        values = cast(ConnectionValues, {**entry, "name": name})
        declarations.append(Declaration(f"{ROOT}[{index}]", name, values))
    return declarations


def dump(connections: Sequence[Connection]) -> dict[str, list[dict[str, object]]]:
    """Connections in the same shape, secrets left out."""
    return {ROOT: [_written(connection) for connection in connections]}


def _load(text: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        as_json = f"line {error.lineno}, column {error.colno}"
    except (ValueError, RecursionError):
        as_json = "its start"
    try:
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        as_yaml = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "its start"
    except (yaml.YAMLError, ValueError, RecursionError):
        as_yaml = "its start"
    raise DeclarationError(
        ROOT, f"The file is neither JSON (wrong at {as_json}) nor YAML (wrong at {as_yaml})."
    )


def _entry(entry: object, path: str) -> dict[str, object]:
    if not isinstance(entry, Mapping):
        raise DeclarationError(path, "must be an object with a provider.")
    _refuse_strangers(entry, tuple(ConnectionValues.__annotations__), path)
    if not isinstance(entry.get("provider"), str) or not entry["provider"].strip():
        raise DeclarationError(f"{path}.provider", "is required: the slug of a provider.")
    if not isinstance(entry.get("name") or "", str):
        raise DeclarationError(f"{path}.name", "must be text.")
    values = {str(key): value for key, value in entry.items()}
    for key in [key for key, value in values.items() if value is None and key != "api_key"]:
        if key in _BLANKS:
            values[key] = _BLANKS[key]
        else:
            raise DeclarationError(f"{path}.{key}", "must not be null; leave it out to keep it.")
    if "api_key" in values:
        values["api_key"] = _api_key(values["api_key"], f"{path}.api_key")
    return values


def _api_key(value: object, path: str) -> str | EnvironmentKey | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, Mapping) and list(value) == ["env"] and isinstance(value["env"], str):
        return EnvironmentKey(value["env"])
    raise DeclarationError(path, 'must be a key, null, or {"env": "NAME_OF_A_VARIABLE"}.')


def _refuse_strangers(given: Mapping[object, object], known: Sequence[str], path: str) -> None:
    for key in given:
        if key not in known:
            close = get_close_matches(str(key), known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}."
            shown = f"{path}.{key}" if path else str(key)
            raise DeclarationError(shown, f"is not known here; {hint}")


def _written(connection: Connection) -> dict[str, object]:
    entry: dict[str, object] = {"name": connection.name, "provider": connection.provider}
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
