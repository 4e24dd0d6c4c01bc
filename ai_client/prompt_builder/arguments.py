"""Arguments of the builder's methods, checked; an error names the argument."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from enum import Enum
from typing import Any, TypeVar

from ai_client.capabilities import JsonValue, MediaOrientation
from ai_client.errors import InvalidArgument
from ai_client.messages import FunctionDeclaration, FunctionResponse, ModelConfig
from ai_client.messages.reading import json_value, unicode_text
from ai_client.messages.reading import number as finite
from ai_client.prompt_builder.asked import Model

Choice = TypeVar("Choice", bound=Enum)
Value = TypeVar("Value")

_MOST = 2**63
_RATIO = re.compile(r"([0-9]{1,9}):([0-9]{1,9})")
_UNSET = ModelConfig()
_JSON = ("custom_options", "output_schema")


def text(value: object, param: str) -> str:
    """A text, blank or not, that can be sent."""
    return unicode_text(value, param)


def name(value: object, param: str, part: str = "") -> str:
    """A text that names something, without the spaces around it; ``part`` of the argument."""
    found = text(value, param).strip()
    if not found:
        raise InvalidArgument(f"{param}{part} is blank.", param=param)
    return found


def number(value: object, param: str) -> float:
    """A finite number."""
    return finite(value, param)


def whole(value: object, param: str, *, least: int | None = None) -> int:
    """A whole number, not below ``least``."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidArgument(
            f"{param} is a whole number, not {type(value).__name__}.", param=param
        )
    if abs(value) > _MOST:
        raise InvalidArgument(f"{param} is a number of more than 64 bits.", param=param)
    if least is not None and value < least:
        raise InvalidArgument(f"{param} is at least {least}, not {value}.", param=param)
    return value


def choice(kind: type[Choice], value: object, param: str) -> Choice:
    """A member of an enum, or its value."""
    if isinstance(value, kind):
        return value
    try:
        return kind(value)
    except ValueError:
        known = ", ".join(repr(each.value) for each in kind)
        shown = repr(value) if isinstance(value, str) else type(value).__name__
        raise InvalidArgument(f"{param} is one of {known}, not {shown}.", param=param) from None


def instance(kind: type[Value], value: object, param: str) -> Value:
    """A value of that class."""
    if not isinstance(value, kind):
        raise InvalidArgument(
            f"{param} is a {kind.__name__}, not {type(value).__name__}.", param=param
        )
    return value


def ratio(value: object, param: str) -> str:
    """An aspect ratio, ``3:2``."""
    if not _RATIO.fullmatch(text(value, param)):
        raise InvalidArgument(f"{param} is width:height, as 3:2.", param=param)
    return str(value)


def require_one_shape(orientation: MediaOrientation | None, aspect_ratio: str | None) -> None:
    """Raise ``InvalidArgument`` where an orientation and an aspect ratio contradict each other."""
    found = _RATIO.fullmatch(aspect_ratio or "")
    if orientation is None or found is None:
        return
    width, height = int(found[1]), int(found[2])
    shape = (
        MediaOrientation.SQUARE
        if width == height
        else MediaOrientation.LANDSCAPE
        if width > height
        else MediaOrientation.PORTRAIT
    )
    if shape is not orientation:
        raise InvalidArgument(
            f"The aspect ratio {aspect_ratio} is {shape.value}, not {orientation.value}.",
            param="aspect_ratio",
        )


def require_declared(config: ModelConfig) -> None:
    """Raise ``InvalidArgument`` where the function that has to be called is not declared, or twice.

    ``required`` may also mean the search of the web.
    """
    names = [each.name for each in config.function_declarations or ()]
    for each in names:
        if names.count(each) > 1:
            raise InvalidArgument(f"Two functions are called {each!r}.", param="declarations")
    choice = config.tool_choice
    # Among the custom options there may be tools that only the provider knows.
    if choice is None or config.custom_options:
        return
    if choice.mode == "required" and not names and config.web_search is None:
        raise InvalidArgument(
            "There is no function to call, and one is required. Declare it with "
            "using_functions() or using_function_declarations().",
            param="mode",
        )
    if choice.mode == "function" and choice.name not in names:
        raise InvalidArgument(
            f"There is no function {choice.name!r} to choose. Declared: "
            f"{', '.join(names) or 'none'}.",
            param="mode",
        )


