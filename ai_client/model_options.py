"""The options that kinds of models have, as sets for the providers' tables.

What a wire format leaves out with a warning, such as ``top_k`` in OpenAI's, its models do not have.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from ai_client.capabilities import (
    FileType,
    MediaOrientation,
    Modality,
    Option,
    SupportedOption,
    modality_combinations,
)

Modalities: TypeAlias = tuple[Modality, ...]

TEXT_TYPES = ("text/plain", "application/json")

SAMPLING = (Option.TEMPERATURE, Option.TOP_P)
PENALTIES = (Option.PRESENCE_PENALTY, Option.FREQUENCY_PENALTY)
PROBABILITIES = (Option.LOGPROBS, Option.TOP_LOGPROBS)

_TEXT = (
    Option.SYSTEM_INSTRUCTION,
    Option.CANDIDATE_COUNT,
    Option.MAX_TOKENS,
    *SAMPLING,
    Option.TOP_K,
    Option.STOP_SEQUENCES,
    *PENALTIES,
    *PROBABILITIES,
    Option.FUNCTION_DECLARATIONS,
    Option.OUTPUT_SCHEMA,
    Option.CUSTOM_OPTIONS,
)


REASONING = (*SAMPLING, *PENALTIES, *PROBABILITIES, Option.STOP_SEQUENCES)
"""What models that think before they answer usually refuse."""


def text_options(
    *inputs: Modality,
    without: Iterable[Option] = (),
    outputs: tuple[Modalities, ...] = ((Modality.TEXT,),),
    mime_types: Sequence[str] = TEXT_TYPES,
    candidates: Sequence[int] | None = None,
    others: Iterable[Option] = (),
) -> tuple[SupportedOption, ...]:
    """Of a model that writes: takes text, each of ``inputs``, and all of their combinations.

    ``candidates`` are the numbers of answers that it gives at once; None: any. ``others`` are
    further options, with any value.
    """
    taken = modality_combinations(optional=(Modality.TEXT, *inputs))[1:]
    left_out = frozenset(without)
    counts = None if candidates is None else tuple(candidates)
    return (
        *(
            SupportedOption(each, counts if each is Option.CANDIDATE_COUNT else None)
            for each in _TEXT
            if each not in left_out
        ),
        *(SupportedOption(each) for each in others),
        SupportedOption(Option.OUTPUT_MIME_TYPE, tuple(mime_types)),
        # Last, because they are looked for most often, and from the end.
        SupportedOption(Option.INPUT_MODALITIES, taken),
        SupportedOption(Option.OUTPUT_MODALITIES, outputs),
    )


def media_options(
    output: Modality,
    *inputs: Modality,
    mime_types: Sequence[str] | None = None,
    ratios: Sequence[str] = (),
    orientations: Sequence[MediaOrientation] = (),
    file_types: Sequence[FileType] = (FileType.INLINE,),
    candidates: Sequence[int] | None = None,
    others: Iterable[Option] = (),
) -> tuple[SupportedOption, ...]:
    """Of a model that makes ``output`` from text, with or without ``inputs`` beside it.

    ``mime_types`` and ``candidates`` None: any. ``others`` are further options, with any value.
    """
    limited = {
        Option.INPUT_MODALITIES: modality_combinations(Modality.TEXT, optional=inputs),
        Option.OUTPUT_MODALITIES: ((output,),),
        Option.OUTPUT_MIME_TYPE: mime_types,
        Option.OUTPUT_FILE_TYPE: file_types,
        Option.OUTPUT_MEDIA_ORIENTATION: orientations,
        Option.OUTPUT_MEDIA_ASPECT_RATIO: ratios,
        Option.CANDIDATE_COUNT: candidates,
    }
    return (
        *(
            SupportedOption(each, None if values is None else tuple(values))
            for each, values in limited.items()
            if values is None or values
        ),
        SupportedOption(Option.CUSTOM_OPTIONS),
        *(SupportedOption(each) for each in others),
    )


EMBEDDING_OPTIONS = (
    SupportedOption(Option.INPUT_MODALITIES, ((Modality.TEXT,),)),
    SupportedOption(Option.CUSTOM_OPTIONS),
)
"""Of a model that turns texts into vectors."""

GENERIC_TEXT = (
    *(SupportedOption(each) for each in _TEXT),
    SupportedOption(Option.OUTPUT_MIME_TYPE, TEXT_TYPES),
    SupportedOption(
        Option.INPUT_MODALITIES,
        modality_combinations(
            optional=(Modality.TEXT, Modality.IMAGE, Modality.DOCUMENT, Modality.AUDIO)
        )[1:],
    ),
    SupportedOption(Option.OUTPUT_MODALITIES, ((Modality.TEXT,),)),
)
"""Of a model of which nothing is known: whatever can be asked of a text model.

Video only those take that are known to.
"""
