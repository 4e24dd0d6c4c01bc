"""The models that a forwarded body names besides the one that it asks for: pure.

A caller's own fields go on to an upstream of its dialect, and some servers take the names of other
models there, for when the first one fails or as its helpers: ``models``, ``route``, ``preset``,
``plugins`` and server tools (https://openrouter.ai/docs/guides/routing/model-fallbacks),
``fallbacks`` (Anthropic, LiteLLM: https://docs.litellm.ai/docs/proxy/client_side_fallbacks),
``providerOptions.gateway.models`` (https://vercel.com/docs/ai-gateway/models-and-providers),
``tools[].model`` (OpenAI's image generation). A gateway key that is for some models is not for
others by such a way. What servers will call such a field tomorrow is not known, so it is told by
what its name says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final, TypeAlias

from ai_client.errors import PermissionRefused
from ai_client.messages import JsonValue
from ai_client.router import Route
from ai_client.snapshot import GatewayKeyConfig

MOST: Final = 20_000
"""Members that are looked at; what a request says besides its messages is far less."""

Check: TypeAlias = Callable[[Mapping[str, JsonValue], Route], None]

_NAMING = re.compile(
    r"models?|.*[a-z_]models?|.*models?_?(?:ids?|names?|list|groups?)|.*fallback.*"
    r"|deployment(?:_?(?:id|name))?|preset|router?",
    re.IGNORECASE,
)
# What is said to the model, and what describes JSON: the names of members there are the caller's.
_CALLERS_OWN: Final = frozenset(
    (
        "messages", "input", "contents", "content", "system", "instructions", "systemInstruction",
        "system_instruction", "prompt", "metadata", "moderation", "schema", "json_schema",
        "input_schema", "function", "functions", "functionDeclarations", "function_declarations",
        "responseSchema", "response_schema", "responseJsonSchema", "response_json_schema",
    )
)  # fmt: skip
_COLLECTION: Final = "models/"
_TOOL = re.compile(r"tools\[\d+\]")
# Tools and plugins that ask models of the upstream's own choice where none is named.
_ASKS_OTHERS = re.compile(r"(?:\w+:)?(?:fusion|advisor|subagent|image_generation)(?:_\d+)?")


def checking(key: GatewayKeyConfig | None) -> Check | None:
    """What refuses bodies that name a model which ``key`` is not for; None where it is for all."""
    if key is None or key.scope is None or not key.scope.models:
        return None
    return partial(_require_covered, key)


def _require_covered(key: GatewayKeyConfig, body: Mapping[str, JsonValue], route: Route) -> None:
    """Raise ``PermissionRefused`` for the first name that the key does not cover."""
    scope = key.scope
    assert scope is not None
    asked = route.model.removeprefix(_COLLECTION)
    for path, name in _names(body):
        model = name.removeprefix(_COLLECTION)
        if model != asked and not scope.covers(route.connection.name, model):
            raise PermissionRefused(
                f"The gateway key {key.name!r} is not for {name[:100]!r}, which '{path[:100]}'"
                " names."
                f" It may use {scope.in_words()}. Leave that out.",
                param=path,
            )


def _names(body: Mapping[str, JsonValue]) -> Iterator[tuple[str, str]]:
    """Each text that stands for a model or for a choice of models, with the path to it."""
    seen = 0
    waiting: list[tuple[str, JsonValue, bool]] = [("", dict(body), False)]
    while waiting:
        path, value, is_naming = waiting.pop()
        match value:
            case str():
                if is_naming and value:
                    yield path, value
                continue
            case list() | dict():
                seen += len(value)
            case _:
                continue
        if seen > MOST:
            raise PermissionRefused(
                "The request has too many fields besides its messages to tell which models it"
                " names; this gateway key is only for some."
            )
        if isinstance(value, list):
            found = [(f"{path}[{number}]", each, is_naming) for number, each in enumerate(value)]
        else:
            if _asks_unnamed_others(path, value):
                yield path, str(value.get("type") or value.get("id"))
            found = list(_members(path, value, is_naming))
        waiting += reversed(found)


def _members(
    path: str, holder: dict[str, JsonValue], is_naming: bool
) -> Iterator[tuple[str, JsonValue, bool]]:
    is_function = bool(_TOOL.fullmatch(path)) and holder.get("type") == "function"
    for name, value in holder.items():
        if name in _CALLERS_OWN or is_function:
            continue
        at = f"{path}.{name}" if path else name
        yield at, value, is_naming or bool(_NAMING.fullmatch(name))


def _asks_unnamed_others(path: str, holder: dict[str, JsonValue]) -> bool:
    kind = holder.get("type") if path.startswith("tools[") else None
    kind = holder.get("id") if path.startswith("plugins[") else kind
    if not isinstance(kind, str) or not _ASKS_OTHERS.fullmatch(kind):
        return False
    parameters = holder.get("parameters")
    said = {**holder, **(parameters if isinstance(parameters, dict) else {})}
    return not any(_is_said(value) and _NAMING.fullmatch(name) for name, value in said.items())


def _is_said(value: JsonValue) -> bool:
    """Whether it names at least one model."""
    if isinstance(value, list):
        return any(isinstance(each, str) and each for each in value)
    return isinstance(value, str) and bool(value)