def model(value: object, param: str) -> Model:
    """A model, its id, or a pair of the provider's id and its id."""
    if isinstance(value, Model):
        return value
    if isinstance(value, str):
        return Model(None, name(value, param))
    if isinstance(value, list | tuple):
        if len(value) != 2:
            raise InvalidArgument(
                f"{param}: a pair is (provider, model), not {len(value)} values.", param=param
            )
        return Model(name(value[0], param, ": the provider"), name(value[1], param))
    raise InvalidArgument(
        f"{param} is a model's id, a pair (provider, model) or a Model, not "
        f"{type(value).__name__}.",
        param=param,
    )


def config(value: object, param: str) -> ModelConfig:
    """Settings, or their dictionary."""
    if isinstance(value, ModelConfig):
        return value
    if not isinstance(value, Mapping):
        raise InvalidArgument(
            f"{param} is a ModelConfig or its dictionary, not {type(value).__name__}.",
            param=param,
        )
    try:
        return ModelConfig.from_dict(value)
    except InvalidArgument as error:
        raise InvalidArgument(f"{param}: {error.message}", param=param) from error


def declaration(value: object, param: str) -> FunctionDeclaration:
    """A function's declaration, or its dictionary; with a schema that nobody else holds."""
    if isinstance(value, Mapping):
        try:
            found = FunctionDeclaration.from_dict(value)
        except InvalidArgument as error:
            raise InvalidArgument(f"{param}: {error.message}", param=param) from error
    else:
        found = instance(FunctionDeclaration, value, param)
    name(found.name, param, ": the name")
    text(found.description, param)
    return replace(found, parameters=json_value(found.parameters, param))


def response(value: object, param: str) -> FunctionResponse:
    """A function's result, with a value that nobody else holds."""
    found = instance(FunctionResponse, value, param)
    return replace(found, response=json_value(found.response, param))


def json_object(value: Mapping[str, JsonValue], param: str) -> dict[str, JsonValue]:
    """A JSON object, copied."""
    return {**json_value(value, param)}


def copied(configured: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with JSON of their own."""
    own = {name: configured[name] for name in _JSON if name in configured}
    return {**configured, **{name: json_value(value, name) for name, value in own.items()}}


def merged(given: ModelConfig, stronger: Mapping[str, Any], param: str) -> dict[str, Any]:
    """What ``given`` says, with what ``stronger`` says in its place, key by key."""
    if given == _UNSET:
        return dict(stronger)
    weaker = {each.name: getattr(given, each.name) for each in fields(ModelConfig)}
    weaker = {name: _own(value, param) for name, value in weaker.items()}
    said = {
        name: value
        for name, value in (*weaker.items(), *stronger.items())
        if value != getattr(_UNSET, name)
    }
    try:
        ModelConfig(**said)
    except InvalidArgument as error:
        raise InvalidArgument(f"{param}: {error.message}", param=param) from error
    return said


def _own(value: object, param: str) -> object:
    if isinstance(value, Mapping):
        return json_value(value, param)
    if isinstance(value, str) and not isinstance(value, Enum):
        return text(value, param)
    if isinstance(value, list | tuple):
        # Lists that the caller keeps would change the prompt later on.
        return tuple(_member(each, param) for each in value)
    return value


def _member(value: object, param: str) -> object:
    if isinstance(value, FunctionDeclaration):
        return declaration(value, param)
    content = getattr(value, "content", value)
    if isinstance(content, str):
        text(content, param)
    return value


def including(existing: Sequence[Value] | None, added: Value) -> tuple[Value, ...]:
    """``existing`` with ``added`` at its end, unless it is there."""
    found = tuple(existing or ())
    return found if added in found else (*found, added)
