"""Requests that callers of this dialect send.

https://platform.openai.com/docs/api-reference/responses/create
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from ai_client.body_fields import Fields, refuse
from ai_client.errors import InvalidRequest, UnsupportedFeature
from ai_client.messages import (
    FunctionDeclaration,
    GenerationRequest,
    JsonValue,
    MessagePart,
    ModelConfig,
    Reasoning,
    ToolChoice,
    WebSearch,
)
from ai_client.wire.openai_responses.gateway_input import parse_input
from ai_client.wire.openai_responses.vocabulary import ENCRYPTED_REASONING, LOGPROBS

# Read into the representation.
_READ: Final = frozenset(
    (
        "model", "input", "instructions", "stream", "stream_options", "max_output_tokens",
        "temperature", "top_p", "top_logprobs", "include", "tools", "tool_choice",
        "parallel_tool_calls", "text", "reasoning", "safety_identifier", "user",
    )
)  # fmt: skip
# What the answer is to be made with, so that leaving it out would be another answer.
_UNTRANSLATABLE: Final = ("moderation",)
# Kept by the upstream, so that no other one can know it; with the way out.
_KEPT_UPSTREAM: Final = {
    "previous_response_id": "Send the whole conversation in 'input'.",
    "conversation": "Send the whole conversation in 'input'.",
    "prompt": "Send the prompt's text in 'input' and 'instructions'.",
}
# Said, and yet nothing but what every answer of ours is.
_AS_ALWAYS: Final[Mapping[str, JsonValue]] = {
    "background": False,
    "service_tier": "auto",
    "store": False,
    "truncation": "disabled",
}
_WEB_SEARCH: Final = ("web_search", "web_search_preview")


def parse_request(body: Mapping[str, JsonValue]) -> GenerationRequest:
    """The caller's request; ``InvalidRequest`` naming the field where it is malformed.

    It is asked for only where the upstream speaks another dialect. ``UnsupportedFeature`` for what
    is kept at an upstream of this one. Other features that only this dialect has are named in
    ``untranslatable``, everything else that the representation does not carry in ``dropped``.
    """
    fields = Fields(body)
    fields.required(fields.text("model"), "model")
    _refuse_kept(fields)
    conversation = parse_input(fields)
    instructions = fields.text("instructions")
    head = () if instructions is None else (MessagePart(instructions),)
    untranslatable = [*conversation.untranslatable]
    dropped: list[str] = []
    include = _include(fields, dropped)
    top_logprobs = fields.integer("top_logprobs", 0, 20) or None
    config = ModelConfig(
        system_instruction=(*head, *conversation.system),
        max_tokens=fields.integer("max_output_tokens", 1),
        temperature=fields.number("temperature", 0, 2),
        top_p=fields.number("top_p", 0, 1),
        logprobs=True if LOGPROBS in include or top_logprobs else None,
        top_logprobs=top_logprobs,
        parallel_tool_calls=fields.boolean("parallel_tool_calls"),
        reasoning=_reasoning(fields, dropped),
        end_user=fields.text("safety_identifier") or fields.text("user"),
        **_output(fields, dropped),
    )
    config = _choose(_with_tools(config, fields, untranslatable, dropped), fields, untranslatable)
    untranslatable += [name for name in _UNTRANSLATABLE if name in fields]
    dropped += [
        name
        for name, value in body.items()
        if value is not None
        and name not in _READ
        and name not in _UNTRANSLATABLE
        and not (name in _AS_ALWAYS and _AS_ALWAYS[name] == value)
    ]
    return GenerationRequest(
        messages=conversation.messages,
        config=config,
        stream=fields.boolean("stream") or False,
        untranslatable=tuple(untranslatable),
        dropped=tuple(dropped),
    )


def wants_usage(body: Mapping[str, JsonValue]) -> bool:
    """Streams of this dialect always end with the token counts."""
    return True


def _refuse_kept(fields: Fields) -> None:
    for name, way_out in _KEPT_UPSTREAM.items():
        if name in fields:
            raise UnsupportedFeature(
                f"'{name}' names something that only the upstream that made it holds, and this"
                f" connection does not speak its format. {way_out}",
                param=name,
            )
    if fields.boolean("background"):
        raise UnsupportedFeature(
            "'background' is not possible at this connection, which answers at once or streams."
            " Leave it out.",
            param="background",
        )


def _include(fields: Fields, dropped: list[str]) -> frozenset[str]:
    """What is to be in the answer besides; encrypted reasoning is in every answer of ours."""
    wanted = []
    for number, each in enumerate(fields.list("include") or ()):
        if not isinstance(each, str):
            raise refuse(f"include[{number}]", "a string", each)
        wanted.append(each)
        if each not in (ENCRYPTED_REASONING, LOGPROBS):
            dropped.append(f"include ({each})")
    return frozenset(wanted)


def _reasoning(fields: Fields, dropped: list[str]) -> Reasoning | None:
    """A summary needs no asking: what the upstream tells of its thoughts is always passed on."""
    reasoning = fields.object("reasoning")
    if reasoning is None:
        return None
    effort = reasoning.text("effort")
    known = ("effort", "summary", "generate_summary")
    dropped += [reasoning.at(name) for name in reasoning.values if name not in known]
    return None if effort is None else Reasoning(effort=effort)


def _output(fields: Fields, dropped: list[str]) -> dict[str, JsonValue]:
    text = fields.object("text")
    if text is None:
        return {}
    dropped += [text.at(name) for name, value in text.values.items() if name != "format" and value]
    wanted = text.object("format")
    if wanted is None:
        return {}
    match wanted.required(wanted.text("type"), "type"):
        case "text":
            return {}
        case "json_object":
            return {"output_mime_type": "application/json"}
        case "json_schema":
            schema = wanted.required(wanted.object("schema"), "schema")
            if "description" in wanted:
                dropped.append(wanted.at("description"))
            return {
                "output_mime_type": "application/json",
                "output_schema": schema.values,
                "output_schema_name": wanted.required(wanted.text("name"), "name"),
                "output_schema_strict": wanted.boolean("strict"),
            }
        case _:
            raise InvalidRequest(
                f"'{wanted.at('type')}' must be text, json_object or json_schema.",
                param=wanted.at("type"),
            )


def _with_tools(
    config: ModelConfig, fields: Fields, untranslatable: list[str], dropped: list[str]
) -> ModelConfig:
    declarations: list[FunctionDeclaration] = []
    search: WebSearch | None = None
    for tool in fields.objects("tools"):
        kind = tool.required(tool.text("type"), "type")
        if kind == "function":
            declarations.append(_declaration(tool))
        elif kind.startswith(_WEB_SEARCH):
            search = _web_search(tool)
            known = ("type", "filters")
            dropped += [
                tool.at(name) for name, said in tool.values.items() if said and name not in known
            ]
        else:
            untranslatable.append(f"{tool.path} ({kind})")
    return replace(config, function_declarations=tuple(declarations) or None, web_search=search)


def _declaration(tool: Fields) -> FunctionDeclaration:
    name = tool.required(tool.text("name"), "name")
    if not name:
        raise InvalidRequest(f"'{tool.at('name')}' is empty.", param=tool.at("name"))
    parameters = tool.object("parameters")
    return FunctionDeclaration(
        name=name,
        description=tool.text("description") or "",
        parameters=None if parameters is None else parameters.values,
        strict=tool.boolean("strict"),
    )


def _web_search(tool: Fields) -> WebSearch:
    filters = tool.object("filters")
    return WebSearch(() if filters is None else _texts(filters, "allowed_domains"))


def _texts(fields: Fields, name: str) -> tuple[str, ...]:
    found = []
    for number, each in enumerate(fields.list(name) or ()):
        if not isinstance(each, str):
            raise refuse(f"{fields.at(name)}[{number}]", "a string", each)
        found.append(each)
    return tuple(found)


def _choose(config: ModelConfig, fields: Fields, untranslatable: list[str]) -> ModelConfig:
    """The configuration with ``tool_choice``.

    ``allowed_tools`` leaves only those tools to the model, which other dialects say by declaring
    no others.
    """
    choice = fields.get("tool_choice")
    match choice:
        case None:
            return config
        case "none" | "auto" | "required":
            return replace(config, tool_choice=ToolChoice(choice))
        case dict():
            chosen = Fields(choice, "tool_choice")
        case _:
            raise InvalidRequest(
                "'tool_choice' must be none, auto, required or an object.", param="tool_choice"
            )
    match chosen.required(chosen.text("type"), "type"):
        case "function":
            name = chosen.required(chosen.text("name"), "name")
            return replace(config, tool_choice=ToolChoice("function", name))
        case "allowed_tools":
            return _allow(config, chosen, untranslatable)
        case kind:
            untranslatable.append(f"tool_choice ({kind})")
            return config


def _allow(config: ModelConfig, chosen: Fields, untranslatable: list[str]) -> ModelConfig:
    mode = chosen.required(chosen.text("mode"), "mode")
    if mode not in ("auto", "required"):
        raise InvalidRequest(
            f"'{chosen.at('mode')}' must be auto or required.", param="tool_choice"
        )
    names: set[str] = set()
    searches = False
    for tool in chosen.objects("tools"):
        kind = tool.required(tool.text("type"), "type")
        if kind == "function":
            names.add(tool.required(tool.text("name"), "name"))
        elif kind.startswith(_WEB_SEARCH):
            searches = True
        else:
            untranslatable.append(f"{tool.path} ({kind})")
    declared = config.function_declarations or ()
    unknown = sorted(names - {each.name for each in declared})
    if unknown:
        raise InvalidRequest(
            f"'{chosen.at('tools')}' names {unknown[0]!r}, which is not among the tools.",
            param=chosen.at("tools"),
        )
    kept = tuple(each for each in declared if each.name in names) or None
    return replace(
        config,
        function_declarations=kept,
        web_search=config.web_search if searches else None,
        tool_choice=None
        if kept is None
        else ToolChoice("required" if mode == "required" else "auto"),
    )
