"""Which JSON schemas Anthropic's structured outputs refuse.

https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations
"""

from __future__ import annotations

from ai_client.simulator.anthropic_conversation import refuse
from ai_client.simulator.dialect import JsonObject

_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_STRINGS = ("minLength", "maxLength")
_ARRAYS = ("maxItems", "uniqueItems", "prefixItems", "contains")
_OBJECTS = ("minProperties", "maxProperties", "patternProperties", "propertyNames")
_REFUSED = frozenset((*_NUMBERS, *_STRINGS, *_ARRAYS, *_OBJECTS, "oneOf", "not", "if"))
_FORMATS = ("date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6")


def check_schema(schema: JsonObject, where: str) -> None:
    """Refuses a schema beyond the part of the language that is taken."""
    _check(schema, schema, where, ())


def _check(schema: object, root: JsonObject, where: str, within: tuple[str, ...]) -> None:
    if isinstance(schema, list):
        for item in schema:
            _check(item, root, where, within)
    if not isinstance(schema, dict):
        return
    _check_node(schema, where)
    reference = schema.get("$ref")
    if isinstance(reference, str):
        if reference in within or reference == "#":
            refuse(f"{where}: Circular reference detected in schema definitions: {reference}")
        _check(_resolved(reference, root), root, where, (*within, reference))
    for key, value in schema.items():
        if key in ("properties", "$defs", "definitions") and isinstance(value, dict):
            _check(list(value.values()), root, where, within)
        elif key in ("items", "anyOf", "allOf"):
            _check(value, root, where, within)


def _check_node(schema: JsonObject, where: str) -> None:
    kind = schema.get("type")
    if kind == "object" and schema.get("additionalProperties") is not False:
        refuse(
            f"{where}: For 'object' type, 'additionalProperties' must be explicitly set to false"
        )
    refused = sorted(schema.keys() & _REFUSED)
    if refused:
        refuse(f"{where}: For '{kind}' type, properties {', '.join(refused)} are not supported")
    if schema.get("minItems", 0) not in (0, 1):
        refuse(f"{where}: For 'array' type, 'minItems' values other than 0 or 1 are not supported")
    if schema.get("format", "uuid") not in (*_FORMATS, "uuid"):
        refuse(f"{where}: For '{kind}' type, format {schema['format']!r} is not supported")


def _resolved(reference: str, root: JsonObject) -> object:
    found: object = root
    for step in reference.removeprefix("#/").split("/"):
        found = found.get(step) if isinstance(found, dict) else None
    return found
