"""Requests to upstreams that speak this dialect.

https://platform.openai.com/docs/api-reference/responses/create

A request of our own is stateless: nothing is stored upstream (``store`` false), and reasoning comes
encrypted, to be handed back with the next turn. What a caller of this dialect says about storing
and about ``previous_response_id`` goes on as it came: the upstream refuses an id that it does not
hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from ai_client.capabilities import Modality
from ai_client.errors import InvalidRequest, UnsupportedFeature
from ai_client.messages import (
    FunctionDeclaration,
    GenerationRequest,
    JsonValue,
    ModelConfig,
    Reasoning,
    ToolChoice,
    WebSearch,
)
from ai_client.openai_json import asking_for_json, is_json_of_any_shape
from ai_client.openai_reasoning import effort_for, may_reason, without_sampling
from ai_client.wire import Target, WireRequest
from ai_client.wire.openai_responses.carried import without_carried
from ai_client.wire.openai_responses.items import (
    echoed_item,
    render_input,
    render_instructions,
)
from ai_client.wire.openai_responses.vocabulary import ENCRYPTED_REASONING, LOGPROBS

PATH: Final = "responses"

LEAST_TOKENS: Final = 16
"""The smallest ``max_output_tokens`` that OpenAI takes."""

# OpenAI's that think. Others refuse to be asked for their encrypted reasoning; a model of another
# name is only asked for it where it is told to think.
_THINKS = re.compile(
    r"(?:.*/)?(?:ft:)?(?:o\d|gpt-(?:[5-9]|\d\d)(?!\d)(?!(?:\.\d+)?-chat)|codex-|computer-use-)"
)
_ALWAYS_OURS: Final = frozenset(("model", "input", "stream", "stream_options", "store"))

_TUNING: Final = (
    "top_k",
    "presence_penalty",
    "frequency_penalty",
    "seed",
    "output_file_type",
    "output_media_orientation",
    "output_media_aspect_ratio",
    "output_speech_voice",
    "dimensions",
)
"""What the dialect has no word for, and what can be left out."""

_AUTO: Final = ToolChoice("auto")
_NONE: Final = ToolChoice("none")

_NO_PARAMETERS: Final[Mapping[str, JsonValue]] = {"type": "object", "properties": {}}


def render_request(request: GenerationRequest, target: Target) -> WireRequest:
    """The request in this dialect; ``UnsupportedFeature`` for what it cannot say."""
    _refuse(request, target)
    request = asking_for_json(request)
    config = request.config
    warnings = [f"{name} was left out" for name in request.dropped]
    warnings += [f"{name} was left out" for name in _TUNING if getattr(config, name) is not None]
    instructions, system = render_instructions(
        config.system_instruction, as_message=is_json_of_any_shape(request)
    )
    body: dict[str, JsonValue] = {
        "model": target.model,
        "input": [*system, *render_input(request.messages)],
        "store": False,
    }
    if instructions is not None:
        body["instructions"] = instructions
    include = list(_include(request, target))
    if include:
        body["include"] = include
    effort = effort_for(config.reasoning, target.model, warnings)
    sampling = without_sampling(config, effort, target.model, warnings)
    body.update(_settings(config, sampling, warnings))
    reasoning = _reasoning(config.reasoning, effort, target.model)
    if reasoning is not None:
        body["reasoning"] = reasoning
    body.update(_tools(config))
    text_format = _text_format(config)
    if text_format is not None:
        body["text"] = {"format": text_format}
    if request.stream:
        body["stream"] = True
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

    What must be: ``stream`` as asked, and items of the input in which our own answers carried
    another dialect's thoughts, which are left out. ``store`` and ``previous_response_id`` go on.
    ``InvalidRequest`` for work in the background, whose end nobody could ask for here.
    """
    if body.get("background"):
        raise InvalidRequest(
            "'background' must be false: an answer that is made in the background cannot be "
            "fetched here later. Leave it out and ask for a stream.",
            param="background",
        )
    forwarded = dict(body)
    forwarded["model"] = target.model
    if stream:
        forwarded["stream"] = True
    else:
        if forwarded.get("stream"):
            forwarded["stream"] = False
        forwarded.pop("stream_options", None)
    items = forwarded.get("input")
    if isinstance(items, list):
        forwarded["input"] = without_carried(items)
    return WireRequest(PATH, forwarded)


