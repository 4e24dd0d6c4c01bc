"""Requests that callers of this dialect send.

https://ai.google.dev/api/generate-content#request-body
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ai_client.errors import InvalidRequest
from ai_client.google_fields import GoogleFields
from ai_client.messages import (
    FunctionDeclaration,
    GenerationRequest,
    JsonObject,
    JsonValue,
    ModelConfig,
    ToolChoice,
    WebSearch,
)
from ai_client.wire.google_generate.gateway_contents import parse_contents, parse_system
from ai_client.wire.google_generate.gateway_generation import parse_generation
from ai_client.wire.google_generate.gateway_schema import parse_schema

_READ: Final = frozenset(
    ("model", "contents", "systemInstruction", "tools", "toolConfig", "generationConfig")
)
# What the model is to see or to go on with, so that leaving it out would be another answer.
_UNTRANSLATABLE: Final = ("cachedContent", "continuationToken")
_FUNCTIONS: Final = "functionDeclarations"
_SEARCHES: Final = ("googleSearch", "googleSearchRetrieval")
_SAID_OTHERWISE: Final = ("functionCallingConfig", "includeServerSideToolInvocations")


def parse_request(body: Mapping[str, JsonValue]) -> GenerationRequest:
    """The caller's request; ``InvalidRequest`` naming the field where it is malformed.

    The model stands in the path; whoever calls this has put it beside the rest. Features that only
    this dialect has are named in ``untranslatable``, everything else that the representation does
    not carry in ``dropped``. ``safetySettings`` are among the latter: they set thresholds that no
    other vendor has, and programs send them with every request.
    """
    fields = GoogleFields(body)
    fields.required(fields.text("model"), "model")
    conversation = parse_contents(fields)
    untranslatable, dropped = [*conversation.untranslatable], [*conversation.dropped]
    declarations, search = _tools(fields, untranslatable, dropped)
    choice, declarations = _tool_choice(fields, declarations, dropped)
    settings = parse_generation(fields, untranslatable, dropped)
    untranslatable += [name for name in _UNTRANSLATABLE if name in fields]
    dropped += [
        name
        for name in fields.values
        if name in fields and name not in _READ and name not in _UNTRANSLATABLE
    ]
    return GenerationRequest(
        messages=conversation.messages,
        config=ModelConfig(
            system_instruction=parse_system(fields),
            function_declarations=declarations or None,
            tool_choice=choice,
            web_search=search,
            **settings,
        ),
        untranslatable=tuple(untranslatable),
        dropped=tuple(dropped),
    )


def wants_usage(body: Mapping[str, JsonValue]) -> bool:
    """Always: Google's streams tell the token counts unasked."""
    return True


def _tools(
    fields: GoogleFields, untranslatable: list[str], dropped: list[str]
) -> tuple[tuple[FunctionDeclaration, ...], WebSearch | None]:
    declarations: list[FunctionDeclaration] = []
    search: WebSearch | None = None
    for tool in fields.objects("tools"):
        for name in tool.values:
            if name not in tool:
                continue
            if name == _FUNCTIONS:
                declarations += [_declaration(each, dropped) for each in tool.objects(name)]
            elif name in _SEARCHES:
                search = _web_search(tool, name, untranslatable, dropped)
            else:
                untranslatable.append(tool.at(name))
    return tuple(declarations), search


def _web_search(
    tool: GoogleFields, name: str, untranslatable: list[str], dropped: list[str]
) -> WebSearch:
    search = tool.required(tool.object(name), name)
    for each in search.values:
        if each == "timeRangeFilter" and each in search:
            untranslatable.append(search.at(each))
        elif each != "excludeDomains" and each in search:
            dropped.append(search.at(each))
    return WebSearch(disallowed_domains=search.texts("excludeDomains"))


def _declaration(function: GoogleFields, dropped: list[str]) -> FunctionDeclaration:
    name = function.required(function.text("name") or None, "name")
    older, newer = function.object("parameters"), function.object("parametersJsonSchema")
    if older is not None and newer is not None:
        raise InvalidRequest(
            f"'{function.at('parameters')}' and '{function.at('parametersJsonSchema')}' exclude"
            " each other.",
            param=function.at("parametersJsonSchema"),
        )
    parameters: JsonObject | None = None if older is None else parse_schema(older)
    schema = function.get("parametersJsonSchema")
    if isinstance(schema, dict):
        parameters = dict(schema)
    dropped += [
        function.at(each)
        for each in ("response", "responseJsonSchema", "behavior")
        if each in function
    ]
    return FunctionDeclaration(name, function.text("description") or "", parameters)


def _tool_choice(
    fields: GoogleFields, declarations: tuple[FunctionDeclaration, ...], dropped: list[str]
) -> tuple[ToolChoice | None, tuple[FunctionDeclaration, ...]]:
    """How functions are chosen, and from which: a choice of some leaves the others out."""
    held = fields.object("toolConfig")
    if held is None:
        return None, declarations
    dropped += [
        held.at(each) for each in held.values if each in held and each not in _SAID_OTHERWISE
    ]
    calling = held.object("functionCallingConfig")
    if calling is None:
        return None, declarations
    mode, names = calling.word("mode"), calling.texts("allowedFunctionNames")
    if names and mode not in ("ANY", "VALIDATED"):
        raise InvalidRequest(
            f"'{calling.at('allowedFunctionNames')}' needs the mode ANY or VALIDATED.",
            param=calling.at("allowedFunctionNames"),
        )
    known = {declaration.name for declaration in declarations}
    for name in names:
        if name not in known:
            raise InvalidRequest(
                f"'{calling.at('allowedFunctionNames')}' holds {name!r}, which is not declared.",
                param=calling.at("allowedFunctionNames"),
            )
    if not declarations:
        return None, declarations
    if len(set(names)) > 1 or (names and mode == "VALIDATED"):
        declarations = tuple(each for each in declarations if each.name in names)
    match mode:
        case None:
            return None, declarations
        case "AUTO":
            return ToolChoice("auto"), declarations
        case "NONE":
            return ToolChoice("none"), declarations
        case "VALIDATED":
            # The model chooses as in AUTO; that its calls keep to the schema is left out.
            dropped.append(f"{calling.at('mode')} (VALIDATED)")
            return ToolChoice("auto"), declarations
        case "ANY" if len(set(names)) == 1:
            return ToolChoice("function", names[0]), declarations
        case "ANY":
            return ToolChoice("required"), declarations
        case _:
            raise InvalidRequest(
                f"'{calling.at('mode')}' must be AUTO, ANY, NONE or VALIDATED.",
                param=calling.at("mode"),
            )
