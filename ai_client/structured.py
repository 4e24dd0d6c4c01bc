"""Answers as JSON that has a given shape: what is asked for, and the answer read into it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn, TypeVar

from ai_client.errors import InvalidArgument, MalformedAnswer
from ai_client.json_schemas import schema_of
from ai_client.json_types import is_object_type
from ai_client.messages import FinishReason, GenerativeAiResult, JsonObject
from ai_client.typed_json import DoesNotFit, read

Wanted = TypeVar("Wanted")

_NAME = re.compile(r"[^a-zA-Z0-9_-]+")
_LONGEST_NAME = 64

_STRICT_KEYWORDS = frozenset(
    {
        "$defs",
        "$ref",
        "additionalProperties",
        "anyOf",
        "const",
        "description",
        "enum",
        "items",
        "properties",
        "required",
        "title",
        "type",
    }
)
_MOST_PROPERTIES = 100
_MOST_CHOICES = 250
_MOST_LEVELS = 5
_LONGEST_SCHEMA = 15_000


def schema_for(wanted: object, param: str) -> tuple[JsonObject, str]:
    """The schema of what is wanted, with its name: a schema as it is, or that of a type.

    ``InvalidArgument`` names ``param``.
    """
    if isinstance(wanted, Mapping):
        return wanted, ""
    if not is_object_type(wanted):
        raise InvalidArgument(
            "A JSON answer is described by a schema (a dict), a dataclass, a TypedDict or a "
            f"pydantic model, not by {wanted!r}.",
            param=param,
        )
    name = _NAME.sub("_", getattr(wanted, "__name__", ""))[:_LONGEST_NAME]
    try:
        return schema_of(wanted), name
    except InvalidArgument as error:
        raise InvalidArgument(f"{name}: {error.message}", param=param) from error


def fits_strict_mode(schema: JsonObject) -> bool:
    """Whether the schema is one of those that OpenAI's strict mode takes.

    https://platform.openai.com/docs/guides/structured-outputs#supported-schemas, with the keywords
    and limits of Azure, which are narrower.
    """
    parts = list(_parts(schema, 0))
    return (
        schema.get("type") == "object"
        and all(level <= _MOST_LEVELS and _is_strict(part) for part, level in parts)
        and sum(len(part.get("properties", ())) for part, _ in parts) <= _MOST_PROPERTIES
        and sum(len(part.get("enum", ())) for part, _ in parts) <= _MOST_CHOICES
        and len(json.dumps(schema)) <= _LONGEST_SCHEMA
    )


def _parts(schema: Any, level: int) -> Iterator[tuple[Any, int]]:
    """The schema and those within, each with how many objects it is in, its own included."""
    if not isinstance(schema, Mapping):
        yield schema, level
        return
    level += schema.get("type") == "object"
    yield schema, level
    for each in schema.get("$defs", {}).values():
        yield from _parts(each, 0)
    within = [*schema.get("properties", {}).values(), *schema.get("anyOf", ())]
    for each in (*within, *([schema["items"]] if "items" in schema else ())):
        yield from _parts(each, level)


def _is_strict(schema: Any) -> bool:
    if not isinstance(schema, Mapping) or not schema.keys() <= _STRICT_KEYWORDS:
        return False
    if "$ref" in schema:
        return len(schema) == 1
    if schema.get("type") == "object":
        is_closed = schema.get("additionalProperties") is False
        return is_closed and set(schema.get("required", ())) == set(schema.get("properties", ()))
    if schema.get("type") == "array":
        return "items" in schema
    return "type" in schema or "anyOf" in schema


def require_type(wanted: object, param: str) -> None:
    """Raise ``InvalidArgument`` unless answers can be read into it."""
    if not is_object_type(wanted):
        raise InvalidArgument(
            f"{param} is a dataclass, a TypedDict or a pydantic model, not {wanted!r}. For an "
            "answer by a schema use as_json_response() with generate_text().",
            param=param,
        )
    schema_for(wanted, param)


def read_answer(wanted: type[Wanted], result: GenerativeAiResult) -> Wanted:
    """The answer's text as a type that ``require_type`` takes.

    ``MalformedAnswer`` says what does not fit.
    """
    name = wanted.__name__
    if result.candidates and result.candidates[0].finish_reason is FinishReason.LENGTH:
        raise MalformedAnswer(f"The answer was cut off before the JSON of {name} was complete.")
    try:
        value: Any = json.loads(result.to_text(), parse_constant=_not_json)
    except RecursionError:
        raise MalformedAnswer(f"The answer is nested too deep, so it is no {name}.") from None
    except ValueError:
        raise MalformedAnswer(f"The answer is no JSON, so it is no {name}.") from None
    try:
        found: Wanted = read(wanted, value)
    except DoesNotFit as error:
        raise MalformedAnswer(f"The answer is no {name}. {error}") from None
    except RecursionError:
        raise MalformedAnswer(f"The answer is nested too deep, so it is no {name}.") from None
    except Exception as error:
        # A class that checks its own values.
        raise MalformedAnswer(f"The answer is no {name}: {error}") from error
    return found


def _not_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
