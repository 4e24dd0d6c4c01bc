"""Google's ``Schema``, a subset of OpenAPI's with words of its own, as JSON Schema.

https://ai.google.dev/api/caching#Schema. Types are in capitals, counts may be strings, and null is
a flag.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ai_client.body_fields import refuse
from ai_client.google_fields import GoogleFields
from ai_client.messages import JsonValue

_COUNTS: Final = (
    "minItems",
    "maxItems",
    "minLength",
    "maxLength",
    "minProperties",
    "maxProperties",
)
_NAMES: Final = {"ref": "$ref", "defs": "$defs"}
# The formats of JSON Schema; Google's others are of numbers, or say no more than the type.
_FORMATS: Final = frozenset(
    ("date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "time", "uri", "uuid")
)


def parse_schema(schema: GoogleFields) -> dict[str, JsonValue]:
    """The JSON Schema that says the same; ``InvalidRequest`` naming what is no schema."""
    found: dict[str, JsonValue] = {}
    for name, value in schema.values.items():
        if value is None:
            continue
        match name:
            case "type":
                said = _types(schema)
                if said is not None:
                    found["type"] = said
            case "format":
                if schema.text("format") in _FORMATS:
                    found["format"] = value
            case "nullable" | "propertyOrdering":
                pass
            case "example":
                found["examples"] = [value]
            case "properties" | "defs" | "$defs":
                found[_NAMES.get(name, name)] = _named(schema, name)
            case "items":
                found["items"] = _inner(value, schema.at("items"))
            case "additionalProperties":
                is_schema = isinstance(value, dict)
                found[name] = _inner(value, schema.at(name)) if is_schema else value
            case "anyOf":
                found["anyOf"] = [parse_schema(option) for option in schema.objects("anyOf")]
            case _ if name in _COUNTS:
                found[name] = schema.integer(name, 0)
            case _:
                found[_NAMES.get(name, name)] = value
    return _with_null(found) if schema.boolean("nullable") else found


def _types(schema: GoogleFields) -> JsonValue:
    said = [each.lower() for each in schema.texts("type")]
    known = [each for each in said if each != "type_unspecified"]
    if not known:
        return None
    return known if isinstance(schema.get("type"), list) else known[0]


def _named(schema: GoogleFields, name: str) -> dict[str, JsonValue]:
    given = schema.get(name)
    if not isinstance(given, Mapping):
        raise refuse(schema.at(name), "an object", given)
    ordering = schema.texts("propertyOrdering") if name == "properties" else ()
    ordered = [*(each for each in ordering if each in given), *given]
    return {
        each: _inner(given[each], f"{schema.at(name)}.{each}") for each in dict.fromkeys(ordered)
    }


def _inner(value: JsonValue, path: str) -> dict[str, JsonValue]:
    if not isinstance(value, dict):
        raise refuse(path, "an object", value)
    return parse_schema(GoogleFields(value, path))


def _with_null(schema: dict[str, JsonValue]) -> dict[str, JsonValue]:
    widened = dict(schema)
    kind, options, choices = (schema.get(name) for name in ("type", "anyOf", "enum"))
    if kind is not None and kind != "null":
        widened["type"] = [*kind, "null"] if isinstance(kind, list) else [kind, "null"]
    if isinstance(options, list):
        widened["anyOf"] = [*options, {"type": "null"}]
    if isinstance(choices, list):
        widened["enum"] = [*choices, None]
    return widened
