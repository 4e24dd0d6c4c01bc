"""Requests that callers of this dialect send: https://platform.claude.com/docs/en/api/messages."""

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
from ai_client.wire.anthropic_messages.gateway_messages import parse_cache, parse_conversation

_READ: Final = frozenset(
    (
        "model", "messages", "system", "max_tokens", "stream", "temperature", "top_p", "top_k",
        "stop_sequences", "tools", "tool_choice", "thinking", "output_config", "output_format",
        "metadata",
    )
)  # fmt: skip
# What the answer is to be made with, so that leaving it out would be another answer.
_UNTRANSLATABLE: Final = ("container", "mcp_servers")
_READ_OF_TOOLS: Final = frozenset(
    ("type", "name", "description", "input_schema", "strict", "cache_control")
)

DEFAULT_EFFORT: Final = "high"
"""What adaptive thinking without an effort means to Anthropic:
https://platform.claude.com/docs/en/build-with-claude/effort"""


def parse_request(body: Mapping[str, JsonValue]) -> GenerationRequest:
    """The caller's request; ``InvalidRequest`` naming the field where it is malformed.

    The vendor's own tools, and what else only this dialect has, are named in ``untranslatable``,
    tuning that the representation does not carry in ``dropped``.
    """
    fields = Fields(body)
    fields.required(fields.text("model"), "model")
    max_tokens = fields.required(fields.integer("max_tokens", 0), "max_tokens")
    conversation = parse_conversation(fields)
    untranslatable = [*conversation.untranslatable]
    dropped = [*conversation.dropped]
    if max_tokens == 0:
        untranslatable.append("max_tokens (0, which fills the prompt cache)")
    choice, parallel = _tool_choice(fields)
    metadata = fields.object("metadata")
    config = ModelConfig(
        system_instruction=conversation.system,
        max_tokens=max_tokens or None,
        temperature=fields.number("temperature", 0, 1),
        top_p=fields.number("top_p", 0, 1),
        top_k=fields.integer("top_k", 0),
        stop_sequences=_stop(fields) or None,
        function_declarations=tuple(_declarations(fields, untranslatable, dropped)) or None,
        tool_choice=choice,
        parallel_tool_calls=parallel,
        output_schema=_schema(fields),
        reasoning=_reasoning(fields, dropped),
        end_user=None if metadata is None else metadata.text("user_id"),
    )
    untranslatable += [name for name in _UNTRANSLATABLE if body.get(name)]
    dropped += [
        name
        for name, value in body.items()
        if value is not None and name not in _READ and name not in _UNTRANSLATABLE
    ]
    return GenerationRequest(
        messages=conversation.messages,
        config=config,
        stream=fields.boolean("stream") or False,
        untranslatable=tuple(untranslatable),
        dropped=tuple(dropped),
    )


def wants_usage(body: Mapping[str, JsonValue]) -> bool:
    """Whether the caller asked for usage inside a stream: it always has its place there."""
    return True


def _stop(fields: Fields) -> tuple[str, ...]:
    listed = fields.list("stop_sequences") or ()
    for number, each in enumerate(listed):
        if not isinstance(each, str):
            raise refuse(f"stop_sequences[{number}]", "a string", each)
    return tuple(listed)


def _declarations(
    fields: Fields, untranslatable: list[str], dropped: list[str]
) -> list[FunctionDeclaration]:
    declarations = []
    for tool in fields.objects("tools"):
        kind = tool.text("type") or "custom"
        if kind != "custom":
            untranslatable.append(f"{tool.path} ({kind})")
            continue
        name = tool.required(tool.text("name"), "name")
        if not name:
            raise InvalidRequest(f"'{tool.at('name')}' is empty.", param=tool.at("name"))
        schema = tool.required(tool.object("input_schema"), "input_schema")
        declarations.append(
            FunctionDeclaration(
                name=name,
                description=tool.text("description") or "",
                parameters=schema.values,
                strict=tool.boolean("strict"),
                cache=parse_cache(tool),
            )
        )
        dropped += [
            tool.at(each)
            for each, value in tool.values.items()
            if value is not None and each not in _READ_OF_TOOLS
        ]
    return declarations


def _tool_choice(fields: Fields) -> tuple[ToolChoice | None, bool | None]:
    """The choice, and whether several calls at once may come where that is said."""
    choice = fields.object("tool_choice")
    if choice is None:
        return None, None
    one_at_a_time = choice.boolean("disable_parallel_tool_use")
    parallel = None if one_at_a_time is None else not one_at_a_time
    match choice.required(choice.text("type"), "type"):
        case "auto":
            return ToolChoice("auto"), parallel
        case "any":
            return ToolChoice("required"), parallel
        case "none":
            return ToolChoice("none"), parallel
        case "tool":
            return ToolChoice("function", choice.required(choice.text("name"), "name")), parallel
        case _:
            raise InvalidRequest(
                "'tool_choice.type' must be auto, any, tool or none.", param="tool_choice.type"
            )


def _schema(fields: Fields) -> Mapping[str, JsonValue] | None:
    """The schema of the answer. ``output_format`` is where it stood before ``output_config``."""
    output = fields.object("output_config")
    wanted = None if output is None else output.object("format")
    wanted = wanted or fields.object("output_format")
    if wanted is None:
        return None
    if wanted.required(wanted.text("type"), "type") != "json_schema":
        raise InvalidRequest(f"'{wanted.at('type')}' must be json_schema.", param=wanted.at("type"))
    return wanted.required(wanted.object("schema"), "schema").values


def _reasoning(fields: Fields, dropped: list[str]) -> Reasoning | None:
    output = fields.object("output_config")
    effort = None if output is None else output.text("effort")
    if output is not None:
        dropped += [
            output.at(name)
            for name, value in output.values.items()
            if value is not None and name not in ("effort", "format")
        ]
    thinking = fields.object("thinking")
    if thinking is None:
        return None if effort is None else Reasoning(effort)
    kind = thinking.required(thinking.text("type"), "type")
    if "display" in thinking:
        thinking.text("display")
        dropped.append("thinking.display")
    match kind:
        case "disabled":
            return Reasoning(budget_tokens=0)
        case "enabled":
            budget = thinking.required(thinking.integer("budget_tokens", 1), "budget_tokens")
            return Reasoning(effort, budget)
        case "adaptive":
            return Reasoning(effort or DEFAULT_EFFORT)
        case _:
            dropped.append(f"thinking ({kind})")
            return None if effort is None else Reasoning(effort)
