"""Requests to ``generateContent``: https://ai.google.dev/api/generate-content#method:-models.generatecontent."""

from __future__ import annotations

from collections.abc import Mapping

from ai_client.errors import InvalidRequest, UnsupportedFeature
from ai_client.messages import FunctionDeclaration, GenerationRequest, JsonValue, ModelConfig
from ai_client.wire import Target, WireRequest
from ai_client.wire.google_generate.contents import render_contents, render_system
from ai_client.wire.google_generate.model import Model


def render_request(request: GenerationRequest, target: Target) -> WireRequest:
    """The request in Google's dialect. ``UnsupportedFeature`` names what it cannot say."""
    model = Model(target.model, target.provider or "Google")
    config = request.config
    if request.untranslatable:
        raise UnsupportedFeature(
            f"{model.provider} has no equivalent of {', '.join(request.untranslatable)}.",
            param=request.untranslatable[0],
        )
    if (
        config.function_declarations
        and config.wants_json
        and not model.calls_functions_in_json_mode
    ):
        raise UnsupportedFeature(
            f"{model.provider}'s model {model.id} does not combine tools with JSON output;"
            " leave out one of them, or take a model since Gemini 3."
        )
    warnings = list(request.dropped)
    body: dict[str, JsonValue] = {"contents": render_contents(request.messages, model)}
    system = render_system(config.system_instruction, model)
    if system is not None:
        body["systemInstruction"] = system
    body |= _tools(config, warnings)
    generation = _generation_config(config, model, warnings)
    if generation:
        body["generationConfig"] = generation
    if config.end_user is not None:
        warnings.append("end_user")
    _add_custom_options(body, config.custom_options)
    return _wire_request(model, body, stream=request.stream, warnings=tuple(warnings))


def forward_request(body: Mapping[str, JsonValue], target: Target, *, stream: bool) -> WireRequest:
    """A caller's ``generateContent`` body as it came; model and streaming stand in the path."""
    model = Model(target.model, target.provider or "Google")
    kept = {name: value for name, value in body.items() if name != "model"}
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


def _add_custom_options(
    body: dict[str, JsonValue], options: Mapping[str, JsonValue], within: str = ""
) -> None:
    """Options of this dialect beside the settings; within ``generationConfig`` too."""
    for name, value in options.items():
        known = body.get(name)
        if isinstance(known, dict) and isinstance(value, Mapping):
            _add_custom_options(known, value, f"{within}{name}.")
        elif name in body:
            raise InvalidRequest(
                f"The custom option {within + name!r} contradicts a setting of the same name.",
                param=within + name,
            )
        else:
            body[name] = value


def _generation_config(
    config: ModelConfig, model: Model, warnings: list[str]
) -> dict[str, JsonValue]:
    fields: dict[str, JsonValue] = {
        "candidateCount": config.candidate_count,
        "maxOutputTokens": config.max_tokens,
        "temperature": config.temperature,
        "topP": config.top_p,
        "topK": config.top_k,
        "stopSequences": list(config.stop_sequences) or None,
        "presencePenalty": config.presence_penalty,
        "frequencyPenalty": config.frequency_penalty,
        "seed": config.seed,
    }
    if config.logprobs or config.top_logprobs is not None:
        fields["responseLogprobs"] = True
        fields["logprobs"] = config.top_logprobs or None
    if config.output_schema is not None:
        fields["responseMimeType"] = "application/json"
        fields["responseJsonSchema"] = dict(config.output_schema)
    else:
        fields["responseMimeType"] = config.output_mime_type
    if config.reasoning is not None:
        thinking = model.thinking_config(config.reasoning)
        if thinking is None:
            warnings.append("reasoning")
        fields["thinkingConfig"] = thinking
    return {name: value for name, value in fields.items() if value is not None}


def _tools(config: ModelConfig, warnings: list[str]) -> dict[str, JsonValue]:
    if not config.function_declarations:
        return {}
    if config.parallel_tool_calls is False:
        warnings.append("parallel_tool_calls")
    if any(declaration.strict for declaration in config.function_declarations):
        warnings.append("strict")
    rendered: dict[str, JsonValue] = {
        "tools": [
            {"functionDeclarations": [_declaration(one) for one in config.function_declarations]}
        ]
    }
    choice = config.tool_choice
    if choice is not None:
        calling: dict[str, JsonValue] = {
            "mode": {"auto": "AUTO", "none": "NONE", "required": "ANY", "function": "ANY"}[
                choice.mode
            ]
        }
        if choice.mode == "function" and choice.name:
            calling["allowedFunctionNames"] = [choice.name]
        rendered["toolConfig"] = {"functionCallingConfig": calling}
    return rendered


def _declaration(declaration: FunctionDeclaration) -> dict[str, JsonValue]:
    # parametersJsonSchema takes JSON Schema as it is; the older ``parameters`` only a subset.
    rendered: dict[str, JsonValue] = {"name": declaration.name}
    if declaration.description:
        rendered["description"] = declaration.description
    if declaration.parameters:
        rendered["parametersJsonSchema"] = dict(declaration.parameters)
    return rendered
