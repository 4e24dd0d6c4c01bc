"""What a prompt needs of a model, and whether a model has it, by the PHP AI Client's rules.

A requirement is matched by strict identity: 1, 1.0, True and "1" are four values. Of lists and maps
the values count, in whatever order; so a model lists every combination of modalities that it
takes, which is what ``modality_combinations`` is for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from operator import attrgetter

from ai_client.capabilities import (
    Capability,
    JsonValue,
    Modality,
    ModelMetadata,
    ModelRequirements,
    Option,
    RequiredOption,
)
from ai_client.capabilities import (
    modality_combinations as modality_combinations,
)
from ai_client.messages import File, FunctionCall, FunctionResponse, Message, ModelConfig

TUNING = frozenset(
    (
        Option.TEMPERATURE,
        Option.TOP_P,
        Option.TOP_K,
        Option.PRESENCE_PENALTY,
        Option.FREQUENCY_PENALTY,
    )
)
"""What can be left out without changing what is asked for; reasoning models refuse it."""

_FROM_CONFIG = (
    (Option.CANDIDATE_COUNT, "candidate_count"),
    (Option.MAX_TOKENS, "max_tokens"),
    (Option.TEMPERATURE, "temperature"),
    (Option.TOP_P, "top_p"),
    (Option.TOP_K, "top_k"),
    (Option.OUTPUT_MIME_TYPE, "output_mime_type"),
    (Option.OUTPUT_SCHEMA, "output_schema"),
    (Option.STOP_SEQUENCES, "stop_sequences"),
    (Option.PRESENCE_PENALTY, "presence_penalty"),
    (Option.FREQUENCY_PENALTY, "frequency_penalty"),
    (Option.LOGPROBS, "logprobs"),
    (Option.TOP_LOGPROBS, "top_logprobs"),
)
_AFTER_FUNCTIONS = (
    (Option.OUTPUT_FILE_TYPE, "output_file_type"),
    (Option.OUTPUT_MEDIA_ORIENTATION, "output_media_orientation"),
    (Option.OUTPUT_MEDIA_ASPECT_RATIO, "output_media_aspect_ratio"),
)
_said_before_functions = attrgetter(*(name for _, name in _FROM_CONFIG))
_said_after_functions = attrgetter(*(name for _, name in _AFTER_FUNCTIONS))
_DOCUMENTS = frozenset(
    (
        "application/pdf",
        "application/msword",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/vnd.ms-excel",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.ms-powerpoint",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "application/vnd.oasis.opendocument.text",
        "application/vnd.oasis.opendocument.spreadsheet",
    )
)
_BY_FAMILY = {
    "image": Modality.IMAGE,
    "audio": Modality.AUDIO,
    "video": Modality.VIDEO,
    "text": Modality.DOCUMENT,
}
_COLLECTIONS = (list, tuple, Mapping)
_TEXT_IN = RequiredOption(Option.INPUT_MODALITIES, (Modality.TEXT,))
_TEXT_OUT = RequiredOption(Option.OUTPUT_MODALITIES, (Modality.TEXT,))
_CALLS_FUNCTIONS = RequiredOption(Option.FUNCTION_DECLARATIONS, True)
_SEARCHES = RequiredOption(Option.WEB_SEARCH, True)


def infer(
    capability: Capability, messages: Sequence[Message], config: ModelConfig
) -> ModelRequirements:
    """What a model needs to answer ``messages`` as ``config`` says.

    What is set counts, also where it is 0, False or empty. A voice is never a requirement.
    """
    capabilities = (capability, Capability.CHAT_HISTORY) if len(messages) > 1 else (capability,)
    has_calls, modalities = _seen(messages)
    options = _options(config, has_calls=has_calls)
    if modalities == (Modality.TEXT,):
        options.append(_TEXT_IN)
    elif modalities:
        options.append(RequiredOption(Option.INPUT_MODALITIES, modalities))
    return ModelRequirements(capabilities, tuple(options))


def are_met_by(requirements: ModelRequirements, model: ModelMetadata) -> bool:
    """Whether ``model`` has every capability and every option, with its value, that is needed."""
    able = all(each in model.capabilities for each in requirements.capabilities)
    return able and all(_is_met(each, model) for each in requirements.options)


def unmet_by(requirements: ModelRequirements, model: ModelMetadata) -> tuple[str, ...]:
    """What ``model`` lacks, in words: capabilities and options, with the values needed."""
    lacking = [each.value for each in requirements.capabilities if each not in model.capabilities]
    lacking += [described(each) for each in requirements.options if not _is_met(each, model)]
    return tuple(lacking)


def tuning_unmet_by(requirements: ModelRequirements, model: ModelMetadata) -> tuple[Option, ...]:
    """The tuning that ``model`` refuses, where it lacks nothing else; empty where it lacks more."""
    if any(each not in model.capabilities for each in requirements.capabilities):
        return ()
    unmet = tuple(each.name for each in requirements.options if not _is_met(each, model))
    return unmet if TUNING.issuperset(unmet) else ()


def is_more_than_text(requirements: ModelRequirements) -> bool:
    """Whether something is asked for that many text models do not do.

    That is any input but text, several answers, or probabilities. Functions and answers by a schema
    are usual.
    """
    return any(
        each.value != (Modality.TEXT,)
        if each.name is Option.INPUT_MODALITIES
        else each.value not in (None, 1)
        if each.name is Option.CANDIDATE_COUNT
        else each.name in (Option.LOGPROBS, Option.TOP_LOGPROBS)
        for each in requirements.options
    )


def described(option: RequiredOption) -> str:
    """A required option in words: its name, and of modalities and types which."""
    if option.name in (Option.INPUT_MODALITIES, Option.OUTPUT_MODALITIES):
        return f"{option.name.value} {' + '.join(option.value) or 'none'}"
    if option.name is Option.OUTPUT_MIME_TYPE:
        return f"{option.name.value} {option.value}"
    return option.name.value


def _options(config: ModelConfig, *, has_calls: bool) -> list[RequiredOption]:
    options: list[RequiredOption] = []
    if config.output_modalities is not None:
        if config.output_modalities == (Modality.TEXT,):
            options.append(_TEXT_OUT)
        else:
            options.append(RequiredOption(Option.OUTPUT_MODALITIES, config.output_modalities))
    if config.system_instruction:
        said = "".join(
            part.content for part in config.system_instruction if isinstance(part.content, str)
        )
        options.append(RequiredOption(Option.SYSTEM_INSTRUCTION, said))
    options += _said(_FROM_CONFIG, _said_before_functions(config))
    if has_calls or config.function_declarations is not None:
        options.append(_CALLS_FUNCTIONS)
    if config.web_search is not None:
        options.append(_SEARCHES)
    options += _said(_AFTER_FUNCTIONS, _said_after_functions(config))
    for key, value in config.custom_options.items():
        options.append(RequiredOption(Option.CUSTOM_OPTIONS, {key: value}))
    return options


def _said(
    options: tuple[tuple[Option, str], ...], values: tuple[JsonValue, ...]
) -> Sequence[RequiredOption]:
    """Those of ``options`` that are set; most prompts set none."""
    if values.count(None) == len(values):
        return ()
    return [
        RequiredOption(option, value)
        for (option, _), value in zip(options, values, strict=True)
        if value is not None
    ]


def _seen(messages: Sequence[Message]) -> tuple[bool, tuple[Modality, ...]]:
    """Whether a function is called or answered, and the modalities in order of appearance."""
    has_calls = False
    found: dict[Modality, None] = {}
    for message in messages:
        for part in message.parts:
            content = part.content
            if isinstance(content, str):
                found[Modality.TEXT] = None
            elif isinstance(content, File):
                if (modality := _modality_of(content.mime_type)) is not None:
                    found[modality] = None
            elif isinstance(content, FunctionCall | FunctionResponse):
                has_calls = True
    return has_calls, tuple(found)


def _modality_of(mime_type: str) -> Modality | None:
    if mime_type in _DOCUMENTS:
        return Modality.DOCUMENT
    return _BY_FAMILY.get(mime_type.partition("/")[0])


def _is_met(required: RequiredOption, model: ModelMetadata) -> bool:
    name = required.name
    for supported in reversed(model.options):
        if supported.name is name:
            values = supported.values
            return values is None or (bool(values) and _is_among(required.value, values))
    return False


def _is_among(value: JsonValue, supported: tuple[JsonValue, ...]) -> bool:
    if _is_words(value):
        # Words equal nothing but words: what is most often asked for needs no closer look.
        if value in supported:
            return True
        words = sorted(value)
        return any(_is_words(each) and sorted(each) == words for each in supported)
    if not isinstance(value, _COLLECTIONS):
        wanted = _identity(value)
        return any(_identity(each) == wanted for each in supported)
    members = _members(value)
    alike = (each for each in supported if isinstance(each, _COLLECTIONS))
    return any(len(each) == len(value) and _members(each) == members for each in alike)


def _is_words(value: JsonValue) -> bool:
    return type(value) is tuple and value != () and all(isinstance(each, str) for each in value)


def _members(value: JsonValue) -> Counter[object]:
    values = value.values() if isinstance(value, Mapping) else value
    return Counter(map(_identity, values))


def _identity(value: JsonValue) -> object:
    """Something that equals that of another value only where type and value are the same."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Mapping):
        return (dict, tuple((key, _identity(each)) for key, each in value.items()))
    if isinstance(value, list | tuple):
        return (list, tuple(map(_identity, value)))
    return (type(value), value)
