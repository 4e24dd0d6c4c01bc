"""Which Python types have a JSON: what their schemas and the reading of values are both made of.

They are ``str``, ``int``, ``float``, ``bool``, ``None``, ``Any``, ``Literal``, enums, dates,
``list``, ``tuple``, ``dict`` with text keys, unions, dataclasses, ``TypedDict`` and, where it is
installed, pydantic models. ``Annotated[int, "how many"]`` gives a value its description.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import typing
from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, Required

from ai_client.errors import InvalidArgument

SCALARS: Mapping[object, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    type(None): "null",
}
"""Types that are JSON as they are, with its words for them."""
DATES: Mapping[object, str] = {dt.datetime: "date-time", dt.date: "date"}
LISTS = (list, Sequence)
MAPS = (dict, Mapping)


@dataclasses.dataclass(frozen=True, slots=True)
class Member:
    """A key of an object: its type, and whether it may be left out."""

    hint: Any
    required: bool
    description: str = ""


def is_object_type(hint: object) -> bool:
    """Whether the type's JSON is an object with named members."""
    return is_pydantic(hint) or _is_dataclass(hint) or typing.is_typeddict(hint)


def members_of(hint: Any) -> dict[str, Member]:
    """The members of a dataclass or TypedDict."""
    try:
        hints = typing.get_type_hints(hint, include_extras=True)
    except Exception as error:
        # Annotations are code: a name that is not defined, or anything else.
        raise InvalidArgument(
            f"The type hints of {name_of(hint)} cannot be read: {error}"
        ) from error
    if typing.is_typeddict(hint):
        return {
            name: Member(each, _is_required(each, name in hint.__required_keys__))
            for name, each in hints.items()
        }
    # Unlike ``fields``, this table holds what ``__post_init__`` alone gets, too.
    table: Mapping[str, dataclasses.Field[Any]] = hint.__dataclass_fields__
    stored = {each.name for each in dataclasses.fields(hint)}
    return {
        name: Member(
            _without_init_var(hints[name]),
            field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING,
            str(field.metadata.get("description", "")),
        )
        for name, field in table.items()
        if field.init and (name in stored or _is_init_var(hints[name]))
    }


def is_empty_tuple(hint: Any) -> bool:
    """Whether it is ``tuple[()]``, which has no arguments as the bare ``tuple`` has none."""
    return typing.get_origin(hint) is tuple and getattr(hint, "__args__", None) == ()


def is_pydantic(hint: object) -> bool:
    """Whether it is a model of pydantic's."""
    return isinstance(hint, type) and hasattr(hint, "model_json_schema")


def name_of(hint: object) -> str:
    """What the type is called, for messages."""
    return getattr(hint, "__name__", None) or str(hint)


def _is_dataclass(hint: object) -> bool:
    return isinstance(hint, type) and dataclasses.is_dataclass(hint)


def _is_init_var(hint: Any) -> bool:
    return hint is dataclasses.InitVar or isinstance(hint, dataclasses.InitVar)


def _without_init_var(hint: Any) -> Any:
    if hint is dataclasses.InitVar:
        return Any
    return hint.type if isinstance(hint, dataclasses.InitVar) else hint


def _is_required(hint: Any, total: bool) -> bool:
    # Where annotations are strings, Python's own table of keys does not see these two.
    marks = {Required: True, NotRequired: False}
    return marks.get(typing.get_origin(hint), total)
