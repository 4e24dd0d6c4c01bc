"""JSON schemas in the part of the language that Anthropic's structured outputs take.

https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

from ai_client.errors import UnsupportedFeature
from ai_client.messages import JsonValue

Schema = dict[str, JsonValue]

_BY_NAME: Final = ("properties", "$defs", "definitions")
_NESTED: Final = ("items", "anyOf", "allOf", "oneOf")
_TUPLE: Final = "prefixItems"
_UNSAID: Final = frozenset(
    (
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "maxItems",
        "uniqueItems",
        _TUPLE,
        "contains",
        "minContains",
        "maxContains",
        "minProperties",
        "maxProperties",
        "propertyNames",
        "dependentRequired",
        "dependentSchemas",
        "not",
        "if",
        "then",
        "else",
    )
)
_FORMATS: Final = frozenset(
    (
        "date-time",
        "time",
        "date",
        "duration",
        "email",
        "hostname",
        "uri",
        "ipv4",
        "ipv6",
        "uuid",
    )
)
_UNSAID_PATTERN: Final = re.compile(r"\(\?[=!<]|\\[bB1-9]")


def render_schema(schema: Mapping[str, JsonValue], param: str) -> Schema:
    """``schema`` as the API takes it: what it cannot say stands in the description of its node.

    An answer to it need not keep to what was taken out. Every object that leaves it open is closed,
    which the API requires. Raises ``UnsupportedFeature`` naming ``param`` for members of any name
    and for schemas that contain themselves.
    """
    _refuse_cycles(schema, param)
    return _node(schema, param)


def _node(schema: Mapping[str, JsonValue], param: str) -> Schema:
    said: Schema = {}
    unsaid: Schema = {}
    for key, value in schema.items():
        if _is_unsaid(key, value):
            unsaid[key] = value
        elif key in _BY_NAME and isinstance(value, Mapping):
            said[key] = {name: _any(inner, param) for name, inner in value.items()}
        elif key in _NESTED:
            said["anyOf" if key == "oneOf" and "anyOf" not in schema else key] = _any(value, param)
        else:
            said[key] = value
    if isinstance(places := unsaid.get(_TUPLE), list | tuple) and "items" not in said:
        said["items"] = {"anyOf": _any(places, param)}
    _close(said, param)
    if unsaid:
        described = ", ".join(f"{key}: {json.dumps(value)}" for key, value in unsaid.items())
        before = [said["description"]] if said.get("description") else []
        said["description"] = "\n\n".join([*before, f"{{{described}}}"])
    return said


def _any(schema: JsonValue, param: str) -> JsonValue:
    if isinstance(schema, list | tuple):
        return [_any(item, param) for item in schema]
    return _node(schema, param) if isinstance(schema, Mapping) else schema


def _is_unsaid(key: str, value: JsonValue) -> bool:
    match key:
        case "minItems":
            return value not in (0, 1)
        case "format":
            return value not in _FORMATS
        case "pattern":
            return isinstance(value, str) and _UNSAID_PATTERN.search(value) is not None
        case "items":
            return isinstance(value, bool)
        case _:
            return key in _UNSAID


def _close(node: Schema, param: str) -> None:
    kind = node.get("type")
    is_object = kind == "object" or (isinstance(kind, list | tuple) and "object" in kind)
    if is_object or "properties" in node:
        node.setdefault("additionalProperties", False)
    if node.get("additionalProperties", False) is not False or "patternProperties" in node:
        raise UnsupportedFeature(
            "Anthropic's structured outputs have no objects with members of any name; list the "
            "members in 'properties' or use another connection.",
            param=param,
        )


def _refuse_cycles(root: Mapping[str, JsonValue], param: str) -> None:
    open_refs: set[str] = set()
    done: set[str] = set()

    def visit(schema: JsonValue) -> None:
        for ref in _refs(schema):
            if ref in open_refs or ref in ("#", "#/"):
                raise UnsupportedFeature(
                    "Anthropic's structured outputs take no schema that contains itself; use "
                    "another connection.",
                    param=param,
                )
            if ref not in done:
                open_refs.add(ref)
                visit(_resolved(ref, root))
                open_refs.remove(ref)
                done.add(ref)

    visit(root)


def _refs(schema: JsonValue) -> Iterator[str]:
    if isinstance(schema, list | tuple):
        for item in schema:
            yield from _refs(item)
    if not isinstance(schema, Mapping):
        return
    if isinstance(ref := schema.get("$ref"), str):
        yield ref
    for key, value in schema.items():
        if key in _BY_NAME and isinstance(value, Mapping):
            yield from _refs(list(value.values()))
        elif key in _NESTED or key == _TUPLE:
            yield from _refs(value)


def _resolved(ref: str, root: JsonValue) -> JsonValue:
    found = root
    for step in ref.removeprefix("#/").split("/"):
        name = step.replace("~1", "/").replace("~0", "~")
        found = found.get(name) if isinstance(found, Mapping) else None
    return found
