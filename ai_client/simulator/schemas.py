"""Values that conform to a JSON schema, without randomness.

Covers what the vendors accept for structured output and tool parameters: types (OpenAPI's upper
case too), enum, const, anyOf, oneOf, allOf, local ``$ref``, bounds and the usual string formats.
Strings carry the name of their property, so that a test sees which field it reads.
"""

from __future__ import annotations

import math

_DEEP = 4
"""From here on only what is required is generated, so that recursive schemas end."""

_FORMATS = {
    "date-time": "2026-01-01T00:00:00Z",
    "date": "2026-01-01",
    "time": "00:00:00Z",
    "duration": "P1D",
    "email": "someone@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def conforming(schema: object, name: str = "value") -> object:
    """A value that conforms to ``schema``; ``name`` becomes the text of unnamed strings."""
    return _value(schema, name, schema, 0, 0)


def _value(schema: object, name: str, root: object, depth: int, nth: int) -> object:
    if not isinstance(schema, dict) or not schema:
        return name
    if isinstance(reference := schema.get("$ref"), str):
        return _value(_resolve(reference, root), name, root, depth + 1, nth)
    if "const" in schema:
        return schema["const"]
    if isinstance(choices := schema.get("enum"), list) and choices:
        return choices[nth % len(choices)]
    for key in ("anyOf", "oneOf"):
        if isinstance(options := schema.get(key), list) and options:
            return _value(_option(options, depth), name, root, depth + 1, nth)
    if isinstance(parts := schema.get("allOf"), list) and parts:
        return _value(_merged(schema, parts, root), name, root, depth, nth)
    match _type(schema):
        case "object":
            return _object(schema, root, depth)
        case "array":
            return _array(schema, name, root, depth)
        case "integer" | "number" as kind:
            return _number(schema, kind)
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return _string(schema, name if nth == 0 else f"{name} {nth + 1}")


def _type(schema: dict[str, object]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if isinstance(kind, str):
        return kind.lower()
    if "properties" in schema:
        return "object"
    return "array" if "items" in schema or "prefixItems" in schema else "string"


def _resolve(reference: str, root: object) -> object:
    found = root
    for step in reference.removeprefix("#").strip("/").split("/"):
        if step:
            key = step.replace("~1", "/").replace("~0", "~")
            found = found.get(key) if isinstance(found, dict) else None
    return found


def _option(options: list[object], depth: int) -> object:
    null = [one for one in options if isinstance(one, dict) and one.get("type") == "null"]
    if null and depth >= _DEEP:
        return null[0]
    return next((one for one in options if one not in null), options[0])


def _merged(schema: dict[str, object], parts: list[object], root: object) -> dict[str, object]:
    merged = {key: value for key, value in schema.items() if key != "allOf"}
    for part in parts:
        if isinstance(part, dict) and isinstance(part.get("$ref"), str):
            part = _resolve(part["$ref"], root)
        if not isinstance(part, dict):
            continue
        for key, value in part.items():
            held = merged.get(key)
            if isinstance(held, dict) and isinstance(value, dict):
                merged[key] = {**held, **value}
            elif isinstance(held, list) and isinstance(value, list):
                merged[key] = [*held, *value]
            else:
                merged[key] = value
    return merged


def _object(schema: dict[str, object], root: object, depth: int) -> dict[str, object]:
    properties = schema.get("properties")
    known = properties if isinstance(properties, dict) else {}
    required = schema.get("required")
    names = [str(name) for name in required] if isinstance(required, list) else []
    if depth < _DEEP:
        names = [*known, *(name for name in names if name not in known)]
    return {name: _value(known.get(name), name, root, depth + 1, 0) for name in names}


def _array(schema: dict[str, object], name: str, root: object, depth: int) -> list[object]:
    if isinstance(items := schema.get("prefixItems"), list):
        return [_value(item, name, root, depth + 1, nth) for nth, item in enumerate(items)]
    count = max(_bound(schema, "minItems", 0), 1 if depth < _DEEP else 0)
    count = min(count, _bound(schema, "maxItems", count))
    return [_value(schema.get("items"), name, root, depth + 1, nth) for nth in range(count)]


def _number(schema: dict[str, object], kind: str) -> float | int:
    step: float = 1 if kind == "integer" else 0.5
    multiple = schema.get("multipleOf")
    if isinstance(multiple, int | float) and multiple > 0:
        step = multiple
    value = step
    if isinstance(least := schema.get("minimum"), int | float):
        value = max(value, math.ceil(least / step) * step)
    if isinstance(above := schema.get("exclusiveMinimum"), int | float):
        value = max(value, (math.floor(above / step) + 1) * step)
    if isinstance(most := schema.get("maximum"), int | float):
        value = min(value, math.floor(most / step) * step)
    if isinstance(below := schema.get("exclusiveMaximum"), int | float):
        value = min(value, (math.ceil(below / step) - 1) * step)
    return int(value) if kind == "integer" else value


def _string(schema: dict[str, object], text: str) -> str:
    if isinstance(kind := schema.get("format"), str) and kind in _FORMATS:
        return _FORMATS[kind]
    text = text.ljust(_bound(schema, "minLength", 0), "x")
    return text[: _bound(schema, "maxLength", len(text))]


def _bound(schema: dict[str, object], key: str, otherwise: int) -> int:
    # Google's JSON writes 64-bit integers as strings.
    value = schema.get(key)
    if isinstance(value, str) and value.isdigit():
        return int(value)
    return value if isinstance(value, int) else otherwise
