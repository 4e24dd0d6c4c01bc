"""Functions whose names the dialect of an upstream does not allow: other names there, and back.

What stands for a name follows from the names in the request alone, so nothing is remembered: the
same conversation has the same names in its next turn. The caller sees its own names only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Final

from ai_client.events import Event, PartStart
from ai_client.messages import (
    FunctionCall,
    FunctionResponse,
    GenerationRequest,
    GenerativeAiResult,
    Message,
    MessagePart,
    ModelConfig,
)

_LONGEST: Final = 64
"""What every dialect allows."""

_NOT_EVERYWHERE: Final = re.compile(r"[^A-Za-z0-9_-]")
_BEGINNING: Final = re.compile(r"[A-Za-z_]")


def renamed(
    request: GenerationRequest, allowed: re.Pattern[str]
) -> tuple[GenerationRequest, Mapping[str, str]]:
    """The request with names that match ``allowed``; and for each that was changed, what it was.

    The keys are the new names. Where all are allowed the request is the same one.
    """
    names = {name for name in _names(request) if name}
    if not names:
        return request, {}
    changed = _substitutes(names, allowed)
    if not changed:
        return request, {}
    messages = tuple(_message(each, changed) for each in request.messages)
    config = _config(request.config, changed)
    told = {new: old for old, new in changed.items()}
    return replace(request, messages=messages, config=config), told


def called_back(events: Iterable[Event], names: Mapping[str, str]) -> tuple[Event, ...]:
    """The events of an answer with the caller's names; ``names`` are those of ``renamed``."""
    return tuple(
        replace(event, name=names[event.name])
        if isinstance(event, PartStart) and event.name is not None and event.name in names
        else event
        for event in events
    )


def answered_back(result: GenerativeAiResult, names: Mapping[str, str]) -> GenerativeAiResult:
    """As ``called_back``, for a whole answer."""
    candidates = tuple(
        replace(each, message=_message(each.message, names)) for each in result.candidates
    )
    return replace(result, candidates=candidates)


def _names(request: GenerationRequest) -> Iterator[str | None]:
    config = request.config
    for declared in config.function_declarations or ():
        yield declared.name
    if config.tool_choice is not None:
        yield config.tool_choice.name
    for message in request.messages:
        for part in message.parts:
            if isinstance(part.content, FunctionCall | FunctionResponse):
                yield part.content.name


def _substitutes(names: set[str], allowed: re.Pattern[str]) -> Mapping[str, str]:
    """For each name that is not allowed one that is, and that no other function has."""
    taken = {name for name in names if allowed.fullmatch(name)}
    changed: dict[str, str] = {}
    for name in sorted(names - taken):
        plain = _NOT_EVERYWHERE.sub("_", name)
        if _BEGINNING.match(plain) is None:
            plain = f"_{plain}"
        chosen = plain[:_LONGEST]
        tries = 0
        while chosen in taken:
            mark = sha256(f"{name}\0{tries}".encode("utf-8", "surrogatepass")).hexdigest()[:8]
            chosen = f"{plain[: _LONGEST - 9]}_{mark}"
            tries += 1
        taken.add(chosen)
        changed[name] = chosen
    return changed


def _config(config: ModelConfig, names: Mapping[str, str]) -> ModelConfig:
    declared, choice = config.function_declarations, config.tool_choice
    if declared is not None:
        declared = tuple(replace(each, name=names.get(each.name, each.name)) for each in declared)
    if choice is not None and choice.name is not None:
        choice = replace(choice, name=names.get(choice.name, choice.name))
    return replace(config, function_declarations=declared, tool_choice=choice)


def _message(message: Message, names: Mapping[str, str]) -> Message:
    if not any(_is_meant(part, names) for part in message.parts):
        return message
    parts = tuple(_part(part, names) if _is_meant(part, names) else part for part in message.parts)
    return replace(message, parts=parts)


def _is_meant(part: MessagePart, names: Mapping[str, str]) -> bool:
    return isinstance(part.content, FunctionCall | FunctionResponse) and part.content.name in names


def _part(part: MessagePart, names: Mapping[str, str]) -> MessagePart:
    content = part.content
    assert isinstance(content, FunctionCall | FunctionResponse)
    assert content.name is not None
    return replace(part, content=replace(content, name=names[content.name]))
