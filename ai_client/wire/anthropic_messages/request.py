"""Requests in Anthropic's dialect.

What the dialect has no word for is refused where it is a feature of the answer (several
candidates, pictures, log probabilities, JSON without a schema, a stop sequence of blanks) and left
out with a warning where it is tuning (a seed, penalties).

Sources: https://platform.claude.com/docs/en/api/messages,
https://platform.claude.com/docs/en/agents-and-tools/tool-use/define-tools,
https://platform.claude.com/docs/en/build-with-claude/structured-outputs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import assert_never

from ai_client.capabilities import FileType, Modality
from ai_client.errors import InvalidRequest, UnsupportedFeature
from ai_client.messages import (
    FunctionDeclaration,
    GenerationRequest,
    JsonValue,
    ModelConfig,
    WebSearch,
)
from ai_client.wire import Target, WireRequest
from ai_client.wire.anthropic_messages.carried import without_carried
from ai_client.wire.anthropic_messages.conversation import (
    Block,
    cache_control,
    render_messages,
    render_system,
)
from ai_client.wire.anthropic_messages.generation import Generation, generation_of, tune
from ai_client.wire.anthropic_messages.output_schema import render_schema

API_VERSION = "2023-06-01"
"""The version of the API. Its successor 2026-10-21 refuses ``temperature``, ``top_p`` and
``top_k`` for every model, which the models that still take them would lose."""

_PATH = "messages"
API_HEADERS = {"anthropic-version": API_VERSION}

_MAX_USER_ID = 256
_PERSONAL = re.compile(r"\S+@\S+\.\S+|\+?[\d\s().-]{7,}")


def render_request(request: GenerationRequest, target: Target) -> WireRequest:
    """The request as a body for ``target``.

    ``max_tokens``, which the dialect requires, is the caller's, else the connection's option of
    that name, else 16,384 for Claude (4,096 for another model). Raises ``UnsupportedFeature`` for
    what the dialect or the model cannot say, ``InvalidRequest`` for what makes no sense.
    """
    config = request.config
    _refuse(request)
    generation = generation_of(target.model)
    messages = render_messages(request.messages)
    _check_last_turn(messages, generation, target.model)
    tuning = tune(
        config,
        generation,
        default_max_tokens=_option(target),
        forces_call=config.tool_choice is not None
        and config.tool_choice.mode in ("required", "function"),
        resumes_unthought_call=_resumes_unthought_call(messages),
    )
    body: Block = {"model": target.model, "max_tokens": tuning.max_tokens, "messages": messages}
    if system := render_system(config.system_instruction):
        body["system"] = system
    body |= _tools(config)
    body |= tuning.fields
    if output := _output_config(config, tuning.effort):
        body["output_config"] = output
    if config.stop_sequences:
        body["stop_sequences"] = list(config.stop_sequences)
    warnings = [*request.dropped, *_left_out(config), *tuning.warnings]
    if config.end_user:
        if len(config.end_user) <= _MAX_USER_ID and not _PERSONAL.fullmatch(config.end_user):
            body["metadata"] = {"user_id": config.end_user}
        else:
            warnings.append("end_user: too long, or an e-mail address or telephone number")
    _add_custom_options(body, config.custom_options)
    if request.stream:
        body["stream"] = True
    return WireRequest(_PATH, body, headers=API_HEADERS, warnings=tuple(warnings))


def forward_request(body: Mapping[str, JsonValue], target: Target, *, stream: bool) -> WireRequest:
    """A caller's body as it came, with the target's model, streamed or not as asked.

    Blocks in which our own answers carried another dialect's data are left out.
    """
    forwarded = {**body, "model": target.model}
    if "messages" in forwarded:
        forwarded["messages"] = without_carried(forwarded["messages"])
    if stream or "stream" in forwarded:
        forwarded["stream"] = stream
    return WireRequest(_PATH, forwarded, headers=API_HEADERS)


def _refuse(request: GenerationRequest) -> None:
    config = request.config
    if request.untranslatable:
        raise UnsupportedFeature(
            f"Anthropic's dialect cannot say {', '.join(request.untranslatable)}.",
            param=request.untranslatable[0],
        )
    if config.candidate_count is not None and config.candidate_count > 1:
        raise UnsupportedFeature(
            f"Anthropic's dialect gives one candidate per request, not {config.candidate_count}; "
            "ask for one, or ask several times.",
            param="candidate_count",
        )
    if config.logprobs or config.top_logprobs:
        raise UnsupportedFeature(
            "Anthropic's dialect gives no log probabilities.", param="logprobs"
        )
    if config.output_mime_type == "application/json" and config.output_schema is None:
        raise UnsupportedFeature(
            "Anthropic's dialect gives JSON only for a JSON schema; give one.",
            param="output_schema",
        )
    if config.output_mime_type not in (None, "text/plain", "application/json"):
        raise UnsupportedFeature(
            f"Anthropic's dialect answers in text or JSON, not {config.output_mime_type}.",
            param="output_mime_type",
        )
    _refuse_media(config)
    if any(not sequence.strip() for sequence in config.stop_sequences or ()):
        raise UnsupportedFeature(
            "Anthropic's dialect takes no stop sequence of blanks only.", param="stop_sequences"
        )


def _refuse_media(config: ModelConfig) -> None:
    unmade = [each for each in config.output_modalities or () if each is not Modality.TEXT]
    if unmade:
        raise UnsupportedFeature(
            f"Anthropic's dialect answers in text, not in {', '.join(unmade)}; use another"
            " connection.",
            param="output_modalities",
        )
    for name in ("output_media_orientation", "output_media_aspect_ratio"):
        if getattr(config, name) is not None:
            raise UnsupportedFeature(
                "Anthropic's dialect makes no pictures or videos to have a shape.", param=name
            )
    if config.output_file_type is FileType.REMOTE:
        raise UnsupportedFeature(
            "Anthropic's dialect answers with no address of a file.", param="output_file_type"
        )


def _check_last_turn(messages: Sequence[Block], generation: Generation | None, model: str) -> None:
    """An answer that the request has begun can be continued by older models only."""
    block = messages[-1]["content"][-1]
    if messages[-1]["role"] != "assistant" or block["type"] != "text":
        return
    if generation is not None and not generation.takes_prefill:
        raise UnsupportedFeature(
            f"{model} cannot continue a conversation whose last turn is the model's; "
            "let a user message come last.",
            param="messages",
        )
    # The API refuses a begun answer that ends in white space.
    block["text"] = block["text"].rstrip()


def _resumes_unthought_call(messages: Sequence[Block]) -> bool:
    if len(messages) < 2 or messages[-1]["content"][0]["type"] != "tool_result":
        return False
    first: str = messages[-2]["content"][0]["type"]
    return first not in ("thinking", "redacted_thinking")


def _option(target: Target) -> int | None:
    value = target.options.get("max_tokens")
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidRequest(
            f"The option max_tokens of this {target.provider or 'Anthropic'} connection must be "
            "a whole number of at least 1; correct it in the connection's settings.",
            param="max_tokens",
        )
    return value


def _tools(config: ModelConfig) -> Block:
    declared = config.function_declarations or ()
    if (
        not declared
        and config.tool_choice is not None
        and config.tool_choice.mode in ("required", "function")
    ):
        raise InvalidRequest(
            "tool_choice asks for a function, but none is declared.", param="tool_choice"
        )
    tools = [_tool(each) for each in declared]
    if config.web_search is not None:
        tools.append(_web_search(config.web_search))
    if not tools:
        return {}
    body: Block = {"tools": tools}
    if declared and (choice := _tool_choice(config)):
        body["tool_choice"] = choice
    return body


def _web_search(search: WebSearch) -> Block:
    """https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-search-tool

    The version that every model with web search has. What was searched stands in the answer, in
    parts that the next turn sends back.
    """
    if search.allowed_domains and search.disallowed_domains:
        raise UnsupportedFeature(
            "Anthropic's web search takes allowed domains or disallowed ones, not both.",
            param="web_search",
        )
    tool: Block = {"type": "web_search_20250305", "name": "web_search"}
    if search.allowed_domains:
        tool["allowed_domains"] = list(search.allowed_domains)
    if search.disallowed_domains:
        tool["blocked_domains"] = list(search.disallowed_domains)
    return tool


def _tool(declared: FunctionDeclaration) -> Block:
    schema = {"type": "object", **(declared.parameters or {})}
    if schema["type"] == "object":
        schema.setdefault("properties", {})
    if declared.strict:
        schema = render_schema(schema, "function_declarations")
    tool: Block = {"name": declared.name, "input_schema": schema}
    if declared.description:
        tool["description"] = declared.description
    if declared.strict is not None:
        tool["strict"] = declared.strict
    return {**tool, **cache_control(declared.cache)}


def _tool_choice(config: ModelConfig) -> Block:
    choice = config.tool_choice
    one_at_a_time = (
        {} if config.parallel_tool_calls is not False else {"disable_parallel_tool_use": True}
    )
    if choice is None:
        return {"type": "auto", **one_at_a_time} if one_at_a_time else {}
    match choice.mode:
        case "auto":
            return {"type": "auto", **one_at_a_time}
        case "required":
            return {"type": "any", **one_at_a_time}
        case "function":
            if not choice.name:
                raise InvalidRequest("tool_choice names no function.", param="tool_choice")
            return {"type": "tool", "name": choice.name, **one_at_a_time}
        case "none":
            return {"type": "none"}
        case _:
            assert_never(choice.mode)


def _output_config(config: ModelConfig, effort: str | None) -> Block:
    output: Block = {}
    if effort is not None:
        output["effort"] = effort
    if config.output_schema is not None:
        schema = render_schema(config.output_schema, "output_schema")
        output["format"] = {"type": "json_schema", "schema": schema}
    return output


def _left_out(config: ModelConfig) -> list[str]:
    tuning = {
        "presence_penalty": config.presence_penalty,
        "frequency_penalty": config.frequency_penalty,
        "seed": config.seed,
        "output_speech_voice": config.output_speech_voice,
        "dimensions": config.dimensions,
    }
    return [name for name, value in tuning.items() if value is not None]


def _add_custom_options(body: Block, options: Mapping[str, JsonValue]) -> None:
    for name, value in options.items():
        if name in body or name == "stream":
            raise InvalidRequest(
                f"The custom option {name!r} contradicts a setting of the same name.", param=name
            )
        body[name] = value