def _refuse(request: GenerationRequest, target: Target) -> None:
    config = request.config
    if request.untranslatable:
        raise UnsupportedFeature(
            f"{target.provider or 'This connection'} cannot be asked for"
            f" {', '.join(request.untranslatable)}: that is said in another format. Leave it out"
            " or use a connection of that format.",
            param=request.untranslatable[0],
        )
    if not request.messages:
        raise InvalidRequest("A request needs at least one message.", param="messages")
    if config.candidate_count is not None and config.candidate_count > 1:
        raise UnsupportedFeature(
            f"OpenAI's Responses format gives one answer per request, not "
            f"{config.candidate_count}; ask for one, or ask several times.",
            param="candidate_count",
        )
    if config.stop_sequences:
        raise UnsupportedFeature(
            "OpenAI's Responses format has no stop sequences; leave them out or use a connection"
            " of another format.",
            param="stop_sequences",
        )
    wanted = config.output_modalities or ()
    if any(modality is not Modality.TEXT for modality in wanted):
        raise UnsupportedFeature(
            "OpenAI's Responses format answers in text here; use another format for images or"
            " audio.",
            param="output_modalities",
        )


def _include(request: GenerationRequest, target: Target) -> Iterator[str]:
    config = request.config
    if _may_think(request, target.model):
        yield ENCRYPTED_REASONING
    if config.logprobs or config.top_logprobs is not None:
        yield LOGPROBS


def _may_think(request: GenerationRequest, model: str) -> bool:
    if not may_reason(model):
        return False
    return (
        _THINKS.match(model.lower()) is not None
        or request.config.reasoning is not None
        or any(
            part.is_thought and echoed_item(part) is not None
            for message in request.messages
            for part in message.parts
        )
    )


def _settings(
    config: ModelConfig, sampling: tuple[float | None, float | None], warnings: list[str]
) -> dict[str, JsonValue]:
    temperature, top_p = sampling
    limit = config.max_tokens
    if limit is not None and limit < LEAST_TOKENS:
        warnings.append(f"max_tokens of {limit} was sent as {LEAST_TOKENS}, which is the least")
        limit = LEAST_TOKENS
    said: dict[str, JsonValue] = {
        "max_output_tokens": limit,
        "temperature": temperature,
        "top_p": top_p,
        "top_logprobs": config.top_logprobs,
        "user": config.end_user,
    }
    return {name: value for name, value in said.items() if value is not None}


def _reasoning(
    reasoning: Reasoning | None, effort: str | None, model: str
) -> dict[str, JsonValue] | None:
    """The effort, and that thoughts are to be summed up, since they are never said in full."""
    if effort is None:
        as_it_likes = reasoning == Reasoning() and may_reason(model)
        return {"summary": "auto"} if as_it_likes else None
    return {"effort": effort} if effort == "none" else {"effort": effort, "summary": "auto"}


def _tools(config: ModelConfig) -> dict[str, JsonValue]:
    listed: list[JsonValue] = [_function(each) for each in config.function_declarations or ()]
    if config.web_search is not None:
        listed.append(_web_search(config.web_search))
    tools: dict[str, JsonValue] = {"tools": listed} if listed else {}
    # Without tools these two say nothing, and some servers refuse them.
    idle = not listed and config.tool_choice in (_AUTO, _NONE)
    if config.tool_choice is not None and not idle:
        tools["tool_choice"] = _tool_choice(config.tool_choice)
    if config.parallel_tool_calls is not None and config.function_declarations:
        tools["parallel_tool_calls"] = config.parallel_tool_calls
    return tools


def _function(declaration: FunctionDeclaration) -> dict[str, JsonValue]:
    """Here a function is strict unless that is denied, in OpenAI's chat format it is the other way.

    https://platform.openai.com/docs/guides/migrate-to-responses
    """
    parameters = declaration.parameters
    function: dict[str, JsonValue] = {
        "type": "function",
        "name": declaration.name,
        "parameters": dict(_NO_PARAMETERS if parameters is None else parameters),
        "strict": bool(declaration.strict),
    }
    if declaration.description:
        function["description"] = declaration.description
    return function


def _tool_choice(choice: ToolChoice) -> JsonValue:
    if choice.mode != "function":
        return choice.mode
    return {"type": "function", "name": choice.name}


def _web_search(search: WebSearch) -> dict[str, JsonValue]:
    """https://platform.openai.com/docs/guides/tools-web-search"""
    if search.disallowed_domains:
        raise UnsupportedFeature(
            "OpenAI's web search knows allowed domains only; leave the others out or use a"
            " connection of another format.",
            param="web_search",
        )
    tool: dict[str, JsonValue] = {"type": "web_search"}
    if search.allowed_domains:
        tool["filters"] = {"allowed_domains": list(search.allowed_domains)}
    return tool


def _text_format(config: ModelConfig) -> JsonValue:
    if config.output_schema is not None:
        described: dict[str, JsonValue] = {
            "type": "json_schema",
            "name": config.output_schema_name or "response",
            "schema": dict(config.output_schema),
        }
        if config.output_schema_strict is not None:
            described["strict"] = config.output_schema_strict
        return described
    if config.output_mime_type == "application/json":
        return {"type": "json_object"}
    if config.output_mime_type not in (None, "text/plain"):
        raise UnsupportedFeature(
            f"OpenAI's Responses format answers in text or JSON, not {config.output_mime_type}.",
            param="output_mime_type",
        )
    return None
