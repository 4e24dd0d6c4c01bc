"""Requests to ``generateContent``: https://ai.google.dev/api/generate-content#method:-models.generatecontent."""

from __future__ import annotations

from collections.abc import Mapping

from ai_client.errors import UnsupportedFeature
from ai_client.google_envelope import with_custom_options
from ai_client.messages import (
    FunctionDeclaration,
    GenerationRequest,
    JsonValue,
    ModelConfig,
    ToolChoice,
    WebSearch,
)
from ai_client.wire import Target, WireRequest
from ai_client.wire.google_generate.carrying import without_carried
from ai_client.wire.google_generate.contents import render_contents, render_system
from ai_client.wire.google_generate.model import Model, is_off
from ai_client.wire.google_generate.output import render_output, with_voice


def render_request(request: GenerationRequest, target: Target) -> WireRequest:
    """The request in Google's dialect. ``UnsupportedFeature`` names what it cannot say."""
    model = Model(target.model, target.provider or "Google")
    config = request.config
    if request.untranslatable:
        raise UnsupportedFeature(
            f"{model.provider} has no equivalent of {', '.join(request.untranslatable)}.",
            param=request.untranslatable[0],
        )
    _check_combination(config, model)
    warnings = list(request.dropped)
    body: dict[str, JsonValue] = {"contents": render_contents(request.messages, model)}
    system = render_system(config.system_instruction, model)
    if system is not None:
        body["systemInstruction"] = system
    if system is not None and model.speaks:
        raise UnsupportedFeature(
            f"{model.provider}'s model {model.id} takes no system prompt; say in the text itself"
            " how it is to be spoken.",
            param="system_instruction",
        )
    body |= _tools(config, warnings)
    generation = _generation_config(config, model, warnings)
    generation |= render_output(request, model, warnings)
    if generation:
        body["generationConfig"] = generation
    if config.end_user is not None:
        warnings.append("end_user")
    if config.dimensions is not None:
        warnings.append("dimensions")
    body = with_voice(with_custom_options(body, config.custom_options))
    return _wire_request(model, body, stream=request.stream, warnings=tuple(warnings))


def forward_request(body: Mapping[str, JsonValue], target: Target, *, stream: bool) -> WireRequest:
    """A caller's ``generateContent`` body as it came; model and streaming stand in the path.

    What other vendors signed in it, and we marked, is taken out.
    """
    model = Model(target.model, target.provider or "Google")
    kept = {name: value for name, value in without_carried(body, model).items() if name != "model"}
    return _wire_request(model, kept, stream=stream)


def _wire_request(
    model: Model, body: dict[str, JsonValue], *, stream: bool, warnings: tuple[str, ...] = ()
) -> WireRequest:
    return WireRequest(
        path=model.path(stream=stream),
        body=body,
        query={"alt": "sse"} if stream else {},
        warnings=warnings,
    )


def _check_combination(config: ModelConfig, model: Model) -> None:
    combined = (
        ("function_declarations", "tools", bool(config.function_declarations)),
        ("web_search", "web search", config.web_search is not None),
        ("output_mime_type", "JSON output", config.wants_json),
    )
    asked = {param: name for param, name, is_asked in combined if is_asked}
    if len(asked) > 1 and not model.combines_tools:
        raise UnsupportedFeature(
            f"{model.provider}'s model {model.id} does not combine {' with '.join(asked.values())};"
            " leave out one of them, or take a model since Gemini 3.",
            param=next(iter(asked)),
        )


def _generation_config(
    config: ModelConfig, model: Model, warnings: list[str]
) -> dict[str, JsonValue]:
    fields: dict[str, JsonValue] = {
        "candidateCount": config.candidate_count,
        "maxOutputTokens": config.max_tokens,
        "temperature": config.temperature,
        "topP": config.top_p,
        "topK": config.top_k,
        "stopSequences": list(config.stop_sequences or ()) or None,
        "presencePenalty": config.presence_penalty,
        "frequencyPenalty": config.frequency_penalty,
        "seed": config.seed,
    }
    if config.logprobs or config.top_logprobs is not None:
        fields["responseLogprobs"] = True
        fields["logprobs"] = config.top_logprobs or None
    if config.reasoning is not None:
        thinking = model.thinking_config(config.reasoning)
        if thinking is None and not is_off(config.reasoning):
            warnings.append("reasoning")
        fields["thinkingConfig"] = thinking
    return {name: value for name, value in fields.items() if value is not None}


def _tools(config: ModelConfig, warnings: list[str]) -> dict[str, JsonValue]:
    tools: list[JsonValue] = []
    settings: dict[str, JsonValue] = {}
    if config.function_declarations:
        if config.parallel_tool_calls is False:
            warnings.append("parallel_tool_calls")
        if any(declaration.strict for declaration in config.function_declarations):
            warnings.append("strict")
        declared = [_declaration(one) for one in config.function_declarations]
        tools.append({"functionDeclarations": declared})
        if config.tool_choice is not None:
            settings["functionCallingConfig"] = _calling(config.tool_choice)
    if config.web_search is not None:
        tools.append({"googleSearch": _web_search(config.web_search)})
        if config.function_declarations:
            # https://ai.google.dev/gemini-api/docs/tool-combination: the searches have to be shown,
            # since the turn that answers the functions has to hold them.
            settings["includeServerSideToolInvocations"] = True
    rendered: dict[str, JsonValue] = {"tools": tools, "toolConfig": settings}
    return {name: value for name, value in rendered.items() if value}


def _calling(choice: ToolChoice) -> dict[str, JsonValue]:
    modes = {"auto": "AUTO", "none": "NONE", "required": "ANY", "function": "ANY"}
    calling: dict[str, JsonValue] = {"mode": modes[choice.mode]}
    if choice.mode == "function" and choice.name:
        calling["allowedFunctionNames"] = [choice.name]
    return calling


def _web_search(search: WebSearch) -> dict[str, JsonValue]:
    """https://ai.google.dev/gemini-api/docs/google-search. Only Vertex AI leaves domains out."""
    if search.allowed_domains or search.disallowed_domains:
        raise UnsupportedFeature(
            "Google searches the whole web; leave the domains out or use a connection of another"
            " provider.",
            param="web_search",
        )
    return {}


def _declaration(declaration: FunctionDeclaration) -> dict[str, JsonValue]:
    # parametersJsonSchema takes JSON Schema as it is; the older ``parameters`` only a subset.
    rendered: dict[str, JsonValue] = {"name": declaration.name}
    if declaration.description:
        rendered["description"] = declaration.description
    if declaration.parameters:
        rendered["parametersJsonSchema"] = dict(declaration.parameters)
    return rendered
