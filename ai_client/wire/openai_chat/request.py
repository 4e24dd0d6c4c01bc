"""Requests to upstreams that speak this dialect.

https://platform.openai.com/docs/api-reference/chat/create

Options of a connection that are read here: ``max_tokens_parameter`` (``max_completion_tokens``,
which OpenAI's reasoning models insist on, or ``max_tokens``, which is all that many compatible
servers know), ``stream_usage`` (False where a server refuses ``stream_options``), ``top_k`` (True
where a server knows it; OpenAI does not) and ``strict_schemas`` (False where not all models take
``strict`` beside a schema).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from operator import attrgetter
from typing import Final

from ai_client.capabilities import Capability, Modality
from ai_client.errors import InvalidRequest, UnsupportedFeature
from ai_client.messages import (
    FunctionDeclaration,
    GenerationRequest,
    JsonValue,
    ModelConfig,
    ToolChoice,
    WebSearch,
)
from ai_client.openai_json import asking_for_json
from ai_client.openai_reasoning import effort_for, without_sampling
from ai_client.wire import Target, WireRequest
from ai_client.wire.openai_chat.audio import is_spoken, render_modalities
from ai_client.wire.openai_chat.messages import render_messages
from ai_client.wire.openai_chat.reasoning import without_carried

PATH: Final = "chat/completions"

_MAX_TOKENS: Final = ("max_completion_tokens", "max_tokens")
# OpenAI's o-series and its GPT-5 and later take only the new name; see max_tokens in the reference.
_REFUSES_OLD_LIMIT = re.compile(r"(?:.*/)?(?:o\d|gpt-[5-9](?!\d))")
_ALWAYS_OURS: Final = frozenset(("model", "messages", "stream", "stream_options"))

_FOR_OTHERS: Final = (
    "output_file_type",
    "output_media_orientation",
    "output_media_aspect_ratio",
    "output_speech_voice",
    "dimensions",
)
_SETTINGS: Final = (
    *_FOR_OTHERS,
    "max_tokens",
    "temperature",
    "top_p",
    "top_k",
    "presence_penalty",
    "frequency_penalty",
    "candidate_count",
    "seed",
    "stop_sequences",
    "logprobs",
    "top_logprobs",
    "reasoning",
    "end_user",
    "function_declarations",
    "tool_choice",
    "parallel_tool_calls",
    "web_search",
    "output_schema",
    "output_mime_type",
)
_settings_of = attrgetter(*_SETTINGS)

_AUTO: Final = ToolChoice("auto")
_NONE: Final = ToolChoice("none")


def render_request(request: GenerationRequest, target: Target) -> WireRequest:
    """The request in this dialect; ``UnsupportedFeature`` for what it cannot say."""
    if request.untranslatable:
        raise UnsupportedFeature(
            f"{target.provider or 'This connection'} cannot be asked for"
            f" {', '.join(request.untranslatable)}: that is said in another format. Leave it out"
            " or use a connection of that format.",
            param=request.untranslatable[0],
        )
    if not request.messages:
        raise InvalidRequest("A request needs at least one message.", param="messages")
    request = asking_for_json(request)
    config = request.config
    if request.capability is Capability.SPEECH_GENERATION and not is_spoken(config):
        config = replace(config, output_modalities=(Modality.TEXT, Modality.AUDIO))
    warnings = [f"{name} was left out" for name in request.dropped]
    body: dict[str, JsonValue] = {"model": target.model, "messages": render_messages(request)}
    body.update(render_modalities(config, stream=request.stream))
    if _settings_of(config).count(None) < len(_SETTINGS):
        body.update(_settings(config, target, warnings))
    if request.stream:
        body["stream"] = True
        if target.options.get("stream_usage", True):
            body["stream_options"] = {"include_usage": True}
    for name, value in config.custom_options.items():
        if name in body or name in _ALWAYS_OURS:
            raise InvalidRequest(
                f"The custom option {name!r} is already set by the request itself.",
                param=f"custom_options.{name}",
            )
        body[name] = value
    return WireRequest(PATH, body, warnings=tuple(warnings))


def forward_request(body: Mapping[str, JsonValue], target: Target, *, stream: bool) -> WireRequest:
    """A caller's body of this dialect, changed only in the model and what must be.

    What must be: ``stream`` as asked; token counts asked for in a stream, so that they can be
    logged (``StreamParser.last_usage_only`` tells the chunk that a caller did not ask for); the
    name of the token limit where the connection sets one or the model refuses the old one; fields
    in which our own answers carried another dialect's thoughts.
    """
    forwarded = dict(body)
    forwarded["model"] = target.model
    if stream:
        forwarded["stream"] = True
        options = forwarded.get("stream_options")
        options = options if isinstance(options, dict) else {}
        if target.options.get("stream_usage", True) and not options.get("include_usage"):
            forwarded["stream_options"] = {**options, "include_usage": True}
    else:
        if forwarded.get("stream"):
            forwarded["stream"] = False
        forwarded.pop("stream_options", None)
    name = target.options.get("max_tokens_parameter")
    if name is None and _REFUSES_OLD_LIMIT.match(target.model):
        name = _MAX_TOKENS[0]
    if name in _MAX_TOKENS:
        for other in _MAX_TOKENS:
            if other != name and other in forwarded:
                limit = forwarded.pop(other)
                forwarded.setdefault(name, limit)
    messages = forwarded.get("messages")
    if isinstance(messages, list):
        forwarded["messages"] = [without_carried(message) for message in messages]
    return WireRequest(PATH, forwarded)


def _settings(config: ModelConfig, target: Target, warnings: list[str]) -> dict[str, JsonValue]:
    said = _tuning(config, target, warnings)
    said.update(_tools(config))
    if config.web_search is not None:
        said["web_search_options"] = _web_search(config.web_search)
    warnings += _unsaid(config)
    response_format = _response_format(config, target, warnings)
    if response_format is not None:
        said["response_format"] = response_format
    return said


def _tuning(config: ModelConfig, target: Target, warnings: list[str]) -> dict[str, JsonValue]:
    limit = target.options.get("max_tokens_parameter", _MAX_TOKENS[0])
    if limit not in _MAX_TOKENS:
        raise InvalidRequest(
            f"The connection's max_tokens_parameter must be one of {', '.join(_MAX_TOKENS)}."
        )
    effort = effort_for(config.reasoning, target.model, warnings)
    temperature, top_p = without_sampling(config, effort, target.model, warnings)
    said: dict[str, JsonValue] = {
        limit: config.max_tokens,
        "temperature": temperature,
        "top_p": top_p,
        "presence_penalty": config.presence_penalty,
        "frequency_penalty": config.frequency_penalty,
        "n": config.candidate_count,
        "seed": config.seed,
        "stop": list(config.stop_sequences or ()) or None,
        "logprobs": True if config.top_logprobs is not None else config.logprobs,
        "top_logprobs": config.top_logprobs,
        "reasoning_effort": effort,
        "user": config.end_user,
    }
    if config.top_k is not None:
        if target.options.get("top_k"):
            said["top_k"] = config.top_k
        else:
            warnings.append("top_k was left out")
    return {name: value for name, value in said.items() if value is not None}


def _tools(config: ModelConfig) -> dict[str, JsonValue]:
    tools: dict[str, JsonValue] = {}
    if config.function_declarations:
        tools["tools"] = [
            {"type": "function", "function": _function(each)}
            for each in config.function_declarations
        ]
    # OpenAI refuses a choice where there are no tools; without them these two say nothing.
    idle = not config.function_declarations and config.tool_choice in (_AUTO, _NONE)
    if config.tool_choice is not None and not idle:
        tools["tool_choice"] = _tool_choice(config.tool_choice)
    if config.parallel_tool_calls is not None and config.function_declarations:
        tools["parallel_tool_calls"] = config.parallel_tool_calls
    return tools


def _function(declaration: FunctionDeclaration) -> dict[str, JsonValue]:
    function: dict[str, JsonValue] = {"name": declaration.name}
    if declaration.description:
        function["description"] = declaration.description
    if declaration.parameters is not None:
        function["parameters"] = dict(declaration.parameters)
    if declaration.strict is not None:
        function["strict"] = declaration.strict
    return function


def _tool_choice(choice: ToolChoice) -> JsonValue:
    if choice.mode != "function":
        return choice.mode
    return {"type": "function", "function": {"name": choice.name}}


def _unsaid(config: ModelConfig) -> Iterator[str]:
    """What is for models of other kinds, and nothing to a conversation."""
    for name in _FOR_OTHERS:
        spoken = name == "output_speech_voice" and is_spoken(config)
        if getattr(config, name) is not None and not spoken:
            yield f"{name} was left out"


def _web_search(search: WebSearch) -> dict[str, JsonValue]:
    """https://platform.openai.com/docs/guides/tools-web-search?api-mode=chat"""
    if search.allowed_domains or search.disallowed_domains:
        raise UnsupportedFeature(
            "OpenAI's chat format searches the whole web; leave the domains out or use a"
            " connection of another format.",
            param="web_search",
        )
    return {}


def _response_format(config: ModelConfig, target: Target, warnings: list[str]) -> JsonValue:
    if config.output_schema is not None:
        described: dict[str, JsonValue] = {
            "name": config.output_schema_name or "response",
            "schema": dict(config.output_schema),
        }
        if config.output_schema_strict and not target.options.get("strict_schemas", True):
            warnings.append("output_schema_strict was left out")
        elif config.output_schema_strict is not None:
            described["strict"] = config.output_schema_strict
        return {"type": "json_schema", "json_schema": described}
    if config.output_mime_type == "application/json":
        return {"type": "json_object"}
    if is_spoken(config) and (config.output_mime_type or "").startswith("audio/"):
        return None
    if config.output_mime_type not in (None, "text/plain"):
        raise UnsupportedFeature(
            f"OpenAI's chat format answers in text or JSON, not {config.output_mime_type}.",
            param="output_mime_type",
        )
    return None
