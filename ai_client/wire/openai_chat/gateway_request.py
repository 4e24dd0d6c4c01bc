"""Requests that callers of this dialect send.

https://platform.openai.com/docs/api-reference/chat/create
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ai_client.body_fields import Fields, refuse
from ai_client.errors import InvalidRequest
from ai_client.messages import (
    FunctionDeclaration,
    GenerationRequest,
    JsonValue,
    ModelConfig,
    Reasoning,
    ToolChoice,
)
from ai_client.wire.openai_chat.gateway_messages import parse_cache, parse_messages

# Read into the representation.
_READ: Final = frozenset(
    (
        "model", "messages", "stream", "stream_options", "max_completion_tokens", "max_tokens",
        "temperature", "top_p", "presence_penalty", "frequency_penalty", "n", "seed", "stop",
        "logprobs", "top_logprobs", "tools", "tool_choice", "parallel_tool_calls", "functions",
        "function_call", "response_format", "reasoning_effort", "user", "safety_identifier",
        "modalities",
    )
)  # fmt: skip
# What the answer is to contain or be made with, so that leaving it out would be another answer.
_UNTRANSLATABLE: Final = ("audio", "web_search_options", "prediction", "moderation")


def parse_request(body: Mapping[str, JsonValue]) -> GenerationRequest:
    """The caller's request; ``InvalidRequest`` naming the field where it is malformed.

    Features that only this dialect has are named in ``untranslatable``, everything else that
    the representation does not carry in ``dropped``. ``functions``, the deprecated form of
    ``tools``, is among the former: its callers look for the answer in a deprecated place, which
    only an upstream of this dialect fills.
    """
    fields = Fields(body)
    fields.required(fields.text("model"), "model")
    conversation = parse_messages(fields)
    untranslatable = [*conversation.untranslatable]
    declarations = _declarations(fields, untranslatable)
    config = ModelConfig(
        system_instruction=conversation.system,
        candidate_count=fields.integer("n", 1, 128),
        max_tokens=_max_tokens(fields),
        temperature=fields.number("temperature", 0, 2),
        top_p=fields.number("top_p", 0, 1),
        stop_sequences=_stop(fields) or None,
        presence_penalty=fields.number("presence_penalty", -2, 2),
        frequency_penalty=fields.number("frequency_penalty", -2, 2),
        seed=fields.integer("seed"),
        logprobs=fields.boolean("logprobs"),
        top_logprobs=fields.integer("top_logprobs", 0, 20),
        function_declarations=declarations or None,
        tool_choice=_tool_choice(fields, untranslatable),
        parallel_tool_calls=fields.boolean("parallel_tool_calls"),
        reasoning=_reasoning(fields),
        end_user=fields.text("safety_identifier") or fields.text("user"),
        **_output(fields),
    )
    _modalities(fields, untranslatable)
    untranslatable += [name for name in _UNTRANSLATABLE if name in fields]
    dropped = [
        name
        for name, value in body.items()
        if value is not None and name not in _READ and name not in _UNTRANSLATABLE
    ]
    wants_usage(body)
    return GenerationRequest(
        messages=conversation.messages,
        config=config,
        stream=fields.boolean("stream") or False,
        untranslatable=tuple(untranslatable),
        dropped=(*conversation.dropped, *dropped),
    )


def wants_usage(body: Mapping[str, JsonValue]) -> bool:
    """Whether the caller asked for usage inside a stream."""
    options = Fields(body).object("stream_options")
    return options is not None and options.boolean("include_usage") is True


def _max_tokens(fields: Fields) -> int | None:
    limit = fields.integer("max_completion_tokens", 1)
    older = fields.integer("max_tokens", 1)
    return older if limit is None else limit


def _stop(fields: Fields) -> tuple[str, ...]:
    stop = fields.get("stop")
    if stop is None or isinstance(stop, str):
        return (stop,) if stop else ()
    if not isinstance(stop, list):
        raise refuse("stop", "a string or a list of strings", stop)
    for number, each in enumerate(stop):
        if not isinstance(each, str):
            raise refuse(f"stop[{number}]", "a string", each)
    return tuple(stop)


def _reasoning(fields: Fields) -> Reasoning | None:
    effort = fields.text("reasoning_effort")
    return None if effort is None else Reasoning(effort=effort)


def _declarations(fields: Fields, untranslatable: list[str]) -> tuple[FunctionDeclaration, ...]:
    declarations = []
    for tool in fields.objects("tools"):
        kind = tool.required(tool.text("type"), "type")
        if kind == "function":
            function = tool.required(tool.object("function"), "function")
            declarations.append(_declaration(function, tool))
        else:
            untranslatable.append(f"{tool.path} ({kind})")
    older = fields.objects("functions")
    declarations += [_declaration(function, function) for function in older]
    if older:
        untranslatable.append("functions")
    return tuple(declarations)


def _declaration(function: Fields, tool: Fields) -> FunctionDeclaration:
    name = function.required(function.text("name"), "name")
    if not name:
        raise InvalidRequest(f"'{function.at('name')}' is empty.", param=function.at("name"))
    parameters = function.object("parameters")
    return FunctionDeclaration(
        name=name,
        description=function.text("description") or "",
        parameters=None if parameters is None else parameters.values,
        strict=function.boolean("strict"),
        cache=parse_cache(tool),
    )


def _tool_choice(fields: Fields, untranslatable: list[str]) -> ToolChoice | None:
    older = fields.get("function_call")
    if older is not None and not isinstance(older, dict) and older not in ("none", "auto"):
        raise InvalidRequest(
            "'function_call' must be none, auto or an object with a name.", param="function_call"
        )
    choice = fields.get("tool_choice")
    if choice is None and older is not None:
        if isinstance(older, dict):
            named = Fields(older, "function_call")
            return ToolChoice("function", named.required(named.text("name"), "name"))
        return ToolChoice("none" if older == "none" else "auto")
    match choice:
        case None:
            return None
        case "none" | "auto" | "required":
            return ToolChoice(choice)
        case dict():
            return _named_choice(Fields(choice, "tool_choice"), untranslatable)
        case _:
            raise InvalidRequest(
                "'tool_choice' must be none, auto, required or an object.", param="tool_choice"
            )


def _named_choice(choice: Fields, untranslatable: list[str]) -> ToolChoice | None:
    kind = choice.required(choice.text("type"), "type")
    match kind:
        case "function":
            function = choice.required(choice.object("function"), "function")
            return ToolChoice("function", function.required(function.text("name"), "name"))
        case "allowed_tools" | "custom":
            choice.required(choice.object(kind), kind)
            untranslatable.append(f"tool_choice ({kind})")
            return None
        case _:
            raise InvalidRequest(
                "'tool_choice.type' must be function, allowed_tools or custom.",
                param="tool_choice.type",
            )


def _output(fields: Fields) -> dict[str, JsonValue]:
    wanted = fields.object("response_format")
    if wanted is None:
        return {}
    kind = wanted.required(wanted.text("type"), "type")
    match kind:
        case "text":
            return {}
        case "json_object":
            return {"output_mime_type": "application/json"}
        case "json_schema":
            described = wanted.required(wanted.object("json_schema"), "json_schema")
            schema = described.object("schema")
            return {
                "output_mime_type": "application/json",
                "output_schema": {} if schema is None else schema.values,
                "output_schema_name": described.required(described.text("name"), "name"),
                "output_schema_strict": described.boolean("strict"),
            }
        case _:
            raise InvalidRequest(
                "'response_format.type' must be text, json_object or json_schema.",
                param="response_format.type",
            )


def _modalities(fields: Fields, untranslatable: list[str]) -> None:
    for number, modality in enumerate(fields.list("modalities") or ()):
        if not isinstance(modality, str):
            raise refuse(f"modalities[{number}]", "a string", modality)
        if modality != "text":
            untranslatable.append(f"modalities ({modality})")
