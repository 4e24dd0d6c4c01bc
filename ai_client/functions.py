"""Python callables as functions that a model may ask for.

A callable's name, docstring and type hints become its declaration; what the model asks for is
read against the same hints before the callable is called.
"""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, TypeAlias

from ai_client.errors import InvalidArgument
from ai_client.json_schemas import object_schema
from ai_client.json_types import Member
from ai_client.messages import (
    File,
    FunctionCall,
    FunctionDeclaration,
    FunctionResponse,
    GenerativeAiResult,
    Message,
    MessagePart,
)
from ai_client.messages.reading import json_value
from ai_client.typed_json import DoesNotFit, as_json, read_members

Callee: TypeAlias = Callable[..., object]

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class FunctionRefused(Exception):
    """Raise it in a function to tell the model why it gets no result; the text is sent to it.

    Of other exceptions the model learns only that the function failed.
    """


@dataclass(frozen=True, slots=True)
class Function:
    """A callable with its declaration."""

    callee: Callee
    declaration: FunctionDeclaration
    members: Mapping[str, Member]


@dataclass(frozen=True, slots=True)
class ReadyCall:
    """A call of the model that fits the function: what to call, with which arguments."""

    call: FunctionCall
    function: Function
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class FunctionRun:
    """What came of a prompt with functions.

    ``result`` is the last answer, ``messages`` the whole conversation with all calls, their
    results and that answer, ``turns`` how often the model was asked.
    """

    result: GenerativeAiResult
    messages: tuple[Message, ...]
    turns: int

    def to_text(self) -> str:
        """The text of the last answer."""
        return self.result.to_text()


def function_from(callee: Callee) -> Function:
    """The callable as a function; ``InvalidArgument`` says what its declaration lacks."""
    name = getattr(callee, "__name__", "")
    if not _NAME.fullmatch(name):
        raise InvalidArgument(
            "A function needs a name of up to 64 letters, digits, '_' and '-'; "
            f"{callee!r} has none. Wrap it with def, or give an object a __name__.",
            param="functions",
        )
    members = {}
    try:
        hints = _hints(callee)
        signature = inspect.signature(callee)
    except Exception as error:
        # Annotations are code: a name that is not defined, or anything else.
        raise InvalidArgument(
            f"The type hints of {name}() cannot be read: {error}", param="functions"
        ) from error
    for parameter in signature.parameters.values():
        if parameter.kind not in _NAMED:
            raise InvalidArgument(
                f"{name}() takes {parameter}; a model gives arguments by name only.",
                param="functions",
            )
        if parameter.name not in hints:
            raise InvalidArgument(
                f"The argument {parameter.name!r} of {name}() has no type hint.",
                param="functions",
            )
        members[parameter.name] = Member(
            hints[parameter.name], parameter.default is inspect.Parameter.empty
        )
    try:
        parameters = object_schema(members)
    except InvalidArgument as error:
        raise InvalidArgument(f"{name}(): {error.message}", param="functions") from error
    description = inspect.getdoc(callee) or ""
    return Function(callee, FunctionDeclaration(name, description, parameters), members)


def functions_from(callees: Iterable[Callee]) -> tuple[Function, ...]:
    """Several callables; no two may have the same name."""
    functions = tuple(function_from(each) for each in callees)
    names = [each.declaration.name for each in functions]
    for name in names:
        if names.count(name) > 1:
            raise InvalidArgument(f"Two functions are called {name!r}.", param="functions")
    return functions


def ready(call: FunctionCall, functions: Iterable[Function]) -> ReadyCall | FunctionResponse:
    """The call with its arguments read, or the error result that tells the model what is wrong."""
    known = {each.declaration.name: each for each in functions}
    function = known.get(call.name or "")
    if function is None:
        return refusal(call, f"There is no such function. Known: {', '.join(known)}.")
    # Some models write nothing at all where a function takes nothing.
    given = call.args if call.arguments.strip() else {}
    if not isinstance(given, Mapping):
        return refusal(call, "The arguments are not a JSON object.")
    try:
        return ReadyCall(call, function, read_members(function.members, given))
    except DoesNotFit as error:
        return refusal(call, f"The arguments do not fit. {error}")
    except Exception:
        # A class among the arguments that checks its own values, or nesting without end.
        return refusal(call, "The arguments do not fit.")


def response(call: FunctionCall, returned: object) -> FunctionResponse:
    """What the callable returned, as the result of the call: a JSON value or a file."""
    if isinstance(returned, File):
        return FunctionResponse(call.id, call.name, parts=(MessagePart(returned),))
    try:
        return FunctionResponse(call.id, call.name, json_value(as_json(returned), "functions"))
    except (TypeError, InvalidArgument, RecursionError) as error:
        raise InvalidArgument(
            f"{call.name}() returned what no model can be told. {error}", param="functions"
        ) from error


def failure(call: FunctionCall, error: Exception) -> FunctionResponse:
    """The error result for an exception of the callable, without its text or traceback."""
    if isinstance(error, FunctionRefused):
        return refusal(call, str(error))
    return refusal(call, "The function failed.")


def refusal(call: FunctionCall, problem: str) -> FunctionResponse:
    """An error result; what is no Unicode in the text is replaced."""
    problem = problem.encode(errors="replace").decode()
    return FunctionResponse(call.id, call.name, {"error": problem}, is_error=True)


def calls_in(message: Message) -> list[FunctionCall]:
    """The functions that a message asks for, in order."""
    return [part.content for part in message.parts if isinstance(part.content, FunctionCall)]


def _hints(callee: Callee) -> dict[str, Any]:
    """The type hints of the arguments; what is returned needs none that can be read."""
    if inspect.isclass(callee):
        return typing.get_type_hints(callee, include_extras=True)
    is_function = inspect.isroutine(callee) or hasattr(callee, "__wrapped__")
    function: Any = callee if is_function else type(callee).__call__
    written = dict(getattr(function, "__annotations__", {}))
    written.pop("return", None)
    known = getattr(inspect.unwrap(function), "__globals__", {})
    arguments: Any = SimpleNamespace(__annotations__=written)
    return typing.get_type_hints(arguments, known, include_extras=True)
